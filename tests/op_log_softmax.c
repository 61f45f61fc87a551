/* op_log_softmax.c: LogSoftmax, along each axis. */
#include "tests/op_test.h"

#include <stddef.h>

/* Logarithms of 1, 2 and 5 have the softmax 1/8, 2/8 and 5/8. */
#define LOG_2 0.69314718055994531
#define LOG_5 1.6094379124341003
#define LOG_8 2.0794415416798357
static const double logs[] = {0, LOG_2, LOG_5};
static const double log_eighths[] = {-LOG_8, LOG_2 - LOG_8, LOG_5 - LOG_8};
/* e^-1000 is 0 in floats, its logarithm is not lost. */
static const double far[] = {0, -1000};
static const double still_far[] = {0, -1000};

static const struct op_case cases[] = {
    {.in = {F32(3)}, .x = {logs}, .y = log_eighths},
    {.in = {F32(2, 1)}, .attr = "axis=0", .x = {far}, .y = still_far},
    {.in = {F32(1)}},
    {.in = {BATCH(10)}, .attr = "axis=1"},
    {.in = {BATCH(33)}},
    {.in = {F32(3, 257)}, .low = -30, .high = 30},
    {.in = {F32(5, 3, 4)}, .attr = "axis=0"},
    {.in = {F32(2, 5, 3)}, .attr = "axis=1"},
    {.in = {BATCH(4, 3, 7)}, .attr = "axis=1"},
    {.in = {F32(2, 2, 3, 2, 3)}, .attr = "axis=2"},
    {.in = {F32(4, 7)}, .attr = "axis=2", .rejects = "axis 2 of a rank 2"},
    {.in = {I32(4)}, .rejects = "input is i32"},
    {.in = {BATCH(4)}, .attr = "axis=0", .rejects = "samples of the batch"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("LogSoftmax", cases);
}
