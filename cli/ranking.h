/* ranking.h: the highest scores of a row, with the names of the classes. */
#ifndef CLI_RANKING_H
#define CLI_RANKING_H

#include <stdint.h>

#include "runtime/plancl.h"

struct class_names {
    char *text; /* what the names point into */
    char **name;
    uint64_t n;
};

/* spec: a file with a name on each line, or "a,b,c". */
enum plancl_status class_names_read(struct class_names *, const char *spec,
                                    const struct plancl_callbacks *);
void class_names_free(struct class_names *);

/* Print a line for one sample: the `top` best of n scores, best first, equal
 * ones by index.  Classes without names are numbers. */
void ranking_print(const struct class_names *, uint64_t sample,
                   const float *score, uint64_t n, uint64_t top);

#endif
