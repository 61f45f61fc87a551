/*
 * lstm.cl: i, f, o = sigmoid, g = tanh of xg + h w; c = f c + i g; h = o tanh c
 * (Hochreiter and Schmidhuber 1997, with a forget gate; gates in PyTorch's
 * order).
 *
 * A group of one item takes SAMPLES samples through all time steps, so that a
 * row of weights serves several; 16 units at a time, the tail in a padded
 * register.  A sample's sums run over k in order, whatever stands beside it.
 * SAMPLES 1 and V float is the plain form.  Samples beyond N repeat the last
 * one and store nothing.
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

INLINE V KERNEL(sigmoid)(V x)
{
    return 1.0f / (1.0f + exp(-x));
}

#ifdef ENTRY_lstm
/* xg [N, T, 4 H], w [H, 4 H] -> h, c [N, T, H], gates [N, T, 4 H].  Within a
 * step all units read the old h, at row `before`, and write the new one at row
 * t, so no barrier is needed. */
__kernel ONE_ITEM void KERNEL(lstm)(
    const __global float *xg, ulong xg_off, const __global float *w,
    ulong w_off, __global float *h, ulong h_off, __global float *gates,
    ulong gates_off, __global float *c, ulong c_off, uint N, uint T, uint H,
    uint reverse)
{
    const uint n0 = get_group_id(0) * SAMPLES;

    xg += xg_off;
    w += w_off;
    h += h_off;
    gates += gates_off;
    c += c_off;
    for (uint step = 0; step < T; step++) {
        const uint t = reverse ? T - 1 - step : step;
        const uint before = reverse ? t + 1 : t - 1;

        for (uint j = 0; j < H; j += STEP) {
            const int n = min(H - j, (uint)STEP);
            V a[SAMPLES][4];

            for (int s = 0; s < SAMPLES; s++) {
                const ulong row = (ulong)min(n0 + s, N - 1) * T + t;

                for (int q = 0; q < 4; q++)
                    a[s][q] = GET(xg, row * 4 * H + q * H + j, n);
            }
            for (uint k = 0; step && k < H; k++) {
                V wk[4];

                for (int q = 0; q < 4; q++)
                    wk[q] = GET(w, (ulong)k * 4 * H + q * H + j, n);
                for (int s = 0; s < SAMPLES; s++) {
                    const ulong row = (ulong)min(n0 + s, N - 1) * T + before;
                    const float hk = h[row * H + k];

                    for (int q = 0; q < 4; q++)
                        a[s][q] = wk[q] * hk + a[s][q];
                }
            }
            for (int s = 0; s < SAMPLES && n0 + s < N; s++) {
                const ulong row = (ulong)(n0 + s) * T + t;
                const ulong old = (ulong)(n0 + s) * T + before;
                const V i = KERNEL(sigmoid)(a[s][0]);
                const V f = KERNEL(sigmoid)(a[s][1]);
                const V g = tanh(a[s][2]);
                const V o = KERNEL(sigmoid)(a[s][3]);
                V now = i * g;

                if (step)
                    now = f * GET(c, old * H + j, n) + now;
                PUT(gates, row * 4 * H + j, i, n);
                PUT(gates, row * 4 * H + H + j, f, n);
                PUT(gates, row * 4 * H + 2 * H + j, g, n);
                PUT(gates, row * 4 * H + 3 * H + j, o, n);
                PUT(c, row * H + j, now, n);
                PUT(h, row * H + j, o * tanh(now), n);
            }
        }
    }
}
#endif

#ifdef ENTRY_lstm_grad
/* state: dh and dc that flow to the step before, [N, 2 H].  One row (sample
 * and time) of each operand; `old` is the row of the step before.  Formulas:
 * compiler/ops/lstm.c.  The other half of state, dh, is the kernel's. */
INLINE void KERNEL(gate_gradients)(
    const __global float *dh, const __global float *gates,
    const __global float *c, const __global float *h, __global float *dxg,
    __global float *h_before, __global float *state, ulong row, ulong old,
    uint H, bool first, bool last)
{
    for (uint j = 0; j < H; j += STEP) {
        const int n = min(H - j, (uint)STEP);
        const V i = GET(gates, row * 4 * H + j, n);
        const V f = GET(gates, row * 4 * H + H + j, n);
        const V g = GET(gates, row * 4 * H + 2 * H + j, n);
        const V o = GET(gates, row * 4 * H + 3 * H + j, n);
        const V tc = tanh(GET(c, row * H + j, n));
        V d = GET(dh, row * H + j, n), dc, c_old = 0.0f, h_old = 0.0f;

        if (!last)
            d = d + GET(state, j, n);
        dc = d * o * (1.0f - tc * tc);
        if (!last)
            dc = dc + GET(state, H + j, n);
        if (!first) {
            c_old = GET(c, old * H + j, n);
            h_old = GET(h, old * H + j, n);
        }
        PUT(dxg, row * 4 * H + j, dc * g * i * (1.0f - i), n);
        PUT(dxg, row * 4 * H + H + j, dc * c_old * f * (1.0f - f), n);
        PUT(dxg, row * 4 * H + 2 * H + j, dc * i * (1.0f - g * g), n);
        PUT(dxg, row * 4 * H + 3 * H + j, d * tc * o * (1.0f - o), n);
        PUT(h_before, row * H + j, h_old, n);
        PUT(state, H + j, dc * f, n);
    }
}

/* dh, c, h [N, T, H], gates [N, T, 4 H], wt [4 H, H] -> dxg [N, T, 4 H],
 * h_before [N, T, H]; work [N, 2 H] carries dh and dc from step to step,
 * backwards. */
__kernel ONE_ITEM void KERNEL(lstm_grad)(
    const __global float *dh, ulong dh_off, const __global float *gates,
    ulong gates_off, const __global float *c, ulong c_off,
    const __global float *h, ulong h_off, const __global float *wt,
    ulong wt_off, __global float *dxg, ulong dxg_off, __global float *h_before,
    ulong h_before_off, __global float *work, ulong work_off, uint N, uint T,
    uint H, uint reverse)
{
    const uint n0 = get_group_id(0) * SAMPLES;

    dh += dh_off;
    gates += gates_off;
    c += c_off;
    h += h_off;
    wt += wt_off;
    dxg += dxg_off;
    h_before += h_before_off;
    work += work_off;
    for (uint step = T; step-- > 0;) {
        const uint t = reverse ? T - 1 - step : step;
        const uint before = reverse ? t + 1 : t - 1;

        for (uint s = n0; s < min(n0 + SAMPLES, N); s++)
            KERNEL(gate_gradients)(dh, gates, c, h, dxg, h_before,
                                   work + (ulong)s * 2 * H, (ulong)s * T + t,
                                   (ulong)s * T + before, H, step == 0,
                                   step == T - 1);
        for (uint k = 0; step && k < H; k += STEP) {
            const int n = min(H - k, (uint)STEP);
            V a[SAMPLES];

            for (int s = 0; s < SAMPLES; s++)
                a[s] = 0.0f;
            for (uint j = 0; j < 4 * H; j++) {
                const V wj = GET(wt, (ulong)j * H + k, n);

                for (int s = 0; s < SAMPLES; s++) {
                    const ulong row = (ulong)min(n0 + s, N - 1) * T + t;

                    a[s] = wj * dxg[row * 4 * H + j] + a[s];
                }
            }
            for (int s = 0; s < SAMPLES && n0 + s < N; s++)
                PUT(work, (ulong)(n0 + s) * 2 * H + k, a[s], n);
        }
    }
}
#endif

#undef V
#undef STEP
#undef GET
#undef PUT
