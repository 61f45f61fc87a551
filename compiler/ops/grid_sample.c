/*
 * grid_sample.c: GridSample as in ONNX and PyTorch: an image's values at places
 * that a grid names, and its gradients, for the image and for the places.
 *
 * Along each dimension a place has one, two or four neighbours with weights.
 *
 * A place c in [-1, 1] along a dimension of S pixels is pixel (c + 1) (S - 1)
 * / 2 with align_corners, else (c + 1) S / 2 - 1/2 (ONNX, GridSample).  With
 * weights w along both dimensions y = sum w_y w_x x, so dx sums w_y w_x dy,
 * and the place's gradient has the slope of w along the one dimension and w
 * along the other.
 */
#include <math.h>
#include <string.h>

#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/grid.h"

enum { ALIGN_CORNERS, MODE, PADDING_MODE, SIZES };
enum { X, GRID, DY }; /* x [N,C,H,W], grid [N,h,w,2], dy [N,C,h,w] */

#define GRID_ATTRS                                                          \
    [ALIGN_CORNERS] = {"align_corners",                                     \
                       ATTR_BOOL,                                           \
                       {0},                                                 \
                       "-1 and 1 are the middles of the outer pixels, not " \
                       "their ends",                                        \
                       false,                                               \
                       false},                                              \
    [MODE] = {"mode",                                                       \
              ATTR_STRING,                                                  \
              {.s = "bilinear"},                                            \
              "nearest, bilinear or bicubic",                               \
              false,                                                        \
              false},                                                       \
    [PADDING_MODE] = {"padding_mode", ATTR_STRING,                          \
                      {.s = "zeros"}, "zeros, border or reflection",        \
                      false,          false}

static const struct attr_spec attrs[] = {GRID_ATTRS, {0}};
static const struct attr_spec x_attrs[] = {
    GRID_ATTRS,
    [SIZES] = {"sizes", ATTR_INTS, {0}, "of the image", true, true},
    {0},
};

/* Index of a word in a list, or -1. */
static int word_at(const char *const *list, const char *s)
{
    for (int i = 0; list[i]; i++)
        if (strcmp(list[i], s) == 0)
            return i;
    return -1;
}

static const char *const modes[] = {[GRID_NEAREST] = "nearest",
                                    [GRID_BILINEAR] = "bilinear",
                                    [GRID_BICUBIC] = "bicubic",
                                    NULL};
static const char *const paddings[] = {[GRID_ZEROS] = "zeros",
                                       [GRID_BORDER] = "border",
                                       [GRID_REFLECTION] = "reflection",
                                       NULL};

static struct grid_problem problem(const struct node *n, const struct type *x,
                                   const struct type *grid)
{
    return (struct grid_problem){
        .N = x->dim[0],
        .C = x->dim[1],
        .H = x->dim[2],
        .W = x->dim[3],
        .P = grid->dim[1] * grid->dim[2],
        .mode = (enum grid_mode)word_at(modes, n->attr[MODE].s),
        .padding = (enum grid_padding)word_at(paddings,
                                              n->attr[PADDING_MODE].s),
        .align_corners = n->attr[ALIGN_CORNERS].i};
}

/* The grid's last dimension is (x, y), columns first. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *x = type_of(g, n->in[X]),
                      *grid = type_of(g, n->in[GRID]);

    if (x->dtype != DT_F32 || grid->dtype != DT_F32)
        return reject(g, n, "operands are %s and %s, wanted f32",
                      dtype_name(x->dtype), dtype_name(grid->dtype));
    if (x->rank != 4 || grid->rank != 4 || grid->dim[3] != 2 ||
        grid->dim[0] != x->dim[0] || grid->batch != x->batch || x->batch > 1)
        return reject(g, n,
                      "input is %s and grid %s, wanted [N,C,H,W] and "
                      "[N,H,W,2]",
                      type_text(g->arena, x), type_text(g->arena, grid));
    if (word_at(modes, n->attr[MODE].s) < 0)
        return reject(g, n, "mode is \"%s\", wanted %s", n->attr[MODE].s,
                      attrs[MODE].doc);
    if (word_at(paddings, n->attr[PADDING_MODE].s) < 0)
        return reject(g, n, "padding_mode is \"%s\", wanted %s",
                      n->attr[PADDING_MODE].s, attrs[PADDING_MODE].doc);
    *y = *x;
    y->dim[2] = grid->dim[1];
    y->dim[3] = grid->dim[2];
    if (type_count(x) <= UINT32_MAX && type_count(y) <= UINT32_MAX &&
        type_count(grid) <= UINT32_MAX)
        return true;
    return reject(g, n, "%s is too large", type_text(g->arena, y));
}

/* ---- neighbours ---- */

/* Along one dimension; at is -1 where there is none. */
struct line {
    int taps;
    int64_t at[4];
    double weight[4], slope[4];
};

/* Beyond the image, back into it; the slope is turned or becomes 0. */
static double inside(const struct grid_problem *p, double v, int64_t size,
                     double *sign)
{
    double last = (double)(size - 1), low = p->align_corners ? 0 : -0.5;
    double span = p->align_corners ? last : (double)size;

    *sign = 1;
    if (p->padding == GRID_ZEROS)
        return v;
    if (p->padding == GRID_REFLECTION) {
        double far = fabs(v - low);
        bool turned = span > 0 && fmod(floor(far / span), 2) != 0;

        *sign = (v < low) != turned ? -1 : 1;
        v = span > 0 ? fmod(far, span) : 0;
        v = span > 0 ? (turned ? span - v : v) + low : 0;
    }
    if (v <= 0 || v >= last)
        *sign = 0;
    return fmin(fmax(v, 0), last);
}

/* -1 beyond the image, which counts as 0 there. */
static int64_t index_of(double v, int64_t size)
{
    return v >= 0 && v <= (double)(size - 1) ? (int64_t)v : -1;
}

/* Keys' kernel with -0.75, and its slope for distances above 0.  Keys, "Cubic
 * convolution interpolation for digital image processing" (1981); PyTorch's
 * and ONNX's a. */
static double keys(double d)
{
    const double a = -0.75;

    return d < 1 ? ((a + 2) * d - (a + 3)) * d * d + 1
                 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}

static double keys_slope(double d)
{
    const double a = -0.75;

    return d < 1 ? (3 * (a + 2) * d - 2 * (a + 3)) * d
                 : (3 * a * d - 10 * a) * d + 8 * a;
}

/* Slopes are of c, so they have the scale; a cubic's neighbours are each taken
 * back into the image, a line's place as a whole. */
static struct line line_at(const struct grid_problem *p, double c, int64_t size)
{
    double scale = (p->align_corners ? (double)(size - 1) : (double)size) / 2;
    double from = (c + 1) * scale - (p->align_corners ? 0 : 0.5), sign, low, t;
    struct line l = {.taps = p->mode == GRID_BICUBIC ? 4 : 2};

    if (p->mode != GRID_BICUBIC)
        from = inside(p, from, size, &sign);
    if (p->mode == GRID_NEAREST) {
        l.taps = 1;
        l.at[0] = index_of(nearbyint(from), size);
        l.weight[0] = 1;
        return l;
    }
    low = floor(from);
    t = from - low;
    for (int i = 0; i < l.taps; i++) {
        int behind = i + 1 - l.taps / 2;
        double j = behind, side = j > 0 ? -1 : 1, none;

        if (l.taps == 4) {
            l.at[i] = index_of(inside(p, low + j, size, &none), size);
            l.weight[i] = keys(fabs(t - j));
            l.slope[i] = scale * side * keys_slope(fabs(t - j));
        } else {
            l.at[i] = index_of(low + j, size);
            l.weight[i] = 1 - fabs(t - j);
            l.slope[i] = -scale * side * sign;
        }
    }
    return l;
}

/* ---- references ---- */

/* Calls f for each place, channel and pair of neighbours: elements of the
 * image, of y, and of the grid's x. */
struct visit {
    const struct grid_problem *p;
    const double *grid;
    double *out;
    const double *x, *dy;
};

typedef void visit_fn(struct visit *, const int64_t *at, const struct line *lx,
                      const struct line *ly, const int *tap);

static void visit_pairs(struct visit *v, const int64_t *place, visit_fn *f)
{
    const struct grid_problem *p = v->p;
    const double *c = v->grid + place[2];
    const struct line lx = line_at(p, c[0], p->W), ly = line_at(p, c[1], p->H);

    for (int k = 0; k < ly.taps * lx.taps; k++) {
        const int tap[] = {k % lx.taps, k / lx.taps};
        int64_t x = lx.at[tap[0]], y = ly.at[tap[1]];
        const int64_t at[] = {place[0] + y * p->W + x, place[1], place[2]};

        if (x >= 0 && y >= 0)
            f(v, at, &lx, &ly, tap);
    }
}

static void visit_all(struct visit *v, visit_fn *f)
{
    const struct grid_problem *p = v->p;

    for (int64_t nc = 0; nc < p->N * p->C; nc++)
        for (int64_t i = 0; i < p->P; i++)
            visit_pairs(v,
                        (int64_t[]){nc * p->H * p->W, nc * p->P + i,
                                    (nc / p->C * p->P + i) * 2},
                        f);
}

static void add_value(struct visit *v, const int64_t *at, const struct line *lx,
                      const struct line *ly, const int *tap)
{
    v->out[at[1]] += ly->weight[tap[1]] * lx->weight[tap[0]] * v->x[at[0]];
}

static void add_image(struct visit *v, const int64_t *at, const struct line *lx,
                      const struct line *ly, const int *tap)
{
    v->out[at[0]] += ly->weight[tap[1]] * lx->weight[tap[0]] * v->dy[at[1]];
}

static void add_place(struct visit *v, const int64_t *at, const struct line *lx,
                      const struct line *ly, const int *tap)
{
    double d = v->x[at[0]] * v->dy[at[1]];

    v->out[at[2]] += ly->weight[tap[1]] * lx->slope[tap[0]] * d;
    v->out[at[2] + 1] += ly->slope[tap[1]] * lx->weight[tap[0]] * d;
}

static void clear(struct tensor *out)
{
    memset(out->data, 0, (size_t)type_count(&out->type) * sizeof *out->data);
}

static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    const struct grid_problem p = problem(n, &in[X].type, &in[GRID].type);
    struct visit v = {&p, in[GRID].data, out->data, in[X].data, NULL};

    (void)env;
    clear(out);
    visit_all(&v, add_value);
}

static void x_ref(const struct node *n, const struct ref_env *env,
                  const struct tensor *in, struct tensor *out)
{
    const struct grid_problem p = problem(n, &out->type, &in[0].type);
    struct visit v = {&p, in[0].data, out->data, NULL, in[1].data};

    (void)env;
    clear(out);
    visit_all(&v, add_image);
}

static void places_ref(const struct node *n, const struct ref_env *env,
                       const struct tensor *in, struct tensor *out)
{
    const struct grid_problem p = problem(n, &in[X].type, &in[GRID].type);
    struct visit v = {&p, in[GRID].data, out->data, in[X].data, in[DY].data};

    (void)env;
    clear(out);
    visit_all(&v, add_place);
}

/* ---- lowering, gradients ---- */

static void lower(struct lower *lo, const struct node *n)
{
    const struct grid_problem p = problem(n, type_of(lo->graph, n->in[X]),
                                          type_of(lo->graph, n->in[GRID]));

    lower_call(lo, n->op == &op_GridSample ? kernels_grid : kernels_grid_places,
               &p, n);
}

static void x_lower(struct lower *lo, const struct node *n)
{
    const struct grid_problem p = problem(n, &n->type,
                                          type_of(lo->graph, n->in[0]));

    lower_call(lo, kernels_grid_x, &p, n);
}

static bool x_infer(struct graph *g, const struct node *n, struct type *y)
{
    *y = *type_of(g, n->in[1]);
    y->dim[2] = n->attr[SIZES].ints.v[0];
    y->dim[3] = n->attr[SIZES].ints.v[1];
    return true;
}

static bool places_infer(struct graph *g, const struct node *n, struct type *y)
{
    *y = *type_of(g, n->in[GRID]);
    return true;
}

/* Nearest is constant almost everywhere: its places have no gradient. */
static void grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    const union attr attr[] = {
        [ALIGN_CORNERS] = n->attr[ALIGN_CORNERS],
        [MODE] = n->attr[MODE],
        [PADDING_MODE] = n->attr[PADDING_MODE],
        [SIZES] = {.ints = ints_copy(g, type_of(g, n->in[X])->dim + 2, 2)}};

    dx[X] = graph_add(g, &op_GridSampleGradX, (val[]){n->in[GRID], dy[0]}, 2,
                      attr);
    if (strcmp(n->attr[MODE].s, "nearest") != 0)
        dx[GRID] = graph_add(g, &op_GridSampleGradGrid,
                             (val[]){n->in[X], n->in[GRID], dy[0]}, 3, attr);
}

static const char *const names[] = {"X", "grid", NULL};

const struct op op_GridSample = {
    .name = "GridSample",
    .doc = "an image's values at places that a grid names",
    .min_in = 2,
    .nin = 2,
    .attr = attrs,
    .in_name = names,
    .types = "f32",
    .infer = infer,
    .grad = grad,
    .lower = lower,
    .ref = ref,
};

const struct op op_GridSampleGradX = {
    .name = "GridSampleGradX",
    .doc = "gradient of the image of a GridSample",
    .min_in = 2,
    .nin = 2,
    .attr = x_attrs,
    .infer = x_infer,
    .lower = x_lower,
    .ref = x_ref,
    .internal = true,
};

const struct op op_GridSampleGradGrid = {
    .name = "GridSampleGradGrid",
    .doc = "gradient of the places of a GridSample",
    .min_in = 3,
    .nin = 3,
    .attr = attrs,
    .infer = places_infer,
    .lower = lower,
    .ref = places_ref,
    .internal = true,
};
