/*
 * model_check.c: what may stand in a model file: keys, kinds, numbers, names,
 * sizes; and the refusals.
 */
#include "compiler/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool model_reject(struct model *m, const struct source *at, const char *format,
                  ...)
{
    char text[sizeof m->g->diag->text];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    m->g->at = *at;
    return reject_here(m->g, "%s", text);
}

bool key_listed(const char *const *list, const char *key)
{
    for (; *list; list++)
        if (strcmp(*list, key) == 0)
            return true;
    return false;
}

bool check_keys(struct model *m, const struct json *object,
                const char *const *key)
{
    for (const struct json *i = object->child; i; i = i->next) {
        struct nearest near = {.word = i->key};

        if (key_listed(key, i->key))
            continue;
        for (const char *const *k = key; *k; k++)
            nearest_try(&near, *k);
        return model_reject(m, &i->key_at, "unknown key \"%.60s\"%s", i->key,
                            nearest_hint(m->g->arena, &near));
    }
    return true;
}

bool check_kind(struct model *m, const struct json *j, enum json_kind kind,
                const char *what)
{
    static const char *const name[] = {
        "null", "true or false", "a number", "a string", "a list", "an object"};

    if (j->kind == kind)
        return true;
    return model_reject(m, &j->at, "%s is %s, wanted %s", what,
                        json_show(m->g->arena, j), name[kind]);
}

bool check_int(struct model *m, const struct json *j, const char *what,
               int64_t least, int64_t *value)
{
    const char *found = json_show(m->g->arena, j);

    if (j->kind != JSON_NUMBER || j->number != floor(j->number))
        return model_reject(m, &j->at, "%s is %s, wanted an integer", what,
                            found);
    if (j->number < (double)least || j->number > (double)MODEL_MAX_INT)
        return model_reject(m, &j->at, "%s is %s, wanted %lld to %lld", what,
                            found, (long long)least, (long long)MODEL_MAX_INT);
    *value = (int64_t)j->number;
    return true;
}

bool check_number(struct model *m, const struct json *j, const char *what,
                  double *value)
{
    if (!check_kind(m, j, JSON_NUMBER, what))
        return false;
    *value = j->number;
    return true;
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

bool check_name(struct model *m, const struct source *at, const char *name)
{
    const char *s = name;

    while (name_char(*s))
        s++;
    if (*s || s == name)
        return model_reject(m, at,
                            "the name \"%.60s\" is not made of letters, "
                            "digits, '_', '-' and '.'",
                            name);
    if (s - name > MODEL_MAX_NAME)
        return model_reject(m, at, "the name has %d characters, wanted %d",
                            (int)(s - name), MODEL_MAX_NAME);
    return true;
}

const struct json *need_member(struct model *m, const struct json *object,
                               const char *key)
{
    const struct json *found = json_member(object, key);

    if (!found)
        model_reject(m, &object->at, "\"%s\" is missing", key);
    return found;
}

bool check_size(struct model *m, const struct type *t, const char *what)
{
    int64_t n = 1;

    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i] < 1)
            return reject_here(m->g, "%s would be %s, wanted positive sizes",
                               what, type_text(m->g->arena, t));
        if (__builtin_mul_overflow(n, t->dim[i], &n) || n > MODEL_MAX_COUNT)
            return reject_here(m->g,
                               "%s would be %s, which is more than 2^40 "
                               "elements",
                               what, type_text(m->g->arena, t));
    }
    return true;
}
