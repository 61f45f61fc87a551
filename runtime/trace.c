/*
 * trace.c: where the time of a session went, entry by entry.
 *
 * Measuring waits after each sequence, so that its events are released before
 * the next one needs them.  Totals are exact; of single runs the last
 * TRACE_EVENTS are kept, for a trace that chrome://tracing or Perfetto opens.
 *
 * Events are of the device's clock and lie in a ring that was taken at open, so
 * measuring takes no memory as it runs.
 */
#include <inttypes.h>
#include <stdio.h>

#include "runtime/plan_io.h"
#include "runtime/session_state.h"

static void keep(struct plancl_session *s, uint32_t entry, cl_ulong start,
                 cl_ulong end)
{
    struct trace_event *e = &s->trace[s->traced++ % TRACE_EVENTS];

    *e = (struct trace_event){start, end, entry};
    s->time[entry].runs++;
    s->time[entry].nanoseconds += end - start;
}

static cl_int event_times(cl_event event, cl_ulong *start, cl_ulong *end)
{
    cl_int error = clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START,
                                           sizeof *start, start, NULL);

    return error ? error
                 : clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END,
                                           sizeof *end, end, NULL);
}

/* Also after a failed sequence, whose first `launched` events there are: an
 * event that is not released would hold memory of the driver. */
enum plancl_status trace_collect(struct plancl_session *s,
                                 enum plan_sequence_id id, uint32_t launched)
{
    uint32_t first = s->plan->sequence[id].first;
    cl_int error = clFinish(s->queue);

    for (uint32_t i = 0; i < launched; i++) {
        cl_ulong start = 0, end = 0;

        if (!s->event[i])
            continue;
        if (!error)
            error = event_times(s->event[i], &start, &end);
        if (!error)
            keep(s, first + i, start, end);
        clReleaseEvent(s->event[i]);
        s->event[i] = NULL;
    }
    if (error && !s->failed)
        return session_fail(s, error, "measuring the sequence \"%s\"",
                            plan_sequence_name(id));
    return PLANCL_OK;
}

static const char *sequence_of(const struct plan *p, uint32_t entry)
{
    for (int i = 0; i < SEQ_KINDS; i++)
        if (entry >= p->sequence[i].first &&
            entry - p->sequence[i].first < p->sequence[i].count)
            return plan_sequence_name((enum plan_sequence_id)i);
    return "";
}

uint32_t plancl_profile_entries(const struct plancl_session *s)
{
    return s->profile ? s->plan->nentry : 0;
}

static enum plancl_status not_measured(const struct plancl_session *s)
{
    return fail(&s->cb, PLANCL_REFUSED,
                "the session was opened without measuring "
                "(plancl_session_options.profile)");
}

enum plancl_status plancl_profile_entry(struct plancl_session *s,
                                        uint32_t index,
                                        struct plancl_profile_entry *out)
{
    const struct plan *p = s->plan;
    const struct plan_entry *e;

    if (!s->profile)
        return not_measured(s);
    if (index >= p->nentry)
        return fail(&s->cb, PLANCL_REFUSED,
                    "entry %u asked for, the plan has %u", index, p->nentry);
    e = &p->entry[index];
    *out = (struct plancl_profile_entry){
        .sequence = sequence_of(p, index),
        .layer = plan_string(p, e->layer),
        .kernel = plan_string(p, e->kernel),
        .seconds = 1e-9 * (double)s->time[index].nanoseconds,
        .predicted = e->seconds,
        .runs = s->time[index].runs};
    return PLANCL_OK;
}

/* Times are microseconds from the first event that was kept. */
static void add_event(struct text *t, const struct plan *p,
                      const struct trace_event *e, uint64_t zero)
{
    const struct plan_entry *entry = &p->entry[e->entry];

    text_add(t, "{\"name\": ");
    text_json_string(t, plan_string(p, entry->layer));
    text_add(t,
             ", \"ph\": \"X\", \"pid\": 1, \"tid\": 1, \"ts\": %.3f, "
             "\"dur\": %.3f, \"cat\": \"%s\", \"args\": {\"kernel\": ",
             1e-3 * (double)(e->start - zero),
             1e-3 * (double)(e->end - e->start), sequence_of(p, e->entry));
    text_json_string(t, plan_string(p, entry->kernel));
    text_add(t, ", \"sequence\": \"%s\", \"predicted_us\": %.3f}}",
             sequence_of(p, e->entry), 1e6 * entry->seconds);
}

/* One event at a time, so that memory does not grow with the trace. */
static void write_events(const struct plancl_session *s, FILE *f,
                         struct arena *a)
{
    uint64_t n = s->traced < TRACE_EVENTS ? s->traced : TRACE_EVENTS;
    uint64_t first = s->traced - n;
    uint64_t zero = n ? s->trace[first % TRACE_EVENTS].start : 0;
    struct text t = {.arena = a};

    fprintf(f, "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n");
    for (uint64_t i = first; i < s->traced; i++) {
        t.len = 0;
        add_event(&t, s->plan, &s->trace[i % TRACE_EVENTS], zero);
        fwrite(t.s, 1, t.len, f);
        fputs(i + 1 < s->traced ? ",\n" : "\n", f);
    }
    fprintf(f, "]}\n");
}

enum plancl_status plancl_trace_save(struct plancl_session *s, const char *path)
{
    struct file_writer w;
    struct arena a;
    jmp_buf out_of_memory;
    enum plancl_status status;

    if (!s->profile)
        return not_measured(s);
    status = file_begin(&w, path, &s->cb);
    if (status)
        return status;
    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&a);
        file_abandon(&w);
        return fail(&s->cb, PLANCL_MEMORY, "no host memory to write %s", path);
    }
    write_events(s, w.stream, &a);
    arena_close(&a);
    return file_commit(&w, &s->cb);
}
