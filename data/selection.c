/*
 * selection.c: some of the samples, by their numbers or by what another file
 * says of each.
 *
 * Splitting by user, by clip or by fold needs no new files then: the same ones
 * are read with different selections.
 */
#include "data/selection.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/plancl_data.h"
#include "runtime/base.h"

enum { PART = 2048 }; /* values read at once */

struct range {
    int64_t low, high;
};

struct ranges {
    struct range *v;
    size_t n;
};

/* What is being parsed, for messages and in all functions here. */
struct parser {
    const char *text;
    const struct plancl_callbacks *cb;
    struct selection *out;
    uint64_t room; /* runs that out->run has place for */
};

/* ---- the list ---- */

/* Decimal digits, perhaps behind a '-'; moves s behind them. */
static bool take_integer(const char **s, int64_t *x)
{
    bool negative = **s == '-';
    uint64_t n = 0;

    *s += negative;
    if (**s < '0' || **s > '9')
        return false;
    for (; **s >= '0' && **s <= '9'; ++*s)
        if (!mul_u64(n, 10, &n) || !add_u64(n, (uint64_t)(**s - '0'), &n) ||
            n > INT64_MAX)
            return false;
    *x = negative ? -(int64_t)n : (int64_t)n;
    return true;
}

/* "7", "3-9" or "-5--2"; a range that falls is refused. */
static bool take_range(const char **s, struct range *r)
{
    if (!take_integer(s, &r->low))
        return false;
    r->high = r->low;
    if (**s != '-')
        return true;
    ++*s;
    return take_integer(s, &r->high) && r->high >= r->low;
}

/* Each range takes two characters at the least, "1,", which bounds their
 * number. */
static enum plancl_status parse_list(const struct parser *p, const char *s,
                                     struct ranges *list)
{
    list->n = 0;
    list->v = malloc((strlen(s) / 2 + 1) * sizeof *list->v);
    if (!list->v) {
        fail(p->cb, PLANCL_MEMORY, "samples '%s': out of memory", p->text);
        return PLANCL_MEMORY;
    }
    do {
        if (!take_range(&s, &list->v[list->n++]))
            break;
        if (!*s)
            return PLANCL_OK;
    } while (*s++ == ',');
    free(list->v);
    list->v = NULL;
    fail(p->cb, PLANCL_REFUSED,
         "samples '%s': wanted A-B,C,... or FILE=A-B,C,... with "
         "whole numbers",
         p->text);
    return PLANCL_REFUSED;
}

static bool holds(const struct ranges *list, int64_t x)
{
    for (size_t i = 0; i < list->n; i++)
        if (x >= list->v[i].low && x <= list->v[i].high)
            return true;
    return false;
}

/* ---- runs ---- */

/* n samples from `from` on, behind everything so far. */
static enum plancl_status add(struct parser *p, uint64_t from, uint64_t n)
{
    struct selection *s = p->out;
    struct selected_run *last = s->runs ? &s->run[s->runs - 1] : NULL;

    if (last && last->from + last->n == from) {
        last->n += n;
        return PLANCL_OK;
    }
    if (!s->run || s->runs == p->room) {
        uint64_t room = p->room ? 2 * p->room : 16;
        struct selected_run *run = realloc(s->run, room * sizeof *run);

        if (!run)
            return fail(p->cb, PLANCL_MEMORY, "samples '%s': out of memory",
                        p->text);
        s->run = run;
        p->room = room;
    }
    s->run[s->runs] = (struct selected_run){from, selection_count(s), n};
    s->runs++;
    return PLANCL_OK;
}

static int compare_ranges(const void *a, const void *b)
{
    const struct range *x = a, *y = b;

    return (x->low > y->low) - (x->low < y->low);
}

/* Sorted, since samples keep the files' order; sorting also brings those named
 * twice together. */
static enum plancl_status by_number(struct parser *p, struct ranges *list,
                                    uint64_t samples)
{
    uint64_t next = 0;

    qsort(list->v, list->n, sizeof *list->v, compare_ranges);
    for (size_t i = 0; i < list->n; i++) {
        const struct range *r = &list->v[i];
        enum plancl_status status;

        if (r->low < 0 || (uint64_t)r->high >= samples)
            return fail(p->cb, PLANCL_REFUSED,
                        "samples '%s': there are %" PRIu64
                        " samples, counted from 0",
                        p->text, samples);
        if ((uint64_t)r->low < next)
            return fail(p->cb, PLANCL_REFUSED,
                        "samples '%s': sample %" PRId64 " is named twice",
                        p->text, r->low);
        next = (uint64_t)r->high + 1;
        status = add(p, (uint64_t)r->low, next - (uint64_t)r->low);
        if (status)
            return status;
    }
    return PLANCL_OK;
}

static enum plancl_status add_holders(struct parser *p,
                                      const struct ranges *list, uint64_t first,
                                      const int64_t *value, uint64_t n)
{
    enum plancl_status status = PLANCL_OK;

    for (uint64_t i = 0; !status && i < n; i++)
        if (holds(list, value[i]))
            status = add(p, first + i, 1);
    return status;
}

static enum plancl_status
read_values(struct parser *p, const struct ranges *list, struct plancl_data *d)
{
    enum plancl_status status = PLANCL_OK;
    uint64_t samples = plancl_data_samples(d), index[PART];
    int64_t value[PART];

    for (uint64_t at = 0, n; !status && at < samples; at += n) {
        n = samples - at < PART ? samples - at : PART;
        for (uint64_t i = 0; i < n; i++)
            index[i] = at + i;
        status = plancl_data_read(d, 0, index, n, PLANCL_I64, value);
        if (!status)
            status = add_holders(p, list, at, value, n);
    }
    return status;
}

/* spec: "NAME=FILE" for the reader of data. */
static enum plancl_status by_value(struct parser *p, const struct ranges *list,
                                   uint64_t samples, const char *spec)
{
    struct plancl_data *d;
    struct plancl_column c;
    enum plancl_status status = plancl_data_open(&spec, 1, p->cb, &d);

    if (status)
        return status;
    c = plancl_data_column(d, 0);
    if (c.rank)
        status = fail(p->cb, PLANCL_REFUSED,
                      "samples '%s': %s has more than one number per sample",
                      p->text, c.path);
    else if (plancl_data_samples(d) != samples)
        status = fail(p->cb, PLANCL_REFUSED,
                      "samples '%s': %s has %" PRIu64
                      " samples, the data has %" PRIu64,
                      p->text, c.path, plancl_data_samples(d), samples);
    else
        status = read_values(p, list, d);
    plancl_data_close(d);
    return status;
}

/* ---- the whole ---- */

static enum plancl_status select_by_file(struct parser *p,
                                         const struct ranges *list,
                                         uint64_t samples, const char *equals)
{
    size_t n = (size_t)(equals - p->text) + sizeof "samples=";
    char *spec = malloc(n);
    enum plancl_status status;

    if (!spec)
        return fail(p->cb, PLANCL_MEMORY, "samples '%s': out of memory",
                    p->text);
    memcpy(spec, "samples=", sizeof "samples=" - 1);
    memcpy(spec + sizeof "samples=" - 1, p->text, (size_t)(equals - p->text));
    spec[n - 1] = '\0';
    status = by_value(p, list, samples, spec);
    free(spec);
    return status;
}

enum plancl_status selection_parse(const char *text, uint64_t samples,
                                   const struct plancl_callbacks *cb,
                                   struct selection *s)
{
    struct parser p = {.text = text, .cb = cb, .out = s};
    const char *equals = strrchr(text, '=');
    struct ranges list;
    enum plancl_status status;

    *s = (struct selection){NULL, 0};
    status = parse_list(&p, equals ? equals + 1 : text, &list);
    if (status)
        return status;
    status = equals ? select_by_file(&p, &list, samples, equals)
                    : by_number(&p, &list, samples);
    free(list.v);
    if (!status && !s->runs)
        status = fail(cb, PLANCL_REFUSED, "samples '%s': no sample is left",
                      text);
    if (status)
        selection_free(s);
    return status;
}

void selection_free(struct selection *s)
{
    free(s->run);
    *s = (struct selection){NULL, 0};
}

uint64_t selection_count(const struct selection *s)
{
    const struct selected_run *last = s->runs ? &s->run[s->runs - 1] : NULL;

    return last ? last->before + last->n : 0;
}

/* Binary search for the run: O(log runs) for each sample of a batch. */
uint64_t selection_sample(const struct selection *s, uint64_t i)
{
    uint64_t low = 0, high = s->runs;

    if (!s->runs)
        return i;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (s->run[middle].before <= i)
            low = middle;
        else
            high = middle;
    }
    return s->run[low].from + (i - s->run[low].before);
}

uint64_t selection_bytes(const struct selection *s)
{
    return s->runs * sizeof *s->run;
}
