/*
 * pocl_env.c: settings that pocl reads when it starts.  What the user has set
 * stays.
 *
 * pocl leaves its threads to the scheduler, which at times puts two on one
 * core and halves the speed; POCL_AFFINITY=1 pins thread i to core i.  It ends
 * the process where core i is not ours, so it is set only where the process may
 * run on all cores.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
/* For sched_getaffinity. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#endif
#include "cli/pocl_env.h"

#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* False also where it cannot be known: without the setting pocl is slower but
 * runs. */
static bool owns_all_cores(void)
{
#ifdef __linux__
    long cores = sysconf(_SC_NPROCESSORS_CONF);
    cpu_set_t set;

    if (cores < 1 || sched_getaffinity(0, sizeof set, &set) != 0)
        return false;
    for (long i = 0; i < cores; i++)
        if (i >= CPU_SETSIZE || !CPU_ISSET((size_t)i, &set))
            return false;
    return true;
#else
    return false;
#endif
}

void pocl_env_set(void)
{
    if (owns_all_cores())
        setenv("POCL_AFFINITY", "1", 0);
}
