/*
 * fused.c: chains of pointwise ops: their text for OpenCL, their reference, and
 * their lowering.
 */
#include "compiler/fused.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compiler/lower.h"
#include "kernels/pointwise.h"

/* So that kernels know one form of pointwise work only. */
void fused_single(const struct node *n, struct fused *chain)
{
    struct fused_step *s = &chain->step[0];

    *chain = (struct fused){.n = 1};
    *s = (struct fused_step){
        .op = n->op, .attr = n->attr, .dtype = n->type.dtype, .nin = n->nin};
    for (int k = 0; k < n->nin; k++)
        s->in[k] = -1 - k;
}

/* operand: one element of each operand of the node. */
double fused_eval(const struct fused *chain, const double *operand)
{
    double value[FUSED_STEPS] = {0};

    for (int i = 0; i < chain->n; i++) {
        const struct fused_step *s = &chain->step[i];
        double v[FORMULA_OPERANDS] = {0};

        for (int k = 0; k < s->nin; k++)
            v[k] = s->in[k] < 0 ? operand[-1 - s->in[k]] : value[s->in[k]];
        value[i] = s->op->formula->eval(v, s->attr);
    }
    return value[chain->n - 1];
}

void fused_print(const struct fused *chain, struct text *t)
{
    text_add(t, " {");
    for (int i = 0; i < chain->n; i++) {
        const struct fused_step *s = &chain->step[i];

        text_add(t, "%st%d = %s", i ? "; " : "", i, s->op->name);
        for (int k = 0; k < s->nin; k++)
            text_add(t, "%s%c%d", k ? ", " : " ", s->in[k] < 0 ? 'v' : 't',
                     s->in[k] < 0 ? -1 - s->in[k] : s->in[k]);
        op_print_attrs(s->op, s->attr, t);
    }
    text_add(t, "}");
}

/* An attribute as an exact constant.  Hexadecimal, so that no decimal rounding
 * of ours or of the OpenCL compiler's moves the last bit. */
static void constant_text(struct text *t, double x)
{
    if (isnan(x))
        text_add(t, "NAN");
    else if (isinf(x))
        text_add(t, x < 0 ? "-INFINITY" : "INFINITY");
    else
        text_add(t, "%af", (double)(float)x);
}

/* Names of operands and attributes live in a block of their own, since each
 * formula uses x, y and a0.  A step's result is a variable outside. */
static void step_text(struct text *t, const struct fused *chain, int i,
                      bool integer)
{
    const struct fused_step *s = &chain->step[i];
    const struct formula *f = s->op->formula;

    text_add(t, "      { ");
    for (int k = 0; k < s->nin; k++)
        text_add(t, "const V %s = %c%d; ", s->op->formula->operand[k],
                 s->in[k] < 0 ? 'v' : 't',
                 s->in[k] < 0 ? -1 - s->in[k] : s->in[k]);
    for (int k = 0; k < op_attrs(s->op); k++) {
        if (s->op->attr[k].kind != ATTR_FLOAT)
            continue;
        text_add(t, "const V a%d = ", k);
        constant_text(t, s->attr[k].f);
        text_add(t, "; ");
    }
    text_add(t, "t%d = %s; }\n", i, integer && f->integer ? f->integer : f->cl);
}

/* V is the vector type that the kernel computes with; the variants of the
 * kernel define it. */
static const char *body_text(struct arena *arena, const struct fused *chain,
                             bool integer)
{
    struct text t = {.arena = arena};

    if (!chain->n)
        return "      r = v0;\n";
    text_add(&t, "      V ");
    for (int i = 0; i < chain->n; i++)
        text_add(&t, "%st%d", i ? ", " : "", i);
    text_add(&t, ";\n");
    for (int i = 0; i < chain->n; i++)
        step_text(&t, chain, i, integer);
    text_add(&t, "      r = t%d;\n", chain->n - 1);
    return t.s;
}

/* Strides of an operand over the result's dimensions; 0 where broadcast.  In
 * elements; dimensions are aligned at the last, as NumPy does it. */
static void strides_of(const struct type *y, const struct type *x,
                       int64_t *stride)
{
    int64_t step = 1;

    for (int d = y->rank - 1; d >= 0; d--) {
        int j = d - (y->rank - x->rank);

        stride[d] = 0;
        if (j < 0)
            continue;
        if (x->dim[j] != 1)
            stride[d] = step;
        step *= x->dim[j];
    }
}

/* Whether a chain is computed in integers: no float goes in or comes out.  bool
 * alone is computed as float, which holds 0 and 1. */
static bool is_integer(const struct pointwise_problem *p)
{
    bool any = false;

    for (int k = 0; k < p->nin; k++) {
        if (dtype_is_float(p->in[k]))
            return false;
        any |= p->in[k] != DT_BOOL;
    }
    return any && !dtype_is_float(p->out);
}

/* The problem outlives this call: the launch refers to its text. */
struct pointwise_problem *fused_problem(struct lower *lo, const struct type *y,
                                        const val *in, int nin,
                                        const struct fused *chain)
{
    struct pointwise_problem *p = ARENA_NEW(lo->arena, struct pointwise_problem,
                                            1);

    p->rank = y->rank;
    for (int d = 0; d < p->rank; d++)
        p->dim[d] = y->dim[d];
    p->nin = nin;
    for (int k = 0; k < nin; k++) {
        const struct type *x = type_of(lo->graph, in[k]);

        p->in[k] = x->dtype;
        strides_of(y, x, p->stride[k]);
    }
    p->out = y->dtype;
    p->integer = is_integer(p);
    p->flop = chain->n;
    p->body = body_text(lo->arena, chain, p->integer);
    p->text = ARENA_NEW(lo->arena, char, POINTWISE_TEXT);
    return p;
}

void fused_lower(struct lower *lo, const struct node *n,
                 const struct fused *chain)
{
    struct pointwise_problem *p = fused_problem(lo, &n->type, n->in, n->nin,
                                                chain);

    pointwise_collapse(p);
    lower_call(lo, kernels_pointwise, p, n);
}

/* ---- the op ---- */

enum { CHAIN, DTYPE };

static const struct attr_spec attrs[] = {
    [CHAIN] = {"chain", ATTR_TENSOR, {0}, "the steps", true, true},
    [DTYPE] = {"dtype", ATTR_INT, {0}, "of the result", true, true},
    {0},
};

static bool infer(struct graph *g, const struct node *n, struct type *y)
{
    *y = *type_of(g, n->in[0]);
    for (int i = 1; i < n->nin; i++)
        if (!type_broadcast(y, type_of(g, n->in[i])))
            return reject(g, n, "operands do not broadcast");
    y->dtype = (enum dtype)n->attr[DTYPE].i;
    return true;
}

static void ref(const struct node *n, const struct ref_env *env,
                const struct tensor *in, struct tensor *out)
{
    (void)env;
    for (int64_t i = 0; i < type_count(&out->type); i++) {
        double v[FUSED_OPERANDS] = {0};

        for (int k = 0; k < n->nin; k++)
            v[k] = in[k].data[broadcast_index(&out->type, &in[k].type, i)];
        out->data[i] = fused_eval(n->attr[CHAIN].fused, v);
    }
}

static void lower(struct lower *lo, const struct node *n)
{
    fused_lower(lo, n, n->attr[CHAIN].fused);
}

const struct op op_Fused = {
    .name = "Fused",
    .doc = "a chain of pointwise ops",
    .min_in = 1,
    .nin = FUSED_OPERANDS,
    .attr = attrs,
    .infer = infer,
    .ref = ref,
    .lower = lower,
    .inplace = {1},
    .internal = true,
};
