/*
 * plan_sample.h: a small plan made by hand, and what was said about it.
 *
 * It has every kind of argument, an update in place of a parameter, a result
 * written over a dead operand, a workspace whose place is used again, and a
 * transient in each of two sequences.
 */
#ifndef TESTS_PLAN_SAMPLE_H
#define TESTS_PLAN_SAMPLE_H

#include "runtime/plan_io.h"

enum sample_buffer {
    WEIGHT,
    CONSTANT,
    IMAGE,
    LABEL,
    RESULT,
    LOSS,
    HIDDEN,  /* step 0..1 */
    OVER,    /* step 1..2, over HIDDEN */
    SCRATCH, /* step 1 */
    DELTA,   /* step 2..3, where SCRATCH was */
    LOGITS,  /* predict 0..1 */
    SAMPLE_BUFFERS
};

enum {
    SAMPLE_SLABS = 2,
    SAMPLE_ENTRIES = 7,
    SAMPLE_ARGS = 25,
    SAMPLE_TENSORS = 5,
    SAMPLE_METERS = 1,
    SAMPLE_STRINGS = 1024
};

struct sample {
    struct plan plan;
    uint64_t slab_bytes[SAMPLE_SLABS];
    uint32_t slab_kind[SAMPLE_SLABS];
    struct plan_buffer buffer[SAMPLE_BUFFERS];
    struct plan_entry entry[SAMPLE_ENTRIES];
    struct plan_arg arg[SAMPLE_ARGS];
    struct plan_tensor tensor[SAMPLE_TENSORS];
    struct plan_meter meter[SAMPLE_METERS];
    uint8_t constant[4];
    char string[SAMPLE_STRINGS];
};

void sample_make(struct sample *);

/* Callbacks that keep the last message and count them. */
struct said {
    struct plancl_callbacks callbacks;
    char text[1024], file[256];
    int count;
};
void said_init(struct said *);

/* Write the right digest under a text that was changed; false where it has no
 * digest's line. */
bool sample_sign(char *text, size_t len);

#endif
