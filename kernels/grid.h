/*
 * grid.h: values of images at places that a grid names, and both gradients.
 *
 *   kernels_grid         x [N, C, H, W], grid [N, P, 2] -> y [N, C, P]
 *   kernels_grid_x       grid, dy [N, C, P] -> dx [N, C, H, W]
 *   kernels_grid_places  x, grid, dy -> dgrid [N, P, 2]
 *
 * A place is (x, y), from -1 to 1 across the image; all f32.
 */
#ifndef KERNELS_GRID_H
#define KERNELS_GRID_H

#include "kernels/kernel.h"

enum grid_mode { GRID_NEAREST, GRID_BILINEAR, GRID_BICUBIC };
enum grid_padding { GRID_ZEROS, GRID_BORDER, GRID_REFLECTION };

struct grid_problem {
    int64_t N, C, H, W, P;
    enum grid_mode mode;
    enum grid_padding padding;
    bool align_corners;
};

extern const struct kernel kernels_grid[], kernels_grid_x[],
    kernels_grid_places[];

#endif
