/* ranking.c: scores in words. */
#include "cli/ranking.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base.h"

enum { LARGEST_FILE = 1 << 20 };

/* The whole file, or null where there is none of that name. */
static char *file_text(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = f ? calloc(1, LARGEST_FILE + 1) : NULL;

    if (text && fread(text, 1, LARGEST_FILE, f) == 0) {
        free(text);
        text = NULL;
    }
    if (f)
        fclose(f);
    return text;
}

/* Cut the text at the separator; the last piece may be empty after a newline
 * and is left out then. */
static bool split(struct class_names *c, char separator)
{
    uint64_t most = 1;

    for (const char *s = c->text; *s; s++)
        most += *s == separator;
    c->name = calloc(most, sizeof *c->name);
    if (!c->name)
        return false;
    for (char *s = c->text; s && *s;) {
        char *end = strchr(s, separator);

        if (end)
            *end = '\0';
        c->name[c->n++] = s;
        s = end ? end + 1 : NULL;
    }
    return true;
}

enum plancl_status class_names_read(struct class_names *c, const char *spec,
                                    const struct plancl_callbacks *cb)
{
    bool is_file;

    *c = (struct class_names){.text = file_text(spec)};
    is_file = c->text != NULL;
    if (!is_file)
        c->text = strdup(spec);
    if (!c->text || !split(c, is_file ? '\n' : ','))
        return fail(cb, PLANCL_MEMORY, "out of memory for names of classes");
    if (!c->n)
        return fail(cb, PLANCL_REFUSED, "--classes=%s: no names", spec);
    return PLANCL_OK;
}

void class_names_free(struct class_names *c)
{
    free(c->text);
    free(c->name);
    *c = (struct class_names){0};
}

static bool better(const float *score, uint64_t a, uint64_t b)
{
    return score[a] > score[b] || (a < b && score[a] == score[b]);
}

/* The best that is worse than `before`; n: the best of all; also the answer
 * when there is none. */
static uint64_t next_best(const float *score, uint64_t n, uint64_t before)
{
    uint64_t best = n;

    for (uint64_t i = 0; i < n; i++)
        if ((before == n || better(score, before, i)) &&
            (best == n || better(score, i, best)))
            best = i;
    return best;
}

/* O(n top): top is a few, and no memory is needed. */
void ranking_print(const struct class_names *c, uint64_t sample,
                   const float *score, uint64_t n, uint64_t top)
{
    uint64_t at = n;

    printf("%" PRIu64 ":", sample);
    for (uint64_t i = 0; i < top && i < n; i++) {
        at = next_best(score, n, at);
        if (at == n)
            break; /* the rest are not numbers */
        if (at < c->n)
            printf("%s %s %.3f", i ? "," : "", c->name[at], score[at]);
        else
            printf("%s %" PRIu64 " %.3f", i ? "," : "", at, score[at]);
    }
    putchar('\n');
}
