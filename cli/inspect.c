/*
 * inspect.c: what is in a plan, for people or programs.
 *
 * The plan is verified when it is loaded, so what is shown is what a session
 * would run.
 */
#include <setjmp.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"
#include "runtime/plan_live.h"

static const struct usage usage = {
    .command = "inspect",
    .operands = "PLAN",
    .summary = "Show what is in a plan: memory by category, the slabs, the "
               "sequences.",
    .example = "  plancl inspect fashion.plan --json\n",
    .operands_wanted = 1,
};

static enum plancl_status save(const char *path, const struct text *t,
                               const struct plancl_callbacks *cb)
{
    struct file_writer w;
    enum plancl_status status = file_begin(&w, path, cb);

    if (status)
        return status;
    fwrite(t->s, 1, t->len, w.stream);
    return file_commit(&w, cb);
}

/* json and memory exclude each other; svg goes with either, into a file. */
struct inspect_options {
    bool json, memory;
    const char *svg;
};

/* The map, and on standard output what else was asked for; with the map alone
 * nothing. */
static enum plancl_status write_text(const struct plan *p,
                                     const struct inspect_options *o,
                                     struct arena *a,
                                     const struct plancl_callbacks *cb)
{
    struct text text = {.arena = a}, svg = {.arena = a};
    enum plancl_status status = PLANCL_OK;

    if (o->svg) {
        plan_draw_memory(p, &svg);
        status = save(o->svg, &svg, cb);
    }
    if (o->json)
        plan_inspect_json(p, &text);
    else if (o->memory)
        plan_print_memory(p, &text);
    else if (!o->svg)
        plan_print(p, &text);
    if (!status && text.s)
        fputs(text.s, stdout);
    return status;
}

static enum plancl_status print(const struct plan *p,
                                const struct inspect_options *o,
                                const struct plancl_callbacks *cb)
{
    jmp_buf out_of_memory;
    struct arena arena;
    enum plancl_status status;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory)) {
        arena_close(&arena);
        return fail(cb, PLANCL_MEMORY, "out of memory for the text");
    }
    status = write_text(p, o, &arena, cb);
    arena_close(&arena);
    return status;
}

static enum plancl_status inspect(const char *path,
                                  const struct inspect_options *o,
                                  const struct plancl_callbacks *cb)
{
    struct plancl_plan *plan = NULL;
    enum plancl_status status;

    if (o->json && o->memory)
        return fail(cb, PLANCL_REFUSED,
                    "--json and --memory both: wanted one of them");
    status = plancl_plan_load(path, cb, &plan);
    if (!status)
        status = print(&plan->plan, o, cb);
    plancl_plan_free(plan);
    return status;
}

enum plancl_status command_inspect(int argc, char **argv)
{
    struct inspect_options o = {0};
    const struct option_spec spec[] = {
        {"json", 0, OPTION_FLAG, &o.json, NULL, "print a JSON object"},
        {"memory", 'm', OPTION_FLAG, &o.memory, NULL,
         "print a map of the memory and what lives at the peak"},
        {"svg", 0, OPTION_TEXT, &o.svg, "FILE",
         "draw the map into a file, with each buffer's name"},
        {0},
    };
    const char *path;
    struct report report;
    struct plancl_callbacks cb;
    enum options_result parsed = options_parse(&usage, spec, argc, argv, &path);

    if (parsed != OPTIONS_GO_ON)
        return options_status(parsed);
    report_open(&report, false);
    cb = report_callbacks(&report);
    return inspect(path, &o, &cb);
}
