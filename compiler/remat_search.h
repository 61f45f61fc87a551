/*
 * remat_search.h: what the files of the search for events share.
 *
 * Random numbers are ours, effort is a count of moves, and of floating-point
 * functions only + - * / are used, so plans are the same on all machines.
 */
#ifndef COMPILER_REMAT_SEARCH_H
#define COMPILER_REMAT_SEARCH_H

#include "compiler/remat_state.h"

struct remat_search {
    const struct remat_net *net;
    struct arena *arena;
    struct remat_state state;
    int64_t budget;
    uint64_t random;
    uint64_t *weight; /* [nvalue + 1]: sums of the values' chances */
    int64_t *use;     /* uses of one value, ascending */
    int64_t events;   /* that all runs so far changed, for good or not */
    int64_t allowed;  /* so many that may be, by remat_anneal() */
    int use_room;
};

/* The best plan of a budget so far. */
struct remat_best {
    bool found;
    int64_t cost;
    int nevent, room;
    struct remat_event *event;
};

/* One run of annealing.  Temperature is relative to the base cost; it falls and
 * the weight of bytes over budget grows, both geometrically. */
struct remat_run {
    int moves;
    double heat;
    double cooling; /* log2 of how much the temperature falls */
    double weight;
    double growth; /* log2 of how much the weight grows */
    double step;   /* penalty for being over at all */
    double spread; /* weight of bytes over at all events against the peak's */
    int repair;    /* one removal in so many is followed by repair; 0: none */
    bool deep;     /* only long chains may help */
};

void remat_search_init(struct remat_search *, const struct remat_net *,
                       struct arena *);
static inline int remat_below(struct remat_search *s, int n)
{
    return (int)((remat_random(&s->random) >> 32) * (uint64_t)n >> 32);
}

/* Beyond what is allowed drops are short, and runs are allowed less. */
static inline bool remat_is_beyond(const struct remat_search *s)
{
    return s->events > s->allowed;
}

/* ---- remat_move.c ---- */

/* Change the state at random; what it did is in the journal.  False when it
 * found nothing to do. */
bool remat_move(struct remat_search *, int repair);

/* ---- remat_greedy.c ---- */

/* At the peak, again and again, drop the value that takes off the most bytes
 * over budget for its cost; until the budget is kept or nothing helps. */
void remat_greedy(struct remat_search *);

/* ---- remat_evict.c ---- */

enum remat_score {
    REMAT_CHAIN, /* cost of a value and of all that must be made again for it */
    REMAT_ALONE, /* its own cost */
};

/* Run the base order within this many bytes and drop, whenever there is no
 * room, the value of least score by bytes and time since its last use.  The
 * state gets the events; it may be over the budget all the same.  False when it
 * got stuck. */
bool remat_evict(struct remat_search *, int64_t bytes, enum remat_score);

/* ---- remat_anneal.c ---- */

/* Keep what the state holds, found or not; or where it is the best within the
 * budget. */
void remat_keep_any(struct remat_search *, struct remat_best *);
void remat_keep_best(struct remat_search *, struct remat_best *);
void remat_anneal(struct remat_search *, const struct remat_run *,
                  struct remat_best *);

#endif
