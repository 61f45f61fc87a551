/*
 * gru.cl: r, z = sigmoid of xg + h w; n = tanh of xg + r (h w + b), or without
 * LINEAR of xg + (r h) w; h = (1 - z) n + z h (Cho et al. 2014; gates in
 * PyTorch's order, whose form is the LINEAR one).
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
#ifdef LINEAR
#define GATES 4 /* that are kept, */
#define SUMS 3  /* of products over h */
#else
#define GATES 3
#define SUMS 2
#endif

/* Where one sample is: its row at this step, and at the step before. */
#define ROW(s, at) ((ulong)min(n0 + (s), N - 1) * T + (at))

INLINE V KERNEL(sigmoid)(V x)
{
    return 1.0f / (1.0f + exp(-x));
}

#ifdef ENTRY_gru
/* The new state from the gates; at the first step the old one is zero. n is
 * stored as the third gate. */
INLINE void KERNEL(finish)(__global float *h, __global float *gates, V z, V n,
                           ulong row, ulong old, uint H, uint j, int left,
                           uint step)
{
    V now = (1.0f - z) * n;

    if (step)
        now = z * GET(h, old * H + j, left) + now;
    PUT(gates, row * GATES * H + 2 * H + j, n, left);
    PUT(h, row * H + j, now, left);
}

/*
 * xg [N, T, 3 H], w [H, 3 H], b [3 H] -> h [N, T, H], gates [N, T, GATES * H].
 * Within a step all units read the old h, at row `before`, and write the new
 * one at row t, so no barrier is needed.  The bias of n belongs inside the
 * reset gate.
 */
__kernel ONE_ITEM void KERNEL(gru)(
    const __global float *xg, ulong xg_off, const __global float *w,
    ulong w_off,
#ifdef BIAS
    const __global float *b, ulong b_off,
#endif
    __global float *h, ulong h_off, __global float *gates, ulong gates_off,
    uint N, uint T, uint H, uint reverse)
{
    const uint n0 = get_group_id(0) * SAMPLES;

    xg += xg_off;
    w += w_off;
#ifdef BIAS
    b += b_off;
#endif
    h += h_off;
    gates += gates_off;
    for (uint step = 0; step < T; step++) {
        const uint t = reverse ? T - 1 - step : step;
        const uint before = reverse ? t + 1 : t - 1;

        for (uint j = 0; j < H; j += STEP) {
            const int left = min(H - j, (uint)STEP);
            V a[SAMPLES][SUMS];

            for (int s = 0; s < SAMPLES; s++)
                for (int q = 0; q < SUMS; q++) {
                    a[s][q] = 0.0f;
#ifdef BIAS
                    a[s][q] = GET(b, q * H + j, left);
#endif
                }
            for (uint k = 0; step && k < H; k++) {
                V wk[SUMS];

                for (int q = 0; q < SUMS; q++)
                    wk[q] = GET(w, (ulong)k * 3 * H + q * H + j, left);
                for (int s = 0; s < SAMPLES; s++) {
                    const float hk = h[ROW(s, before) * H + k];

                    for (int q = 0; q < SUMS; q++)
                        a[s][q] = wk[q] * hk + a[s][q];
                }
            }
            for (int s = 0; s < SAMPLES && n0 + s < N; s++) {
                const ulong row = ROW(s, t);
                const V r = KERNEL(sigmoid)(
                    GET(xg, row * 3 * H + j, left) + a[s][0]);
                const V z = KERNEL(sigmoid)(
                    GET(xg, row * 3 * H + H + j, left) + a[s][1]);

                PUT(gates, row * GATES * H + j, r, left);
                PUT(gates, row * GATES * H + H + j, z, left);
#ifdef LINEAR
                PUT(gates, row * GATES * H + 3 * H + j, a[s][2], left);
                KERNEL(finish)(h, gates, z,
                               tanh(r * a[s][2] +
                                    GET(xg, row * 3 * H + 2 * H + j, left)),
                               row, ROW(s, before), H, j, left, step);
#endif
            }
        }
#ifndef LINEAR
        /* n's product takes r h, so all of r must be there first: a second pass
         * over units. */
        for (uint j = 0; j < H; j += STEP) {
            const int left = min(H - j, (uint)STEP);
            V a[SAMPLES];

            for (int s = 0; s < SAMPLES; s++)
                a[s] = GET(xg, ROW(s, t) * 3 * H + 2 * H + j, left);
            for (uint k = 0; step && k < H; k++) {
                const V wk = GET(w, (ulong)k * 3 * H + 2 * H + j, left);

                for (int s = 0; s < SAMPLES; s++) {
                    const float rh = gates[ROW(s, t) * GATES * H + k] *
                                     h[ROW(s, before) * H + k];

                    a[s] = wk * rh + a[s];
                }
            }
            for (int s = 0; s < SAMPLES && n0 + s < N; s++)
                KERNEL(finish)(
                    h, gates,
                    GET(gates, ROW(s, t) * GATES * H + H + j, left),
                    tanh(a[s]), ROW(s, t), ROW(s, before), H, j, left, step);
        }
#endif
    }
}
#endif

#ifdef ENTRY_gru_grad
/*
 * state: dh that flows to the step before; here without the products.  One row
 * (sample and time) of each operand; `old` is the row of the step before.
 * Formulas: compiler/ops/gru.c. `first` and `last` are the ends of the
 * recurrence.
 */
INLINE void KERNEL(gate_gradients)(
    const __global float *dh, const __global float *gates,
    const __global float *h, __global float *dxg, __global float *h_before,
#ifdef LINEAR
    __global float *kept,
#endif
    __global float *state, ulong row, ulong old, uint H, bool first, bool last)
{
    for (uint j = 0; j < H; j += STEP) {
        const int left = min(H - j, (uint)STEP);
        const V z = GET(gates, row * GATES * H + H + j, left);
        const V n = GET(gates, row * GATES * H + 2 * H + j, left);
        V d = GET(dh, row * H + j, left), h_old = 0.0f, dn, dz;

        if (!last)
            d = d + GET(state, j, left);
        if (!first)
            h_old = GET(h, old * H + j, left);
        dn = d * (1.0f - z) * (1.0f - n * n);
        dz = d * (h_old - n) * z * (1.0f - z);
        PUT(dxg, row * 3 * H + H + j, dz, left);
        PUT(dxg, row * 3 * H + 2 * H + j, dn, left);
        PUT(h_before, row * H + j, h_old, left);
        PUT(state, j, d * z, left);
#ifdef LINEAR
        const V r = GET(gates, row * GATES * H + j, left);
        const V linear = GET(gates, row * GATES * H + 3 * H + j, left);
        const V dr = dn * linear * r * (1.0f - r);

        PUT(dxg, row * 3 * H + j, dr, left);
        PUT(kept, row * 3 * H + j, dr, left);
        PUT(kept, row * 3 * H + H + j, dz, left);
        PUT(kept, row * 3 * H + 2 * H + j, dn * r, left);
#endif
    }
}

/* a[s] += sum over rows [begin, end) of wt of the gradients at this step. */
#define SUM(a, from, begin, end)                                              \
    for (uint j = (begin); j < (end); j++) {                                   \
        const V wj = GET(wt, (ulong)j * H + k, left);                          \
                                                                               \
        for (int s = 0; s < SAMPLES; s++)                                      \
            a[s] = wj * from[ROW(s, t) * 3 * H + j] + a[s];                    \
    }

/* dh, h [N, T, H], gates [N, T, GATES * H], wt [3 H, H] -> dxg [N, T, 3 H],
 * h_before [N, T, H], kept; work [N, H] carries dh from step to step,
 * backwards. */
__kernel ONE_ITEM void KERNEL(gru_grad)(
    const __global float *dh, ulong dh_off, const __global float *gates,
    ulong gates_off, const __global float *h, ulong h_off,
    const __global float *wt, ulong wt_off, __global float *dxg, ulong dxg_off,
    __global float *h_before, ulong h_before_off, __global float *kept,
    ulong kept_off, __global float *work, ulong work_off, uint N, uint T,
    uint H, uint reverse)
{
    const uint n0 = get_group_id(0) * SAMPLES;

    dh += dh_off;
    gates += gates_off;
    h += h_off;
    wt += wt_off;
    dxg += dxg_off;
    h_before += h_before_off;
    kept += kept_off;
    work += work_off;
    for (uint step = T; step-- > 0;) {
        const uint t = reverse ? T - 1 - step : step;
        const uint before = reverse ? t + 1 : t - 1;

        for (int s = 0; s < SAMPLES && n0 + s < N; s++)
            KERNEL(gate_gradients)(dh, gates, h, dxg, h_before,
#ifdef LINEAR
                                   kept,
#endif
                                   work + (ulong)(n0 + s) * H, ROW(s, t),
                                   ROW(s, before), H, step == 0,
                                   step == T - 1);
#ifndef LINEAR
        for (uint k = 0; k < H; k += STEP) {
            const int left = min(H - k, (uint)STEP);
            V a[SAMPLES];

            for (int s = 0; s < SAMPLES; s++)
                a[s] = 0.0f;
            SUM(a, dxg, 2 * H, 3 * H)
            for (int s = 0; s < SAMPLES && n0 + s < N; s++) {
                __global float *state = work + (ulong)(n0 + s) * H;
                const V r = GET(gates, ROW(s, t) * GATES * H + k, left);
                const V old = GET(h_before, ROW(s, t) * H + k, left);

                PUT(dxg, ROW(s, t) * 3 * H + k, a[s] * old * r * (1.0f - r),
                    left);
                PUT(kept, ROW(s, t) * H + k, r * old, left);
                PUT(state, k, a[s] * r + GET(state, k, left), left);
            }
        }
#endif
        for (uint k = 0; step && k < H; k += STEP) {
            const int left = min(H - k, (uint)STEP);
            V a[SAMPLES];

            for (int s = 0; s < SAMPLES; s++)
                a[s] = GET(work, (ulong)min(n0 + s, N - 1) * H + k, left);
#ifdef LINEAR
            SUM(a, kept, 0, 3 * H)
#else
            SUM(a, dxg, 0, 2 * H)
#endif
            for (int s = 0; s < SAMPLES && n0 + s < N; s++)
                PUT(work, (ulong)(n0 + s) * H + k, a[s], left);
        }
    }
}
#undef SUM
#endif

#undef ROW
#undef V
#undef STEP
#undef GET
#undef PUT
#undef GATES
#undef SUMS
