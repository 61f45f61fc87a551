/*
 * run.c: sequences into the queue.
 *
 * All arguments were bound at load; before a launch only those are set that
 * follow a setting whose value changed.  Nothing waits here, unless the session
 * measures.
 *
 * OpenCL copies an argument's value when it is set, so changing a setting while
 * earlier launches wait is safe.  The queue runs in order: no events, no
 * barriers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/session_state.h"

/* So that the device starts while the host still enqueues. */
enum { FLUSH_INTERVAL = 64 };

/* After a failure in the middle of a sequence some leaves are of one update and
 * some of the next; nothing may read them as if they were one. */
enum plancl_status session_usable(const struct plancl_session *s)
{
    if (!s->failed)
        return PLANCL_OK;
    return fail(&s->cb, PLANCL_DEVICE,
                "an earlier failure left the session's memory on %s in an "
                "unknown state: open a new session and load the last saved "
                "weights",
                s->device.name);
}

enum plancl_status session_fail(struct plancl_session *s, cl_int error,
                                const char *format, ...)
{
    const char *remedy = "";
    char doing[512];
    va_list args;

    va_start(args, format);
    vsnprintf(doing, sizeof doing, format, args);
    va_end(args);
    s->failed = true;
    /* NVIDIA's driver says this for want of memory, for a fault in a kernel
     * and for a watchdog's kill alike. */
    if (error == CL_OUT_OF_RESOURCES)
        remedy = "; the device may be lost: open a new session and load the "
                 "last saved weights";
    return fail(&s->cb, cl_status(error), "%s failed: %s (%d)%s", doing,
                cl_error_name(error), (int)error, remedy);
}

static enum plancl_status entry_failed(struct plancl_session *s, uint32_t i,
                                       cl_int error, const char *call)
{
    const struct plan_entry *e = &s->plan->entry[i];

    return session_fail(s, error, "%s (%s): %s", plan_string(s->plan, e->layer),
                        plan_string(s->plan, e->kernel), call);
}

/* In most launches nothing changed, and no call is made. */
static cl_int set_settings(struct plancl_session *s,
                           const struct bound_entry *e)
{
    for (uint32_t i = 0; i < e->nsetting; i++) {
        struct bound_setting *b = &s->bound[e->setting + i];
        uint32_t value = s->setting[b->setting];
        cl_int error;

        if (b->value == value)
            continue;
        error = clSetKernelArg(e->kernel, b->arg, sizeof value, &value);
        if (error)
            return error;
        b->value = value;
    }
    return CL_SUCCESS;
}

/* event: null when not measuring.  The one place that enqueues kernels. */
static enum plancl_status launch(struct plancl_session *s, uint32_t i,
                                 cl_event *event)
{
    const struct plan_entry *e = &s->plan->entry[i];
    size_t global[3], local[3];
    cl_int error = set_settings(s, &s->entry[i]);

    if (error)
        return entry_failed(s, i, error, "clSetKernelArg");
    for (int d = 0; d < 3; d++) {
        global[d] = e->global[d];
        local[d] = e->local[d];
    }
    error = clEnqueueNDRangeKernel(s->queue, s->entry[i].kernel, 3, NULL,
                                   global, local, 0, NULL, event);
    if (error)
        return entry_failed(s, i, error, "clEnqueueNDRangeKernel");
    error = session_poison_dead(s, i);
    if (error)
        return entry_failed(s, i, error, "clEnqueueFillBuffer");
    s->unflushed++;
    return PLANCL_OK;
}

/* most: how many launches may stay unflushed. */
static enum plancl_status flush(struct plancl_session *s, unsigned most)
{
    cl_int error;

    if (s->unflushed <= most)
        return PLANCL_OK;
    s->unflushed = 0;
    error = clFlush(s->queue);
    return error ? session_fail(s, error, "starting the launches: clFlush")
                 : PLANCL_OK;
}

/* Flushed every FLUSH_INTERVAL launches and at the end; launches that did not
 * happen leave no event behind. */
enum plancl_status session_run(struct plancl_session *s,
                               enum plan_sequence_id id)
{
    const struct plan_sequence *q = &s->plan->sequence[id];
    enum plancl_status status = PLANCL_OK, measured = PLANCL_OK;
    uint32_t n = 0;

    for (; n < q->count && !status; n++) {
        status = launch(s, q->first + n, s->profile ? &s->event[n] : NULL);
        if (!status)
            status = flush(s, FLUSH_INTERVAL);
    }
    if (!status)
        status = flush(s, 0);
    if (s->profile)
        measured = trace_collect(s, id, n);
    return status ? status : measured;
}

static uint32_t bits_of(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* step: number of the update that a random number or a moment belongs to. */
static void set_all(struct plancl_session *s, uint64_t step,
                    const struct plancl_batch *b)
{
    s->setting[SETTING_LEARNING_RATE] = bits_of(s->learning_rate);
    s->setting[SETTING_STEP] = (uint32_t)step;
    s->setting[SETTING_SEED] = s->seed;
    s->setting[SETTING_ROWS] = b->rows;
    s->setting[SETTING_FIRST] = b->first;
    s->setting[SETTING_EFFECTIVE] = b->effective;
}

static enum plancl_status has_sequence(const struct plancl_session *s,
                                       enum plan_sequence_id id)
{
    if (s->plan->sequence[id].count)
        return PLANCL_OK;
    return fail(&s->cb, PLANCL_REFUSED,
                "the plan of %s was compiled without the sequence \"%s\"",
                plan_string(s->plan, s->plan->name), plan_sequence_name(id));
}

static enum plancl_status check_rows(const struct plancl_session *s,
                                     uint32_t rows)
{
    if (rows >= 1 && rows <= s->plan->batch)
        return PLANCL_OK;
    return fail(&s->cb, PLANCL_REFUSED,
                "%u rows given, the plan takes 1 to %u in a batch", rows,
                s->plan->batch);
}

/* What the kernels take on trust: rows that are in the batch, samples that are
 * in the update.  Steps are 32 bits in random keys, so updates end where those
 * would repeat. */
static enum plancl_status check_batch(const struct plancl_session *s,
                                      const struct plancl_batch *b)
{
    const struct plan *p = s->plan;
    enum plancl_status status = check_rows(s, b->rows);

    if (status)
        return status;
    if (b->effective > p->effective ||
        (uint64_t)b->first + b->rows > b->effective)
        return fail(&s->cb, PLANCL_REFUSED,
                    "samples %u to %u of an effective batch of %u given, the "
                    "plan's updates take up to %u samples",
                    b->first, b->first + b->rows - 1, b->effective,
                    p->effective);
    if (!p->sequence[SEQ_ACCUMULATE].count && b->rows != b->effective)
        return fail(&s->cb, PLANCL_REFUSED,
                    "%u of %u samples given, but the plan was compiled to take "
                    "a whole update at once",
                    b->rows, b->effective);
    if (s->updates >= UINT32_MAX)
        return fail(&s->cb, PLANCL_REFUSED,
                    "%" PRIu64 " updates are done, more than steps can count",
                    s->updates);
    return PLANCL_OK;
}

/* init and load see no samples. */
static const struct plancl_batch no_batch = {0, 0, 0};

enum plancl_status plancl_init(struct plancl_session *s)
{
    enum plancl_status status = session_usable(s);

    if (status)
        return status;
    set_all(s, 0, &no_batch);
    status = session_run(s, SEQ_INIT);
    if (status)
        return status;
    s->updates = 0;
    return plancl_weights_changed(s);
}

/* Whatever the plan derives from its parameters is made anew; the count of
 * updates stays. */
enum plancl_status plancl_weights_changed(struct plancl_session *s)
{
    enum plancl_status status = session_usable(s);

    if (status)
        return status;
    set_all(s, s->updates, &no_batch);
    status = session_run(s, SEQ_LOAD);
    return status ? status : plancl_finish(s);
}

static enum plancl_status run_forward(struct plancl_session *s, uint32_t rows,
                                      enum plan_sequence_id id)
{
    struct plancl_batch b = {rows, 0, rows};
    enum plancl_status status = session_usable(s);

    if (!status)
        status = has_sequence(s, id);
    if (!status)
        status = check_rows(s, rows);
    if (status)
        return status;
    set_all(s, s->updates, &b);
    return session_run(s, id);
}

enum plancl_status plancl_predict(struct plancl_session *s, uint32_t rows)
{
    return run_forward(s, rows, SEQ_PREDICT);
}

enum plancl_status plancl_evaluate(struct plancl_session *s, uint32_t rows)
{
    return run_forward(s, rows, SEQ_EVALUATE);
}

/* The number of the update is that which `step` will complete, the same for all
 * its micro-batches. */
static enum plancl_status run_training(struct plancl_session *s,
                                       const struct plancl_batch *b,
                                       enum plan_sequence_id id)
{
    enum plancl_status status = session_usable(s);

    if (!status)
        status = has_sequence(s, id);
    if (!status)
        status = check_batch(s, b);
    if (status)
        return status;
    set_all(s, s->updates + 1, b);
    return session_run(s, id);
}

enum plancl_status plancl_count(struct plancl_session *s,
                                const struct plancl_batch *b)
{
    return run_training(s, b, SEQ_COUNT);
}

enum plancl_status plancl_accumulate(struct plancl_session *s,
                                     const struct plancl_batch *b)
{
    return run_training(s, b, SEQ_ACCUMULATE);
}

enum plancl_status plancl_step(struct plancl_session *s,
                               const struct plancl_batch *b)
{
    enum plancl_status status = run_training(s, b, SEQ_STEP);

    if (!status)
        s->updates++;
    return status;
}

uint64_t plancl_updates(const struct plancl_session *s)
{
    return s->updates;
}

void plancl_set_updates(struct plancl_session *s, uint64_t updates)
{
    s->updates = updates;
}

void plancl_set_learning_rate(struct plancl_session *s, double rate)
{
    s->learning_rate = (float)rate;
}

enum plancl_status plancl_finish(struct plancl_session *s)
{
    enum plancl_status status = session_usable(s);
    cl_int error;

    if (status)
        return status;
    s->unflushed = 0;
    error = clFinish(s->queue);
    return error ? session_fail(s, error, "waiting for the device: clFinish")
                 : PLANCL_OK;
}
