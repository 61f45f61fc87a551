/*
 * remat_state.h: a list of events and what follows from it, kept up to date
 * while events come and go.
 *
 * An event's key has before in its high bits and op in its low ones, so keys
 * ascend in the order of execution; the base order's ops are the events
 * (op, op).  Copy j of an op's results comes from event j of that op.
 */
#ifndef COMPILER_REMAT_STATE_H
#define COMPILER_REMAT_STATE_H

#include "compiler/remat.h"

static const int64_t REMAT_NEVER = INT64_MAX / 4; /* after the last key */

/* The job with its lists turned round. */
struct remat_net {
    const struct remat_job *job;
    int n;          /* ops */
    int op_bits;    /* of a key */
    int *out_at;    /* [n + 1] */
    int *out;       /* values by op */
    int *reader_at; /* [nvalue + 1] */
    int *reader;    /* ops by value, ascending */
    int *until;     /* by op: as in the job, and never where a value is kept */
    bool *shared;   /* by value: a result may take its memory */
    int64_t base_cost, base_peak;
};

/* One event in the order of execution. */
struct remat_spot {
    int64_t key;
    int64_t need;   /* bytes that the op adds while it runs */
    int64_t change; /* bytes that stay after it */
};

struct remat_copies {
    int n, room;
    int *before; /* [n], ascending; the first is the op itself */
};

struct remat_change {
    struct remat_event event;
    bool added;
};

/* An input that was read for longer by an event that came. */
struct remat_stretch {
    int value;
    int64_t end; /* its copy's last use before that */
};

/* Stages of a block; a stage is all that runs just before an op, and the op. */
enum { REMAT_BLOCK = 16 };

/* A stretch of the list: the spots of a few neighbouring stages, ascending. */
struct remat_page {
    struct remat_spot *spot;
    int room;
    int stage_at[REMAT_BLOCK + 1]; /* each stage's first spot; their number */
};

/* What follows from a page. */
struct remat_block {
    int64_t alive;  /* bytes in front of it */
    int64_t change; /* bytes that stay after it */
    int64_t peak, key, over;
};

/* What is known of each block from the last look.  Unless touched since, it
 * holds: a change of the list leaves what is alive before and behind it as it
 * was. */
struct remat_look {
    int nblock;
    int64_t budget;             /* of the last look */
    struct remat_block *block;  /* the last look's */
    struct remat_block *before; /* the one's before it */
    int low, high;              /* blocks touched since the last look */
    bool *touched; /* by block: of these; else only what is alive */
    int from, to;  /* blocks that the last look looked at */
    int changes;   /* since it; negative: unknown */
    bool journal;  /* what was new to it is what the journal held */
};

struct remat_state {
    const struct remat_net *net;
    struct arena *arena;
    int nspot;                   /* of all pages */
    struct remat_page *page;     /* [nblock] */
    struct remat_copies *copies; /* by op */
    int64_t **end;               /* by value: each copy's last use, a key */
    int64_t cost;
    int njournal, journal_room;
    struct remat_change *journal; /* since it was last emptied */
    int nstretch, stretch_room;
    struct remat_stretch *stretch; /* a stack */
    int ndead, dead_room;
    struct remat_event *dead; /* a stack */
    struct remat_look look;
    /* Found by remat_state_look(). */
    int64_t peak, over; /* over: bytes beyond the budget, over all events */
    int64_t peak_key;
};

/* Whether to compute an input again rather than to keep it for longer. */
struct remat_taste {
    uint64_t *random; /* where given: with this chance, in 65536ths */
    uint64_t chance;
    int64_t before; /* else: when its last use was before this key */
    int most;       /* events to add */
};

/* SplitMix64 (Steele, Lea and Flood 2014). */
static inline uint64_t remat_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

void remat_net_init(struct remat_net *, const struct remat_job *,
                    struct arena *);
void remat_state_init(struct remat_state *, const struct remat_net *,
                      struct arena *);
/* The base order and these events, less those whose results nobody reads. */
void remat_state_load(struct remat_state *, const struct remat_event *,
                      int nevent);
/* All events but those of the base order, for the arena to keep. */
int remat_state_events(const struct remat_state *, struct remat_event *);

static inline int64_t remat_key(const struct remat_state *s, int before, int op)
{
    return (int64_t)before << s->net->op_bits | op;
}
static inline int remat_key_before(const struct remat_state *s, int64_t key)
{
    return (int)(key >> s->net->op_bits);
}
static inline int remat_key_op(const struct remat_state *s, int64_t key)
{
    return (int)(key & (((int64_t)1 << s->net->op_bits) - 1));
}
static inline int remat_page_spots(const struct remat_page *page)
{
    return page->stage_at[REMAT_BLOCK];
}
/* The latest copy of an op's results that is made before the key. */
int remat_state_copy(const struct remat_state *, int op, int64_t key);
bool remat_state_has(const struct remat_state *, int before, int op);
/* Where an event may be added. */
bool remat_state_may_add(const struct remat_state *, int before, int op);

/* The last op up to this one before which the op may be repeated. */
static inline int remat_latest(const struct remat_state *s, int before, int op)
{
    int until = s->net->until[op];

    return before < until ? before : until;
}

/* Add an event, and perhaps events for its inputs; remove one, and those that
 * only it read.  Both go to the journal. */
void remat_state_add(struct remat_state *, int before, int op,
                     const struct remat_taste *);
void remat_state_remove(struct remat_state *, int before, int op);
/* Take back what the journal holds. */
void remat_state_undo(struct remat_state *);

/* ---- remat_look.c ---- */

/* Peak and excess of what is there now. */
void remat_state_look(struct remat_state *, int64_t budget);
void remat_look_init(struct remat_state *);
/* For an empty list. */
void remat_look_begin(struct remat_state *);
/* Something changes at a spot of this stage. */
void remat_look_touch(struct remat_state *, int before);
/* All that the journal held was undone. */
void remat_look_undo(struct remat_state *);

#endif
