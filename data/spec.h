/* spec.h: what "NAME=FILE[:scale=A/B or number]" says. */
#ifndef DATA_SPEC_H
#define DATA_SPEC_H

#include "data/element.h"

struct spec {
    char *name, *path;
    struct scale scale;
};

/* Refuses with a message, and then owns nothing. */
enum plancl_status spec_parse(const char *text, const struct plancl_callbacks *,
                              struct spec *);
void spec_free(struct spec *);

#endif
