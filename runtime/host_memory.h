/* host_memory.h: how much memory this process can still get. */
#ifndef RUNTIME_HOST_MEMORY_H
#define RUNTIME_HOST_MEMORY_H

#include <stdint.h>

/* The lesser of the machine's available memory and the limits of the control
 * groups that this process is in; UINT64_MAX where the system does not say. */
uint64_t host_memory_available(void);

#endif
