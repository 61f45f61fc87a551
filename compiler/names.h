/* names.h: names to things, and the name that was probably meant. */
#ifndef COMPILER_NAMES_H
#define COMPILER_NAMES_H

#include "runtime/base.h"

/* A map from strings to pointers, by open addressing.  Entries keep the order
 * in which they came. */
struct names {
    struct arena *arena;
    struct name_entry *entry;
    int len, cap;
    int *slot; /* 1 + entry, 0: free; a power of two of them */
    int nslot;
};
struct name_entry {
    const char *name;
    void *thing;
};

void *names_find(const struct names *, const char *name); /* or null */
/* The name must be new and outlive the map. */
void names_add(struct names *, const char *name, void *thing);

/* Tried names are compared with a misspelt word; the closest wins, and of
 * equals the first. */
struct nearest {
    const char *word, *best;
    int distance;
};
void nearest_try(struct nearest *, const char *candidate);
/* ", did you mean \"x\"?" or "" when nothing is near. */
const char *nearest_hint(struct arena *, const struct nearest *);

#endif
