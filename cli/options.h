/*
 * options.h: the options of a command as a table: what is parsed, what --help
 * prints, in one place.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/plancl.h"

enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char * */
    OPTION_LIST,   /* struct texts: may come several times */
    OPTION_COUNT,  /* uint64_t, 1 or more: 0 is free to say "not given" */
    OPTION_NUMBER, /* uint64_t */
    OPTION_SIZE,   /* uint64_t, bytes, 1 or more: 4096, 512MiB, 1GiB */
    OPTION_REAL,   /* double */
    OPTION_YESNO   /* bool: "yes" or "no" */
};

/* Pointers into argv; only the array is owned. */
struct texts {
    const char **v;
    unsigned n;
};
void texts_free(struct texts *);

struct option_spec {
    const char *name;
    char letter; /* of the short form, or 0 */
    enum option_kind kind;
    void *to;          /* left as it was where the option is not given */
    const char *value; /* its name in the help; null for a flag */
    const char *doc;
};

struct usage {
    const char *command, *operands, *summary;
    const char *example; /* whole lines */
    int operands_wanted;
};

/* What follows the parsing. */
enum options_result { OPTIONS_GO_ON, OPTIONS_HELP, OPTIONS_WRONG };

/* The table ends with a null name; --help is added to it.  operand has room
 * for usage->operands_wanted.  Help goes to standard output, mistakes to
 * standard error. */
enum options_result options_parse(const struct usage *,
                                  const struct option_spec *, int argc,
                                  char **argv, const char **operand);
/* The exit code of a result that ends the command. */
enum plancl_status options_status(enum options_result);

/* "1GiB" in bytes, "12"; false where it is not a whole number. */
bool size_parse(const char *, uint64_t *);
bool count_parse(const char *, uint64_t *);

#endif
