/*
 * plan_io.h: a plan as an object, as a file and as text to read.
 *
 * Trust: a plan carries programs for your device and says what they may touch.
 * The reader and plan_verify catch damage and mistakes, not malice inside the
 * programs.  Load the plans that you would run as programs.
 */
#ifndef RUNTIME_PLAN_IO_H
#define RUNTIME_PLAN_IO_H

#include "runtime/base.h"
#include "runtime/plan.h"

/* One malloc block: the arrays of `plan` follow within it. */
struct plancl_plan {
    struct plan plan;
    uint64_t bytes; /* of the block */
};

/* An owned copy of a plan whose arrays live elsewhere. */
enum plancl_status plan_copy(const struct plan *flat,
                             const struct plancl_callbacks *,
                             struct plancl_plan **);

/* "read", "write", "read write"; access is 1 to 3. */
const char *plan_access_name(unsigned access);
const char *plan_setting_name(enum setting);

/* The file's text: JSON, the same plan the same bytes.  The text must be empty
 * before, since the digest covers all of it. */
void plan_json_write(const struct plan *, struct text *);
/* Refuses other versions, damage, wrong types and missing members; whether the
 * numbers make sense is plan_verify's business. */
enum plancl_status plan_json_read(const char *text, size_t len,
                                  const struct plancl_callbacks *,
                                  struct plancl_plan **);

/* Is it safe to run, as far as its own numbers say?  Written apart from the
 * allocator: ranges, lifetimes, and a run of every sequence that follows which
 * buffer's bytes lie where. */
enum plancl_status plan_verify(const struct plan *,
                               const struct plancl_callbacks *);

/* b is written over a: same place, and a is read for the last time in the
 * entry that writes b for the first. */
bool plan_takes_over(const struct plan_buffer *a, const struct plan_buffer *b);

/* Where the arena is fullest.  Buffers that share a place in the entry that
 * turns the one into the other count once. */
struct plan_peak {
    uint64_t bytes;
    uint64_t whole_units; /* the same with each buffer rounded up to the unit
                           * of the arena: what divides all places in it */
    uint32_t sequence, entry; /* entry counts within the sequence */
    uint64_t kind_bytes[PLAN_KINDS];
};

/* Stages of plan_verify, each of which relies on those before it: every index
 * is in range; lifetimes that meet do not share bytes (and the peak); every
 * read finds what was written for it.  Temporaries go to the arena. */
enum plancl_status plan_check_ranges(const struct plan *, struct arena *,
                                     const struct plancl_callbacks *);
enum plancl_status plan_check_lifetimes(const struct plan *, struct arena *,
                                        const struct plancl_callbacks *,
                                        struct plan_peak *);
enum plancl_status plan_check_contents(const struct plan *, struct arena *,
                                       const struct plancl_callbacks *);

/* For people, and for programs as a JSON object.  The plan must verify. */
void plan_print(const struct plan *, struct text *);
void plan_inspect_json(const struct plan *, struct text *);

/* Bytes of device memory by kind: of shared kinds what is live at the peak.
 * With `unused` (alignment, and what reuse could not fill) the sum is
 * device_bytes. */
struct plan_categories {
    uint64_t kind_bytes[PLAN_KINDS], unused;
    struct plan_peak peak;
};
struct plan_categories plan_categories_of(const struct plan *, struct arena *);
double plan_sequence_seconds(const struct plan *, enum plan_sequence_id);
/* Of a whole update, all its micro-batches; 0 where the plan does not train. */
double plan_step_seconds(const struct plan *);
/* The same, or where the plan does not train of a prediction. */
double plan_batch_seconds(const struct plan *);

/* A JSON string with its quotes. */
void text_json_string(struct text *, const char *);

#endif
