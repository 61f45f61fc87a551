/*
 * matmul.c: the ways to run matmul.cl, matmul_cpu.cl and
 * matmul_batch_sum_cpu.cl.
 *
 * Which candidate fits does not depend on the number of samples.
 */
#include "kernels/matmul.h"

/* Rows of a task: a multiple of every tile's rows. */
enum { GROUPS = 16, CHUNK = 48 };

/* Columns of registers in a tile of 16 * vecs columns, and its rows. */
struct tile {
    int vecs, rows;
};

static int64_t ceil_div(int64_t n, int64_t by)
{
    return (n + by - 1) / by;
}

/* Of the tiles that waste the fewest columns the widest; all divide CHUNK. */
static struct tile tile_for(int64_t N)
{
    static const int rows[] = {0, 12, 12, 8, 6};
    struct tile t = {1, rows[1]};

    for (int v = 2; v <= 4; v++)
        if (ceil_div(N, 16 * v) * v <= ceil_div(N, 16 * t.vecs) * t.vecs)
            t = (struct tile){v, rows[v]};
    return t;
}

/* Of y: those that broadcasting repeats are computed again. */
static int64_t matrices(const struct matmul_problem *p)
{
    int64_t n = 1;

    for (int d = 0; d < p->nbatch; d++)
        n *= p->batch[d];
    return n;
}

/* A stride of 0 reads one matrix again.  Counted for the traffic. */
static double operand_matrices(const struct matmul_problem *p,
                               const int64_t *stride)
{
    double n = 1;

    for (int d = 0; d < p->nbatch; d++)
        n *= stride[d] ? (double)p->batch[d] : 1;
    return n;
}

/* Batch dimensions not in use have size 1 and stride 0. */
static void batch_scalars(const struct matmul_problem *p, struct launch *l)
{
    const int64_t *const stride[] = {p->a_stride, p->b_stride};

    for (int d = 0; d < MATMUL_BATCH; d++)
        launch_u32(l, d < p->nbatch ? (uint64_t)p->batch[d] : 1);
    for (int i = 0; i < 2; i++)
        for (int d = 0; d < MATMUL_BATCH; d++)
            launch_u64(l, d < p->nbatch ? (uint64_t)stride[i][d] : 0);
}

static void matmul(const struct matmul_problem *p, struct launch *l)
{
    double M = (double)p->M, N = (double)p->N, K = (double)p->K;

    launch_option(l, "A=%s", dtype_name(p->a));
    launch_option(l, "B=%s", dtype_name(p->b));
    launch_option(l, "Y=%s", dtype_name(p->y));
    launch_option(l, "TRANS_A=%d", p->trans_a);
    launch_option(l, "TRANS_B=%d", p->trans_b);
    if (p->bias)
        launch_option(l, "BIAS=1");
    launch_u32(l, (uint64_t)p->M);
    launch_u32(l, (uint64_t)p->N);
    launch_u32(l, (uint64_t)p->K);
    batch_scalars(p, l);
    l->flop = 2.0 * (double)matrices(p) * M * N * K;
    l->bytes = M * K * operand_matrices(p, p->a_stride) *
                   (double)dtype_bytes(p->a) +
               K * N * operand_matrices(p, p->b_stride) *
                   (double)dtype_bytes(p->b) +
               M * N * (double)matrices(p) * (double)dtype_bytes(p->y);
}

static void matmul_item(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct matmul_problem *p = problem;

    l->source = "matmul.cl";
    l->entry = "matmul_item";
    matmul(p, l);
    launch_grid(l, (uint64_t)(matrices(p) * p->M * p->N), 64);
    l->efficiency = dev->family == FAMILY_CPU ? 0.004 : 0.1;
}

/* Offsets inside a matrix are 32-bit in the CPU kernels. */
static bool small(int64_t a, int64_t b)
{
    return (double)a * (double)b < INT32_MAX;
}

/* The slack is what tiles hang out behind the last row or column. */
static bool matmul_cpu_fits(const void *problem, const struct device_info *dev)
{
    const struct matmul_problem *p = problem;

    return dev->family == FAMILY_CPU && p->K > 0 && small(p->M + CHUNK, p->K) &&
           small(p->N + 64, p->K) && small(p->M, p->N);
}

/* Tasks are numbered rows first, so that neighbours share their packed
 * columns. */
static void matmul_cpu(const void *problem, const struct device_info *dev,
                       struct launch *l)
{
    const struct matmul_problem *p = problem;
    struct tile tile = tile_for(p->N);
    int64_t tasks = matrices(p) * ceil_div(p->N, 16 * tile.vecs) *
                    ceil_div(p->M, CHUNK);

    (void)dev;
    l->source = "matmul_cpu.cl";
    l->entry = "matmul_cpu";
    launch_option(l, "VECS=%d", tile.vecs);
    launch_option(l, "ROWS=%d", tile.rows);
    launch_option(l, "CHUNK=%d", CHUNK);
    matmul(p, l);
    launch_grid(l, (uint64_t)(tasks < GROUPS ? tasks : GROUPS), 1);
    l->workspace = l->global[0] * (uint64_t)(p->K * 16 * tile.vecs) *
                   sizeof(float);
    l->efficiency = 0.4;
}

static void batch_sum(const struct matmul_sum_problem *p, struct launch *l)
{
    double positions = (double)p->samples * (double)p->per_sample;
    double M = (double)p->M, N = (double)p->N;

    launch_option(l, "A=%s", dtype_name(p->a));
    launch_option(l, "B=%s", dtype_name(p->b));
    if (p->accumulate)
        launch_option(l, "ACC=1");
    launch_u32(l, (uint64_t)p->M);
    launch_u32(l, (uint64_t)p->N);
    launch_u32(l, (uint64_t)p->per_sample);
    launch_u32(l, (uint64_t)p->lanes);
    launch_setting(l, SETTING_ROWS);
    launch_setting(l, SETTING_FIRST);
    l->flop = 2.0 * positions * M * N;
    l->bytes = positions * (M * (double)dtype_bytes(p->a) +
                            N * (double)dtype_bytes(p->b)) +
               4.0 * p->lanes * M * N;
}

static void batch_sum_item(const void *problem, const struct device_info *dev,
                           struct launch *l)
{
    const struct matmul_sum_problem *p = problem;

    l->source = "matmul.cl";
    l->entry = "matmul_batch_sum_item";
    batch_sum(p, l);
    launch_grid(l, (uint64_t)(p->lanes * p->M * p->N), 64);
    l->efficiency = dev->family == FAMILY_CPU ? 0.004 : 0.1;
}

static bool batch_sum_cpu_fits(const void *problem,
                               const struct device_info *dev)
{
    const struct matmul_sum_problem *p = problem;

    return dev->family == FAMILY_CPU && small(p->M + CHUNK, p->N + 64) &&
           small(p->per_sample, p->M) && small(p->per_sample, p->N);
}

/* No workspace: rows of a and b are read as they lie, samples outermost. */
static void batch_sum_cpu(const void *problem, const struct device_info *dev,
                          struct launch *l)
{
    const struct matmul_sum_problem *p = problem;
    struct tile tile = tile_for(p->N);

    (void)dev;
    l->source = "matmul_batch_sum_cpu.cl";
    l->entry = "matmul_batch_sum_cpu";
    launch_option(l, "VECS=%d", tile.vecs);
    launch_option(l, "ROWS=%d", tile.rows);
    launch_option(l, "CHUNK=%d", CHUNK);
    batch_sum(p, l);
    launch_grid(
        l, (uint64_t)(ceil_div(p->N, 16 * tile.vecs) * ceil_div(p->M, CHUNK)),
        1);
    l->global[1] = (uint64_t)p->lanes;
    l->efficiency = 0.3;
}

const struct kernel kernels_matmul[] = {
    {"matmul_cpu", matmul_cpu_fits, matmul_cpu},
    {"matmul_item", fits_always, matmul_item},
    {0},
};

const struct kernel kernels_matmul_batch_sum[] = {
    {"matmul_batch_sum_cpu", batch_sum_cpu_fits, batch_sum_cpu},
    {"matmul_batch_sum_item", fits_always, batch_sum_item},
    {0},
};
