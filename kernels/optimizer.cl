/*
 * optimizer.cl: one step of SGD or Adam, element by element.
 *
 * Options: SLOTS, how many tensors of state: 0 SGD, 1 SGD with momentum, 2
 * Adam.  NESTEROV, DECOUPLED: present or not.
 *
 * optimizer_cpu: a work-group of one item takes `chunk` elements, 16 at a time,
 * the tail in a padded register.  optimizer_item: an item per element.
 */
#ifdef ENTRY_optimizer_cpu
#define V float16
#else
#define V float
#endif

/* An element's values; the state is a momentum buffer, or m and v. */
struct KERNEL(element) {
    V w, state0, state1;
};

/* What is the same for all elements: the step's length, and for Adam the root
 * of the correction of v. */
struct KERNEL(pace) {
    float rate, length, root;
};

#if SLOTS < 2
/* rest1 and rest2 below are 1 - beta1 and 1 - beta2, undamped 1 - dampening. */
#define HYPER float momentum, float undamped
#define HYPER_NAMES momentum, undamped

/*
 * buffer = momentum buffer + (1 - dampening) g, at first g; w -= rate buffer.
 * Nesterov's form looks one step ahead: w -= rate (g + momentum buffer).
 */
INLINE struct KERNEL(pace) KERNEL(pace_of)(float rate, uint step, HYPER)
{
    return (struct KERNEL(pace)){rate, rate, 0};
}

INLINE struct KERNEL(element) KERNEL(update)(struct KERNEL(element) e, V g,
                                             struct KERNEL(pace) pace,
                                             uint step, float decay, HYPER)
{
    g = decay * e.w + g;
#if SLOTS > 0
    e.state0 = step == 1 ? g : momentum * e.state0 + undamped * g;
#ifdef NESTEROV
    g = momentum * e.state0 + g;
#else
    g = e.state0;
#endif
#endif
    e.w = e.w - pace.rate * g;
    return e;
}
#else
#define HYPER                                                                  \
    float rest1, float beta2, float rest2, float log_beta1, float log_beta2,   \
        float epsilon
#define HYPER_NAMES rest1, beta2, rest2, log_beta1, log_beta2, epsilon

/*
 * Kingma and Ba (2014), decoupled: Loshchilov and Hutter (2017).  1 - beta^t is
 * -expm1(t log beta), which keeps its digits when beta^t is near 1.
 */
INLINE struct KERNEL(pace) KERNEL(pace_of)(float rate, uint step, HYPER)
{
    const float t = step;

    return (struct KERNEL(pace)){rate, rate / -expm1(t * log_beta1),
                                 sqrt(-expm1(t * log_beta2))};
}

INLINE struct KERNEL(element) KERNEL(update)(struct KERNEL(element) e, V g,
                                             struct KERNEL(pace) pace,
                                             uint step, float decay, HYPER)
{
#ifdef DECOUPLED
    e.w = e.w - pace.rate * decay * e.w;
#else
    g = decay * e.w + g;
#endif
    e.state0 = rest1 * (g - e.state0) + e.state0;
    e.state1 = beta2 * e.state1 + rest2 * g * g;
    e.w = e.w -
          pace.length * (e.state0 / (sqrt(e.state1) / pace.root + epsilon));
    return e;
}
#endif

#if SLOTS > 0
#define IN0 const __global float *state0, ulong state0_off,
#define OUT0 __global float *state0_next, ulong state0_next_off,
#else
#define IN0
#define OUT0
#endif
#if SLOTS > 1
#define IN1 const __global float *state1, ulong state1_off,
#define OUT1 __global float *state1_next, ulong state1_next_off,
#else
#define IN1
#define OUT1
#endif

/* [elements] each */
#define OPERANDS                                                               \
    const __global float *w, ulong w_off, const __global float *g,             \
        ulong g_off, IN0 IN1 __global float *w_next, ulong w_next_off,         \
        OUT0 OUT1 uint n_low, uint n_high, float rate, uint step, float decay, \
        HYPER

#ifdef ENTRY_optimizer_cpu
/* Elements do not know each other, so `chunk` changes no bit. 16 are read
 * before they are written: a result may lie over its operand. */
__kernel ONE_ITEM void KERNEL(optimizer_cpu)(OPERANDS, uint chunk_low,
                                             uint chunk_high)
{
    const ulong chunk = join(chunk_low, chunk_high);
    const ulong begin = get_group_id(0) * chunk;
    const ulong end = min(join(n_low, n_high), begin + chunk);
    const struct KERNEL(pace) pace =
        KERNEL(pace_of)(rate, step, HYPER_NAMES);

    for (ulong i = begin; i < end; i += 16) {
        const int left = min(end - i, (ulong)16);
        struct KERNEL(element) e = {LD16N(f32, w, w_off + i, left), 0, 0};

#if SLOTS > 0
        e.state0 = LD16N(f32, state0, state0_off + i, left);
#endif
#if SLOTS > 1
        e.state1 = LD16N(f32, state1, state1_off + i, left);
#endif
        e = KERNEL(update)(e, LD16N(f32, g, g_off + i, left), pace, step,
                           decay, HYPER_NAMES);
        ST16N(f32, w_next, w_next_off + i, e.w, left);
#if SLOTS > 0
        ST16N(f32, state0_next, state0_next_off + i, e.state0, left);
#endif
#if SLOTS > 1
        ST16N(f32, state1_next, state1_next_off + i, e.state1, left);
#endif
    }
}
#endif

#ifdef ENTRY_optimizer_item
__kernel void KERNEL(optimizer_item)(OPERANDS)
{
    const ulong i = get_global_id(0);
    struct KERNEL(element) e = {0, 0, 0};

    if (i >= join(n_low, n_high))
        return;
    e.w = w[w_off + i];
#if SLOTS > 0
    e.state0 = state0[state0_off + i];
#endif
#if SLOTS > 1
    e.state1 = state1[state1_off + i];
#endif
    e = KERNEL(update)(e, g[g_off + i],
                       KERNEL(pace_of)(rate, step, HYPER_NAMES), step, decay,
                       HYPER_NAMES);
    w_next[w_next_off + i] = e.w;
#if SLOTS > 0
    state0_next[state0_next_off + i] = e.state0;
#endif
#if SLOTS > 1
    state1_next[state1_next_off + i] = e.state1;
#endif
}
#endif

#undef V
#undef HYPER
#undef HYPER_NAMES
#undef IN0
#undef OUT0
#undef IN1
#undef OUT1
#undef OPERANDS
