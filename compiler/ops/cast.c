/*
 * cast.c: the same numbers in another type, and in the same one.
 *
 * A float becomes an integer by dropping what is behind the point, anything
 * becomes bool by whether it is not zero; an integer that does not fit loses
 * its upper bits.  Cast has no formula: inside a fused chain, whose values are
 * all floats, it would not round.
 */
#include <math.h>
#include <string.h>

#include "compiler/fused.h"
#include "compiler/lower.h"
#include "compiler/op.h"
#include "kernels/pointwise.h"

/* ---- Cast ---- */

enum { TO };

static const struct attr_spec cast_attrs[] = {
    [TO] = {"to",
            ATTR_STRING,
            {0},
            "f32, f16, i32, i64, u8, i8 or bool",
            true,
            false},
    {0},
};

/* DT_NONE for what is no type's name; relies on DT_F32 to DT_BOOL being all. */
static enum dtype named(const char *name)
{
    for (enum dtype t = DT_F32; t <= DT_BOOL; t++)
        if (strcmp(dtype_name(t), name) == 0)
            return t;
    return DT_NONE;
}

static bool cast_infer(struct graph *g, const struct node *n, struct type *y)
{
    const char *to = n->attr[TO].s;

    *y = *type_of(g, n->in[0]);
    y->dtype = named(to);
    if (y->dtype != DT_NONE)
        return true;
    return reject(g, n,
                  "to is \"%.60s\", wanted f32, f16, i32, i64, u8, i8 "
                  "or bool",
                  to);
}

/* A cast to the type that x has is no node. */
static bool cast_build(struct graph *g, const val *in, int nin,
                       const union attr *attr, val *y)
{
    bool same = strcmp(dtype_name(type_of(g, in[0])->dtype), attr[TO].s) == 0;

    y[0] = same ? in[0] : graph_add(g, &op_Cast, in, nin, attr);
    return y[0].id != 0;
}

/* Rounding counts as the identity, so dy only goes back to x's type; an
 * integer x has no gradient. */
static void cast_grad(struct graph *g, val y, const val *dy, val *dx)
{
    const struct type *x = type_of(g, graph_node(g, y)->in[0]);
    union attr attr[1] = {{.s = dtype_name(x->dtype)}};

    if (dtype_is_float(x->dtype))
        dx[0] = graph_add(g, &op_Cast, dy, 1, attr);
}

/*
 * One flat pass: the load converts from the one type, the store to the other.
 * Between two integer types the kernel works in integers (`integer`), since
 * i64 and large i32 do not fit a float; bool is a comparison, not a
 * truncation.
 */
static void cast_lower(struct lower *lo, const struct node *n)
{
    const struct type *x = type_of(lo->graph, n->in[0]);
    struct pointwise_problem p = {.rank = 1,
                                  .dim = {type_count(x)},
                                  .nin = 1,
                                  .stride = {{1}},
                                  .in = {x->dtype},
                                  .out = n->type.dtype};

    p.integer = !dtype_is_float(x->dtype) && !dtype_is_float(p.out);
    p.flop = 1;
    if (p.out == DT_BOOL)
        p.body = p.integer ? "      r = v0 != 0;\n"
                           : "      r = SEL(v0 != 0.0f, 1.0f, 0.0f);\n";
    else
        p.body = "      r = v0;\n";
    p.text = ARENA_NEW(lo->arena, char, POINTWISE_TEXT);
    lower_call(lo, kernels_pointwise, &p, n);
}

/* The lower `bits` of an integer, with the sign that they give. x is an
 * integer of any size; x - size floor(x / size) is exact in double for |x| <
 * 2^53, and never negative. */
static double wrapped(double x, int bits, bool sign)
{
    double size = ldexp(1, bits), r = x - size * floor(x / size);

    return sign && r >= size / 2 ? r - size : r;
}

/* From integer to integer of less or equal width the bits are cut, as in C;
 * from a float the fraction is dropped, and what does not fit is left to the
 * implementation in OpenCL C 1.2 (6.2.3.3). */
static double cast_one(enum dtype from, enum dtype to, double x)
{
    bool narrow = !dtype_is_float(from) && dtype_bytes(to) < dtype_bytes(from);

    if (to == DT_BOOL)
        return x != 0;
    if (dtype_is_float(to))
        return x;
    if (narrow || (from == DT_I8 && to == DT_U8) ||
        (from == DT_U8 && to == DT_I8))
        return wrapped(x, 8 * (int)dtype_bytes(to), to != DT_U8);
    return trunc(x);
}

/* Of one shape, any; x in its type's values, held as double. */
static void cast_ref(const struct node *n, const struct ref_env *env,
                     const struct tensor *in, struct tensor *out)
{
    (void)n, (void)env;
    for (int64_t i = 0; i < type_count(&out->type); i++)
        out->data[i] = cast_one(in->type.dtype, out->type.dtype, in->data[i]);
}

const struct op op_Cast = {
    .name = "Cast",
    .doc = "the same numbers in another type",
    .min_in = 1,
    .nin = 1,
    .attr = cast_attrs,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .infer = cast_infer,
    .grad = cast_grad,
    .lower = cast_lower,
    .ref = cast_ref,
    .build = cast_build,
    .layout_follows = true,
    .inplace = {1},
};

/* ---- Identity ---- */

static bool identity_infer(struct graph *g, const struct node *n,
                           struct type *y)
{
    *y = *type_of(g, n->in[0]);
    return true;
}

static void identity_grad(struct graph *g, val y, const val *dy, val *dx)
{
    (void)g, (void)y;
    dx[0] = dy[0];
}

static double identity_eval(const double *operand, const union attr *attr)
{
    (void)attr;
    return operand[0];
}

/* A chain of one step, which copies; as part of a longer chain it costs
 * nothing. */
static void identity_lower(struct lower *lo, const struct node *n)
{
    struct fused chain;

    fused_single(n, &chain);
    fused_lower(lo, n, &chain);
}

static void identity_ref(const struct node *n, const struct ref_env *env,
                         const struct tensor *in, struct tensor *out)
{
    (void)n, (void)env;
    memcpy(out->data, in->data,
           (size_t)type_count(&out->type) * sizeof *out->data);
}

const struct op op_Identity = {
    .name = "Identity",
    .doc = "x",
    .min_in = 1,
    .nin = 1,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .infer = identity_infer,
    .grad = identity_grad,
    .lower = identity_lower,
    .ref = identity_ref,
    .layout_follows = true,
    .inplace = {1},
    .formula = &(const struct formula){identity_eval, "x", {"x"}, NULL},
};
