/*
 * layout.c: the graph means the same before and after the layout pass, and ops
 * between convolutions run in the form at hand.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* base.h has a function of this name */

#include <stdlib.h>

#include "compiler/op.h"
#include "compiler/passes.h"

enum { BATCH = 2 };

/* A graph from x to y, in an arena of its own. */
struct fixture {
    struct arena arena;
    jmp_buf out_of_memory;
    struct diag diag;
    struct graph graph;
    val x, y;
};

static val leaf(struct graph *g, enum plan_kind kind, const char *name,
                const struct type *t)
{
    struct leaf l = {.kind = kind, .name = name};

    return graph_leaf(g, t, &l);
}

/* 3 by 3, no padding, no bias: what wants channels last. */
static val conv(struct graph *g, val x, const char *name, int64_t filters)
{
    struct type w = {.dtype = DT_F32,
                     .rank = 4,
                     .dim = {filters, type_of(g, x)->dim[1], 3, 3}};
    val in[2] = {x, leaf(g, PLAN_PARAMETER, name, &w)};

    return graph_add(g, &op_Conv, in, 2, NULL);
}

static struct ints list(struct graph *g, int n, const int64_t *v)
{
    return ints_copy(g, v, n);
}

/* Axes out of order and a step backwards: lists that must be reordered with the
 * dimensions. */
static val slice(struct graph *g, val x)
{
    const union attr attr[] = {
        {.ints = list(g, 3, (int64_t[]){4, 1, -1})},
        {.ints = list(g, 3, (int64_t[]){1, 7, -9})},
        {.ints = list(g, 3, (int64_t[]){1, 2, 3})},
        {.ints = list(g, 3, (int64_t[]){-1, 2, -1})},
    };
    val y = {0};

    op_Slice.build(g, &x, 1, attr, &y);
    return y;
}

static val pad(struct graph *g, val x, const char *mode)
{
    const union attr attr[] = {
        {.ints = list(g, 8, (int64_t[]){0, 1, 2, 0, 0, 0, 1, 2})},
        {.s = mode},
        {.f = 0.5},
    };
    val y = {0};

    op_Pad.build(g, &x, 1, attr, &y);
    return y;
}

/* Along the channels and along the last dimension: an axis that must be
 * renumbered. */
static val concat(struct graph *g, val a, val b, int64_t axis)
{
    const union attr attr[] = {{.i = axis}};

    return graph_add(g, &op_Concat, (val[]){a, b}, 2, attr);
}

/* Convolutions, with everything that moves elements between them. */
static void build(struct graph *g, struct fixture *f)
{
    const struct type x = {
        .dtype = DT_F32, .rank = 4, .dim = {BATCH, 3, 9, 8}, .batch = 1};
    val a, b;

    f->x = leaf(g, PLAN_INPUT, "x", &x);
    a = slice(g, conv(g, f->x, "first", 5));
    b = pad(g, a, "constant");
    b = concat(g, b, pad(g, a, "reflect"), 1);
    b = concat(g, pad(g, b, "edge"), pad(g, b, "constant"), -1);
    f->y = conv(g, b, "second", 4);
    assert_false(g->diag->failed);
}

static void output(struct graph *g, const char *name, val v)
{
    graph_assign(g, 1U << SEQ_PREDICT,
                 leaf(g, PLAN_OUTPUT, name, type_of(g, v)), v);
}

static void open_graph(struct fixture *f)
{
    *f = (struct fixture){.diag = {.failed = false}};
    arena_open(&f->arena, &f->out_of_memory);
    graph_init(&f->graph, &f->arena, &f->diag);
    f->graph.batch = f->graph.effective = BATCH;
    f->graph.name = "layout";
}

/* Where element i of a leaf lies in the user's order. */
static int64_t users_index(const struct node *n, int64_t i)
{
    int64_t at[MAX_RANK] = {0}, dim[MAX_RANK] = {0}, index = 0;
    int rank = n->type.rank;

    for (int d = rank - 1; d >= 0; d--) {
        int user = n->leaf->permuted ? n->leaf->perm[d] : d;

        at[user] = i % n->type.dim[d];
        dim[user] = n->type.dim[d];
        i /= n->type.dim[d];
    }
    for (int d = 0; d < rank; d++)
        index = index * dim[d] + at[d];
    return index;
}

/* Numbers for parameters and inputs, by their place for the user. */
static struct tensor *run(const struct graph *g, struct arena *a)
{
    const struct ref_env env = {
        .batch = BATCH, .rows = BATCH, .effective = BATCH};
    struct tensor *value = ARENA_NEW(a, struct tensor, (size_t)g->len);

    for (int id = 1; id < g->len; id++) {
        const struct node *n = g->node[id];
        int64_t count = type_count(&n->type);

        if (!n->leaf || n->leaf->constant)
            continue;
        value[id].type = n->type;
        value[id].data = ARENA_NEW(a, double, (size_t)count + 1);
        for (int64_t i = 0; i < count; i++)
            value[id].data[i] = sin(1.3 * (double)users_index(n, i) +
                                    (double)n->leaf->name[0]);
    }
    interp_run(g, a, SEQ_PREDICT, &env, value);
    return value;
}

/* Assignments keep their order. */
static void compare(const struct graph *before, const struct graph *after,
                    struct arena *a)
{
    struct tensor *x = run(before, a), *y = run(after, a);

    assert_int_equal(before->nassign, after->nassign);
    for (int k = 0; k < before->nassign; k++) {
        val u = before->assign[k].leaf, v = after->assign[k].leaf;
        int64_t count = type_count(type_of(before, u));

        assert_true(type_equal(type_of(before, u), type_of(after, v)));
        for (int64_t i = 0; i < count; i++)
            assert_true(fabs(x[u.id].data[i] - y[v.id].data[i]) < 1e-12);
    }
}

/* Views that move nothing are not counted. */
static int transposes(const struct graph *g)
{
    int n = 0;

    for (int id = 1; id < g->len; id++)
        n += g->node[id]->op == &op_Transpose;
    return n;
}

/* With conversions cancelled and not: both must mean what the graph meant. */
static void lay_out(struct fixture *f, struct graph *whole,
                    struct graph *cancelled)
{
    layout(&f->graph, whole, false);
    layout(&f->graph, cancelled, true);
    assert_false(f->diag.failed);
    assert_null(graph_verify(whole, &f->arena));
    assert_null(graph_verify(cancelled, &f->arena));
    compare(&f->graph, whole, &f->arena);
    compare(&f->graph, cancelled, &f->arena);
}

/* Only the model's input and output change their form. */
static void forward(void **state)
{
    struct fixture f;
    struct graph whole, cancelled;

    (void)state;
    open_graph(&f);
    if (setjmp(f.out_of_memory))
        abort();
    build(&f.graph, &f);
    output(&f.graph, "y", f.y);
    lay_out(&f, &whole, &cancelled);
    assert_int_equal(transposes(&cancelled), 2);
    assert_true(transposes(&whole) > 2);
    arena_close(&f.arena);
}

/* The same with gradients; dy changes its form too. */
static void backward(void **state)
{
    struct fixture f;
    struct graph whole, cancelled;
    val dy, *d;

    (void)state;
    open_graph(&f);
    if (setjmp(f.out_of_memory))
        abort();
    build(&f.graph, &f);
    output(&f.graph, "y", f.y);
    dy = leaf(&f.graph, PLAN_INPUT, "d", type_of(&f.graph, f.y));
    d = grad_of(&f.graph, f.y, dy);
    assert_false(f.diag.failed);
    for (int id = 1; id < dy.id; id++)
        if (f.graph.node[id]->leaf && d[id].id &&
            f.graph.node[id]->leaf->kind == PLAN_PARAMETER)
            output(&f.graph, f.graph.node[id]->leaf->name, d[id]);
    assert_int_equal(f.graph.nassign, 3);
    lay_out(&f, &whole, &cancelled);
    /* x, y, dy, and the two gradients of weights, wanted by the user. */
    assert_int_equal(transposes(&cancelled), 5);
    arena_close(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward),
        cmocka_unit_test(backward),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
