/*
 * target.h: what commands that compile are told alike: sizes of dimensions, a
 * budget of memory, the device that the plan is for.
 */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "cli/options.h"
#include "compiler/plancl_compile.h"

/* "N=16" for each text, which is cut in two.  dim is the caller's to free, also
 * after a refusal, and has room for one more. */
enum plancl_status target_dims(const struct texts *,
                               const struct plancl_callbacks *,
                               struct plancl_dim **dim);
/* The batch, N, of n dimensions: true where it is a new one, without a size yet,
 * false where --dim gave it. */
bool target_batch(struct plancl_dim *, unsigned *n, struct plancl_dim **batch);
/* "14GiB", or "75%" of what the device has; null: no budget. */
enum plancl_status target_memory(const char *, struct plancl_compile_options *,
                                 const struct plancl_callbacks *);
/* A profile or the index of a device; null: what a session would take, and a
 * profile where there is nothing. */
void target_device(const char *, struct plancl_compile_options *,
                   const struct plancl_callbacks *);

#endif
