/*
 * feed.h: samples from files into the inputs of a session.
 *
 * Knows which inputs a sequence reads, so that predict needs no labels.
 */
#ifndef CLI_FEED_H
#define CLI_FEED_H

#include "cli/options.h"
#include "data/plancl_data.h"
#include "runtime/plan.h"
#include "runtime/plancl.h"

struct feed_column {
    struct plancl_tensor tensor;
    unsigned column;       /* of the data */
    unsigned sequences;    /* bits of those that read it */
    uint64_t sample_bytes; /* of the input's type, not the file's */
};

struct feed {
    const struct plancl_callbacks *cb;
    struct plancl_data *data;
    struct feed_column *column;
    unsigned ncolumn;
    uint64_t samples; /* that are selected */
    uint32_t batch;   /* rows of one run */
    uint64_t *index;  /* [batch] */
    void *staging;    /* one batch of the widest input */
};

/* Which sample comes at a position. */
struct sample_order {
    bool shuffle;
    uint32_t seed, epoch;
};

/* Which files, and which of their samples: null, all (see plancl_data_select). */
struct feed_data {
    const struct texts *specs;
    const char *samples;
};

/* sequences: bits 1 << enum plan_sequence_id of those that will be run; every
 * input that one of them reads must be given. */
enum plancl_status feed_open(struct feed *, const struct plancl_plan *,
                             const struct feed_data *, unsigned sequences,
                             const struct plancl_callbacks *);
void feed_close(struct feed *);

/* Samples of the next run when `left` are left. */
uint32_t feed_rows(const struct feed *, uint64_t left);
/* Fill what the sequence reads with `rows` samples from position `at` on. */
enum plancl_status feed_write(struct feed *, struct plancl_session *,
                              enum plan_sequence_id,
                              const struct sample_order *, uint64_t at,
                              uint32_t rows);

#endif
