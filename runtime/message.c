/*
 * message.c: what the library says goes through the caller's callbacks.
 *
 * One message for one failure: who finds it calls fail(), and every caller
 * above only passes the status on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/base.h"

static void send(const struct plancl_callbacks *cb,
                 enum plancl_severity severity, const char *text)
{
    struct plancl_message m = {.severity = severity, .text = text};

    cb->message(cb->context, &m);
}

/* Messages that do not fit (a compiler's log) take memory of their own; where
 * there is none, they are cut. */
static void say(const struct plancl_callbacks *cb,
                enum plancl_severity severity, const char *format, va_list args)
{
    char small[1024];
    char *large;
    va_list again;
    int len;

    if (!cb || !cb->message)
        return;
    va_copy(again, args);
    len = vsnprintf(small, sizeof(small), format, again);
    va_end(again);
    large = len >= (int)sizeof(small) ? malloc((size_t)len + 1) : NULL;
    if (large)
        vsnprintf(large, (size_t)len + 1, format, args);
    send(cb, severity, large ? large : small);
    free(large);
}

enum plancl_status fail(const struct plancl_callbacks *cb,
                        enum plancl_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(cb, PLANCL_ERROR, format, args);
    va_end(args);
    return status;
}

void note(const struct plancl_callbacks *cb, enum plancl_severity severity,
          const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(cb, severity, format, args);
    va_end(args);
}

bool progress(const struct plancl_callbacks *cb, const char *stage,
              uint64_t done, uint64_t total)
{
    struct plancl_progress p = {stage, done, total};

    return cb && cb->progress && cb->progress(cb->context, &p) != 0;
}
