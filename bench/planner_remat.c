/*
 * planner_remat.c: overheads of recomputation against the best known.
 *
 * For each of an instance's budgets in the table of curves it prints the
 * overhead found and its ratio to the best known one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/planner_remat.h"
#include "tests/remat_instance.h"

enum { POINTS = 64, COLUMNS = 16, SMALL = 405 };
static const int64_t order_effort = 40000000;

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

        if (fields(line, field) <= GREEDY ||
            strcmp(field[INSTANCE], name) != 0 || !*field[BEST])
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
                        struct planner_sums *sums, int nop)
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
    if (nop > SMALL)
        return;
    sums->small++;
    sums->small_ratio += ratio;
    sums->worst = ratio > sums->worst ? ratio : sums->worst;
}

/* What another order of the ops would take off, without any recomputation. */
static void measure_order(const char *name, const struct remat_job *job,
                          uint64_t peak, struct arena *arena)
{
    int *order = ARENA_NEW(arena, int, (size_t)job->nop + 1);
    double start = seconds();
    uint64_t least = remat_order(job, order_effort, order, arena);

    printf("%-32s order: peak %llu, %.1f %% less, %.3f s\n", name,
           (unsigned long long)least, 100 - 100 * (double)least / (double)peak,
           seconds() - start);
}

static void measure(const char *name, const struct remat_job *job,
                    const struct known *known, struct planner_sums *sums,
                    struct arena *arena)
{
    struct remat_plan base = remat_measure(job, NULL, 0, arena);
    struct remat_plan plan[POINTS];
    uint64_t budget[POINTS];
    double start = seconds();

    printf("%-32s %6s %9s %9s %7s %6s\n", "instance", "budget", "overhead",
           "known", "ratio", "events");
    for (int k = 0; k < known->n; k++)
        budget[k] = known->point[k].budget;
    remat_solve(job, budget, known->n, &remat_usual, plan, arena);
    start = seconds() - start;
    for (int k = 0; k < known->n; k++)
        print_point(name, &known->point[k], &plan[k], base.cost, sums,
                    job->nop);
    printf("%-32s %d ops, peak %llu, %.3f s a budget\n", name, job->nop,
           (unsigned long long)base.peak, start / (known->n ? known->n : 1));
    measure_order(name, job, base.peak, arena);
    fflush(stdout);
}

bool planner_remat(const char *path, const char *curves,
                   struct planner_sums *sums, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    char *name = arena_string(arena, slash ? slash + 1 : path);
    struct remat_job job;
    struct known known;
    FILE *f;

    if (!remat_instance_read(path, &job, arena)) {
        fprintf(stderr, "planner: %s: not an instance\n", path);
        return false;
    }
    f = curves ? fopen(curves, "r") : NULL;
    if (!f) {
        fprintf(stderr, "planner: %s: no --curves to compare with\n", path);
        return false;
    }
    *strrchr(name, '.') = '\0';
    read_known(f, name, &known);
    fclose(f);
    measure(name, &job, &known, sums, arena);
    return true;
}

void planner_remat_end(const struct planner_sums *sums)
{
    if (sums->n)
        printf("%d budgets: mean ratio %.4f\n", sums->n, sums->ratio / sums->n);
    if (sums->small)
        printf("%d of at most %d ops: mean %.4f, worst %.4f\n", sums->small,
               SMALL, sums->small_ratio / sums->small, sums->worst);
}
