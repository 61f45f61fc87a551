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
#include <stdlib.h>
#include <string.h>

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The number that a text begins with; without one, as with "max", and where it
 * is too large, there is no limit. */
static uint64_t limit_parse(const char *text)
{
    char *end;
    unsigned long long n = strtoull(text, &end, 10);

    return end == text ? UINT64_MAX : n;
}

static uint64_t meminfo_available(void)
{
    static const char key[] = "MemAvailable:";
    FILE *f = fopen("/proc/meminfo", "r");
    char line[256];
    uint64_t kib = UINT64_MAX;

    if (!f)
        return kib;
    while (fgets(line, sizeof line, f))
        if (strncmp(line, key, sizeof key - 1) == 0)
            kib = limit_parse(line + sizeof key - 1);
    fclose(f);
    return kib > UINT64_MAX / 1024 ? UINT64_MAX : kib * 1024;
}

/* A file that is not there is no limit. */
static uint64_t limit_in(const char *mount, const char *group, const char *file)
{
    char path[1024], line[64];
    uint64_t limit = UINT64_MAX;
    FILE *f;

    snprintf(path, sizeof path, "%s%s/%s", mount, group, file);
    f = fopen(path, "r");
    if (!f)
        return limit;
    if (fgets(line, sizeof line, f))
        limit = limit_parse(line);
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

/* A snapshot: another process may take the memory meanwhile, so slabs are
 * touched at load all the same. */
uint64_t host_memory_available(void)
{
    return least(meminfo_available(), cgroup_limit());
}
