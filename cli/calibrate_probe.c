/*
 * calibrate_probe.c: the models that calibration runs where none are named.
 *
 * Sizes are of real networks' middle layers, so that kernels take the candidates
 * and the tiles that they would take there, and a step stays below a second on
 * two cores.
 */
#include "cli/calibrate_probe.h"

#include <stddef.h>

/* 64 MiB are read and as many written. */
const struct probe probe_memory = {
    .name = "memory",
    .text = "{\"plancl\": 1, \"name\": \"memory\", \"dims\": {\"N\": 16},"
            " \"inputs\": {\"x\": {\"shape\": [\"N\", 1048576]}},"
            " \"layers\": [{\"name\": \"y\", \"op\": \"Relu\","
            " \"inputs\": [\"x\"]}],"
            " \"outputs\": {\"y\": \"y\"}}"};

#define TRAINING                                                       \
    " \"training\": {\"loss\": {\"op\": \"CrossEntropy\", \"inputs\":" \
    " [\"logits\", \"label\"]}, \"optimizer\": {\"op\": \"Adam\", "    \
    "\"learning_rate\": 1e-3},"                                        \
    " \"metrics\": {\"accuracy\": {\"op\": \"Accuracy\", \"inputs\":"  \
    " [\"logits\", \"label\"]}}}}"
#define LOGITS                                                    \
    "{\"name\": \"logits\", \"op\": \"Linear\", \"units\": 10}]," \
    " \"outputs\": {\"y\": \"logits\"},"

static const char images[] =
    "{\"plancl\": 1, \"name\": \"images\", \"dims\": {\"N\": 16},"
    " \"inputs\": {\"x\": {\"shape\": [\"N\", 3, 64, 64]},"
    " \"label\": {\"shape\": [\"N\"], \"dtype\": \"i32\"}},"
    " \"layers\": ["
    "{\"op\": \"Conv\", \"inputs\": [\"x\"], \"filters\": 32,"
    " \"kernel_shape\": [3, 3], \"pads\": [1, 1, 1, 1]},"
    "{\"op\": \"BatchNormalization\"}, {\"name\": \"first\", \"op\": \"Relu\"},"
    "{\"op\": \"MaxPool\", \"kernel_shape\": [2, 2], \"strides\": [2, 2]},"
    "{\"op\": \"Conv\", \"filters\": 64, \"kernel_shape\": [3, 3],"
    " \"pads\": [1, 1, 1, 1]},"
    "{\"op\": \"BatchNormalization\"}, {\"name\": \"skip\", \"op\": \"Relu\"},"
    "{\"op\": \"Conv\", \"filters\": 64, \"group\": 64,"
    " \"kernel_shape\": [3, 3], \"pads\": [1, 1, 1, 1]},"
    "{\"name\": \"narrow\", \"op\": \"Conv\", \"filters\": 64,"
    " \"kernel_shape\": [1, 1]},"
    "{\"name\": \"sum\", \"op\": \"Add\", \"inputs\": [\"narrow\", \"skip\"]},"
    "{\"name\": \"up\", \"op\": \"ConvTranspose\", \"filters\": 32,"
    " \"kernel_shape\": [2, 2], \"strides\": [2, 2]},"
    "{\"name\": \"joined\", \"op\": \"Concat\", \"inputs\": [\"up\","
    " \"first\"], \"axis\": 1},"
    "{\"op\": \"Conv\", \"filters\": 128, \"kernel_shape\": [3, 3],"
    " \"strides\": [2, 2], \"pads\": [1, 1, 1, 1]},"
    "{\"op\": \"BatchNormalization\"}, {\"op\": \"Relu\"},"
    "{\"op\": \"MaxPool\", \"kernel_shape\": [2, 2], \"strides\": [2, 2]},"
    "{\"op\": \"Conv\", \"filters\": 256, \"kernel_shape\": [3, 3],"
    " \"pads\": [1, 1, 1, 1]},"
    "{\"op\": \"BatchNormalization\"}, {\"op\": \"Relu\"},"
    "{\"op\": \"Conv\", \"filters\": 256, \"kernel_shape\": [3, 3],"
    " \"pads\": [1, 1, 1, 1]},"
    "{\"op\": \"BatchNormalization\"}, {\"op\": \"Relu\"},"
    "{\"op\": \"GlobalAveragePool\"}, {\"op\": \"Flatten\"}," LOGITS TRAINING;

static const char sequences[] =
    "{\"plancl\": 1, \"name\": \"sequences\", \"dims\": {\"N\": 4},"
    " \"inputs\": {\"x\": {\"shape\": [\"N\", 512, 64]},"
    " \"label\": {\"shape\": [\"N\"], \"dtype\": \"i32\"}},"
    " \"layers\": ["
    "{\"name\": \"in\", \"op\": \"Linear\", \"inputs\": [\"x\"],"
    " \"units\": 128},"
    "{\"name\": \"norm1\", \"op\": \"LayerNormalization\"},"
    "{\"name\": \"q\", \"op\": \"Linear\", \"inputs\": [\"norm1\"],"
    " \"units\": 128},"
    "{\"name\": \"k\", \"op\": \"Linear\", \"inputs\": [\"norm1\"],"
    " \"units\": 128},"
    "{\"name\": \"v\", \"op\": \"Linear\", \"inputs\": [\"norm1\"],"
    " \"units\": 128},"
    "{\"name\": \"attention\", \"op\": \"Attention\","
    " \"inputs\": [\"q\", \"k\", \"v\"], \"heads\": 4},"
    "{\"name\": \"sum\", \"op\": \"Add\", \"inputs\": [\"attention\","
    " \"in\"]},"
    "{\"op\": \"Linear\", \"units\": 512}, {\"op\": \"Gelu\"},"
    "{\"op\": \"Linear\", \"units\": 128},"
    "{\"op\": \"Dropout\", \"ratio\": 0.1},"
    "{\"op\": \"LSTM\", \"hidden_size\": 128},"
    "{\"op\": \"LSTM\", \"hidden_size\": 256},"
    "{\"op\": \"GRU\", \"hidden_size\": 64},"
    "{\"op\": \"ReduceMean\", \"axes\": [1], \"keepdims\": false}," LOGITS
        TRAINING;

/* Kernels with next to nothing to do, so that what is beside them shows. */
#define SMALL                                                  \
    "{\"op\": \"Linear\", \"units\": 16}, {\"op\": \"Tanh\"}," \
    "{\"op\": \"LayerNormalization\"},"
const struct probe probe_launches = {
    .name = "launches",
    .text = "{\"plancl\": 1, \"name\": \"launches\", \"dims\": {\"N\": 4},"
            " \"inputs\": {\"x\": {\"shape\": [\"N\", 16]},"
            " \"label\": {\"shape\": [\"N\"], \"dtype\": \"i32\"}},"
            " \"layers\": ["
            "{\"op\": \"Identity\", \"inputs\": [\"x\"]}," SMALL SMALL SMALL
                SMALL SMALL SMALL LOGITS TRAINING};

const struct probe probe_networks[] = {
    {.name = "images", .text = images},
    {.name = "sequences", .text = sequences},
    {.name = NULL},
};
