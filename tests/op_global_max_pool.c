/* op_global_max_pool.c: cases for GlobalMaxPool. */
#include "tests/op_test.h"

#include <stddef.h>

static const double twelve[] = {1, 2, 3, 6, 0, -4, 5, 5, 7, 8, 9, 10};
static const double largest_of_two[] = {2, 6, 0, 5, 8, 10};

static const struct op_case cases[] = {
    {.in = {BATCH(2, 2)}, .x = {twelve}, .y = largest_of_two, .flat = true},
    {.in = {BATCH(1, 1)}},
    {.in = {BATCH(17, 5)}},
    {.in = {BATCH(5, 7, 3)}},
    {.in = {BATCH(16, 4, 4)}},
    {.in = {BATCH(4)}, .rejects = "wanted [N,C,...]"},
    {.in = {LABEL(4, 4)}, .rejects = "input is i32"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("GlobalMaxPool", cases);
}
