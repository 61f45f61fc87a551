/*
 * einsum.c: Einsum: a sum of products, said by letters for dimensions ("bij,bjk
 * -> bik").
 *
 * Built from what is there.  Letters that one operand alone has and the result
 * lacks are summed first.  One operand is then a Transpose; two that share no
 * letter to be summed are a Mul; where neither has letters alone, the product of
 * elements is summed; others are a matrix product of
 *   a [both..., a alone..., summed...] and b [both..., summed..., b alone...].
 * The samples stand in front of "a alone", or with "both" where there are such.
 *
 * Refused: more than two operands, a letter twice in one of them (a diagonal),
 * and a sum over samples.
 */
#include <ctype.h>
#include <string.h>

#include "compiler/op.h"

enum { EQUATION };
enum { TERMS = 3, A = 0, B, OUT }; /* OUT: of the result */

static const struct attr_spec attrs[] = {
    [EQUATION] =
        {"equation", ATTR_STRING, {0}, "as \"bij,bjk -> bik\"", true, false},
    {0},
};

/* Labels of dimensions: letters, and what "..." stands for, from the right: 1,
 * 2 and so on. */
struct labels {
    int n;
    char at[2 * MAX_RANK + 1];
};

struct einsum {
    struct graph *g;
    const char *equation;
    int nin;
    val v[2];
    struct labels term[TERMS];
    char samples; /* label, or 0 */
};

static bool has(const struct labels *l, char label)
{
    return memchr(l->at, label, (size_t)l->n) != NULL;
}

static int place(const struct labels *l, char label)
{
    int k = 0;

    while (k < l->n && l->at[k] != label)
        k++;
    return k;
}

static void add(struct labels *l, char label)
{
    if (l->n < 2 * MAX_RANK)
        l->at[l->n++] = label;
}

static int64_t size_of(const struct einsum *e, char label)
{
    int k = has(&e->term[A], label) ? A : B;

    return type_of(e->g, e->v[k])->dim[place(&e->term[k], label)];
}

/* ---- the equation ---- */

static bool refuse(const struct einsum *e, const char *why)
{
    return reject_here(e->g, "equation \"%s\": %s", e->equation, why);
}

static bool ends(const char *s)
{
    return *s == 0 || *s == ',' || (s[0] == '-' && s[1] == '>');
}

/* Letters of a term. */
static int letters(const char *s)
{
    int n = 0;

    for (; !ends(s); s++)
        n += isalpha((unsigned char)*s) != 0;
    return n;
}

/* One term, whose "..." stands for `dots` dimensions; *s moves behind it. */
static bool read_term(struct einsum *e, const char **s, int dots,
                      struct labels *l)
{
    bool dotted = false;

    for (l->n = 0; !ends(*s); ++*s) {
        if (strncmp(*s, "...", 3) == 0 && !dotted) {
            for (int k = dots; k > 0; k--)
                add(l, (char)k);
            dotted = true;
            *s += 2;
        } else if (isalpha((unsigned char)**s)) {
            if (has(l, **s))
                return refuse(e, "a letter twice in one term is not supported");
            add(l, **s);
        } else if (**s != ' ') {
            return refuse(e, "wanted letters, \"...\", \",\" and \"->\"");
        }
    }
    return true;
}

static bool read_operand(struct einsum *e, const char **s, int k, int *dots)
{
    int rank = type_of(e->g, e->v[k])->rank, here = rank - letters(*s);

    if (here < 0 || !read_term(e, s, here, &e->term[k]))
        return here >= 0 || refuse(e, "an operand has fewer dimensions");
    if (e->term[k].n != rank)
        return refuse(e, "an operand has more dimensions");
    if (has(&e->term[k], 1) && here > *dots)
        *dots = here;
    return true;
}

/* Without "->": what "..." stands for, then letters that stand once, sorted. */
static void implicit(struct einsum *e, int dots)
{
    for (int k = dots; k > 0; k--)
        add(&e->term[OUT], (char)k);
    for (int c = 'A'; c <= 'z'; c++)
        if (has(&e->term[A], (char)c) != has(&e->term[B], (char)c))
            add(&e->term[OUT], (char)c);
}

static bool read_equation(struct einsum *e)
{
    const char *s = e->equation;
    int dots = 0;

    for (int k = 0; k < e->nin; k++) {
        if (k > 0 && *s++ != ',')
            return refuse(e, "it has fewer terms than operands");
        if (!read_operand(e, &s, k, &dots))
            return false;
    }
    if (*s == ',')
        return refuse(e, "it has more terms than operands");
    if (*s == 0)
        implicit(e, dots);
    else
        s += 2;
    if (*s && !read_term(e, &s, dots, &e->term[OUT]))
        return false;
    return !*s || refuse(e, "something stands behind the result");
}

/* Sizes and samples of the labels. */
static bool check(struct einsum *e)
{
    const struct labels *out = &e->term[OUT];

    if (out->n > MAX_RANK)
        return refuse(e, "the result has too many dimensions");
    for (int k = 0; k < out->n; k++)
        if (!has(&e->term[A], out->at[k]) && !has(&e->term[B], out->at[k]))
            return refuse(e, "the result has what no operand has");
    for (int k = 0; k < e->nin; k++) {
        const struct type *t = type_of(e->g, e->v[k]);

        for (int d = 0; d < t->rank; d++)
            if (t->dim[d] != size_of(e, e->term[k].at[d]))
                return refuse(e, "the operands' sizes differ");
        if (!t->batch)
            continue;
        if (e->samples && e->samples != e->term[k].at[t->batch - 1])
            return refuse(e, "the operands' samples have two letters");
        e->samples = e->term[k].at[t->batch - 1];
    }
    if (e->samples && !has(out, e->samples))
        return refuse(e, "it sums over the samples of the batch");
    return true;
}

/* ---- the graph ---- */

/* An operand's dimensions in the order of labels, of which it may lack some. */
static void order(struct einsum *e, int k, const struct labels *wanted)
{
    struct labels now = {0};
    int perm[MAX_RANK];
    bool same = true;

    for (int i = 0; i < wanted->n; i++) {
        int from = place(&e->term[k], wanted->at[i]);

        if (from == e->term[k].n)
            continue;
        same = same && from == now.n;
        perm[now.n] = from;
        add(&now, wanted->at[i]);
    }
    if (!same)
        e->v[k] = val_transpose(e->g, e->v[k], perm);
    e->term[k] = now;
}

/* Sum over what one operand alone has and the result lacks. */
static void sum_alone(struct einsum *e, int k)
{
    struct labels left = {0};
    int64_t axis[MAX_RANK];
    int n = 0;

    for (int d = 0; d < e->term[k].n; d++) {
        char label = e->term[k].at[d];

        if (has(&e->term[OUT], label) || has(&e->term[1 - k], label))
            add(&left, label);
        else
            axis[n++] = d;
    }
    if (n)
        e->v[k] = val_reduce_sum(e->g, e->v[k], ints_copy(e->g, axis, n),
                                 false);
    e->term[k] = left;
}

/* Dimensions of `all`, of one element where the operand lacks them. */
static void spread(struct einsum *e, int k, const struct labels *all)
{
    int64_t dim[2 * MAX_RANK];
    int batch = 0;

    order(e, k, all);
    for (int d = 0; d < all->n; d++) {
        bool here = has(&e->term[k], all->at[d]);

        dim[d] = here ? size_of(e, all->at[d]) : 1;
        if (here && all->at[d] == e->samples)
            batch = d + 1;
    }
    if (all->n != e->term[k].n)
        e->v[k] = val_reshape(e->g, e->v[k], dim, all->n, batch);
}

/* Products of elements, over all labels, and the sum over the last ones. */
static val products(const struct einsum *e, const struct labels *all, int last)
{
    struct einsum by[2] = {*e, *e};
    int64_t axis[2 * MAX_RANK];
    val y;

    spread(&by[A], A, all);
    spread(&by[B], B, all);
    y = val_mul(e->g, by[A].v[A], by[B].v[B]);
    for (int k = 0; k < last; k++)
        axis[k] = all->n - last + k;
    return last ? val_reduce_sum(e->g, y, ints_copy(e->g, axis, last), false)
                : y;
}

/* The four kinds of labels of two operands. */
struct kinds {
    struct labels both, a, b, summed;
};

static struct kinds sort_labels(const struct einsum *e)
{
    struct kinds k = {.a = {0}};

    for (int i = 0; i < e->term[OUT].n; i++) {
        char label = e->term[OUT].at[i];
        bool in_a = has(&e->term[A], label), in_b = has(&e->term[B], label);

        add(in_a && in_b ? &k.both : in_a ? &k.a : &k.b, label);
    }
    for (int i = 0; i < e->term[A].n; i++)
        if (!has(&e->term[OUT], e->term[A].at[i]))
            add(&k.summed, e->term[A].at[i]);
    return k;
}

static void move_first(struct labels *l, int from)
{
    char label = l->at[from];

    memmove(l->at + 1, l->at, (size_t)from);
    l->at[0] = label;
}

/* Samples that a alone has: in front, and with the dimensions of both where
 * there are such. */
static void place_samples(const struct einsum *e, struct kinds *k)
{
    if (!e->samples || !has(&k->a, e->samples))
        return;
    move_first(&k->a, place(&k->a, e->samples));
    if (!k->both.n)
        return;
    memmove(k->a.at, k->a.at + 1, (size_t)--k->a.n);
    add(&k->both, e->samples);
    move_first(&k->both, k->both.n - 1);
}

static struct labels join(const struct labels *a, const struct labels *b,
                          const struct labels *c)
{
    const struct labels *const part[] = {a, b, c};
    struct labels all = {0};

    for (int p = 0; p < 3; p++)
        for (int i = 0; i < part[p]->n; i++)
            add(&all, part[p]->at[i]);
    return all;
}

static int64_t count(const struct einsum *e, const struct labels *l)
{
    int64_t n = 1;

    for (int i = 0; i < l->n; i++)
        n *= size_of(e, l->at[i]);
    return n;
}

/* Operand k as matrices [both..., rows, columns]. */
static val matrices(struct einsum e, int k, const struct labels *both,
                    const struct labels *rows, const struct labels *columns)
{
    const struct labels all = join(both, rows, columns);
    int64_t dim[2 * MAX_RANK], m = count(&e, rows), n = count(&e, columns);
    int rank = both->n, batch = 0;

    for (int i = 0; i < rank; i++)
        dim[i] = has(&e.term[k], both->at[i]) ? size_of(&e, both->at[i]) : 1;
    dim[rank] = m;
    dim[rank + 1] = n;
    for (int i = 0; i <= rank && i < all.n; i++)
        if (all.at[i] == e.samples && has(&e.term[k], e.samples))
            batch = i + 1;
    order(&e, k, &all);
    return val_reshape(e.g, e.v[k], dim, rank + 2, batch);
}

static val product(struct einsum *e, struct kinds *k)
{
    struct labels all;
    int64_t dim[2 * MAX_RANK];
    int batch = 0;
    val a, b, y;

    place_samples(e, k);
    a = matrices(*e, A, &k->both, &k->a, &k->summed);
    b = matrices(*e, B, &k->both, &k->summed, &k->b);
    if (!a.id || !b.id || !op_MatMul.build(e->g, (val[]){a, b}, 2, NULL, &y))
        return (val){0};
    all = join(&k->both, &k->a, &k->b);
    for (int i = 0; i < all.n; i++) {
        dim[i] = size_of(e, all.at[i]);
        if (all.at[i] == e->samples)
            batch = i + 1;
    }
    e->v[A] = val_reshape(e->g, y, dim, all.n, batch);
    e->term[A] = all;
    order(e, A, &e->term[OUT]);
    return e->v[A];
}

/* The samples, if only one operand has them, are the first one's. */
static void turn(struct einsum *e)
{
    const struct einsum was = *e;

    if (!e->samples || has(&e->term[A], e->samples))
        return;
    for (int k = A; k <= B; k++) {
        e->v[k] = was.v[1 - k];
        e->term[k] = was.term[1 - k];
    }
}

static val two(struct einsum *e)
{
    struct kinds k;

    turn(e);
    k = sort_labels(e);
    if (!k.summed.n)
        return products(e, &e->term[OUT], 0);
    if (k.both.n + (k.a.n || k.b.n ? 2 : k.summed.n) > MAX_RANK) {
        refuse(e, "the product on the way has too many dimensions");
        return (val){0};
    }
    if (k.a.n || k.b.n)
        return product(e, &k);
    k.both = join(&k.both, &k.summed, &k.a);
    return products(e, &k.both, k.summed.n);
}

static bool build(struct graph *g, const val *in, int nin,
                  const union attr *attr, val *y)
{
    struct einsum e = {.g = g, .equation = attr[EQUATION].s, .nin = nin};

    for (int k = 0; k < nin; k++) {
        e.v[k] = in[k];
        if (!dtype_is_float(type_of(g, in[k])->dtype))
            return refuse(&e, "the operands are not floats");
    }
    if (!read_equation(&e) || !check(&e))
        return false;
    for (int k = 0; k < nin; k++)
        sum_alone(&e, k);
    if (nin == 1)
        order(&e, A, &e.term[OUT]);
    y[0] = nin == 1 ? e.v[A] : two(&e);
    return y[0].id != 0;
}

static const char *const names[] = {"A", "B", NULL};

const struct op op_Einsum = {
    .name = "Einsum",
    .doc = "sum of products of one operand or two, by letters for dimensions",
    .min_in = 1,
    .nin = 2,
    .attr = attrs,
    .in_name = names,
    .types = "f32 f16",
    .build = build,
};
