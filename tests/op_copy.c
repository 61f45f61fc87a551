/*
 * op_copy.c: Slice, Pad and Concat; golden numbers from ONNX's definitions and
 * NumPy.
 */
#include <stddef.h>

#include "tests/op_test.h"

#define BYTES(...)                  \
    {                               \
        DT_U8, DIMS(__VA_ARGS__), 0 \
    }

/* Rising numbers, so that an element that came from the wrong place has the
 * wrong value. */
static const double six[] = {1, 2, 3, 4, 5, 6};
static const double eight[] = {1, 2, 3, 4, 5, 6, 7, 8};
static const double counted[] = {0,  1,  2,  3,  4,  5,  6,  7,
                                 8,  9,  10, 11, 12, 13, 14, 15,
                                 16, 17, 18, 19, 20, 21, 22, 23};

/* ONNX's two examples, then x[:, ::-1, 1:4:2] and x[1:, :2, ::-3]. */
static const double onnx_steps[] = {5, 7};
static const double onnx_beyond[] = {2, 3, 4};
static const double turned[] = {9, 11, 5, 7, 1, 3, 21, 23, 17, 19, 13, 15};
static const double backwards[] = {15, 12, 19, 16};
static const double six_backwards[] = {6, 5, 4, 3, 2, 1};

static const struct op_case slice[] = {
    {.in = {F32(2, 4)},
     .x = {eight},
     .y = onnx_steps,
     .attr = "axes=0,1 starts=1,0 ends=2,3 steps=1,2"},
    {.in = {F32(2, 4)},
     .x = {eight},
     .y = onnx_beyond,
     .attr = "starts=0,1 ends=-1,1000"},
    {.in = {F32(2, 3, 4)},
     .x = {counted},
     .y = turned,
     .attr = "axes=1,-1 starts=-1,1 ends=-1000,4 steps=-1,2"},
    {.in = {F32(2, 3, 4)},
     .x = {counted},
     .y = backwards,
     .attr = "axes=0,1,2 starts=1,0,1000 ends=2,2,-1000 steps=1,1,-3"},
    /* The numbers with which exporters say "to the end" and "from the end": any
     * sum with one of them overflows. */
    {.in = {F32(6)},
     .x = {six},
     .y = six_backwards,
     .attr = "starts=9223372036854775807 ends=-9223372036854775808 "
             "steps=-1"},
    {.in = {F32(6)},
     .x = {six},
     .y = six,
     .attr = "starts=0 ends=9223372036854775807"},
    {.in = {F32(6)},
     .x = {six},
     .y = six,
     .attr = "starts=0 ends=6 steps=9223372036854775807"},
    {.in = {F32(1)}, .attr = "starts=0 ends=1"},
    {.in = {F32(17)}, .attr = "starts=-3 ends=-1"},
    {.in = {F32(7, 5, 3)}, .attr = "starts=2 ends=5"},
    {.in = {F32(7, 5, 3)}, .attr = "axes=1 starts=1 ends=4"},
    {.in = {F32(7, 5, 3)}, .attr = "axes=2 starts=1 ends=2"},
    {.in = {F32(7, 5, 3)}, .attr = "axes=-3 starts=0 ends=7 steps=3"},
    {.in = {F32(2, 3, 2, 3, 1, 2, 3, 4)},
     .attr = "axes=1,3,5,7 starts=1,0,1,0 ends=3,3,2,4 steps=1,2,1,3"},
    {.in = {BATCH(5, 33)}, .attr = "axes=0,2 starts=0,1 ends=9,-1"},
    {.in = {BATCH(7, 4, 5)},
     .attr = "axes=3,1 starts=4,6 ends=0,0 "
             "steps=-2,-3"},
    /* Longer than what one work-group copies. */
    {.in = {F32(2, 40000)}, .attr = "axes=1 starts=1 ends=39999"},
    {.in = {I32(2, 4)},
     .x = {eight},
     .y = onnx_steps,
     .attr = "axes=0,1 starts=1,0 ends=2,3 steps=1,2"},
    {.in = {I64(2, 4)},
     .x = {eight},
     .y = onnx_beyond,
     .attr = "starts=0,1 ends=-1,1000"},
    {.in = {BOOL(9)}, .attr = "starts=1 ends=8"},
    {.in = {BYTES(9, 3)}, .attr = "starts=8 ends=1 steps=-2"},
    /* Cut samples would no longer match those of other values. */
    {.in = {BATCH(4)},
     .attr = "starts=1 ends=3",
     .rejects = "counts the samples of the batch, which cannot be cut"},
    {.in = {BATCH(4)},
     .attr = "starts=2 ends=-9 steps=-1",
     .rejects = "counts the samples"},
    {.in = {F32(4)},
     .attr = "starts=3 ends=3",
     .rejects = "nothing is left of dimension 0 of [4]"},
    {.in = {F32(4)}, .attr = "starts=3 ends=1", .rejects = "nothing is left"},
    {.in = {F32(4)},
     .attr = "starts=0 ends=4 steps=-1",
     .rejects = "nothing is left"},
    {.in = {F32(4)},
     .attr = "starts=0 ends=4 steps=0",
     .rejects = "steps has 0"},
    {.in = {F32(4)},
     .attr = "starts=0,0 ends=1",
     .rejects = "starts has 2 numbers and ends 1"},
    {.in = {F32(4)},
     .attr = "starts=0 ends=1 axes=0,0",
     .rejects = "axes has 2 numbers and starts 1"},
    {.in = {F32(4)},
     .attr = "starts=0 ends=1 steps=1,1",
     .rejects = "steps has 2 numbers and starts 1"},
    {.in = {F32(4)},
     .attr = "starts=0,0 ends=1,1",
     .rejects = "starts has 2 numbers for a rank 1 input"},
    {.in = {F32(4)},
     .attr = "starts=0 ends=1 axes=1",
     .rejects = "axis 1 of a rank 1 input"},
    {.in = {F32(4, 4)},
     .attr = "starts=0,0 ends=1,1 axes=1,-1",
     .rejects = "axes has 1 twice"},
    {.attr = NULL},
};

/* numpy.pad(six, ((1, 0), (2, 1)), ...) */
static const double sevens[] = {-7, -7, -7, -7, -7, -7, -7, -7, 1,
                                2,  3,  -7, -7, -7, 4,  5,  6,  -7};
static const double mirrored[] = {6, 5, 4, 5, 6, 5, 3, 2, 1,
                                  2, 3, 2, 6, 5, 4, 5, 6, 5};
static const double repeated[] = {1, 1, 1, 2, 3, 3, 1, 1, 1,
                                  2, 3, 3, 4, 4, 4, 5, 6, 6};
/* A row less before, a column more before and one less after. */
static const double cut[] = {0, 3, 0, 5};
/* A row less before and a row more after, then as above. */
static const double moved[] = {0, 3, 0, 5, 0, 0};

static const struct op_case pad[] = {
    {.in = {F32(2, 3)},
     .x = {six},
     .y = sevens,
     .attr = "pads=1,2,0,1 value=-7"},
    {.in = {F32(2, 3)},
     .x = {six},
     .y = mirrored,
     .attr = "pads=1,2,0,1 mode=reflect"},
    {.in = {F32(2, 3)},
     .x = {six},
     .y = repeated,
     .attr = "pads=1,2,0,1 mode=edge"},
    {.in = {F32(3, 2)}, .x = {six}, .y = cut, .attr = "pads=-1,1,0,-1"},
    {.in = {F32(1, 3, 2)},
     .x = {six},
     .y = moved,
     .attr = "pads=0,-1,1,0,1,-1"},
    {.in = {F32(1)}, .attr = "pads=0,0"},
    {.in = {F32(1)}, .attr = "pads=3,4 mode=edge"},
    {.in = {F32(1)}, .attr = "pads=3,4 value=0.5"},
    {.in = {F32(1, 2)}, .attr = "pads=0,1,0,1 mode=reflect"},
    {.in = {F32(17)}, .attr = "pads=16,16 mode=reflect"},
    {.in = {F32(17)}, .attr = "pads=0,19 mode=edge"},
    {.in = {F32(5, 7)}, .attr = "pads=3,0,0,2"},
    {.in = {F32(5, 7, 3)}, .attr = "pads=0,2,0,0,1,0"},
    {.in = {F32(5, 7, 3)}, .attr = "pads=1,2,2,4,6,1 mode=reflect"},
    {.in = {F32(5, 7, 3)}, .attr = "pads=1,2,9,14,6,1 mode=edge"},
    {.in = {F32(2, 1, 3, 2, 1, 2, 1, 4)},
     .attr = "pads=1,0,0,1,0,1,0,2,0,1,1,0,2,0,1,0"},
    {.in = {BATCH(3, 6, 5)}, .attr = "pads=0,0,1,1,0,0,1,1"},
    {.in = {BATCH(3, 6, 5)}, .attr = "pads=0,0,2,1,0,0,3,4 mode=reflect"},
    {.in = {BATCH(3, 6, 5)}, .attr = "pads=0,1,2,0,0,0,3,8 mode=edge"},
    {.in = {BATCH(2, 20000)}, .attr = "pads=0,0,3,0,0,5 value=1"},
    {.in = {I32(2, 3)},
     .x = {six},
     .y = sevens,
     .attr = "pads=1,2,0,1 value=-7"},
    {.in = {I64(2, 3)},
     .x = {six},
     .y = sevens,
     .attr = "pads=1,2,0,1 value=-7"},
    {.in = {BYTES(2, 3)},
     .x = {six},
     .y = mirrored,
     .attr = "pads=1,2,0,1 mode=reflect"},
    {.in = {BOOL(4, 5)}, .attr = "pads=1,1,1,1 value=1"},
    {.in = {BATCH(4)},
     .attr = "pads=1,0,0,0",
     .rejects = "counts the samples of the batch, which cannot be padded"},
    {.in = {F32(4)},
     .attr = "pads=1",
     .rejects = "pads has 1 numbers, wanted 2 for [4]"},
    {.in = {F32(4)},
     .attr = "pads=1,1 mode=wrap",
     .rejects = "mode is \"wrap\", wanted constant, reflect or edge"},
    {.in = {F32(4)},
     .attr = "pads=-1,1 mode=edge",
     .rejects = "below 0, which only mode constant allows"},
    {.in = {F32(4)}, .attr = "pads=-1,1 mode=reflect", .rejects = "below 0"},
    {.in = {F32(4)},
     .attr = "pads=1,4 mode=reflect",
     .rejects = "dimension 0 of [4] has no 4 elements beside its end"},
    {.in = {F32(4)}, .attr = "pads=-2,-2", .rejects = "nothing is left"},
    {.in = {F32(4)},
     .attr = "pads=2147483647,0",
     .rejects = "pads has 2147483647 and 0 for dimension 0"},
    {.in = {I32(4)},
     .attr = "pads=1,1 value=0.5",
     .rejects = "value is 0.5 for an input of i32"},
    {.in = {BYTES(4)},
     .attr = "pads=1,1 value=256",
     .rejects = "value is 256 for an input of u8"},
    {.attr = NULL},
};

static const double two[] = {-1, -2};
static const double below[] = {1, 2, 3, 4, 5, 6, -1, -2};
static const double beside[] = {1, 2, -1, 3, 4, -2};

static const struct op_case concat[] = {
    {.in = {F32(3, 2), F32(1, 2)},
     .x = {six, two},
     .y = below,
     .attr = "axis=0"},
    {.in = {F32(2, 2), F32(2, 1)},
     .x = {six, two},
     .y = beside,
     .attr = "axis=-1"},
    {.in = {I64(2, 2), I64(2, 1)},
     .x = {six, two},
     .y = beside,
     .attr = "axis=1"},
    {.in = {F32(1)}, .attr = "axis=0"},
    {.in = {F32(1), F32(1)}, .attr = "axis=0"},
    {.in = {F32(17), F32(1), F32(16)}, .attr = "axis=0"},
    {.in = {F32(3, 5, 7), F32(3, 1, 7), F32(3, 11, 7)}, .attr = "axis=1"},
    {.in = {F32(3, 5, 7), F32(3, 5, 1), F32(3, 5, 2), F32(3, 5, 13)},
     .attr = "axis=2"},
    {.in = {F32(2, 1, 2, 1, 2, 3, 1, 2), F32(2, 1, 2, 1, 2, 1, 1, 2)},
     .attr = "axis=5"},
    {.in = {BATCH(4, 3, 5), BATCH(2, 3, 5)}, .attr = "axis=1"},
    {.in = {BATCH(4), BATCH(1), BATCH(2), BATCH(7), BATCH(3), BATCH(1)},
     .attr = "axis=1"},
    /* An operand that is the same for all samples counts none. */
    {.in = {BATCH(4), F32(3, 2)}, .attr = "axis=1"},
    {.in = {F32(3, 2), BATCH(4)}, .attr = "axis=-1"},
    {.in = {BATCH(3, 20000), BATCH(1, 20000)}, .attr = "axis=1"},
    {.in = {I32(2, 3), I32(2, 5)}, .attr = "axis=1"},
    {.in = {BYTES(2, 3), BYTES(2, 5)}, .attr = "axis=1"},
    {.in = {BOOL(2, 3), BOOL(4, 3)}, .attr = "axis=0"},
    {.in = {BATCH(4), BATCH(4)},
     .attr = "axis=0",
     .rejects = "counts the samples of the batch, to which nothing"},
    {.in = {F32(2, 3), F32(3, 3)},
     .attr = "axis=1",
     .rejects = "operand 1 is [3,3], which does not go behind [2,3] along "
                "axis 1"},
    {.in = {F32(2, 3), F32(2)},
     .attr = "axis=1",
     .rejects = "operand 1 is [2]"},
    {.in = {F32(2, 3), I32(2, 3)},
     .attr = "axis=1",
     .rejects = "operand 1 is i32, the first is f32"},
    {.in = {F32(2, 3), F32(2, 3)},
     .attr = "axis=2",
     .rejects = "axis 2 of a rank 2 input"},
    {.in = {SCALAR, SCALAR},
     .attr = "axis=0",
     .rejects = "axis 0 of a rank 0 input"},
    {.attr = NULL},
};

int main(void)
{
    static const struct {
        const char *op;
        const struct op_case *cases;
    } tests[] = {
        {"Slice", slice},
        {"Pad", pad},
        {"Concat", concat},
    };
    int worst = 0;

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        int status = op_test(tests[i].op, tests[i].cases);

        if (status && worst != 1)
            worst = status;
    }
    return worst;
}
