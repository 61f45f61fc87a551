/*
 * graph.c: a graph's inputs, initializers, nodes and outputs, in this order.
 *
 * The first dimension of the first input counts samples: it becomes N, and so
 * does the first dimension of each other input that is called, or is, the same.
 */
#include <string.h>

#include "onnx/import.h"
#include "onnx/onnx.pb-c.h"
#include "onnx/order.h"

/* An input as the file declares it. */
struct declared {
    const char *name;
    enum dtype dtype;
    int rank;
    int64_t dim[MAX_RANK];
    const char *symbol[MAX_RANK]; /* where dim is 0, or null */
    int64_t first;                /* dimension in the file, or 0 */
};

/* ---- inputs ---- */

/* What the user said of an input goes over the file. */
static const struct onnx_shape *shape_given(const struct import *im,
                                            const char *name)
{
    for (unsigned i = 0; i < im->opt->nshape; i++)
        if (strcmp(im->opt->shape[i].input, name) == 0)
            return &im->opt->shape[i];
    return NULL;
}

/* 0 where nobody gave that symbol a size. */
static int64_t dim_given(const struct import *im, const char *symbol)
{
    for (unsigned i = 0; symbol && i < im->opt->ndim; i++)
        if (strcmp(im->opt->dim[i].name, symbol) == 0)
            return (int64_t)im->opt->dim[i].size;
    return 0;
}

/* A dimension that stays 0 is open; only the samples' may be. */
static bool shape_declared(struct import *im, const Onnx__TensorShapeProto *s,
                           struct declared *d)
{
    if (s->n_dim > MAX_RANK)
        return import_reject(im,
                             "input \"%.60s\" has %zu dimensions, at most "
                             "%d",
                             d->name, s->n_dim, MAX_RANK);
    d->rank = (int)s->n_dim;
    for (int i = 0; i < d->rank; i++) {
        const Onnx__TensorShapeProto__Dimension *p = s->dim[i];

        if (p->value_case ==
            ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
            d->dim[i] = p->dim_value;
        else if (p->value_case ==
                 ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM)
            d->symbol[i] = p->dim_param;
        if (d->dim[i] < 1)
            d->dim[i] = dim_given(im, d->symbol[i]);
    }
    return true;
}

/* d->first is the file's number even where another shape is given: constants
 * of the file still name it (keeps_samples). */
static bool input_declared(struct import *im, const Onnx__ValueInfoProto *p,
                           struct declared *d)
{
    const struct onnx_shape *given;
    const Onnx__TypeProto__Tensor *t;

    *d = (struct declared){.name = p->name ? p->name : ""};
    if (!p->type || p->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        return import_reject(im, "input \"%.60s\" is no tensor", d->name);
    t = p->type->tensor_type;
    d->dtype = constant_dtype(t->elem_type);
    if (d->dtype == DT_NONE)
        return import_reject(im,
                             "input \"%.60s\" has elements of a type that "
                             "is not supported",
                             d->name);
    given = shape_given(im, d->name);
    if (t->shape && t->shape->n_dim)
        d->first = t->shape->dim[0]->dim_value;
    if (given) {
        d->rank = given->rank;
        memcpy(d->dim, given->dim, sizeof d->dim);
        return true;
    }
    if (!t->shape)
        return import_reject(im,
                             "input \"%.60s\" has no shape: give it by "
                             "--shape=%.60s=...",
                             d->name, d->name);
    return shape_declared(im, t->shape, d);
}

/* Does the first dimension count samples? */
static bool counts_samples(const struct declared *d,
                           const struct declared *first, int64_t batch)
{
    if (d->dim[0])
        return d->dim[0] == batch;
    return d == first || (d->symbol[0] && first->symbol[0] &&
                          strcmp(d->symbol[0], first->symbol[0]) == 0);
}

/* The samples' dimension is written as N, the others as numbers. */
static bool add_shape(struct import *im, const struct declared *d, bool samples,
                      struct text *t)
{
    for (int i = 0; i < d->rank; i++) {
        const char *symbol = d->symbol[i], *quote = symbol ? "\"" : "";

        if (i == 0 && samples)
            text_add(t, "\"N\"");
        else if (d->dim[i] < 1)
            return import_reject(im,
                                 "dimension %d of input \"%.60s\" is "
                                 "%s%.60s%s: give it by --dim or --shape",
                                 i, d->name, quote, symbol ? symbol : "open",
                                 quote);
        else
            text_add(t, "%lld", (long long)d->dim[i]);
        text_add(t, "%s", i + 1 < d->rank ? ", " : "");
    }
    return true;
}

/* Its type is filled in when the model's head has been read
 * (import_open_model). */
static bool add_input(struct import *im, const struct declared *d, bool samples,
                      struct text *t)
{
    struct onnx_value *v = ARENA_NEW(im->arena, struct onnx_value, 1);

    if (names_find(&im->values, d->name))
        return import_reject(im, "two inputs are called \"%.60s\"", d->name);
    names_add(&im->values, d->name, v);
    v->ref = name_new(im, d->name, "Input");
    im->input[im->ninput++] = v->ref;
    text_add(t, "\"%s\": {\"shape\": [", v->ref);
    if (!add_shape(im, d, samples, t))
        return false;
    text_add(t, "]");
    if (d->dtype != DT_F32)
        text_add(t, ", \"dtype\": \"%s\"", dtype_name(d->dtype));
    text_add(t, "}");
    return true;
}

static const struct onnx_given *value_given(const struct import *im,
                                            const char *name)
{
    for (unsigned i = 0; i < im->opt->nvalue; i++)
        if (strcmp(im->opt->value[i].input, name) == 0)
            return &im->opt->value[i];
    return NULL;
}

/* An input whose numbers are given is a constant, of the shape that the file
 * says where that has as many, or a list. */
static bool add_given(struct import *im, const struct declared *d,
                      const struct onnx_given *given)
{
    struct onnx_value *v = ARENA_NEW(im->arena, struct onnx_value, 1);
    struct type t = {.dtype = d->dtype, .rank = d->rank};
    const int64_t list[1] = {given->n};
    struct constant *c;

    memcpy(t.dim, d->dim, sizeof t.dim);
    c = type_count(&t) == given->n
            ? constant_new(im->arena, t.dtype, t.rank, t.dim)
            : constant_new(im->arena, t.dtype, 1, list);
    for (int i = 0; i < given->n; i++)
        constant_set(c, i, given->v[i]);
    if (names_find(&im->values, d->name))
        return import_reject(im, "two inputs are called \"%.60s\"", d->name);
    v->constant = c;
    names_add(&im->values, d->name, v);
    return true;
}

/* Inputs that the host gives; *n of them. */
static bool declare_inputs(struct import *im, const Onnx__GraphProto *g,
                           struct declared *d, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < g->n_input; i++) {
        const char *name = g->input[i]->name;
        const struct onnx_given *given;

        if (name && names_find(&im->values, name))
            continue; /* an initializer, which old files list too */
        if (!input_declared(im, g->input[i], &d[*n]))
            return false;
        given = value_given(im, d[*n].name);
        if (!given)
            ++*n;
        else if (!add_given(im, &d[*n], given))
            return false;
    }
    return true;
}

/* "dims" and "inputs" of the model.  Without a size in the file or from the
 * user the batch is 1. */
static bool add_inputs(struct import *im, const Onnx__GraphProto *g,
                       struct text *t)
{
    struct declared *d = ARENA_NEW(im->arena, struct declared, g->n_input + 1);
    int64_t batch = dim_given(im, "N");
    size_t n;

    if (!declare_inputs(im, g, d, &n))
        return false;
    im->file_batch = n ? d->first : 0;
    if (!batch)
        batch = n && d->rank && d->dim[0] ? d->dim[0] : 1;
    if (im->batched)
        text_add(t, "  \"dims\": {\"N\": %lld},\n", (long long)batch);
    text_add(t, "  \"inputs\": {");
    for (size_t i = 0; i < n; i++) {
        bool samples = im->batched && d[i].rank &&
                       (i == 0 || counts_samples(&d[i], d, batch));

        text_add(t, "%s\n    ", i ? "," : "");
        if (!add_input(im, &d[i], samples, t))
            return false;
    }
    text_add(t, "\n  }");
    return true;
}

/* Before the inputs: old files list initializers among those. */
static bool add_initializers(struct import *im, const Onnx__GraphProto *g)
{
    if (g->n_sparse_initializer)
        return import_reject(im, "sparse initializers are not supported");
    for (size_t i = 0; i < g->n_initializer; i++) {
        const Onnx__TensorProto *p = g->initializer[i];
        struct onnx_value *v = ARENA_NEW(im->arena, struct onnx_value, 1);
        const char *name = p->name ? p->name : "", *wrong;

        v->constant = import_tensor(im, p, &wrong);
        if (!v->constant)
            return import_reject(im, "initializer \"%.60s\": %s", name, wrong);
        if (names_find(&im->values, name))
            return import_reject(im, "two initializers are called \"%.60s\"",
                                 name);
        names_add(&im->values, name, v);
    }
    return true;
}

/* ---- what is missing ---- */

/* Operators of other domains are unknown, whatever they are called. */
static bool is_known(const Onnx__NodeProto *n)
{
    if (n->domain && *n->domain && strcmp(n->domain, "ai.onnx") != 0)
        return false;
    return fold_knows(n->op_type) || convert_knows(n->op_type) ||
           strcmp(n->op_type, "If") == 0;
}

/* All operators that are not supported, in one message. */
static bool check_ops(struct import *im, const Onnx__GraphProto *g,
                      const struct order *order)
{
    struct names missing = {.arena = im->arena};
    struct text t = {.arena = im->arena};

    for (int i = 0; i < order->n; i++) {
        const Onnx__NodeProto *n = g->node[order->node[i]];
        const char *name = n->op_type;
        int *count;

        if (is_known(n))
            continue;
        if (n->domain && *n->domain)
            name = arena_format(im->arena, "%.60s.%.60s", n->domain, name);
        count = names_find(&missing, name);
        if (!count) {
            count = ARENA_NEW(im->arena, int, 1);
            names_add(&missing, name, count);
        }
        ++*count;
    }
    for (int i = 0; i < missing.len && i < 100; i++)
        text_add(&t, "%s%.60s (%d)", i ? ", " : "", missing.entry[i].name,
                 *(int *)missing.entry[i].thing);
    return !missing.len ||
           import_reject(im,
                         "operators that are not supported, and how many "
                         "nodes have them: %s",
                         t.s);
}

/* ---- nodes and outputs ---- */

/* Names that some node or the graph's outputs take. */
static void note_uses(struct import *im, const Onnx__GraphProto *g,
                      const struct order *order)
{
    for (int i = 0; i < order->n; i++) {
        const struct taken t = taken_by(im->arena, g->node[order->node[i]]);

        for (size_t k = 0; k < t.n; k++)
            if (!names_find(&im->uses, t.name[k]))
                names_add(&im->uses, t.name[k], im);
    }
    for (size_t i = 0; i < g->n_output; i++)
        if (g->output[i]->name && !names_find(&im->uses, g->output[i]->name))
            names_add(&im->uses, g->output[i]->name, im);
}

static bool add_nodes(struct import *, const Onnx__GraphProto *,
                      const struct order *);

/* What the branch's outputs are, the node's results are. */
static bool branch_results(struct import *im, const Onnx__GraphProto *g)
{
    for (size_t i = 0; i < g->n_output; i++) {
        const char *name = g->output[i]->name ? g->output[i]->name : "";
        struct onnx_value *v = names_find(&im->values, name);

        if (!v)
            return import_reject(im, "nothing computes \"%.60s\"", name);
        if (!node_alias(im, (int)i, v))
            return false;
    }
    return true;
}

/* An If whose condition is known, as shapes decide it: the nodes of one branch
 * stand in its place, and those of the other are never looked at. */
static bool take_branch(struct import *im, const Onnx__NodeProto *p,
                        const struct onnx_node *n)
{
    const struct constant *c = node_constant(n, 0);
    const Onnx__GraphProto *g = NULL;
    const char *which, *wrong;
    struct order order;

    if (!c || type_count(&c->type) != 1)
        return import_reject(im, "its condition is computed from data");
    which = constant_at(c, 0) != 0 ? "then_branch" : "else_branch";
    for (size_t i = 0; i < p->n_attribute; i++)
        if (p->attribute[i]->name && strcmp(p->attribute[i]->name, which) == 0)
            g = p->attribute[i]->g;
    if (!g)
        return import_reject(im, "it has no %s", which);
    wrong = order_nodes(im->arena, g, &order);
    if (wrong)
        return import_reject(im, "%s: %s", which, wrong);
    if (!check_ops(im, g, &order) || !add_initializers(im, g) ||
        !add_nodes(im, g, &order))
        return false;
    im->node = n;
    return branch_results(im, g);
}

/* Folding first, so that what is known never becomes a layer. */
static bool add_node(struct import *im, const Onnx__NodeProto *p)
{
    const struct onnx_node *n = node_read(im, p);

    if (!n)
        return false;
    if (strcmp(n->op, "If") == 0)
        return take_branch(im, p, n);
    return fold(im, n) || convert(im, n);
}

static bool add_nodes(struct import *im, const Onnx__GraphProto *g,
                      const struct order *order)
{
    note_uses(im, g, order);
    for (int i = 0; i < order->n; i++)
        if (!add_node(im, g->node[order->node[i]]))
            return false;
    im->node = NULL;
    return true;
}

/* A constant output becomes a layer like any constant operand. */
static bool add_output(struct import *im, const Onnx__ValueInfoProto *p,
                       struct text *t)
{
    const char *name = p->name ? p->name : "";
    struct onnx_value *v = *name ? names_find(&im->values, name) : NULL;
    const char *ref = v ? operand_ref(im, v) : NULL;

    /* An input may have no name as well, and would be taken for it. */
    if (!*name)
        return import_reject(im, "an output has no name");
    if (!v)
        return import_reject(im, "nothing computes its output \"%.60s\"", name);
    if (!ref)
        return false;
    if (im->batched &&
        (v->type.batch != 1 || v->type.dim[0] != im->graph.batch))
        return import_reject(im,
                             "output \"%.60s\" is %s, whose first "
                             "dimension does not count samples",
                             name, type_text(im->arena, &v->type));
    im->output[im->noutput] = name_output(im, name);
    text_add(t, "\n    \"%s\": \"%s\"", im->output[im->noutput++], ref);
    return true;
}

static bool add_outputs(struct import *im, const Onnx__GraphProto *g,
                        struct text *t)
{
    if (!g->n_output)
        return import_reject(im, "the graph has no output");
    for (size_t i = 0; i < g->n_output; i++) {
        text_add(t, "%s", i ? "," : "");
        if (!add_output(im, g->output[i], t))
            return false;
    }
    return true;
}

/* A model has a layer at the least. */
static bool add_identity(struct import *im, const Onnx__GraphProto *g)
{
    struct onnx_value *v;
    struct layer_text l;

    if (im->layers.len || !g->n_output || !g->output[0]->name)
        return true;
    v = names_find(&im->values, g->output[0]->name);
    if (!v || !v->ref)
        return true;
    layer_begin(im, &l, "Identity", NULL);
    layer_input(&l, v->ref);
    return layer_end(im, &l, v, 1);
}

/* `t` gets the whole model file: head and inputs are read by the compiler
 * first, as layers are read one by one against them. */
bool graph_import(struct import *im, const struct Onnx__GraphProto *g,
                  struct text *t)
{
    struct order order;
    struct text outputs = {.arena = im->arena};
    const char *wrong = order_nodes(im->arena, g, &order);

    if (wrong)
        return import_reject(im, "%s", wrong);
    im->input = ARENA_NEW(im->arena, const char *, g->n_input + 1);
    im->output = ARENA_NEW(im->arena, const char *, g->n_output + 1);
    text_add(t, "{\n  \"plancl\": 1,\n  \"name\": \"%s\",\n",
             name_new(im, g->name, "Model"));
    if (!check_ops(im, g, &order) || !add_initializers(im, g) ||
        !add_inputs(im, g, t) || !import_open_model(im, t->s))
        return false;
    if (!add_nodes(im, g, &order) || !add_identity(im, g) ||
        !add_outputs(im, g, &outputs))
        return false;
    text_add(t, ",\n  \"layers\": [%s\n  ],\n  \"outputs\": {%s\n  }\n}\n",
             im->layers.s ? im->layers.s : "", outputs.s);
    return true;
}
