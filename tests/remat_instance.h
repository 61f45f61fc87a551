/*
 * remat_instance.h: instances of recomputation from JSON files.
 */
#ifndef TESTS_REMAT_INSTANCE_H
#define TESTS_REMAT_INSTANCE_H

#include "compiler/remat.h"

/*
 * One value for each op, with all that the op makes.  Three kinds of files are
 * read: nodes with cost, bytes and edges; ops over tensors with aliases; and
 * ops over tensors in storages that some ops change in place.  False when it is
 * none of them.
 */
bool remat_instance_read(const char *path, struct remat_job *, struct arena *);

#endif
