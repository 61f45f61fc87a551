/*
 * kernels_conv_cases.h: shapes for kernels_conv.c, where candidates break: tiles
 * and one less and more, strides, dilations, pads, groups, halves.
 */
#ifndef TESTS_KERNELS_CONV_CASES_H
#define TESTS_KERNELS_CONV_CASES_H

#include "kernels/conv.h"

#define SIZES(n, h, w, c, k, r, s) \
    .N = n, .H = h, .W = w, .C = c, .K = k, .R = r, .S = s
#define TYPES(a, b, c) .x = DT_##a, .w = DT_##b, .y = DT_##c
#define UNIT           .stride = {1, 1}, .dilation = {1, 1}, .group = 1
#define F32S           TYPES(F32, F32, F32)

/* P and Q are computed: as many as fit with the same padding at the end and
 * `more_end` more. */
struct conv_case {
    const char *name;
    struct conv_problem p;
    int more_end; /* padding at the end beyond that at the beginning */
};

static const struct conv_case cases[] = {
    {"one", {SIZES(1, 1, 1, 1, 1, 1, 1), UNIT, F32S}, 0},
    {"fashion 1",
     {SIZES(3, 28, 28, 1, 16, 3, 3), UNIT, .pad = {1, 1}, F32S, .bias = true},
     0},
    {"fashion 2",
     {SIZES(2, 14, 14, 16, 32, 3, 3), UNIT, .pad = {1, 1}, F32S, .bias = true},
     0},
    {"tile - 1", {SIZES(5, 3, 5, 3, 15, 3, 3), UNIT, .pad = {1, 1}, F32S}, 0},
    {"tile + 1",
     {SIZES(3, 7, 7, 5, 17, 3, 3), UNIT, .pad = {1, 1}, F32S, .bias = true},
     0},
    {"three vectors", {SIZES(2, 5, 11, 4, 47, 3, 2), UNIT, F32S}, 0},
    {"four vectors",
     {SIZES(2, 6, 6, 7, 64, 3, 3), UNIT, .pad = {1, 1}, F32S},
     0},
    {"two blocks",
     {SIZES(2, 5, 5, 70, 67, 3, 3), UNIT, .pad = {1, 1}, F32S, .bias = true},
     0},
    {"1 x 1", {SIZES(3, 5, 7, 33, 20, 1, 1), UNIT, F32S, .bias = true}, 0},
    {"line", {SIZES(4, 1, 53, 6, 10, 1, 9), UNIT, .pad = {0, 4}, F32S}, 0},
    {"stride 2",
     {SIZES(2, 11, 13, 5, 18, 3, 3), .stride = {2, 2}, .dilation = {1, 1},
      .group = 1, .pad = {1, 1}, F32S},
     0},
    {"stride over kernel",
     {SIZES(2, 13, 12, 3, 16, 2, 2), .stride = {3, 4}, .dilation = {1, 1},
      .group = 1, F32S},
     0},
    {"dilation",
     {SIZES(2, 11, 12, 6, 19, 3, 3), .stride = {1, 1}, .dilation = {2, 3},
      .group = 1, .pad = {2, 3}, F32S},
     0},
    {"dilation, stride",
     {SIZES(2, 12, 17, 2, 9, 2, 3), .stride = {3, 2}, .dilation = {3, 2},
      .group = 1, .pad = {2, 0}, F32S},
     1},
    {"odd padding", {SIZES(2, 6, 6, 3, 8, 2, 4), UNIT, .pad = {0, 1}, F32S}, 1},
    {"padding over kernel",
     {SIZES(2, 4, 4, 3, 8, 2, 2), UNIT, .pad = {3, 3}, F32S},
     0},
    {"groups",
     {SIZES(2, 7, 7, 6, 15, 3, 3), .stride = {1, 1}, .dilation = {1, 1},
      .group = 3, .pad = {1, 1}, F32S, .bias = true},
     0},
    {"depthwise",
     {SIZES(3, 9, 9, 20, 20, 3, 3), .stride = {2, 2}, .dilation = {1, 1},
      .group = 20, .pad = {1, 1}, F32S},
     0},
    {"depthwise, one run",
     {SIZES(2, 6, 19, 16, 16, 3, 3), .stride = {1, 1}, .dilation = {1, 1},
      .group = 16, .pad = {1, 1}, F32S, .bias = true},
     0},
    {"depthwise, line",
     {SIZES(2, 1, 40, 37, 37, 1, 5), .stride = {1, 1}, .dilation = {1, 7},
      .group = 37, .pad = {0, 14}, F32S, .bias = true},
     0},
    {"depthwise, few channels",
     {SIZES(3, 7, 6, 5, 5, 2, 3), .stride = {3, 2}, .dilation = {2, 1},
      .group = 5, .pad = {1, 3}, F32S, .bias = true},
     1},
    {"depthwise, pads alone",
     {SIZES(2, 2, 3, 17, 17, 2, 2), .stride = {2, 3}, .dilation = {1, 2},
      .group = 17, .pad = {3, 4}, F32S},
     0},
    {"depthwise, two filters each",
     {SIZES(3, 9, 8, 20, 40, 3, 3), .stride = {2, 1}, .dilation = {1, 1},
      .group = 20, .pad = {1, 1}, F32S, .bias = true},
     0},
    {"depthwise, three filters of few channels",
     {SIZES(3, 7, 6, 5, 15, 2, 3), .stride = {3, 2}, .dilation = {2, 1},
      .group = 5, .pad = {1, 3}, F32S},
     1},
    {"depthwise, seven filters of six",
     {SIZES(2, 1, 23, 6, 42, 1, 5), .stride = {1, 1}, .dilation = {1, 2},
      .group = 6, .pad = {0, 4}, F32S, .bias = true},
     0},
    {"depthwise, sixteen filters of one",
     {SIZES(3, 5, 9, 1, 16, 3, 3), .stride = {1, 1}, .dilation = {1, 1},
      .group = 1, .pad = {1, 1}, F32S, .bias = true},
     0},
    {"depthwise, three halves each",
     {SIZES(2, 6, 9, 17, 51, 3, 3), .stride = {1, 2}, .dilation = {1, 1},
      .group = 17, .pad = {1, 1}, TYPES(F16, F16, F16), .bias = true},
     0},
    {"depthwise, eleven in a line",
     {SIZES(3, 1, 29, 11, 11, 1, 3), .stride = {1, 1}, .dilation = {1, 1},
      .group = 11, .pad = {0, 1}, F32S},
     0},
    {"depthwise, three of each pixel",
     {SIZES(3, 5, 13, 3, 3, 3, 3), .stride = {1, 1}, .dilation = {1, 1},
      .group = 3, .pad = {1, 1}, F32S},
     0},
    {"depthwise, halves",
     {SIZES(2, 9, 9, 33, 33, 3, 3), .stride = {1, 1}, .dilation = {1, 1},
      .group = 33, .pad = {1, 1}, TYPES(F16, F16, F16), .bias = true},
     0},
    {"large band",
     {SIZES(1, 40, 40, 64, 16, 3, 3), UNIT, .pad = {1, 1}, F32S},
     0},
    {"halves",
     {SIZES(2, 9, 9, 17, 33, 3, 3), UNIT, .pad = {1, 1}, TYPES(F16, F16, F16),
      .bias = true},
     0},
    {"half inputs",
     {SIZES(2, 5, 8, 16, 16, 3, 3), UNIT, .pad = {1, 1}, TYPES(F16, F32, F32)},
     0},
};

#endif
