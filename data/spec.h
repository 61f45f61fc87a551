/* spec.h: what "NAME=FILE[:OPTION]..." says. */
#ifndef DATA_SPEC_H
#define DATA_SPEC_H

#include "data/element.h"

/* For messages about a text whose end is none of them. */
#define SPEC_OPTIONS ":scale=A/B, :characters, :window=N and :shift=N"

struct spec {
    char *name, *path;
    struct scale scale;
    uint64_t window; /* rows of a sample; 0: a row is a sample */
    uint64_t shift;  /* rows before the first window */
    bool characters; /* bytes of a text, numbered in their order */
};

/* Refuses with a message, and then owns nothing. */
enum plancl_status spec_parse(const char *text, const struct plancl_callbacks *,
                              struct spec *);
void spec_free(struct spec *);

#endif
