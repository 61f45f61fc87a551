/*
 * model_params.c: parameters and state of a layer.
 *
 * They are made in the first pass over the layers and found by name in the
 * second.  Operands that the model names beyond the layer's data take the place
 * of its own parameters, in their order: tied weights.
 */
#include "compiler/model.h"

#include <string.h>

enum { L1, L2 };
const char *const penalty_keys[PENALTIES + 1] = {[L1] = "l1", [L2] = "l2"};

static const struct json *spec_of(const struct layer *l, const char *name)
{
    return json_member(json_member(l->json, "initializer"), name);
}

/* Every initializer is for a parameter that the layer owns. */
static bool initializers_fit(struct model *m, const struct layer *l,
                             const struct param_decl *d, int given, int n)
{
    const struct json *list = json_member(l->json, "initializer");

    if (list && !check_kind(m, list, JSON_OBJECT, "\"initializer\""))
        return false;
    for (const struct json *i = list ? list->child : NULL; i; i = i->next) {
        struct nearest near = {.word = i->key};
        int k = given;

        while (k < n && strcmp(d[k].name, i->key) != 0)
            nearest_try(&near, d[k++].name);
        if (k == n)
            return model_reject(m, &i->key_at,
                                "%s owns no parameter \"%.60s\"%s", l->op->name,
                                i->key, nearest_hint(m->g->arena, &near));
    }
    return true;
}

static bool make(struct model *m, const struct scope *s, const struct layer *l,
                 const struct param_decl *d, const char *name, val *out)
{
    struct leaf leaf = {.kind = d->kind, .name = name, .frozen = l->frozen};
    const struct json *spec = spec_of(l, d->name);
    val first;

    if (!check_size(m, &d->type, d->name))
        return false;
    if (spec) {
        spec = expr_resolve(m, s, spec);
        if (!spec)
            return false;
    }
    *out = graph_leaf(m->g, &d->type, &leaf);
    if (!leaf_add(m, name, *out, &l->json->at) ||
        !initializer_build(m, d, name, spec, &first))
        return false;
    graph_assign(m->g, 1u << SEQ_INIT, *out, first);
    return true;
}

/* In the first pass a name that is there already is a mistake, which leaf_add()
 * refuses; in the second it is the parameter. */
static bool find_or_make(struct model *m, const struct scope *s,
                         const struct layer *l, const struct param_decl *d,
                         val *out)
{
    const char *name = l->op->bare ? l->path : path_join(m, l->path, d->name);
    const struct value *old = names_find(&m->leaves, name);

    if (m->first_pass || !old)
        return make(m, s, l, d, name, out);
    *out = old->v[0];
    return true;
}

/* penalty += factor * sum(|w|), or of w * w, as Keras has it: no half, no
 * mean. */
static void add_penalty(struct model *m, int kind, double factor, val w)
{
    static const int64_t all[MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
    struct graph *g = m->g;
    struct ints axes = ints_copy(g, all, type_of(g, w)->rank);
    val size = kind == L1 ? graph_add(g, &op_Abs, &w, 1, NULL)
                          : val_mul(g, w, w);
    val sum = val_reduce_sum(g, size, axes, false);
    val term = val_mul(g, sum, val_scalar(g, factor)), *to = &m->penalty[kind];

    *to = to->id ? val_add(g, *to, term) : term;
}

/* The first parameter from k on that penalties act on; null: there is none. */
static const val *weight_of(const struct param_decl *d, int k, int n,
                            const val *param)
{
    for (; k < n; k++)
        if (strcmp(d[k].name, "weight") == 0 ||
            strcmp(d[k].name, "kernel") == 0)
            return &param[k];
    return NULL;
}

static bool penalty_read(struct model *m, const struct scope *s,
                         const struct layer *l, int kind, const val *weight)
{
    const char *key = penalty_keys[kind];
    const struct json *j = json_member(l->json, key);
    const char *what = arena_format(m->g->arena, "\"%s\"", key);
    double factor;

    if (!j)
        return true;
    if (!weight)
        return model_reject(m, &j->key_at,
                            "%s owns no \"weight\" that %s could act on",
                            l->op->name, key);
    j = expr_resolve(m, s, j);
    if (!j || !check_number(m, j, what, &factor))
        return false;
    if (factor < 0)
        return model_reject(m, &j->at, "%s is %g, wanted 0 or more", what,
                            factor);
    if (m->in_training && factor > 0)
        add_penalty(m, kind, factor, *weight);
    return true;
}

/* Operands: data first, then parameters; given counts those parameters that the
 * model names itself. */
int params_add(struct model *m, const struct scope *s, const struct layer *l,
               const union attr *attr, val *in)
{
    struct param_decl d[MAX_PARAMS] = {{0}};
    int data = l->op->min_in, given = l->nin - data, n;
    struct node proto = {.op = l->op,
                         .nin = l->nin,
                         .in = in,
                         .attr = attr,
                         .nout = 1,
                         .at = l->json->at,
                         .path = l->path};

    n = l->op->params(m->g, &proto, d);
    if (n < 0 || m->g->diag->failed)
        return -1;
    if (given > n) {
        model_reject(m, &l->json->at,
                     "%s takes %d inputs and at most %d parameters here, got "
                     "%d",
                     l->op->name, data, n, l->nin);
        return -1;
    }
    if (!initializers_fit(m, l, d, given, n))
        return -1;
    for (int k = 0; k < n; k++)
        if (!in[data + k].id && !find_or_make(m, s, l, &d[k], &in[data + k]))
            return -1;
    for (int kind = 0; kind < PENALTIES; kind++)
        if (!penalty_read(m, s, l, kind, weight_of(d, given, n, in + data)))
            return -1;
    return data + n;
}
