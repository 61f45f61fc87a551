/*
 * weights_partial.c: weights of a model whose head was replaced.
 *
 * Adam's moments are worth what they are together with the count of updates: a
 * plan that gets a part of a file must go on as one that got the same values
 * and a new optimizer, and one that gets all of it as if it had never stopped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/plancl_compile.h"
#include "runtime/plancl.h"

/* Last: it has a macro called fail. */
#include <cmocka.h>

enum { SKIP = 77, BATCH = 5, WIDTH = 3, HIDDEN = 4, LARGEST = 64 };
#define FILE_NAME "weights_partial.tmp.safetensors"

/* %s: the head's name. */
static const char model[] =
    "{\"plancl\": 1, \"name\": \"head\", \"dims\": {\"N\": 5},"
    "\"inputs\": {\"x\": {\"shape\": [\"N\", 3]},"
    "             \"t\": {\"shape\": [\"N\", 2]}},"
    "\"layers\": [{\"name\": \"body\", \"op\": \"Linear\", \"inputs\": [\"x\"],"
    "    \"units\": 4},"
    "  {\"name\": \"norm\", \"op\": \"BatchNormalization\"},"
    "  {\"name\": \"%s\", \"op\": \"Linear\", \"units\": 2}],"
    "\"outputs\": {\"y\": \"%s\"},"
    "\"training\": {\"loss\": {\"op\": \"MSE\", \"inputs\": [\"%s\", \"t\"]},"
    "  \"optimizer\": {\"op\": \"Adam\", \"learning_rate\": 0.05}}}";

static const char *const kept[] = {"body.weight",       "body.bias",
                                   "norm.weight",       "norm.bias",
                                   "norm.running_mean", "norm.running_var"};
enum { KEPT = sizeof kept / sizeof *kept };

struct run {
    struct plancl_plan *plan;
    struct plancl_session *s;
    char notes[4096];
};

static void on_message(void *context, const struct plancl_message *m)
{
    struct run *r = context;
    size_t n = strlen(r->notes);

    snprintf(r->notes + n, sizeof r->notes - n, "%s\n", m->text);
}

static void must(enum plancl_status status)
{
    if (status == PLANCL_DEVICE)
        exit(SKIP);
    assert_int_equal(status, PLANCL_OK);
}

static void open_run(struct run *r, const char *head)
{
    const struct plancl_callbacks cb = {r, on_message, NULL};
    const struct plancl_compile_options o = {0};
    const struct plancl_session_options so = {.seed = 7};
    char text[sizeof model + 64];

    r->notes[0] = 0;
    snprintf(text, sizeof text, model, head, head, head);
    must(plancl_compile("head", text, &o, &cb, &r->plan));
    must(plancl_session_open(r->plan, &so, &cb, &r->s));
}

static void close_run(struct run *r)
{
    plancl_session_close(r->s);
    plancl_plan_free(r->plan);
}

static void update(struct run *r, int times)
{
    const struct plancl_batch b = {BATCH, 0, BATCH};
    float x[BATCH * WIDTH], t[BATCH * 2];

    for (int i = 0; i < BATCH * WIDTH; i++)
        x[i] = (float)(i * 7 % 11) / 4 - 1;
    for (int i = 0; i < BATCH * 2; i++)
        t[i] = (float)(i * 5 % 7) / 2 - 1;
    must(plancl_write(r->s, "x", x, sizeof x));
    must(plancl_write(r->s, "t", t, sizeof t));
    while (times-- > 0)
        must(plancl_step(r->s, &b));
}

static void copy(struct run *to, struct run *from)
{
    for (int i = 0; i < KEPT; i++) {
        float data[LARGEST];
        size_t n = HIDDEN * (i == 0 ? WIDTH : 1) * sizeof *data;

        must(plancl_read(from->s, kept[i], data, n));
        must(plancl_write(to->s, kept[i], data, n));
    }
    must(plancl_weights_changed(to->s));
}

static void assert_equal_weights(struct run *a, struct run *b)
{
    char first[65], second[65];

    must(plancl_weights_hash(a->s, first));
    must(plancl_weights_hash(b->s, second));
    assert_string_equal(first, second);
}

static void test_replaced_head(void **state)
{
    const struct plancl_weights_options o = {.allow_missing = 1};
    struct run old = {0}, loaded = {0}, copied = {0};

    (void)state;
    open_run(&old, "head");
    open_run(&loaded, "other");
    open_run(&copied, "other");
    update(&old, 30);
    must(plancl_weights_save(old.s, FILE_NAME));
    must(plancl_weights_load_with(loaded.s, FILE_NAME, &o));
    assert_int_equal(plancl_updates(loaded.s), 0);
    assert_non_null(strstr(loaded.notes,
                           "so the optimizer starts anew: 8 tensors of its "
                           "state are not used, updates count from 0"));
    copy(&copied, &old);
    assert_equal_weights(&loaded, &copied);
    update(&loaded, 2);
    update(&copied, 2);
    assert_equal_weights(&loaded, &copied);
    close_run(&old);
    close_run(&loaded);
    close_run(&copied);
    unlink(FILE_NAME);
}

static void test_whole_file(void **state)
{
    struct run old = {0}, loaded = {0};

    (void)state;
    open_run(&old, "head");
    open_run(&loaded, "head");
    update(&old, 3);
    must(plancl_weights_save(old.s, FILE_NAME));
    must(plancl_weights_load(loaded.s, FILE_NAME));
    assert_int_equal(plancl_updates(loaded.s), 3);
    assert_null(strstr(loaded.notes, "anew"));
    update(&old, 2);
    update(&loaded, 2);
    assert_equal_weights(&loaded, &old);
    close_run(&old);
    close_run(&loaded);
    unlink(FILE_NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaced_head),
        cmocka_unit_test(test_whole_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
