/*
 * export_op.c: which nodes a layer becomes.
 *
 * Names and attributes are ONNX's already, so most layers become the node of the
 * same name; attributes that are operands there become tensors.
 */
#include <string.h>

#include "onnx/export.h"
#include "onnx/import.h"
#include "onnx/onnx.pb-c.h"

const union attr *layer_attribute(const struct export *ex, const char *name)
{
    int i = op_attr(ex->layer->op, name);

    return i < 0 ? NULL : &ex->layer->attr[i];
}

static const struct type *operand_type(const struct export *ex, int k)
{
    return type_of(&ex->graph, ex->in[k]);
}

/* ---- attributes ---- */

/* What a layer alone has, to make its parameters. */
static bool is_ours(const struct op *op, const char *name)
{
    static const char *const ours[] = {"filters", "bias", "num_parameters",
                                       "running_variance", NULL};

    return op->params && key_listed(ours, name);
}

/* Our way to say "none". */
static bool is_unset(const struct attr_spec *s, const union attr *v)
{
    return (s->kind == ATTR_INTS && !v->ints.n) ||
           (s->kind == ATTR_INT && v->i == INT64_MIN) ||
           (s->kind == ATTR_STRING && !v->s);
}

static void set_attribute(struct export *ex, struct Onnx__NodeProto *n,
                          const struct attr_spec *s, const union attr *v)
{
    if (is_unset(s, v))
        return;
    if (s->kind == ATTR_INT || s->kind == ATTR_BOOL)
        node_set_int(ex, n, s->name, v->i);
    else if (s->kind == ATTR_FLOAT)
        node_set_float(ex, n, s->name, v->f);
    else if (s->kind == ATTR_INTS)
        node_set_ints(ex, n, s->name, v->ints.v, v->ints.n);
    else if (s->kind == ATTR_STRING)
        node_set_string(ex, n, s->name, v->s);
}

static bool is_operand(const char *const *operands, const char *name)
{
    for (int i = 0; operands && i < ATTR_OPERANDS && operands[i]; i++)
        if (strcmp(operands[i], name) == 0)
            return true;
    return false;
}

void node_set_attributes(struct export *ex, struct Onnx__NodeProto *n,
                         const char *const *operands)
{
    const struct op *op = ex->layer->op;

    for (int i = 0; op->attr && op->attr[i].name; i++) {
        const struct attr_spec *s = &op->attr[i];

        if (!s->hidden && !is_ours(op, s->name) &&
            !is_operand(operands, s->name))
            set_attribute(ex, n, s, &ex->layer->attr[i]);
    }
}

/* ---- attributes that are operands ---- */

static const char *tensor_operand(struct export *ex, const char *name,
                                  const struct tensor *t)
{
    struct constant *c = constant_new(ex->arena, DT_F32, t->type.rank,
                                      t->type.dim);

    for (int64_t i = 0; i < type_count(&t->type); i++)
        constant_set(c, i, t->data[i]);
    return put_tensor(
        ex, arena_format(ex->arena, "%s.%s", ex->layer->path, name), c);
}

/* Null where the attribute says nothing. */
static const char *attr_operand(struct export *ex, const struct attr_spec *s,
                                const union attr *v)
{
    if (is_unset(s, v) || (s->kind == ATTR_TENSOR && !v->tensor))
        return NULL;
    if (s->kind == ATTR_INTS)
        return put_ints(ex, s->name, v->ints.v, v->ints.n);
    if (s->kind == ATTR_TENSOR)
        return tensor_operand(ex, s->name, v->tensor);
    if (s->kind == ATTR_FLOAT)
        return v->f == s->dflt.f
                   ? NULL
                   : put_number(ex, s->name, operand_type(ex, 0)->dtype, v->f);
    /* TopK alone wants a list. */
    if (strcmp(s->name, "k") == 0)
        return put_ints(ex, s->name, &v->i, 1);
    return put_number(ex, s->name, DT_I64, (double)v->i);
}

/* Those at the end that say nothing are left out. */
static void add_attr_operands(struct export *ex, struct Onnx__NodeProto *n,
                              const char *const *operands)
{
    const char *name[ATTR_OPERANDS] = {NULL};
    int given = 0;

    for (int k = 0; k < ATTR_OPERANDS && operands[k]; k++) {
        int i = op_attr(ex->layer->op, operands[k]);

        if (i >= 0)
            name[k] = attr_operand(ex, &ex->layer->op->attr[i],
                                   &ex->layer->attr[i]);
        if (name[k])
            given = k + 1;
    }
    for (int k = 0; k < given; k++)
        node_input(ex, n, name[k]);
}

/* ---- plain nodes ---- */

static bool add_operands(struct export *ex, struct Onnx__NodeProto *n)
{
    for (int k = 0; k < ex->nin; k++) {
        const char *name = ex->in[k].id ? put_value(ex, ex->in[k]) : "";

        if (!name)
            return false;
        node_input(ex, n, name);
    }
    while (n->n_input && !*n->input[n->n_input - 1])
        n->n_input--;
    return true;
}

static bool export_plain(struct export *ex)
{
    const char *const *operands = node_operands(ex->layer->op->name,
                                                ONNX_OPSET);
    struct Onnx__NodeProto *n = put_node(ex, ex->layer->op->name);

    if (!add_operands(ex, n))
        return false;
    node_set_attributes(ex, n, operands);
    if (operands)
        add_attr_operands(ex, n, operands);
    return put_results(ex, n);
}

/* ---- nodes that differ a little ---- */

/* Dilations came two opsets later. */
static bool export_average_pool(struct export *ex)
{
    struct Onnx__NodeProto *n;
    const struct ints *d = &layer_attribute(ex, "dilations")->ints;

    for (int i = 0; i < d->n; i++)
        if (d->v[i] != 1)
            return export_reject(ex, "opset %d has no dilations of averages",
                                 ONNX_OPSET);
    n = put_node(ex, "AveragePool");
    if (!add_operands(ex, n))
        return false;
    node_set_attributes(ex, n, (const char *const[]){"dilations", NULL});
    return put_results(ex, n);
}

static bool export_cast(struct export *ex)
{
    struct Onnx__NodeProto *n = put_node(ex, "Cast");

    if (!add_operands(ex, n))
        return false;
    node_set_int(ex, n, "to",
                 constant_onnx(type_of(&ex->graph, ex->out->v[0])->dtype));
    return put_results(ex, n);
}

/* Indices are an attribute, or an operand, which ONNX wants as integers. */
static bool export_gather(struct export *ex)
{
    const struct ints *list = &layer_attribute(ex, "indices")->ints;
    struct Onnx__NodeProto *n;
    const char *index;

    if (list->n)
        index = put_ints(ex, "indices", list->v, list->n);
    else
        index = put_value(ex, ex->in[1]);
    if (index && !list->n && dtype_is_float(operand_type(ex, 1)->dtype)) {
        struct Onnx__NodeProto *cast = put_node(ex, "Cast");

        node_input(ex, cast, index);
        node_set_int(ex, cast, "to", constant_onnx(DT_I64));
        index = new_name(
            ex, arena_format(ex->arena, "%s.indices", ex->layer->path));
        node_output(ex, cast, index);
    }
    n = put_node(ex, "Gather");
    node_input(ex, n, put_value(ex, ex->in[0]));
    node_input(ex, n, index);
    node_set_int(ex, n, "axis", layer_attribute(ex, "axis")->i);
    return index && put_results(ex, n);
}

static bool export_one_hot(struct export *ex)
{
    static const double off_on[] = {0, 1};
    const struct tensor *values = layer_attribute(ex, "values")->tensor;
    const struct tensor usual = {
        .type = {.dtype = DT_F32, .rank = 1, .dim = {2}},
        .data = (double *)off_on};
    struct Onnx__NodeProto *n = put_node(ex, "OneHot");

    if (!add_operands(ex, n))
        return false;
    node_input(ex, n,
               put_number(ex, "depth", DT_I64,
                          (double)layer_attribute(ex, "depth")->i));
    node_input(ex, n, tensor_operand(ex, "values", values ? values : &usual));
    node_set_int(ex, n, "axis", layer_attribute(ex, "axis")->i);
    return put_results(ex, n);
}

/* The sizes of the parts, which are known, however the model says them. */
static bool export_split(struct export *ex)
{
    const struct type *x = operand_type(ex, 0);
    int64_t axis = layer_attribute(ex, "axis")->i, size[MAX_OUT];
    struct Onnx__NodeProto *n = put_node(ex, "Split");

    axis += axis < 0 ? x->rank : 0;
    for (int k = 0; k < ex->out->nout; k++)
        size[k] = type_of(&ex->graph, ex->out->v[k])->dim[axis];
    if (!add_operands(ex, n))
        return false;
    node_input(ex, n, put_ints(ex, "split", size, ex->out->nout));
    node_set_int(ex, n, "axis", axis);
    return put_results(ex, n);
}

/* Without axes ONNX would take away a batch of one sample too. */
static bool export_squeeze(struct export *ex)
{
    const struct ints *axes = &layer_attribute(ex, "axes")->ints;
    const struct type *x = operand_type(ex, 0);
    struct Onnx__NodeProto *n = put_node(ex, "Squeeze");
    int64_t ones[MAX_RANK];
    int count = 0;

    for (int d = 0; d < x->rank; d++)
        if (x->dim[d] == 1 && x->batch != d + 1)
            ones[count++] = d;
    if (!add_operands(ex, n))
        return false;
    if (axes->n)
        node_input(ex, n, put_ints(ex, "axes", axes->v, axes->n));
    else
        node_input(ex, n, put_ints(ex, "axes", ones, count));
    return put_results(ex, n);
}

/* ONNX's floats have the dividend's sign alone. */
static bool export_mod(struct export *ex)
{
    bool trunc = ex->layer->op == &op_TruncMod;
    struct Onnx__NodeProto *n = put_node(ex, "Mod");

    if (!trunc && dtype_is_float(operand_type(ex, 0)->dtype))
        return export_reject(ex, "ONNX has no FloorMod of floats");
    node_set_int(ex, n, "fmod", trunc);
    return add_operands(ex, n) && put_results(ex, n);
}

/* ---- all ops ---- */

static const struct {
    const struct op *op;
    export_fn *put;
} exports[] = {
    {&op_Abs, export_plain},
    {&op_Acos, export_plain},
    {&op_Acosh, export_plain},
    {&op_Add, export_plain},
    {&op_And, export_plain},
    {&op_ArgMax, export_plain},
    {&op_ArgMin, export_plain},
    {&op_Asin, export_plain},
    {&op_Asinh, export_plain},
    {&op_Atan, export_plain},
    {&op_Atanh, export_plain},
    {&op_Attention, export_attention},
    {&op_AveragePool, export_average_pool},
    {&op_BatchNormalization, export_plain},
    {&op_Cast, export_cast},
    {&op_Ceil, export_plain},
    {&op_Clip, export_plain},
    {&op_Concat, export_plain},
    {&op_Conv, export_plain},
    {&op_ConvTranspose, export_plain},
    {&op_Cos, export_plain},
    {&op_Cosh, export_plain},
    {&op_CumSum, export_plain},
    {&op_Div, export_plain},
    {&op_Elu, export_plain},
    {&op_Embedding, export_embedding},
    {&op_Equal, export_plain},
    {&op_Erf, export_plain},
    {&op_Exp, export_plain},
    {&op_Expand, export_plain},
    {&op_Flatten, export_plain},
    {&op_Floor, export_plain},
    {&op_FloorMod, export_mod},
    {&op_GRU, export_recurrent},
    {&op_Gather, export_gather},
    {&op_GatherElements, export_plain},
    {&op_GatherND, export_plain},
    {&op_Gelu, export_gelu},
    {&op_GeluErf, export_gelu},
    {&op_GeluTanh, export_gelu},
    {&op_GlobalAveragePool, export_plain},
    {&op_GlobalMaxPool, export_plain},
    {&op_Greater, export_plain},
    {&op_GreaterOrEqual, export_plain},
    {&op_GridSample, export_plain},
    {&op_GroupNormalization, export_group_norm},
    {&op_HardSigmoid, export_plain},
    {&op_HardSwish, export_plain},
    {&op_Identity, export_plain},
    {&op_InstanceNormalization, export_plain},
    {&op_LRN, export_plain},
    {&op_LSTM, export_recurrent},
    {&op_LayerNormalization, export_plain},
    {&op_LeakyRelu, export_plain},
    {&op_Less, export_plain},
    {&op_LessOrEqual, export_plain},
    {&op_Linear, export_linear},
    {&op_Log, export_plain},
    {&op_LogSoftmax, export_plain},
    {&op_MatMul, export_plain},
    {&op_Max, export_plain},
    {&op_MaxPool, export_plain},
    {&op_MeanVarianceNormalization, export_plain},
    {&op_Min, export_plain},
    {&op_Mish, export_mish},
    {&op_Mod, export_plain},
    {&op_Mul, export_plain},
    {&op_Neg, export_plain},
    {&op_Not, export_plain},
    {&op_OneHot, export_one_hot},
    {&op_Or, export_plain},
    {&op_PRelu, export_prelu},
    {&op_Pad, export_plain},
    {&op_Pow, export_plain},
    {&op_RNN, export_recurrent},
    {&op_ReduceL1, export_plain},
    {&op_ReduceL2, export_plain},
    {&op_ReduceMax, export_plain},
    {&op_ReduceMean, export_plain},
    {&op_ReduceMin, export_plain},
    {&op_ReduceProd, export_plain},
    {&op_ReduceSum, export_plain},
    {&op_ReduceSumSquare, export_plain},
    {&op_Relu, export_plain},
    {&op_Reshape, export_plain},
    {&op_Resize, export_resize},
    {&op_Round, export_plain},
    {&op_ScatterElements, export_plain},
    {&op_ScatterND, export_plain},
    {&op_Selu, export_plain},
    {&op_Sigmoid, export_plain},
    {&op_Sign, export_plain},
    {&op_Silu, export_silu},
    {&op_Sin, export_plain},
    {&op_Sinh, export_plain},
    {&op_Slice, export_plain},
    {&op_Softmax, export_plain},
    {&op_Softplus, export_plain},
    {&op_Softsign, export_plain},
    {&op_Split, export_split},
    {&op_Sqrt, export_plain},
    {&op_Squeeze, export_squeeze},
    {&op_Sub, export_plain},
    {&op_Tan, export_plain},
    {&op_Tanh, export_plain},
    {&op_Tile, export_plain},
    {&op_TopK, export_plain},
    {&op_Transpose, export_plain},
    {&op_TruncMod, export_mod},
    {&op_Unsqueeze, export_plain},
    {&op_Where, export_plain},
    {&op_Xor, export_plain},
};

export_fn *export_find(const struct op *op)
{
    for (size_t i = 0; i < sizeof exports / sizeof *exports; i++)
        if (exports[i].op == op)
            return exports[i].put;
    return NULL;
}
