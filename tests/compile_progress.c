/*
 * compile_progress.c: the search for what to repeat says how far it is, and ends
 * when it is told to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/plancl_compile.h"
#include "runtime/plancl.h"

/* Last: it has a macro called fail. */
#include <cmocka.h>

struct listener {
    int calls, last; /* the call that cancels; 0: none */
    int errors;
};

static void on_message(void *context, const struct plancl_message *m)
{
    struct listener *l = context;

    l->errors += m->severity == PLANCL_ERROR;
}

static int on_progress(void *context, const struct plancl_progress *p)
{
    struct listener *l = context;

    assert_true(p->stage && p->stage[0] && p->done < p->total);
    l->calls++;
    assert_true(!l->last || l->calls <= l->last); /* never asked again */
    return l->calls == l->last;
}

/* Bytes of device memory, or 0 where there is no plan. */
static uint64_t compile(struct listener *l, uint64_t memory,
                        uint64_t micro_batch, enum plancl_status wanted)
{
    const struct plancl_compile_options options = {.memory = memory,
                                                   .micro_batch = micro_batch};
    const struct plancl_callbacks cb = {l, on_message, on_progress};
    struct plancl_plan *plan = NULL;
    uint64_t bytes;
    char path[4096];

    snprintf(path, sizeof path, "%s/models/pose.json", getenv("top_srcdir"));
    assert_int_equal(plancl_compile(path, NULL, &options, &cb, &plan), wanted);
    assert_true((plan != NULL) == (wanted == PLANCL_OK));
    bytes = plan ? plancl_plan_device_bytes(plan) : 0;
    plancl_plan_free(plan);
    return bytes;
}

/* At every call, with this budget; what it then says is no error. */
static void cancel_everywhere(uint64_t memory, uint64_t micro_batch,
                              enum plancl_status wanted)
{
    struct listener all = {0};

    compile(&all, memory, micro_batch, wanted);
    assert_int_equal(all.errors, wanted != PLANCL_OK);
    assert_true(all.calls > 0);
    for (int k = 1; k <= all.calls; k++) {
        struct listener l = {.last = k};

        compile(&l, memory, micro_batch, PLANCL_CANCELLED);
        assert_int_equal(l.calls, k);
        assert_int_equal(l.errors, 0);
    }
}

static void cancels(void **state)
{
    struct listener l = {0};
    const uint64_t kept = compile(&l, 0, 0, PLANCL_OK);

    (void)state;
    cancel_everywhere(0, 0, PLANCL_OK);
    cancel_everywhere(kept * 3 / 4, 16, PLANCL_OK);
    cancel_everywhere(kept * 3 / 4, 0, PLANCL_OK); /* also in pieces */
    cancel_everywhere(kept / 4, 16, PLANCL_REFUSED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
