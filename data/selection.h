/*
 * selection.h: some of the samples, as runs of neighbours.
 */
#ifndef DATA_SELECTION_H
#define DATA_SELECTION_H

#include "runtime/plancl.h"

struct selected_run {
    uint64_t from;   /* its first sample in the files */
    uint64_t before; /* samples of the runs before it */
    uint64_t n;
};

struct selection {
    struct selected_run *run;
    uint64_t runs; /* 0: all samples */
};

/* What plancl_data_select says, of this many samples; owns nothing after a
 * refusal. */
enum plancl_status selection_parse(const char *text, uint64_t samples,
                                   const struct plancl_callbacks *,
                                   struct selection *);
void selection_free(struct selection *);

uint64_t selection_count(const struct selection *);
/* Where the i-th of the selected lies in the files; i itself without any. */
uint64_t selection_sample(const struct selection *, uint64_t i);
uint64_t selection_bytes(const struct selection *);

#endif
