/*
 * profile_report.c: the measured entries as a table, slowest first.
 *
 * Times are the device's own, from its events; what the host does between
 * launches is not in them.
 */
#include "cli/profile_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/base.h"

enum { ROWS = 25 };

/* Slowest first; of equals the one that ran more often. */
static int compare(const void *a, const void *b)
{
    const struct plancl_profile_entry *x = a, *y = b;

    if (x->seconds != y->seconds)
        return x->seconds < y->seconds ? 1 : -1;
    return x->runs < y->runs ? 1 : x->runs > y->runs ? -1 : 0;
}

/* Entries that never ran are last and not shown; those beyond ROWS are one
 * line. */
static void print_rows(const struct plancl_profile_entry *e, uint32_t n)
{
    double total = 0, shown = 0;
    uint32_t i;

    for (i = 0; i < n; i++)
        total += e[i].seconds;
    printf("%9s %6s %8s %9s %10s  %-10s %s\n", "seconds", "share", "runs",
           "us/run", "predicted", "sequence", "layer: kernel");
    for (i = 0; i < n && i < ROWS && e[i].runs; i++) {
        double runs = (double)e[i].runs;

        shown += e[i].seconds;
        printf("%9.3f %5.1f%% %8" PRIu64 " %9.1f %10.1f  %-10s %s: %s\n",
               e[i].seconds, total > 0 ? 100 * e[i].seconds / total : 0,
               e[i].runs, 1e6 * e[i].seconds / runs, 1e6 * e[i].predicted,
               e[i].sequence, e[i].layer, e[i].kernel);
    }
    if (i < n && e[i].runs)
        printf("%9.3f        in all other launches\n", total - shown);
    printf("%9.3f        in all launches\n", total);
}

enum plancl_status profile_print(struct plancl_session *s,
                                 const struct plancl_callbacks *cb)
{
    uint32_t n = plancl_profile_entries(s);
    struct plancl_profile_entry *e = calloc(n ? n : 1, sizeof *e);
    enum plancl_status status = PLANCL_OK;

    if (!e)
        return fail(cb, PLANCL_MEMORY, "out of memory for the profile");
    for (uint32_t i = 0; !status && i < n; i++)
        status = plancl_profile_entry(s, i, &e[i]);
    if (!status) {
        qsort(e, n, sizeof *e, compare);
        print_rows(e, n);
    }
    free(e);
    return status;
}
