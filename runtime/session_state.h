/*
 * session_state.h: what a session is, for the files that work on one:
 * session.c opens it, session_memory.c holds its memory, run.c enqueues,
 * tensors.c copies, weights.c saves and loads, trace.c tells where the time went.
 *
 * One block of host memory holds the session and every array that it points to;
 * session_layout.c says where.  Nothing is allocated after open.
 */
#ifndef RUNTIME_SESSION_STATE_H
#define RUNTIME_SESSION_STATE_H

#include "runtime/device.h"
#include "runtime/plan.h"
#include "runtime/safetensors.h"
#include "runtime/session.h"

enum {
    CHUNK_BYTES = 256 * 1024, /* of a file, a hash or a meter at a time */
    TRACE_EVENTS = 16384      /* that are kept, the last ones */
};

/* A kernel argument that follows a setting. */
struct bound_setting {
    uint32_t setting; /* enum setting */
    uint32_t arg;     /* number of the OpenCL argument */
    uint32_t value;   /* bits that it has now */
};

/* The kernel of an entry, with its arguments set; setting: first of those of
 * its arguments that follow a setting. */
struct bound_entry {
    cl_kernel kernel;
    uint32_t setting, nsetting;
};

/* Time of an entry, where the session measures. */
struct entry_time {
    uint64_t runs, nanoseconds;
};
struct trace_event {
    uint64_t start, end; /* nanoseconds, of the device's clock */
    uint32_t entry;
};

struct plancl_session {
    const struct plan *plan;
    struct plancl_callbacks cb;
    struct device device;
    cl_context context;
    cl_command_queue queue; /* in order */
    cl_program program;
    cl_mem *memory; /* nmemory: the plan's slabs, or of each buffer its own */
    uint32_t nmemory;
    bool debug;         /* the latter, and no numbers in what is dead */
    uint32_t *dies;     /* debug: first buffer whose last entry this is */
    uint32_t *dies_too; /* debug: by buffer, the next such one */
    struct bound_entry *entry; /* nentry */
    struct bound_setting *bound;
    uint32_t setting[SETTING_KINDS]; /* bits to be set before a launch */
    uint64_t updates;                /* done; the next one is this plus 1 */
    float learning_rate;
    uint32_t seed;      /* of every random key */
    unsigned unflushed; /* launches since the last clFlush */
    bool failed;        /* memory may hold anything; only close is left */

    bool profile;
    cl_event *event; /* of the launches of one sequence, when measuring */
    struct entry_time *time;
    struct trace_event *trace;
    uint64_t traced; /* events so far; the last TRACE_EVENTS are kept */

    struct safetensors_tensor *saved; /* nsaved: scratch of weights.c */
    uint64_t (*saved_dim)[PLAN_RANK];
    char *chunk;   /* CHUNK_BYTES */
    char *staging; /* the largest permuted tensor */
};

/* Where each array lies in the block. */
struct session_layout {
    uint64_t memory, entry, bound, event, time, trace, saved, saved_dim, chunk,
        staging;
    uint64_t total;
    uint64_t files; /* taken beside the block while weights are read or
                     * written: header, list of names, the stream's buffer */
};
void session_layout(const struct plan *, struct session_layout *);

/* Where a buffer lies on the device. */
struct place {
    cl_mem memory;
    uint64_t offset;
};
struct place session_place(const struct plancl_session *, uint32_t buffer);

/* Take all of it and touch it; more: steps of opening that are left then, for
 * the progress callback.  After a failure session_memory_close is still due. */
enum plancl_status session_memory_open(struct plancl_session *, uint32_t more);
void session_memory_close(struct plancl_session *);
/* Where mistakes are looked for: no number in what dies with this entry. */
cl_int session_poison_dead(struct plancl_session *, uint32_t entry);

/* Is a tensor part of what is trained, and so of files and hashes? */
bool session_saves(const struct plan *, const struct plan_tensor *);
/* Is it the optimizer's state of one parameter, which ends in its name? */
bool session_optimizes(const struct plan *, const struct plan_tensor *);

/* PLANCL_DEVICE with a message when an earlier call left the device's memory
 * in an unknown state. */
enum plancl_status session_usable(const struct plancl_session *);

/* Give the message of a failed call, and remember that memory is unknown.
 * doing: "s1.conv (conv_cpu): clEnqueueNDRangeKernel". */
enum plancl_status session_fail(struct plancl_session *, cl_int error,
                                const char *format, ...) PRINTF_LIKE(3, 4);

/* Enqueue a sequence with the settings as they stand; nothing where the plan
 * has none. */
enum plancl_status session_run(struct plancl_session *, enum plan_sequence_id);

/* After a sequence whose launches were measured: take their times, release
 * their events. */
enum plancl_status trace_collect(struct plancl_session *, enum plan_sequence_id,
                                 uint32_t launched);

#endif
