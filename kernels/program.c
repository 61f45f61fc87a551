/*
 * program.c: the text of one kernel within a program that holds many.
 *
 * A file is included once per (entry, options): `#define` lines before it,
 * their `#undef` after it.  The file names what it defines through KERNEL(),
 * so that several instances of it live in one program.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"

/* With no buffer yet it only counts. */
struct writer {
    char *at;
    size_t len;
};

static void put(struct writer *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct writer *w, const char *format, ...)
{
    va_list arg;
    int n;

    va_start(arg, format);
    n = vsnprintf(w->at ? w->at + w->len : NULL, w->at ? SIZE_MAX / 2 : 0,
                  format, arg);
    va_end(arg);
    w->len += n > 0 ? (size_t)n : 0;
}

/* One line per option: the whole of it, or only the name. */
static void put_options(struct writer *w, const char *options,
                        const char *directive)
{
    int define = strcmp(directive, "define") == 0;

    while (*options) {
        size_t len = strcspn(options, " ");
        size_t name = strcspn(options, "= ");

        put(w, "#%s %.*s", directive, (int)name, options);
        if (define && name < len)
            put(w, " %.*s", (int)(len - name - 1), options + name + 1);
        put(w, "\n");
        options += len + strspn(options + len, " ");
    }
}

/* Everything that is defined in front is undefined behind, so that instances
 * do not see each other. */
static void write_instance(struct writer *w, const struct launch *l,
                           const char *source, unsigned id)
{
    put(w, "#define KERNEL(name) k%u_##name\n#define ENTRY_%s 1\n", id,
        l->entry);
    put_options(w, l->options, "define");
    put(w, "%s", source);
    put_options(w, l->options, "undef");
    put(w, "#undef ENTRY_%s\n#undef KERNEL\n", l->entry);
}

/* Twice: first to count, then to write. */
char *kernel_instance(const struct launch *l, unsigned id)
{
    const char *source = l->text ? l->text : kernel_source(l->source);
    struct writer w = {NULL, 0};

    if (!source)
        return NULL;
    write_instance(&w, l, source, id);
    w.at = malloc(w.len + 1);
    if (!w.at)
        return NULL;
    w.len = 0;
    write_instance(&w, l, source, id);
    return w.at;
}
