/* profile_report.h: where the time of a session went. */
#ifndef CLI_PROFILE_REPORT_H
#define CLI_PROFILE_REPORT_H

#include "runtime/plancl.h"

/* A table on standard output, the slowest first. */
enum plancl_status profile_print(struct plancl_session *,
                                 const struct plancl_callbacks *);

#endif
