/* verify.c: check a plan from anywhere; loading is what checks it. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"

static const struct usage usage = {
    .command = "verify",
    .operands = "PLAN",
    .summary = "Check that a plan is whole and that no step touches memory "
               "that is not its own.",
    .example = "  plancl verify fashion.plan\n",
    .operands_wanted = 1,
};

enum plancl_status command_verify(int argc, char **argv)
{
    const struct option_spec spec[] = {{0}};
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
        printf("%s: valid, %" PRIu64 " bytes of device memory\n", path,
               plancl_plan_device_bytes(plan));
    plancl_plan_free(plan);
    return status;
}
