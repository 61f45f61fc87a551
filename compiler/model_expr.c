/*
 * model_expr.c: integer arithmetic over arguments, dimensions and $i.
 *
 *     sum:     product { (+ | -) product }
 *     product: factor { (* | /) factor }
 *     factor:  - factor | atom [^ factor]
 *     atom:    number | [$]name | ${sum} | (sum)
 *
 * Division must be exact and nothing may overflow 53 bits, so that a value is
 * what it would be on paper.  A string that is one `$name` alone is replaced by
 * the argument whatever its kind.
 */
#include "compiler/model.h"

#include <math.h>
#include <string.h>

enum { MAX_NESTING = 32 };

struct expr {
    struct model *m;
    const struct scope *scope;
    const struct json *where;
    const char *p;
    int depth;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *name_end(const char *s)
{
    if (is_letter(*s))
        while (is_letter(*s) || is_digit(*s))
            s++;
    return s;
}

static bool refuse(struct expr *e, const char *what)
{
    return model_reject(e->m, &e->where->at, "in \"%.80s\": %s",
                        e->where->string, what);
}

static const char *name_copy(struct expr *e, const char *begin, const char *end)
{
    return arena_format(e->m->g->arena, "%.*s", (int)(end - begin), begin);
}

static const struct json *find_arg(const struct scope *s, const char *name)
{
    for (int i = 0; i < s->narg; i++)
        if (strcmp(s->arg[i].name, name) == 0)
            return s->arg[i].value;
    return NULL;
}

static bool unknown(struct expr *e, const char *name)
{
    struct arena *a = e->m->g->arena;
    struct nearest near = {.word = name};

    if (strcmp(name, "i") == 0)
        return refuse(e, "$i has a value in a layer with \"repeat\" only");
    for (int i = 0; i < e->scope->narg; i++)
        nearest_try(&near, e->scope->arg[i].name);
    for (int i = 0; i < e->m->dims.len; i++)
        nearest_try(&near, e->m->dims.entry[i].name);
    return refuse(e, arena_format(a, "%.60s is no argument or dimension%s",
                                  name, nearest_hint(a, &near)));
}

/* A name's value as JSON: an argument, $i or a dimension; null if refused. */
static const struct json *lookup(struct expr *e, const char *name)
{
    const struct json *arg = find_arg(e->scope, name);
    const int64_t *dim = names_find(&e->m->dims, name);
    struct json *j = ARENA_NEW(e->m->g->arena, struct json, 1);
    bool counter = strcmp(name, "i") == 0 && e->scope->repeating;

    *j = (struct json){.kind = JSON_NUMBER};
    if (arg)
        *j = *arg;
    else if (counter)
        j->number = (double)e->scope->i;
    else if (dim)
        j->number = (double)*dim;
    else
        return unknown(e, name), NULL;
    j->at = e->where->at;
    j->key_at = e->where->key_at;
    j->key = e->where->key;
    j->next = NULL;
    return j;
}

static void skip_space(struct expr *e)
{
    while (*e->p == ' ')
        e->p++;
}

static bool take(struct expr *e, char c)
{
    skip_space(e);
    if (*e->p != c)
        return false;
    e->p++;
    return true;
}

/* Doubles hold the results, so they end where integers stop being exact. */
static bool bounded(struct expr *e, int64_t x)
{
    if (x < -(INT64_C(1) << 53) || x > INT64_C(1) << 53)
        return refuse(e, "the value overflows");
    return true;
}

static bool literal(struct expr *e, int64_t *x)
{
    *x = 0;
    while (is_digit(*e->p)) {
        *x = *x * 10 + (*e->p++ - '0');
        if (!bounded(e, *x))
            return false;
    }
    if (*e->p == '.' || is_letter(*e->p))
        return refuse(e, "wanted integers");
    return true;
}

static bool named(struct expr *e, int64_t *x)
{
    const char *end = name_end(e->p), *name = name_copy(e, e->p, end);
    const struct json *j;
    struct arena *a = e->m->g->arena;

    if (end == e->p)
        return refuse(
            e, *e->p ? arena_format(a, "found '%c', wanted a value", *e->p)
                     : "it ends early, wanted a value");
    e->p = end;
    j = lookup(e, name);
    if (!j)
        return false;
    if (j->kind != JSON_NUMBER || j->number != floor(j->number))
        return refuse(e, arena_format(a, "$%.60s is %s, wanted an integer",
                                      name, json_show(a, j)));
    if (fabs(j->number) > 0x1p53)
        return refuse(e, "the value overflows");
    *x = (int64_t)j->number;
    return true;
}

static bool sum(struct expr *e, int64_t *x);

static bool enclosed(struct expr *e, char close, int64_t *x)
{
    bool good;

    if (++e->depth > MAX_NESTING)
        return refuse(e, "too many parentheses");
    good = sum(e, x);
    e->depth--;
    if (!good)
        return false;
    if (!take(e, close))
        return refuse(e, close == ')' ? "wanted ')'" : "wanted '}'");
    return true;
}

static bool atom(struct expr *e, int64_t *x)
{
    *x = 0;
    if (take(e, '('))
        return enclosed(e, ')', x);
    if (is_digit(*e->p))
        return literal(e, x);
    if (take(e, '$') && *e->p == '{') {
        e->p++;
        return enclosed(e, '}', x);
    }
    return named(e, x);
}

static bool power(struct expr *e, int64_t *x, int64_t n)
{
    int64_t base = *x;

    if (n < 0)
        return refuse(e, "the exponent is negative");
    /* Of 0, 1 and -1 the parity of n is all that matters. */
    if (base >= -1 && base <= 1 && n > 2)
        n = 2 - n % 2;
    for (*x = 1; n > 0; n--) {
        if (__builtin_mul_overflow(*x, base, x))
            return refuse(e, "the value overflows");
        if (!bounded(e, *x))
            return false;
    }
    return true;
}

static bool factor(struct expr *e, int64_t *x);

/* x ^ n ^ m is x ^ (n ^ m), as on paper. */
static bool raised(struct expr *e, int64_t *x)
{
    int64_t n = 0;

    if (!take(e, '^'))
        return true;
    if (++e->depth > MAX_NESTING)
        return refuse(e, "too many exponents");
    if (!factor(e, &n))
        return false;
    e->depth--;
    return power(e, x, n);
}

static bool factor(struct expr *e, int64_t *x)
{
    bool negative = false;

    while (take(e, '-'))
        negative = !negative;
    if (!atom(e, x) || !raised(e, x))
        return false;
    if (negative)
        *x = -*x;
    return true;
}

static bool divide(struct expr *e, int64_t *x, int64_t y)
{
    struct arena *a = e->m->g->arena;

    if (y == 0)
        return refuse(e, "division by zero");
    if (*x % y != 0)
        return refuse(e, arena_format(a, "%lld / %lld is not exact",
                                      (long long)*x, (long long)y));
    *x /= y;
    return true;
}

static bool product(struct expr *e, int64_t *x)
{
    int64_t y = 0;

    if (!factor(e, x))
        return false;
    for (;;) {
        bool times = take(e, '*');

        if (!times && !take(e, '/'))
            return true;
        if (!factor(e, &y))
            return false;
        if (!times && !divide(e, x, y))
            return false;
        if (times && __builtin_mul_overflow(*x, y, x))
            return refuse(e, "the value overflows");
        if (!bounded(e, *x))
            return false;
    }
}

static bool sum(struct expr *e, int64_t *x)
{
    int64_t y = 0;

    if (!product(e, x))
        return false;
    for (;;) {
        bool plus = take(e, '+');

        if (!plus && !take(e, '-'))
            return true;
        if (!product(e, &y))
            return false;
        *x = plus ? *x + y : *x - y;
        if (!bounded(e, *x))
            return false;
    }
}

bool expr_int(struct model *m, const struct scope *s, const struct json *j,
              int64_t *value)
{
    struct expr e = {m, s, j, j->string, 0};

    if (!sum(&e, value))
        return false;
    skip_space(&e);
    if (*e.p)
        return refuse(&e, arena_format(m->g->arena,
                                       "found '%c', wanted an operator", *e.p));
    return true;
}

/* The name in "$name" or "${name}" when the string is nothing else. */
static const char *lone_name(struct expr *e)
{
    const char *s = e->where->string;
    bool braces = s[0] == '$' && s[1] == '{';
    const char *begin = s + 1 + braces, *end;

    if (s[0] != '$')
        return NULL;
    end = name_end(begin);
    if (end == begin || strcmp(end, braces ? "}" : "") != 0)
        return NULL;
    return name_copy(e, begin, end);
}

static const struct json *resolve_string(struct expr *e)
{
    const char *name = lone_name(e);
    struct json *j;
    int64_t x;

    if (!strchr(e->where->string, '$'))
        return e->where;
    if (name)
        return lookup(e, name);
    if (!expr_int(e->m, e->scope, e->where, &x))
        return NULL;
    j = ARENA_NEW(e->m->g->arena, struct json, 1);
    *j = *e->where;
    j->kind = JSON_NUMBER;
    j->number = (double)x;
    j->next = NULL;
    return j;
}

const struct json *expr_resolve(struct model *m, const struct scope *s,
                                const struct json *j)
{
    struct expr e = {.m = m, .scope = s, .where = j};
    struct json *list;
    const struct json **link;

    if (j->kind == JSON_STRING)
        return resolve_string(&e);
    if (j->kind != JSON_ARRAY && j->kind != JSON_OBJECT)
        return j;
    list = ARENA_NEW(m->g->arena, struct json, 1);
    *list = *j;
    list->next = NULL;
    link = &list->child;
    for (const struct json *i = j->child; i; i = i->next) {
        const struct json *r = expr_resolve(m, s, i);
        struct json *own;

        if (!r)
            return NULL;
        own = ARENA_NEW(m->g->arena, struct json, 1);
        *own = *r;
        own->next = NULL;
        *link = own;
        link = &own->next;
    }
    return list;
}

/* Append the value of the `$name` or `${expression}` at e->p, and step over
 * it. */
static bool substitute(struct expr *e, struct text *out)
{
    bool braces = e->p[1] == '{';
    const char *begin = e->p + 1 + braces, *end = name_end(begin);
    const struct json *j;
    int64_t x = 0;

    if (end > begin && (!braces || *end == '}')) {
        e->p = end + braces;
        j = lookup(e, name_copy(e, begin, end));
        if (!j)
            return false;
        text_add(out, "%s",
                 j->kind == JSON_STRING ? j->string
                                        : json_show(e->m->g->arena, j));
        return true;
    }
    if (!braces)
        return refuse(e, "'$' needs a name or {expression} after it");
    e->p = begin;
    if (!enclosed(e, '}', &x))
        return false;
    text_add(out, "%lld", (long long)x);
    return true;
}

const char *expr_text(struct model *m, const struct scope *s,
                      const struct json *j)
{
    struct expr e = {m, s, j, j->string, 0};
    struct text out = {.arena = m->g->arena};

    if (!strchr(j->string, '$'))
        return j->string;
    while (*e.p) {
        size_t plain = strcspn(e.p, "$");

        text_bytes(&out, e.p, plain);
        e.p += plain;
        if (*e.p && !substitute(&e, &out))
            return NULL;
    }
    return out.s;
}
