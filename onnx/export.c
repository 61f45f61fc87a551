/* export.c: from a model and its weights to an ONNX file; see onnx.h. */
#include "onnx/export.h"

#include <stdio.h>
#include <string.h>

#include "onnx/onnx.pb-c.h"
#include "onnx/proto.h"

/* Protocol buffers end at 2 GiB; IR version 8 came with opset 17. */
#define MAX_BYTES ((size_t)0x7fffffff)
enum { IR_VERSION = 8 };

/* By the layer in hand, whose place in the model the reader knows as its
 * path. */
bool export_reject(struct export *ex, const char *format, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    ex->diag.failed = true;
    if (ex->layer)
        fail(ex->cb, PLANCL_REFUSED, "%s: %s: %s", ex->path, ex->layer->path,
             text);
    else
        fail(ex->cb, PLANCL_REFUSED, "%s: %s", ex->path, text);
    return false;
}

/* ---- layers ---- */

/* Collected, so that one message names all of them. */
static void count_missing(struct export *ex, const char *op)
{
    int *count = names_find(&ex->missing, op);

    if (!count) {
        count = ARENA_NEW(ex->arena, int, 1);
        names_add(&ex->missing, op, count);
    }
    ++*count;
}

/* A layer whose result is one of its operands, or is no computation, needs no
 * node: Dropout, a Constant, a Parameter. */
static bool is_nothing(const struct export *ex, const val *in, int nin,
                       const struct value *out)
{
    for (int k = 0; k < nin; k++)
        if (out->nout == 1 && in[k].id == out->v[0].id)
            return true;
    return graph_node(&ex->graph, out->v[0])->leaf != NULL;
}

/* Called by the model's reader behind each layer, with the operands that it
 * resolved and the values that it built: the exporter reads no JSON of layers
 * itself. */
static bool on_layer(struct layer_watch *watch, const struct layer *l,
                     const val *in, int nin, const struct value *out)
{
    struct export *ex = (struct export *)watch;
    export_fn *put = export_find(l->op);

    if (is_nothing(ex, in, nin, out))
        return true;
    if (!put) {
        count_missing(ex, l->op->name);
        return true;
    }
    ex->layer = l;
    ex->in = in;
    ex->nin = nin;
    ex->out = out;
    if (!put(ex) && !ex->diag.failed)
        export_reject(ex, "%s is not exported", l->op->name);
    ex->layer = NULL;
    return !ex->diag.failed;
}

/* All ops without a counterpart, and all weights that are not there, each in
 * one message. */
static bool is_whole(struct export *ex)
{
    struct text t = {.arena = ex->arena};

    for (int i = 0; i < ex->missing.len; i++)
        text_add(&t, "%s%s (%d)", i ? ", " : "", ex->missing.entry[i].name,
                 *(int *)ex->missing.entry[i].thing);
    if (ex->missing.len)
        return export_reject(ex,
                             "ops that ONNX lacks or that are not exported, "
                             "and how many layers have them: %s",
                             t.s);
    for (int i = 0; i < ex->lost.len && i < 100; i++)
        text_add(&t, "%s%s", i ? ", " : "", ex->lost.entry[i].name);
    return !ex->lost.len || export_reject(ex, "%s lacks %d of its weights: %s",
                                          ex->weights.path, ex->lost.len, t.s);
}

/* ---- inputs and outputs ---- */

/* Samples become the symbol N, so that the file is not bound to this batch. */
static Onnx__TensorShapeProto__Dimension *dimension(struct export *ex,
                                                    const struct type *t, int i)
{
    Onnx__TensorShapeProto__Dimension *d = ARENA_NEW(
        ex->arena, Onnx__TensorShapeProto__Dimension, 1);

    onnx__tensor_shape_proto__dimension__init(d);
    if (t->batch == i + 1 && t->dim[i] == ex->graph.batch) {
        d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        d->dim_param = arena_string(ex->arena, "N");
        return d;
    }
    d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    d->dim_value = t->dim[i];
    return d;
}

static Onnx__ValueInfoProto *value_info(struct export *ex, const char *name,
                                        const struct type *t)
{
    Onnx__ValueInfoProto *v = ARENA_NEW(ex->arena, Onnx__ValueInfoProto, 1);
    Onnx__TypeProto *type = ARENA_NEW(ex->arena, Onnx__TypeProto, 1);
    Onnx__TypeProto__Tensor *tensor = ARENA_NEW(ex->arena,
                                                Onnx__TypeProto__Tensor, 1);
    Onnx__TensorShapeProto *shape = ARENA_NEW(ex->arena, Onnx__TensorShapeProto,
                                              1);

    onnx__value_info_proto__init(v);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    shape->n_dim = (size_t)t->rank;
    shape->dim = ARENA_NEW(ex->arena, Onnx__TensorShapeProto__Dimension *,
                           shape->n_dim + 1);
    for (int i = 0; i < t->rank; i++)
        shape->dim[i] = dimension(ex, t, i);
    tensor->shape = shape;
    tensor->has_elem_type = true;
    tensor->elem_type = constant_onnx(t->dtype);
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    v->name = arena_string(ex->arena, name);
    v->type = type;
    return v;
}

/* Inputs were asked for as layers took them; one that only training takes is
 * none. */
static void finish_inputs(struct export *ex)
{
    for (size_t i = 0; i < ex->inputs.n; i++) {
        const struct node *n = ex->inputs.v[i];

        ex->inputs.v[i] = value_info(ex, n->leaf->name, &n->type);
    }
}

/* ONNX's outputs are values by their names; where the model calls one
 * otherwise, an Identity has the name. */
static bool put_output(struct export *ex, const struct scope *top,
                       const struct json *j)
{
    const char *name;
    val v;

    if (!check_kind(&ex->model, j, JSON_STRING, "an output") ||
        !value_find(&ex->model, top, j, &v))
        return false;
    name = put_value(ex, v);
    if (!name)
        return false;
    if (strcmp(name, j->key) != 0) {
        struct Onnx__NodeProto *n = put_node(ex, "Identity");

        node_input(ex, n, name);
        node_output(ex, n, j->key);
    }
    list_add(ex, &ex->outputs, value_info(ex, j->key, type_of(&ex->graph, v)));
    return true;
}

/* An output is called as the model calls it; a layer of that name that it does
 * not come from has to have another one. */
static void reserve_names(struct export *ex, const struct json *outputs)
{
    for (int i = 0; i < ex->model.leaves.len; i++)
        names_add(&ex->taken, ex->model.leaves.entry[i].name, ex);
    for (const struct json *j = outputs->child; j; j = j->next)
        if (j->kind == JSON_STRING && strcmp(j->key, j->string) != 0)
            new_name(ex, j->key);
}

/* Names are reserved before the first layer takes one. */
static bool walk(struct export *ex, struct scope *top)
{
    const struct json *layers = need_member(&ex->model, ex->model.root,
                                            "layers");
    const struct json *outputs = need_member(&ex->model, ex->model.root,
                                             "outputs");

    if (!layers || !outputs ||
        !check_kind(&ex->model, outputs, JSON_OBJECT, "\"outputs\""))
        return false;
    reserve_names(ex, outputs);
    ex->model.watch = &ex->watch;
    if (!layers_read(&ex->model, top, layers))
        return false;
    for (const struct json *j = outputs->child; j; j = j->next)
        if (!put_output(ex, top, j))
            return false;
    finish_inputs(ex);
    return is_whole(ex);
}

/* ---- the file ---- */

struct sink {
    ProtobufCBuffer base;
    FILE *stream;
};

static void to_stream(ProtobufCBuffer *buffer, size_t len, const uint8_t *data)
{
    fwrite(data, 1, len, ((struct sink *)buffer)->stream);
}

/* Through a temporary file: a failure leaves an old one as it was. */
static enum plancl_status save(const Onnx__ModelProto *m, const char *path,
                               const struct plancl_callbacks *cb)
{
    size_t bytes = onnx__model_proto__get_packed_size(m);
    struct sink sink = {{to_stream}, NULL};
    struct file_writer w;
    enum plancl_status status;

    if (bytes > MAX_BYTES)
        return fail(cb, PLANCL_REFUSED,
                    "%s: it would be %zu bytes, an ONNX file has at most %zu",
                    path, bytes, MAX_BYTES);
    status = file_begin(&w, path, cb);
    if (status)
        return status;
    sink.stream = w.stream;
    onnx__model_proto__pack_to_buffer(m, &sink.base);
    return file_commit(&w, cb);
}

/* The lists were made as protobuf-c wants them, so nothing is copied. */
static enum plancl_status write_model(struct export *ex, const char *path)
{
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT;
    Onnx__OperatorSetIdProto *opsets[] = {&opset};

    opset.domain = arena_string(ex->arena, "");
    opset.has_version = true;
    opset.version = ONNX_OPSET;
    graph.name = arena_string(ex->arena, ex->graph.name);
    graph.n_node = ex->nodes.n;
    graph.node = (Onnx__NodeProto **)ex->nodes.v;
    graph.n_initializer = ex->tensors.n;
    graph.initializer = (Onnx__TensorProto **)ex->tensors.v;
    graph.n_input = ex->inputs.n;
    graph.input = (Onnx__ValueInfoProto **)ex->inputs.v;
    graph.n_output = ex->outputs.n;
    graph.output = (Onnx__ValueInfoProto **)ex->outputs.v;
    model.has_ir_version = true;
    model.ir_version = IR_VERSION;
    model.producer_name = arena_string(ex->arena, "plancl");
    model.producer_version = arena_string(ex->arena, plancl_version());
    model.graph = &graph;
    model.n_opset_import = 1;
    model.opset_import = opsets;
    return save(&model, path, ex->cb);
}

/* Weights stay open for as long as layers ask for them. */
enum plancl_status onnx_export(const struct onnx_source *from, const char *path,
                               struct arena *a,
                               const struct plancl_callbacks *cb)
{
    const struct plancl_compile_options opt = {.dim = from->dim,
                                               .ndim = from->ndim};
    struct export *ex = ARENA_NEW(a, struct export, 1);
    struct scope *top;
    enum plancl_status status;
    size_t len;
    const uint8_t *text = proto_read(a, from->path, &len, cb);

    if (!text)
        return PLANCL_FAILED;

    ex->watch.layer = on_layer;
    ex->arena = a;
    ex->path = from->path;
    ex->cb = cb;
    ex->taken.arena = ex->missing.arena = ex->lost.arena = a;
    graph_init(&ex->graph, a, &ex->diag);
    top = model_open(&ex->model, &ex->graph, from->path, (const char *)text,
                     &opt);
    if (!top)
        return fail(cb, PLANCL_REFUSED, "%s", ex->diag.text);
    status = safetensors_open(from->weights, cb, &ex->weights);
    if (status)
        return status;
    status = PLANCL_REFUSED;
    if (walk(ex, top))
        status = write_model(ex, path);
    else if (*ex->diag.text)
        fail(cb, PLANCL_REFUSED, "%s", ex->diag.text);
    safetensors_close(&ex->weights);
    return status;
}
