/*
 * plan_verify.c: is a plan safe to run, as far as its own numbers say?
 *
 * Written apart from the allocator and sharing nothing with it, so that a
 * mistake there is seen here.  What kernels really do with their arguments is
 * not looked at; the extents in the plan are taken at their word.
 *
 * Cost: O((buffers + arguments) log of them), so that every load can afford it.
 */
#include <inttypes.h>

#include "runtime/plan_io.h"

/* The header's promises about the arena.  The bound may count the bytes that
 * alignment adds to each buffer, and no more. */
static enum plancl_status check_peak(const struct plan *p,
                                     const struct plan_peak *peak,
                                     const struct plancl_callbacks *cb)
{
    if (peak->bytes > p->arena_bytes)
        return fail(cb, PLANCL_REFUSED,
                    "%" PRIu64 " bytes are live at once, the arena has "
                    "%" PRIu64,
                    peak->bytes, p->arena_bytes);
    if (p->live_lower_bound < peak->bytes ||
        p->live_lower_bound > peak->whole_units)
        return fail(cb, PLANCL_REFUSED,
                    "live_lower_bound is %" PRIu64 ", %s entry %" PRIu32
                    " has %" PRIu64 " bytes live",
                    p->live_lower_bound, plan_sequence_name(peak->sequence),
                    peak->entry, peak->bytes);
    return PLANCL_OK;
}

static enum plancl_status verify(const struct plan *p, struct arena *a,
                                 const struct plancl_callbacks *cb)
{
    struct plan_peak peak;
    enum plancl_status status = plan_check_ranges(p, a, cb);

    if (!status)
        status = plan_check_lifetimes(p, a, cb, &peak);
    if (!status)
        status = check_peak(p, &peak, cb);
    if (!status)
        status = plan_check_contents(p, a, cb);
    return status;
}

enum plancl_status plan_verify(const struct plan *p,
                               const struct plancl_callbacks *cb)
{
    jmp_buf out_of_memory;
    struct arena arena;
    enum plancl_status status;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&arena);
        return fail(cb, PLANCL_MEMORY, "no memory to verify the plan");
    }
    status = verify(p, &arena, cb);
    arena_close(&arena);
    return status;
}
