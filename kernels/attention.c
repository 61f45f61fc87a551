/*
 * attention.c: the ways to run attention.cl, attention_cpu.cl and
 * attention_tile.cl.
 *
 * Which candidate fits depends on D and E, never on the number of samples.
 */
#include "kernels/attention.h"

/* Groups of one item on a CPU; what an exponential costs, in operations. */
enum { GROUPS = 16, EXP_FLOP = 20, LOCAL = 64 };

static int64_t ceil_div(int64_t n, int64_t by)
{
    return (n + by - 1) / by;
}

static uint64_t smaller(int64_t a, int64_t b)
{
    return (uint64_t)(a < b ? a : b);
}

/* Weights of all heads; causal leaves out those of the keys to come. */
static double weights(const struct attention_problem *p)
{
    double T = (double)p->T, S = (double)p->S, heads = (double)p->heads;
    double first = T < S ? T : S; /* queries that do not see all keys */
    double hidden = p->causal ? first * (S - (first + 1) / 2) : 0;

    return (double)p->N * heads * (T * S - hidden);
}

/* Types and switches are options, so that they are compiled away; sizes are
 * scalars. */
static void attention(const struct attention_problem *p, struct launch *l)
{
    const int64_t size[] = {p->N, p->heads, p->T, p->S, p->D, p->E};

    launch_option(l, "X=%s", dtype_name(p->x));
    launch_option(l, "CAUSAL=%d", p->causal);
    launch_option(l, "JOINED=%d", p->joined);
    if (p->mask)
        launch_option(l, "MASK=%s", dtype_name(p->mask));
    if (p->mask == DT_BOOL)
        launch_option(l, "MASK_BOOL=1");
    for (int i = 0; i < 6; i++)
        launch_u32(l, (uint64_t)size[i]);
    launch_f32(l, p->scale);
    for (int d = 0; d < ATTENTION_DIMS; d++)
        launch_u64(l, (uint64_t)p->mask_stride[d]);
}

/* Bytes of q, k, v and y once. */
static double operands(const struct attention_problem *p)
{
    return (double)p->N * (double)p->heads * (double)(p->T + p->S) *
           (double)(p->D + p->E) * (double)dtype_bytes(p->x);
}

static void forward(const struct attention_problem *p, struct launch *l)
{
    attention(p, l);
    l->flop = weights(p) * (double)(2 * (p->D + p->E) + EXP_FLOP);
    l->bytes = operands(p);
}

/* Three products as wide as q and two as wide as v. */
static void backward(const struct attention_problem *p, struct launch *l)
{
    attention(p, l);
    l->flop = weights(p) * (double)(6 * p->D + 4 * p->E + EXP_FLOP);
    l->bytes = 2.5 * operands(p);
}

/* ---- plain ---- */

/* Hopelessly slow on large heads: each item computes its row's scores anew. */
static void item(struct launch *l, int64_t items, const struct device_info *dev)
{
    l->source = "attention.cl";
    launch_grid(l, (uint64_t)items, LOCAL);
    l->efficiency = dev->family == FAMILY_CPU ? 0.002 : 0.02;
}

static void forward_item(const void *problem, const struct device_info *dev,
                         struct launch *l)
{
    const struct attention_problem *p = problem;

    l->entry = "attention_item";
    forward(p, l);
    item(l, p->N * p->heads * p->T * ceil_div(p->E, 16), dev);
}

static void grad_item(const void *problem, const struct device_info *dev,
                      struct launch *l)
{
    const struct attention_problem *p = problem;
    int64_t d = ceil_div(p->D, 16), e = ceil_div(p->E, 16);

    l->entry = "attention_grad_item";
    backward(p, l);
    item(l, p->N * p->heads * (p->T * d + p->S * (d + e)), dev);
}

/* ---- cpu ---- */

/* As in attention_cpu.cl: queries of a tile, of a block, of a task. */
enum { TILE = 48, BLOCK = 24, CHUNK = 8 * BLOCK };

/* Columns of registers and rows of a tile of sums, and keys of a panel: whole
 * tiles of columns and, nearly, of rows. */
struct tile {
    int vecs, rows, panel;
};

static int64_t pitch(int64_t width, int vecs)
{
    return ceil_div(width, 16 * vecs) * 16 * vecs;
}

/* Of those that waste the fewest columns the widest.  VECS * rows sums of 16
 * floats, 24 at most, and the operands fit AVX-512's 32. */
static struct tile tile_for(const struct attention_problem *p)
{
    static const struct tile tiles[] = {
        {1, 12, 96}, {2, 12, 96}, {3, 8, 48}, {4, 6, 64}};
    struct tile best = tiles[0];

    for (int i = 1; i < 4; i++)
        if (pitch(p->D, tiles[i].vecs) + pitch(p->E, tiles[i].vecs) <=
            pitch(p->D, best.vecs) + pitch(p->E, best.vecs))
            best = tiles[i];
    return best;
}

/* In floats, as attention_cpu lays it out: keys in panels, values, and for a
 * block of queries those, their weights (16 more columns: whole vectors may
 * hang out behind the last panel) and their results. */
static int64_t forward_scratch(const struct attention_problem *p)
{
    struct tile t = tile_for(p);
    int64_t keys = ceil_div(p->S, t.panel) * t.panel;
    int64_t e = pitch(p->E, t.vecs);

    return keys * p->D + p->S * e + BLOCK * (pitch(p->D, 1) + keys + 16 + e);
}

/* As attention_grad_cpu lays it out: q, dq, dy and delta of the whole head;
 * keys and their gradients, in whole tiles of rows; turned keys and values,
 * and two tiles of weights. */
static int64_t grad_scratch(const struct attention_problem *p)
{
    struct tile t = tile_for(p);
    int64_t d = pitch(p->D, t.vecs), e = pitch(p->E, t.vecs);
    int64_t rows = ceil_div(t.panel, t.rows) * t.rows;

    return ceil_div(p->T, TILE) * TILE * (2 * d + e + 1) + rows * (d + e) +
           t.panel * (d + p->D + p->E + 2 * TILE) + t.rows;
}

/* Scratch is addressed by int. */
static bool cpu_fits(const void *problem, const struct device_info *dev)
{
    const struct attention_problem *p = problem;

    return dev->family == FAMILY_CPU && forward_scratch(p) < INT32_MAX &&
           grad_scratch(p) < INT32_MAX;
}

/* Each group has a scratch of its own; a task is a chunk of queries or, in the
 * gradient, a head, so that no two groups add to one place. */
static void cpu(const struct attention_problem *p, struct launch *l,
                int64_t tasks, int64_t scratch)
{
    struct tile t = tile_for(p);

    l->source = "attention_cpu.cl";
    launch_option(l, "VECS=%d", t.vecs);
    launch_option(l, "ROWS=%d", t.rows);
    launch_option(l, "PANEL=%d", t.panel);
    launch_u32(l, (uint64_t)scratch);
    launch_grid(l, smaller(tasks, GROUPS), 1);
    l->workspace = l->global[0] * (uint64_t)scratch * sizeof(float);
    l->efficiency = 0.3;
}

static void forward_cpu(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct attention_problem *p = problem;

    (void)dev;
    l->entry = "attention_cpu";
    forward(p, l);
    cpu(p, l, p->N * p->heads * ceil_div(p->T, CHUNK), forward_scratch(p));
}

static void grad_cpu(const void *problem, const struct device_info *dev,
                     struct launch *l)
{
    const struct attention_problem *p = problem;

    (void)dev;
    l->entry = "attention_grad_cpu";
    backward(p, l);
    cpu(p, l, p->N * p->heads, grad_scratch(p));
}

/* ---- tiles, for a GPU ---- */

/* must agree with attention_tile.cl */
enum { ITEMS = 128, AHEAD = 4, WIDEST = 128 };

/* As in attention_tile.cl: channels with their padding, and the tile. */
struct local_tile {
    int64_t d, e, queries, keys;
};

/* Local memory in floats: queries, keys, values, weights, and 17 partial
 * results for each query (16 and one for the banks). */
static int64_t forward_floats(const struct local_tile *t)
{
    return (t->queries + t->keys) * (t->d + AHEAD) + t->keys * (t->e + AHEAD) +
           t->queries * (t->keys + 1 + 17);
}

/* Queries, keys, values and dy; weights and the gradients of the scores. */
static int64_t grad_floats(const struct local_tile *t)
{
    return (t->queries + t->keys) * (t->d + t->e + 2 * AHEAD) +
           2 * t->queries * (t->keys + 1);
}

/* The larger tile of two that fits into local memory, or none.  Going forward
 * a tile has twice as many queries as keys.  WIDEST limits the sums that an
 * item holds in registers. */
static bool choose_tile(const struct attention_problem *p,
                        const struct device_info *dev,
                        int64_t (*floats)(const struct local_tile *),
                        struct local_tile *t)
{
    bool forward = floats == forward_floats;

    if (dev->max_group < ITEMS || p->D > WIDEST || p->E > WIDEST)
        return false;
    for (int64_t keys = 32; keys >= 16; keys -= 16) {
        *t = (struct local_tile){pitch(p->D, 1), pitch(p->E, 1),
                                 forward ? 2 * keys : keys, keys};
        if ((uint64_t)floats(t) * sizeof(float) <= dev->local_bytes)
            return true;
    }
    return false;
}

/* Local sizes are constants of the program: arrays in local memory need
 * them. */
static void tile(struct launch *l, const struct local_tile *t, int64_t groups,
                 const struct device_info *dev)
{
    l->source = "attention_tile.cl";
    launch_option(l, "DP=%d", (int)t->d);
    launch_option(l, "EP=%d", (int)t->e);
    launch_option(l, "QUERIES=%d", (int)t->queries);
    launch_option(l, "KEYS=%d", (int)t->keys);
    launch_grid(l, (uint64_t)(groups * ITEMS), ITEMS);
    l->efficiency = dev->family == FAMILY_CPU ? 0.003 : 0.3;
}

static bool forward_tile_fits(const void *problem,
                              const struct device_info *dev)
{
    struct local_tile t;

    return choose_tile(problem, dev, forward_floats, &t);
}

static void forward_tile(const void *problem, const struct device_info *dev,
                         struct launch *l)
{
    const struct attention_problem *p = problem;
    struct local_tile t;

    if (!choose_tile(p, dev, forward_floats, &t))
        return;
    l->entry = "attention_tile";
    forward(p, l);
    tile(l, &t, p->N * p->heads * ceil_div(p->T, t.queries), dev);
}

static bool grad_tile_fits(const void *problem, const struct device_info *dev)
{
    struct local_tile t;

    return choose_tile(problem, dev, grad_floats, &t);
}

static void grad_tile(const void *problem, const struct device_info *dev,
                      struct launch *l)
{
    const struct attention_problem *p = problem;
    struct local_tile t;

    if (!choose_tile(p, dev, grad_floats, &t))
        return;
    l->entry = "attention_grad_tile";
    backward(p, l);
    tile(l, &t,
         p->N * p->heads * (ceil_div(p->T, t.queries) + ceil_div(p->S, t.keys)),
         dev);
}

const struct kernel kernels_attention[] = {
    {"attention_cpu", cpu_fits, forward_cpu},
    {"attention_tile", forward_tile_fits, forward_tile},
    {"attention_item", fits_always, forward_item},
    {0},
};

const struct kernel kernels_attention_grad[] = {
    {"attention_grad_cpu", cpu_fits, grad_cpu},
    {"attention_grad_tile", grad_tile_fits, grad_tile},
    {"attention_grad_item", fits_always, grad_item},
    {0},
};
