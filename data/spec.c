/*
 * spec.c: what "NAME=FILE[:scale=A/B or number]" says.
 *
 * The name ends at the first '=', the file at the last ":scale=", so that
 * files may have either character in their names.
 */
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/spec.h"
#include "runtime/base.h"

#define SCALE_OPTION ":scale="

static const char *last_scale(const char *s)
{
    const char *found = NULL;

    while ((s = strstr(s, SCALE_OPTION)) != NULL)
        found = s++;
    return found;
}

/* A decimal number from s to end; strtod alone would also take spaces, hex
 * digits, "inf" and "nan". */
static bool number_of(const char *s, const char *end, double *x)
{
    size_t n = (size_t)(end - s);
    char text[64], *stop;

    if (n == 0 || n >= sizeof text)
        return false;
    memcpy(text, s, n);
    text[n] = '\0';
    if (strspn(text, "+-.0123456789eE") != n)
        return false;
    *x = strtod(text, &stop);
    return *stop == '\0' && isfinite(*x) && *x != 0;
}

static bool scale_of(const char *s, struct scale *scale)
{
    const char *end = s + strlen(s);
    const char *slash = strchr(s, '/');

    scale->denominator = 1;
    if (!slash)
        return number_of(s, end, &scale->numerator);
    return number_of(s, slash, &scale->numerator) &&
           number_of(slash + 1, end, &scale->denominator);
}

/* strtod reads the point of the user's locale; files and command lines are
 * the same everywhere. */
static enum plancl_status parse_scale(const char *text, const char *s,
                                      const struct plancl_callbacks *cb,
                                      struct scale *scale)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before;
    bool good;

    if (c == (locale_t)0)
        return fail(cb, PLANCL_MEMORY, "%s: out of memory", text);
    before = uselocale(c);
    good = scale_of(s, scale);
    uselocale(before);
    freelocale(c);
    if (!good)
        return fail(cb, PLANCL_REFUSED,
                    "data '%s': scale '%s' is neither a number nor A/B "
                    "(decimal, not 0)",
                    text, s);
    return PLANCL_OK;
}

enum plancl_status spec_parse(const char *text,
                              const struct plancl_callbacks *cb,
                              struct spec *spec)
{
    const char *equals = strchr(text, '=');
    const char *scale = equals ? last_scale(equals + 1) : NULL;
    size_t path_bytes;

    *spec = (struct spec){.scale = {1, 1}};
    if (!equals || equals == text)
        return fail(cb, PLANCL_REFUSED,
                    "data '%s': wanted NAME=FILE[:scale=A/B], with the name of "
                    "an input of the model",
                    text);
    path_bytes = scale ? (size_t)(scale - equals - 1) : strlen(equals + 1);
    if (path_bytes == 0)
        return fail(cb, PLANCL_REFUSED, "data '%s': the file is missing", text);
    if (scale) {
        enum plancl_status status = parse_scale(
            text, scale + strlen(SCALE_OPTION), cb, &spec->scale);

        if (status)
            return status;
    }
    spec->name = strndup(text, (size_t)(equals - text));
    spec->path = strndup(equals + 1, path_bytes);
    if (spec->name && spec->path)
        return PLANCL_OK;
    spec_free(spec);
    return fail(cb, PLANCL_MEMORY, "data '%s': out of memory", text);
}

void spec_free(struct spec *spec)
{
    free(spec->name);
    free(spec->path);
    spec->name = spec->path = NULL;
}
