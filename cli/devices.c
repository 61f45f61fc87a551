/*
 * devices.c: the OpenCL devices that --device chooses from.
 *
 * The index is what --device takes everywhere; it counts through all platforms
 * and may change when a driver is installed.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/report.h"

static const struct usage usage = {
    .command = "devices",
    .operands = "",
    .summary = "List the OpenCL devices with their index.",
    .example = "  plancl devices\n",
};

static void print_device(void *context, unsigned index,
                         const struct plancl_device *d)
{
    const double GiB = 1024.0 * 1024 * 1024;

    (void)context;
    printf("%u: %s\n   %s, driver %s, %s\n"
           "   memory %.2f GiB, largest allocation %.2f GiB, local memory "
           "%" PRIu64 " bytes\n   %u units, at most %" PRIu64
           " work-items in a group\n",
           index, d->name, d->platform, d->driver, d->is_cpu ? "CPU" : "GPU",
           (double)d->memory / GiB, (double)d->max_allocation / GiB,
           d->local_bytes, d->units, d->max_group);
}

enum plancl_status command_devices(int argc, char **argv)
{
    const struct option_spec spec[] = {{0}};
    struct report report;
    struct plancl_callbacks cb;
    enum options_result parsed = options_parse(&usage, spec, argc, argv, NULL);

    if (parsed != OPTIONS_GO_ON)
        return options_status(parsed);
    report_open(&report, false);
    cb = report_callbacks(&report);
    return plancl_devices(&cb, print_device, NULL);
}
