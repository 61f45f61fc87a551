/*
 * graph_run.c: see graph_run.h.
 *
 * Graphs are run by the references in double, before and after passes: what is
 * compared is meaning, with no kernel in between.
 */
#include "tests/graph_run.h"

#include <math.h>
#include <string.h>

#include "compiler/plancl_compile.h"
#include "tests/random_graph.h"

/* As compile.c's first stage does it; null where the model is refused. */
struct graph *graph_of_model(struct arena *a, const char *text,
                             uint64_t micro_batch, struct diag *diag)
{
    struct graph *g = ARENA_NEW(a, struct graph, 1);
    const struct plancl_compile_options opt = {.micro_batch = micro_batch};
    struct training training = {.present = false};

    *diag = (struct diag){.failed = false};
    graph_init(g, a, diag);
    if (!model_read(g, "model.json", text, &opt, &training))
        return NULL;
    if (training.present)
        grad_build(g, &training);
    return diag->failed ? NULL : g;
}

/* The same passes in the same order as compile.c's, so that what is tested is
 * what is used. */
const struct graph *graph_passes(const struct graph *g, unsigned skip)
{
    struct graph *stage = ARENA_NEW(g->arena, struct graph, 4);

    if (!(skip & PLANCL_SKIP_SIMPLIFY)) {
        simplify(g, &stage[0]);
        g = &stage[0];
    }
    layout(g, &stage[1], !(skip & PLANCL_SKIP_LAYOUT));
    g = &stage[1];
    if (!(skip & PLANCL_SKIP_SIMPLIFY)) {
        simplify(g, &stage[2]);
        g = &stage[2];
    }
    if (!(skip & PLANCL_SKIP_FUSE)) {
        fuse(g, &stage[3]);
        g = &stage[3];
    }
    return g;
}

/* Names are what passes keep; ids are not. */
val graph_leaf_named(const struct graph *g, const char *name)
{
    for (int id = 1; id < g->len; id++) {
        const struct leaf *leaf = g->node[id]->leaf;

        if (leaf && !leaf->constant && strcmp(leaf->name, name) == 0)
            return (val){id};
    }
    return (val){0};
}

/* ---- orders ---- */

/* Number in the user's order of element i of a leaf as it is stored. */
static int64_t user_index(const struct node *n, int64_t i)
{
    int64_t dim[MAX_RANK] = {0}, at[MAX_RANK] = {0}, index = 0;

    if (!n->leaf->permuted)
        return i;
    for (int k = n->type.rank - 1; k >= 0; k--) {
        at[n->leaf->perm[k]] = i % n->type.dim[k];
        dim[n->leaf->perm[k]] = n->type.dim[k];
        i /= n->type.dim[k];
    }
    for (int d = 0; d < n->type.rank; d++)
        index = index * dim[d] + at[d];
    return index;
}

/* Layout may have stored a leaf otherwise: comparisons are in the user's
 * order. */
double *graph_user_order(const struct graph *g, struct arena *a, val leaf,
                         const double *stored)
{
    const struct node *n = graph_node(g, leaf);
    int64_t count = type_count(&n->type);
    double *user = ARENA_NEW(a, double, (size_t)count + 1);

    for (int64_t i = 0; i < count; i++)
        user[user_index(n, i)] = stored[i];
    return user;
}

void graph_store(const struct graph *g, val leaf, const double *user,
                 double *stored)
{
    const struct node *n = graph_node(g, leaf);

    for (int64_t i = 0; i < type_count(&n->type); i++)
        stored[i] = user[user_index(n, i)];
}

/* ---- values ---- */

/* Values that the leaf may hold: indices in range, counts above zero, moments
 * not negative. */
static double number_of(const struct node *n, uint64_t *state)
{
    double x = (double)(random_next(state) >> 40) / (1 << 23) - 1;

    if (n->leaf->limited && n->leaf->except < 0 && x < -0.6)
        return (double)n->leaf->except;
    if (n->leaf->limited)
        return floor(fabs(x) * (double)n->leaf->limit);
    if (n->leaf->kind == PLAN_ACCUMULATOR && !dtype_is_float(n->type.dtype))
        return 1 + floor(9 * fabs(x));
    if (n->type.dtype == DT_BOOL)
        return x > 0;
    if (!dtype_is_float(n->type.dtype))
        return floor(4 * fabs(x));
    /* Second moments and variances are not negative. */
    return n->leaf->kind == PLAN_STATE ? fabs(x) : x;
}

/* By name and salt alone, so that two graphs of one model get the same
 * values. */
static void fill_leaf(struct arena *a, const struct graph *g, int id,
                      uint64_t salt, struct tensor *value)
{
    const struct node *n = g->node[id];
    int64_t count = type_count(&n->type);
    double *user = ARENA_NEW(a, double, (size_t)count + 1);
    uint64_t state = salt;

    for (const char *c = n->leaf->name; *c; c++)
        state = state * 31 + (unsigned char)*c;
    for (int64_t i = 0; i < count; i++)
        user[i] = number_of(n, &state);
    value->type = n->type;
    value->data = ARENA_NEW(a, double, (size_t)count + 1);
    graph_store(g, (val){id}, user, value->data);
}

struct tensor *graph_leaves(const struct graph *g, struct arena *a,
                            uint64_t salt)
{
    struct tensor *value = ARENA_NEW(a, struct tensor, (size_t)g->len);

    for (int id = 1; id < g->len; id++)
        if (g->node[id]->leaf && !g->node[id]->leaf->constant)
            fill_leaf(a, g, id, salt, &value[id]);
    return value;
}

/* ---- comparing ---- */

/* Relative to the leaf's largest element; NaN against NaN is no distance. */
static double leaf_distance(const double *x, const double *y, int64_t n)
{
    double scale = 1, worst = 0;

    for (int64_t i = 0; i < n; i++)
        if (isfinite(x[i]))
            scale = fmax(scale, fabs(x[i]));
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(x[i] - y[i]) <= worst) && !(isnan(x[i]) && isnan(y[i])) &&
            x[i] != y[i])
            worst = isnan(x[i] - y[i]) ? INFINITY : fabs(x[i] - y[i]);
    return worst / scale;
}

/* The worst leaf and its name; a leaf that is missing is infinitely far. */
double graph_distance(const struct graph *a, const struct graph *b,
                      enum plan_sequence_id seq, const struct ref_env *env,
                      const char **leaf)
{
    struct arena *arena = a->arena;
    struct tensor *x = graph_leaves(a, arena, 1),
                  *y = graph_leaves(b, arena, 1);
    double worst = 0;

    interp_run(a, arena, seq, env, x);
    interp_run(b, arena, seq, env, y);
    for (int i = 0; i < a->nassign; i++) {
        val u = a->assign[i].leaf, v;
        double off;

        if (!(a->assign[i].sequences >> seq & 1))
            continue;
        v = graph_leaf_named(b, graph_node(a, u)->leaf->name);
        off = v.id ? leaf_distance(graph_user_order(a, arena, u, x[u.id].data),
                                   graph_user_order(b, arena, v, y[v.id].data),
                                   type_count(type_of(a, u)))
                   : INFINITY;
        if (off <= worst)
            continue;
        worst = off;
        *leaf = graph_node(a, u)->leaf->name;
    }
    return worst;
}

/* ---- slopes ---- */

struct walk {
    const struct graph *g;
    struct tensor *value;
    struct ref_env env;
    double **start, **direction; /* of parameters that are updated */
};

static void clear(struct walk *w, enum plan_kind kind)
{
    for (int id = 1; id < w->g->len; id++)
        if (w->g->node[id]->leaf && w->g->node[id]->leaf->kind == kind)
            memset(w->value[id].data, 0,
                   (size_t)type_count(&w->g->node[id]->type) * sizeof(double));
}

/* The update of a parameter in a step, or null. */
static const struct node *update_of(const struct graph *g,
                                    const struct assign *a)
{
    const struct node *n = graph_node(g, a->value);

    if (!(a->sequences >> SEQ_STEP & 1) ||
        graph_node(g, a->leaf)->leaf->kind != PLAN_PARAMETER)
        return NULL;
    if (n->op == &op_Result)
        n = graph_node(g, n->in[0]);
    return n->op->is_optimizer ? n : NULL;
}

/* One random direction in the space of all parameters: a wrong gradient of any
 * shows in the slope along it. */
static void choose_direction(struct walk *w)
{
    struct arena *a = w->g->arena;
    uint64_t state = 7;

    w->start = ARENA_NEW(a, double *, (size_t)w->g->len);
    w->direction = ARENA_NEW(a, double *, (size_t)w->g->len);
    for (int i = 0; i < w->g->nassign; i++) {
        int id = w->g->assign[i].leaf.id;
        size_t n = (size_t)type_count(&w->g->node[id]->type);

        if (!update_of(w->g, &w->g->assign[i]))
            continue;
        w->start[id] = ARENA_NEW(a, double, n);
        w->direction[id] = ARENA_NEW(a, double, n);
        memcpy(w->start[id], w->value[id].data, n * sizeof(double));
        for (size_t k = 0; k < n; k++)
            w->direction[id][k] = (double)random_below(&state, 2001) / 1000 - 1;
    }
}

/* As the meters have it: sum of weight * mean. */
static double total_loss(const struct walk *w)
{
    double total = 0;

    for (int i = 0; i < w->g->nmeter; i++) {
        const struct meter *m = &w->g->meter[i];
        const double *lane = w->value[m->leaf.id].data;
        double sum = 0, count = 0;

        for (int k = 0; k < METER_LANES; k++) {
            sum += lane[4 * k];
            count += lane[4 * k + 2];
        }
        if (m->training && m->is_loss && count > 0)
            total += m->weight * sum / count;
    }
    return total;
}

/* The loss so far along the direction. */
static double loss_at(struct walk *w, double way)
{
    for (int id = 1; id < w->g->len; id++)
        for (int64_t k = 0;
             w->start[id] && k < type_count(&w->g->node[id]->type); k++)
            w->value[id].data[k] = w->start[id][k] + way * w->direction[id][k];
    clear(w, PLAN_METRIC);
    interp_run(w->g, w->g->arena, SEQ_STEP, &w->env, w->value);
    return total_loss(w);
}

/* The gradients are what the optimizers' nodes take: g . direction. */
static double slope_by_gradients(const struct walk *w)
{
    double slope = 0;

    for (int i = 0; i < w->g->nassign; i++) {
        const struct node *n = update_of(w->g, &w->g->assign[i]);
        int id = w->g->assign[i].leaf.id;

        for (int64_t k = 0; n && k < type_count(&w->g->node[id]->type); k++)
            slope += w->value[n->in[1].id].data[k] * w->direction[id][k];
    }
    return slope;
}

/* Counts are made first, as in an update.  Central differences with h = 1e-6 in
 * double leave some 1e-9 of error. */
struct slopes graph_slopes(const struct graph *g, int64_t rows)
{
    struct walk w = {.g = g,
                     .value = graph_leaves(g, g->arena, 1),
                     .env = {.batch = g->batch,
                             .rows = rows,
                             .effective = rows,
                             .seed = 5,
                             .step = 2}};
    const double h = 1e-6;
    struct slopes s;

    clear(&w, PLAN_ACCUMULATOR);
    interp_run(g, g->arena, SEQ_COUNT, &w.env, w.value);
    choose_direction(&w);
    loss_at(&w, 0);
    s.by_gradients = slope_by_gradients(&w);
    s.by_differences = loss_at(&w, h);
    s.by_differences = (s.by_differences - loss_at(&w, -h)) / (2 * h);
    return s;
}
