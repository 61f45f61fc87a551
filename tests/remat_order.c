/*
 * remat_order.c: orders of ops that need less than the one given.
 *
 * Whatever the job: the order is legal, its peak is what plain counting gives and
 * no more than before, and the same job gets the same order.  Small jobs reach the
 * least of all orders.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* base.h has a function of this name */

#include "tests/remat_sample.h"

enum { JOBS = 60, TINY = 5, TINY_JOBS = 60, EFFORT = 200000 };

/* Each op once, behind those that make what it reads, and before the op that ends
 * its repeats, as that changes something it reads. */
static bool is_order(const struct remat_job *job, const int *order)
{
    int place[OPS];

    for (int i = 0; i < job->nop; i++)
        place[i] = -1;
    for (int p = 0; p < job->nop; p++)
        place[order[p]] = p;
    for (int i = 0; i < job->nop; i++) {
        const struct remat_op *op = &job->op[i];

        if (place[i] < 0)
            return false;
        for (int k = 0; k < op->nin; k++)
            if (place[job->value[op->in[k]].maker] >= place[i])
                return false;
        if (op->until > i && op->until < job->nop - 1 &&
            place[op->until] <= place[i])
            return false;
    }
    return true;
}

static void draw_orders(struct arena *arena)
{
    static struct sample s;
    uint64_t random = 4, natural = 0, found = 0;
    int order[OPS], twice[OPS];

    for (int k = 0; k < JOBS; k++) {
        uint64_t peak, base;

        draw_job(&random, &s, 1 + draw(&random, OPS), true);
        base = remat_measure(&s.job, NULL, 0, arena).peak;
        peak = remat_order(&s.job, EFFORT, order, arena);
        remat_order(&s.job, EFFORT, twice, arena);
        assert_memory_equal(order, twice, (size_t)s.job.nop * sizeof *order);
        assert_true(is_order(&s.job, order));
        assert_true(peak == simulate(&s.job, order, s.job.nop));
        assert_true(peak <= base);
        natural += base;
        found += peak;
    }
    assert_true(found < natural);
}

static void random_orders(void **state)
{
    (void)state;
    with_arena(draw_orders);
}

/* The least peak of all orders that begin with the n ops given. */
static uint64_t exhaust_orders(const struct remat_job *job, int *order, int n)
{
    uint64_t least = UINT64_MAX;

    if (n == job->nop)
        return is_order(job, order) ? simulate(job, order, n) : least;
    for (int i = n; i < job->nop; i++) {
        uint64_t peak;
        int op = order[i];

        order[i] = order[n];
        order[n] = op;
        peak = exhaust_orders(job, order, n + 1);
        least = peak < least ? peak : least;
        order[n] = order[i];
        order[i] = op;
    }
    return least;
}

static void exhaust_tiny_orders(struct arena *arena)
{
    static struct sample s;
    uint64_t random = 5;
    int order[OPS], all[OPS];

    for (int k = 0; k < TINY_JOBS; k++) {
        draw_job(&random, &s, 1 + draw(&random, TINY), true);
        for (int i = 0; i < s.job.nop; i++)
            all[i] = i;
        assert_true(remat_order(&s.job, EFFORT, order, arena) ==
                    exhaust_orders(&s.job, all, 0));
    }
}

static void tiny_orders(void **state)
{
    (void)state;
    with_arena(exhaust_tiny_orders);
}

/* The peak is at op 4, which reads the result of 3, and nothing else need be alive
 * then.  All other orders that do so have this peak; but nothing should wait for its
 * reader. */
static void order_off_the_peak(struct arena *arena)
{
    static const int in_f[] = {0}, in_g[] = {5, 1}, in_e[] = {3}, in_h[] = {2};
    static const struct remat_value value[] = {
        {1, 0, false},  {1, 1, false}, {1, 2, false}, {1, 3, false},
        {10, 4, false}, {1, 5, false}, {1, 6, true},  {1, 7, true}};
    static const struct remat_op op[] = {
        {.until = 7},
        {.until = 7},
        {.until = 7},
        {.until = 7},
        {.until = 7, .nin = 1, .in = in_e},
        {.until = 7, .nin = 1, .in = in_f},
        {.until = 7, .nin = 2, .in = in_g},
        {.until = 7, .nin = 1, .in = in_h},
    };
    const struct remat_job job = {8, 8, op, value};
    int order[8], place[8];

    remat_order(&job, EFFORT, order, arena);
    for (int p = 0; p < 8; p++)
        place[order[p]] = p;
    assert_int_equal(place[4], place[3] + 1);
    assert_int_equal(place[7], place[2] + 1);
    assert_true(place[4] < place[0] && place[4] < place[1] &&
                place[4] < place[2]);
    assert_true(place[5] == place[0] + 1);
}

static void off_the_peak(void **state)
{
    (void)state;
    with_arena(order_off_the_peak);
}

/*
 * Value 1 is cheap to make of value 0, which is read last by op 7 together with value
 * 3.  Op 4 reads 1 and 3, and its result is kept: it goes beside op 7, though value 1
 * then lives longer.  The peak is at op 2 and stays there.
 */
static void order_by_what_is_heavy(struct arena *arena)
{
    static const int from_0[] = {0}, from_1[] = {1}, from_2[] = {2};
    static const int in_4[] = {1, 3}, in_6[] = {5}, in_7[] = {0, 3, 6};
    static const struct remat_value value[] = {
        {100, 0, false}, {100, 1, false}, {100, 2, false}, {100, 3, false},
        {10, 4, true},   {50, 5, false},  {50, 6, false},  {10, 7, true}};
    static const struct remat_op op[] = {
        {.cost = 99, .until = 7},
        {.cost = 1, .until = 7, .nin = 1, .in = from_0},
        {.cost = 99, .workspace = 999, .until = 7, .nin = 1, .in = from_1},
        {.cost = 99, .until = 7, .nin = 1, .in = from_2},
        {.cost = 99, .until = 7, .nin = 2, .in = in_4},
        {.cost = 99, .until = 7, .nin = 1, .in = from_2},
        {.cost = 99, .until = 7, .nin = 1, .in = in_6},
        {.cost = 99, .until = 7, .nin = 3, .in = in_7},
    };
    const struct remat_job job = {8, 8, op, value};
    const struct remat_job *heavy = remat_heavy(&job, arena);
    int order[8];

    for (int v = 0; v < job.nvalue; v++)
        assert_int_equal(heavy->value[v].bytes, v == 1 ? 0 : value[v].bytes);
    assert_int_equal(heavy->op[4].nin, 2);
    assert_int_equal(heavy->op[4].in[0], 0);
    assert_int_equal(heavy->op[2].in[0], 0);
    remat_order(&job, EFFORT, order, arena);
    assert_true(is_order(&job, order));
    assert_true(order[6] == 4 || order[7] == 4);
}

static void by_what_is_heavy(void **state)
{
    (void)state;
    with_arena(order_by_what_is_heavy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_orders),
        cmocka_unit_test(tiny_orders),
        cmocka_unit_test(off_the_peak),
        cmocka_unit_test(by_what_is_heavy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
