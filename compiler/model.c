/*
 * model.c: a model file becomes a graph.
 *
 * The layers are read twice, once as they train and once as they infer; both
 * passes share inputs and parameters, and simplify.c merges what is equal.
 *
 * Training comes first: its losses fill struct training, and its parameters are
 * made there with the numbers that init fills in.  The inference pass finds
 * them by name.  A node that does not depend on training_mode is equal in both
 * and becomes one in simplify().
 */
#include "compiler/model.h"

#include <string.h>

#include "compiler/plancl_compile.h"

static bool top_check(struct model *m)
{
    static const char *const keys[] = {
        "plancl", "name",   "doc",     "dims",     "inputs",
        "blocks", "layers", "outputs", "training", NULL};
    const struct json *version, *name;

    if (!check_kind(m, m->root, JSON_OBJECT, "the model") ||
        !check_keys(m, m->root, keys))
        return false;
    version = need_member(m, m->root, "plancl");
    name = version ? need_member(m, m->root, "name") : NULL;
    if (!name || !check_kind(m, version, JSON_NUMBER, "\"plancl\""))
        return false;
    if (version->number != 1)
        return model_reject(m, &version->at, "format %g is not known, wanted 1",
                            version->number);
    m->g->name = name->string;
    return check_kind(m, name, JSON_STRING, "\"name\"") &&
           check_name(m, &name->at, name->string);
}

/* ---- dimensions ---- */

/* "i" is the counter of repeats, and '.' and '-' would end a name inside an
 * expression. */
static bool dim_name(struct model *m, const struct json *j)
{
    if (!check_name(m, &j->key_at, j->key))
        return false;
    if (strpbrk(j->key, ".-") || (*j->key >= '0' && *j->key <= '9') ||
        strcmp(j->key, "i") == 0)
        return model_reject(m, &j->key_at,
                            "a dimension cannot be called \"%s\"", j->key);
    return true;
}

static bool dims_read(struct model *m, const struct json *dims)
{
    if (!dims)
        return true;
    if (!check_kind(m, dims, JSON_OBJECT, "\"dims\""))
        return false;
    for (const struct json *j = dims->child; j; j = j->next) {
        int64_t *size = ARENA_NEW(m->g->arena, int64_t, 1);
        const char *what = arena_format(m->g->arena, "%.60s", j->key);

        if (!dim_name(m, j) || !check_int(m, j, what, 1, size))
            return false;
        names_add(&m->dims, j->key, size);
    }
    return true;
}

static bool dim_bind(struct model *m, const struct plancl_dim *d)
{
    int64_t *size = names_find(&m->dims, d->name);
    struct nearest near = {.word = d->name};

    if (!size) {
        for (int i = 0; i < m->dims.len; i++)
            nearest_try(&near, m->dims.entry[i].name);
        return model_reject(m, &m->root->at,
                            "the model has no dimension \"%.60s\"%s", d->name,
                            nearest_hint(m->g->arena, &near));
    }
    if (d->size < 1 || d->size > (uint64_t)MODEL_MAX_INT)
        return model_reject(
            m, &m->root->at, "dimension %s is given as %llu, wanted 1 to %lld",
            d->name, (unsigned long long)d->size, (long long)MODEL_MAX_INT);
    *size = (int64_t)d->size;
    return true;
}

/* Shapes have the micro-batch; only the graph knows the effective batch.  "N"
 * is an ordinary dimension with a meaning: without it a model has a batch of
 * one sample. */
static bool batch_bind(struct model *m, uint64_t micro_batch)
{
    int64_t *n = names_find(&m->dims, "N");

    m->g->effective = n ? *n : 1;
    m->g->batch = m->g->effective;
    if (!micro_batch)
        return true;
    if (micro_batch > (uint64_t)m->g->effective)
        return model_reject(m, &m->root->at,
                            "the micro-batch is %llu, more than the batch N, "
                            "%lld",
                            (unsigned long long)micro_batch,
                            (long long)m->g->effective);
    m->g->batch = (int64_t)micro_batch;
    if (n)
        *n = m->g->batch;
    return true;
}

/* ---- inputs ---- */

static bool is_batch(const struct json *j)
{
    return j->kind == JSON_STRING &&
           (strcmp(j->string, "N") == 0 || strcmp(j->string, "$N") == 0);
}

static bool dim_read(struct model *m, const struct json *j, int64_t *size)
{
    const struct scope top = {0};
    const int64_t *dim;

    if (j->kind == JSON_STRING && !strchr(j->string, '$')) {
        struct nearest near = {.word = j->string};

        dim = names_find(&m->dims, j->string);
        for (int i = 0; !dim && i < m->dims.len; i++)
            nearest_try(&near, m->dims.entry[i].name);
        if (!dim)
            return model_reject(m, &j->at, "\"%.60s\" is no dimension%s",
                                j->string, nearest_hint(m->g->arena, &near));
        *size = *dim;
        return true;
    }
    j = expr_resolve(m, &top, j);
    return j && check_int(m, j, "a size", 1, size);
}

static bool shape_read(struct model *m, const struct json *shape,
                       struct type *t)
{
    if (!check_kind(m, shape, JSON_ARRAY, "\"shape\""))
        return false;
    if (shape->count > MAX_RANK)
        return model_reject(m, &shape->at, "%d dimensions, wanted at most %d",
                            shape->count, MAX_RANK);
    for (const struct json *j = shape->child; j; j = j->next) {
        if (is_batch(j) && t->rank > 0)
            return model_reject(m, &j->at,
                                "N counts samples and can be the "
                                "first dimension only");
        if (is_batch(j))
            t->batch = 1;
        if (!dim_read(m, j, &t->dim[t->rank++]))
            return false;
    }
    m->g->at = shape->at;
    return check_size(m, t, "the input");
}

static bool dtype_read(struct model *m, const struct json *j, enum dtype *t)
{
    struct nearest near = {0};

    if (!check_kind(m, j, JSON_STRING, "\"dtype\""))
        return false;
    near.word = j->string;
    for (int i = DT_F32; i <= DT_BOOL; i++) {
        *t = (enum dtype)i;
        if (strcmp(dtype_name(*t), j->string) == 0)
            return true;
        nearest_try(&near, dtype_name(*t));
    }
    return model_reject(m, &j->at, "unknown dtype \"%.60s\"%s", j->string,
                        nearest_hint(m->g->arena, &near));
}

static bool input_read(struct model *m, const struct json *j)
{
    static const char *const keys[] = {"shape", "dtype", "doc", NULL};
    struct leaf leaf = {.kind = PLAN_INPUT, .name = j->key};
    struct type t = {.dtype = DT_F32};
    const struct json *shape, *dtype;

    m->g->path = j->key;
    if (!check_name(m, &j->key_at, j->key) ||
        !check_kind(m, j, JSON_OBJECT, "an input") || !check_keys(m, j, keys))
        return false;
    shape = need_member(m, j, "shape");
    dtype = json_member(j, "dtype");
    if (!shape || (dtype && !dtype_read(m, dtype, &t.dtype)) ||
        !shape_read(m, shape, &t))
        return false;
    m->g->at = j->key_at;
    return leaf_add(m, j->key, graph_leaf(m->g, &t, &leaf), &j->key_at);
}

static bool inputs_open(struct model *m)
{
    const struct json *inputs = need_member(m, m->root, "inputs");

    if (!inputs || !check_kind(m, inputs, JSON_OBJECT, "\"inputs\""))
        return false;
    for (const struct json *j = inputs->child; j; j = j->next)
        if (!input_read(m, j))
            return false;
    m->g->path = NULL;
    return true;
}

/* ---- outputs ---- */

/* Does any input? */
static bool counts_samples(const struct model *m)
{
    for (int i = 0; i < m->leaves.len; i++) {
        const struct value *v = m->leaves.entry[i].thing;
        const struct node *n = graph_node(m->g, v->v[0]);

        if (n->leaf->kind == PLAN_INPUT && n->type.batch)
            return true;
    }
    return false;
}

/* The host reads outputs row by row, so one that does not count samples has no
 * rows to read. */
static bool output_type(struct model *m, const struct json *j, val v)
{
    const struct type *t = type_of(m->g, v);

    if (t->batch == 1 && t->dim[0] == m->g->batch)
        return true;
    /* Without samples everything is computed as a whole. */
    if (!t->batch && !counts_samples(m))
        return true;
    return model_reject(m, &j->at,
                        "the output is %s, whose first dimension does not "
                        "count the batch's %lld samples",
                        type_text(m->g->arena, t), (long long)m->g->batch);
}

static bool output_read(struct model *m, const struct scope *s,
                        const struct json *j)
{
    struct leaf leaf = {.kind = PLAN_OUTPUT, .name = j->key};
    val v, out;

    m->g->path = j->key;
    if (!check_name(m, &j->key_at, j->key) ||
        !check_kind(m, j, JSON_STRING, "an output") ||
        !value_find(m, s, j, &v) || !output_type(m, j, v))
        return false;
    m->g->at = j->at;
    out = graph_leaf(m->g, type_of(m->g, v), &leaf);
    if (!leaf_add(m, j->key, out, &j->key_at))
        return false;
    graph_assign(m->g, 1u << SEQ_PREDICT, out, v);
    return true;
}

static bool outputs_read(struct model *m, const struct scope *s)
{
    const struct json *outputs = need_member(m, m->root, "outputs");

    if (!outputs || !check_kind(m, outputs, JSON_OBJECT, "\"outputs\""))
        return false;
    if (!outputs->count)
        return model_reject(m, &outputs->at, "\"outputs\" is empty");
    for (const struct json *j = outputs->child; j; j = j->next)
        if (!output_read(m, s, j))
            return false;
    return true;
}

/* What training computes for an output: "training.NAME". */
static bool observed_read(struct model *m, const struct scope *s,
                          const struct json *j)
{
    struct leaf leaf = {.kind = PLAN_OBSERVED};
    val v, out;

    leaf.name = arena_format(m->g->arena, "training.%s", j->key);
    m->g->path = leaf.name;
    if (!value_find(m, s, j, &v))
        return false;
    m->g->at = j->at;
    out = graph_leaf(m->g, type_of(m->g, v), &leaf);
    graph_assign(m->g, 1u << SEQ_STEP, out, v);
    return leaf_add(m, leaf.name, out, &j->key_at);
}

/* Mistakes in the list are found by outputs_read. */
static bool observed_outputs(struct model *m, const struct scope *s)
{
    const struct json *outputs = json_member(m->root, "outputs");

    if (!outputs || outputs->kind != JSON_OBJECT)
        return true;
    for (const struct json *j = outputs->child; j; j = j->next)
        if (j->kind == JSON_STRING && !observed_read(m, s, j))
            return false;
    return true;
}

/* ---- passes ---- */

/* Inputs as values of this pass; a single one is what the first layer takes.
 * Values are of one pass, leaves of both. */
static bool inputs_bind(struct model *m, struct scope *s)
{
    int n = 0;

    m->values = (struct names){.arena = m->g->arena};
    for (int i = 0; i < m->leaves.len; i++) {
        const char *name = m->leaves.entry[i].name;
        struct value v = *(struct value *)m->leaves.entry[i].thing;

        if (graph_node(m->g, v.v[0])->leaf->kind != PLAN_INPUT)
            continue;
        v.owner = s;
        s->last = value_add(m, name, &v);
        n++;
    }
    if (n != 1)
        s->last = NULL;
    return true;
}

static struct scope *pass_open(struct model *m)
{
    struct scope *top = ARENA_NEW(m->g->arena, struct scope, 1);

    top->counter.arena = m->g->arena;
    m->layers = 0;
    return inputs_bind(m, top) ? top : NULL;
}

static bool pass(struct model *m)
{
    const struct json *layers = need_member(m, m->root, "layers");
    const struct json *training = json_member(m->root, "training");
    struct scope *top = pass_open(m);

    if (!layers || !top || !layers_read(m, top, layers))
        return false;
    if (training && !training_read(m, top, training))
        return false;
    m->g->path = NULL;
    if (!m->in_training)
        return outputs_read(m, top);
    return !m->training->observe || observed_outputs(m, top);
}

static bool passes(struct model *m)
{
    const struct json *training = json_member(m->root, "training");

    m->first_pass = true;
    if (training) {
        if (!training_open(m, training))
            return false;
        m->g->path = NULL;
        m->in_training = true;
        if (!pass(m))
            return false;
        m->in_training = false;
        m->first_pass = false;
    }
    return pass(m);
}

/* Everything but the layers and what follows from them. */
static bool head_read(struct model *m, const char *file, const char *text,
                      const struct plancl_compile_options *opt)
{
    struct graph *g = m->g;

    g->path = NULL;
    g->at = (struct source){file, 1, 1};
    m->dims.arena = m->values.arena = m->leaves.arena = g->arena;
    m->root = json_read(g, file, text);
    if (!m->root || !top_check(m) ||
        !dims_read(m, json_member(m->root, "dims")))
        return false;
    for (unsigned i = 0; i < opt->ndim; i++)
        if (!dim_bind(m, &opt->dim[i]))
            return false;
    return batch_bind(m, opt->micro_batch) && inputs_open(m) && blocks_check(m);
}

bool model_read(struct graph *g, const char *file, const char *text,
                const struct plancl_compile_options *opt,
                struct training *training)
{
    struct model m = {.g = g, .training = training};

    *training = (struct training){.observe = training->observe};
    return head_read(&m, file, text, opt) && passes(&m) && !g->diag->failed;
}

struct scope *model_open(struct model *m, struct graph *g, const char *file,
                         const char *text,
                         const struct plancl_compile_options *opt)
{
    static const struct plancl_compile_options none;

    *m = (struct model){.g = g, .first_pass = true};
    return head_read(m, file, text, opt ? opt : &none) ? pass_open(m) : NULL;
}
