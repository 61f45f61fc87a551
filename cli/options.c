/*
 * options.c: parsing by table, over getopt_long.
 *
 * Numbers are strict: the whole text must be one, in range, without a sign
 * where a count is wanted.
 *
 * What is wrong is said with the option's name, the text found and what was
 * wanted, and the command ends with PLANCL_REFUSED before it does anything.
 */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = 40, FIRST_LONG = 256 };

void texts_free(struct texts *t)
{
    free(t->v);
    *t = (struct texts){0};
}

static bool texts_add(struct texts *t, const char *s)
{
    const char **v = realloc(t->v, (t->n + 1) * sizeof *v);

    if (!v)
        return false;
    t->v = v;
    t->v[t->n++] = s;
    return true;
}

/* The number at the front of s; *end is what follows it.  Decimal always:
 * strtoull of base 0 would read "010" as 8, and any base takes a minus sign. */
static bool leading_count(const char *s, uint64_t *count, char **end)
{
    unsigned long long n;

    if (!isdigit((unsigned char)*s))
        return false;
    errno = 0;
    n = strtoull(s, end, 10); /* "010" is ten */
    *count = n;
    return errno == 0;
}

bool count_parse(const char *s, uint64_t *count)
{
    uint64_t n;
    char *end;

    if (!leading_count(s, &n, &end) || *end)
        return false;
    *count = n;
    return true;
}

/* Binary units have an i, decimal ones have not; a bare M would leave it open
 * and is refused. */
bool size_parse(const char *s, uint64_t *bytes)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } unit[] = {
        {"", 1},
        {"B", 1},
        {"KiB", UINT64_C(1) << 10},
        {"MiB", UINT64_C(1) << 20},
        {"GiB", UINT64_C(1) << 30},
        {"TiB", UINT64_C(1) << 40},
        {"kB", UINT64_C(1000)},
        {"MB", UINT64_C(1000000)},
        {"GB", UINT64_C(1000000000)},
    };
    uint64_t n;
    char *end;

    if (!leading_count(s, &n, &end))
        return false;
    for (size_t i = 0; i < sizeof unit / sizeof *unit; i++)
        if (strcmp(end, unit[i].name) == 0)
            return !__builtin_mul_overflow(n, unit[i].bytes, bytes);
    return false;
}

/* Finite, since no option has a use for inf or nan. */
static bool real_parse(const char *s, double *real)
{
    char *end;
    double x = strtod(s, &end);

    if (end == s || *end || !isfinite(x))
        return false;
    *real = x;
    return true;
}

static bool yesno_parse(const char *s, bool *yes)
{
    if (strcmp(s, "yes") != 0 && strcmp(s, "no") != 0)
        return false;
    *yes = s[0] == 'y';
    return true;
}

/* Null, or what was wanted instead. */
static const char *store(const struct option_spec *o, const char *s)
{
    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)o->to = true;
        return NULL;
    case OPTION_TEXT:
        *(const char **)o->to = s;
        return NULL;
    case OPTION_LIST:
        return texts_add(o->to, s) ? NULL : "more memory";
    case OPTION_COUNT:
        return count_parse(s, o->to) && *(uint64_t *)o->to
                   ? NULL
                   : "a whole number of 1 or more";
    case OPTION_NUMBER:
        return count_parse(s, o->to) ? NULL : "a whole number of 0 or more";
    case OPTION_SIZE:
        return size_parse(s, o->to) && *(uint64_t *)o->to
                   ? NULL
                   : "a size such as 4096 or 512MiB";
    case OPTION_REAL:
        return real_parse(s, o->to) ? NULL : "a number";
    case OPTION_YESNO:
        return yesno_parse(s, o->to) ? NULL : "yes or no";
    }
    return NULL;
}

static void print_option(const struct option_spec *o)
{
    char head[64];

    snprintf(head, sizeof head, "%c%c%c --%s%s%s", o->letter ? '-' : ' ',
             o->letter ? o->letter : ' ', o->letter ? ',' : ' ', o->name,
             o->value ? "=" : "", o->value ? o->value : "");
    printf("  %-30s %s\n", head, o->doc);
}

static void print_help(const struct usage *u, const struct option_spec *spec)
{
    printf("Usage: plancl %s%s%s [OPTION]...\n%s\n\n", u->command,
           *u->operands ? " " : "", u->operands, u->summary);
    for (; spec->name; spec++)
        print_option(spec);
    printf("  %-30s %s\n", "-h, --help", "print this and exit");
    printf("\nExample:\n%s", u->example);
}

static enum options_result wrong(const struct usage *u)
{
    fprintf(stderr, "plancl: see \"plancl %s --help\"\n", u->command);
    return OPTIONS_WRONG;
}

/* getopt gives a short option in optopt, and of a long one the number that
 * getopt_tables() gave it, or 0. */
static enum options_result wrong_option(const struct usage *u, int c,
                                        char **argv)
{
    bool is_short = optopt && optopt < FIRST_LONG && c == '?';
    const char *what = c == ':'               ? "a value is missing after"
                       : optopt >= FIRST_LONG ? "no value belongs to"
                                              : "unknown option";

    if (is_short)
        fprintf(stderr, "plancl: error: %s: %s -%c\n", u->command, what,
                optopt);
    else
        fprintf(stderr, "plancl: error: %s: %s %s\n", u->command, what,
                argv[optind - 1]);
    return wrong(u);
}

/* getopt's two tables from ours; a short option's value is its letter. */
static void getopt_tables(const struct option_spec *spec, struct option *longs,
                          char *shorts)
{
    int i = 0;

    *shorts++ = ':'; /* tell a missing value from an unknown option */
    *shorts++ = 'h';
    for (; i < MAX_OPTIONS && spec[i].name; i++) {
        int has = spec[i].kind == OPTION_FLAG ? no_argument : required_argument;

        longs[i] = (struct option){spec[i].name, has, NULL, FIRST_LONG + i};
        if (!spec[i].letter)
            continue;
        *shorts++ = spec[i].letter;
        if (has == required_argument)
            *shorts++ = ':';
    }
    longs[i++] = (struct option){"help", no_argument, NULL, 'h'};
    longs[i] = (struct option){0};
    *shorts = '\0';
}

static const struct option_spec *spec_of(const struct option_spec *spec, int c)
{
    if (c >= FIRST_LONG)
        return &spec[c - FIRST_LONG];
    while (spec->name && spec->letter != c)
        spec++;
    return spec;
}

static enum options_result take_operands(const struct usage *u, int argc,
                                         char **argv, const char **operand)
{
    if (argc > u->operands_wanted) {
        fprintf(stderr, "plancl: error: %s: unexpected \"%s\"\n", u->command,
                argv[u->operands_wanted]);
        return wrong(u);
    }
    if (argc < u->operands_wanted) {
        fprintf(stderr, "plancl: error: %s wants %s\n", u->command,
                u->operands);
        return wrong(u);
    }
    for (int i = 0; i < argc; i++)
        operand[i] = argv[i];
    return OPTIONS_GO_ON;
}

enum options_result options_parse(const struct usage *u,
                                  const struct option_spec *spec, int argc,
                                  char **argv, const char **operand)
{
    struct option longs[MAX_OPTIONS + 2];
    char shorts[2 * MAX_OPTIONS + 3];
    int c;

    getopt_tables(spec, longs, shorts);
    opterr = 0;
    optind = 1;
    while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const struct option_spec *o;
        const char *wanted;

        if (c == 'h') {
            print_help(u, spec);
            return OPTIONS_HELP;
        }
        if (c == '?' || c == ':')
            return wrong_option(u, c, argv);
        o = spec_of(spec, c);
        wanted = store(o, optarg);
        if (wanted) {
            fprintf(stderr, "plancl: error: --%s=%s: wanted %s\n", o->name,
                    optarg, wanted);
            return wrong(u);
        }
    }
    return take_operands(u, argc - optind, argv + optind, operand);
}

enum plancl_status options_status(enum options_result r)
{
    return r == OPTIONS_WRONG ? PLANCL_REFUSED : PLANCL_OK;
}
