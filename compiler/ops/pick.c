/*
 * pick.c: what the gathers and scatters of computed indices become: Pick, which
 * reads an element of [outer, places, inner] for each index, and Place, which
 * writes one, adds to it, or multiplies it.
 *
 * Each is the other's gradient.  Place has one owner for each (outer, inner),
 * which takes its updates in their order, so no two write at one place, and of
 * several updates of one element the last stays.
 *
 * With x [outer, places, inner]: y[o, k, i] = x[o, place(k), i], so dx[o, p,
 * i] = sum of dy[o, k, i] over the k with place(k) = p, which is a Place that
 * adds to zeros.
 */
#include "compiler/ops/pick.h"

#include <math.h>
#include <string.h>

#include "compiler/lower.h"

enum { FORM, DIM, REDUCTION };
enum { X, INDEX, U }; /* u [outer, count, inner] */

static const struct attr_spec attrs[] = {
    [FORM] = {"form", ATTR_INT, {0}, "each, rows or shared", true, true},
    [DIM] = {"dim", ATTR_INTS, {0}, "of the places", true, true},
    [REDUCTION] = {"reduction", ATTR_INT, {0}, "put, add or mul", false, true},
    {0},
};

/* How many indices there are for each of the outer dimension. */
static int64_t count_of(const struct node *n, const struct type *index)
{
    return index->dim[n->attr[FORM].i == PICK_SHARED ? 0 : 1];
}

/* Pick gives [outer, count, inner], Place x's own type. */
static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct type *index = type_of(g, n->in[INDEX]);

    *y = *type_of(g, n->in[X]);
    for (int d = 0; d < n->attr[DIM].ints.n; d++)
        if (n->attr[DIM].ints.v[d] > INT32_MAX)
            return reject(g, n, "a dimension of %s is too large",
                          type_text(g->arena, y));
    if (n->op == &op_Pick)
        y->dim[1] = count_of(n, index);
    return true;
}

/* ---- references ---- */

/* Which of the places index k of (o, i) names, or -1.  An index below 0 counts
 * from the end; coordinates are joined, the last one fastest. */
static int64_t place_of(const struct node *n, const struct tensor *index,
                        int64_t o, int64_t k, int64_t i)
{
    const struct ints *dim = &n->attr[DIM].ints;
    int64_t count = count_of(n, &index->type), place = 0, at = k * dim->n;

    if (n->attr[FORM].i == PICK_EACH)
        at = (o * count + k) * index->type.dim[2] + i;
    else if (n->attr[FORM].i == PICK_ROWS)
        at = (o * count + k) * dim->n;
    for (int d = 0; d < dim->n; d++) {
        double v = index->data[at + d];

        v += v < 0 ? (double)dim->v[d] : 0;
        if (!(v >= 0 && v < (double)dim->v[d]))
            return -1;
        place = place * dim->v[d] + (int64_t)v;
    }
    return place;
}

/* A place that is not there gives NaN, or 0 where the type has none; never an
 * access. */
static void pick_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    const struct type *x = &in[X].type, *y = &out->type;
    double missing = dtype_is_float(y->dtype) ? NAN : 0;

    (void)env;
    for (int64_t at = 0; at < type_count(y); at++) {
        int64_t i = at % y->dim[2], k = at / y->dim[2] % y->dim[1];
        int64_t o = at / y->dim[2] / y->dim[1];
        int64_t place = place_of(n, &in[INDEX], o, k, i);

        out->data[at] =
            place < 0 ? missing
                      : in[X].data[(o * x->dim[1] + place) * x->dim[2] + i];
    }
}

/* Updates in the order of k: with PICK_PUT the last one stays. */
static void place_ref(const struct node *n, const struct ref_env *env,
                      const struct tensor *in, struct tensor *out)
{
    const struct type *u = &in[U].type;

    (void)env;
    memcpy(out->data, in[X].data,
           (size_t)type_count(&out->type) * sizeof *out->data);
    for (int64_t at = 0; at < type_count(u); at++) {
        int64_t i = at % u->dim[2], k = at / u->dim[2] % u->dim[1];
        int64_t o = at / u->dim[2] / u->dim[1];
        int64_t place = place_of(n, &in[INDEX], o, k, i);
        double *to = out->data + (o * out->type.dim[1] + place) * u->dim[2] + i;

        if (place < 0)
            continue;
        if (n->attr[REDUCTION].i == PICK_ADD)
            *to += in[U].data[at];
        else
            *to = in[U].data[at] * (n->attr[REDUCTION].i == PICK_MUL ? *to : 1);
    }
}

static void lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[X]);
    const struct type *index = type_of(lo->graph, n->in[INDEX]);
    struct pick_problem p = {
        .outer = x->dim[0],
        .count = count_of(n, index),
        .inner = x->dim[2],
        .rank = n->attr[DIM].ints.n,
        .form = (enum pick_form)n->attr[FORM].i,
        .reduction = (enum pick_reduction)n->attr[REDUCTION].i,
        .dtype = x->dtype,
        .index = index->dtype};

    for (int d = 0; d < p.rank; d++)
        p.dim[d] = n->attr[DIM].ints.v[d];
    lower_call(lo, n->op == &op_Pick ? kernels_pick : kernels_place, &p, n);
}

/* ---- gradients ---- */

/* The node `like` with another op and other operands. */
static val with(struct graph *g, const struct op *op, const struct node *like,
                const val *in, enum pick_reduction reduction)
{
    union attr attr[] = {[FORM] = like->attr[FORM],
                         [DIM] = like->attr[DIM],
                         [REDUCTION] = {.i = (int64_t)reduction}};

    return graph_add(g, op, in, op == &op_Pick ? 2 : 3, attr);
}

static void pick_grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct node *n = graph_node(g, y);
    val zero = val_fill(g, type_of(g, n->in[X]), 0);

    dx[X] = with(g, &op_Place, n, (val[]){zero, n->in[INDEX], dy[0]}, PICK_ADD);
}

/* Of several updates of one element only the last is in the result: which one,
 * is found by placing their numbers. */
static val of_the_last(struct graph *g, const struct node *n, val du)
{
    struct type none = *type_of(g, n->in[X]), number = {.dtype = DT_F32};
    const struct type *u = type_of(g, n->in[U]);
    struct type all = *u;
    double *k = ARENA_NEW(g->arena, double, (size_t)u->dim[1]);
    val own, last, same;

    none.dtype = all.dtype = DT_F32;
    number.rank = 3;
    number.dim[0] = number.dim[2] = 1;
    number.dim[1] = u->dim[1];
    for (int64_t i = 0; i < u->dim[1]; i++)
        k[i] = (double)i;
    own = val_add(g, val_fill(g, &all, 0), graph_constant(g, &number, k));
    last = with(g, &op_Place, n,
                (val[]){val_fill(g, &none, -1), n->in[INDEX], own}, PICK_PUT);
    last = with(g, &op_Pick, n, (val[]){last, n->in[INDEX]}, PICK_PUT);
    same = graph_add(g, &op_Equal, (val[]){last, own}, 2, NULL);
    return graph_add(g, &op_Where, (val[]){same, du, val_scalar(g, 0)}, 3,
                     NULL);
}

/* Add: dx = dy, du = dy at the places.  Mul, with y = x u1 u2...: dx = dy u1
 * u2..., du = dy y / u, which wants u other than 0.  Put: dx is 0 where an
 * update stands, and only the last update of an element has a gradient. */
static void place_grad(struct graph *g, val y, const val *up, val *dx)
{
    const struct node *n = graph_node(g, y);
    enum pick_reduction reduction = (enum pick_reduction)n->attr[REDUCTION].i;
    val dy = up[0], index = n->in[INDEX], u = n->in[U];

    if (reduction == PICK_MUL) {
        val part = with(g, &op_Pick, n, (val[]){val_mul(g, dy, y), index},
                        PICK_PUT);

        dx[X] = with(g, &op_Place, n, (val[]){dy, index, u}, PICK_MUL);
        dx[U] = val_div(g, part, u);
        return;
    }
    dx[X] = dy;
    dx[U] = with(g, &op_Pick, n, (val[]){dy, index}, PICK_PUT);
    if (reduction == PICK_ADD)
        return;
    dx[X] = with(g, &op_Place, n,
                 (val[]){dy, index, val_fill(g, type_of(g, u), 0)}, PICK_PUT);
    dx[U] = of_the_last(g, n, dx[U]);
}

const struct op op_Pick = {
    .name = "Pick",
    .doc = "elements by indices that are data",
    .min_in = 2,
    .nin = 2,
    .attr = attrs,
    .infer = infer,
    .grad = pick_grad,
    .ref = pick_ref,
    .lower = lower,
    .internal = true,
};

const struct op op_Place = {
    .name = "Place",
    .doc = "elements put, added or multiplied where indices say",
    .min_in = 3,
    .nin = 3,
    .attr = attrs,
    .infer = infer,
    .grad = place_grad,
    .ref = place_ref,
    .lower = lower,
    .inplace = {X + 1},
    .internal = true,
};

/* ---- builders ---- */

static void set_attrs(struct graph *g, const struct pick *p,
                      enum pick_reduction reduction, union attr *attr)
{
    attr[FORM] = (union attr){.i = (int64_t)p->form};
    attr[DIM] = (union attr){.ints = ints_copy(g, p->dim, p->rank)};
    attr[REDUCTION] = (union attr){.i = (int64_t)reduction};
}

val val_pick(struct graph *g, const struct pick *p, val x, val index)
{
    union attr attr[3];

    set_attrs(g, p, PICK_PUT, attr);
    return graph_add(g, &op_Pick, (val[]){x, index}, 2, attr);
}

val val_place(struct graph *g, const struct pick *p,
              enum pick_reduction reduction, const val *in)
{
    union attr attr[3];

    set_attrs(g, p, reduction, attr);
    return graph_add(g, &op_Place, in, 3, attr);
}

bool pick_index_fits(struct graph *g, const struct type *t)
{
    if (t->dtype == DT_I32 || t->dtype == DT_I64)
        return true;
    return reject_here(g, "indices are %s, wanted i32 or i64",
                       dtype_name(t->dtype));
}

bool pick_reduction_read(struct graph *g, const char *s,
                         enum pick_reduction *reduction)
{
    static const char *const name[] = {
        [PICK_PUT] = "none", [PICK_ADD] = "add", [PICK_MUL] = "mul"};

    for (int i = 0; i < 3; i++)
        if (strcmp(s, name[i]) == 0) {
            *reduction = (enum pick_reduction)i;
            return true;
        }
    return reject_here(g, "reduction is \"%s\", wanted none, add or mul", s);
}
