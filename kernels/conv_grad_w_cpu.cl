/*
 * conv_grad_w_cpu.cl: the weight gradient of a convolution on a CPU, without
 * groups.
 *
 * dw[lane] is a product [taps * C] x [K] over the pixels of the lane's samples:
 * one chain per element, samples outermost, then rows, then columns.
 *
 * A work-group is one work-item: a lane and a rectangle of its tiles, which are
 * TAPS rows of dw by 16 * VECS columns.  It takes the pixels in chunks, which
 * run on from one sample into the next.  Of a chunk it packs its columns of dy
 * once, and what some rows of tiles see of x as [pixel][WIDE], with zeros for the
 * padding; each tile then loads its sums from dw, adds the chunk in registers,
 * and stores them.
 *
 * Assumes that a sample's tensors and a lane's dw have less than 2^31 elements.
 */
#ifndef VECS
#define VECS 1
#define VECS_IS_DEFAULT
#endif
#ifndef TAPS
#define TAPS 8
#define TAPS_IS_DEFAULT
#endif
#ifndef WIDE
#define WIDE 48
#define WIDE_IS_DEFAULT
#endif
#define TILE (16 * VECS)

/* What stays the same during a launch. */
struct KERNEL(shape) {
    int H, W, C, K, R, S, P, Q, sh, sw, ph, pw, dh, dw;
};

/* Where a chunk begins: row p, column q of sample n; and how many pixels of how
 * many samples apart it has. */
struct KERNEL(chunk) {
    uint n, lanes;
    int p, q, pixels;
};

/* A rectangle of tiles: rows of dw from t0 on, columns from k0 on. */
struct KERNEL(part) {
    int t0, t_end, k0, k_end;
};

/* Copy n elements to floats; where there are 16, in vectors alone, the last one
 * over a part of the one before. */
INLINE void KERNEL(copy)(__global float *to, const __global T(X) * from, int n)
{
    int i = 0;

    for (; i + 16 <= n; i += 16)
        st16_f32(to + i, LD16(X, from, i));
    if (n >= 16) {
        st16_f32(to + n - 16, LD16(X, from, n - 16));
        return;
    }
    for (; i < n; i++)
        to[i] = LD(X, from, i);
}

INLINE void KERNEL(clear)(__global float *to, int pixels, int n)
{
    for (int i = 0; i < pixels; i++, to += WIDE)
        for (int t = 0; t < n; t++)
            to[t] = 0.0f;
}

/* `n` elements from `at` on of a row of `size`, with zeros around. */
INLINE void KERNEL(copy_edge)(__global float *to, const __global T(X) * row,
                              int at, int n, int size)
{
    for (int t = 0; t < n; t++)
        to[t] = at + t >= 0 && at + t < size ? LD(X, row, at + t) : 0.0f;
}

/* `n` taps that lie side by side in a row of x, for all pixels of a chunk: row
 * r of the window, from element `offset` of it on. */
INLINE void KERNEL(pack_run)(__global float *to, const __global T(X) * x,
                             const struct KERNEL(shape) * g,
                             struct KERNEL(chunk) m, int r, int offset, int n)
{
    const int step = g->sw * g->C, size = g->W * g->C;
    const int from = offset - g->pw * g->C; /* of column 0 of y */
    /* Columns of y that see nothing but x. */
    const int first = from < 0 ? (-from + step - 1) / step : 0;
    const int last = size - n - from >= 0 ? (size - n - from) / step + 1 : 0;

    while (m.pixels > 0) {
        const int h = m.p * g->sh - g->ph + r * g->dh;
        const int end = min(g->Q, m.q + m.pixels);
        const int a = clamp(first, m.q, end), b = clamp(last, a, end);
        const __global T(
            X) *row = x + ((ulong)m.n * g->H + clamp(h, 0, g->H - 1)) * size;

        if (h != clamp(h, 0, g->H - 1)) {
            KERNEL(clear)(to, end - m.q, n);
            to += (end - m.q) * WIDE;
        } else {
            for (int q = m.q; q < a; q++, to += WIDE)
                KERNEL(copy_edge)(to, row, from + q * step, n, size);
            for (int q = a; q < b; q++, to += WIDE)
                KERNEL(copy)(to, row + from + q * step, n);
            for (int q = b; q < end; q++, to += WIDE)
                KERNEL(copy_edge)(to, row, from + q * step, n, size);
        }
        m.pixels -= end - m.q;
        m.q = 0;
        if (++m.p == g->P) {
            m.p = 0;
            m.n += m.lanes;
        }
    }
}

/* What rows [t, end) of dw see of x: [pixels][WIDE].  Rows past the last are
 * zeros.  Taps of a row of the window lie side by side where they are not
 * dilated, else those of a pixel. */
INLINE void KERNEL(pack_x)(__global float *to, const __global T(X) * x,
                           const struct KERNEL(shape) * g,
                           const struct KERNEL(chunk) * m, int t, int end)
{
    const int taps = g->R * g->S * g->C, row = g->S * g->C;
    const int run = g->dw == 1 ? row : g->C;
    int n;

    for (; t < min(end, taps); t += n, to += n) {
        n = min(min(end, taps) - t, run - t % run);
        KERNEL(pack_run)
        (to, x, g, *m, t / row, t % row / run * g->dw * run + t % run, n);
    }
    KERNEL(clear)(to, m->pixels, end - t);
}

/* Columns [k0, k_end) of a chunk of dy: [block][pixel of `chunk`][TILE]. */
INLINE void KERNEL(pack_dy)(__global float *to, const __global T(Y) * dy,
                            const struct KERNEL(shape) * g,
                            struct KERNEL(chunk) m,
                            const struct KERNEL(part) * part, int chunk)
{
    while (m.pixels > 0) {
        const int at = m.p * g->Q + m.q;
        const int count = min(g->P * g->Q - at, m.pixels);
        const __global T(Y) *from = dy + ((ulong)m.n * g->P * g->Q + at) * g->K;

        for (int k = part->k0; k < part->k_end; k += TILE)
            for (int i = 0; i < count; i++)
#pragma unroll
                for (int v = 0; v < VECS; v++) {
                    const int left = g->K - k - v * 16;

                    st16_f32(to + (k - part->k0) * chunk + i * TILE + v * 16,
                             left > 0
                                 ? LD16N(Y, from, i * g->K + k + v * 16, left)
                                 : 0.0f);
                }
        to += count * TILE;
        m.pixels -= count;
        m.p = m.q = 0;
        m.n += m.lanes;
    }
}

/* The chunk behind this one. */
INLINE void KERNEL(advance)(struct KERNEL(chunk) * m,
                            const struct KERNEL(shape) * g)
{
    const int size = g->P * g->Q, at = m->p * g->Q + m->q + m->pixels;

    m->n += at / size * m->lanes;
    m->p = at % size / g->Q;
    m->q = at % size % g->Q;
}

/* One tile, at dw_out, of n rows and k_left columns: from dw to registers, the
 * chunk, and back.  One product a pixel: the outer product of TAPS elements of
 * x and TILE of dy. */
INLINE void KERNEL(tile)(__global float *dw_out, const __global float *x,
                         const __global float *dy, int pixels, int K,
                         const int2 size)
{
    const int n = size.x, k_left = size.y;
    float16 sum[TAPS][VECS];

#pragma unroll
    for (int t = 0; t < TAPS; t++)
#pragma unroll
        for (int v = 0; v < VECS; v++)
            sum[t][v] = t < n && v * 16 < k_left
                            ? LD16N(f32, dw_out, t * K + v * 16,
                                    k_left - v * 16)
                            : 0.0f;
    for (int i = 0; i < pixels; i++, x += WIDE, dy += TILE) {
        float16 b[VECS];

#pragma unroll
        for (int v = 0; v < VECS; v++)
            b[v] = ld16_f32(dy + v * 16);
#pragma unroll
        for (int t = 0; t < TAPS; t++) {
            const float16 a = x[t];
#pragma unroll
            for (int v = 0; v < VECS; v++)
                sum[t][v] = a * b[v] + sum[t][v];
        }
    }
#pragma unroll
    for (int t = 0; t < TAPS; t++)
#pragma unroll
        for (int v = 0; v < VECS; v++)
            if (t < n && v * 16 < k_left)
                ST16N(f32, dw_out, t * K + v * 16, sum[t][v], k_left - v * 16);
}

/* Rows of dw from size.x on, WIDE of them or as many as the part has. */
INLINE void KERNEL(rows)(__global float *dw_out, __global float *packed_x,
                         const __global float *packed_dy,
                         const __global T(X) * x,
                         const struct KERNEL(shape) * g,
                         const struct KERNEL(chunk) * m,
                         const struct KERNEL(part) * part, const int2 size)
{
    const int t0 = size.x, chunk = size.y;
    const int rows = min(WIDE, part->t_end - t0);
    const int tiles = (rows + TAPS - 1) / TAPS;

    KERNEL(pack_x)(packed_x, x, g, m, t0, t0 + tiles * TAPS);
    for (int t = 0; t < rows; t += TAPS)
        for (int k = part->k0; k < part->k_end; k += TILE)
            KERNEL(tile)
            (dw_out + (t0 + t) * g->K + k, packed_x + t,
             packed_dy + (k - part->k0) * chunk, m->pixels, g->K,
             (int2)(rows - t, g->K - k));
}

/* What the sums of a part start from. */
INLINE void KERNEL(start)(__global float *dw_out, const __global float *acc,
                          int K, const struct KERNEL(part) * part)
{
    for (int t = part->t0; t < part->t_end; t++)
        for (int k = part->k0; k < min(part->k_end, K); k++)
            dw_out[t * K + k] = acc ? acc[t * K + k] : 0.0f;
}

/* x [N, H, W, C], dy [N, P, Q, K], acc -> dw [lanes, R, S, C, K]; slice: the
 * chunk's dy, then x.  Sums go through dw between chunks, as f32 either way, so
 * the size of a chunk changes no bit. */
__kernel ONE_ITEM void
KERNEL(conv_grad_w_cpu)(const __global T(X) * x, ulong x_off,
                        const __global T(Y) * dy, ulong dy_off,
#ifdef ACC
                        const __global float *acc, ulong acc_off,
#endif
                        __global float *dw_out, ulong dw_off,
                        __global float *workspace, ulong workspace_off, int H,
                        int W, int C, int K, int R, int S, int P, int Q, int sh,
                        int sw, int ph, int pw, int dh, int dw, uint lanes,
                        uint rows, uint first, int chunk, uint slice)
{
    const uint lane = get_group_id(2),
               lane_from = lane_start(lane, lanes, first);
    const int across = get_num_groups(0), down = get_num_groups(1);
    const int blocks = (K + TILE - 1) / TILE, taps = R * S * C;
    const int tiles = (taps + TAPS - 1) / TAPS;
    const int i = get_group_id(0), j = get_group_id(1);
    const struct KERNEL(shape)
        g = {H, W, C, K, R, S, P, Q, sh, sw, ph, pw, dh, dw};
    const struct KERNEL(part)
        part = {(long)tiles * j / down * TAPS,
                min((int)((long)tiles * (j + 1) / down) * TAPS, taps),
                (long)blocks * i / across * TILE,
                (long)blocks * (i + 1) / across * TILE};
    __global float *packed_dy = workspace + workspace_off +
                                (((ulong)lane * down + j) * across + i) * slice;
    __global float *packed_x = packed_dy +
                               (blocks + across - 1) / across * TILE * chunk;
    const __global float *carry = 0;
    long left = lane_from < rows
                    ? (long)((rows - lane_from - 1) / lanes + 1) * P * Q
                    : 0;
    struct KERNEL(chunk) m = {lane_from, lanes, 0, 0, 0};

    x += x_off;
    dy += dy_off;
    dw_out += dw_off + (ulong)lane * taps * K;
#ifdef ACC
    if (first)
        carry = acc + acc_off + (ulong)lane * taps * K;
#endif
    KERNEL(start)(dw_out, carry, K, &part);
    for (; left > 0; left -= m.pixels, KERNEL(advance)(&m, &g)) {
        m.pixels = min((long)chunk, left);
        KERNEL(pack_dy)(packed_dy, dy, &g, m, &part, chunk);
        for (int t = part.t0; t < part.t_end; t += WIDE)
            KERNEL(rows)
            (dw_out, packed_x, packed_dy, x, &g, &m, &part, (int2)(t, chunk));
    }
}

#undef TILE
#ifdef VECS_IS_DEFAULT
#undef VECS
#undef VECS_IS_DEFAULT
#endif
#ifdef TAPS_IS_DEFAULT
#undef TAPS
#undef TAPS_IS_DEFAULT
#endif
#ifdef WIDE_IS_DEFAULT
#undef WIDE
#undef WIDE_IS_DEFAULT
#endif
