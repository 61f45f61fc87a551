/*
 * loss_cpu.cl: cross entropy and its gradient on a CPU, 16 logits at a time.
 *
 * A work-group is one work-item that takes some of the tasks.  *_rows: inner is
 * 1, a register holds 16 classes of a sample, a task is a sample.  *_planes: a
 * register holds one class of 16 neighbouring positions; a task is a sample, in
 * the gradient 16 positions of one.  The last register of a row is padded and
 * goes through the same code.
 *
 * See loss.cl for what is computed and for labels.
 */
#define LANE16 ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#define BEGIN(tasks) ((ulong)(tasks) * get_group_id(0) / get_num_groups(0))
#define END(tasks) ((ulong)(tasks) * (get_group_id(0) + 1) / get_num_groups(0))

/* What a label becomes: a class, or one of these. */
#define CLASS_WRONG (-1)
#define CLASS_IGNORED (-2)

INLINE int KERNEL(class_of)(long label, uint C)
{
#ifdef IGNORE
    if (label == (IGNORE))
        return CLASS_IGNORED;
#endif
    return label >= 0 && label < C ? (int)label : CLASS_WRONG;
}

/* Always in this order. */
INLINE float KERNEL(sum16)(float16 v)
{
    const float8 a = v.lo + v.hi;
    const float4 b = a.lo + a.hi;

    return (b.x + b.y) + (b.z + b.w);
}

#if defined ENTRY_cross_entropy_rows || defined ENTRY_cross_entropy_grad_rows
/* Classes from c on; behind the last one what takes no part in a softmax. */
INLINE float16 KERNEL(row16)(const __global T(X) *x, uint c, uint C)
{
    const int left = C - c;

    return LANE16 < left ? LD16N(X, x, c, left) : (float16)(-INFINITY);
}

/* x [C], one row. */
INLINE float KERNEL(top)(const __global T(X) *x, uint C)
{
    float16 top = -INFINITY;

    for (uint c = 0; c < C; c += 16)
        top = fmax(top, KERNEL(row16)(x, c, C));
    const float8 a = fmax(top.lo, top.hi);
    const float4 b = fmax(a.lo, a.hi);

    return fmax(fmax(b.x, b.y), fmax(b.z, b.w));
}

INLINE float KERNEL(total)(const __global T(X) *x, uint C, float top)
{
    float16 total = 0.0f;

    for (uint c = 0; c < C; c += 16)
        total += exp(KERNEL(row16)(x, c, C) - top);
    return KERNEL(sum16)(total);
}
#endif

#ifdef ENTRY_cross_entropy_rows
/* x [N, C], label [N] -> terms [N]. */
__kernel ONE_ITEM void KERNEL(cross_entropy_rows)(
    const __global T(X) *x, ulong x_off, const __global T(L) *label,
    ulong label_off, __global float *terms, ulong terms_off, uint N, uint C,
    uint inner)
{
    for (ulong n = BEGIN(N); n < END(N); n++) {
        const __global T(X) *row = x + x_off + n * C;
        const int k = KERNEL(class_of)(label[label_off + n], C);
        const float top = KERNEL(top)(row, C);
        float term = k == CLASS_IGNORED ? 0.0f : NAN;

        if (k >= 0)
            term = log(KERNEL(total)(row, C, top)) + (top - LD(X, row, k));
        terms[terms_off + n] = term;
    }
}
#endif

#ifdef ENTRY_cross_entropy_grad_rows
/* dterms [N], x [N, C], label [N] -> dx [N, C], which may lie over x: a
 * register of logits is read for the last time just before it is written. */
__kernel ONE_ITEM void KERNEL(cross_entropy_grad_rows)(
    const __global float *dterms, ulong dterms_off, const __global T(X) *x,
    ulong x_off, const __global T(L) *label, ulong label_off,
    __global T(X) *dx, ulong dx_off, uint N, uint C, uint inner)
{
    for (ulong n = BEGIN(N); n < END(N); n++) {
        const __global T(X) *row = x + x_off + n * C;
        const int k = KERNEL(class_of)(label[label_off + n], C);
        const float top = KERNEL(top)(row, C);
        const float total = KERNEL(total)(row, C, top);
        const float dterm = dterms[dterms_off + n];

        for (uint c = 0; c < C; c += 16) {
            const float16 p = exp(KERNEL(row16)(row, c, C) - top) / total;
            const float16 one = LANE16 == k - (int)c ? (float16)(1.0f)
                                                     : (float16)(0.0f);
            float16 d = (p - one) * dterm;

            if (k < 0)
                d = k == CLASS_IGNORED ? 0.0f : NAN;
            ST16N(X, dx, dx_off + n * C + c, d, (int)(C - c));
        }
    }
}
#endif

#if defined ENTRY_cross_entropy_planes ||                                      \
    defined ENTRY_cross_entropy_grad_planes
/* x is at 16 positions of class 0, of which `left` are there. */
INLINE float16 KERNEL(top)(const __global T(X) *x, uint C, uint inner,
                           int left)
{
    float16 top = -INFINITY;

    for (uint c = 0; c < C; c++)
        top = fmax(top, LD16N(X, x, (ulong)c * inner, left));
    return top;
}

INLINE float16 KERNEL(total)(const __global T(X) *x, uint C, uint inner,
                             int left, float16 top)
{
    float16 total = 0.0f;

    for (uint c = 0; c < C; c++)
        total += exp(LD16N(X, x, (ulong)c * inner, left) - top);
    return total;
}

/* Positions that are not there are ignored ones: they add nothing. */
INLINE int16 KERNEL(classes)(const __global T(L) *label, uint C, int left)
{
    int k[16];

    for (int j = 0; j < 16; j++)
        k[j] = j < left ? KERNEL(class_of)(label[j], C) : CLASS_IGNORED;
    return vload16(0, k);
}
#endif

#ifdef ENTRY_cross_entropy_planes
/* The logit of each position's class. */
INLINE float16 KERNEL(chosen)(const __global T(X) *x, int16 class, uint inner)
{
    int k[16];
    float v[16];

    vstore16(class, 0, k);
    for (int j = 0; j < 16; j++)
        v[j] = k[j] < 0 ? 0.0f : LD(X, x, (ulong)k[j] * inner + j);
    return vload16(0, v);
}

/* x [N, C, inner], label [N, inner] -> terms [N]: 16 chains over blocks of
 * positions, then a tree. */
__kernel ONE_ITEM void KERNEL(cross_entropy_planes)(
    const __global T(X) *x, ulong x_off, const __global T(L) *label,
    ulong label_off, __global float *terms, ulong terms_off, uint N, uint C,
    uint inner)
{
    for (ulong n = BEGIN(N); n < END(N); n++) {
        float16 sum = 0.0f;

        for (uint i = 0; i < inner; i += 16) {
            const __global T(X) *at = x + x_off + n * C * inner + i;
            const int left = inner - i;
            const int16 k =
                KERNEL(classes)(label + label_off + n * inner + i, C, left);
            const float16 top = KERNEL(top)(at, C, inner, left);
            const float16 total = KERNEL(total)(at, C, inner, left, top);
            float16 term = log(total) + (top - KERNEL(chosen)(at, k, inner));

            term = k == CLASS_WRONG ? (float16)(NAN) : term;
            sum += k == CLASS_IGNORED ? (float16)(0.0f) : term;
        }
        terms[terms_off + n] = KERNEL(sum16)(sum);
    }
}
#endif

#ifdef ENTRY_cross_entropy_grad_planes
/* dterms [N], x [N, C, inner], label [N, inner] -> dx as x; a task is 16
 * positions. */
__kernel ONE_ITEM void KERNEL(cross_entropy_grad_planes)(
    const __global float *dterms, ulong dterms_off, const __global T(X) *x,
    ulong x_off, const __global T(L) *label, ulong label_off,
    __global T(X) *dx, ulong dx_off, uint N, uint C, uint inner)
{
    const uint blocks = (inner + 15) / 16;

    for (ulong task = BEGIN((ulong)N * blocks);
         task < END((ulong)N * blocks); task++) {
        const ulong n = task / blocks;
        const uint i = (uint)(task % blocks) * 16;
        const ulong at = n * C * inner + i;
        const int left = inner - i;
        const int16 k =
            KERNEL(classes)(label + label_off + n * inner + i, C, left);
        const float16 top = KERNEL(top)(x + x_off + at, C, inner, left);
        const float16 total =
            KERNEL(total)(x + x_off + at, C, inner, left, top);
        const float dterm = dterms[dterms_off + n];

        for (uint c = 0; c < C; c++) {
            const ulong from = at + (ulong)c * inner;
            const float16 p = exp(LD16N(X, x, x_off + from, left) - top) /
                              total;
            const float16 one =
                k == (int)c ? (float16)(1.0f) : (float16)(0.0f);
            float16 d = (p - one) * dterm;

            d = k == CLASS_WRONG ? (float16)(NAN) : d;
            d = k == CLASS_IGNORED ? (float16)(0.0f) : d;
            ST16N(X, dx, dx_off + from, d, left);
        }
    }
}
#endif

#undef LANE16
#undef BEGIN
#undef END
#undef CLASS_WRONG
#undef CLASS_IGNORED
