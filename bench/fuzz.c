/*
 * fuzz.c: what libFuzzer calls; the parser is that of $PLANCL_FUZZ.
 *
 * Built by fuzz.sh, since it needs clang.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz.h"

/* libFuzzer has no header for it. */
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *name = getenv("PLANCL_FUZZ"), *wrong;
    const struct fuzz_parser *parser = fuzz_parsers();

    while (parser->name && name && strcmp(parser->name, name) != 0)
        parser++;
    if (!parser->name || !name) {
        fputs("fuzz: PLANCL_FUZZ names no parser\n", stderr);
        exit(2);
    }
    wrong = fuzz_feed(parser, bytes, size);
    if (wrong) {
        fprintf(stderr, "fuzz: %s\n", wrong);
        abort();
    }
    return 0;
}
