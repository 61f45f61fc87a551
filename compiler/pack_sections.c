/*
 * pack_sections.c: time cut into sections, and who meets whom.
 *
 * A sweep over the events, ends before starts; a section closes at the first end
 * after a start.  What lives at that moment is a maximal clique of the interval
 * graph, so sections say all that steps say about which items meet.
 */
#include <stdlib.h>

#include "compiler/pack.h"

/* Longer lists than these cost more memory than their search is worth. */
enum { MOST_LINKS = 1 << 24 };

struct event {
    int step, opens, item;
};

/* Ends come first: what stops at a step does not meet what starts there. */
static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;

    if (x->step != y->step)
        return x->step < y->step ? -1 : 1;
    if (x->opens != y->opens)
        return x->opens < y->opens ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static struct event *sorted_events(const struct pack_job *job,
                                   struct arena *arena)
{
    size_t n = 2 * (size_t)job->n;
    struct event *e = ARENA_NEW(arena, struct event, n + 1);

    for (int i = 0; i < job->n; i++) {
        e[i] = (struct event){job->item[i].start, 1, i};
        e[job->n + i] = (struct event){job->item[i].stop, 0, i};
    }
    qsort(e, n, sizeof *e, by_time);
    return e;
}

/* O(n log n) for the sort, then one walk; a section for each start-to-end turn,
 * so there are at most n. */
void pack_job_cut(struct pack_job *job, struct arena *arena)
{
    struct event *e = sorted_events(job, arena);
    int64_t load = 0;
    bool grew = false;

    job->nsection = 0;
    job->bound = 0;
    job->load = ARENA_NEW(arena, int64_t, (size_t)job->n + 1);
    for (int k = 0; k < 2 * job->n; k++) {
        struct pack_item *x = &job->item[e[k].item];

        if (!e[k].opens && grew)
            job->load[job->nsection++] = load;
        grew = e[k].opens;
        if (grew)
            x->first = job->nsection;
        else
            x->end = job->nsection;
        load += grew ? x->size : -x->size;
    }
    for (int i = 0; i < job->n; i++) {
        struct pack_item *x = &job->item[i];

        x->crowd = 0;
        for (int s = x->first; s < x->end; s++)
            x->crowd = job->load[s] > x->crowd ? job->load[s] : x->crowd;
        job->bound = x->crowd > job->bound ? x->crowd : job->bound;
    }
}

/* ---- lists ---- */

/* A list for each section, without a list of lengths: sizes are counted two
 * places up, so that after the sums at[s + 1] is where section s begins, and
 * filling moves it on to where s + 1 does. */
static bool make_members(struct pack_job *job, struct arena *arena)
{
    size_t *at = ARENA_NEW(arena, size_t, (size_t)job->nsection + 2);

    job->member_at = at;
    for (int i = 0; i < job->n; i++)
        for (int s = job->item[i].first; s < job->item[i].end; s++)
            at[s + 2]++;
    for (int s = 0; s < job->nsection; s++)
        at[s + 2] += at[s + 1];
    if (at[job->nsection + 1] > MOST_LINKS)
        return false;
    job->member = ARENA_NEW(arena, int, at[job->nsection + 1] + 1);
    for (int i = 0; i < job->n; i++)
        for (int s = job->item[i].first; s < job->item[i].end; s++)
            job->member[at[s + 1]++] = i;
    return true;
}

/* Visit each pair that meets once, in the order of their first sections.  The
 * first visit counts neighbours, the second writes them where at[] says. */
static void visit_pairs(const struct pack_job *job, const int *order,
                        size_t *at, int *alive, int *near)
{
    int nalive = 0;

    for (int k = 0; k < job->n; k++) {
        int i = order[k], kept = 0;

        for (int c = 0; c < nalive; c++) {
            int j = alive[c];

            if (job->item[j].end <= job->item[i].first)
                continue;
            alive[kept++] = j;
            if (near) {
                near[at[i]] = j;
                near[at[j]] = i;
            }
            at[i]++;
            at[j]++;
        }
        alive[kept++] = i;
        nalive = kept;
    }
}

static bool make_neighbours(struct pack_job *job, struct arena *arena)
{
    size_t n = (size_t)job->n;
    size_t *at = ARENA_NEW(arena, size_t, n + 2);
    int *order = ARENA_NEW(arena, int, n + 1);
    int *alive = ARENA_NEW(arena, int, n + 1);

    pack_order(job, "E", order, arena);
    visit_pairs(job, order, at + 2, alive, NULL);
    for (size_t i = 0; i < n; i++)
        at[i + 2] += at[i + 1];
    if (at[n + 1] > MOST_LINKS)
        return false;
    job->near_at = at;
    job->near = ARENA_NEW(arena, int, at[n + 1] + 1);
    visit_pairs(job, order, at + 1, alive, job->near);
    return true;
}

bool pack_job_link(struct pack_job *job, struct arena *arena)
{
    return make_members(job, arena) && make_neighbours(job, arena);
}
