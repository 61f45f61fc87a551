/*
 * spec.c: what "NAME=FILE[:OPTION]..." says; an option is scale=A/B, window=N,
 * shift=N or characters.
 *
 * The name ends at the first '=', the file before the options at the end, so
 * that files may have either character in their names.
 */
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/spec.h"
#include "runtime/base.h"

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

/* UINT64_MAX stands for what is no number, and is refused below. */
static enum plancl_status parse_count(const char *text, const char *option,
                                      const struct plancl_callbacks *cb,
                                      uint64_t *n)
{
    const char *s = strchr(option, '=') + 1;

    *n = 0;
    for (const char *c = s; *c; c++)
        if (*c < '0' || *c > '9' || !mul_u64(*n, 10, n) ||
            !add_u64(*n, (uint64_t)(*c - '0'), n))
            *n = UINT64_MAX;
    if (*s && *n > 0 && *n <= INT64_MAX)
        return PLANCL_OK;
    return fail(cb, PLANCL_REFUSED,
                "data '%s': '%s' wants a whole number of 1 or more", text,
                option);
}

static enum plancl_status parse_option(const char *text, const char *option,
                                       const struct plancl_callbacks *cb,
                                       struct spec *spec)
{
    if (strncmp(option, "scale=", 6) == 0)
        return parse_scale(text, option + 6, cb, &spec->scale);
    if (strncmp(option, "window=", 7) == 0)
        return parse_count(text, option, cb, &spec->window);
    if (strncmp(option, "shift=", 6) == 0)
        return parse_count(text, option, cb, &spec->shift);
    spec->characters = true;
    return PLANCL_OK;
}

/* Cut the last option off a text; null where it ends with none. */
static const char *cut_option(char *s)
{
    static const char *const names[] = {"scale=", "window=", "shift="};
    char *colon = strrchr(s, ':');
    bool known = colon && strcmp(colon + 1, "characters") == 0;

    for (size_t i = 0; colon && i < sizeof names / sizeof *names; i++)
        known |= strncmp(colon + 1, names[i], strlen(names[i])) == 0;
    if (!known)
        return NULL;
    *colon = '\0';
    return colon + 1;
}

/* file: a copy of what follows the name, cut here. */
static enum plancl_status parse_file(const char *text, char *file,
                                     const struct plancl_callbacks *cb,
                                     struct spec *spec)
{
    const char *option;

    while ((option = cut_option(file)) != NULL) {
        enum plancl_status status = parse_option(text, option, cb, spec);

        if (status)
            return status;
    }
    if (!*file)
        return fail(cb, PLANCL_REFUSED, "data '%s': the file is missing", text);
    if (spec->shift && !spec->window)
        return fail(cb, PLANCL_REFUSED, "data '%s': shift=N goes with window=N",
                    text);
    return PLANCL_OK;
}

/* The strings are copies, freed by spec_free(). */
enum plancl_status spec_parse(const char *text,
                              const struct plancl_callbacks *cb,
                              struct spec *spec)
{
    const char *equals = strchr(text, '=');
    enum plancl_status status;

    *spec = (struct spec){.scale = {1, 1}};
    if (!equals || equals == text)
        return fail(cb, PLANCL_REFUSED,
                    "data '%s': wanted NAME=FILE[:scale=A/B], with the name of "
                    "an input of the model",
                    text);
    spec->name = strndup(text, (size_t)(equals - text));
    spec->path = strdup(equals + 1);
    if (spec->name && spec->path)
        status = parse_file(text, spec->path, cb, spec);
    else
        status = fail(cb, PLANCL_MEMORY, "data '%s': out of memory", text);
    if (status)
        spec_free(spec);
    return status;
}

void spec_free(struct spec *spec)
{
    free(spec->name);
    free(spec->path);
    spec->name = spec->path = NULL;
}
