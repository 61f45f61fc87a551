/*
 * tensors.h: named tensors of a plan: their size, and their elements between
 * the user's order and the order in which a device stores them.
 */
#ifndef RUNTIME_TENSORS_H
#define RUNTIME_TENSORS_H

#include "runtime/plan.h"
#include "runtime/plancl.h"

uint64_t tensor_count(const struct plan_tensor *);
uint64_t tensor_bytes(const struct plan_tensor *);
/* The stored order differs from the user's in more than dimensions of 1. */
bool tensor_permuted(const struct plan_tensor *);

/* Elements first ... first + n - 1 in the user's order, packed in user,
 * from or to stored, which holds the whole tensor. */
void tensor_gather(const struct plan_tensor *, const void *stored,
                   uint64_t first, uint64_t n, void *user);
void tensor_scatter(const struct plan_tensor *, void *stored, uint64_t first,
                    uint64_t n, const void *user);

/* The index of a name, or -1. */
int64_t tensor_find(const struct plan *, const char *name);

/* Bytes of the stored order, with a message on failure; waits. */
enum plancl_status tensor_from_device(struct plancl_session *,
                                      const struct plan_tensor *,
                                      uint64_t offset, void *to,
                                      uint64_t bytes);
enum plancl_status tensor_to_device(struct plancl_session *,
                                    const struct plan_tensor *, uint64_t offset,
                                    const void *from, uint64_t bytes);

#endif
