/*
 * window.h: the geometry that convolutions and pools share: windows that slide
 * over one or two spatial dimensions, by ONNX's attributes.
 */
#ifndef COMPILER_OPS_WINDOW_H
#define COMPILER_OPS_WINDOW_H

#include "compiler/op.h"

/* Places of the shared attributes, by their names in an op's table. */
struct window {
    int spatial;         /* 1 or 2 */
    int64_t N, C, in[2]; /* operand; in[0] = 1 for one dimension */
    /* rows, columns; one dimension is the second */
    int64_t kernel[2], stride[2], dilation[2];
    int64_t pad[2], pad_end[2]; /* zeros before and after */
    int64_t out[2];             /* windows */
};

/* Read attributes kernel_shape, strides, pads, dilations, auto_pad, ceil_mode
 * of node n, whose operand x is in the user's or in channels-last order.
 * kernel: the window's sizes, from the attribute when null.  False after
 * reject(). */
bool window_read(struct graph *, const struct node *n, const struct type *x,
                 const int64_t *kernel, struct window *);
/* [N, channels, out...] in the node's order. */
void window_type(const struct node *n, const struct window *, int64_t channels,
                 enum dtype, struct type *y);
bool window_channels_last(const struct node *n);

#define WINDOW_ATTRS                                                           \
    {"auto_pad",      ATTR_STRING,                                             \
     {.s = "NOTSET"}, "NOTSET, VALID, SAME_UPPER or SAME_LOWER",               \
     false,           false},                                                  \
        {"dilations", ATTR_INTS, {0}, "distance of a window's elements; 1",    \
         false,       false},                                                  \
        {"pads", ATTR_INTS, {0}, "zeros before each dimension, then after; 0", \
         false,  false},                                                       \
        {"strides", ATTR_INTS, {0}, "distance of windows; 1", false, false},   \
    {                                                                          \
        "channels_last", ATTR_BOOL, {0}, "order of the operands", false, true  \
    }

#endif
