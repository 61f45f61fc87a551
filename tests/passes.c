/*
 * passes.c: what the passes make of small graphs.
 *
 * tests/data/passes/NAME.json goes through the passes up to one, and the graph is
 * compared with the text of NAME.txt or another name.  Then both graphs are
 * interpreted, in every sequence, with fewer rows than the batch has, and must
 * agree.  A text that differs is left in passes-NAME.txt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* base.h has a function of this name; fail_msg needs it */
#define FAIL(...) (print_error(__VA_ARGS__), _fail(__FILE__, __LINE__))

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/fused.h"
#include "compiler/lower.h"
#include "compiler/plancl_compile.h"
#include "tests/graph_run.h"

enum last_pass { GRADIENTS, SIMPLIFIED, CONVERTED, CANCELLED, FUSED };

struct setup {
    struct arena arena;
    jmp_buf out_of_memory;
    struct diag diag;
    struct graph graph;
};

static int open_setup(void **state)
{
    struct setup *s = calloc(1, sizeof *s);

    assert_non_null(s);
    arena_open(&s->arena, &s->out_of_memory);
    if (setjmp(s->out_of_memory))
        abort();
    graph_init(&s->graph, &s->arena, &s->diag);
    s->graph.batch = s->graph.effective = 3;
    s->graph.name = "test";
    *state = s;
    return 0;
}

static int close_setup(void **state)
{
    struct setup *s = *state;

    arena_close(&s->arena);
    free(s);
    return 0;
}

/* ---- files ---- */

static char *read_file(struct arena *a, const char *name)
{
    const char *top = getenv("top_srcdir");
    FILE *f = fopen(arena_format(a, "%s/%s", top ? top : ".", name), "rb");
    struct text t = {.arena = a};
    char part[4096];
    size_t n;

    text_bytes(&t, "", 0);
    if (!f)
        return t.s;
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        text_bytes(&t, part, n);
    fclose(f);
    text_bytes(&t, "", 1);
    return t.s;
}

/* The text that was got is left beside the test, to look at or to take over. */
static void check_text(struct arena *a, const char *name, const char *got)
{
    const char *want = read_file(
        a, arena_format(a, "tests/data/passes/%s.txt", name));
    FILE *f;

    if (strcmp(got, want) == 0)
        return;
    f = fopen(arena_format(a, "passes-%s.txt", name), "w");
    if (f) {
        fputs(got, f);
        fclose(f);
    }
    FAIL("passes-%s.txt differs from tests/data/passes/%s.txt:\n%s", name, name,
         got);
}

/* ---- passes ---- */

/* As compile.c has it, but that it ends after any pass. */
static const struct graph *up_to(const struct graph *g, enum last_pass last)
{
    struct graph *stage = ARENA_NEW(g->arena, struct graph, 4);

    if (last >= SIMPLIFIED) {
        simplify(g, &stage[0]);
        g = &stage[0];
    }
    if (last >= CONVERTED) {
        layout(g, &stage[1], last >= CANCELLED);
        simplify(&stage[1], &stage[2]);
        g = &stage[2];
    }
    if (last >= FUSED) {
        fuse(g, &stage[3]);
        g = &stage[3];
    }
    assert_null(graph_verify(g, g->arena));
    return g;
}

/* For every number of rows, since passes may not confuse them with the
 * batch. */
static void check_meaning(const struct graph *a, const struct graph *b,
                          double tolerance)
{
    struct ref_env env = {.batch = a->batch,
                          .effective = a->effective,
                          .seed = 5,
                          .step = 2,
                          .learning_rate = 0.1};

    for (env.rows = a->batch; env.rows > 0; env.rows--)
        for (int id = 0; id < SEQ_KINDS; id++) {
            const char *leaf = "";
            double off = graph_distance(a, b, (enum plan_sequence_id)id, &env,
                                        &leaf);

            if (!(off <= tolerance))
                FAIL("%s, %d rows: %s is %g apart",
                     plan_sequence_name((enum plan_sequence_id)id),
                     (int)env.rows, leaf, off);
        }
}

static const struct graph *model_of(struct setup *s, const char *path)
{
    const struct graph *g = graph_of_model(
        &s->arena, read_file(&s->arena, path), 0, &s->diag);

    if (!g)
        FAIL("%s: %s", path, s->diag.text);
    return g;
}

static void check_case(struct setup *s, const char *model, const char *expected,
                       enum last_pass last)
{
    const struct graph *g = model_of(
        s, arena_format(&s->arena, "tests/data/passes/%s.json", model));
    const struct graph *h = up_to(g, last);
    struct text t = {.arena = &s->arena};

    graph_print(h, &t);
    check_text(&s->arena, expected, t.s);
    check_meaning(g, h, 1e-12);
}

static void equal_nodes_merge_and_unused_go(void **state)
{
    check_case(*state, "equal", "equal", SIMPLIFIED);
}

static void frozen_layers_get_no_gradient(void **state)
{
    check_case(*state, "frozen", "frozen", SIMPLIFIED);
}

static void gradients_follow_the_model(void **state)
{
    check_case(*state, "frozen", "frozen_gradients", GRADIENTS);
}

static void conversions_stand_beside_ops(void **state)
{
    check_case(*state, "channels", "channels_converted", CONVERTED);
}

static void conversions_cancel(void **state)
{
    check_case(*state, "channels", "channels", CANCELLED);
}

static void mixed_readers_keep_the_users_order(void **state)
{
    check_case(*state, "mixed", "mixed", CANCELLED);
}

static void chains_fuse(void **state)
{
    check_case(*state, "chain", "chain", FUSED);
}

static void relus_gradient_goes_before_the_windows(void **state)
{
    check_case(*state, "pool", "pool", SIMPLIFIED);
}

static void late_readers_compute_again(void **state)
{
    check_case(*state, "again", "again", FUSED);
}

static void concats_are_cut(void **state)
{
    check_case(*state, "pieces", "pieces", FUSED);
}

static void convolutions_take_operands_apart(void **state)
{
    check_case(*state, "apart", "apart", CANCELLED);
}

/* ---- how many conversions are left ---- */

static int transposes(const struct graph *g, unsigned sequences)
{
    const bool *used = graph_used(g, sequences);
    int n = 0;

    for (int id = 1; id < g->len; id++)
        n += used[id] && g->node[id]->op == &op_Transpose;
    return n;
}

/* More would be time lost in copies; fewer would be wrong, since these are what
 * the user sees. */
static void check_left(struct setup *s, const char *path, int step, int predict)
{
    const struct graph *g = model_of(s, path), *h = up_to(g, CANCELLED);

    assert_int_equal(transposes(h, 1U << SEQ_STEP), step);
    assert_int_equal(transposes(h, 1U << SEQ_PREDICT), predict);
    assert_true(transposes(up_to(g, CONVERTED), 1U << SEQ_STEP) > step);
}

/* Flatten sees the user's order, forward and backward.  The images have one
 * channel, so they are as they should be. */
static void fashion_cnn_converts_at_flatten_only(void **state)
{
    check_left(*state, "models/fashion_cnn.json", 2, 1);
}

/* The images; Flatten, and its gradient; the logits, which are an output, and
 * their gradient.  And the gradient of the L2 penalty, where a constant is
 * expanded first and converted then. */
static void two_heads_converts_at_its_edges(void **state)
{
    check_left(*state, "tests/models/two_heads.json", 6, 3);
}

/* Every choice of passes; folding rounds constants to f32, so with it the limit
 * is wider. */
static void models_keep_their_meaning(void **state)
{
    const struct graph *g = model_of(*state, "tests/models/two_heads.json");

    for (unsigned skip = 0; skip < 8; skip++)
        check_meaning(g, graph_passes(g, skip),
                      skip & PLANCL_SKIP_SIMPLIFY ? 1e-12 : 3e-7);
}

/* ---- graphs by hand ---- */

static val leaf_of(struct graph *g, enum plan_kind kind, const char *name,
                   const struct type *t)
{
    const struct leaf leaf = {.kind = kind, .name = name};

    return graph_leaf(g, t, &leaf);
}

static val unary(struct graph *g, const struct op *op, val x)
{
    return graph_add(g, op, &x, 1, NULL);
}

static void predict(struct graph *g, const char *name, val v)
{
    assert_true(v.id != 0);
    graph_assign(g, 1U << SEQ_PREDICT,
                 leaf_of(g, PLAN_OUTPUT, name, type_of(g, v)), v);
}

static int count_op(const struct graph *g, const struct op *op)
{
    int n = 0;

    for (int id = 1; id < g->len; id++)
        n += g->node[id]->op == op;
    return n;
}

static const struct type matrix = {
    .dtype = DT_F32, .rank = 2, .dim = {3, 4}, .batch = 1};

/* Exact in f32: -(1, 2, ... 6) reordered, plus 0.5. */
static void constants_fold(void **state)
{
    struct setup *s = *state;
    struct graph *g = &s->graph;
    const struct type t = {.dtype = DT_F32, .rank = 2, .dim = {2, 3}};
    static const double data[] = {1, 2, 3, 4, 5, 6};
    static const double want[] = {-0.5, -3.5, -1.5, -4.5, -2.5, -5.5};
    val c = val_neg(g, graph_constant(g, &t, data));
    val folded = val_add(g, val_transpose(g, c, (const int[]){1, 0}),
                         val_scalar(g, 0.5));
    const struct graph *h;
    const struct node *n;

    predict(g, "y", folded);
    h = up_to(g, SIMPLIFIED);
    check_meaning(g, h, 1e-12);
    n = graph_node(h, h->assign[0].value);
    assert_non_null(n->leaf);
    assert_non_null(n->leaf->constant);
    assert_memory_equal(n->leaf->constant->data, want, sizeof want);
}

/* [a, b, c] to [c, a, b] twice is [b, c, a]; a third time it is as it was, and
 * so is a reversal reversed. */
static void transpositions_join(void **state)
{
    struct setup *s = *state;
    struct graph *g = &s->graph;
    const struct type t = {.dtype = DT_F32, .rank = 3, .dim = {3, 4, 5}};
    const int turn[] = {2, 0, 1};
    val x = leaf_of(g, PLAN_INPUT, "x", &t);
    val twice = val_transpose(g, val_transpose(g, x, turn), turn);
    val back = unary(g, &op_Transpose, unary(g, &op_Transpose, x));
    const struct graph *h;

    predict(g, "twice", twice);
    predict(g, "thrice", val_transpose(g, twice, turn));
    predict(g, "back", back);
    h = up_to(g, SIMPLIFIED);
    check_meaning(g, h, 0);
    assert_int_equal(transposes(h, 1U << SEQ_PREDICT), 1);
    assert_int_equal(h->assign[1].value.id, h->assign[2].value.id);
    assert_string_equal(graph_node(h, h->assign[1].value)->leaf->name, "x");
}

/* 60 steps are more than one node takes; each node is full but the last. */
static void long_chains_are_cut(void **state)
{
    struct setup *s = *state;
    struct graph *g = &s->graph;
    val v = leaf_of(g, PLAN_INPUT, "x", &matrix);
    const struct graph *h;

    for (int i = 0; i < 60; i++)
        v = unary(g, i % 2 ? &op_Tanh : &op_Softplus, v);
    predict(g, "y", v);
    h = up_to(g, FUSED);
    check_meaning(g, h, 1e-12);
    for (int id = 1; id < h->len; id++)
        if (h->node[id]->op == &op_Fused)
            assert_true(h->node[id]->attr[0].fused->n <= FUSED_STEPS);
    assert_true(count_op(h, &op_Fused) <= 4);
    assert_int_equal(count_op(h, &op_Tanh) + count_op(h, &op_Softplus), 0);
}

/* More operands than a node may have: sums are split over several. */
static void many_operands_are_cut(void **state)
{
    struct setup *s = *state;
    struct graph *g = &s->graph;
    val sum = leaf_of(g, PLAN_INPUT, "x", &matrix);
    const struct graph *h;

    for (int i = 0; i < 30; i++) {
        const char *name = arena_format(&s->arena, "x%d", i);

        sum = val_add(g, sum, leaf_of(g, PLAN_INPUT, name, &matrix));
    }
    predict(g, "y", sum);
    h = up_to(g, FUSED);
    check_meaning(g, h, 1e-12);
    for (int id = 1; id < h->len; id++)
        assert_true(h->node[id]->nin <= FUSED_OPERANDS);
    assert_true(count_op(h, &op_Fused) <= 4);
}

/* Scalars become text, unless a scalar's rank makes the result's. */
static void scalars_enter_chains(void **state)
{
    struct setup *s = *state;
    struct graph *g = &s->graph;
    const struct type vector = {.dtype = DT_F32, .rank = 1, .dim = {4}};
    const struct type one = {.dtype = DT_F32, .rank = 3, .dim = {1, 1, 1}};
    const double half = 0.5;
    val x = leaf_of(g, PLAN_PARAMETER, "x", &vector);
    val wide = val_add(g, unary(g, &op_Tanh, x),
                       graph_constant(g, &one, &half));
    const struct graph *h;

    predict(g, "y", val_mul(g, unary(g, &op_Relu, x), val_scalar(g, 3)));
    predict(g, "wide", unary(g, &op_Tanh, wide));
    h = up_to(g, FUSED);
    check_meaning(g, h, 1e-12);
    assert_int_equal(type_of(h, h->assign[0].value)->rank, 1);
    assert_int_equal(graph_node(h, h->assign[0].value)->nin, 1);
    assert_int_equal(type_of(h, h->assign[1].value)->rank, 3);
}

/* An operand that is read twice is computed once, by itself. */
static void shared_values_stay(void **state)
{
    struct setup *s = *state;
    struct graph *g = &s->graph;
    val x = leaf_of(g, PLAN_INPUT, "x", &matrix), y = unary(g, &op_Exp, x);
    const struct graph *h;

    predict(g, "y", val_add(g, val_mul(g, y, x), y));
    h = up_to(g, FUSED);
    check_meaning(g, h, 1e-12);
    assert_int_equal(count_op(h, &op_Exp), 1);
    assert_int_equal(count_op(h, &op_Fused), 1);
}

/* How many reads of a step share their place with something else of it; all must
 * have elements of one type. */
static int count_shared(const struct steps *s, const struct step *t)
{
    int shared = 0;

    for (int k = 0; k < t->nuse * t->nuse; k++) {
        int a = t->use[k % t->nuse].buffer, b = t->use[k / t->nuse].buffer;

        if (a >= b || s->root[a] != s->root[b])
            continue;
        shared++;
        assert_int_equal(s->buffer[a].dtype, s->buffer[b].dtype);
    }
    return shared;
}

/* Writes go over reads of the same elements only: see bytes.json. */
static void bytes_alone_do_not_share(void **state)
{
    const struct graph *g = up_to(
        model_of(*state, "tests/data/passes/bytes.json"), SIMPLIFIED);
    const struct device_info device = {.family = FAMILY_CPU,
                                       .max_group = 256,
                                       .flops = 1e9,
                                       .bytes_per_second = 1e9};
    struct steps *s = lower_sequence(g, &device, SEQ_PREDICT, -1, NULL);
    int shared = 0;

    inplace(s, g, &device, true);
    for (int i = 0; i < s->n; i++)
        shared += count_shared(s, &s->step[i]);
    assert_int_equal(shared, 2); /* m's division, and y, where m's sum was */
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_setup, close_setup)
    const struct CMUnitTest tests[] = {
        CASE(equal_nodes_merge_and_unused_go),
        CASE(frozen_layers_get_no_gradient),
        CASE(gradients_follow_the_model),
        CASE(conversions_stand_beside_ops),
        CASE(conversions_cancel),
        CASE(mixed_readers_keep_the_users_order),
        CASE(chains_fuse),
        CASE(relus_gradient_goes_before_the_windows),
        CASE(late_readers_compute_again),
        CASE(concats_are_cut),
        CASE(convolutions_take_operands_apart),
        CASE(fashion_cnn_converts_at_flatten_only),
        CASE(two_heads_converts_at_its_edges),
        CASE(models_keep_their_meaning),
        CASE(constants_fold),
        CASE(transpositions_join),
        CASE(long_chains_are_cut),
        CASE(many_operands_are_cut),
        CASE(scalars_enter_chains),
        CASE(shared_values_stay),
        CASE(bytes_alone_do_not_share),
    };
#undef CASE

    return cmocka_run_group_tests(tests, NULL, NULL);
}
