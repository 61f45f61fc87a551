/*
 * onnx_graph_cases.h: small ONNX graphs for onnx_graphs.c, and what the model
 * file, or the message that refuses them, says.
 */
#ifndef TESTS_ONNX_GRAPH_CASES_H
#define TESTS_ONNX_GRAPH_CASES_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler/plancl_compile.h"

struct graph_case {
    int64_t opset;
    const char *line[20];
    /* Texts of the model file, or of the message where nothing is made. */
    const char *says[6];
    bool refused;
    struct plancl_dim dim;
    const char *value; /* an input that is 2, 3, 2 */
};

/* A reshape by shape arithmetic as PyTorch writes it: [x.shape[0], -1]. */
#define FLATTEN_BY_SHAPE                                        \
    "s = Shape x", "n = Gather s zero", "u = Unsqueeze n axis", \
        "t = Concat u rest / axis=0", "y = Reshape x t",        \
        "init zero i64 - = 0", "init axis i64 1 = 0", "init rest i64 1 = -1"

/* An If of the number of columns; what it takes from outside is made by a node
 * that stands behind it. */
#define IF_OF_WIDTH                                                          \
    "y = If c", "branch then_branch", "t = Unknown r", "out t", "end",       \
        "branch else_branch", "e = Tanh r", "out e", "end", "out y",         \
        "s = Shape x", "n = Gather s one", "c = Equal n want", "r = Relu x", \
        "init one i64 - = 1"

static const struct graph_case cases[] = {
    /* A symbolic batch is N; so is a fixed one. */
    {13,
     .line = {"in x f32 batch,3", "y = Relu x", "out y"},
     {"\"dims\": {\"N\": 1}", "\"x\": {\"shape\": [\"N\", 3]}",
      "{\"name\": \"relu1\", \"op\": \"Relu\", \"inputs\": [\"x\"]}",
      "\"y\": \"relu1\""}},
    {13,
     .line = {"in x f32 batch,3", "y = Relu x", "out y"},
     {"\"dims\": {\"N\": 7}"},
     .dim = {"batch", 7}},
    {13,
     .line = {"in x f32 5,3", "y = Relu x", "out y"},
     {"\"dims\": {\"N\": 5}", "[\"N\", 3]"}},
    /* Other symbols must be given. */
    {13,
     .line = {"in x f32 batch,width", "y = Relu x", "out y"},
     {"dimension 1 of input \"x\" is \"width\": give it by --dim or --shape"},
     .refused = true},
    {13,
     .line = {"in x f32 batch,width", "y = Relu x", "out y"},
     {"[\"N\", 9]"},
     .dim = {"width", 9}},

    /* Weights become the layer's own, by PyTorch's names. */
    {13,
     .line = {"in x f32 1,2,8,8", "init fc.weight f32 4,2,3,3 = 1",
              "init fc.bias f32 4 = 1",
              "y = Conv x fc.weight fc.bias / pads=1,1,1,1", "out y"},
     {"{\"name\": \"fc\", \"op\": \"Conv\", \"inputs\": [\"x\"], "
      "\"filters\": 4, \"kernel_shape\": [3, 3], \"pads\": [1, 1, 1, 1]}"}},
    {9,
     .line = {"in x f32 1,3", "init w f32 3,2 = 1,2,3,4,5,6",
              "init c f32 1 = 1", "y = Gemm x w c", "out y"},
     {"\"op\": \"Linear\", \"inputs\": [\"x\"], \"units\": 2}"}},
    /* Initializers that old files list among the inputs too. */
    {8,
     .line = {"in x f32 1,3", "in w f32 3,2", "init w f32 3,2 = 1",
              "y = MatMul x w", "out y"},
     {"\"x\": {\"shape\": [\"N\", 3]}\n  }", "\"op\": \"Linear\""}},

    /* Shape arithmetic is gone, and any batch can be compiled. */
    {13,
     .line = {"in x f32 4,2,3", FLATTEN_BY_SHAPE, "out y"},
     {"\"layers\": [\n    {\"name\": \"reshape1\", \"op\": \"Reshape\", "
      "\"inputs\": [\"x\"], \"shape\": [0, -1]}\n  ]"}},

    /* Nodes out of order, and one that nobody needs. */
    {13,
     .line = {"in x f32 1,3", "y = Relu a", "b = Nonsense x", "a = Abs x",
              "out y"},
     {"\"op\": \"Abs\", \"inputs\": [\"x\"]},\n    {\"name\": \"relu1\""}},
    {13,
     .line = {"in x f32 1,3", "a = Add b x", "b = Relu a", "out b"},
     {"take each other's results in a circle"},
     .refused = true},
    {13,
     .line = {"in x f32 1,3", "a = Relu x", "a = Abs x", "out a"},
     {"two nodes compute one value"},
     .refused = true},
    {13,
     .line = {"in x f32 1,3", "a = Add x gone", "out a"},
     {"Add that makes \"a\": nothing computes its input \"gone\""},
     .refused = true},

    /* All operators that are missing, in one message. */
    {13,
     .line = {"in x f32 1,3", "a = Foo x", "b = Bar:com.me a", "c = Foo b",
              "out c"},
     {"Foo (2), com.me.Bar (1)"},
     .refused = true},
    /* The standard's own domain by its name. */
    {13,
     .line = {"in x f32 1,3", "y = Relu:ai.onnx x", "out y"},
     {"\"op\": \"Relu\""}},

    /* Attributes that became operands. */
    {10,
     .line = {"in x f32 1,3", "y = Clip x / min=0.0 max=6.0", "out y"},
     {"\"op\": \"Clip\", \"inputs\": [\"x\"], \"min\": 0, \"max\": 6}"}},
    {11,
     .line = {"in x f32 1,3", "init top f32 - = 6", "y = Clip x _ top",
              "out y"},
     {"\"op\": \"Clip\", \"inputs\": [\"x\"], \"max\": 6}"}},
    {9,
     .line = {"in x f32 1,4", "y = Slice x / axes=[1] starts=[1] ends=[9999]",
              "out y"},
     {"\"axes\": [1], \"starts\": [1], \"ends\": [9999]"}},
    {11,
     .line = {"in x f32 1,1,4", "y = Squeeze x / axes=[1]", "out y"},
     {"\"op\": \"Squeeze\", \"inputs\": [\"x\"], \"axes\": [1]"}},
    {13,
     .line = {"in x f32 1,3", "in lo f32 1,1", "y = Clip x lo", "out y"},
     {"\"op\": \"Max\", \"inputs\": [\"x\", \"lo\"]"}},
    {13,
     .line = {"in x i64 1,3", "init top i64 - = 6", "y = Clip x _ top",
              "out y"},
     {"\"op\": \"Min\""}},
    {13,
     .line = {"in x i64 1,3", "in p f32 1,3", "y = Pow x p", "out y"},
     {"\"op\": \"Where\"", "\"op\": \"Pow\""}},

    /* Losses are chains; without a batch where they sum over it. */
    {13,
     .line = {"in x f32 2,3", "in t i64 2",
              "y = NegativeLogLikelihoodLoss x t / reduction=none", "out y"},
     {"\"dims\": {\"N\": 2}", "\"op\": \"GatherElements\""}},
    {13,
     .line = {"in x f32 2,3", "in t i64 2",
              "y z = SoftmaxCrossEntropyLoss x t / ignore_index=1", "out y",
              "out z"},
     {"\"op\": \"LogSoftmax\"", "\"op\": \"Equal\"", "\"op\": \"Div\"",
      "\"x\": {\"shape\": [2, 3]}"}},
    {13,
     .line = {"in x f32 2,3", "in t i64 2",
              "y = SoftmaxCrossEntropyLoss x t / reduction=other", "out y"},
     {"its reduction is not known"},
     .refused = true},

    /* Indices and equations. */
    {13,
     .line = {"in x f32 1,3,4", "in i i64 1,3,2",
              "y = GatherElements x i / axis=2", "out y"},
     {"\"op\": \"GatherElements\", \"inputs\": [\"x\", \"i\"], \"axis\": 2}"}},
    {13,
     .line = {"init t f32 3,2,2 = 1", "in i i64 1,5", "y = Gather t i",
              "out y"},
     {"\"op\": \"Gather\", \"inputs\": [\"t\", \"i\"]}"}},
    {13,
     .line = {"in x f32 1,3,4", "in z f32 1,4,2",
              "y = Einsum x z / equation=nij,njk->nik", "out y"},
     {"\"equation\": \"nij,njk->nik\""}},

    /* Softmax took all dimensions from the axis on. */
    {12,
     .line = {"in x f32 1,3,4", "y = Softmax x / axis=1", "out y"},
     {"\"op\": \"Flatten\"", "\"op\": \"Softmax\"", "\"shape\": [0, 3, 4]"}},
    {13,
     .line = {"in x f32 1,3,4", "y = Softmax x / axis=1", "out y"},
     {"\"op\": \"Softmax\", \"inputs\": [\"x\"], \"axis\": 1}"}},
    /* An operand's place by an axis. */
    {6,
     .line = {"in x f32 1,3,4", "init b f32 3 = 1,2,3",
              "y = Add x b / broadcast=1 axis=1", "out y"},
     {"\"value\": [[1], [2], [3]]"}},
    {9,
     .line = {"in x f32 1,1,4,4", "init s f32 4 = 1,1,2,2", "y = Upsample x s",
              "out y"},
     {"\"axes\": [2, 3], \"scales\": [2, 2], \"mode\": \"nearest\", "
      "\"coordinate_transformation_mode\": \"asymmetric\", "
      "\"nearest_mode\": \"floor\""}},

    /* A mask that nobody takes; a sum of three. */
    {12,
     .line = {"in x f32 1,3", "a mask = Dropout x / ratio=0.5", "y = Relu a",
              "out y"},
     {"\"layers\": [\n    {\"name\": \"relu1\""}},
    {13,
     .line = {"in x f32 1,3", "y = Sum x x x", "out y"},
     {"{\"name\": \"add1\", \"op\": \"Add\", \"inputs\": [\"x\", \"x\"]},",
      "\"inputs\": [\"add1\", \"x\"]"}},

    /* Samples first, gates in PyTorch's order, the last state as asked for. */
    {14,
     .line = {"in x f32 2,5,3", "t = Transpose x / perm=1,0,2",
              "init w f32 1,16,3 = 1", "init r f32 1,16,4 = 1",
              "y h = LSTM t w r / hidden_size=4 direction=reverse",
              "z = Squeeze h / axes=[0]", "out z"},
     {"\"hidden_size\": 4, \"direction\": \"reverse\", \"bias\": false}",
      "\"starts\": [0, 0], \"ends\": [1, 4], \"axes\": [1, 2]"}},
    {14,
     .line = {"in x f32 2,5,3", "t = Transpose x / perm=1,0,2",
              "init w f32 1,16,3 = 1", "init r f32 1,16,4 = 1",
              "init h f32 1,2,4 = 1", "y = LSTM t w r _ _ h / hidden_size=4",
              "z = Transpose y", "out z"},
     {"\"shape\": [2, 5, 3]", "\"op\": \"Sigmoid\"", "\"op\": \"Tanh\""}},
    {14,
     .line = {"in x f32 2,5,3", "init w f32 1,4,3 = 1", "init r f32 1,4,4 = 1",
              "y = RNN x w r / hidden_size=4 layout=1", "out y"},
     {"\"shape\": [\"N\", 5, 3]",
      "\"op\": \"RNN\", \"inputs\": [\"x\"], \"hidden_size\": 4"}},
    {14,
     .line = {"in x f32 2,5,3", "in w f32 1,4,3", "init r f32 1,4,4 = 1",
              "y = RNN x w r / hidden_size=4 layout=1", "out y"},
     {"\"shape\": [\"N\", 5, 3]", "\"op\": \"MatMul\"", "\"axes\": [1, 2]"}},
    {14,
     .line = {"in x f32 2,5,3", "init w f32 1,5,3 = 1", "init r f32 1,4,4 = 1",
              "y = RNN x w r / hidden_size=4", "out y"},
     {"its weights are not as its input"},
     .refused = true},
    {14,
     .line = {"in x f32 2,5,3", "init w f32 1,12,3 = 1",
              "init r f32 1,12,4 = 1", "y h c = GRU x w r / hidden_size=4",
              "out c"},
     {"it has no third result"},
     .refused = true},
    {14,
     .line = {"in x f32 2,500,3", "in w f32 1,4,3", "init r f32 1,4,4 = 1",
              "y = RNN x w r / hidden_size=4 layout=1", "out y"},
     {"it has 500 steps, at most 128"},
     .refused = true},
    {14,
     .line = {"in x f32 1,3", "y m = Dropout x / training_mode=1", "out y"},
     {"draws at random"},
     .refused = true},
    {16,
     .line = {"in x f32 4,3", "init t i64 - = 1", "init z f32 - = 0",
              "y m = Dropout x z t", "out y", "out m"},
     {"\"op\": \"Or\""}},
    {17,
     .line = {"in x f32 4,3", "init w f32 3 = 1",
              "y m = LayerNormalization x w", "out y", "out m"},
     {"\"dims\": {\"N\": 4}", "\"op\": \"ReduceMean\""}},
    {15,
     .line = {"in x f32 4,3", "init w f32 3 = 1", "init b f32 3 = 1",
              "init m f32 3 = 1", "init v f32 3 = 1",
              "y m1 = BatchNormalization x w b m v / training_mode=1", "out y",
              "out m1"},
     {"\"shape\": [4, 3]", "\"op\": \"ReduceMean\""}},

    /* Quantized: layers over f32. */
    {13,
     .line = {"in x f32 1,3", "init s f32 3 = 1,2,4", "in z i8 3",
              "y = QuantizeLinear x s z", "out y"},
     {"\"op\": \"Round\"", "\"min\": -128, \"max\": 127", "\"to\": \"i8\""}},
    {10,
     .line = {"in a u8 1,300", "in b u8 300,2", "y = MatMulInteger a b",
              "out y"},
     {"it adds up 300 products, at most 258 are exact"},
     .refused = true},

    /* A condition that shapes decide takes one branch, here PyTorch's squeeze
     * of a dimension that has no single element; the other is not read. */
    {13,
     .line = {IF_OF_WIDTH, "init want i64 - = 1", "in x f32 4,3"},
     {"{\"name\": \"relu1\", \"op\": \"Relu\", \"inputs\": [\"x\"]}",
      "{\"name\": \"tanh1\", \"op\": \"Tanh\"}", "\"y\": \"tanh1\""}},
    {13,
     .line = {IF_OF_WIDTH, "init want i64 - = 3", "in x f32 4,3"},
     {"operators that are not supported, and how many nodes have them: "
      "Unknown (1)"},
     .refused = true},
    {13,
     .line = {IF_OF_WIDTH, "in want i64 1", "in x f32 4,3"},
     {"its condition is computed from data"},
     .refused = true},
    {13,
     .line = {"in x f32 4,3", "init c i64 - = 0", "y = If c",
              "branch then_branch", "t = Relu x", "out t", "end", "out y"},
     {"it has no else_branch"},
     .refused = true},

    /* What would not compile. */
    {13,
     .line = {"in x f32 1,3", "in y f32 1,4", "z = Add x y", "out z"},
     {"Add that makes \"z\":", "[1,3]"},
     .refused = true},
    {13,
     .line = {"in x string 1,3", "y = Relu x", "out y"},
     {"of a type that is not supported"},
     .refused = true},
    /* Each of these is small enough, all of them are not. */
    {13,
     .line = {"in x f32 1,3", "init n i64 1 = 16777216",
              "a = ConstantOfShape n", "b = ConstantOfShape n",
              "c = ConstantOfShape n", "d = ConstantOfShape n",
              "e = ConstantOfShape n", "y = Sum x a b c d e", "out y"},
     {"ConstantOfShape that makes \"e\": its result is not known"},
     .refused = true},
    /* What moves samples has no batch. */
    {13,
     .line = {"in x f32 4,3", "y = Transpose x", "out y"},
     {"\"x\": {\"shape\": [4, 3]}"}},
    /* Values that are known before. */
    {13,
     .line = {"in x f32 2,6", "in to i64 3", "y = Reshape x to", "out y"},
     {"\"shape\": [0, 3, 2]"},
     .value = "to"},
};

#endif
