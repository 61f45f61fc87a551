/*
 * remat.c: recomputation on files of instances, against known overheads.
 *
 *     bench/remat CURVES FILE...
 *
 * CURVES is a table with a head line: instance, budget_bytes, ...,
 * best_overhead_pct and other methods' overheads.  For each of an instance's
 * budgets there it prints the overhead found and its ratio to the best known;
 * at the end, for each instance, the seconds per budget.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/remat_instance.h"

enum { POINTS = 64, COLUMNS = 16 };

/* Columns of the table, from 0. */
enum { INSTANCE, BUDGET, PERCENT, BEST = 5, CHEN = 8, DTR = 9, GREEDY = 10 };

struct point {
    uint64_t budget;
    double percent, best, rival; /* rival: the best of the heuristics, or 0 */
};

struct known {
    int n;
    struct point point[POINTS];
};

struct sums {
    int n, small;
    double ratio, small_ratio, worst; /* small: of at most 405 ops */
};

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Cut at commas; empty fields stay. */
static int fields(char *line, char *field[COLUMNS])
{
    int n = 0;

    line[strcspn(line, "\r\n")] = '\0';
    while (line && n < COLUMNS) {
        field[n++] = line;
        line = strchr(line, ',');
        if (line)
            *line++ = '\0';
    }
    return n;
}

static double rival_of(char *field[COLUMNS])
{
    static const int column[] = {CHEN, DTR, GREEDY};
    double least = 0;

    for (int k = 0; k < 3; k++) {
        double x = strtod(field[column[k]], NULL);

        if (x > 0 && (least <= 0 || x < least))
            least = x;
    }
    return least;
}

/* The rows that have a best overhead, by falling budget. */
static void read_known(FILE *f, const char *name, struct known *known)
{
    char line[512], *field[COLUMNS];

    known->n = 0;
    while (known->n < POINTS && fgets(line, sizeof line, f)) {
        struct point p;
        int k = known->n;

        if (fields(line, field) <= GREEDY || strcmp(field[INSTANCE], name) ||
            !*field[BEST])
            continue;
        p = (struct point){strtoull(field[BUDGET], NULL, 10),
                           strtod(field[PERCENT], NULL),
                           strtod(field[BEST], NULL), rival_of(field)};
        for (; k > 0 && known->point[k - 1].budget < p.budget; k--)
            known->point[k] = known->point[k - 1];
        known->point[k] = p;
        known->n++;
    }
}

static void print_point(const char *name, const struct point *p,
                        const struct remat_plan *plan, int64_t base,
                        struct sums *sums, int nop)
{
    double found = 100 * ((double)plan->cost / (double)base - 1);
    double ratio = p->best > 0 ? found / p->best : 1;

    printf("%-32s %6.2f", name, p->percent);
    if (!plan->found) {
        printf("  none, known %.4f\n", p->best);
        return;
    }
    printf(" %9.4f %9.4f %7.4f %6d%s%s\n", found, p->best, ratio, plan->nevent,
           plan->peak > p->budget ? " OVER" : "",
           p->rival > 0 && found > p->rival + 1e-4 ? " worse than heuristics"
                                                   : "");
    sums->n++;
    sums->ratio += ratio;
    if (nop > 405)
        return;
    sums->small++;
    sums->small_ratio += ratio;
    sums->worst = ratio > sums->worst ? ratio : sums->worst;
}

static void measure(const char *name, const struct remat_job *job,
                    const struct known *known, struct sums *sums,
                    struct arena *arena)
{
    struct remat_plan base = remat_measure(job, NULL, 0, arena);
    struct remat_plan plan[POINTS];
    uint64_t budget[POINTS];
    double start = seconds();

    for (int k = 0; k < known->n; k++)
        budget[k] = known->point[k].budget;
    remat_solve(job, budget, known->n, &remat_usual, plan, arena);
    start = seconds() - start;
    for (int k = 0; k < known->n; k++)
        print_point(name, &known->point[k], &plan[k], base.cost, sums,
                    job->nop);
    printf("%-32s %d ops, peak %llu, %.3f s a budget\n", name, job->nop,
           (unsigned long long)base.peak, start / (known->n ? known->n : 1));
    fflush(stdout);
}

static bool read_and_measure(const char *path, const char *curves,
                             struct sums *sums, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    char *name = arena_string(arena, slash ? slash + 1 : path);
    struct remat_job job;
    struct known known;
    FILE *f = fopen(curves, "r");

    if (!f || !remat_instance_read(path, &job, arena)) {
        fprintf(stderr, "remat: %s: not an instance, or no table %s\n", path,
                curves);
        if (f)
            fclose(f);
        return false;
    }
    if (strrchr(name, '.'))
        *strrchr(name, '.') = '\0';
    read_known(f, name, &known);
    fclose(f);
    measure(name, &job, &known, sums, arena);
    return true;
}

static int run(const char *path, const char *curves, struct sums *sums)
{
    struct arena arena;
    jmp_buf out_of_memory;
    volatile int status = 1;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory))
        fprintf(stderr, "remat: %s: out of memory\n", path);
    else
        status = !read_and_measure(path, curves, sums, &arena);
    arena_close(&arena);
    return status;
}

int main(int argc, char **argv)
{
    struct sums sums = {0};
    int status = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: remat CURVES FILE...\n");
        return 2;
    }
    printf("%-32s %6s %9s %9s %7s %6s\n", "instance", "budget", "overhead",
           "known", "ratio", "events");
    for (int k = 2; k < argc; k++)
        status |= run(argv[k], argv[1], &sums);
    if (sums.n)
        printf("mean %.4f", sums.ratio / sums.n);
    if (sums.small)
        printf(", of at most 405 ops %.4f, worst %.4f",
               sums.small_ratio / sums.small, sums.worst);
    printf("\n");
    return status;
}
