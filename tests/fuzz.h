/*
 * fuzz.h: the parsers of files that come from anywhere, each fed with bytes.
 *
 * A fuzzer and the replay of its corpus share these functions.  A file is read
 * by the path that users take, and what is accepted is used: tensors are read,
 * plans printed, imported models read by the compiler.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

struct fuzz_input;

struct fuzz_parser {
    const char *name; /* and of its folder in tests/corpus */
    /* Null, or what it did that no parser may. */
    const char *(*feed)(const struct fuzz_input *);
};
/* Ends with a null name. */
const struct fuzz_parser *fuzz_parsers(void);

/* Null, or the promise that was broken: a status other than success comes with
 * one message, success with none. */
const char *fuzz_feed(const struct fuzz_parser *, const uint8_t *, size_t);

#endif
