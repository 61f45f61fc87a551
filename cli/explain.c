/*
 * explain.c: a plan's memory in a few lines: the peak, what was done to lower
 * it, the largest buffers there, and other budgets.
 *
 * Numbers are the compiler's own: the loads of struct plancl_compile_done, the
 * plan's lifetimes, and two more compiles.  Nothing here estimates.
 */
#include "cli/explain.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>

#include "runtime/plan_live.h"

enum { LARGEST = 5 };

static const uint64_t gib = UINT64_C(1) << 30;

/* The rungs of the ladder in their order: recomputation, then pieces of the
 * batch.  Without training there are no loads. */
static void print_rungs(const struct plancl_compile_done *d,
                        const struct plan *p)
{
    if (d->kept_load)
        printf("peak of training: %" PRIu64
               " bytes alive in the arena, %" PRIu64
               " with every result kept\n",
               d->load, d->kept_load);
    if (d->repeats)
        printf("computed again: %" PRIu32
               " results, in %.1f %% more predicted time\n",
               d->repeats, 100 * (d->seconds / d->kept_seconds - 1));
    else
        printf("computed again: nothing\n");
    if (p->batch == p->effective)
        printf("batch: %" PRIu32 " samples in one piece\n", p->batch);
    else
        printf("batch: %" PRIu32 " samples in pieces of %" PRIu32 "\n",
               p->effective, p->batch);
    printf("predicted %s: %.4g s\n",
           p->sequence[SEQ_STEP].count ? "step" : "prediction",
           plan_batch_seconds(p));
}

/* Who holds the peak where it is: the first candidates for a smaller size. */
static void print_largest(const struct plan *p, struct arena *a)
{
    struct plan_live live = plan_live_of(p, a);
    const struct plan_sequence *q = p->sequence + live.peak.sequence;

    if (!live.n)
        return;
    printf("largest of %" PRIu32 " buffers alive at the peak, %s entry %" PRIu32
           " (%s):\n",
           live.n, plan_sequence_name(live.peak.sequence), live.peak.entry,
           plan_string(p, p->entry[q->first + live.peak.entry].layer));
    for (uint32_t i = 0; i < live.n && i < LARGEST; i++) {
        const struct plan_buffer *b = p->buffer + live.buffer[i];

        printf("  %14" PRIu64 "  %s\n", b->bytes, plan_string(p, b->name));
    }
}

/* ---- other budgets ---- */

/* Differences in predicted time, against the plan that was asked for. */
static void print_other(const struct plan *p, const struct plan *other,
                        const struct plancl_compile_done *d)
{
    double seconds = plan_batch_seconds(other);

    printf("%.4g s, %+.1f %%", seconds,
           100 * (seconds / plan_batch_seconds(p) - 1));
    if (d->repeats)
        printf(", %" PRIu32 " computed again", d->repeats);
    if (other->batch != p->batch)
        printf(", in pieces of %" PRIu32, other->batch);
    printf("\n");
}

/* The same model within so many bytes; messages are of no interest, since this
 * is not what was asked for. */
static enum plancl_status try_memory(const struct model_file *model,
                                     struct plancl_compile_options c,
                                     const struct plan *p, uint64_t bytes)
{
    struct plancl_compile_done done = {0};
    struct plancl_plan *other = NULL;
    uint64_t would_do = 0;
    enum plancl_status status;

    c.memory = bytes;
    c.memory_part = 0;
    c.done = &done;
    c.would_do = &would_do;
    c.dump = NULL;
    status = plancl_compile(model->path, model->text, &c, NULL, &other);
    if (other)
        print_other(p, &other->plan, &done);
    else if (status == PLANCL_REFUSED && would_do)
        printf("too few, %" PRIu64 " would do\n", would_do);
    else if (status == PLANCL_REFUSED)
        printf("too few\n");
    plancl_plan_free(other);
    return status == PLANCL_REFUSED ? PLANCL_OK : status;
}

/* A GiB more and a GiB less; of less than two an eighth. */
static enum plancl_status try_others(const struct model_file *model,
                                     const struct plancl_compile_options *c,
                                     const struct plan *p, uint64_t budget)
{
    uint64_t change = budget < 2 * gib ? budget / 8 : gib;
    enum plancl_status status;

    printf("with %" PRIu64 " bytes, %" PRIu64 " more: ", budget + change,
           change);
    status = try_memory(model, *c, p, budget + change);
    if (status)
        return status;
    printf("with %" PRIu64 " bytes, %" PRIu64 " less: ", budget - change,
           change);
    return try_memory(model, *c, p, budget - change);
}

/* Where no budget was given the plan's own bytes are the middle of the
 * comparison. */
enum plancl_status explain(const struct model_file *model,
                           const struct plancl_compile_options *c,
                           const struct plancl_compile_done *done,
                           const struct plancl_plan *plan,
                           const struct plancl_callbacks *cb)
{
    const struct plan *p = &plan->plan;
    jmp_buf out_of_memory;
    struct arena arena;
    enum plancl_status status;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&arena);
        return fail(cb, PLANCL_MEMORY, "out of memory to explain the plan");
    }
    print_rungs(done, p);
    print_largest(p, &arena);
    arena_close(&arena);
    status = try_others(model, c, p,
                        done->memory ? done->memory : p->device_bytes);
    return status
               ? fail(cb, status, "%s: cannot be compiled again", model->path)
               : PLANCL_OK;
}
