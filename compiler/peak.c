/* peak.c: the entry with the most shared bytes alive; see peak.h. */
#include "compiler/peak.h"

#include <inttypes.h>
#include <string.h>

#include "compiler/op.h"
#include "runtime/plan_live.h"

enum { SHOWN = 5 };

/* Without the number that emit() puts before it. */
static const char *kernel_name(const struct plan *p, const struct plan_entry *e)
{
    const char *name = plan_string(p, e->kernel);
    const char *rest = strchr(name, '_');

    return rest ? rest + 1 : name;
}

static void describe(const struct plan *p, const struct plan_live *live,
                     uint64_t align, struct text *t)
{
    const struct plan_entry *e =
        &p->entry[p->sequence[live->peak.sequence].first + live->peak.entry];

    text_add(t, "%s (%s):", plan_string(p, e->layer), kernel_name(p, e));
    for (uint32_t k = 0; k < live->n && k < SHOWN; k++) {
        const struct plan_buffer *b = &p->buffer[live->buffer[k]];

        text_add(t, "%s %s %" PRIu64, k ? "," : "", plan_string(p, b->name),
                 round_up_u64(b->bytes, align));
    }
}

bool peak_reject(struct graph *g, const struct plan *least,
                 const struct device_profile *profile, uint64_t budget)
{
    struct plan_live live = plan_live_of(least, g->arena);
    struct text t = {.arena = g->arena};

    describe(least, &live, profile->alignment, &t);
    g->path = NULL;
    return reject_here(g,
                       "%" PRIu64 " bytes of memory are too few: %" PRIu64
                       " would do, %" PRIu64
                       " of them for parameters, state, inputs and outputs; "
                       "the rest is what sequence %s needs at %s",
                       budget, least->device_bytes,
                       least->device_bytes - least->arena_bytes,
                       plan_sequence_name(live.peak.sequence), t.s);
}
