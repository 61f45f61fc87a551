/*
 * steps.h: kernel calls in order, over numbered buffers without an address.
 *
 * One `steps` is one sequence.  Every write makes a new buffer: a transient is
 * written by one step only.  What a sequence must leave in a leaf (state, output)
 * is a list of moves: transient buffer to leaf buffer, which inplace.c turns
 * into one place or into a copy.
 */
#ifndef COMPILER_STEPS_H
#define COMPILER_STEPS_H

#include "compiler/graph.h"
#include "kernels/kernel.h"

struct buffer {
    enum plan_kind kind;
    enum dtype dtype;
    uint64_t bytes;
    const char *name;
    int leaf; /* node of a leaf, whose number it has in every sequence; or 0 */
};

struct use {
    int buffer;
    unsigned access;       /* PLAN_READ or PLAN_WRITE */
    uint64_t first, bytes; /* which bytes */
    unsigned over; /* a write: bit k set: may share the memory of use k */
};

/* One launch.  `use` has operands in the kernel's order, reads before writes; a
 * workspace, read and written, comes last. */
struct step {
    const char *kernel; /* name of the candidate */
    const struct launch *launch;
    struct use *use;
    int nuse;
    struct source at;
    const char *path;
    int node;       /* of the graph that it computes; 0: a copy */
    bool update;    /* an optimizer's: schedule.c may put it early */
    double seconds; /* predicted */
};

/* The value must end up in the leaf by the end of the sequence. */
struct move {
    int leaf, value; /* buffers */
};

struct steps {
    enum plan_sequence_id id;
    struct step *step;
    int n, cap;
    struct buffer *buffer; /* the first nleaf are the graph's leaves */
    int nbuffer, cap_buffer, nleaf;
    struct move *move;
    int nmove, cap_move;

    /* Filled by inplace.c: buffers at one place have one root. */
    int *root;
    /* Filled by allocate.c: where in slabs a buffer lies. */
    uint32_t *slab;
    uint64_t *offset;
    int *first, *last; /* lifetime of transients, in steps */
    uint64_t height;   /* bytes of the arena that it takes, of all slabs */
};

#endif
