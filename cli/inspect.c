/* inspect.c: what is in a plan, for people or programs. */
#include <setjmp.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "runtime/plan_io.h"

static const struct usage usage = {
    .command = "inspect",
    .operands = "PLAN",
    .summary = "Show what is in a plan: memory by category, the slabs, the "
               "sequences.",
    .example = "  plancl inspect fashion.plan --json\n",
    .operands_wanted = 1,
};

static enum plancl_status print(const struct plan *p, bool json,
                                const struct plancl_callbacks *cb)
{
    jmp_buf out_of_memory;
    struct arena arena;
    struct text text = {.arena = &arena};

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&arena);
        return fail(cb, PLANCL_MEMORY, "out of memory for the text");
    }
    if (json)
        plan_inspect_json(p, &text);
    else
        plan_print(p, &text);
    fputs(text.s, stdout);
    arena_close(&arena);
    return PLANCL_OK;
}

enum plancl_status command_inspect(int argc, char **argv)
{
    bool json = false;
    const struct option_spec spec[] = {
        {"json", 0, OPTION_FLAG, &json, NULL, "print a JSON object"},
        {0},
    };
    const char *path;
    struct report report;
    struct plancl_callbacks cb;
    struct plancl_plan *plan = NULL;
    enum options_result parsed = options_parse(&usage, spec, argc, argv, &path);
    enum plancl_status status;

    if (parsed != OPTIONS_GO_ON)
        return options_status(parsed);
    report_open(&report, false);
    cb = report_callbacks(&report);
    status = plancl_plan_load(path, &cb, &plan);
    if (!status)
        status = print(&plan->plan, json, &cb);
    plancl_plan_free(plan);
    return status;
}
