/*
 * model_inputs.c: names and what they stand for.
 *
 * All values of a pass are in one table by their full path, "s1.conv"; each
 * knows the list of layers that it belongs to, and only that list may name it.
 * Parameters may be named from anywhere, by their full path or by the path
 * inside the block.
 */
#include "compiler/model.h"

#include <string.h>

const char *path_join(struct model *m, const char *path, const char *name)
{
    if (!path)
        return name;
    return arena_format(m->g->arena, "%s.%s", path, name);
}

static struct value *value_copy(struct model *m, const struct value *v)
{
    struct value *own = ARENA_NEW(m->g->arena, struct value, 1);

    *own = *v;
    return own;
}

struct value *value_add(struct model *m, const char *path,
                        const struct value *v)
{
    const struct value *old = names_find(&m->values, path);
    struct value *own;

    if (old) {
        model_reject(m, &v->at, "the name \"%s\" is taken already, in line %d",
                     path, old->at.line);
        return NULL;
    }
    own = value_copy(m, v);
    names_add(&m->values, path, own);
    return own;
}

bool leaf_add(struct model *m, const char *name, val leaf,
              const struct source *at)
{
    struct value v = {.at = *at, .nout = 1, .v = {leaf}};
    const struct value *old = names_find(&m->leaves, name);

    if (old)
        return model_reject(
            m, at,
            "the name \"%s\" is taken already by the %s of "
            "line %d",
            name, plan_kind_name(graph_node(m->g, old->v[0])->leaf->kind),
            old->at.line);
    names_add(&m->leaves, name, value_copy(m, &v));
    return true;
}

static const struct value *find_parameter(struct model *m, const char *name)
{
    const struct value *v = names_find(&m->leaves, name);
    const struct leaf *leaf = v ? graph_node(m->g, v->v[0])->leaf : NULL;

    if (!leaf || (leaf->kind != PLAN_PARAMETER && leaf->kind != PLAN_STATE))
        return NULL;
    return v;
}

static bool comes_later(const struct scope *s, const char *name)
{
    const struct json *i = s->layers ? s->layers->child : NULL;

    for (; i; i = i->next) {
        const struct json *n = json_member(i, "name");

        if (n && n->kind == JSON_STRING && strcmp(n->string, name) == 0)
            return true;
    }
    return false;
}

/* The part of a full path that the list's layers use, or null if it is not
 * directly theirs. */
static const char *short_name(const struct scope *s, const char *path)
{
    size_t n = s->path ? strlen(s->path) : 0;

    if (!n)
        return path;
    if (strncmp(path, s->path, n) != 0 || path[n] != '.')
        return NULL;
    return path + n + 1;
}

static bool not_found(struct model *m, const struct scope *s,
                      const struct json *ref, const char *name)
{
    struct nearest near = {.word = name};

    if (comes_later(s, name))
        return model_reject(m, &ref->at,
                            "input \"%.60s\" is a layer that comes later, or "
                            "this one; layers take what is above them",
                            name);
    for (int i = 0; i < m->values.len; i++) {
        const struct value *v = m->values.entry[i].thing;
        const char *local = short_name(s, m->values.entry[i].name);

        if (v->owner == s && v->nout && local)
            nearest_try(&near, local);
    }
    for (int i = 0; i < m->leaves.len; i++)
        if (find_parameter(m, m->leaves.entry[i].name))
            nearest_try(&near, m->leaves.entry[i].name);
    return model_reject(m, &ref->at,
                        "input \"%.60s\" is no layer above, input or "
                        "parameter%s",
                        name, nearest_hint(m->g->arena, &near));
}

/* A layer's name in this list comes first, then a parameter inside the block,
 * then one of the whole model.  A value with no results yet is the layer that
 * is being read, which cannot take itself. */
static const struct value *find_named(struct model *m, const struct scope *s,
                                      const char *name)
{
    const char *path = path_join(m, s->path, name);
    const struct value *v = names_find(&m->values, path);

    if (v && v->owner == s && v->nout)
        return v;
    v = find_parameter(m, path);
    return v ? v : find_parameter(m, name);
}

/* The number after the colon of "lstm:1"; 0 without; -1 if it is none. */
static int result_number(const char *colon)
{
    if (!colon)
        return 0;
    if (colon[1] < '0' || colon[1] > '9' || colon[2])
        return -1;
    return colon[1] - '0';
}

bool value_find(struct model *m, const struct scope *s, const struct json *ref,
                val *out)
{
    const struct value *v;
    const char *text, *colon, *name;
    int k;

    if (!check_kind(m, ref, JSON_STRING, "an input"))
        return false;
    text = expr_text(m, s, ref);
    if (!text)
        return false;
    colon = strchr(text, ':');
    k = result_number(colon);
    name = colon ? arena_format(m->g->arena, "%.*s", (int)(colon - text), text)
                 : text;
    v = find_named(m, s, name);
    if (!v)
        return not_found(m, s, ref, name);
    if (k < 0 || k >= v->nout)
        return model_reject(m, &ref->at,
                            "\"%.60s\": \"%.60s\" has %d result%s, counted "
                            "from 0",
                            text, name, v->nout, v->nout == 1 ? "" : "s");
    *out = v->v[k];
    return true;
}

bool inputs_read(struct model *m, const struct scope *s,
                 const struct json *list, val **in, int *nin)
{
    if (!check_kind(m, list, JSON_ARRAY, "\"inputs\""))
        return false;
    *in = ARENA_NEW(m->g->arena, val, (size_t)list->count + 1);
    *nin = 0;
    for (const struct json *i = list->child; i; i = i->next) {
        val *v = &(*in)[(*nin)++];

        /* An optional operand may be left out by an empty name. */
        if (i->kind == JSON_STRING && !*i->string)
            continue;
        if (!value_find(m, s, i, v))
            return false;
    }
    return true;
}
