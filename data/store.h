/*
 * store.h: where the bytes of a file go that cannot be read where it lies: to
 * memory where they are few, to a temporary file where they are many, so that
 * memory does not grow with the data.
 */
#ifndef DATA_STORE_H
#define DATA_STORE_H

#include "data/source.h"

struct store {
    struct source *to;
    const char *path; /* of the file, for messages */
    const struct plancl_callbacks *callbacks;
    uint64_t done, total; /* bytes */
};

/* Room for the total; s->to, which holds nothing before, is closed by its
 * owner in any case. */
enum plancl_status store_open(struct store *);
/* The next n bytes; no more than the total in all. */
enum plancl_status store_put(struct store *, const uint8_t *bytes, size_t n);

#endif
