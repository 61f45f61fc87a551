/*
 * session.h: what the compiler must know of a session: the host memory that it
 * takes, so that a plan can say so beforehand.
 */
#ifndef RUNTIME_SESSION_H
#define RUNTIME_SESSION_H

#include <stdint.h>

struct plan;

/* Bytes of host memory that a session of this plan allocates: its own records,
 * the ring of a profile, staging to permute the largest tensor that is stored
 * in another order than the user's, all in one block taken at open; and what
 * saving and loading weights takes for a while. */
uint64_t session_host_bytes(const struct plan *);

#endif
