/*
 * json.c: cJSON's tree, copied into the arena and joined with the places.
 *
 * The copy asks the arena for everything before cJSON takes memory of its own,
 * so that nothing is lost when the arena runs out.
 */
#include "compiler/json.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

struct copy {
    struct json *node;
    const struct json_place *place;
    int used, n;
    char *chars;
};

static const char *copy_string(struct copy *c, const char *s)
{
    char *own = c->chars;
    size_t bytes = strlen(s) + 1;

    memcpy(own, s, bytes);
    c->chars += bytes;
    return own;
}

static enum json_kind kind_of(const cJSON *item)
{
    if (cJSON_IsBool(item))
        return JSON_BOOL;
    if (cJSON_IsNumber(item))
        return JSON_NUMBER;
    if (cJSON_IsString(item))
        return JSON_STRING;
    if (cJSON_IsArray(item))
        return JSON_ARRAY;
    return cJSON_IsObject(item) ? JSON_OBJECT : JSON_NULL;
}

/* Nodes are numbered as the scan met them: a parent before its children.
 * Recursion is as deep as the text is nested, which the scan has bounded. */
static void copy_node(struct copy *c, const cJSON *item)
{
    struct json *j = &c->node[c->used];
    const struct json **link = &j->child;

    assert(c->used < c->n);
    j->at = c->place[c->used].at;
    j->key_at = c->place[c->used].key_at;
    c->used++;
    j->kind = kind_of(item);
    j->number = cJSON_IsBool(item) ? cJSON_IsTrue(item) : item->valuedouble;
    if (item->string)
        j->key = copy_string(c, item->string);
    if (item->valuestring)
        j->string = copy_string(c, item->valuestring);
    for (const cJSON *i = item->child; i; i = i->next, j->count++) {
        struct json *child = &c->node[c->used];

        copy_node(c, i);
        *link = child;
        link = &child->next;
    }
}

static int by_key(const void *a, const void *b)
{
    const struct json *x = *(const struct json *const *)a;
    const struct json *y = *(const struct json *const *)b;
    int order = strcmp(x->key, y->key);

    if (order)
        return order;
    return x < y ? -1 : x > y;
}

/* RFC 8259 leaves open which of two equal keys counts; here neither does.
 * Sorted, so that an object of n keys costs n log n and not n^2. */
static bool keys_differ(struct graph *g, const struct json *object)
{
    const struct json **sorted = ARENA_NEW(g->arena, const struct json *,
                                           (size_t)object->count + 1);
    int n = 0;

    for (const struct json *i = object->child; i; i = i->next)
        sorted[n++] = i;
    qsort(sorted, (size_t)n, sizeof *sorted, by_key);
    for (int i = 1; i < n; i++) {
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) != 0)
            continue;
        g->at = sorted[i]->key_at;
        return reject_here(g, "\"%s\" is here twice, first in line %d",
                           sorted[i]->key, sorted[i - 1]->key_at.line);
    }
    return true;
}

/* What neither the scan nor cJSON looks at. */
static bool values_hold(struct graph *g, const struct json *node, int n)
{
    for (int i = 0; i < n; i++) {
        g->at = node[i].at;
        if (node[i].kind == JSON_NUMBER && !isfinite(node[i].number))
            return reject_here(g, "the number is too large");
        if (node[i].kind == JSON_OBJECT && !keys_differ(g, &node[i]))
            return false;
    }
    return true;
}

const struct json *json_read(struct graph *g, const char *file,
                             const char *text)
{
    size_t length = strlen(text);
    struct json_places places = {0};
    struct copy c = {0};
    cJSON *tree;

    if (!json_scan(g, file, text, &places))
        return NULL;
    c.n = places.n;
    c.place = places.place;
    c.node = ARENA_NEW(g->arena, struct json, (size_t)places.n);
    c.chars = ARENA_NEW(g->arena, char, length + 1);
    tree = cJSON_ParseWithLength(text, length);
    if (!tree) {
        g->at = places.place[0].at;
        reject_here(g, "cJSON cannot read the text, or memory ran out");
        return NULL;
    }
    copy_node(&c, tree);
    cJSON_Delete(tree);
    return values_hold(g, c.node, c.n) ? c.node : NULL;
}

const struct json *json_member(const struct json *object, const char *key)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (const struct json *i = object->child; i; i = i->next)
        if (strcmp(i->key, key) == 0)
            return i;
    return NULL;
}

const char *json_show(struct arena *a, const struct json *j)
{
    switch (j->kind) {
    case JSON_BOOL:
        return j->number != 0 ? "true" : "false";
    case JSON_NUMBER:
        return arena_format(a, "%.15g", j->number);
    case JSON_STRING:
        return arena_format(a, "\"%.60s\"", j->string);
    case JSON_ARRAY:
        return "a list";
    case JSON_OBJECT:
        return "an object";
    default:
        return "null";
    }
}
