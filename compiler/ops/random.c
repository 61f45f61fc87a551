/*
 * random.c: random numbers, each a pure function of the seed, a name and the
 * element's number; see kernels/random.h.
 *
 * Initial weights come from here, in the order of the user's layout, so that
 * they do not depend on the layout that kernels want.
 */
#include "kernels/random.h"

#include <math.h>

#include "compiler/lower.h"
#include "compiler/op.h"

/* As val_random has them. */
enum { NORMAL, A, B, SHAPE, KEY };

static const struct attr_spec attrs[] = {
    [NORMAL] = {"normal", ATTR_BOOL, {0}, "else uniform", true, false},
    [A] = {"a", ATTR_FLOAT, {0}, "mean, or lower end", true, false},
    [B] = {"b", ATTR_FLOAT, {0}, "deviation, or upper end", true, false},
    [SHAPE] = {"shape", ATTR_INTS, {0}, "of the result", true, false},
    [KEY] = {"key",
             ATTR_STRING,
             {0},
             "name that the numbers belong to",
             true,
             false},
    {0},
};

static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    const struct ints *shape = &n->attr[SHAPE].ints;

    if (shape->n > MAX_RANK)
        return reject(g, n, "shape has %d dimensions, at most %d", shape->n,
                      MAX_RANK);
    *y = (struct type){.dtype = DT_F32, .rank = shape->n};
    for (int i = 0; i < shape->n; i++)
        y->dim[i] = shape->v[i];
    return true;
}

static void lower(struct lower *lo, const struct node *n)
{
    const union attr *a = n->attr;
    struct random_problem p = {.elements = type_count(&n->type),
                               .normal = a[NORMAL].i,
                               .a = a[A].f,
                               .b = a[B].f,
                               .hash = random_hash(a[KEY].s)};

    lower_call(lo, kernels_random, &p, n);
}

/* 24 bits, as many as a float holds: u in [0, 1).  Rounding a + (b - a) u to
 * f32 could give b itself, which random_top prevents. */
static double uniform(uint32_t word, const union attr *a)
{
    double u = (word >> 8) * 0x1p-24;

    return fmin(a[A].f + (a[B].f - a[A].f) * u, random_top(a[A].f, a[B].f));
}

/*
 * Box and Muller: even elements have the cosine, odd ones the sine. z =
 * sqrt(-2 log u) cos(2 pi v), with u in (0, 1], so that its logarithm is
 * finite, and v in [0, 1); each pair of words makes a pair of elements ("A
 * Note on the Generation of Random Normal Deviates", 1958).
 */
static double normal(const uint32_t *word, int j, const union attr *a)
{
    double u = ((word[j & ~1] >> 8) + 1) * 0x1p-24;
    double turn = 2 * acos(-1) * (word[j | 1] >> 8) * 0x1p-24;
    double z = sqrt(-2 * log(u)) * (j & 1 ? sin(turn) : cos(turn));

    return a[A].f + a[B].f * z;
}

/* Counter (element / 4, 0, upper half of the path's hash) and key (seed, lower
 * half): four elements to a counter.  The step is 0, as values are drawn
 * once. */
static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    const union attr *a = n->attr;
    uint64_t hash = random_hash(a[KEY].s);
    uint32_t key[2] = {env->seed, (uint32_t)hash}, word[4];

    (void)in;
    for (int64_t i = 0; i < type_count(&out->type); i++) {
        uint64_t quad = (uint64_t)i / 4;

        random_words((uint32_t[]){(uint32_t)quad, (uint32_t)(quad >> 32), 0,
                                  (uint32_t)(hash >> 32)},
                     key, word);
        out->data[i] = a[NORMAL].i ? normal(word, (int)(i % 4), a)
                                   : uniform(word[i % 4], a);
    }
}

const struct op op_Random = {
    .name = "Random",
    .doc = "random numbers, by a name",
    .attr = attrs,
    .types = "f32",
    .infer = infer,
    .lower = lower,
    .ref = ref,
    .internal = true,
};
