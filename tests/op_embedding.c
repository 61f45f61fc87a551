/*
 * op_embedding.c: Embedding: rows that come often, and never.  The host lets no
 * other indices in: see kernels_embedding.c.
 */
#include "tests/op_test.h"

#include <stddef.h>

static const double index3[] = {2, 0, 2};
static const double table[] = {1, 2, 3, 4, 5, 6};
static const double rows[] = {5, 6, 1, 2, 5, 6};

static const struct op_case cases[] = {
    {.in = {LABELS, F32(3, 2)}, .x = {index3, table}, .y = rows},
    {.in = {LABELS, F32(1, 1)}, .classes = 1},
    {.in = {LABEL(7), F32(5, 15)}, .classes = 5},
    {.in = {LABEL(7), F32(5, 16)}, .classes = 5},
    {.in = {LABEL(7), F32(9, 17)}, .classes = 5},
    {.in = {LABEL(4, 3), F32(65, 33)}, .classes = 65},
    {.in = {LABEL(200), F32(67, 8)}, .classes = 67},
    {.in = {{DT_I64, 2, {OP_BATCH, 5}, 1}, F32(4, 3)}, .classes = 4},
    {.in = {I32(6), F32(4, 3)}, .classes = 4, .flat = true},
    {.in = {BATCH(2), F32(4, 3)}, .rejects = "index is f32"},
    {.in = {LABELS, F32(4)}, .rejects = "table is f32 [4]"},
    {.in = {LABELS, I32(4, 2)}, .rejects = "table is i32"},
    {.in = {LABELS}, .rejects = "takes 2 operands"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("Embedding", cases);
}
