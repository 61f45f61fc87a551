/*
 * data_test.c: see data_test.h.
 *
 * A test works in a folder of its own below the build's, so tests may run side
 * by side.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/data_test.h"

int data_test_enter(void **state)
{
    char *name = strdup("data-test-XXXXXX");

    if (!name || !mkdtemp(name) || chdir(name) != 0) {
        free(name);
        return -1;
    }
    *state = name;
    return 0;
}

/* Files that a test left are removed, whatever they are; a folder in it would
 * be a mistake and fails. */
int data_test_leave(void **state)
{
    char *name = *state;
    DIR *folder = opendir(".");
    struct dirent *entry;

    while (folder && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            remove(entry->d_name);
    if (folder)
        closedir(folder);
    if (chdir("..") != 0 || rmdir(name) != 0)
        return -1;
    free(name);
    return 0;
}

static void keep(void *context, const struct plancl_message *m)
{
    struct last_message *last = context;

    snprintf(last->text, sizeof last->text, "%s", m->text);
    last->count++;
}

struct plancl_callbacks keep_message(struct last_message *last)
{
    *last = (struct last_message){0};
    return (struct plancl_callbacks){.context = last, .message = keep};
}

void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(n ? bytes : "", 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* As NumPy writes version 1.0, but for the dict, which may be anything. */
void write_npy(const char *path, const char *dict, const void *data, size_t n)
{
    static const unsigned char start[8] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    int length = (int)strlen(dict);
    int end = (10 + length + 1 + 63) / 64 * 64;
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(start, 1, sizeof start, f), sizeof start);
    fputc((end - 10) & 255, f);
    fputc((end - 10) >> 8, f);
    assert_int_equal(fprintf(f, "%-*s\n", end - 11, dict), end - 10);
    if (n)
        assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Level 1: what is tested is reading. */
void write_gz(const char *path, const void *bytes, size_t n)
{
    gzFile f = gzopen(path, "wb1");

    assert_non_null(f);
    assert_int_equal(gzwrite(f, bytes, (unsigned)n), n);
    assert_int_equal(gzclose(f), Z_OK);
}

/* One message, with these words in it, and no dataset: what every refusal
 * owes. */
void assert_refused(const char *spec, enum plancl_status status,
                    const char *words)
{
    struct last_message last;
    struct plancl_callbacks cb = keep_message(&last);
    struct plancl_data *d = NULL;

    if (plancl_data_open(&spec, 1, &cb, &d) != status)
        fail_msg("%s: wanted status %d (%s), got '%s'", spec, (int)status,
                 words, last.text);
    assert_null(d);
    assert_int_equal(last.count, 1);
    if (!strstr(last.text, words))
        fail_msg("%s: '%s' does not say '%s'", spec, last.text, words);
}

struct plancl_data *open_one(const char *spec)
{
    struct plancl_data *d = NULL;

    if (plancl_data_open(&spec, 1, NULL, &d) == PLANCL_OK)
        return d;
    assert_refused(spec, PLANCL_OK, "nothing");
    return NULL;
}

enum plancl_status read_first(struct plancl_data *d, uint64_t n,
                              enum plancl_dtype dtype, void *out)
{
    uint64_t index[64];

    assert_true(n <= 64);
    for (uint64_t i = 0; i < n; i++)
        index[i] = i;
    return plancl_data_read(d, 0, index, n, dtype, out);
}

/* xorshift64 (Marsaglia 2003): the same numbers on every machine. */
uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
