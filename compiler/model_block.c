/*
 * model_block.c: blocks are macros.  A call binds the block's arguments and
 * inputs and reads its layers again, under the call's path.
 *
 * The graph knows no blocks.  A block's layers are read anew for each call,
 * since shapes and arguments differ; blocks_check() has looked at what does
 * not, so that also a block that is never called is refused where it is wrong.
 */
#include "compiler/model.h"

#include <stdio.h>
#include <string.h>

/* Keys of a call, which arguments must not be named after. */
static const char *const call_keys[] = {
    "name", "op", "inputs", "repeat",      "trainable",
    "doc",  "l1", "l2",     "initializer", NULL};

static bool names_check(struct model *m, const struct json *list,
                        const char *what)
{
    struct names seen = {.arena = m->g->arena};

    if (!check_kind(m, list, JSON_ARRAY, what))
        return false;
    for (const struct json *i = list->child; i; i = i->next) {
        if (!check_kind(m, i, JSON_STRING, "a name") ||
            !check_name(m, &i->at, i->string))
            return false;
        if (names_find(&seen, i->string))
            return model_reject(m, &i->at, "\"%.60s\" is here twice",
                                i->string);
        names_add(&seen, i->string, &seen);
    }
    return true;
}

static bool args_check(struct model *m, const struct json *args)
{
    if (!names_check(m, args, "\"args\""))
        return false;
    for (const struct json *i = args->child; i; i = i->next) {
        const char *s = i->string;

        if (key_listed(call_keys, s) || strcmp(s, "i") == 0)
            return model_reject(m, &i->at,
                                "\"%s\" cannot be an argument: it "
                                "means something else in a call",
                                s);
        if (strpbrk(s, ".-") || (*s >= '0' && *s <= '9'))
            return model_reject(m, &i->at,
                                "the argument \"%.60s\" is not "
                                "made of letters, digits and '_'",
                                s);
    }
    return true;
}

static bool outputs_check(struct model *m, const struct json *outputs)
{
    if (outputs->kind == JSON_STRING)
        return true;
    if (!check_kind(m, outputs, JSON_ARRAY, "\"outputs\""))
        return false;
    if (outputs->count < 1 || outputs->count > MAX_OUT)
        return model_reject(m, &outputs->at, "%d outputs, wanted 1 to %d",
                            outputs->count, MAX_OUT);
    return true;
}

static bool block_check(struct model *m, const struct json *block)
{
    static const char *const keys[] = {"doc",    "args",    "inputs",
                                       "layers", "outputs", NULL};
    const struct json *args, *inputs, *layers, *outputs;

    if (!check_name(m, &block->key_at, block->key) ||
        !check_kind(m, block, JSON_OBJECT, "a block") ||
        !check_keys(m, block, keys))
        return false;
    if (op_find(block->key))
        return model_reject(m, &block->key_at,
                            "a block cannot have the name of an op");
    args = json_member(block, "args");
    inputs = need_member(m, block, "inputs");
    layers = inputs ? need_member(m, block, "layers") : NULL;
    outputs = json_member(block, "outputs");
    return layers && (!args || args_check(m, args)) &&
           names_check(m, inputs, "\"inputs\"") &&
           check_kind(m, layers, JSON_ARRAY, "\"layers\"") &&
           (!outputs || outputs_check(m, outputs));
}

bool blocks_check(struct model *m)
{
    const struct json *blocks = json_member(m->root, "blocks");

    if (!blocks)
        return true;
    if (!check_kind(m, blocks, JSON_OBJECT, "\"blocks\""))
        return false;
    for (const struct json *b = blocks->child; b; b = b->next) {
        m->g->path = b->key;
        if (!block_check(m, b))
            return false;
    }
    m->g->path = NULL;
    return true;
}

static bool listed(const struct json *list, const char *name)
{
    for (const struct json *i = list ? list->child : NULL; i; i = i->next)
        if (strcmp(i->string, name) == 0)
            return true;
    return false;
}

/* The call has nothing but the block's arguments beside its own keys. */
static bool call_check(struct model *m, const struct layer *l,
                       const struct json *args)
{
    for (const struct json *j = l->json->child; j; j = j->next) {
        struct nearest near = {.word = j->key};

        if (key_listed(l->keys, j->key) || listed(args, j->key))
            continue;
        for (const struct json *a = args ? args->child : NULL; a; a = a->next)
            nearest_try(&near, a->string);
        for (const char *const *k = l->keys; *k; k++)
            nearest_try(&near, *k);
        return model_reject(
            m, &j->key_at, "block %s has no argument \"%.60s\"%s",
            l->block->key, j->key, nearest_hint(m->g->arena, &near));
    }
    return true;
}

static bool bind_args(struct model *m, const struct scope *s,
                      const struct layer *l, struct scope *inner)
{
    const struct json *args = json_member(l->block, "args");
    struct binding *b;

    if (!call_check(m, l, args))
        return false;
    inner->narg = args ? args->count : 0;
    b = ARENA_NEW(m->g->arena, struct binding, (size_t)inner->narg + 1);
    inner->arg = b;
    for (const struct json *a = args ? args->child : NULL; a; a = a->next) {
        const struct json *given = json_member(l->json, a->string);

        if (!given)
            return model_reject(m, &l->json->at,
                                "block %s needs the argument \"%s\"",
                                l->block->key, a->string);
        b->name = a->string;
        b->value = expr_resolve(m, s, given);
        if (!b++->value)
            return false;
    }
    return true;
}

static bool bind_inputs(struct model *m, const struct layer *l,
                        struct scope *inner)
{
    const struct json *inputs = json_member(l->block, "inputs");
    int n = 0;

    if (l->nin != inputs->count)
        return model_reject(m, &l->json->at,
                            "block %s takes %d input%s, got "
                            "%d",
                            l->block->key, inputs->count,
                            inputs->count == 1 ? "" : "s", l->nin);
    for (const struct json *i = inputs->child; i; i = i->next) {
        struct value v = {.owner = inner, .at = i->at, .nout = 1};
        const char *path = path_join(m, inner->path, i->string);

        v.v[0] = l->in[n++];
        if (!v.v[0].id)
            return model_reject(m, &l->json->at,
                                "block %s: input \"%s\" is left out",
                                l->block->key, i->string);
        if (!value_add(m, path, &v))
            return false;
        inner->last = n == 1 ? names_find(&m->values, path) : NULL;
    }
    return true;
}

/* What a call stands for: the outputs, or the last layer. */
static bool results(struct model *m, const struct layer *l, struct scope *inner,
                    struct value *out)
{
    const struct json *outputs = json_member(l->block, "outputs");

    if (!outputs) {
        out->nout = inner->last->nout;
        memcpy(out->v, inner->last->v, sizeof out->v);
        return true;
    }
    if (outputs->kind == JSON_STRING) {
        out->nout = 1;
        return value_find(m, inner, outputs, &out->v[0]);
    }
    out->nout = 0;
    for (const struct json *i = outputs->child; i; i = i->next)
        if (!value_find(m, inner, i, &out->v[out->nout++]))
            return false;
    return true;
}

/* The block's place stands in the message; add the call's.  With nested calls
 * the places pile up, the innermost first. */
static bool called_from(struct model *m, const struct layer *l)
{
    struct diag *d = m->g->diag;
    size_t used = strlen(d->text);

    snprintf(d->text + used, sizeof d->text - used, " (called from %s:%d:%d)",
             l->json->at.file, l->json->at.line, l->json->at.column);
    return false;
}

/* Without a condition in the language a block that calls itself would never
 * end. */
static bool not_open(struct model *m, const struct layer *l)
{
    const struct json *op = json_member(l->json, "op");

    for (int i = 0; i < m->depth; i++)
        if (m->open[i] == l->block)
            return model_reject(m, &op->at, "block %s calls itself",
                                l->block->key);
    if (m->depth == MODEL_MAX_DEPTH)
        return model_reject(m, &op->at, "blocks are nested deeper than %d",
                            MODEL_MAX_DEPTH);
    return true;
}

bool block_call(struct model *m, const struct scope *s, const struct layer *l,
                struct value *out)
{
    struct scope *inner = ARENA_NEW(m->g->arena, struct scope, 1);
    const struct json *layers = json_member(l->block, "layers");

    *inner = (struct scope){.path = l->path, .frozen = l->frozen};
    inner->counter.arena = m->g->arena;
    if (!not_open(m, l) || !bind_args(m, s, l, inner) ||
        !bind_inputs(m, l, inner))
        return false;
    m->open[m->depth++] = l->block;
    if (!layers_read(m, inner, layers))
        return called_from(m, l);
    m->g->path = l->path;
    if (!results(m, l, inner, out))
        return called_from(m, l);
    m->depth--;
    return true;
}
