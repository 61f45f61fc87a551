/*
 * rnn.cl: h = tanh, or with RELU the larger of 0, of xg + h w (Elman 1990).
 *
 * A group of one item takes one sample through all time steps; 16 units at a
 * time, the tail in a padded register.  Sums run over k in order.  V float is
 * the plain form.
 */
#ifdef WIDE
#define V float16
#define STEP 16
#define GET(p, i, n) LD16N(f32, p, i, n)
#define PUT(p, i, v, n) ST16N(f32, p, i, v, n)
#else
#define V float
#define STEP 1
#define GET(p, i, n) (p)[i]
#define PUT(p, i, v, n) ((p)[i] = (v))
#endif
#ifdef RELU
#define ACT(x) fmax(x, (V)(0.0f))
#define SLOPE(y, d) select((V)(0.0f), d, (y) > 0.0f)
#else
#define ACT(x) tanh(x)
#define SLOPE(y, d) ((d) * (1.0f - (y) * (y)))
#endif

#ifdef ENTRY_rnn
__kernel ONE_ITEM void KERNEL(rnn)(const __global float *xg, ulong xg_off,
                                   const __global float *w, ulong w_off,
                                   __global float *h, ulong h_off, uint T,
                                   uint H, uint reverse)
{
    const ulong sample = (ulong)get_group_id(0) * T;

    xg += xg_off;
    w += w_off;
    h += h_off;
    for (uint step = 0; step < T; step++) {
        const uint t = reverse ? T - 1 - step : step;
        const ulong row = sample + t;
        const ulong old = reverse ? row + 1 : row - 1;

        for (uint j = 0; j < H; j += STEP) {
            const int left = min(H - j, (uint)STEP);
            V a = GET(xg, row * H + j, left);

            for (uint k = 0; step && k < H; k++)
                a = h[old * H + k] * GET(w, (ulong)k * H + j, left) + a;
            PUT(h, row * H + j, ACT(a), left);
        }
    }
}
#endif

#ifdef ENTRY_rnn_grad
/* From the last step to the first: what a step gets is its own dh and, through
 * the weights, the gradient of the step behind it. */
__kernel ONE_ITEM void KERNEL(rnn_grad)(
    const __global float *dh, ulong dh_off, const __global float *h,
    ulong h_off, const __global float *wt, ulong wt_off, __global float *dxg,
    ulong dxg_off, __global float *before, ulong before_off, uint T, uint H,
    uint reverse)
{
    const ulong sample = (ulong)get_group_id(0) * T;

    dh += dh_off;
    h += h_off;
    wt += wt_off;
    dxg += dxg_off;
    before += before_off;
    for (uint step = T; step-- > 0;) {
        const uint t = reverse ? T - 1 - step : step;
        const ulong row = sample + t;
        const ulong old = reverse ? row + 1 : row - 1;
        const ulong next = reverse ? row - 1 : row + 1;

        for (uint j = 0; j < H; j += STEP) {
            const int left = min(H - j, (uint)STEP);
            V d = GET(dh, row * H + j, left), b = 0.0f;

            for (uint k = 0; step + 1 < T && k < H; k++)
                d = dxg[next * H + k] * GET(wt, (ulong)k * H + j, left) + d;
            if (step)
                b = GET(h, old * H + j, left);
            PUT(dxg, row * H + j, SLOPE(GET(h, row * H + j, left), d), left);
            PUT(before, row * H + j, b, left);
        }
    }
}
#endif

#undef V
#undef STEP
#undef GET
#undef PUT
#undef ACT
#undef SLOPE
