/*
 * fuzz_replay.c: what fuzzers found worth keeping, through the same functions:
 * each file is accepted, or refused with one message.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz.h"

/* Last: it has a macro called fail. */
#include <cmocka.h>

enum { LARGEST = 1 << 17 };

static void replay(const struct fuzz_parser *parser, const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = malloc(LARGEST), *exact;
    const char *wrong;
    size_t n;

    assert_non_null(f);
    assert_non_null(bytes);
    n = fread(bytes, 1, LARGEST, f);
    fclose(f);
    assert_true(n < LARGEST);
    /* No longer than the file, so that sanitizers see what reads past it. */
    exact = realloc(bytes, n ? n : 1);
    assert_non_null(exact);
    wrong = fuzz_feed(parser, exact, n);
    free(exact);
    if (wrong)
        fail_msg("%s: %s", path, wrong);
}

/* A folder that was not found, or is empty, must not pass. */
static void test_corpus(void **state)
{
    const struct fuzz_parser *parser = *state;
    const char *source = getenv("top_srcdir");
    char folder[1024], path[2048];
    struct dirent *e;
    int n = 0;
    DIR *d;

    snprintf(folder, sizeof folder, "%s/tests/corpus/%s", source ? source : ".",
             parser->name);
    d = opendir(folder);
    assert_non_null(d);
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        replay(parser, path);
        n++;
    }
    closedir(d);
    assert_true(n > 0);
}

int main(void)
{
    const struct fuzz_parser *parser = fuzz_parsers();
    int failed = 0;

    for (; parser->name; parser++) {
        const struct CMUnitTest test[] = {
            {parser->name, test_corpus, NULL, NULL, (void *)parser}};

        failed += cmocka_run_group_tests_name(parser->name, test, NULL, NULL);
    }
    return failed != 0;
}
