/*
 * plancl_compile.h: a model becomes a plan.
 *
 * The compiler is a pure function of model, options and device profile: the same
 * input gives the same plan, byte for byte.  It keeps no globals, prints
 * nothing and needs no OpenCL.
 */
#ifndef PLANCL_COMPILE_H
#define PLANCL_COMPILE_H

#include "runtime/plancl.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Optional passes, for `skip`. */
enum plancl_pass {
    PLANCL_SKIP_SIMPLIFY = 1 << 0,  /* folding, merging of equal nodes */
    PLANCL_SKIP_LAYOUT = 1 << 1,    /* cancelling of layout conversions */
    PLANCL_SKIP_FUSE = 1 << 2,      /* pointwise chains in one kernel */
    PLANCL_SKIP_EARLY = 1 << 3,     /* updates as soon as their gradient is */
    PLANCL_SKIP_INPLACE = 1 << 4,   /* results written over dead operands */
    PLANCL_SKIP_REUSE = 1 << 5,     /* memory shared between lifetimes */
    PLANCL_SKIP_RECOMPUTE = 1 << 6, /* results computed again, not kept */
    PLANCL_SKIP_ORDER = 1 << 7      /* another order than the model's */
};

struct plancl_dim {
    const char *name;
    uint64_t size;
};

/* What a compile did to save memory.  Loads are bytes of shared buffers alive
 * at the peak, seconds are predicted; both of the sequence of training that
 * needs most with everything kept, and 0 where nothing trains. */
struct plancl_compile_done {
    uint64_t memory;          /* the budget in bytes; 0: there was none */
    uint32_t repeats;         /* results that are computed again */
    uint64_t load, kept_load; /* as it is, and with everything kept */
    double seconds, kept_seconds;
};

struct plancl_compile_options {
    const struct plancl_dim *dim; /* bound over the model's defaults */
    unsigned ndim;
    const char *profile;     /* shipped profile's name or a file; null: "cpu" */
    const char *device;      /* instead of a profile: ask this OpenCL device */
    uint64_t micro_batch;    /* 0: the effective batch in one piece */
    uint64_t max_allocation; /* 0: as the device has it */
    /* Most bytes of device memory that a session may take: the fastest plan that
     * does is made, or the model is refused with the number that would do.  0:
     * what little recomputation next to no time buys. */
    uint64_t memory;
    double memory_part; /* the same as a part, to 1, of the device's memory */
    /* Where it is given and the memory is too little: the bytes that would do;
     * else 0. */
    uint64_t *would_do;
    struct plancl_compile_done *done; /* filled where it is given */
    unsigned skip;                    /* of enum plancl_pass */
    /* Keep for plancl_read, with role PLANCL_OBSERVED, what the last step
     * computed: "gradient.NAME" of each parameter that trains, before clipping,
     * and "training.NAME", each output as training computes it, of the update's
     * last micro-batch.  They take memory of their own. */
    int observe;
    /* Text of a stage's result is passed here after the stage; names are
     * those of plancl_stage_name.  May be null. */
    void (*dump)(void *context, const char *stage, const char *text);
    void *dump_context;
    const char *dump_stage; /* which one; null: none, "all": each */
    const char *stop_stage; /* end after this stage; *plan stays null */
};

/* Stages in their order; null after the last. */
const char *plancl_stage_name(unsigned index);

/* text is null: read the file.  Else name is what messages call the text.  The
 * search for what to repeat can take seconds; it calls `progress`, and ends with
 * PLANCL_CANCELLED when told to.  How far it will have to go is not known before:
 * `total` is at most. */
enum plancl_status plancl_compile(const char *name, const char *text,
                                  const struct plancl_compile_options *,
                                  const struct plancl_callbacks *,
                                  struct plancl_plan **plan);

/* Reference of the ops from their records, as text. */
void plancl_ops(void *context, void (*line)(void *context, const char *text));
/* The same of the ops that only the compiler makes. */
void plancl_internal_ops(void *context,
                         void (*line)(void *context, const char *text));

/* A JSON Schema (draft 07) of model files, in one piece. */
void plancl_schema(void *context,
                   void (*line)(void *context, const char *text));

#ifdef __cplusplus
}
#endif

#endif
