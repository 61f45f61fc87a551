/*
 * loss.cl: cross entropy, its gradient, hits and counts, plainly: a work-item
 * takes a sample, in the gradient one position of a sample.
 *
 * x [N, C, inner], label [N, inner].  A term is log(sum(exp(x - top))) + top -
 * x[label] with the largest logit as top, so that no exponential overflows.
 *
 * Labels may be anything, above all in rows beyond the batch; only those in
 * 0..C-1 become an index.
 */
#ifdef IGNORE
#define IGNORED(label) ((label) == (IGNORE))
#else
#define IGNORED(label) false
#endif

#if defined ENTRY_cross_entropy_item || defined ENTRY_cross_entropy_grad_item
/* Logits of one position are `step` apart. */
INLINE float KERNEL(top)(const __global T(X) *x, uint C, ulong step)
{
    float top = -INFINITY;

    for (uint c = 0; c < C; c++)
        top = fmax(top, LD(X, x, c * step));
    return top;
}

/* At least 1, since the largest logit adds e^0. */
INLINE float KERNEL(total)(const __global T(X) *x, uint C, ulong step,
                           float top)
{
    float total = 0.0f;

    for (uint c = 0; c < C; c++)
        total += exp(LD(X, x, c * step) - top);
    return total;
}
#endif

#ifdef ENTRY_cross_entropy_item
/* x [C], `step` apart.  The difference top - x[label] comes first: both may be
 * large. */
INLINE float KERNEL(term)(const __global T(X) *x, long label, uint C,
                          ulong step)
{
    if (IGNORED(label))
        return 0.0f;
    if (label < 0 || label >= C)
        return NAN;
    const float top = KERNEL(top)(x, C, step);
    const float total = KERNEL(total)(x, C, step, top);

    return log(total) + (top - LD(X, x, (ulong)label * step));
}

/* x [N, C, inner], label [N, inner] -> terms [N].  Positions are added in
 * order. */
__kernel void KERNEL(cross_entropy_item)(
    const __global T(X) *x, ulong x_off, const __global T(L) *label,
    ulong label_off, __global float *terms, ulong terms_off, uint N, uint C,
    uint inner)
{
    const uint n = get_global_id(0);
    float sum = 0.0f;

    if (n >= N)
        return;
    x += x_off + (ulong)n * C * inner;
    label += label_off + (ulong)n * inner;
    for (uint i = 0; i < inner; i++)
        sum += KERNEL(term)(x + i, label[i], C, inner);
    terms[terms_off + n] = sum;
}
#endif

#ifdef ENTRY_cross_entropy_grad_item
/* dx = (softmax(x) - one at the label) * dterm; each logit is read for the
 * last time just before dx is written over it. */
__kernel void KERNEL(cross_entropy_grad_item)(
    const __global float *dterms, ulong dterms_off, const __global T(X) *x,
    ulong x_off, const __global T(L) *label, ulong label_off,
    __global T(X) *dx, ulong dx_off, uint N, uint C, uint inner)
{
    const ulong item = get_global_id(0);
    const ulong n = item / inner, at = n * C * inner + item % inner;

    if (n >= N)
        return;
    x += x_off + at;
    dx += dx_off + at;
    const long k = label[label_off + item];
    const float dterm = dterms[dterms_off + n];
    const float top = KERNEL(top)(x, C, inner);
    const float total = KERNEL(total)(x, C, inner, top);
    const bool ignored = IGNORED(k), wrong = k < 0 || k >= C;

    for (uint c = 0; c < C; c++) {
        const float p = exp(LD(X, x, (ulong)c * inner) - top) / total;
        const float d = (p - (c == k ? 1.0f : 0.0f)) * dterm;

        ST(X, dx, (ulong)c * inner, ignored ? 0.0f : wrong ? NAN : d);
    }
}
#endif

#ifdef ENTRY_hits_item
/* The first maximum; a NaN is larger than everything. */
INLINE long KERNEL(best)(const __global T(X) *x, uint C, ulong step)
{
    float best = LD(X, x, 0);
    long at = 0;

    for (uint c = 1; c < C; c++) {
        const float v = LD(X, x, c * step);

        if (v > best || (isnan(v) && !isnan(best))) {
            best = v;
            at = c;
        }
    }
    return at;
}

/* x [N, C, inner], label [N, inner] -> hits [N]. */
__kernel void KERNEL(hits_item)(const __global T(X) *x, ulong x_off,
                                const __global T(L) *label, ulong label_off,
                                __global float *hits, ulong hits_off, uint N,
                                uint C, uint inner)
{
    const uint n = get_global_id(0);
    uint sum = 0;

    if (n >= N)
        return;
    x += x_off + (ulong)n * C * inner;
    label += label_off + (ulong)n * inner;
    for (uint i = 0; i < inner; i++) {
        const long k = label[i];

        sum += !IGNORED(k) && KERNEL(best)(x + i, C, inner) == k;
    }
    hits[hits_off + n] = (float)sum;
}
#endif

#ifdef ENTRY_valid_count_item
/* label [N, inner] -> count [N]; as an integer, so exact. */
__kernel void KERNEL(valid_count_item)(const __global T(L) *label,
                                       ulong label_off, __global int *count,
                                       ulong count_off, uint N, uint inner)
{
    const uint n = get_global_id(0);
    int sum = 0;

    if (n >= N)
        return;
    label += label_off + (ulong)n * inner;
    for (uint i = 0; i < inner; i++) {
        const long k = label[i];

        sum += !IGNORED(k);
    }
    count[count_off + n] = sum;
}
#endif

#undef IGNORED
