/*
 * output.h: the outputs of all samples into one file, batch by batch.
 *
 * NAME.npy holds one output; NAME.safetensors any number.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

#include "data/plancl_data.h"
#include "runtime/plancl.h"
#include "runtime/safetensors.h"

enum { OUTPUTS_MAX = 64 };

struct output {
    const struct plancl_callbacks *cb;
    struct plancl_npy_writer *npy;
    struct safetensors_writer safetensors;
    bool is_safetensors;
    /* A safetensors file has one tensor after the other: all but the first
     * wait in temporary files. */
    FILE *spool[OUTPUTS_MAX];
    unsigned n;
};

/* tensor: the whole arrays' names, types and shapes.  Sorts them; their order
 * is that of output_add's index. */
enum plancl_status output_open(struct output *, const char *path,
                               struct plancl_tensor *tensor, unsigned n,
                               const struct plancl_callbacks *);
enum plancl_status output_add(struct output *, unsigned index, const void *,
                              uint64_t bytes);
/* The file appears under its name now. */
enum plancl_status output_commit(struct output *);
/* After a failure; harmless after a commit. */
void output_abandon(struct output *);

#endif
