/*
 * debug_memory.c: a session that looks for mistakes finds them.
 *
 * A good plan trains to the same weights there.  Then one lifetime at a time is
 * made shorter by hand, by an entry at its end.  The verifier refuses that; a run
 * that it did not guard finds the numbers still there; but with each buffer apart
 * the last reader finds NaN, and the weights are others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/plan_io.h"
#include "tests/plan_run.h"

enum { SKIP = 77, LEAST = 40 };

static void on_message(void *context, const struct plancl_message *m)
{
    (void)context;
    if (m->severity == PLANCL_ERROR)
        fprintf(stderr, "%s\n", m->text);
}

static const struct plancl_callbacks cb = {NULL, on_message, NULL};

static void must(enum plancl_status status, const char *what)
{
    if (status == PLANCL_OK)
        return;
    fprintf(stderr, "%s: status %d\n", what, (int)status);
    exit(status == PLANCL_DEVICE ? SKIP : 1);
}

static bool same(const struct plancl_plan *plan, enum run_memory memory,
                 const char *hash)
{
    struct outcome r;

    must(run_plan(plan, memory, &r), "a run");
    free(r.weights);
    return strcmp(r.hash, hash) == 0;
}

/* Does an entry write any of these? */
static bool writes_one(const struct plan *p, const struct plan_entry *e,
                       const bool *buffer)
{
    for (uint32_t i = 0; i < e->narg; i++) {
        const struct plan_arg *a = &p->arg[e->first_arg + i];

        if (a->kind == PLAN_ARG_BUFFER && (a->access & PLAN_WRITE) &&
            buffer[a->index])
            return true;
    }
    return false;
}

/* By entry of the step: do the weights follow from it?  Meters alone do not
 * count, since they are in no hash. */
static bool *entries_that_matter(const struct plan *p)
{
    const struct plan_sequence *q = &p->sequence[SEQ_STEP];
    bool *buffer = calloc(p->nbuffer, sizeof *buffer);
    bool *matters = calloc(q->count, sizeof *matters);

    if (!buffer || !matters)
        abort();
    for (uint32_t i = 0; i < p->nbuffer; i++)
        buffer[i] = p->buffer[i].kind == PLAN_PARAMETER;
    for (uint32_t at = q->count; at-- > 0;) {
        const struct plan_entry *e = &p->entry[q->first + at];

        matters[at] = writes_one(p, e, buffer);
        for (uint32_t i = 0; i < e->narg && matters[at]; i++)
            if (p->arg[e->first_arg + i].kind == PLAN_ARG_BUFFER)
                buffer[p->arg[e->first_arg + i].index] = true;
    }
    free(buffer);
    return matters;
}

static bool is_worth_it(const struct plan_buffer *b, const bool *matters)
{
    return b->kind == PLAN_TRANSIENT && b->sequence == SEQ_STEP &&
           b->dtype == DT_F32 && b->last > b->first && matters[b->last];
}

/* Returns how many were not found. */
static int shorten(struct plancl_plan *plan, const char *hash, int *tried)
{
    bool *matters = entries_that_matter(&plan->plan);
    int missed = 0;

    for (uint32_t i = 0; i < plan->plan.nbuffer; i++) {
        struct plan_buffer *b = (struct plan_buffer *)&plan->plan.buffer[i];

        if (!is_worth_it(b, matters))
            continue;
        b->last--;
        if (plan_verify(&plan->plan, NULL) != PLANCL_REFUSED ||
            same(plan, RUN_DEBUG_MEMORY, hash)) {
            fprintf(stderr, "%s, dead too early, is not found\n",
                    plan_string(&plan->plan, b->name));
            missed++;
        }
        ++*tried;
        b->last++;
    }
    free(matters);
    return missed;
}

static int check(const char *name)
{
    const struct plancl_compile_options none = {.skip = 0};
    const char *top = getenv("top_srcdir");
    struct plancl_plan *plan = NULL;
    struct outcome base;
    int bad, tried = 0;
    char path[4096];

    snprintf(path, sizeof path, "%s/tests/models/%s.json", top ? top : ".",
             name);
    must(plancl_compile(path, NULL, &none, &cb, &plan), path);
    must(run_plan(plan, RUN_PLANNED_MEMORY, &base), name);
    free(base.weights);
    bad = !same(plan, RUN_DEBUG_MEMORY, base.hash);
    if (bad)
        fprintf(stderr, "%s: other weights with each buffer apart\n", name);
    bad += shorten(plan, base.hash, &tried);
    printf("%s: %d lifetimes too short, %d missed\n", name, tried, bad);
    plancl_plan_free(plan);
    return bad || tried < LEAST;
}

int main(void)
{
    int bad = check("two_heads");

    bad += check("decoder");
    return bad != 0;
}
