/*
 * plan_refuse.c: plans with one thing wrong are refused with the right reason,
 * and no text whatever brings the reader down.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* base.h has a function of this name */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plan_sample.h"

/* A member of the sample, what to put there, and what is then said. */
struct wrong_number {
    const char *member;
    size_t at, size;
    uint64_t value;
    const char *reason;
};

#define SET(member, value, reason)                                             \
    {                                                                          \
#member, offsetof(struct sample, member),                              \
            sizeof(((struct sample *)NULL)->member), (uint64_t)(value), reason \
    }
#define INFINITE 0x7ff0000000000000u

/* One number at a time; the reason shows which check saw it. */
static const struct wrong_number wrong_numbers[] = {
    SET(plan.version, 2, "version 2"),
    SET(plan.nslab, 1u << 31, "slabs, more than"),
    SET(plan.nstring, 0, "strings"),
    SET(plan.name, 5000, "not in its table"),
    SET(plan.family, 2, "family 2"),
    SET(plan.batch, 0, "batch 0"),
    SET(plan.effective, 3, "effective batch 3"),
    SET(plan.learning_rate, INFINITE, "learning rate"),
    SET(plan.numerics[5], 'X', "numerics"),
    SET(plan.numerics[64], 'a', "numerics"),
    SET(plan.device_bytes, 671, "device_bytes is 671"),
    SET(plan.arena_bytes, 128, "arena_bytes is 128"),
    SET(plan.live_lower_bound, 64, "live_lower_bound is 64"),
    SET(plan.live_lower_bound, 97, "live_lower_bound is 97"),
    SET(plan.max_allocation, 575, "slab 0 has 576 bytes"),
    SET(plan.nconstant_bytes, 8, "8 bytes of constants"),
    SET(slab_bytes[1], 0, "slab 1 has 0 bytes"),
    SET(slab_bytes[0], UINT64_MAX, "slab 0 has 18446744073709551615"),
    SET(slab_kind[0], PLAN_KINDS, "slab 0 is of the unknown kind"),
    SET(slab_kind[1], PLAN_STATE, "arena_bytes"),
    SET(plan.sequence[SEQ_STEP].first, 2, "sequence step begins"),
    SET(plan.sequence[SEQ_STEP].count, 3, "sequence predict begins"),
    SET(plan.sequence[SEQ_PREDICT].count, 1, "the sequences have 6"),
    SET(buffer[WEIGHT].kind, PLAN_KINDS, "buffer 0 has a name, kind"),
    SET(buffer[WEIGHT].dtype, 8, "buffer 0 has a name, kind"),
    SET(buffer[WEIGHT].name, 1 << 20, "buffer 0 has a name, kind"),
    SET(buffer[WEIGHT].slab, 2, "slab 2 of 2"),
    SET(buffer[WEIGHT].slab, 1, "is in a slab of kind transient"),
    SET(buffer[WEIGHT].offset, 556, "slab 0, which has 576"),
    SET(buffer[WEIGHT].offset, UINT64_MAX - 3, "slab 0, which has 576"),
    SET(buffer[WEIGHT].offset, 2, "no element of f32"),
    SET(buffer[WEIGHT].offset, 52, "share bytes"),
    SET(buffer[WEIGHT].bytes, 68, "its buffer's size"),
    SET(buffer[WEIGHT].bytes, 0, "takes 0 bytes"),
    SET(buffer[WEIGHT].bytes, 20, "reaches beyond it"),
    SET(buffer[HIDDEN].sequence, SEQ_KINDS, "its sequence does not have"),
    SET(buffer[HIDDEN].sequence, SEQ_PREDICT, "outside its lifetime"),
    SET(buffer[HIDDEN].last, 4, "its sequence does not have"),
    SET(buffer[HIDDEN].last, 0, "outside its lifetime"),
    SET(buffer[HIDDEN].last, 2, "share bytes"),
    SET(buffer[HIDDEN].offset, 4, "share bytes"),
    SET(buffer[OVER].first, 2, "outside its lifetime"),
    SET(buffer[OVER].first, 0, "share bytes"),
    SET(buffer[OVER].last, 1, "outside its lifetime"),
    SET(buffer[OVER].offset, 32, "share bytes"),
    SET(buffer[OVER].bytes, 60, "reaches beyond it"),
    SET(buffer[SCRATCH].last, 2, "more than one entry"),
    SET(buffer[SCRATCH].offset, 60, "share bytes"),
    SET(buffer[DELTA].first, 1, "share bytes"),
    SET(buffer[DELTA].offset, 32, "share bytes"),
    SET(entry[1].kernel, 1 << 20, "no kernel"),
    SET(entry[1].kernel, 0, "no kernel"),
    SET(entry[1].layer, 1 << 20, "no layer"),
    SET(entry[1].first_arg, 1, "arguments from 1 on"),
    SET(entry[6].narg, 1, "24 arguments"),
    SET(entry[6].narg, UINT32_MAX, "4294967295 arguments"),
    SET(entry[1].global[0], 65, "65 work-items in groups of 16"),
    SET(entry[1].global[2], 0, "0 work-items"),
    SET(entry[1].local[1], 0, "groups of 0"),
    SET(entry[1].global[1], 1ull << 62, "too many work-items"),
    SET(entry[1].seconds, INFINITE, "predicted"),
    SET(arg[0].kind, 9, "argument of kind 9"),
    SET(arg[0].index, SAMPLE_BUFFERS, "buffer 11 of 11"),
    SET(arg[0].index, IMAGE, "only the host may"),
    SET(arg[0].index, CONSTANT, "reaches beyond"),
    SET(arg[0].access, 0, "neither reads nor writes"),
    SET(arg[0].access, 4, "neither reads nor writes"),
    SET(arg[0].value, 4, "reaches beyond"),
    SET(arg[0].value, UINT64_MAX, "reaches beyond"),
    SET(arg[0].bytes, 0, "reaches beyond"),
    SET(arg[0].version, 1, "version"),
    SET(arg[1].index, SETTING_KINDS, "argument of kind 3"),
    SET(arg[2].access, PLAN_WRITE, "only the host may"),
    SET(arg[3].version, 1, "version"),
    SET(arg[4].access, PLAN_READ, "never written"),
    SET(arg[4].bytes, 60, "written in part"),
    SET(arg[5].bytes, 60, "at different places"),
    SET(arg[5].index, OVER, "version"),
    SET(arg[5].version, 0, "version"),
    SET(arg[5].access, PLAN_READ | PLAN_WRITE, "two arguments"),
    SET(arg[6].bytes, 60, "at different places"),
    SET(arg[7].access, PLAN_READ, "never writes it"),
    SET(arg[8].value, 1ull << 32, "argument of kind 1"),
    SET(arg[9].value, 1ull << 32, "argument of kind 2"),
    SET(arg[11].value, 0, "argument of kind 4"),
    SET(arg[12].index, HIDDEN, "outside its lifetime"),
    SET(arg[13].access, PLAN_WRITE, "only the host may"),
    SET(arg[15].value, 2, "does not begin at an element"),
    SET(arg[16].bytes, 12, "written in part"),
    SET(arg[16].value, 12, "two arguments"),
    SET(arg[22].access, PLAN_READ, "never written"),
    SET(tensor[0].name, 1 << 20, "no name"),
    SET(tensor[0].name, 0, "no name"),
    SET(tensor[0].buffer, SAMPLE_BUFFERS, "no buffer"),
    SET(tensor[0].buffer, HIDDEN, "a kind that has no name"),
    SET(tensor[0].dtype, DT_I32, "its buffer's type"),
    SET(tensor[0].rank, 9, "too many dimensions"),
    SET(tensor[0].rank, 1, "permutation"),
    SET(tensor[0].perm[0], 0, "permutation"),
    SET(tensor[0].perm[0], 1 << 30, "permutation"),
    SET(tensor[0].dim[0], 1ull << 62, "2^64"),
    SET(tensor[0].dim[0], 3, "its buffer's size"),
    SET(tensor[0].batched, 1, "count samples"),
    SET(tensor[0].batched, 2, "neither 0 nor 1"),
    SET(tensor[0].limited, 1, "cannot be limited"),
    SET(meter[0].name, 1 << 20, "no name"),
    SET(meter[0].tensor, SAMPLE_TENSORS, "no tensor"),
    SET(meter[0].tensor, 0, "metric f32"),
    SET(meter[0].training, 2, "neither 0 nor 1"),
    SET(meter[0].weight, INFINITE, "not finite"),
};

/* Members are 1, 4 or 8 bytes. */
static void set_member(struct sample *s, const struct wrong_number *w)
{
    char *at = (char *)s + w->at;
    uint32_t narrow = (uint32_t)w->value;

    if (w->size == 1)
        *at = (char)w->value;
    else if (w->size == 4)
        memcpy(at, &narrow, 4);
    else
        memcpy(at, &w->value, 8);
}

/* All that were missed are printed before the test fails. */
static void verifier_refuses(void **state)
{
    static struct sample s;
    struct said said;
    int missed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong_numbers) / sizeof(*wrong_numbers);
         i++) {
        const struct wrong_number *w = wrong_numbers + i;
        enum plancl_status status;

        sample_make(&s);
        said_init(&said);
        set_member(&s, w);
        status = plan_verify(&s.plan, &said.callbacks);
        if (status == PLANCL_REFUSED && said.count == 1 &&
            strstr(said.text, w->reason))
            continue;
        missed++;
        print_message("%s = %llu: status %d, \"%s\", wanted \"%s\"\n",
                      w->member, (unsigned long long)w->value, status,
                      said.text, w->reason);
    }
    assert_int_equal(missed, 0);
}

/* Names find tensors, so two alike would hide one. */
static void verifier_sees_equal_names(void **state)
{
    static struct sample s;
    struct said said;

    (void)state;
    sample_make(&s);
    said_init(&said);
    s.tensor[1].name = s.tensor[0].name;
    assert_int_equal(plan_verify(&s.plan, &said.callbacks), PLANCL_REFUSED);
    assert_string_equal(said.text, "two tensors are called fc.weight");
}

/* The stage that follows contents sees by itself, whatever lifetimes say, that
 * an entry reads what an earlier one has written over. */
static void verifier_sees_overwriting(void **state)
{
    static struct sample s;
    static jmp_buf out_of_memory;
    static struct arena arena;
    struct said said;

    (void)state;
    sample_make(&s);
    said_init(&said);
    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    s.arg[12].index = HIDDEN;
    s.buffer[HIDDEN].last = 2;
    assert_int_equal(plan_check_ranges(&s.plan, &arena, NULL), PLANCL_OK);
    assert_int_equal(plan_check_contents(&s.plan, &arena, &said.callbacks),
                     PLANCL_REFUSED);
    assert_non_null(strstr(said.text, "written over it"));
    arena_close(&arena);
}

/* ---- texts ---- */

/* A piece of the sample's text and what is put in its place. */
static const struct wrong_text {
    const char *from, *to, *reason;
} wrong_texts[] = {
    {"{\n\"plancl_plan\"", "{\n\"something\"", "no plan"},
    {"\"plancl_plan\": 1,", "\"plancl_plan\": 2,", "version 2"},
    {"\"plancl_plan\": 1,", "\"plancl_plan\": \"\",", "version 0"},
    {"\"plancl_plan\": 1,", "\"plancl_plan\": 99999999999999999999,",
     "of version"},
    {"\"plancl_plan\": 1,", "\"plancl_plan\": 1,,", "no JSON"},
    {"\"name\": \"sample\",", "", "name of the plan is missing"},
    {"\"name\": \"sample\"", "\"name\": 7", "name of the plan is no string"},
    {"\"family\": \"cpu\"", "\"family\": \"abacus\"", "known words"},
    {"\"batch\": 4,", "\"batch\": \"4\",", "batch of the plan is no integer"},
    {"\"batch\": 4,", "\"batch\": -4,", "batch of the plan is no integer"},
    {"\"batch\": 4,", "\"batch\": 4.5,", "batch of the plan is no integer"},
    {"\"batch\": 4,", "\"batch\": 1e300,", "batch of the plan is no integer"},
    {"\"batch\": 4,", "\"batch\": 4294967296,", "is no integer of 32 bits"},
    {"\"device_bytes\": \"672\"", "\"device_bytes\": 672", "is no string"},
    {"\"device_bytes\": \"672\"", "\"device_bytes\": \"0672\"", "64 bits"},
    {"\"device_bytes\": \"672\"", "\"device_bytes\": \"-1\"", "64 bits"},
    {"\"device_bytes\": \"672\"", "\"device_bytes\": \"\"", "64 bits"},
    {"\"host_bytes\": \"18446744073709551615\"",
     "\"host_bytes\": \"18446744073709551616\"", "64 bits"},
    {"\"learning_rate\": \"3f", "\"learning_rate\": \"3F", "bit pattern"},
    {"\"learning_rate\": \"3f", "\"learning_rate\": \"3", "bit pattern"},
    {"\"numerics\": \"", "\"numerics\": \"a", "longer than a digest"},
    {"\"slabs\": [", "\"slabs\": 0, \"x\": [", "slabs of the plan is no list"},
    {"\"slabs\": [", "\"slabs\": {\"a\": 0}, \"x\": [", "is no list"},
    {"\"slabs\": [", "\"slabs\": [7, ", "slab 0 of the plan: kind is missing"},
    {"\"kind\": \"constant\"", "\"kind\": \"variable\"", "buffer 1 of the"},
    {"\"sequence\": \"step\", ", "", "buffer 6 of the plan: sequence is"},
    {"\"sequences\": {", "\"sequences\": 1, \"x\": {", "missing"},
    {" \"init\": [", " \"exit\": [", "init of the plan is missing"},
    {"\"args\": [", "\"args\": 0, \"x\": [", "args of the plan is no list"},
    {"\"args\": [", "\"args\": [{}, ", "entry 0 of the plan: u32 is missing"},
    {"\"global\": [", "\"global\": [\"1\", ", "global has too many items"},
    {"\"global\": [\"64\", ", "\"global\": [", "does not have 3 numbers"},
    {"\"global\": [\"64\", ", "\"global\": [64, ", "global is no string"},
    {"\"access\": \"write\"", "\"access\": \"own\"", "access is none of"},
    {"\"f32\": \"7fc00001\"", "\"f32\": \"7fc0000100\"", "bit pattern"},
    {"\"setting\": \"rows\"", "\"setting\": \"mood\"", "setting is none"},
    {"\"shape\": [\"2\", \"3\"]", "\"shape\": [\"2\"]", "as long as shape"},
    {"\"stored\": [\"1\", ", "\"stored\": [\"8\", ", "that is not there"},
    {"\"shape\": [",
     "\"shape\": [\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",",
     "too many items"},
    {"\"batched\": false", "\"batched\": 0", "neither true nor false"},
    {"\"except\": \"-1\"", "\"except\": \"-9223372036854775809\"", "64 bits"},
    {"\"meters\": [", "\"meters\": [[], ", "meter 0 of the plan"},
    {"\"0012abff\"", "\"0012abf\"", "is no bytes"},
    {"\"0012abff\"", "\"0012abfg\"", "is no bytes"},
    {"\"0012abff\"", "\"\"", "is no bytes"},
    {"\"program\": [", "\"program\": [[], ", "line that is no string"},
    {"\"options\": ", "\"Options\": ", "options of the plan is missing"},
    {"\n}\n", "\n}", "does not end with its digest"},
};

/* Malloc'd copy of text with the first `from` replaced; one that begins with
 * the end of a file is looked for there. */
static char *replaced(const char *text, const char *from, const char *to,
                      size_t *len)
{
    const char *at = strstr(text, from);
    size_t size = strlen(text) + strlen(to) + 1;
    char *s = malloc(size);

    assert_non_null(at);
    assert_non_null(s);
    if (strncmp(from, "\n}", 2) == 0)
        at = text + strlen(text) - strlen(from);
    *len = (size_t)snprintf(s, size, "%.*s%s%s", (int)(at - text), text, to,
                            at + strlen(from));
    return s;
}

/* Written by a helper with an arena of its own; malloc'd. */
static char *sample_text(size_t *len)
{
    static struct sample s;
    jmp_buf out_of_memory;
    struct arena arena;
    struct text t = {.arena = &arena};
    char *copy;

    sample_make(&s);
    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    plan_json_write(&s.plan, &t);
    copy = malloc(t.len + 1);
    assert_non_null(copy);
    memcpy(copy, t.s, t.len + 1);
    *len = t.len;
    arena_close(&arena);
    return copy;
}

/* The digest is set right after each change, or it alone would be tested. */
static void reader_refuses(void **state)
{
    size_t len;
    char *text = sample_text(&len);
    int missed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong_texts) / sizeof(*wrong_texts); i++) {
        const struct wrong_text *w = wrong_texts + i;
        char *changed = replaced(text, w->from, w->to, &len);
        struct plancl_plan *plan = NULL;
        struct said said;
        enum plancl_status status;

        said_init(&said);
        sample_sign(changed, len);
        status = plan_json_read(changed, len, &said.callbacks, &plan);
        if (status != PLANCL_REFUSED || plan || said.count != 1 ||
            !strstr(said.text, w->reason)) {
            missed++;
            print_message("%s: status %d, \"%s\", wanted \"%s\"\n", w->to,
                          status, said.text, w->reason);
        }
        free(changed);
    }
    assert_int_equal(missed, 0);
    free(text);
}

/* Numbers that look random and are the same each time (xorshift). */
static uint32_t draw(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* A buffer of exactly the text's size, so that reading beyond it is seen. */
static char *exactly(const char *text, size_t len)
{
    char *copy = malloc(len ? len : 1);

    assert_non_null(copy);
    memcpy(copy, text, len);
    return copy;
}

static enum plancl_status read_and_verify(const char *text, size_t len)
{
    struct plancl_plan *plan = NULL;
    enum plancl_status status = plan_json_read(text, len, NULL, &plan);

    if (!status)
        status = plan_verify(&plan->plan, NULL);
    plancl_plan_free(plan);
    return status;
}

/* A change of no bit would leave the text as it was, so bits is not 0. */
static void flip(char *c, uint32_t bits)
{
    uint8_t byte = (uint8_t)((uint8_t)*c ^ bits);

    memcpy(c, &byte, 1);
}

/* Any flipped bit and any cut: the digest sees what the parser would read as
 * something else. */
static void damage_is_seen(void **state)
{
    uint32_t seed = 20240229;
    size_t len;
    char *text = sample_text(&len);

    (void)state;
    for (int i = 0; i < 2000; i++) {
        size_t cut = i % 2 ? draw(&seed) % len : len;
        char *changed = exactly(text, cut);

        if (cut == len)
            flip(changed + draw(&seed) % len, 1 + draw(&seed) % 255);
        assert_int_equal(read_and_verify(changed, cut), PLANCL_REFUSED);
        free(changed);
    }
    free(text);
}

/* With the digest set right, the parser and the verifier see the damage.  Some
 * damaged texts are valid; none may crash or read beyond its end. */
static void signed_damage_is_survived(void **state)
{
    static const char alphabet[] = "0123456789{}[]\",:-. \nabefnrstu\\\xff";
    uint32_t seed = 7;
    int accepted = 0;
    size_t len;
    char *text = sample_text(&len);

    (void)state;
    for (int i = 0; i < 6000; i++) {
        char *changed = exactly(text, len);
        uint32_t n = 1 + draw(&seed) % 3;
        enum plancl_status status;

        while (n-- > 0)
            changed[draw(&seed) % len] =
                alphabet[draw(&seed) % (sizeof(alphabet) - 1)];
        if (i % 3 == 0) /* swap a digit, which leaves most texts valid */
            changed[strcspn(text, "5") + draw(&seed) % 2000] = '1';
        sample_sign(changed, len);
        status = read_and_verify(changed, len);
        assert_true(status == PLANCL_OK || status == PLANCL_REFUSED);
        accepted += status == PLANCL_OK;
        free(changed);
    }
    assert_true(accepted < 6000);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verifier_refuses),
        cmocka_unit_test(verifier_sees_equal_names),
        cmocka_unit_test(verifier_sees_overwriting),
        cmocka_unit_test(reader_refuses),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(signed_damage_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
