/*
 * fold_window.c: tables of signal processing whose sizes are known: windows,
 * and the filters of a mel spectrogram, by the formulas of ONNX's operators.
 */
#include <math.h>
#include <string.h>

#include "onnx/fold.h"

static const double PI = 3.14159265358979323846;

/* a0 - a1 cos(2 pi i / n) + a2 cos(4 pi i / n); n is the length, or, of a
 * window that is symmetric, one less. */
const struct constant *fold_window(struct import *im, const struct onnx_node *n)
{
    static const struct {
        const char *op;
        double a[3];
    } windows[] = {{"HannWindow", {0.5, 0.5, 0}},
                   {"HammingWindow", {25.0 / 46, 21.0 / 46, 0}},
                   {"BlackmanWindow", {0.42, 0.5, 0.08}}};
    int64_t size = constant_int(node_constant(n, 0), 0);
    enum dtype dtype = constant_dtype((int)node_int(n, "output_datatype", 1));
    double turn = (double)(size - !node_int(n, "periodic", 1));
    struct constant *c;
    int w = 0;

    if (dtype == DT_NONE)
        return NULL;
    while (strcmp(windows[w].op, n->op) != 0)
        w++;
    c = fold_made(im, dtype, 1, &size);
    for (int64_t i = 0; c && i < size; i++) {
        double x = 2 * PI * (double)i / turn;
        const double *a = windows[w].a;

        constant_set(c, i, a[0] - a[1] * cos(x) + a[2] * cos(2 * x));
    }
    return c;
}

/* ---- MelWeightMatrix ---- */

static double mel_of(double hertz)
{
    return 2595 * log10(1 + hertz / 700);
}

/* The bin of the spectrogram where triangle i begins. */
static int64_t bin(const double *arg, int64_t i)
{
    double low = mel_of(arg[3]), high = mel_of(arg[4]);
    double mel = low + (double)i * (high - low) / (arg[0] + 2);
    double hertz = 700 * (pow(10, mel / 2595) - 1);

    return (int64_t)floor((arg[1] + 1) * hertz / arg[2]);
}

/* Column i rises from its first bin to the middle and falls to the last. */
static void triangle(struct constant *c, const double *arg, int64_t i)
{
    int64_t from = bin(arg, i), middle = bin(arg, i + 1), to = bin(arg, i + 2);

    for (int64_t j = 0; j < c->type.dim[0]; j++) {
        double v = 0;

        if (j == middle && from == middle)
            v = 1;
        else if (j >= from && j <= middle)
            v = (double)(j - from) / (double)(middle - from);
        if (j >= middle && j < to)
            v = (double)(to - j) / (double)(to - middle);
        constant_set(c, j * c->type.dim[1] + i, v);
    }
}

/* Operands: bins of mel, length of the transform, rate, lowest and highest
 * frequency. */
const struct constant *fold_mel(struct import *im, const struct onnx_node *n)
{
    enum dtype dtype = constant_dtype((int)node_int(n, "output_datatype", 1));
    struct constant *c;
    double arg[5];
    int64_t dim[2];

    if (n->nin != 5 || dtype == DT_NONE)
        return NULL;
    for (int k = 0; k < 5; k++) {
        arg[k] = constant_at(node_constant(n, k), 0);
        if (!(arg[k] >= 0 && arg[k] < 1 << 30))
            return NULL;
    }
    dim[0] = (int64_t)arg[1] / 2 + 1;
    dim[1] = (int64_t)arg[0];
    /* Less than a sample a second would make bins beyond counting. */
    c = arg[2] >= 1 ? fold_made(im, dtype, 2, dim) : NULL;
    for (int64_t i = 0; c && i < dim[1]; i++)
        triangle(c, arg, i);
    return c;
}
