/*
 * report.c: messages as FILE:LINE:COLUMN: kind: text, and progress.
 *
 * Results go to standard output elsewhere; everything here is for a person.
 */
#include "cli/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/interrupt.h"

static const double line_every = 10; /* seconds, where there is no terminal */

double clock_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Whether standard error is a terminal is asked once. */
void report_open(struct report *r, bool quiet)
{
    *r = (struct report){
        .quiet = quiet,
        .terminal = isatty(STDERR_FILENO),
        .shown = clock_seconds(),
    };
}

static void clear_line(struct report *r)
{
    if (r->line)
        fputs("\r\033[K", stderr);
    r->line = false;
}

static void message(void *context, const struct plancl_message *m)
{
    static const char *const kind[] = {
        [PLANCL_NOTE] = "note",
        [PLANCL_WARNING] = "warning",
        [PLANCL_ERROR] = "error",
    };
    struct report *r = context;

    if (r->quiet && m->severity == PLANCL_NOTE)
        return;
    clear_line(r);
    fputs(m->file ? m->file : "plancl", stderr);
    if (m->file && m->line)
        fprintf(stderr, ":%d", m->line);
    if (m->file && m->line && m->column)
        fprintf(stderr, ":%d", m->column);
    fprintf(stderr, ": %s: %s\n", kind[m->severity], m->text);
}

/* Also the place where an interrupt is seen while a library works. */
static int library_progress(void *context, const struct plancl_progress *p)
{
    struct report *r = context;

    if (r->terminal && p->total)
        report_progress(r, "%s %llu of %llu", p->stage,
                        (unsigned long long)p->done,
                        (unsigned long long)p->total);
    return interrupt_seen();
}

struct plancl_callbacks report_callbacks(struct report *r)
{
    return (struct plancl_callbacks){
        .context = r,
        .message = message,
        .progress = library_progress,
    };
}

void report_progress(struct report *r, const char *format, ...)
{
    double now = clock_seconds();
    va_list args;

    if (r->quiet || (!r->terminal && now - r->shown < line_every))
        return;
    clear_line(r);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    if (!r->terminal)
        fputc('\n', stderr);
    fflush(stderr);
    r->line = r->terminal;
    r->shown = now;
}

void report_line(struct report *r, const char *format, ...)
{
    va_list args;

    if (r->quiet)
        return;
    clear_line(r);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    r->shown = clock_seconds();
}

void report_close(struct report *r)
{
    clear_line(r);
    fflush(stderr);
}
