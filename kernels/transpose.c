/*
 * transpose.c: which way of transposing fits, and how it is launched.
 *
 * After collapsing, nearly everything that models do is one of two: the last
 * two dimensions change places (NCHW and NHWC, keys of attention), or the last
 * stays and rows move (heads of attention).
 */
#include "kernels/transpose.h"

enum { CPU_BLOCK = 128, CPU_ELEMENTS = 16384, TILE = 32, TILE_ROWS = 8 };

/* y's dimension `at` goes, and with it the one of x that it is. */
static void drop(struct transpose_problem *p, int at)
{
    int gone = p->perm[at], n = 0;

    for (int d = gone; d + 1 < p->rank; d++)
        p->dim[d] = p->dim[d + 1];
    for (int k = 0; k < p->rank; k++)
        if (k != at)
            p->perm[n++] = p->perm[k] - (p->perm[k] > gone);
    p->rank--;
}

/* Neighbours in y that are neighbours in x, in order, are one dimension. */
void transpose_collapse(struct transpose_problem *p)
{
    for (int k = p->rank - 1; k >= 0; k--)
        if (p->dim[p->perm[k]] == 1)
            drop(p, k);
    for (int k = p->rank - 1; k > 0; k--) {
        if (p->perm[k] != p->perm[k - 1] + 1)
            continue;
        p->dim[p->perm[k - 1]] *= p->dim[p->perm[k]];
        drop(p, k);
    }
}

static int64_t count(const struct transpose_problem *p)
{
    int64_t n = 1;

    for (int d = 0; d < p->rank; d++)
        n *= p->dim[d];
    return n;
}

/* Of y's dimensions in x, in elements. */
static void strides(const struct transpose_problem *p, int64_t *stride)
{
    for (int k = 0; k < p->rank; k++) {
        stride[k] = 1;
        for (int d = p->perm[k] + 1; d < p->rank; d++)
            stride[k] *= p->dim[d];
    }
}

static void begin(const struct transpose_problem *p, struct launch *l)
{
    static const char *const type[] = {
        [1] = "uchar", [2] = "ushort", [4] = "uint", [8] = "ulong"};

    l->source = "transpose.cl";
    launch_option(l, "E=%s", type[p->bytes]);
    l->bytes = 2 * (double)count(p) * p->bytes;
}

/* ---- the last two dimensions change places: x [N, A, B] ---- */

/* [A, B] to [B, A], perhaps for each of N. */
static bool swaps_last(const struct transpose_problem *p)
{
    if (p->rank == 2)
        return p->perm[0] == 1;
    return p->rank == 3 && p->perm[0] == 0 && p->perm[1] == 2;
}

/* Sizes go as 32 bits. */
static bool small(const struct transpose_problem *p)
{
    for (int d = 0; d < p->rank; d++)
        if (p->dim[d] >= 1LL << 31)
            return false;
    return true;
}

static bool swap_cpu_fits(const void *problem, const struct device_info *dev)
{
    const struct transpose_problem *p = problem;

    return dev->family == FAMILY_CPU && swaps_last(p) && small(p);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A part of one dimension such that, with `other` of the other, a group has
 * enough to do; whole tiles of 16. */
static int64_t block_of(int64_t all, int64_t other)
{
    int64_t block = CPU_ELEMENTS / other / 16 * 16;

    return least(all, block < CPU_BLOCK ? CPU_BLOCK : block);
}

static void swap_cpu(const void *problem, const struct device_info *dev,
                     struct launch *l)
{
    const struct transpose_problem *p = problem;
    int64_t A = p->dim[p->rank - 2], B = p->dim[p->rank - 1];
    int64_t N = p->rank == 3 ? p->dim[0] : 1;
    int64_t a = least(A, CPU_BLOCK), b = block_of(B, a);

    (void)dev;
    a = block_of(A, b);
    begin(p, l);
    l->entry = "transpose_swap_cpu";
    if (p->bytes == 4)
        launch_option(l, "WORDS=1");
    launch_u32(l, (uint64_t)A);
    launch_u32(l, (uint64_t)B);
    launch_u32(l, (uint64_t)a);
    launch_u32(l, (uint64_t)b);
    launch_grid(l, (uint64_t)((B + b - 1) / b), 1);
    l->global[1] = (uint64_t)((A + a - 1) / a);
    l->global[2] = (uint64_t)N;
}

/* A square of TILE, a column more for the banks. */
static bool swap_tile_fits(const void *problem, const struct device_info *dev)
{
    const struct transpose_problem *p = problem;

    return dev->family == FAMILY_GPU && swaps_last(p) && small(p) &&
           dev->max_group >= TILE * TILE_ROWS &&
           dev->local_bytes >= (uint64_t)(TILE * (TILE + 1) * p->bytes);
}

/* A device may limit the groups of a dimension other than the first to 65535,
 * so all are counted in the first. */
static void swap_tile(const void *problem, const struct device_info *dev,
                      struct launch *l)
{
    const struct transpose_problem *p = problem;
    int64_t A = p->dim[p->rank - 2], B = p->dim[p->rank - 1];
    int64_t N = p->rank == 3 ? p->dim[0] : 1;
    int64_t across = (B + TILE - 1) / TILE, down = (A + TILE - 1) / TILE;

    (void)dev;
    begin(p, l);
    l->entry = "transpose_swap_tile";
    launch_option(l, "TILE=%d", TILE);
    launch_option(l, "TILE_ROWS=%d", TILE_ROWS);
    launch_u32(l, (uint64_t)A);
    launch_u32(l, (uint64_t)B);
    launch_u32(l, (uint64_t)across);
    launch_u32(l, (uint64_t)down);
    l->local[0] = TILE * TILE_ROWS;
    l->global[0] = (uint64_t)(N * across * down) * l->local[0];
}

/* ---- the last dimension stays ---- */

static bool rows_cpu_fits(const void *problem, const struct device_info *dev)
{
    const struct transpose_problem *p = problem;

    return dev->family == FAMILY_CPU && p->perm[p->rank - 1] == p->rank - 1 &&
           count(p) < 1LL << 31;
}

/* Dimensions of y and their strides in x, innermost first. */
static void dimensions(const struct transpose_problem *p, struct launch *l)
{
    int64_t stride[TRANSPOSE_RANK];

    strides(p, stride);
    launch_option(l, "RANK=%d", p->rank);
    launch_option(l, "INDEX=%s", count(p) < 1LL << 31 ? "uint" : "ulong");
    for (int i = 0; i < TRANSPOSE_RANK; i++) {
        int k = p->rank - 1 - i;

        launch_u64(l, k < 0 ? 1 : (uint64_t)p->dim[p->perm[k]]);
        launch_u64(l, k < 0 ? 0 : (uint64_t)stride[k]);
    }
}

/* About CPU_ELEMENTS elements to a group. */
static void rows_cpu(const void *problem, const struct device_info *dev,
                     struct launch *l)
{
    const struct transpose_problem *p = problem;
    int64_t len = p->dim[p->rank - 1], rows = count(p) / len;
    int64_t per = len < CPU_ELEMENTS ? CPU_ELEMENTS / len : 1;

    (void)dev;
    begin(p, l);
    l->entry = "transpose_rows_cpu";
    dimensions(p, l);
    launch_u32(l, (uint64_t)rows);
    launch_u32(l, (uint64_t)per);
    launch_grid(l, (uint64_t)((rows + per - 1) / per), 1);
}

/* ---- everything ---- */

/* Any permutation; indices are taken apart for every element. */
static void item(const void *problem, const struct device_info *dev,
                 struct launch *l)
{
    const struct transpose_problem *p = problem;
    double n = (double)count(p);

    begin(p, l);
    l->entry = "transpose_item";
    dimensions(p, l);
    launch_u64(l, (uint64_t)count(p));
    launch_grid(l, (uint64_t)count(p), 64);
    l->flop = n * 20 * p->rank;
    l->efficiency = dev->family == FAMILY_CPU ? 0.02 : 0.2;
}

const struct kernel kernels_transpose[] = {
    {"transpose_swap_cpu", swap_cpu_fits, swap_cpu},
    {"transpose_rows_cpu", rows_cpu_fits, rows_cpu},
    {"transpose_swap_tile", swap_tile_fits, swap_tile},
    {"transpose_item", fits_always, item},
    {0},
};
