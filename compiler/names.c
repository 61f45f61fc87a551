/*
 * names.c: a hash table of names (FNV-1a, linear probing, never more than half
 * full), and edit distance for suggestions (Wagner and Fischer 1974).
 */
#include "compiler/names.h"

#include <ctype.h>
#include <string.h>

static uint32_t hash_of(const char *s)
{
    uint32_t h = 2166136261u;

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

/* The slot that holds the name, or the free one where it belongs. */
static int *slot_of(const struct names *t, const char *name)
{
    uint32_t mask = (uint32_t)t->nslot - 1, i = hash_of(name) & mask;

    while (t->slot[i] && strcmp(t->entry[t->slot[i] - 1].name, name) != 0)
        i = (i + 1) & mask;
    return &t->slot[i];
}

void *names_find(const struct names *t, const char *name)
{
    int found = t->nslot ? *slot_of(t, name) : 0;

    return found ? t->entry[found - 1].thing : NULL;
}

static void grow(struct names *t)
{
    struct name_entry *old = t->entry;

    t->cap = t->cap ? 2 * t->cap : 32;
    t->entry = ARENA_NEW(t->arena, struct name_entry, (size_t)t->cap);
    if (t->len)
        memcpy(t->entry, old, (size_t)t->len * sizeof *old);
    t->nslot = 2 * t->cap;
    t->slot = ARENA_NEW(t->arena, int, (size_t)t->nslot);
    for (int i = 0; i < t->len; i++)
        *slot_of(t, t->entry[i].name) = i + 1;
}

void names_add(struct names *t, const char *name, void *thing)
{
    if (t->len == t->cap)
        grow(t);
    t->entry[t->len++] = (struct name_entry){name, thing};
    *slot_of(t, name) = t->len;
}

enum { MAX_WORD = 48 };

static int min3(int a, int b, int c)
{
    int least = a < b ? a : b;

    return least < c ? least : c;
}

/* Insertions, deletions and replacements from a to b, blind to case; one row of
 * the table at a time. */
static int distance(const char *a, const char *b)
{
    int row[MAX_WORD + 1];
    int n = (int)strlen(b);

    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];

        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int same = tolower((unsigned char)a[i - 1]) ==
                       tolower((unsigned char)b[j - 1]);
            int best = min3(row[j] + 1, row[j - 1] + 1, diagonal + !same);

            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

void nearest_try(struct nearest *n, const char *candidate)
{
    int d;

    if (strlen(n->word) > MAX_WORD || strlen(candidate) > MAX_WORD)
        return;
    d = distance(n->word, candidate);
    if (!n->best || d < n->distance) {
        n->best = candidate;
        n->distance = d;
    }
}

/* Near is at most a third of the letters, and two even in short words, but
 * never all of them: "a" for "b" would be a guess. */
const char *nearest_hint(struct arena *a, const struct nearest *n)
{
    int third = (int)strlen(n->word) / 3, limit = third > 2 ? third : 2;

    if (!n->best || n->distance > limit || n->distance >= (int)strlen(n->best))
        return "";
    return arena_format(a, ", did you mean \"%s\"?", n->best);
}
