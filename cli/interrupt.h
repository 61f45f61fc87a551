/* interrupt.h: has the user asked to stop? */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* From here on SIGINT and SIGTERM are noted once; a second one ends the
 * process. */
void interrupt_catch(void);
bool interrupt_seen(void);

#endif
