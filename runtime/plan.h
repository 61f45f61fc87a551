/*
 * plan.h: what the runtime executes.
 *
 * A plan is one block, flat, without pointers into itself, and never changes:
 * it can be written to a file, printed, compared and run by several sessions at
 * once.  Strings are offsets into one table; 0 is the empty string.
 *
 * Memory: slabs are OpenCL memory objects.  A buffer is a range of a slab with a
 * lifetime in entries of one sequence (transient and workspace) or of the whole
 * session (every other kind).  Aliases (an output written over a dead input)
 * are two buffers at one place, whose lifetimes meet only in the entry that
 * reads the one and writes the other.
 */
#ifndef RUNTIME_PLAN_H
#define RUNTIME_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernel.h"

enum { PLAN_VERSION = 1, PLAN_RANK = 8 };

/* Who fills a buffer, who may read it from outside, and whether its memory is
 * shared. */
enum plan_kind {
    PLAN_CONSTANT,    /* filled at load from the plan; never written */
    PLAN_PARAMETER,   /* trained; in a snapshot */
    PLAN_STATE,       /* optimizer state, running statistics; in a snapshot */
    PLAN_ACCUMULATOR, /* lives between sequences of one update */
    PLAN_METRIC,      /* sums that the host reads and clears */
    PLAN_INPUT,       /* written by the host */
    PLAN_OUTPUT,      /* read by the host */
    PLAN_OBSERVED,    /* what a step computed on the way, kept for the host */
    PLAN_TRANSIENT,   /* shared, within a sequence and across them */
    PLAN_WORKSPACE,   /* lives for one entry; shared */
    PLAN_KINDS
};
const char *plan_kind_name(enum plan_kind);
static inline bool plan_kind_shared(enum plan_kind k)
{
    return k == PLAN_TRANSIENT || k == PLAN_WORKSPACE;
}

/* In a plan's file and in its arrays sequences stand in this order. */
enum plan_sequence_id {
    SEQ_INIT,       /* draw the weights, clear the state */
    SEQ_LOAD,       /* after weights were set from outside */
    SEQ_ACCUMULATE, /* a micro-batch that is not the last of its update */
    SEQ_STEP,       /* the only or the last micro-batch, and the update */
    SEQ_COUNT,      /* how many targets of a micro-batch count */
    SEQ_EVALUATE,   /* forward, losses and metrics into the meters */
    SEQ_PREDICT,    /* forward, outputs */
    SEQ_KINDS
};
const char *plan_sequence_name(enum plan_sequence_id);

enum plan_access { PLAN_READ = 1, PLAN_WRITE = 2 };

enum plan_arg_kind {
    PLAN_ARG_BUFFER, /* slab pointer and 64-bit element offset: two arguments */
    PLAN_ARG_U32,    /* value: the number */
    PLAN_ARG_F32,    /* value: its bits */
    PLAN_ARG_SETTING, /* index: enum setting */
    PLAN_ARG_LOCAL    /* value: bytes of local memory */
};

struct plan_buffer {
    uint32_t kind, slab, dtype;
    uint32_t sequence;    /* of a transient or workspace */
    uint32_t first, last; /* entries within that sequence, inclusive */
    uint32_t name;        /* string: layer path or tensor name */
    uint64_t offset, bytes;
};

struct plan_arg {
    uint32_t kind, access; /* access of a buffer: read, write or both */
    uint32_t index;        /* of a buffer or a setting */
    uint32_t version;      /* buffer: writes to it before this entry, in this
                            * sequence (0: what was there at its start) */
    uint64_t value;        /* first byte within the buffer, or the immediate */
    uint64_t bytes;        /* extent that the kernel may touch */
};

/* One kernel launch.  Copies of activations to the host and back are to stand
 * among the entries without a kernel's name, with the buffer as their argument; no
 * compiler makes them yet, and what has no name is refused. */
struct plan_entry {
    uint32_t kernel; /* string: __kernel name in the plan's program */
    uint32_t layer;  /* string: where it came from in the model */
    uint32_t first_arg, narg;
    uint64_t global[3], local[3];
    double seconds; /* predicted */
};

struct plan_sequence {
    uint32_t first, count; /* entries; count 0: the plan has no such sequence */
};

/* What a caller can name: parameter, state, input, output, metric. */
struct plan_tensor {
    uint32_t name, buffer, dtype, rank;
    uint64_t dim[PLAN_RANK];  /* as the user sees it */
    uint32_t perm[PLAN_RANK]; /* stored dimension k is the user's perm[k] */
    uint32_t batched;         /* first dimension counts samples */
    uint32_t limited;         /* input of indices: host checks 0 <= v < limit */
    int64_t limit, except;    /* except: a value that is allowed as well */
};

/* A mean that training or evaluation reports: sum / count of a metric tensor
 * f32 [lanes, 4] = sum, its low part, count, its low part. */
struct plan_meter {
    uint32_t name, tensor;
    uint32_t training; /* filled by step and accumulate; else by evaluate */
    uint32_t is_loss;  /* the total loss is sum of weight * mean over these */
    double weight;
};

struct plan {
    uint32_t version;
    uint32_t name;             /* string: the model's */
    uint32_t device_name;      /* string: profile that it was compiled for */
    uint32_t batch;            /* samples in one run of a sequence */
    uint32_t effective;        /* samples in one update */
    uint32_t family;           /* enum device_family */
    double learning_rate;      /* default of the setting */
    uint64_t device_bytes;     /* sum of the slabs */
    uint64_t host_bytes;       /* what libraries allocate for a run */
    uint64_t arena_bytes;      /* slabs shared by transients and workspaces */
    uint64_t live_lower_bound; /* largest load of live shared bytes */
    uint64_t max_allocation;   /* no slab is larger */
    char numerics[65];         /* digest of the values' graph, hexadecimal */

    uint32_t nslab, nbuffer, nentry, narg, ntensor, nmeter;
    uint32_t nconstant_bytes; /* constants' bytes, in order of their buffers */
    uint32_t nstring;         /* bytes of the string table */
    const uint64_t *slab_bytes;
    const uint32_t *slab_kind; /* PLAN_TRANSIENT: arena; else persistent */
    const struct plan_buffer *buffer;
    const struct plan_entry *entry;
    const struct plan_arg *arg;
    const struct plan_tensor *tensor;
    const struct plan_meter *meter;
    const uint8_t *constant; /* buffers of kind constant, one after another */
    const char *string;
    uint32_t program; /* string: OpenCL source of all kernels */
    uint32_t options; /* string: build options */
    struct plan_sequence sequence[SEQ_KINDS];
};

static inline const char *plan_string(const struct plan *p, uint32_t at)
{
    return p->string + at;
}

#endif
