/*
 * convert.c: which layers an ONNX node becomes.
 *
 * Most have a layer of the same name whose record has the same attributes; the
 * others have a function each, in convert_*.c.
 *
 * Attributes that say what is the layer's default are left out, so that the
 * model file reads like one written by hand.
 */
#include <math.h>
#include <string.h>

#include "onnx/import.h"

/* One row for each operator, by name; what fold.c knows besides is not here. */
static const struct {
    const char *op;
    convert_fn *convert;
} converts[] = {
    {"Abs", convert_plain},
    {"Acos", convert_plain},
    {"Acosh", convert_plain},
    {"Add", convert_binary},
    {"And", convert_plain},
    {"ArgMax", convert_plain},
    {"ArgMin", convert_plain},
    {"Asin", convert_plain},
    {"Asinh", convert_plain},
    {"Atan", convert_plain},
    {"Atanh", convert_plain},
    {"AveragePool", convert_plain},
    {"BatchNormalization", convert_batch_norm_trains},
    {"Cast", convert_cast},
    {"Ceil", convert_plain},
    {"Celu", convert_celu},
    {"Clip", convert_clip},
    {"Concat", convert_plain},
    {"Conv", convert_conv},
    {"ConvInteger", convert_conv_integer},
    {"ConvTranspose", convert_conv},
    {"Cos", convert_plain},
    {"Cosh", convert_plain},
    {"CumSum", convert_plain},
    {"DFT", convert_dft},
    {"DepthToSpace", convert_depth_to_space},
    {"DequantizeLinear", convert_dequantize},
    {"Div", convert_binary},
    {"Dropout", convert_dropout},
    {"DynamicQuantizeLinear", convert_dynamic_quantize},
    {"Einsum", convert_plain},
    {"Elu", convert_plain},
    {"Equal", convert_plain},
    {"Erf", convert_plain},
    {"Exp", convert_plain},
    {"Expand", convert_plain},
    {"Flatten", convert_plain},
    {"Floor", convert_plain},
    {"GRU", convert_recurrent},
    {"Gather", convert_gather},
    {"GatherElements", convert_plain},
    {"GatherND", convert_plain},
    {"Gemm", convert_gemm},
    {"GlobalAveragePool", convert_plain},
    {"GlobalMaxPool", convert_plain},
    {"Greater", convert_plain},
    {"GreaterOrEqual", convert_plain},
    {"GridSample", convert_plain},
    {"HardSigmoid", convert_plain},
    {"HardSwish", convert_plain},
    {"Hardmax", convert_hardmax},
    {"Identity", convert_alias},
    {"InstanceNormalization", convert_norm},
    {"LRN", convert_plain},
    {"LSTM", convert_recurrent},
    {"LayerNormalization", convert_layer_norm},
    {"LeakyRelu", convert_plain},
    {"Less", convert_plain},
    {"LessOrEqual", convert_plain},
    {"Log", convert_plain},
    {"LogSoftmax", convert_softmax},
    {"MatMul", convert_matmul},
    {"MatMulInteger", convert_matmul_integer},
    {"Max", convert_sum},
    {"MaxPool", convert_max_pool},
    {"Mean", convert_sum},
    {"MeanVarianceNormalization", convert_plain},
    {"Min", convert_sum},
    {"Mod", convert_plain},
    {"Mul", convert_binary},
    {"Neg", convert_plain},
    {"NegativeLogLikelihoodLoss", convert_loss},
    {"Not", convert_plain},
    {"OneHot", convert_one_hot},
    {"Or", convert_plain},
    {"PRelu", convert_prelu},
    {"Pad", convert_plain},
    {"Pow", convert_pow},
    {"QLinearConv", convert_qlinear_conv},
    {"QLinearMatMul", convert_qlinear_matmul},
    {"QuantizeLinear", convert_quantize},
    {"RNN", convert_recurrent},
    {"Reciprocal", convert_reciprocal},
    {"ReduceL1", convert_reduce},
    {"ReduceL2", convert_reduce},
    {"ReduceLogSum", convert_log_sum},
    {"ReduceMax", convert_reduce},
    {"ReduceMean", convert_reduce},
    {"ReduceMin", convert_reduce},
    {"ReduceProd", convert_reduce},
    {"ReduceSum", convert_reduce},
    {"ReduceSumSquare", convert_reduce},
    {"Relu", convert_plain},
    {"Reshape", convert_reshape},
    {"Resize", convert_resize},
    {"Round", convert_plain},
    {"STFT", convert_stft},
    {"ScatterElements", convert_plain},
    {"ScatterND", convert_plain},
    {"Selu", convert_plain},
    {"Sigmoid", convert_plain},
    {"Sign", convert_plain},
    {"Sin", convert_plain},
    {"Sinh", convert_plain},
    {"Slice", convert_plain},
    {"Softmax", convert_softmax},
    {"SoftmaxCrossEntropyLoss", convert_loss},
    {"Softplus", convert_plain},
    {"Softsign", convert_plain},
    {"SpaceToDepth", convert_space_to_depth},
    {"Split", convert_split},
    {"Sqrt", convert_plain},
    {"Squeeze", convert_plain},
    {"Sub", convert_binary},
    {"Sum", convert_sum},
    {"Tan", convert_plain},
    {"Tanh", convert_plain},
    {"ThresholdedRelu", convert_thresholded_relu},
    {"Tile", convert_plain},
    {"TopK", convert_plain},
    {"Transpose", convert_plain},
    {"Trilu", convert_trilu},
    {"Unsqueeze", convert_plain},
    {"Upsample", convert_resize},
    {"Where", convert_plain},
    {"Xor", convert_plain},
};

/* Attributes of ONNX that the layers lack, and the value that says nothing; for
 * "any" all do: hints, and what older opsets wanted. */
static const struct {
    const char *name;
    bool any;
    double value;
} harmless[] = {
    {"allowzero", false, 0},
    {"broadcast", true, 0},
    {"consumed_inputs", true, 0},
    {"cubic_coeff_a", true, 0},
    {"exclude_outside", false, 0},
    {"extrapolation_value", true, 0},
    {"is_test", true, 0},
    {"noop_with_empty_axes", true, 0}, /* see convert_reduce */
    {"roi", true, 0},
    {"sorted", false, 1},
    {"spatial", false, 1},
    {"stash_type", false, 1},
    {"storage_order", false, 0},
    {"training_mode", false, 0},
};

/* An attribute may be dropped only where it changes nothing. */
static bool is_harmless(const struct onnx_attr *a)
{
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (strcmp(harmless[i].name, a->name) == 0)
            return harmless[i].any ||
                   (a->number && type_count(&a->number->type) == 1 &&
                    constant_at(a->number, 0) == harmless[i].value);
    return false;
}

/* ---- attributes ---- */

/* Strides of 1 and paddings of 0 need no saying. */
static bool is_usual(const struct attr_spec *spec, const struct constant *c)
{
    int64_t usual = strcmp(spec->name, "pads") == 0 ? 0 : 1;

    if (strcmp(spec->name, "pads") != 0 && strcmp(spec->name, "strides") != 0 &&
        strcmp(spec->name, "dilations") != 0)
        return false;
    for (int64_t i = 0; i < type_count(&c->type); i++)
        if (constant_int(c, i) != usual)
            return false;
    return true;
}

/* False for a list longer than any attribute of ours has. */
static bool add_ints(struct layer_text *l, const struct attr_spec *spec,
                     const struct constant *c)
{
    int64_t v[1024];
    int n = (int)type_count(&c->type);

    if (n > 1024)
        return false;
    for (int i = 0; i < n; i++)
        v[i] = constant_int(c, i);
    if (spec->required || !is_usual(spec, c))
        layer_ints(l, spec->name, v, n);
    return true;
}

/* The largest f32 stands for infinity. */
static double finite(double v)
{
    if (isinf(v))
        return v > 0 ? 3.40282347e38 : -3.40282347e38;
    return v;
}

/* A number without brackets where the constant is one. */
static void add_list(struct layer_text *l, const struct attr_spec *spec,
                     const struct constant *c)
{
    struct text t = {.arena = l->attrs.arena};

    for (int64_t i = 0; i < type_count(&c->type); i++)
        text_add(&t, "%s%s", i ? ", " : "",
                 number_text(t.arena, constant_at(c, i)));
    layer_attr(l, spec->name, c->type.rank ? "[%s]" : "%s", t.s ? t.s : "");
}

/* By the kind that the layer's record says; false where the constant is not of
 * that kind.  Floats are compared as f32, as which both files hold them. */
static bool add_number(struct layer_text *l, const struct attr_spec *spec,
                       const struct constant *c)
{
    if (spec->kind == ATTR_INTS)
        return add_ints(l, spec, c);
    if (spec->kind == ATTR_TENSOR && c->type.rank < 2) {
        add_list(l, spec, c);
        return true;
    }
    if (type_count(&c->type) != 1)
        return false;
    if (spec->kind == ATTR_INT &&
        (spec->required || constant_int(c, 0) != spec->dflt.i))
        layer_attr(l, spec->name, "%lld", (long long)constant_int(c, 0));
    else if (spec->kind == ATTR_FLOAT &&
             (float)constant_at(c, 0) != (float)spec->dflt.f)
        layer_attr(l, spec->name, "%s",
                   number_text(l->attrs.arena, finite(constant_at(c, 0))));
    else if (spec->kind == ATTR_BOOL && constant_int(c, 0) != spec->dflt.i)
        layer_attr(l, spec->name, "%s", constant_int(c, 0) ? "true" : "false");
    return spec->kind == ATTR_INT || spec->kind == ATTR_FLOAT ||
           spec->kind == ATTR_BOOL;
}

/* Letters, digits and underscores only: the string goes between quotes
 * unescaped. */
static bool add_string(struct layer_text *l, const struct attr_spec *spec,
                       const char *s)
{
    if (spec->kind != ATTR_STRING || s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                 "abcdefghijklmnopqrstuvwxyz"
                                                 "0123456789_ .,->")])
        return false;
    if (!spec->dflt.s || strcmp(spec->dflt.s, s) != 0)
        layer_attr(l, spec->name, "\"%s\"", s);
    return true;
}

/* Hidden attributes are the passes' own and not for files. */
bool convert_attr(struct import *im, struct layer_text *l, const struct op *op,
                  const struct onnx_attr *a)
{
    int i = op_attr(op, a->name);
    bool good;

    if (i < 0 || op->attr[i].hidden)
        return is_harmless(a) ||
               import_reject(im, "its attribute \"%.60s\" is not supported",
                             a->name);
    good = a->string ? add_string(l, &op->attr[i], a->string)
                     : a->number && add_number(l, &op->attr[i], a->number);
    return good || import_reject(im,
                                 "its attribute \"%.60s\" is not as it "
                                 "should be",
                                 a->name);
}

/* ---- layers ---- */

/* Results at the end that nothing takes are not asked of the layer:
 * BatchNormalization and Dropout of old files list some that layers do not
 * have. */
bool convert_finish(struct import *im, struct layer_text *l)
{
    struct onnx_value out[MAX_OUT];
    int nout = im->node->nout;

    while (nout > 1 && !node_needed(im, nout - 1))
        nout--;
    if (nout > MAX_OUT)
        return import_reject(im, "it has %d results, at most %d", nout,
                             MAX_OUT);
    if (!layer_end(im, l, out, nout))
        return false;
    for (int k = 0; k < nout; k++)
        if (!node_result(im, k, &out[k]))
            return false;
    return true;
}

bool convert_last(struct import *im, const char *op, const char *a,
                  const char *b)
{
    struct layer_text l;

    if (!a || (!b && op_find(op)->min_in > 1))
        return false;
    layer_begin(im, &l, op, NULL);
    layer_input(&l, a);
    if (b)
        layer_input(&l, b);
    return convert_finish(im, &l);
}

/* An operand that is left out is an empty name, as in the model format. */
bool convert_operands(struct import *im, struct layer_text *l,
                      const struct onnx_node *n)
{
    for (int k = 0; k < n->nin; k++) {
        const char *ref = n->in[k] ? operand_ref(im, n->in[k]) : "";

        if (!ref)
            return false;
        layer_input(l, ref);
    }
    return true;
}

bool convert_plain(struct import *im, const struct onnx_node *n)
{
    const struct op *op = op_find(n->op);
    struct layer_text l;

    layer_begin(im, &l, n->op, NULL);
    if (!convert_operands(im, &l, n))
        return false;
    for (int i = 0; i < n->nattr; i++)
        if (!convert_attr(im, &l, op, &n->attr[i]))
            return false;
    return convert_finish(im, &l);
}

static int convert_find(const char *op)
{
    for (size_t i = 0; i < sizeof converts / sizeof *converts; i++)
        if (strcmp(converts[i].op, op) == 0)
            return (int)i;
    return -1;
}

bool convert_knows(const char *op)
{
    return convert_find(op) >= 0;
}

/* A node that only fold() knows and that comes here has data among its
 * operands. */
bool convert(struct import *im, const struct onnx_node *n)
{
    int i = convert_find(n->op);

    if (i < 0)
        return import_reject(im, "its result is not known before the data");
    if (!n->nin || !n->in[0])
        return import_reject(im, "it has no operand");
    /* A constant has a type in the model once it is there; a table stays with
     * its layer. */
    if (converts[i].convert != convert_gather && !operand_ref(im, n->in[0]))
        return false;
    return converts[i].convert(im, n);
}
