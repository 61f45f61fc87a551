/*
 * plan_mutants.c: valid plan files with something changed.
 *
 * Plans of random models, some in little memory or in small slabs, are changed
 * in one place or two: a number of a buffer, an argument, an entry, a tensor or
 * the head; entries swapped, dropped, repeated or moved, with the counts of
 * writes put right or not; or any number in the file's text.  The file gets its
 * right digest and is read and verified.  It must be refused with one message,
 * or, where it is accepted, break no rule of plan_oracle.h.
 *
 * PLANCL_MUTANTS=n makes n, PLANCL_RANDOM_SEED=s begins with that seed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/plancl_compile.h"
#include "tests/plan_mutant.h"
#include "tests/plan_oracle.h"
#include "tests/plan_sample.h"
#include "tests/random_graph.h"

enum {
    MUTANTS = 10000,
    FIRST_SEED = 9000,
    FILES = 12,
    MOST_TEXT = 32000 /* of a file, so that reading it is quick */
};

/* What came of them. */
struct tally {
    unsigned accepted, unread, unverified, wrong;
};

/* ---- files ---- */

/* Another number where one stands in the text; it may not become longer than
 * what there is room for. */
static void change_text(struct mutant *m, struct text *t)
{
    size_t at = random_next(&m->state) % (t->len * 3 / 4), digits, len;
    char number[32];

    at += strcspn(t->s + at, "0123456789");
    digits = strspn(t->s + at, "0123456789");
    if (!digits || t->len - at < 200)
        return;
    len = (size_t)snprintf(number, sizeof number, "%" PRIu64,
                           mutant_near(m, strtoull(t->s + at, NULL, 10)));
    text_bytes(t, number, sizeof number); /* makes room */
    t->len -= sizeof number;
    memmove(t->s + at + len, t->s + at + digits, t->len - at - digits + 1);
    memcpy(t->s + at, number, len);
    t->len += len - digits;
    t->s[t->len] = '\0';
    sample_sign(t->s, t->len);
}

static void write_mutant(const struct plan *p, struct mutant *m, struct text *t)
{
    mutant_copy(p, t->arena, m);
    if (random_below(&m->state, 5) == 0) {
        plan_json_write(&m->plan, t);
        change_text(m, t);
        return;
    }
    mutant_change(m);
    if (random_below(&m->state, 3) == 0)
        mutant_change(m);
    plan_json_write(&m->plan, t);
}

/* ---- verdicts ---- */

static int judge(const struct text *t, struct tally *tally)
{
    struct plancl_plan *plan = NULL;
    struct said said;
    const char *broken = NULL;
    enum plancl_status status;
    int bad;

    said_init(&said);
    status = plan_json_read(t->s, t->len, &said.callbacks, &plan);
    tally->unread += status == PLANCL_REFUSED;
    if (!status) {
        status = plan_verify(&plan->plan, &said.callbacks);
        tally->unverified += status == PLANCL_REFUSED;
    }
    tally->accepted += status == PLANCL_OK;
    if (status == PLANCL_OK)
        broken = plan_oracle(&plan->plan);
    plancl_plan_free(plan);
    bad = broken || (status != PLANCL_OK && status != PLANCL_REFUSED) ||
          said.count != (status != PLANCL_OK);
    if (bad)
        fprintf(stderr, "status %d, %d messages (%s), breaks: %s\n", status,
                said.count, said.text, broken ? broken : "nothing");
    return bad;
}

static void keep(const struct text *t, unsigned number)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof path, "mutant-%u.plan", number);
    fprintf(stderr, "%s failed\n", path);
    f = fopen(path, "w");
    if (!f)
        return;
    fwrite(t->s, 1, t->len, f);
    fclose(f);
}

static void try_mutant(const struct plan *p, uint64_t seed, unsigned number,
                       struct tally *tally)
{
    struct mutant m = {.state = seed + number};
    struct arena a;
    struct text t = {.arena = &a};
    jmp_buf out_of_memory;

    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    write_mutant(p, &m, &t);
    if (judge(&t, tally)) {
        keep(&t, number);
        tally->wrong++;
    }
    arena_close(&a);
}

/* ---- the plans ---- */

static bool is_small(const struct plan *p)
{
    struct plan bare = *p;
    struct arena a;
    struct text t = {.arena = &a};
    jmp_buf out_of_memory;

    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    bare.program = 0;
    plan_json_write(&bare, &t);
    arena_close(&a);
    return t.len <= MOST_TEXT;
}

/* Every third as it is, the others in the least memory, of them one half in
 * slabs of half of that.  Null for a model that is too large. */
static struct plancl_plan *compiled_model(const char *model, unsigned file)
{
    struct plancl_compile_options o = {.skip = 0};
    struct plancl_plan *plan = NULL;
    uint64_t would_do = 0;

    if (plancl_compile("model.json", model, &o, NULL, &plan))
        return NULL;
    if (file % 3 == 0 && is_small(&plan->plan))
        return plan;
    o.would_do = &would_do;
    o.memory = 1;
    if (file % 3 == 2)
        o.max_allocation = plancl_plan_device_bytes(plan) / 2;
    if (is_small(&plan->plan)) {
        plancl_plan_free(plan);
        plancl_compile("model.json", model, &o, NULL, &plan);
        o.memory = would_do;
        if (would_do)
            plancl_compile("model.json", model, &o, NULL, &plan);
        return plan;
    }
    plancl_plan_free(plan);
    return NULL;
}

/* Without its program, which no rule looks at. */
static struct plancl_plan *compiled(uint64_t seed, unsigned file)
{
    struct random_model m;
    struct plancl_plan *plan;
    struct arena a;
    jmp_buf out_of_memory;

    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    random_model(seed, &a, &m);
    plan = compiled_model(m.text, file);
    arena_close(&a);
    if (plan)
        plan->plan.program = 0;
    return plan;
}

int main(void)
{
    const char *mutants = getenv("PLANCL_MUTANTS");
    const char *first = getenv("PLANCL_RANDOM_SEED");
    uint64_t seed = first ? strtoull(first, NULL, 10) : FIRST_SEED;
    unsigned n = mutants ? (unsigned)strtoul(mutants, NULL, 10) : MUTANTS;
    struct tally tally = {0};

    for (unsigned file = 0; file < FILES; seed++) {
        struct plancl_plan *plan = compiled(seed, file);

        if (plan) {
            for (unsigned i = file; i < n; i += FILES)
                try_mutant(&plan->plan, seed * n, i, &tally);
            file++;
        }
        plancl_plan_free(plan);
    }
    printf("%u mutants: %u unreadable, %u refused, %u accepted that break no "
           "rule, %u wrong\n",
           n, tally.unread, tally.unverified, tally.accepted - tally.wrong,
           tally.wrong);
    return tally.wrong != 0;
}
