/*
 * host_memory.c: how much memory this process can still get.
 *
 * OpenCL's global memory size is unreliable on CPU devices: pocl asks hwloc for
 * a NUMA node, which virtual machines misreport.  Linux says what is available
 * in /proc/meminfo; containers are bounded by control groups, version 1 or 2,
 * where each ancestor's limit counts as well.
 */
#include "runtime/host_memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t meminfo_available(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    char line[256];
    unsigned long long kib;
    uint64_t bytes = UINT64_MAX;

    if (!f)
        return bytes;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
            bytes = (uint64_t)kib * 1024;
    fclose(f);
    return bytes;
}

/* "max", or a file that is not there, is no limit. */
static uint64_t limit_in(const char *mount, const char *group, const char *file)
{
    char path[1024];
    unsigned long long bytes;
    uint64_t limit = UINT64_MAX;
    FILE *f;

    snprintf(path, sizeof path, "%s%s/%s", mount, group, file);
    f = fopen(path, "r");
    if (!f)
        return limit;
    if (fscanf(f, "%llu", &bytes) == 1)
        limit = bytes;
    fclose(f);
    return limit;
}

/* The least limit of a group and its ancestors up to the mount's root. */
static uint64_t limit_of(const char *mount, char *group, const char *file)
{
    uint64_t limit = UINT64_MAX;

    for (;;) {
        char *slash = strrchr(group, '/');

        limit = least(limit, limit_in(mount, group, file));
        if (!slash)
            return limit;
        *slash = 0;
    }
}

/* Lines of /proc/self/cgroup: "0::/path" of version 2, "4:memory:/path" of
 * version 1. */
static uint64_t cgroup_limit(void)
{
    FILE *f = fopen("/proc/self/cgroup", "r");
    char line[1024];
    uint64_t limit = UINT64_MAX;

    if (!f)
        return limit;
    while (fgets(line, sizeof line, f)) {
        char *group = strchr(line, '/');

        if (!group)
            continue;
        group[strcspn(group, "\n")] = 0;
        if (!strncmp(line, "0::", 3))
            limit = least(limit,
                          limit_of("/sys/fs/cgroup", group, "memory.max"));
        else if (strstr(line, ":memory:"))
            limit = least(limit, limit_of("/sys/fs/cgroup/memory", group,
                                          "memory.limit_in_bytes"));
    }
    fclose(f);
    return limit;
}

uint64_t host_memory_available(void)
{
    return least(meminfo_available(), cgroup_limit());
}
