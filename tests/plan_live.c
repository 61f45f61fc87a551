/*
 * plan_live.c: who lives at the peak, and the pictures of memory, of a plan that
 * is small enough to draw by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/plan_live.h"
#include "tests/plan_sample.h"

#include <cmocka.h>

struct bench {
    struct sample sample;
    struct arena arena;
    struct text text;
    jmp_buf out_of_memory;
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));

    if (!b || setjmp(b->out_of_memory))
        return -1;
    sample_make(&b->sample);
    arena_open(&b->arena, &b->out_of_memory);
    b->text.arena = &b->arena;
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    arena_close(&b->arena);
    free(b);
    return 0;
}

static int occurrences(const char *s, const char *what)
{
    int n = 0;

    for (; (s = strstr(s, what)); s++)
        n++;
    return n;
}

/* In entry 1 "over" is written over "hidden": they count once. */
static void live_set_adds_up(void **state)
{
    struct bench *b = *state;
    struct plan_live live = plan_live_of(&b->sample.plan, &b->arena);

    assert_int_equal(live.peak.sequence, SEQ_STEP);
    assert_int_equal(live.peak.entry, 1);
    assert_int_equal(live.peak.bytes, 96);
    assert_int_equal(live.n, 2);
    assert_int_equal(live.buffer[0], OVER);
    assert_int_equal(live.buffer[1], SCRATCH);
}

/* Rows are six bytes high, so that the border at 64 is in the eleventh. */
static void map_shows_who_lies_where(void **state)
{
    static const char *const wanted[] = {
        "slab 1, 96 bytes\n       90 B | b++|\n",
        "\n       66 B | b++|\n       60 B |+aa+|\n       54 B |+aa |\n",
        "\n        0 B |+aa |\n              ^ entry 1 of 0 to 3\n",
        "              0              0             32  scratch\n",
        "             64              0              0  over\n",
        "  a             64  #7 over, transient, entries 1 to 2\n",
        "  b             32  #8 scratch, workspace, entries 1 to 1\n",
    };
    struct bench *b = *state;

    plan_print_memory(&b->sample.plan, &b->text);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
        if (!strstr(b->text.s, wanted[i]))
            fail_msg("\"%s\" is missing in:\n%s", wanted[i], b->text.s);
}

/* Two slabs, six buffers that live always, four of the step. */
static void drawing_has_all_buffers(void **state)
{
    struct bench *b = *state;
    char *name = b->sample.string + b->sample.buffer[HIDDEN].name;

    assert_string_equal(name, "hidden");
    memcpy(name, "<&>\t\"e", sizeof "hidden");
    plan_draw_memory(&b->sample.plan, &b->text);
    assert_int_equal(occurrences(b->text.s, "<rect "), 2 + 6 + 4);
    assert_int_equal(occurrences(b->text.s, "</title></rect>"), 2 + 6 + 4);
    assert_non_null(strstr(b->text.s, "<title>&lt;&amp;> \"e: transient, 64 "
                                      "bytes, slab 1 at 0, entries 0 to 1<"));
    assert_non_null(strstr(b->text.s, "peak: step entry 1, 96 bytes"));
}

/* A plan without an arena has no peak. */
static void nothing_shared_is_no_map(void **state)
{
    struct bench *b = *state;
    struct plan *p = &b->sample.plan;

    p->nbuffer = HIDDEN;
    plan_print_memory(p, &b->text);
    assert_null(strstr(b->text.s, "slab"));
    plan_draw_memory(p, &b->text);
    assert_null(strstr(b->text.s, "peak:"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(live_set_adds_up),
        CASE(map_shows_who_lies_where),
        CASE(drawing_has_all_buffers),
        CASE(nothing_shared_is_no_map),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
