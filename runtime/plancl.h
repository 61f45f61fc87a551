/*
 * plancl.h: load a plan, run its sequences, read and write its tensors.
 *
 * Threads: objects are independent; one object must not be used by two threads
 * at once, except a plan, which never changes.  The library keeps no globals,
 * prints nothing and never exits.
 *
 * Errors: functions return PLANCL_OK (0) or another status after one message
 * through the callbacks.  Results are written only on success.
 *
 * Units: bytes, elements and samples are counted in uint64_t; offsets and sizes
 * never overflow silently.
 */
#ifndef PLANCL_H
#define PLANCL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Also the exit codes of the program. */
enum plancl_status {
    PLANCL_OK = 0,
    PLANCL_FAILED = 1,  /* the run failed: input/output, disk, data */
    PLANCL_REFUSED = 2, /* model, plan, file or argument is wrong */
    PLANCL_DEVICE = 3,  /* no device, or it failed */
    PLANCL_MEMORY = 4,  /* memory is not enough */
    PLANCL_CANCELLED = 130
};

/* A note is information, a warning goes on with a doubt, an error comes with a
 * status other than PLANCL_OK, once. */
enum plancl_severity { PLANCL_NOTE, PLANCL_WARNING, PLANCL_ERROR };

/* file is null where there is none; line and column count from 1, 0: none. */
struct plancl_message {
    enum plancl_severity severity;
    const char *file;
    int line, column;
    const char *text;
};

/* done counts from 0 to total, in units of the stage. */
struct plancl_progress {
    const char *stage;
    uint64_t done, total;
};

/* Both may be null.  Strings live until the callback returns.  progress
 * returns 0 to go on; else the call ends with PLANCL_CANCELLED. */
struct plancl_callbacks {
    void *context;
    void (*message)(void *context, const struct plancl_message *);
    int (*progress)(void *context, const struct plancl_progress *);
};

/* Elements lie in the machine's order of bytes; bool is one byte, 0 or 1. */
enum plancl_dtype {
    PLANCL_F32 = 1,
    PLANCL_F16,
    PLANCL_I32,
    PLANCL_I64,
    PLANCL_U8,
    PLANCL_I8,
    PLANCL_BOOL
};

/* ---- plans ---- */

struct plancl_plan; /* owned by who loaded or compiled it */

/* Read and verify a plan file.  A plan carries programs for your device: load
 * those that you would run. */
enum plancl_status plancl_plan_load(const char *path,
                                    const struct plancl_callbacks *,
                                    struct plancl_plan **plan);
/* Write it, through a temporary file beside it. */
enum plancl_status plancl_plan_save(const struct plancl_plan *,
                                    const char *path,
                                    const struct plancl_callbacks *);
void plancl_plan_free(struct plancl_plan *);

/* Bytes of device memory that a session takes, and of host memory. */
uint64_t plancl_plan_device_bytes(const struct plancl_plan *);
uint64_t plancl_plan_host_bytes(const struct plancl_plan *);
/* Samples in one run of a sequence, and in one update. */
uint32_t plancl_plan_batch(const struct plancl_plan *);
uint32_t plancl_plan_effective_batch(const struct plancl_plan *);

enum plancl_role {
    PLANCL_PARAMETER,
    PLANCL_STATE,
    PLANCL_INPUT,
    PLANCL_OUTPUT,
    PLANCL_METRIC,
    PLANCL_OBSERVED /* of the last step, in plans that were compiled so */
};

/* A named tensor; strings and dims belong to the plan. */
struct plancl_tensor {
    const char *name;
    enum plancl_role role;
    enum plancl_dtype dtype;
    unsigned rank;
    uint64_t dim[8];
    uint64_t bytes; /* of all elements, tightly packed */
    int batched;    /* first dimension counts samples */
};
/* Tensors are numbered from 0 in the plan's order, the same in every
 * session. */
uint32_t plancl_plan_tensors(const struct plancl_plan *);
struct plancl_tensor plancl_plan_tensor(const struct plancl_plan *,
                                        uint32_t index);

/* ---- sessions ---- */

struct plancl_session; /* a plan on a device, with all its memory */

struct plancl_session_options {
    const char *device; /* index or part of a name; null: $PLANCL_DEVICE, else
                         * the first */
    uint32_t seed;      /* of weights and dropout */
    int profile;        /* measure every entry, which costs time */
    const char *cache;  /* folder for built programs; null: the user's */
    /* Look for mistakes in the plan: each buffer has memory of its own, filled
     * with NaN while the plan says that it is dead.  The results are the same
     * bits, in more memory and time, unless the plan is wrong. */
    int debug_memory;
};

/* Takes all device memory and builds all programs; weights are drawn.  The
 * plan must outlive the session; options and callbacks are copied (strings
 * too), the callbacks' context must outlive the session. */
enum plancl_status plancl_session_open(const struct plancl_plan *,
                                       const struct plancl_session_options *,
                                       const struct plancl_callbacks *,
                                       struct plancl_session **);
/* Waits for what was enqueued; null does nothing. */
void plancl_session_close(struct plancl_session *);

/*
 * Copy a tensor in or out, in the user's order; waits.  bytes: of the whole
 * tensor, or, where its first dimension counts samples, of the first samples
 * alone, the rest staying as it was.  Indices outside their range are refused
 * before anything is written.
 */
enum plancl_status plancl_write(struct plancl_session *, const char *name,
                                const void *data, uint64_t bytes);
enum plancl_status plancl_read(struct plancl_session *, const char *name,
                               void *data, uint64_t bytes);

/* The sequences.  rows: samples at hand in the inputs, 1 to the batch. */
enum plancl_status plancl_init(struct plancl_session *);
/* Call after parameters were written from outside, before running them. */
enum plancl_status plancl_weights_changed(struct plancl_session *);
enum plancl_status plancl_predict(struct plancl_session *, uint32_t rows);
enum plancl_status plancl_evaluate(struct plancl_session *, uint32_t rows);

/* One micro-batch of an update, in this order: count for each micro-batch
 * (where plancl_has_count says so), accumulate for all but the last, step for
 * the last.  first: index of its first sample; effective: samples in all. */
struct plancl_batch {
    uint32_t rows, first, effective;
};
int plancl_has_count(const struct plancl_plan *);
int plancl_can_train(const struct plancl_plan *);
enum plancl_status plancl_count(struct plancl_session *,
                                const struct plancl_batch *);
enum plancl_status plancl_accumulate(struct plancl_session *,
                                     const struct plancl_batch *);
enum plancl_status plancl_step(struct plancl_session *,
                               const struct plancl_batch *);

/* Number of updates done; the next one is this plus 1. */
uint64_t plancl_updates(const struct plancl_session *);
void plancl_set_updates(struct plancl_session *, uint64_t updates);
/* Learning rate from the next update on; starts as the model says. */
void plancl_set_learning_rate(struct plancl_session *, double rate);

/* Means since the last clear.  training: of the updates; else of evaluate.
 * mean is NaN where nothing was counted. */
struct plancl_meter {
    const char *name;
    int training, is_loss;
    double weight, mean, count;
};
uint32_t plancl_meters(const struct plancl_plan *);
enum plancl_status plancl_meter_read(struct plancl_session *, uint32_t index,
                                     struct plancl_meter *);
enum plancl_status plancl_meters_clear(struct plancl_session *, int training);

/* Wait for everything enqueued. */
enum plancl_status plancl_finish(struct plancl_session *);

/* Parameters and state to and from a safetensors file.  Loading wants every
 * parameter with its shape: else it is refused with one message that counts and
 * names all that is missing, shaped otherwise or left over, and nothing changes.
 */
enum plancl_status plancl_weights_save(struct plancl_session *,
                                       const char *path);
enum plancl_status plancl_weights_load(struct plancl_session *,
                                       const char *path);

struct plancl_weights_options {
    /* Load what fits.  Parameters and state are drawn anew first; a parameter
     * that the file lacks (a note names them) or that has another shape or type
     * there (a warning does) keeps that value, and the optimizer starts anew:
     * none of its state is loaded, and updates count from 0. */
    int allow_missing;
};
/* options may be null, for none. */
enum plancl_status
plancl_weights_load_with(struct plancl_session *, const char *path,
                         const struct plancl_weights_options *options);
/* SHA-256 of all parameters and state, in hexadecimal (65 bytes). */
enum plancl_status plancl_weights_hash(struct plancl_session *, char hex[65]);

/* With options.profile: seconds and runs of an entry since opening. */
struct plancl_profile_entry {
    const char *sequence, *layer, *kernel;
    double seconds, predicted;
    uint64_t runs;
};
uint32_t plancl_profile_entries(const struct plancl_session *);
enum plancl_status plancl_profile_entry(struct plancl_session *, uint32_t index,
                                        struct plancl_profile_entry *);
/* Chrome trace of the runs since opening, as far as they were kept. */
enum plancl_status plancl_trace_save(struct plancl_session *, const char *path);

/* ---- devices ---- */

struct plancl_device {
    const char *name, *platform, *driver;
    uint64_t memory, max_allocation, local_bytes, max_group;
    unsigned units;
    int is_cpu;
};
/* Calls visit for each device in index order; no platform gives
 * PLANCL_DEVICE with a message that says what to install. */
enum plancl_status plancl_devices(const struct plancl_callbacks *,
                                  void (*visit)(void *context, unsigned index,
                                                const struct plancl_device *),
                                  void *context);

const char *plancl_version(void);

#ifdef __cplusplus
}
#endif

#endif
