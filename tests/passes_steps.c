/*
 * passes_steps.c: the order of steps, and which buffers are one place, on tables
 * of small lists.
 *
 * A step is written "r0 r2 w3:0": it reads buffers 0 and 2 and writes 3, which
 * may share the memory of its use number 0; "x4" is a workspace, and "u" at the
 * start marks an optimizer's update.  Buffers below `leaves` are leaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* base.h has a function of this name */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/lower.h"
#include "runtime/profile.h"

enum { MOST_STEPS = 12, MOST_USES = 8, MOST_MOVES = 3 };

struct list {
    const char *name;
    int leaves, buffers;
    const char *step[MOST_STEPS];
    struct move move[MOST_MOVES]; /* ends with 0 <- 0 */
    bool forbid;                  /* early updates, results in place */
    const char *want;
};

/* ---- reading ---- */

/* "r2", "w3:0,1", "x4"; every buffer has 64 bytes. */
static void read_use(struct use *u, struct buffer *buffer, const char **s)
{
    char kind = *(*s)++;
    char *end;

    u->buffer = (int)strtol(*s, &end, 10);
    u->bytes = buffer[u->buffer].bytes;
    u->access = kind == 'r' ? PLAN_READ : PLAN_WRITE;
    if (kind == 'x') {
        u->access = PLAN_READ | PLAN_WRITE;
        buffer[u->buffer].kind = PLAN_WORKSPACE;
    }
    while (*end == ':' || *end == ',')
        u->over |= 1U << strtol(end + 1, &end, 10);
    *s = end;
}

/* The text is the step's name, by which it is found again. */
static void read_step(struct step *t, struct buffer *buffer, struct arena *a,
                      const char *s)
{
    t->use = ARENA_NEW(a, struct use, MOST_USES);
    t->kernel = t->path = s;
    while (*s)
        if (*s == 'u') {
            t->update = true;
            s++;
        } else if (isspace((unsigned char)*s)) {
            s++;
        } else {
            read_use(&t->use[t->nuse++], buffer, &s);
        }
}

/* Leaves first, as lower.c numbers them. */
static struct steps *read_list(const struct list *l, struct arena *a)
{
    struct steps *s = ARENA_NEW(a, struct steps, 1);

    s->nleaf = l->leaves;
    s->nbuffer = s->cap_buffer = l->buffers;
    s->buffer = ARENA_NEW(a, struct buffer, (size_t)l->buffers);
    for (int b = 0; b < l->buffers; b++)
        s->buffer[b] = (struct buffer){.kind = b < l->leaves ? PLAN_PARAMETER
                                                             : PLAN_TRANSIENT,
                                       .dtype = DT_F32,
                                       .bytes = 64,
                                       .name = "buffer"};
    s->step = ARENA_NEW(a, struct step, MOST_STEPS);
    s->cap = MOST_STEPS;
    for (; s->n < MOST_STEPS && l->step[s->n]; s->n++)
        read_step(&s->step[s->n], s->buffer, a, l->step[s->n]);
    s->move = ARENA_NEW(a, struct move, MOST_MOVES);
    for (; s->nmove < MOST_MOVES && l->move[s->nmove].value; s->nmove++)
        s->move[s->nmove] = l->move[s->nmove];
    return s;
}

/* ---- order ---- */

/* Want: the old numbers of the steps. */
static const struct list orders[] = {
    {.name = "an update follows its gradient",
     .leaves = 2,
     .buffers = 8,
     .step = {"r0 r1 w2", "r2 w3", "r2 w4", "r4 w5", "u r0 r3 w6:0"},
     .move = {{0, 6}},
     .want = "0 1 4 2 3"},
    {.name = "unless that is forbidden",
     .leaves = 2,
     .buffers = 8,
     .step = {"r0 r1 w2", "r2 w3", "u r0 r3 w6:0", "r2 w4"},
     .move = {{0, 6}},
     .forbid = true,
     .want = "0 1 3 2"},
    {.name = "it waits for readers of its parameter",
     .leaves = 2,
     .buffers = 8,
     .step = {"r1 w2", "r2 w3", "r0 w4", "r4 w5", "u r0 r2 w6:0"},
     .move = {{0, 6}},
     .want = "0 1 2 4 3"},
    {.name = "and of its state",
     .leaves = 3,
     .buffers = 8,
     .step = {"r1 w3", "r3 w4", "r2 w5", "u r0 r2 r3 w6:0 w7:1"},
     .move = {{0, 6}, {2, 7}},
     .want = "0 1 2 3"},
    {.name = "two updates, each at its time",
     .leaves = 2,
     .buffers = 9,
     .step = {"w2", "r2 r1 w3", "r2 w4", "r3 r0 w5", "r3 w6", "u r0 r6 w7:0",
              "u r1 r4 w8:0"},
     .move = {{0, 7}, {1, 8}},
     .want = "0 1 2 6 3 4 5"},
    {.name = "an update that reads another parameter comes before its update",
     .leaves = 2,
     .buffers = 6,
     .step = {"w2", "r2 w3", "u r0 r2 w4:0", "u r1 r0 r3 w5:0"},
     .move = {{0, 4}, {1, 5}},
     .want = "0 1 3 2"},
    {.name = "without updates nothing moves",
     .leaves = 1,
     .buffers = 4,
     .step = {"r0 w1", "w2", "r1 r2 w3"},
     .want = "0 1 2"},
};

static const char *order_text(const struct list *l, const struct steps *s,
                              struct arena *a)
{
    struct text t = {.arena = a};

    for (int i = 0; i < s->n; i++)
        for (int k = 0; l->step[k]; k++)
            if (s->step[i].kernel == l->step[k])
                text_add(&t, "%s%d", i ? " " : "", k);
    return t.s;
}

/* ---- places ---- */

/* Want: "buffer=place" for each buffer that lies elsewhere than by itself, and
 * "copies n". */
static const struct list places[] = {
    {.name = "a parameter is updated in place",
     .leaves = 2,
     .buffers = 3,
     .step = {"r0 r1 w2:0"},
     .move = {{0, 2}},
     .want = "2=0 copies 0"},
    {.name = "not when the kernel cannot",
     .leaves = 2,
     .buffers = 3,
     .step = {"r0 r1 w2:1"},
     .move = {{0, 2}},
     .want = "copies 1"},
    {.name = "not when the old one is read later",
     .leaves = 2,
     .buffers = 4,
     .step = {"r0 r1 w2:0", "r0 w3"},
     .move = {{0, 2}},
     .want = "copies 1"},
    {.name = "nor when that is forbidden",
     .leaves = 2,
     .buffers = 3,
     .step = {"r0 r1 w2:0"},
     .move = {{0, 2}},
     .forbid = true,
     .want = "copies 1"},
    {.name = "the old one may be read before",
     .leaves = 2,
     .buffers = 4,
     .step = {"r0 w3", "r1 r3 w2"},
     .move = {{0, 2}},
     .want = "2=0 copies 0"},
    {.name = "an output is made in its place",
     .leaves = 2,
     .buffers = 4,
     .step = {"r0 w2", "r2 w3"},
     .move = {{1, 2}},
     .forbid = true,
     .want = "2=1 copies 0"},
    {.name = "read twice, once not element by element",
     .leaves = 2,
     .buffers = 3,
     .step = {"r0 r0 w2:0"},
     .move = {{0, 2}},
     .want = "copies 1"},
    {.name = "a result goes over what dies",
     .leaves = 1,
     .buffers = 4,
     .step = {"r0 w1", "r1 w2:0", "r2 w3:0"},
     .want = "2=1 3=1 copies 0"},
    {.name = "not over what is read later",
     .leaves = 1,
     .buffers = 5,
     .step = {"r0 w1", "r1 w2:0", "r1 r2 w3:0,1"},
     .want = "3=1 copies 0"},
    {.name = "nor over a leaf",
     .leaves = 1,
     .buffers = 2,
     .step = {"r0 w1:0"},
     .want = "copies 0"},
    {.name = "nor where that is forbidden",
     .leaves = 1,
     .buffers = 3,
     .step = {"r0 w1", "r1 w2:0"},
     .forbid = true,
     .want = "copies 0"},
    {.name = "of two results one",
     .leaves = 1,
     .buffers = 4,
     .step = {"r0 w1", "r1 w2:0 w3:0"},
     .want = "2=1 copies 0"},
    {.name = "two results, two operands",
     .leaves = 1,
     .buffers = 5,
     .step = {"r0 w1", "r0 w2", "r1 r2 w3:0,1 w4:0,1"},
     .want = "3=1 4=2 copies 0"},
    {.name = "an operand read twice, once otherwise",
     .leaves = 1,
     .buffers = 3,
     .step = {"r0 w1", "r1 r1 w2:0"},
     .want = "copies 0"},
    {.name = "nor over a workspace",
     .leaves = 1,
     .buffers = 4,
     .step = {"r0 w1 x2", "r1 w3"},
     .want = "copies 0"},
    {.name = "what is copied at the end stays whole",
     .leaves = 1,
     .buffers = 4,
     .step = {"r0 w1", "r1 w2:0", "r0 w3"},
     .move = {{0, 1}},
     .want = "copies 1"},
    {.name = "what is made in a leaf stays whole",
     .leaves = 2,
     .buffers = 4,
     .step = {"r0 w2", "r2 w3:0"},
     .move = {{1, 2}},
     .want = "2=1 copies 0"},
};

static const char *places_text(const struct steps *s, int buffers, int copies,
                               struct arena *a)
{
    struct text t = {.arena = a};

    for (int b = 0; b < buffers; b++)
        if (s->root[b] != b)
            text_add(&t, "%d=%d ", b, s->root[b]);
    text_add(&t, "copies %d", copies);
    return t.s;
}

/* ---- running ---- */

/* A list must verify before and after, and no step may be lost. */
static const char *run(const struct list *l, bool order, struct arena *a)
{
    struct device_profile profile;
    struct graph g = {.arena = a};
    struct steps *s = read_list(l, a);
    int before = s->n;

    assert_null(steps_verify(s, a));
    if (order) {
        schedule(s, &g, !l->forbid);
        assert_null(steps_verify(s, a));
        assert_int_equal(s->n, before);
        return order_text(l, s, a);
    }
    assert_int_equal(profile_read("cpu", NULL, &profile), PLANCL_OK);
    inplace(s, &g, &profile.info, !l->forbid);
    return places_text(s, l->buffers, s->n - before, a);
}

static void check_list(const struct list *l, bool order)
{
    struct arena a;
    jmp_buf out_of_memory;
    const char *got;

    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    got = run(l, order, &a);
    if (strcmp(got, l->want) != 0)
        print_error("%s: %s, wanted %s\n", l->name, got, l->want);
    assert_string_equal(got, l->want);
    arena_close(&a);
}

static void check(const struct list *l, size_t n, bool order)
{
    for (size_t i = 0; i < n; i++)
        check_list(&l[i], order);
}

static void updates_come_early(void **state)
{
    (void)state;
    check(orders, sizeof orders / sizeof *orders, true);
}

static void places_are_shared(void **state)
{
    (void)state;
    check(places, sizeof places / sizeof *places, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_come_early),
        cmocka_unit_test(places_are_shared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
