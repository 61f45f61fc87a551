/* model_attr.c: an op's attributes from a layer's members, by its table. */
#include "compiler/model.h"

#include <string.h>

static bool usable(const struct op *op)
{
    return !op->internal;
}

const struct op *op_named(struct model *m, const struct json *name)
{
    const struct op *op = op_find(name->string);
    struct nearest near = {.word = name->string};
    const struct json *blocks = json_member(m->root, "blocks");

    if (op && usable(op))
        return op;
    for (unsigned i = 0; op_at(i); i++)
        if (usable(op_at(i)))
            nearest_try(&near, op_at(i)->name);
    for (const struct json *b = blocks ? blocks->child : NULL; b; b = b->next)
        nearest_try(&near, b->key);
    model_reject(m, &name->at, "unknown op \"%.60s\"%s", name->string,
                 nearest_hint(m->g->arena, &near));
    return NULL;
}

static bool read_ints(struct model *m, const struct json *j, const char *name,
                      struct ints *out)
{
    int64_t *v = ARENA_NEW(m->g->arena, int64_t, (size_t)j->count + 1);
    const char *what = arena_format(m->g->arena, "an element of %s", name);
    int n = 0;

    if (!check_kind(m, j, JSON_ARRAY, name))
        return false;
    for (const struct json *i = j->child; i; i = i->next)
        if (!check_int(m, i, what, -MODEL_MAX_INT, &v[n++]))
            return false;
    *out = (struct ints){n, v};
    return true;
}

/* Lists of equal length inside lists make the dimensions. */
static bool tensor_shape(struct model *m, const struct json *j, struct type *t)
{
    *t = (struct type){.dtype = DT_F32};
    for (; j && j->kind == JSON_ARRAY; j = j->child) {
        if (t->rank == MAX_RANK || j->count == 0)
            return model_reject(m, &j->at,
                                "wanted 1 to %d levels of lists, "
                                "none of them empty",
                                MAX_RANK);
        t->dim[t->rank++] = j->count;
    }
    return true;
}

static bool tensor_fill(struct model *m, const struct json *j,
                        const struct type *t, int level, double **to)
{
    if (level == t->rank)
        return check_number(m, j, "an element", (*to)++);
    if (!check_kind(m, j, JSON_ARRAY, "an element"))
        return false;
    if (j->count != t->dim[level])
        return model_reject(m, &j->at, "the list has %d elements, wanted %lld",
                            j->count, (long long)t->dim[level]);
    for (const struct json *i = j->child; i; i = i->next)
        if (!tensor_fill(m, i, t, level + 1, to))
            return false;
    return true;
}

/* How many numbers there are, so that equal first lists cannot ask for more
 * memory than the text has elements. */
static int64_t numbers_in(const struct json *j)
{
    int64_t n = j->kind != JSON_ARRAY;

    for (const struct json *i = j->child; i; i = i->next)
        n += numbers_in(i);
    return n;
}

static bool read_tensor(struct model *m, const struct json *j, const char *name,
                        const struct tensor **out)
{
    struct tensor *t = ARENA_NEW(m->g->arena, struct tensor, 1);
    int64_t n = numbers_in(j);
    double *to;

    if (!tensor_shape(m, j, &t->type))
        return false;
    if (type_count(&t->type) != n)
        return model_reject(m, &j->at,
                            "%s has %lld numbers, wanted lists of equal "
                            "length that make %s",
                            name, (long long)n,
                            type_text(m->g->arena, &t->type));
    t->data = to = ARENA_NEW(m->g->arena, double, (size_t)n + 1);
    *out = t;
    return tensor_fill(m, j, &t->type, 0, &to);
}

static bool read_one(struct model *m, const struct attr_spec *spec,
                     const struct json *j, union attr *a)
{
    switch (spec->kind) {
    case ATTR_INT:
        return check_int(m, j, spec->name, -MODEL_MAX_INT, &a->i);
    case ATTR_FLOAT:
        return check_number(m, j, spec->name, &a->f);
    case ATTR_STRING:
        a->s = j->string;
        return check_kind(m, j, JSON_STRING, spec->name);
    case ATTR_INTS:
        return read_ints(m, j, spec->name, &a->ints);
    case ATTR_BOOL:
        a->i = j->number != 0;
        return check_kind(m, j, JSON_BOOL, spec->name);
    case ATTR_TENSOR:
        return read_tensor(m, j, spec->name, &a->tensor);
    }
    return false;
}

static bool unknown(struct model *m, const struct op *op,
                    const struct json *member, const char *const *others)
{
    struct nearest near = {.word = member->key};

    for (int i = 0; i < op_attrs(op); i++)
        if (!op->attr[i].hidden)
            nearest_try(&near, op->attr[i].name);
    for (; *others; others++)
        nearest_try(&near, *others);
    return model_reject(m, &member->key_at, "%s has no attribute \"%.60s\"%s",
                        op->name, member->key,
                        nearest_hint(m->g->arena, &near));
}

static bool all_given(struct model *m, const struct op *op,
                      const struct json *object)
{
    for (int i = 0; i < op_attrs(op); i++)
        if (op->attr[i].required && !op->attr[i].hidden &&
            !json_member(object, op->attr[i].name))
            return model_reject(m, &object->at, "%s needs \"%s\": %s", op->name,
                                op->attr[i].name, op->attr[i].doc);
    return true;
}

union attr *attr_read(struct model *m, const struct scope *s,
                      const struct op *op, const struct json *object,
                      const char *const *others)
{
    int n = op_attrs(op), mode = op_attr(op, "training_mode");
    union attr *attr = ARENA_NEW(m->g->arena, union attr, (size_t)n + 1);

    for (int i = 0; i < n; i++)
        attr[i] = op->attr[i].dflt;
    for (const struct json *j = object->child; j; j = j->next) {
        int i = op_attr(op, j->key);
        const struct json *value;

        if (key_listed(others, j->key))
            continue;
        if (i < 0 || op->attr[i].hidden)
            return unknown(m, op, j, others), NULL;
        value = expr_resolve(m, s, j);
        if (!value || !read_one(m, &op->attr[i], value, &attr[i]))
            return NULL;
    }
    if (!all_given(m, op, object))
        return NULL;
    if (mode >= 0)
        attr[mode].i = m->in_training;
    return attr;
}
