/*
 * conv.c: the ways to run conv.cl, conv_cpu.cl and conv_grad_w_cpu.cl.
 *
 * Whether a candidate fits, and its order of sums, do not depend on N: a
 * micro-batch takes the same kernel as the whole batch.
 */
#include <math.h>

#include "kernels/conv_sum.h"

/* Floats of a band, to stay in cache. */
enum { BAND_FLOATS = 32768 };
/* Pixels that a weight gradient takes at once, at most; and those of a group for
 * which packing weights counts. */
enum { MAX_CHUNK = 256, FEW_PIXELS = 256 };

/* Columns of registers in a tile of 16 * vecs channels, and its rows. */
struct tile {
    int64_t vecs, rows;
};

static int64_t ceil_div(int64_t n, int64_t by)
{
    return (n + by - 1) / by;
}

static int64_t round_up(int64_t n, int64_t to)
{
    return ceil_div(n, to) * to;
}

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The widest of the tiles that waste the fewest channels. */
static struct tile tile_for(int64_t channels)
{
    static const int rows[] = {0, 12, 10, 8, 6};
    struct tile t = {1, rows[1]};

    for (int v = 2; v <= 4; v++)
        if (round_up(channels, 16 * v) <= round_up(channels, 16 * t.vecs))
            t = (struct tile){v, rows[v]};
    return t;
}

/* Products of one element of y. */
static int64_t taps(const struct conv_problem *p)
{
    return p->R * p->S * (p->C / p->group);
}

static double flop(const struct conv_problem *p)
{
    return 2.0 * (double)(p->N * p->P * p->Q * p->K) * (double)taps(p);
}

static double x_bytes(const struct conv_problem *p)
{
    return (double)(p->N * p->H * p->W * p->C) * (double)dtype_bytes(p->x);
}

static double y_bytes(const struct conv_problem *p)
{
    return (double)(p->N * p->P * p->Q * p->K) * (double)dtype_bytes(p->y);
}

static double w_elements(const struct conv_problem *p)
{
    return (double)(taps(p) * p->K);
}

void conv_types(const struct conv_problem *p, struct launch *l)
{
    launch_option(l, "X=%s", dtype_name(p->x));
    launch_option(l, "F=%s", dtype_name(p->w));
    launch_option(l, "Y=%s", dtype_name(p->y));
}

void conv_costs(const struct conv_problem *p, struct launch *l)
{
    l->flop = flop(p);
    l->bytes = x_bytes(p) + y_bytes(p) + 4 * w_elements(p);
}

bool conv_small(int64_t a, int64_t b, int64_t c)
{
    return (double)a * (double)b * (double)c < INT32_MAX;
}

static void plain(const struct conv_problem *p, const struct device_info *dev,
                  struct launch *l)
{
    const int64_t size[] = {p->H, p->W, p->C, p->K, p->R, p->S, p->P, p->Q};

    l->source = "conv.cl";
    conv_types(p, l);
    for (int i = 0; i < 8; i++)
        launch_i32(l, size[i]);
    for (int i = 0; i < 2; i++)
        launch_i32(l, p->stride[i]);
    for (int i = 0; i < 2; i++)
        launch_i32(l, p->pad[i]);
    for (int i = 0; i < 2; i++)
        launch_i32(l, p->dilation[i]);
    launch_i32(l, p->group);
    conv_costs(p, l);
    l->efficiency = dev->family == FAMILY_CPU ? 0.004 : 0.1;
}

static void item_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct conv_problem *p = problem;

    l->entry = "conv_item";
    launch_grid(l, (uint64_t)(p->N * p->P * p->Q * p->K), 64);
    launch_u32(l, (uint64_t)p->N);
    plain(p, dev, l);
    if (p->bias)
        launch_option(l, "BIAS=1");
}

static void grad_x_item_launch(const void *problem,
                               const struct device_info *dev, struct launch *l)
{
    const struct conv_problem *p = problem;

    l->entry = "conv_grad_x_item";
    launch_grid(l, (uint64_t)(p->N * p->H * p->W * p->C), 64);
    launch_u32(l, (uint64_t)p->N);
    plain(p, dev, l);
}

static void grad_w_item_launch(const void *problem,
                               const struct device_info *dev, struct launch *l)
{
    const struct conv_problem *p = problem;

    l->entry = "conv_grad_w_item";
    launch_grid(
        l, (uint64_t)(p->lanes * p->R * p->S * (p->C / p->group) * p->K), 64);
    launch_u32(l, (uint64_t)p->lanes);
    launch_setting(l, SETTING_ROWS);
    launch_setting(l, SETTING_FIRST);
    plain(p, dev, l);
    if (p->accumulate)
        launch_option(l, "ACC=1");
}

/* The slack is what packed weights and tiles hang out behind the last
 * channel. */
static bool cpu_fits(const void *problem, const struct device_info *dev)
{
    const struct conv_problem *p = problem;

    return dev->family == FAMILY_CPU && p->group == 1 &&
           conv_small(p->H, p->W, p->C) && conv_small(p->P, p->Q, p->K) &&
           conv_small(p->R * p->S, p->C + 16, p->K + 64);
}

/* Of a sum over a spread input, what the largest phase has in each dimension
 * (conv_cpu.cl): outputs, taps, and the distance of the taps. */
struct phase {
    int64_t size[2], taps[2], dilation[2];
};

static struct phase largest_phase(const struct conv_sum *s)
{
    const int64_t size[] = {s->OH, s->OW}, taps[] = {s->R, s->S};
    struct phase f;

    for (int i = 0; i < 2; i++) {
        int64_t step = 1;

        while (step * s->dilation[i] % s->up[i])
            step++;
        f.size[i] = ceil_div(size[i], s->up[i]);
        f.taps[i] = ceil_div(taps[i], step);
        f.dilation[i] = step * s->dilation[i] / s->up[i];
    }
    return f;
}

/* Floats of the padded input that `rows` rows of output need; a window of one
 * row, or column, needs no others. */
static int64_t band_floats(const struct conv_sum *s, const struct phase *f,
                           int64_t rows)
{
    const int64_t size[] = {rows, f->size[1]};
    int64_t floats = s->IC;

    for (int i = 0; i < 2; i++)
        floats *= (size[i] - 1) * (f->taps[i] == 1 ? 1 : s->stride[i]) +
                  (f->taps[i] - 1) * f->dilation[i] + 1;
    return floats;
}

/* Every group packs the weights, which is little beside what it does with them
 * for many pixels; else there are no more groups than cores. */
static int64_t groups_for(const struct conv_sum *s,
                          const struct device_info *dev)
{
    int64_t cores = dev->units ? (int64_t)dev->units : CONV_CORES;

    return s->N * s->OH * s->OW < CONV_GROUPS * FEW_PIXELS
               ? min_i64(cores, CONV_GROUPS)
               : CONV_GROUPS;
}

/* Rows of output per band: what the cache takes, less where the samples alone
 * are too few for the groups. */
static int64_t band_rows(const struct conv_sum *s, const struct phase *f)
{
    int64_t rows = min_i64(f->size[0],
                           max_i64(1, s->N * f->size[0] / CONV_GROUPS));

    while (rows > 1 && band_floats(s, f, rows) > BAND_FLOATS)
        rows = (rows + 1) / 2;
    return rows;
}

static void sum_scalars(const struct conv_sum *s, struct launch *l)
{
    const int64_t size[] = {s->IH, s->IW, s->IC, s->OH,
                            s->OW, s->OC, s->R,  s->S};
    const int64_t *const pair[] = {s->stride, s->up, s->pad, s->dilation};

    for (int i = 0; i < 8; i++)
        launch_i32(l, size[i]);
    for (int i = 0; i < 8; i++)
        launch_i32(l, pair[i / 2][i % 2]);
}

/* A group's slice of the workspace has one block of weights and one band, so
 * it does not grow with N. */
static void sum_launch(const struct conv_sum *s, const struct device_info *dev,
                       struct launch *l)
{
    struct tile tile = tile_for(s->OC);
    struct phase f = largest_phase(s);
    int64_t rows = band_rows(s, &f), bands = ceil_div(f.size[0], rows);
    int64_t tasks = s->N * bands;
    int64_t weights = f.taps[0] * f.taps[1] * s->IC * tile.vecs * 16;
    int64_t slice = round_up(weights + band_floats(s, &f, rows), 16);

    l->source = "conv_cpu.cl";
    launch_option(l, "VECS=%d", (int)tile.vecs);
    launch_option(l, "PIXELS=%d", (int)tile.rows);
    launch_grid(l, (uint64_t)min_i64(tasks, groups_for(s, dev)), 1);
    l->workspace = l->global[0] * (uint64_t)slice * sizeof(float);
    sum_scalars(s, l);
    launch_i32(l, bands);
    launch_i32(l, rows);
    launch_u32(l, (uint64_t)tasks);
    launch_i32(l, weights);
    launch_u32(l, (uint64_t)slice);
    l->efficiency = 0.4;
}

/* The sum is the convolution as it stands. */
struct conv_sum conv_forward_sum(const struct conv_problem *p)
{
    struct conv_sum s = {.N = p->N,
                         .IH = p->H,
                         .IW = p->W,
                         .IC = p->C,
                         .OH = p->P,
                         .OW = p->Q,
                         .OC = p->K,
                         .R = p->R,
                         .S = p->S};

    for (int i = 0; i < 2; i++) {
        s.stride[i] = p->stride[i];
        s.up[i] = 1;
        s.pad[i] = p->pad[i];
        s.dilation[i] = p->dilation[i];
    }
    return s;
}

/*
 * A convolution of dy, its pixels `stride` apart, with the weights turned.
 * From h = p stride - pad + r dilation: p stride = h + pad - r dilation, which
 * with r' = R - 1 - r is h - pad' + r' dilation for pad' = (R - 1) dilation -
 * pad, below zero too.
 */
struct conv_sum conv_grad_x_sum(const struct conv_problem *p)
{
    const int64_t kernel[] = {p->R, p->S};
    struct conv_sum s = {.N = p->N,
                         .IH = p->P,
                         .IW = p->Q,
                         .IC = p->K,
                         .OH = p->H,
                         .OW = p->W,
                         .OC = p->C,
                         .R = p->R,
                         .S = p->S};

    for (int i = 0; i < 2; i++) {
        s.stride[i] = 1;
        s.up[i] = p->stride[i];
        s.pad[i] = (kernel[i] - 1) * p->dilation[i] - p->pad[i];
        s.dilation[i] = p->dilation[i];
    }
    return s;
}

static void cpu_launch(const void *problem, const struct device_info *dev,
                       struct launch *l)
{
    const struct conv_problem *p = problem;
    struct conv_sum s = conv_forward_sum(p);

    l->entry = "conv_cpu";
    conv_types(p, l);
    if (p->bias)
        launch_option(l, "BIAS=1");
    sum_launch(&s, dev, l);
    conv_costs(p, l);
}

static void grad_x_cpu_launch(const void *problem,
                              const struct device_info *dev, struct launch *l)
{
    const struct conv_problem *p = problem;
    struct conv_sum s = conv_grad_x_sum(p);

    l->entry = "conv_grad_x_cpu";
    conv_types(p, l);
    sum_launch(&s, dev, l);
    conv_costs(p, l);
}

static void grad_w_scalars(const struct conv_problem *p, struct launch *l)
{
    const int64_t size[] = {p->H, p->W, p->C, p->K, p->R, p->S, p->P, p->Q};
    const int64_t *const pair[] = {p->stride, p->pad, p->dilation};

    for (int i = 0; i < 8; i++)
        launch_i32(l, size[i]);
    for (int i = 0; i < 6; i++)
        launch_i32(l, pair[i / 2][i % 2]);
    launch_u32(l, (uint64_t)p->lanes);
    launch_setting(l, SETTING_ROWS);
    launch_setting(l, SETTING_FIRST);
}

/* How a lane's tiles are divided among groups: so many across and down, which
 * take the pixels in chunks. */
struct parts {
    int64_t across, down, chunk;
};

/* Rows of dw that see a part of x packed at once: whole tiles, and whole vectors
 * of 16. */
static int64_t rows_at_once(struct tile tile)
{
    return tile.rows == 10 ? 80 : 48;
}

/* Cycles that a part takes for a pixel, in products of vectors: the products;
 * sums that go through memory once a chunk; dy and x, which are packed by every
 * part that needs them. */
static double part_cycles(const struct parts *d, struct tile tile,
                          int64_t blocks, int64_t tiles)
{
    double wide = (double)(ceil_div(blocks, d->across) * tile.vecs);
    double high = (double)ceil_div(tiles, d->down);

    return wide * high * (double)tile.rows * (1 + 8.0 / (double)d->chunk) +
           4 * wide + 8 * high;
}

/* Cores are kept busy where there are few lanes. */
static struct parts parts_for(const struct conv_problem *p,
                              const struct device_info *dev, struct tile tile)
{
    int64_t blocks = ceil_div(p->K, 16 * tile.vecs);
    int64_t tiles = ceil_div(p->R * p->S * p->C, tile.rows);
    int64_t cores = dev->units ? (int64_t)dev->units : CONV_CORES;
    int64_t groups = ceil_div(cores, p->lanes);
    int64_t pixels = ceil_div(p->N, p->lanes) * p->P * p->Q;
    struct parts best = {1, 1, 1};
    double least = INFINITY;

    for (int64_t across = 1; across <= min_i64(groups, blocks); across++)
        for (int64_t down = 1; down <= min_i64(groups / across, tiles);
             down++) {
            struct parts d = {across, down, 0};
            int64_t wide = ceil_div(blocks, across) * 16 * tile.vecs;
            double cycles;

            d.chunk = max_i64(1, 2 * BAND_FLOATS / (wide + rows_at_once(tile)));
            d.chunk = min_i64(min_i64(d.chunk, MAX_CHUNK), pixels);
            cycles = part_cycles(&d, tile, blocks, tiles) *
                     ceil((double)(across * down * p->lanes) / (double)cores);
            if (cycles < least) {
                best = d;
                least = cycles;
            }
        }
    return best;
}

static void grad_w_cpu_launch(const void *problem,
                              const struct device_info *dev, struct launch *l)
{
    const struct conv_problem *p = problem;
    struct tile tile = tile_for(p->K);
    struct parts parts = parts_for(p, dev, tile);
    int64_t blocks = ceil_div(p->K, 16 * tile.vecs);
    int64_t wide = ceil_div(blocks, parts.across);
    int64_t slice = round_up(
        parts.chunk * (wide * 16 * tile.vecs + rows_at_once(tile)), 16);

    l->source = "conv_grad_w_cpu.cl";
    l->entry = "conv_grad_w_cpu";
    conv_types(p, l);
    launch_option(l, "VECS=%d", (int)tile.vecs);
    launch_option(l, "TAPS=%d", (int)tile.rows);
    launch_option(l, "WIDE=%d", (int)rows_at_once(tile));
    if (p->accumulate)
        launch_option(l, "ACC=1");
    l->global[0] = (uint64_t)parts.across;
    l->global[1] = (uint64_t)parts.down;
    l->global[2] = (uint64_t)p->lanes;
    l->workspace = (uint64_t)(parts.across * parts.down * p->lanes * slice) *
                   sizeof(float);
    grad_w_scalars(p, l);
    launch_i32(l, parts.chunk);
    launch_u32(l, (uint64_t)slice);
    l->flop = flop(p);
    l->bytes = x_bytes(p) + y_bytes(p) + 4 * p->lanes * w_elements(p);
    l->efficiency = 0.4;
}

const struct kernel kernels_conv[] = {
    {"conv_cpu", cpu_fits, cpu_launch},
    {"conv_depthwise_cpu", conv_depthwise_fits, conv_depthwise_cpu_launch},
    {"conv_item", fits_always, item_launch},
    {0},
};

const struct kernel kernels_conv_grad_x[] = {
    {"conv_grad_x_cpu", cpu_fits, grad_x_cpu_launch},
    {"conv_depthwise_grad_x_cpu", conv_depthwise_fits,
     conv_depthwise_grad_x_launch},
    {"conv_grad_x_item", fits_always, grad_x_item_launch},
    {0},
};

const struct kernel kernels_conv_grad_w[] = {
    {"conv_grad_w_cpu", cpu_fits, grad_w_cpu_launch},
    {"conv_depthwise_grad_w_cpu", conv_depthwise_grad_w_fits,
     conv_depthwise_grad_w_launch},
    {"conv_depthwise_narrow_grad_w_cpu", conv_depthwise_fits,
     conv_depthwise_narrow_launch},
    {"conv_grad_w_item", fits_always, grad_w_item_launch},
    {0},
};
