/* export_node.c: nodes, tensors and names of the file that is made. */
#include <ctype.h>
#include <string.h>

#include "onnx/export.h"
#include "onnx/onnx.pb-c.h"

void list_add(struct export *ex, struct list *l, void *thing)
{
    if (l->n == l->cap) {
        void **old = l->v;

        l->cap = l->cap * 2 + 16;
        l->v = ARENA_NEW(ex->arena, void *, l->cap);
        if (l->n)
            memcpy(l->v, old, l->n * sizeof *old);
    }
    l->v[l->n++] = thing;
}

/* ---- names ---- */

const char *new_name(struct export *ex, const char *wanted)
{
    const char *name = wanted;

    for (int i = 2; names_find(&ex->taken, name); i++)
        name = arena_format(ex->arena, "%s_%d", wanted, i);
    names_add(&ex->taken, name, ex);
    return name;
}

/* The table grows with the graph, which the reader still adds to. */
static void name_value(struct export *ex, val v, const char *name)
{
    const char **old = ex->name;
    int n = ex->nname;

    if (v.id >= n) {
        ex->nname = v.id * 2 + 64;
        ex->name = ARENA_NEW(ex->arena, const char *, (size_t)ex->nname);
        if (n)
            memcpy(ex->name, old, (size_t)n * sizeof *old);
    }
    ex->name[v.id] = name;
}

static const char *name_of(const struct export *ex, val v)
{
    return v.id < ex->nname ? ex->name[v.id] : NULL;
}

/* ---- tensors ---- */

/* The data stays the constant's: it must outlive the writing, as the arena
 * does. */
const char *put_tensor(struct export *ex, const char *wanted,
                       const struct constant *c)
{
    Onnx__TensorProto *t = ARENA_NEW(ex->arena, Onnx__TensorProto, 1);
    int64_t *dim = ARENA_NEW(ex->arena, int64_t, MAX_RANK);

    memcpy(dim, c->type.dim, sizeof c->type.dim);
    onnx__tensor_proto__init(t);
    t->name = arena_string(ex->arena, new_name(ex, wanted));
    t->n_dims = (size_t)c->type.rank;
    t->dims = dim;
    t->has_data_type = true;
    t->data_type = constant_onnx(c->type.dtype);
    t->has_raw_data = true;
    t->raw_data.data = c->data;
    t->raw_data.len = (size_t)type_bytes(&c->type);
    list_add(ex, &ex->tensors, t);
    return t->name;
}

/* Tensors of a layer are called after it. */
static const char *own_name(struct export *ex, const char *wanted)
{
    return arena_format(ex->arena, "%s.%s", ex->layer->path, wanted);
}

const char *put_ints(struct export *ex, const char *wanted, const int64_t *v,
                     int n)
{
    return put_tensor(ex, own_name(ex, wanted), constant_ints(ex->arena, v, n));
}

const char *put_number(struct export *ex, const char *wanted, enum dtype dtype,
                       double v)
{
    return put_tensor(ex, own_name(ex, wanted),
                      constant_number(ex->arena, dtype, v));
}

/* ---- leaves ---- */

/* As files have it, in the user's order: export runs before any layout. */
static bool same_shape(const struct safetensors_tensor *s, const struct type *t)
{
    if (s->rank != (uint64_t)t->rank)
        return false;
    for (int i = 0; i < t->rank; i++)
        if (s->dim[i] != (uint64_t)t->dim[i])
            return false;
    return true;
}

/* A missing weight is noted and stands in as zeros, so that all can be told at
 * once. */
const struct constant *param_data(struct export *ex, val v)
{
    const struct type *t = type_of(&ex->graph, v);
    const char *name = graph_node(&ex->graph, v)->leaf->name;
    const struct safetensors_tensor *s = safetensors_find(&ex->weights, name);
    struct constant *c = constant_new(ex->arena, t->dtype, t->rank, t->dim);

    if (!s) {
        if (!names_find(&ex->lost, name))
            names_add(&ex->lost, name, ex);
        return c;
    }
    if (strcmp(s->dtype, safetensors_dtype(t->dtype)) != 0 ||
        !same_shape(s, t)) {
        export_reject(ex, "%s: %s is not %s %s as the model has it",
                      ex->weights.path, name, dtype_name(t->dtype),
                      type_text(ex->arena, t));
        return NULL;
    }
    if (safetensors_read(&ex->weights, s, 0, c->data, type_bytes(t), ex->cb))
        return NULL;
    return c;
}

static const char *put_constant(struct export *ex, const struct node *n)
{
    struct constant *c = constant_new(ex->arena, n->type.dtype, n->type.rank,
                                      n->type.dim);

    for (int64_t i = 0; i < type_count(&n->type); i++)
        constant_set(c, i, n->leaf->constant->data[i]);
    return put_tensor(ex, n->path ? n->path : "constant", c);
}

/* Only what some layer takes gets here, so unused inputs do not reach the
 * file. */
static const char *put_leaf(struct export *ex, val v, const struct node *n)
{
    const struct constant *c;

    if (n->leaf->kind == PLAN_CONSTANT)
        return put_constant(ex, n);
    if (n->leaf->kind == PLAN_INPUT) {
        list_add(ex, &ex->inputs, (void *)n);
        return n->leaf->name;
    }
    c = param_data(ex, v);
    return c ? put_tensor(ex, n->leaf->name, c) : NULL;
}

const char *put_value(struct export *ex, val v)
{
    const struct node *n = graph_node(&ex->graph, v);
    const char *name = name_of(ex, v);

    if (!name && n->leaf) {
        name = put_leaf(ex, v, n);
        name_value(ex, v, name);
    }
    /* Of a layer that is missing; a message about those follows. */
    return name || ex->diag.failed ? name : "missing";
}

/* ---- nodes ---- */

/* Nodes are in the order of layers, which is one that ONNX allows. */
struct Onnx__NodeProto *put_node(struct export *ex, const char *op)
{
    Onnx__NodeProto *n = ARENA_NEW(ex->arena, Onnx__NodeProto, 1);

    onnx__node_proto__init(n);
    n->op_type = arena_string(ex->arena, op);
    list_add(ex, &ex->nodes, n);
    return n;
}

/* Nodes have few operands: each time a new array. */
static char **longer(struct export *ex, char **old, size_t n, const char *name)
{
    char **v = ARENA_NEW(ex->arena, char *, n + 1);

    if (n)
        memcpy(v, old, n * sizeof *v);
    v[n] = arena_string(ex->arena, name ? name : "");
    return v;
}

void node_input(struct export *ex, struct Onnx__NodeProto *n, const char *name)
{
    n->input = longer(ex, n->input, n->n_input, name);
    n->n_input++;
}

void node_output(struct export *ex, struct Onnx__NodeProto *n, const char *name)
{
    n->output = longer(ex, n->output, n->n_output, name);
    n->n_output++;
}

/* Every attribute says its type, which files since IR version 2 must. */
static Onnx__AttributeProto *attribute(struct export *ex,
                                       struct Onnx__NodeProto *n,
                                       const char *name,
                                       Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = ARENA_NEW(ex->arena, Onnx__AttributeProto, 1);
    Onnx__AttributeProto **all = ARENA_NEW(ex->arena, Onnx__AttributeProto *,
                                           n->n_attribute + 1);

    onnx__attribute_proto__init(a);
    a->name = arena_string(ex->arena, name);
    a->has_type = true;
    a->type = type;
    if (n->n_attribute)
        memcpy(all, n->attribute, n->n_attribute * sizeof(void *));
    all[n->n_attribute++] = a;
    n->attribute = all;
    return a;
}

void node_set_int(struct export *ex, struct Onnx__NodeProto *n,
                  const char *name, int64_t v)
{
    Onnx__AttributeProto *a = attribute(
        ex, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);

    a->has_i = true;
    a->i = v;
}

void node_set_float(struct export *ex, struct Onnx__NodeProto *n,
                    const char *name, double v)
{
    Onnx__AttributeProto *a = attribute(
        ex, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);

    a->has_f = true;
    a->f = (float)v;
}

void node_set_ints(struct export *ex, struct Onnx__NodeProto *n,
                   const char *name, const int64_t *v, int count)
{
    Onnx__AttributeProto *a = attribute(
        ex, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);

    a->n_ints = (size_t)count;
    a->ints = ARENA_NEW(ex->arena, int64_t, (size_t)count + 1);
    for (int i = 0; i < count; i++)
        a->ints[i] = v[i];
}

void node_set_string(struct export *ex, struct Onnx__NodeProto *n,
                     const char *name, const char *s)
{
    Onnx__AttributeProto *a = attribute(
        ex, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);

    a->has_s = true;
    a->s.data = (uint8_t *)arena_string(ex->arena, s);
    a->s.len = strlen(s);
}

/* ---- results ---- */

/* "attention1.matmul" */
static const char *step_output(struct export *ex, struct Onnx__NodeProto *n)
{
    char *low = arena_string(ex->arena, n->op_type);
    const char *name;

    for (char *c = low; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    name = new_name(ex, own_name(ex, low));
    n->name = arena_string(ex->arena, name);
    node_output(ex, n, name);
    return name;
}

const char *put_step(struct export *ex, const char *op, const char *a,
                     const char *b)
{
    struct Onnx__NodeProto *n;

    if (!a)
        return NULL;
    n = put_node(ex, op);
    node_input(ex, n, a);
    if (b)
        node_input(ex, n, b);
    return step_output(ex, n);
}

const char *put_reshape(struct export *ex, const char *x, const int64_t *shape,
                        int n)
{
    return x ? put_step(ex, "Reshape", x, put_ints(ex, "shape", shape, n))
             : NULL;
}

const char *put_transpose(struct export *ex, const char *x, const int64_t *perm,
                          int rank)
{
    struct Onnx__NodeProto *n;

    if (!x)
        return NULL;
    n = put_node(ex, "Transpose");
    node_input(ex, n, x);
    node_set_ints(ex, n, "perm", perm, rank);
    return step_output(ex, n);
}

/* A result that the layer does not make has the empty name. */
bool put_results(struct export *ex, struct Onnx__NodeProto *n)
{
    const char *path = ex->layer->path;

    n->name = arena_string(ex->arena, path);
    for (int k = 0; k < ex->out->nout; k++) {
        const char *wanted = k ? arena_format(ex->arena, "%s.%d", path, k)
                               : path;
        const char *name = ex->out->v[k].id ? new_name(ex, wanted) : "";

        node_output(ex, n, name);
        if (*name)
            name_value(ex, ex->out->v[k], name);
    }
    return true;
}

/* The last node made it: its only result is renamed. */
bool put_result(struct export *ex, const char *name)
{
    struct Onnx__NodeProto *n;

    if (!name || !ex->nodes.n)
        return false;
    n = ex->nodes.v[ex->nodes.n - 1];
    if (n->n_output != 1 || strcmp(n->output[0], name) != 0) {
        n = put_node(ex, "Identity");
        node_input(ex, n, name);
    }
    n->n_output = 0;
    return put_results(ex, n);
}
