/*
 * planner.c: offsets for files of lifetimes, against the load's lower bound;
 * and recomputation on files of graphs, against the best known overheads.
 *
 *     bench/planner [--align BYTES] [--slab PARTS] [--enough BYTES]
 *         [--curves TABLE] FILE...
 *
 * A file whose name ends in .json is a graph; its budgets, and what is known
 * for them, are in the table.  Any other is in MiniMalloc's format: a head
 * line, then id,lower,upper,size with lifetimes [lower, upper).  Sizes are
 * rounded up to --align (256).  A slab is a PARTS-th of the lower bound, and
 * --enough is a height that will do.  Prints one line for each file or budget;
 * asserts nothing but that the offsets are right.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/planner_remat.h"
#include "compiler/allocate.h"

struct settings {
    uint64_t align, parts, enough;
    const char *curves;
    struct planner_sums sums;
};

struct instance {
    struct item *item;
    int n, room;
};

/* Of this process, since other work on the machine is none of ours. */
static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void add(struct instance *x, struct item item, struct arena *arena)
{
    if (x->n == x->room) {
        struct item *old = x->item;

        x->room = 2 * x->room + 64;
        x->item = ARENA_NEW(arena, struct item, (size_t)x->room);
        if (old)
            memcpy(x->item, old, (size_t)x->n * sizeof *old);
    }
    x->item[x->n++] = item;
}

/* The three numbers behind the id, which may be any text. */
static bool read_line(const char *line, uint64_t number[3])
{
    const char *p = strchr(line, ',');

    for (int k = 0; k < 3; k++) {
        char *end;

        if (!p)
            return false;
        errno = 0;
        number[k] = strtoull(p + 1, &end, 10);
        if (end == p + 1 || errno || (k < 2 && *end != ','))
            return false;
        p = end;
    }
    return number[0] < number[1] && number[1] <= INT32_MAX;
}

static bool read_instance(const char *path, uint64_t align, struct instance *x,
                          struct arena *arena)
{
    FILE *f = fopen(path, "r");
    char line[256];
    uint64_t q[3];
    bool good = f && fgets(line, sizeof line, f);

    while (good && fgets(line, sizeof line, f)) {
        good = read_line(line, q);
        if (good && q[2] > 0)
            add(x,
                (struct item){round_up_u64(q[2], align), (int)q[0],
                              (int)q[1] - 1, 0},
                arena);
    }
    if (f)
        fclose(f);
    return good && x->n > 0;
}

/* Whether no two items overlap and none lies across two slabs. */
static bool valid(const struct instance *x, uint64_t slab)
{
    for (int i = 0; i < x->n; i++) {
        const struct item *a = &x->item[i];

        if (a->offset / slab != (a->offset + a->size - 1) / slab)
            return false;
        for (int j = 0; j < i; j++) {
            const struct item *b = &x->item[j];

            if (a->first <= b->last && b->first <= a->last &&
                a->offset < b->offset + b->size &&
                b->offset < a->offset + a->size)
                return false;
        }
    }
    return true;
}

/* FNV-1a over the offsets: equal plans have equal numbers. */
static uint32_t digest(const struct instance *x)
{
    uint64_t h = 14695981039346656037u;

    for (int i = 0; i < x->n; i++)
        for (int k = 0; k < 8; k++)
            h = (h ^ (x->item[i].offset >> 8 * k & 255)) * 1099511628211u;
    return (uint32_t)(h >> 32);
}

static void measure(const char *path, const struct settings *set,
                    struct instance *x, struct arena *arena)
{
    uint64_t bound = allocate_bound(x->item, x->n, arena), slab = UINT64_MAX;
    uint64_t height;
    const char *name = strrchr(path, '/');
    double start;

    if (set->parts)
        slab = round_up_u64((bound + set->parts - 1) / set->parts, set->align);
    for (int i = 0; i < x->n; i++)
        if (x->item[i].size > slab)
            slab = x->item[i].size;
    start = seconds();
    height = allocate_within(x->item, x->n, slab, set->enough, arena);
    start = seconds() - start;
    printf("%-28s %7d %14llu %14llu %9.6f %8.3f %08x%s\n",
           name ? name + 1 : path, x->n, (unsigned long long)bound,
           (unsigned long long)height, (double)height / (double)bound, start,
           (unsigned)digest(x), valid(x, slab) ? "" : " WRONG");
    fflush(stdout);
}

static bool is_graph(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && !strcmp(dot, ".json");
}

static int read_and_measure(const char *path, struct settings *set,
                            struct arena *arena)
{
    struct instance x = {NULL, 0, 0};

    if (is_graph(path))
        return !planner_remat(path, set->curves, &set->sums, arena);
    if (!read_instance(path, set->align, &x, arena)) {
        fprintf(stderr, "planner: %s: not a file of lifetimes\n", path);
        return 1;
    }
    measure(path, set, &x, arena);
    return 0;
}

static int run(const char *path, struct settings *set)
{
    struct arena arena;
    jmp_buf out_of_memory;
    volatile int status = 1;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory))
        fprintf(stderr, "planner: %s: out of memory\n", path);
    else
        status = read_and_measure(path, set, &arena);
    arena_close(&arena);
    return status;
}

static uint64_t *setting(struct settings *set, const char *name)
{
    if (!strcmp(name, "--align"))
        return &set->align;
    if (!strcmp(name, "--slab"))
        return &set->parts;
    return strcmp(name, "--enough") ? NULL : &set->enough;
}

int main(int argc, char **argv)
{
    struct settings set = {.align = 256};
    int status = 0;

    printf("%-28s %7s %14s %14s %9s %8s %s\n", "instance", "buffers", "bound",
           "height", "ratio", "seconds", "offsets");
    for (int k = 1; k < argc; k++) {
        uint64_t *value = setting(&set, argv[k]);

        if (!strcmp(argv[k], "--curves") && k + 1 < argc)
            set.curves = argv[++k];
        else if (value && k + 1 < argc)
            *value = strtoull(argv[++k], NULL, 10);
        else
            status |= run(argv[k], &set);
        set.align = set.align ? set.align : 1;
    }
    planner_remat_end(&set.sums);
    return status;
}
