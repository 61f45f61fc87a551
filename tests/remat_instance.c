/*
 * remat_instance.c: reads instances of recomputation.
 *
 * Optimizer steps, parameters and inputs are left out.  An alias belongs to
 * what it is an alias of: who reads it, reads that.
 */
#include "tests/remat_instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

struct reading {
    struct arena *arena;
    int n, room; /* ops; in the file, at most */
    struct remat_op *op;
    struct remat_value *value;
    int *in_room;
    int ntensor;
    int *maker; /* by tensor: the op that made it, or -1 */
    int *owner; /* by tensor: the op that made its storage, or -1 */
};

static double number(const cJSON *object, const char *key)
{
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsNumber(x) ? x->valuedouble : 0;
}

static int integer(const cJSON *object, const char *key)
{
    return (int)number(object, key);
}

static bool yes(const cJSON *object, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static bool text_is(const cJSON *object, const char *key, const char *text)
{
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsString(x) && !strcmp(x->valuestring, text);
}

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void reading_init(struct reading *r, int nop, int ntensor)
{
    size_t n = (size_t)nop + 1, t = (size_t)ntensor + 1;

    r->room = nop;
    r->ntensor = ntensor;
    r->op = ARENA_NEW(r->arena, struct remat_op, n);
    r->value = ARENA_NEW(r->arena, struct remat_value, n);
    r->in_room = ARENA_NEW(r->arena, int, n);
    r->maker = ARENA_NEW(r->arena, int, t);
    r->owner = ARENA_NEW(r->arena, int, t);
    for (int i = 0; i <= ntensor; i++)
        r->maker[i] = r->owner[i] = -1;
}

/* One value for each op: all that it makes is kept or dropped together. */
static void add_op(struct reading *r, double cost, double bytes)
{
    r->op[r->n] = (struct remat_op){.cost = (int64_t)cost,
                                    .until = r->room - 1};
    r->value[r->n] = (struct remat_value){.bytes = (uint64_t)bytes,
                                          .maker = r->n};
    r->n++;
}

/* `to` reads what `from` made. */
static void add_edge(struct reading *r, int from, int to)
{
    struct remat_op *op = &r->op[to];
    int *in;

    if (from < 0 || from >= to)
        return;
    for (int k = 0; k < op->nin; k++)
        if (op->in[k] == from)
            return;
    if (op->nin == r->in_room[to]) {
        r->in_room[to] = 2 * op->nin + 4;
        in = ARENA_NEW(r->arena, int, (size_t)r->in_room[to]);
        if (op->nin)
            memcpy(in, op->in, (size_t)op->nin * sizeof *in);
        op->in = in;
    }
    in = (int *)op->in;
    in[op->nin++] = from;
}

static bool tensor_ok(const struct reading *r, const cJSON *t)
{
    return cJSON_IsNumber(t) && t->valueint >= 0 && t->valueint < r->ntensor;
}

/* ---- Nodes ---- */

/* Nodes are ops with one result; constants cost nothing and are always
 * there. */
static void read_nodes(struct reading *r, const cJSON *nodes,
                       const cJSON *edges)
{
    int n = cJSON_GetArraySize(nodes), k = 0;
    const cJSON *x;

    reading_init(r, n, n);
    cJSON_ArrayForEach(x, nodes)
    {
        if (!yes(x, "const")) {
            r->maker[k] = r->n;
            add_op(r, number(x, "cost"), number(x, "bytes"));
        }
        k++;
    }
    cJSON_ArrayForEach(x, edges)
    {
        const cJSON *from = cJSON_GetArrayItem(x, 0);
        const cJSON *to = cJSON_GetArrayItem(x, 1);

        if (tensor_ok(r, from) && tensor_ok(r, to) &&
            r->maker[to->valueint] >= 0)
            add_edge(r, r->maker[from->valueint], r->maker[to->valueint]);
    }
}

/* ---- Ops over tensors ---- */

static const cJSON **list(struct reading *r, const cJSON *array, int n)
{
    const cJSON **x = ARENA_NEW(r->arena, const cJSON *, (size_t)n + 1);
    const cJSON *item;
    int k = 0;

    cJSON_ArrayForEach(item, array) x[k++] = item;
    return x;
}

/* An alias of an alias leads to the storage. */
static int root_of(const struct reading *r, const cJSON **tensor, int t)
{
    for (const cJSON *a;
         (a = member(tensor[t], "alias_of")) && tensor_ok(r, a);)
        t = a->valueint;
    return t;
}

/* What an op makes for others to read, not into what others own. */
static double bytes_made(const struct reading *r, const cJSON **tensor,
                         const cJSON *op)
{
    double bytes = 0;
    const cJSON *t;

    cJSON_ArrayForEach(t, member(op, "out"))
    {
        const cJSON *x = tensor_ok(r, t) ? tensor[t->valueint] : NULL;

        if (x && !member(x, "alias_of") &&
            (text_is(x, "kind", "act") || text_is(x, "kind", "grad")))
            bytes += number(x, "bytes");
    }
    return bytes;
}

/* Edges to the op added last from the makers of what it reads. */
static void read_inputs(struct reading *r, const cJSON **tensor,
                        const cJSON *op)
{
    const cJSON *t;

    cJSON_ArrayForEach(t, member(op, "in"))
    {
        if (!tensor_ok(r, t))
            continue;
        add_edge(r, r->maker[t->valueint], r->n - 1);
        add_edge(r, r->maker[root_of(r, tensor, t->valueint)], r->n - 1);
    }
}

static void read_tensors(struct reading *r, const cJSON *tensors,
                         const cJSON *ops)
{
    int n = cJSON_GetArraySize(tensors);
    const cJSON **tensor = list(r, tensors, n);
    const cJSON *op, *t;

    reading_init(r, cJSON_GetArraySize(ops), n);
    cJSON_ArrayForEach(op, ops)
    {
        if (text_is(op, "op", "adam") || text_is(op, "op", "sgd"))
            continue;
        add_op(r, number(op, "cost_ns"), bytes_made(r, tensor, op));
        cJSON_ArrayForEach(t, member(op, "out")) if (tensor_ok(r, t))
            r->maker[t->valueint] = r->n - 1;
        read_inputs(r, tensor, op);
    }
}

/* ---- Ops over tensors in storages ---- */

/* Whether the op changes an input in place and calls the result t. */
static bool mutates(const cJSON *op, int t)
{
    const cJSON *pair;

    cJSON_ArrayForEach(pair, member(op, "mutates"))
    {
        const cJSON *made = cJSON_GetArrayItem(pair, 1);

        if (cJSON_IsNumber(made) && made->valueint == t)
            return true;
    }
    return false;
}

struct storages {
    const cJSON **tensor, **storage;
    int *seen; /* by storage: the last op that counted it, plus 1 */
};

/* A tensor that is made in place belongs to who changed it; a view to who made
 * its storage. */
static void own(struct reading *r, const struct storages *s, const cJSON *op,
                int t)
{
    int id = r->n, at = integer(s->tensor[t], "storage");
    const cJSON *q;

    r->maker[t] = id;
    if (mutates(op, t) || (member(s->storage[at], "birth_op") &&
                           cJSON_IsNumber(member(s->storage[at], "birth_op")) &&
                           integer(s->storage[at], "birth_op") == id)) {
        r->owner[t] = id;
        if (s->seen[at] != id + 1 && !yes(s->storage[at], "const"))
            r->value[id].bytes += (uint64_t)number(s->storage[at], "bytes");
        if (!yes(s->storage[at], "const"))
            s->seen[at] = id + 1;
        return;
    }
    cJSON_ArrayForEach(q, member(op, "in")) if (tensor_ok(r, q) &&
                                                integer(s->tensor[q->valueint],
                                                        "storage") == at &&
                                                r->owner[q->valueint] >= 0)
        r->owner[t] = r->owner[q->valueint];
}

static void read_storages(struct reading *r, const cJSON *root,
                          const cJSON *ops)
{
    int n = cJSON_GetArraySize(member(root, "tensors"));
    int m = cJSON_GetArraySize(member(root, "storages"));
    struct storages s = {list(r, member(root, "tensors"), n),
                         list(r, member(root, "storages"), m),
                         ARENA_NEW(r->arena, int, (size_t)m + 1)};
    const cJSON *op, *t;

    reading_init(r, cJSON_GetArraySize(ops), n);
    cJSON_ArrayForEach(op, ops)
    {
        uint64_t bytes;

        cJSON_ArrayForEach(t, member(op, "in"))
        {
            if (!tensor_ok(r, t))
                continue;
            add_edge(r, r->maker[t->valueint], r->n);
            add_edge(r, r->owner[t->valueint], r->n);
        }
        r->value[r->n].bytes = 0;
        cJSON_ArrayForEach(t, member(op, "out")) if (tensor_ok(r, t))
            own(r, &s, op, t->valueint);
        bytes = r->value[r->n].bytes;
        r->op[r->n].cost = (int64_t)number(op, "cost_ns");
        r->op[r->n].until = r->room - 1;
        r->value[r->n] = (struct remat_value){.bytes = bytes, .maker = r->n};
        r->n++;
    }
}

static bool interpret(struct reading *r, const cJSON *root)
{
    const cJSON *nodes = member(root, "nodes"), *ops = member(root, "ops");

    if (cJSON_IsArray(nodes))
        read_nodes(r, nodes, member(root, "edges"));
    else if (cJSON_IsArray(ops) && cJSON_IsArray(member(root, "storages")))
        read_storages(r, root, ops);
    else if (cJSON_IsArray(ops) && cJSON_IsArray(member(root, "tensors")))
        read_tensors(r, member(root, "tensors"), ops);
    return r->n > 0;
}

static char *read_text(const char *path, struct arena *arena)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    long size;

    if (!f)
        return NULL;
    if (!fseek(f, 0, SEEK_END) && (size = ftell(f)) > 0 &&
        !fseek(f, 0, SEEK_SET)) {
        text = ARENA_NEW(arena, char, (size_t)size + 1);
        if (fread(text, 1, (size_t)size, f) != (size_t)size)
            text = NULL;
    }
    fclose(f);
    return text;
}

/* Three forms of file; which one, its members say. */
bool remat_instance_read(const char *path, struct remat_job *job,
                         struct arena *arena)
{
    struct reading r = {.arena = arena};
    const char *text = read_text(path, arena);
    cJSON *root = text ? cJSON_Parse(text) : NULL;
    bool good = root && interpret(&r, root);

    cJSON_Delete(root);
    *job = (struct remat_job){r.n, r.n, r.op, r.value};
    return good;
}
