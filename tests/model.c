/*
 * model.c: the model reader, on good models, on the table of mistakes and on
 * random damage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/passes.h"
#include "compiler/plancl_compile.h"

/* After ours: it has a macro called fail. */
#include <cmocka.h>

struct reading {
    struct arena arena;
    struct diag diag;
    struct graph graph;
    struct training training;
    jmp_buf out_of_memory;
    bool good;
};

/* Each reading has an arena of its own, which the caller closes. */
static void read_with(struct reading *r, const char *file, const char *text,
                      const struct plancl_dim *dim, unsigned ndim,
                      uint64_t micro_batch)
{
    const struct plancl_compile_options opt = {
        .dim = dim, .ndim = ndim, .micro_batch = micro_batch};

    memset(r, 0, sizeof *r);
    if (setjmp(r->out_of_memory))
        fail_msg("out of memory");
    arena_open(&r->arena, &r->out_of_memory);
    graph_init(&r->graph, &r->arena, &r->diag);
    r->good = model_read(&r->graph, file, text, &opt, &r->training);
}

/* A model that must be read. */
static void read_good(struct reading *r, const char *text)
{
    read_with(r, "test.json", text, NULL, 0, 0);
    if (!r->good)
        fail_msg("line %d: %s", r->diag.at.line, r->diag.text);
    assert_null(graph_verify(&r->graph, &r->arena));
}

static const struct node *leaf(const struct reading *r, const char *name)
{
    for (int i = 1; i < r->graph.len; i++) {
        const struct node *n = r->graph.node[i];

        if (n->leaf && strcmp(n->leaf->name, name) == 0)
            return n;
    }
    return NULL;
}

/* Names and shapes of all leaves of a kind: "conv.weight[4,3,3,3] ..." */
static const char *leaves(struct reading *r, enum plan_kind kind)
{
    struct text out = {.arena = &r->arena};

    for (int i = 1; i < r->graph.len; i++) {
        const struct node *n = r->graph.node[i];

        if (n->leaf && n->leaf->kind == kind)
            text_add(&out, "%s%s%s", out.len ? " " : "", n->leaf->name,
                     type_text(&r->arena, &n->type));
    }
    return out.len ? out.s : "";
}

/* The value that a sequence leaves in a leaf, or null. */
static const struct node *assigned(const struct reading *r, unsigned sequence,
                                   const char *name)
{
    const struct graph *g = &r->graph;

    for (int i = 0; i < g->nassign; i++)
        if (g->assign[i].sequences >> sequence & 1 &&
            strcmp(graph_node(g, g->assign[i].leaf)->leaf->name, name) == 0)
            return graph_node(g, g->assign[i].value);
    return NULL;
}

/* The first node of a layer, in the pass that came first. */
static const struct node *layer(const struct reading *r, const char *path)
{
    for (int i = 1; i < r->graph.len; i++) {
        const struct node *n = r->graph.node[i];

        if (!n->leaf && n->path && strcmp(n->path, path) == 0 &&
            n->op != &op_Random && n->op != &op_Fill)
            return n;
    }
    return NULL;
}

static void shape_is(struct reading *r, const struct node *n, const char *want)
{
    assert_non_null(n);
    assert_string_equal(type_text(&r->arena, &n->type), want);
}

/* ---- good models ---- */

static char *file_text(const char *name);

/* A whole model from the repository: if the format changes, its users see it
 * here first. */
static void test_fashion_cnn(void **state)
{
    static const char want[] =
        "conv1.weight[16,1,3,3] conv1.bias[16] "
        "conv2.weight[32,16,3,3] conv2.bias[32] "
        "fc1.weight[64,1568] fc1.bias[64] fc2.weight[10,64] fc2.bias[10]";
    const struct plancl_dim dim = {"N", 12};
    char *text = file_text("models/fashion_cnn.json");
    struct reading r;

    (void)state;
    read_with(&r, "fashion_cnn.json", text, &dim, 1, 4);
    if (!r.good)
        fail_msg("%s", r.diag.text);
    assert_string_equal(leaves(&r, PLAN_PARAMETER), want);
    assert_string_equal(leaves(&r, PLAN_INPUT), "image[4,1,28,28] label[4]");
    assert_string_equal(leaves(&r, PLAN_OUTPUT), "logits[4,10]");
    assert_int_equal(r.graph.batch, 4);
    assert_int_equal(r.graph.effective, 12);
    assert_true(r.graph.learning_rate == 1e-3);
    assert_string_equal(r.graph.name, "fashion_cnn");
    assert_ptr_equal(r.training.optimizer, &op_Adam);
    assert_int_equal(r.training.nloss, 1);
    assert_string_equal(r.training.loss[0].name, "class");
    assert_int_equal(r.graph.nmeter, 3);
    assert_ptr_equal(assigned(&r, SEQ_INIT, "fc1.weight")->op, &op_Random);
    assert_non_null(assigned(&r, SEQ_PREDICT, "logits"));
    assert_int_equal(leaf(&r, "image")->type.batch, 1);
    arena_close(&r.arena);
    free(text);
}

/* Blocks in blocks, arguments of each kind, repeat, results by number. */
static const char nested[] =
    "{'plancl': 1, 'name': 'nested', 'dims': {'N': 2, 'W': 16, 'C': 3},"
    "'inputs': {'x': {'shape': ['N', '$C', '$W/2', 'W']}},"
    "'blocks': {"
    " 'unit': {'args': ['filters', 'bias', 'act'], 'inputs': ['a'],"
    "  'layers': [{'name': 'conv', 'op': 'Conv', 'filters': '$filters',"
    "   'kernel_shape': [3, 3], 'pads': [1, 1, 1, 1], 'bias': '$bias'},"
    "   {'op': '$act'}]},"
    " 'pair': {'args': ['width'], 'inputs': ['p'],"
    "  'outputs': ['u2', 'pool'],"
    "  'layers': [{'name': 'u', 'op': 'unit', 'repeat': 2,"
    "   'filters': '$width*$i-1', 'bias': false, 'act': 'Relu'},"
    "   {'name': 'pool', 'op': 'MaxPool', 'kernel_shape': [2, 2],"
    "    'strides': [2, 2]}]}},"
    "'layers': ["
    " {'name': 'down${$W/16}', 'op': 'pair', 'width': '($C+1)*2'},"
    " {'name': 'low', 'op': 'Relu', 'inputs': ['down1:1']},"
    " {'name': 'high', 'op': 'Relu', 'inputs': ['down1']}],"
    "'outputs': {'low': 'low', 'high': 'high'}}";

/* Models above are written with single quotes. */
static char *quoted(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *own = malloc(bytes);

    assert_non_null(own);
    memcpy(own, text, bytes);
    for (char *c = own; *c; c++)
        if (*c == '\'')
            *c = '"';
    return own;
}

/* Names and shapes of what two levels of macros make. */
static void test_blocks(void **state)
{
    char *text = quoted(nested);
    struct reading r;

    (void)state;
    read_good(&r, text);
    assert_string_equal(leaves(&r, PLAN_PARAMETER),
                        "down1.u1.conv.weight[7,3,3,3] "
                        "down1.u2.conv.weight[15,7,3,3]");
    assert_string_equal(leaves(&r, PLAN_OUTPUT),
                        "low[2,15,4,8] high[2,15,8,16]");
    shape_is(&r, layer(&r, "down1.u1.relu1"), "[2,7,8,16]");
    assert_false(r.training.present);
    arena_close(&r.arena);
    free(text);
}

/* A layer with repeat is a chain, named by $i or by a number at the end. */
static void test_repeat(void **state)
{
    char *text = quoted(
        "{'plancl': 1, 'name': 'm', 'dims': {'N': 2, 'L': 3},"
        "'inputs': {'x': {'shape': ['N', 8]}, 'y': {'shape': ['N', 8]}},"
        "'layers': ["
        " {'name': 'fc', 'op': 'Linear', 'repeat': '$L', 'units': '8+$i',"
        "  'inputs': ['x']},"
        " {'name': 'out', 'op': 'Linear', 'units': 8},"
        " {'op': 'Add', 'repeat': 2, 'inputs': ['out', 'y']}],"
        "'outputs': {'o': 'add2'}}");
    struct reading r;

    (void)state;
    read_good(&r, text);
    assert_string_equal(leaves(&r, PLAN_PARAMETER),
                        "fc1.weight[9,8] fc1.bias[9] fc2.weight[10,9] "
                        "fc2.bias[10] fc3.weight[11,10] fc3.bias[11] "
                        "out.weight[8,11] out.bias[8]");
    assert_ptr_equal(graph_node(&r.graph, layer(&r, "add2")->in[0]),
                     layer(&r, "add1"));
    assert_ptr_equal(graph_node(&r.graph, layer(&r, "add2")->in[1]),
                     leaf(&r, "y"));
    arena_close(&r.arena);
    free(text);
}

/* Tied weights, from outside and inside a block; frozen layers; initializers. */
static void test_parameters(void **state)
{
    char *text = quoted(
        "{'plancl': 1, 'name': 'm', 'dims': {'N': 2},"
        "'inputs': {'x': {'shape': ['N', 8]}},"
        "'blocks': {'twin': {'inputs': ['a'], 'layers': ["
        " {'name': 'one', 'op': 'Linear', 'units': 8, 'bias': false},"
        " {'name': 'two', 'op': 'Linear', 'units': 8,"
        "  'inputs': ['one', 'one.weight']}]}},"
        "'layers': ["
        " {'name': 't', 'op': 'twin', 'trainable': false},"
        " {'name': 'out', 'op': 'Linear', 'units': 8,"
        "  'inputs': ['t', 't.one.weight'], 'initializer':"
        "   {'bias': {'op': 'Constant', 'value': 0.5}}},"
        " {'name': 'w', 'op': 'Linear', 'units': 8, 'initializer':"
        "   {'weight': 'HeNormal', 'bias': {'op': 'Uniform', 'low': -2}}}],"
        "'outputs': {'o': 'w'}}");
    struct reading r;
    const struct node *value;

    (void)state;
    read_good(&r, text);
    assert_string_equal(leaves(&r, PLAN_PARAMETER),
                        "t.one.weight[8,8] t.two.bias[8] out.bias[8] "
                        "w.weight[8,8] w.bias[8]");
    assert_true(leaf(&r, "t.two.bias")->leaf->frozen);
    assert_false(leaf(&r, "out.bias")->leaf->frozen);
    assert_ptr_equal(graph_node(&r.graph, layer(&r, "out")->in[1]),
                     leaf(&r, "t.one.weight"));
    value = assigned(&r, SEQ_INIT, "out.bias");
    assert_ptr_equal(value->op, &op_Fill);
    assert_true(value->attr[0].f == 0.5);
    value = assigned(&r, SEQ_INIT, "w.weight");
    assert_true(value->attr[0].i == 1); /* normal, deviation sqrt(2 / 8) */
    assert_true(value->attr[1].f == 0 && value->attr[2].f == 0.5);
    value = assigned(&r, SEQ_INIT, "w.bias");
    assert_true(value->attr[1].f == -2 && value->attr[2].f == 1);
    arena_close(&r.arena);
    free(text);
}

/* Two losses with a weight, and the penalties of two layers, which become
 * losses of their own. */
static void test_losses(void **state)
{
    char *text = quoted(
        "{'plancl': 1, 'name': 'm', 'dims': {'N': 2},"
        "'inputs': {'x': {'shape': ['N', 8]},"
        " 'a': {'shape': ['N'], 'dtype': 'i32'},"
        " 'b': {'shape': ['N'], 'dtype': 'i32'}},"
        "'layers': ["
        " {'name': 'p', 'op': 'Linear', 'units': 3, 'inputs': ['x'],"
        "  'l1': 0.5, 'l2': 0.25},"
        " {'name': 'q', 'op': 'Linear', 'units': 4, 'l2': 1}],"
        "'outputs': {'p': 'p', 'q': 'q'},"
        "'training': {"
        " 'loss': {'main': {'op': 'CrossEntropy', 'inputs': ['q', 'a']},"
        "  'side': {'op': 'CrossEntropy', 'inputs': ['p', 'b'],"
        "   'weight': 0.5, 'ignore_index': 1}},"
        " 'optimizer': {'op': 'SGD', 'learning_rate': 0.5, 'momentum': 0.9},"
        " 'metrics': {'right': {'op': 'Accuracy', 'inputs': ['q', 'a']}}}}");
    struct reading r;
    const struct loss_term *loss;

    (void)state;
    read_good(&r, text);
    loss = r.training.loss;
    assert_int_equal(r.training.nloss, 4);
    assert_string_equal(loss[0].name, "main");
    assert_true(loss[1].weight == 0.5 && !loss[1].per_update);
    assert_string_equal(loss[2].name, "l1");
    assert_string_equal(loss[3].name, "l2");
    assert_true(loss[2].per_update && loss[3].per_update);
    shape_is(&r, graph_node(&r.graph, loss[2].terms), "[]");
    shape_is(&r, graph_node(&r.graph, loss[3].terms), "[]");
    shape_is(&r, graph_node(&r.graph, loss[1].terms), "[2]");
    /* main and side in evaluation, right in both */
    assert_int_equal(r.graph.nmeter, 4);
    assert_true(
        r.training.optimizer_attr[op_attr(r.training.optimizer, "momentum")]
            .f == 0.9);
    arena_close(&r.arena);
    free(text);
}

/* The nested model with one dimension bound wrongly. */
static void refused_with(const struct plancl_dim *dim, uint64_t micro_batch,
                         const char *want)
{
    char *text = quoted(nested);
    struct reading r;

    read_with(&r, "test.json", text, dim, dim != NULL, micro_batch);
    assert_false(r.good);
    if (!strstr(r.diag.text, want))
        fail_msg("got %s, wanted %s", r.diag.text, want);
    arena_close(&r.arena);
    free(text);
}

/* What the command line says is refused as what the file says is. */
static void test_options(void **state)
{
    (void)state;
    refused_with(&(struct plancl_dim){"Width", 4}, 0, "no dimension \"Width\"");
    refused_with(&(struct plancl_dim){"N", 0}, 0, "N is given as 0");
    refused_with(&(struct plancl_dim){"N", UINT64_MAX}, 0, "wanted 1 to");
    refused_with(&(struct plancl_dim){"N", 8}, 9,
                 "the micro-batch is 9, more than the batch N, 8");
    refused_with(&(struct plancl_dim){"W", 17}, 0, "17 / 2 is not exact");
}

/* ---- the table of mistakes ---- */

static char *file_text(const char *name)
{
    const char *top = getenv("top_srcdir");
    char path[4096], *text;
    size_t size = 1 << 20, n;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", top ? top : ".", name);
    f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot open %s", path);
    text = malloc(size);
    assert_non_null(text);
    n = fread(text, 1, size - 1, f);
    text[n] = 0;
    fclose(f);
    return text;
}

/* A line of expected.txt: what the message begins with. */
static bool mistake(const char *line)
{
    char file[256], path[512], got[2048], *text;
    struct reading r;
    bool same;

    snprintf(file, sizeof file, "%.*s", (int)strcspn(line, ":"), line);
    snprintf(path, sizeof path, "tests/mistakes/%s", file);
    text = file_text(path);
    read_with(&r, file, text, NULL, 0, 0);
    if (r.good && r.training.present) { /* some mistakes show only there */
        grad_build(&r.graph, &r.training);
        r.good = !r.diag.failed;
    }
    snprintf(got, sizeof got, "%s:%d:%d: %s",
             r.diag.at.file ? r.diag.at.file : "?", r.diag.at.line,
             r.diag.at.column, r.diag.text);
    same = !r.good && strncmp(got, line, strlen(line)) == 0;
    if (!same)
        print_error("wanted %s\ngot    %s\n", line, r.good ? "none" : got);
    arena_close(&r.arena);
    free(text);
    return same;
}

/* At least as many as there were when this was written: a table that was not
 * found must not pass. */
static void test_mistakes(void **state)
{
    char *table = file_text("tests/mistakes/expected.txt"), *line, *rest;
    int n = 0, wrong = 0;

    (void)state;
    for (line = strtok_r(table, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest), n++)
        wrong += !mistake(line);
    free(table);
    assert_int_equal(wrong, 0);
    assert_true(n >= 45);
}

/* ---- random damage ---- */

/* A linear congruence (Knuth's constants), the same everywhere. */
static uint32_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Bits of models, put where they do not belong. */
static const char *const scraps[] = {
    "\"",      "{",     "}",     "[",          "]",    ",",
    ":",       "$",     "$i",    "${",         "-",    "0",
    "9999999", "1e308", "\\u",   "null",       "true", "\"x\"",
    "\"$W\"",  "\"N\"", "1e18",  "/",          "(",    "\xff",
    "\"Add\"", "[[",    "\"p\"", "2147483647", ".5",   "\"u2\""};

/* One change: a byte replaced, a slice dropped, moved, or a scrap put in. */
static void damage(char *text, size_t room, uint64_t *state)
{
    size_t n = strlen(text), at = random_next(state) % n;
    size_t len = 1 + random_next(state) % 8;
    const char *scrap =
        scraps[random_next(state) % (sizeof scraps / sizeof *scraps)];

    if (len > n - at)
        len = n - at;
    switch (random_next(state) % 4) {
    case 0:
        text[at] = (char)(1 + random_next(state) % 255);
        return;
    case 1:
        memmove(text + at, text + at + len, n - at - len + 1);
        return;
    case 2:
        memmove(text + at, text + random_next(state) % (n - len), len);
        return;
    default:
        len = strlen(scrap);
        if (n + len + 1 > room)
            return;
        memmove(text + at + len, text + at, n - at + 1);
        memcpy(text + at, scrap, len);
    }
}

/* A damaged model is read or refused with a place and a reason; no more. */
static bool damaged(const char *good, uint64_t *seed)
{
    char text[8192];
    uint32_t changes = 1 + random_next(seed) % 3;
    size_t bytes = strlen(good) + 1;
    struct reading r;

    assert_true(bytes <= sizeof text);
    memcpy(text, good, bytes);
    for (uint32_t i = 0; i < changes; i++)
        damage(text, sizeof text, seed);
    read_with(&r, "damaged.json", text, NULL, 0, 0);
    if (!r.good)
        assert_true(r.diag.failed && r.diag.at.line > 0 && r.diag.text[0]);
    arena_close(&r.arena);
    return !r.good;
}

/* Most damage must be refused, or it did not damage. */
static void test_damage(void **state)
{
    char *blocks = quoted(nested);
    char *training = file_text("models/fashion_cnn.json");
    uint64_t seed = 1;
    int refused = 0;

    (void)state;
    for (int k = 0; k < 5000; k++)
        refused += damaged(k % 2 ? blocks : training, &seed);
    free(blocks);
    free(training);
    assert_true(refused > 2500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fashion_cnn), cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_repeat),      cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_losses),      cmocka_unit_test(test_options),
        cmocka_unit_test(test_mistakes),    cmocka_unit_test(test_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
