/*
 * permute.c: every order of the dimensions, in pieces of every length, against
 * the definition: stored dimension k is the user's dimension perm[k].
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "runtime/tensors.h"

#include <cmocka.h>

enum { COUNT = 2 * 3 * 1 * 4 };

/* Where the user's element i is stored, by the definition. */
static uint64_t stored_at(const struct plan_tensor *t, uint64_t i)
{
    uint64_t index[PLAN_RANK], at = 0;

    for (uint32_t d = t->rank; d-- > 0;) {
        index[d] = i % t->dim[d];
        i /= t->dim[d];
    }
    for (uint32_t k = 0; k < t->rank; k++)
        at = at * t->dim[t->perm[k]] + index[t->perm[k]];
    return at;
}

/* What is gathered must be the definition's; what is scattered back must be
 * what was there. */
static void check_element(struct plan_tensor t, enum dtype dtype,
                          uint64_t piece)
{
    uint8_t stored[COUNT * 8], back[COUNT * 8] = {0}, user[COUNT * 8];
    size_t size = dtype_bytes(dtype);

    t.dtype = dtype;
    for (size_t i = 0; i < sizeof stored; i++)
        stored[i] = (uint8_t)(i * 7 + 1);
    for (uint64_t at = 0; at < COUNT; at += piece) {
        uint64_t n = COUNT - at < piece ? COUNT - at : piece;

        tensor_gather(&t, stored, at, n, user + at * size);
        tensor_scatter(&t, back, at, n, user + at * size);
    }
    for (uint64_t i = 0; i < COUNT; i++)
        assert_memory_equal(user + i * size, stored + stored_at(&t, i) * size,
                            size);
    assert_memory_equal(back, stored, COUNT * size);
}

static void check_order(const struct plan_tensor *t)
{
    static const enum dtype dtypes[] = {DT_U8, DT_F16, DT_F32, DT_I64};

    for (int i = 0; i < 4; i++)
        for (uint64_t piece = 1; piece <= COUNT; piece++)
            check_element(*t, dtypes[i], piece);
}

/* All 24 orders of four dimensions, one of which has one element. */
static void test_orders(void **state)
{
    struct plan_tensor t = {.rank = 4, .dim = {2, 3, 1, 4}};

    (void)state;
    for (uint32_t code = 0; code < 256; code++) {
        uint32_t seen = 0;

        for (int k = 0; k < 4; k++) {
            t.perm[k] = code >> 2 * k & 3;
            seen |= 1u << t.perm[k];
        }
        if (seen == 15)
            check_order(&t);
    }
}

/* Moving a dimension of one element moves nothing, and needs no staging. */
static void test_permuted(void **state)
{
    struct plan_tensor same = {
        .rank = 4, .dim = {2, 1, 3, 4}, .perm = {0, 2, 3, 1}};
    struct plan_tensor other = {
        .rank = 4, .dim = {2, 2, 3, 4}, .perm = {0, 2, 3, 1}};
    struct plan_tensor scalar = {.dtype = DT_F32};
    float from = 3, to = 0;

    (void)state;
    assert_false(tensor_permuted(&same));
    assert_true(tensor_permuted(&other));
    assert_false(tensor_permuted(&scalar));
    assert_int_equal(tensor_bytes(&scalar), 4);
    tensor_gather(&scalar, &from, 0, 1, &to);
    assert_true(to == 3);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_permuted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
