/*
 * reference_jobs.h: the models of reference.c, the sizes that their numbers were
 * made at, and how close they are asked to be: as close as PyTorch's own f32
 * came to its double, and some room.
 */
#ifndef TESTS_REFERENCE_JOBS_H
#define TESTS_REFERENCE_JOBS_H

#include "compiler/plancl_compile.h"

enum { DIMS = 16 };

struct job {
    const char *name;
    struct plancl_dim dim[DIMS];
    unsigned ndim;
    int dataset;           /* batches from Fashion-MNIST, not from the file */
    double loss_tolerance; /* relative */
    double parameter_tolerance, mean_tolerance; /* absolute */
    double state_tolerance;                     /* of running statistics */
    /* Their true gradient is zero, so that Adam makes steps of noise. */
    const char *exempt[7];
};

static const struct job jobs[] = {
    {.name = "fashion_cnn",
     .dataset = 1,
     .loss_tolerance = 1e-5,
     .parameter_tolerance = 1e-4,
     .mean_tolerance = 2e-6},
    {.name = "bioacoustic",
     .loss_tolerance = 1e-5,
     .dim = {{"N", 6}, {"mels", 32}, {"frames", 32}},
     .ndim = 3,
     .parameter_tolerance = 1e-4,
     .mean_tolerance = 2e-6},
    {.name = "pose",
     .loss_tolerance = 1e-5,
     .dim = {{"N", 3}, {"T", 10}, {"sensors", 12}, {"hidden", 16}},
     .ndim = 4,
     .parameter_tolerance = 1e-5,
     .mean_tolerance = 1e-6},
    {.name = "har",
     .loss_tolerance = 1e-5,
     .dim = {{"N", 8}, {"T", 32}},
     .ndim = 2,
     .parameter_tolerance = 1e-4,
     .mean_tolerance = 2e-6,
     .state_tolerance = 3e-2,
     .exempt = {"block1.pointwise.bias", "block2.pointwise.bias",
                "block3.pointwise.bias", "block4.pointwise.bias"}},
    {.name = "unet",
     .loss_tolerance = 1e-4,
     .dim = {{"N", 4}, {"S", 48}, {"base", 4}},
     .ndim = 3,
     .parameter_tolerance = 2e-2,
     .mean_tolerance = 5e-4,
     .state_tolerance = 4e-2},
    {.name = "jetx",
     .loss_tolerance = 1e-5,
     /* clang-format off */
     .dim = {{"N", 4}, {"L1", 10}, {"L2", 20}, {"L3", 40}, {"L4", 50},
             {"d", 32}, {"layers", 2}, {"heads", 4}, {"ff", 64},
             {"hidden", 32}, {"out", 16}, {"tcn", 16}, {"levels", 3}},
     /* clang-format on */
     .ndim = 13,
     .parameter_tolerance = 1e-5,
     .mean_tolerance = 1e-6,
     .exempt = {"encoder1.key.bias", "encoder2.key.bias"}},
    {.name = "transformer_lm",
     .loss_tolerance = 1e-5,
     .dim = {{"N", 3},
             {"T", 24},
             {"d", 32},
             {"layers", 2},
             {"heads", 4},
             {"ff", 64}},
     .ndim = 6,
     .parameter_tolerance = 2e-5,
     .mean_tolerance = 1e-6,
     .exempt = {"layer1.key.bias", "layer2.key.bias"}},
};

#endif
