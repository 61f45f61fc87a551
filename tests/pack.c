/*
 * pack.c: places for items with lifetimes.
 *
 * Whatever the items: those that live at once do not overlap, none crosses the
 * end of a slab, the height is that of the highest item and at least the bound,
 * and the same items get the same places.  Small cases have known heights.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* base.h has a function of this name */

#include <stdlib.h>
#include <string.h>

#include "compiler/allocate.h"
#include "tests/random_graph.h"

enum { MOST = 400, RANDOM = 300 };
static const uint64_t NO_SLABS = UINT64_C(1) << 40;

struct known {
    const char *name;
    uint64_t slab, height, bound; /* slab 0: none */
    struct item item[8];          /* ends with size 0 */
};

static const struct known table[] = {
    {.name = "nothing", .height = 0, .bound = 0},
    {.name = "one", .height = 5, .bound = 5, .item = {{5, 0, 0, 0}}},
    {.name = "one after another",
     .height = 7,
     .bound = 7,
     .item = {{5, 0, 1, 0}, {7, 2, 3, 0}, {6, 4, 4, 0}}},
    {.name = "the ends belong to a lifetime",
     .height = 12,
     .bound = 12,
     .item = {{5, 0, 2, 0}, {7, 2, 3, 0}}},
    {.name = "a chain",
     .height = 7,
     .bound = 7,
     .item = {{3, 0, 1, 0}, {4, 1, 2, 0}, {3, 2, 3, 0}, {4, 3, 4, 0}}},
    {.name = "under an arch",
     .height = 9,
     .bound = 9,
     .item = {{2, 0, 5, 0},
              {7, 0, 1, 0},
              {3, 2, 3, 0},
              {4, 2, 3, 0},
              {7, 4, 5, 0}}},
    {.name = "a gap that fits is taken",
     .height = 10,
     .bound = 10,
     .item = {{4, 0, 9, 0}, {3, 0, 3, 0}, {3, 0, 9, 0}, {3, 4, 9, 0}}},
    {.name = "two slabs",
     .slab = 8,
     .height = 13,
     .bound = 10,
     .item = {{5, 0, 1, 0}, {5, 0, 1, 0}}},
    {.name = "slabs that are filled",
     .slab = 8,
     .height = 16,
     .bound = 16,
     .item = {{5, 0, 1, 0}, {3, 0, 1, 0}, {8, 0, 1, 0}}},
    {.name = "three in two slabs",
     .slab = 8,
     .height = 14,
     .bound = 14,
     .item = {{6, 0, 1, 0}, {2, 0, 1, 0}, {6, 0, 1, 0}}},
};

/* Any two items are apart in time or in place. */
static void check_places(const struct item *it, int n, uint64_t slab,
                         uint64_t height, uint64_t bound)
{
    uint64_t top = 0;

    for (int i = 0; i < n; i++) {
        uint64_t end = it[i].offset + it[i].size;

        top = end > top ? end : top;
        assert_true(it[i].offset / slab == (end - 1) / slab);
        for (int k = 0; k < i; k++) {
            bool apart_in_time = it[k].last < it[i].first ||
                                 it[i].last < it[k].first;
            bool apart_in_place = it[k].offset + it[k].size <= it[i].offset ||
                                  end <= it[k].offset;

            assert_true(apart_in_time || apart_in_place);
        }
    }
    assert_true(top == height);
    assert_true(height >= bound);
}

static uint64_t solve(struct item *it, int n, uint64_t slab, uint64_t *bound)
{
    struct arena a;
    jmp_buf out_of_memory;
    uint64_t height;

    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    *bound = allocate_bound(it, n, &a);
    height = allocate_items(it, n, slab, &a);
    arena_close(&a);
    return height;
}

/* Bound and height differ only where slabs leave a gap. */
static void known_heights(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct known *t = &table[i];
        uint64_t slab = t->slab ? t->slab : NO_SLABS, bound, height;
        struct item it[8];
        int n = 0;

        memcpy(it, t->item, sizeof it);
        while (it[n].size)
            n++;
        height = solve(it, n, slab, &bound);
        check_places(it, n, slab, height, bound);
        if (height != t->height || bound != t->bound)
            print_error("%s: height %llu, bound %llu\n", t->name,
                        (unsigned long long)height, (unsigned long long)bound);
        assert_true(height == t->height && bound == t->bound);
    }
}

/* Like a network's: forward values until their gradient, some for long, and
 * short-lived ones; few or many distinct sizes, and small ones, since effort
 * goes by the bytes that there are to gain. */
static int draw(uint64_t *state, struct item *it)
{
    int n = 1 + (int)random_below(state, MOST - 1);
    unsigned end = 1 + random_below(state, 300);
    unsigned sizes = random_below(state, 2) ? 6 : 1000;

    for (int i = 0; i < n; i++) {
        unsigned first = random_below(state, end);
        unsigned most = random_below(state, 3) ? 4 : end;
        unsigned length = random_below(state, most);

        it[i] = (struct item){.size = 8 * (1 + random_below(state, sizes)),
                              .first = (int)first};
        it[i].last = (int)(first + length < end ? first + length : end - 1);
    }
    return n;
}

static void random_items(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (int round = 0; round < RANDOM; round++) {
        static struct item it[MOST], again[MOST];
        int n = draw(&random, it);
        uint64_t slab = round % 2 ? NO_SLABS
                                  : 8 * (1000 + random_below(&random, 5000));
        uint64_t bound, height;

        memcpy(again, it, sizeof it);
        height = solve(it, n, slab, &bound);
        check_places(it, n, slab, height, bound);
        assert_true(solve(again, n, slab, &bound) == height);
        assert_memory_equal(it, again, (size_t)n * sizeof *it);
    }
}

/* Of one size, or one behind another, nothing need be lost. */
static void easy_items_reach_the_bound(void **state)
{
    uint64_t random = 2, bound;

    (void)state;
    for (int round = 0; round < RANDOM; round++) {
        static struct item it[MOST];
        int n = draw(&random, it);

        for (int i = 0; i < n; i++)
            it[i].size = 64;
        assert_true(solve(it, n, NO_SLABS, &bound) == bound);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_heights),
        cmocka_unit_test(random_items),
        cmocka_unit_test(easy_items_reach_the_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
