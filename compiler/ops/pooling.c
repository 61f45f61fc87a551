/* pooling.c: see pooling.h. */
#include "compiler/ops/pooling.h"

/* [N, H, W, C] when last, else [N, C, H, W]. */
int64_t pooling_element(const struct window *w, bool last,
                        const struct pooling_at *p, const int64_t *size,
                        const int64_t *at)
{
    if (last)
        return ((p->n * size[0] + at[0]) * size[1] + at[1]) * w->C + p->c;
    return ((p->n * w->C + p->c) * size[0] + at[0]) * size[1] + at[1];
}

/* Position = out stride - pad + k dilation, by dimension (ONNX,
 * AveragePool). */
int64_t pooling_tap(const struct window *w, bool last,
                    const struct pooling_at *p, int64_t k)
{
    int64_t at[2] = {k / w->kernel[1], k % w->kernel[1]};

    for (int d = 0; d < 2; d++) {
        at[d] = p->out[d] * w->stride[d] - w->pad[d] + at[d] * w->dilation[d];
        if (at[d] < 0 || at[d] >= w->in[d])
            return -1;
    }
    return pooling_element(w, last, p, w->in, at);
}

/* Windows in the order of the user's layout, so that references add in one
 * order whatever the layout. */
void pooling_each(const struct window *w, bool last, void *context,
                  void (*f)(void *context, const struct pooling_at *,
                            int64_t y))
{
    struct pooling_at p;

    for (p.n = 0; p.n < w->N; p.n++)
        for (p.c = 0; p.c < w->C; p.c++)
            for (p.out[0] = 0; p.out[0] < w->out[0]; p.out[0]++)
                for (p.out[1] = 0; p.out[1] < w->out[1]; p.out[1]++)
                    f(context, &p, pooling_element(w, last, &p, w->out, p.out));
}

struct pool_problem pooling_problem(const struct window *w, enum dtype dtype)
{
    struct pool_problem p = {.N = w->N,
                             .H = w->in[0],
                             .W = w->in[1],
                             .C = w->C,
                             .P = w->out[0],
                             .Q = w->out[1],
                             .x = dtype,
                             .y = dtype};

    for (int d = 0; d < 2; d++) {
        p.window[d] = w->kernel[d];
        p.stride[d] = w->stride[d];
        p.pad[d] = w->pad[d];
        p.pad_end[d] = w->pad_end[d];
        p.dilation[d] = w->dilation[d];
    }
    return p;
}
