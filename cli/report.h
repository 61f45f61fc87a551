/*
 * report.h: what the program says on standard error: messages and progress.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdbool.h>

#include "runtime/plancl.h"

struct report {
    bool quiet;    /* errors and warnings only */
    bool terminal; /* progress is one line, written over */
    bool line;     /* such a line stands there now */
    double shown;  /* seconds, when progress was last shown */
};

void report_open(struct report *, bool quiet);
/* Callbacks for the libraries; a pending interrupt cancels their calls. */
struct plancl_callbacks report_callbacks(struct report *);

/* Progress: overwritten at each call on a terminal, elsewhere a line every
 * ten seconds. */
void report_progress(struct report *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A line that stays, such as an epoch's result. */
void report_line(struct report *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Ends a progress line on a terminal. */
void report_close(struct report *);

/* Seconds of a clock that never goes back. */
double clock_seconds(void);

#endif
