/*
 * arena.c: arenas, growing texts, messages, and files written whole or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* base.h has a function of this name */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base.h"

static bool all_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

/* Each piece is spoilt after the look, so a piece that is given twice is seen;
 * sizes around the alignment and the chunk. */
static void memory_is_zero_and_aligned(void **state)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 1000, 65536, 70000, 1};
    jmp_buf out_of_memory;
    struct arena a;
    static uint64_t sum;

    (void)state;
    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
            char *p = arena_alloc(&a, sizes[i], 1);

            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 64, 0);
            assert_true(all_zero(p, sizes[i]));
            memset(p, 0xff, sizes[i]);
            sum += sizes[i];
        }
    }
    assert_true(a.bytes >= sum);
    arena_close(&a);
    assert_int_equal(a.bytes, 0);
}

/* Returns to the setjmp for a product that overflows and for a size that
 * nobody has. */
static void exhaustion_jumps(void **state)
{
    static const size_t sizes[][2] = {
        {SIZE_MAX, 2}, {SIZE_MAX / 2 + 1, 1}, {SIZE_MAX, 1}};
    static volatile size_t i;
    static jmp_buf out_of_memory;
    static struct arena a;

    (void)state;
    for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        arena_open(&a, &out_of_memory);
        if (!setjmp(out_of_memory)) {
            arena_string(&a, "something to give back");
            assert_null(arena_alloc(&a, sizes[i][0], sizes[i][1]));
        }
        arena_close(&a);
    }
}

/* Across several doublings, with zeros inside, and with one piece that is
 * longer than all before. */
static void texts_grow(void **state)
{
    static jmp_buf out_of_memory;
    static struct arena a;
    struct text t = {.arena = &a};

    (void)state;
    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    text_add(&t, "%s", "");
    assert_string_equal(t.s, "");
    for (int i = 0; i < 1000; i++)
        text_add(&t, "%03d,", i);
    assert_int_equal(t.len, 4000);
    assert_memory_equal(t.s + 3996, "999,", 5);
    text_bytes(&t, "a\0b", 3);
    assert_int_equal(t.len, 4003);
    assert_memory_equal(t.s + 4000, "a\0b", 4);
    text_add(&t, "%5000d", 7);
    assert_int_equal(t.len, 9003);
    assert_string_equal(t.s + 9000, "  7");
    assert_string_equal(arena_format(&a, "%d-%s", 5, "x"), "5-x");
    arena_close(&a);
}

/* ---- messages ---- */

struct heard {
    enum plancl_severity severity;
    size_t len;
    int count;
};

static void hear(void *context, const struct plancl_message *m)
{
    struct heard *h = context;

    h->severity = m->severity;
    h->len = strlen(m->text);
    h->count++;
}

static int stop_at_3(void *context, const struct plancl_progress *p)
{
    (void)context;
    return p->done >= 3;
}

/* A message longer than the buffer on the stack must come whole; without a
 * callback nothing happens. */
static void messages_arrive(void **state)
{
    struct heard h = {0};
    struct plancl_callbacks cb = {&h, hear, stop_at_3};

    (void)state;
    assert_int_equal(fail(&cb, PLANCL_DEVICE, "%05d", 1), PLANCL_DEVICE);
    assert_int_equal(h.severity, PLANCL_ERROR);
    assert_int_equal(h.len, 5);
    note(&cb, PLANCL_WARNING, "%100000d", 1);
    assert_int_equal(h.severity, PLANCL_WARNING);
    assert_int_equal(h.len, 100000);
    assert_int_equal(h.count, 2);
    assert_false(progress(&cb, "work", 2, 3));
    assert_true(progress(&cb, "work", 3, 3));
    assert_int_equal(fail(NULL, PLANCL_FAILED, "nobody hears"), PLANCL_FAILED);
    assert_false(progress(NULL, "work", 3, 3));
}

/* ---- files ---- */

static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "file-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

/* Fails where a temporary file was left behind. */
static int remove_folder(void **state)
{
    (void)state;
    unlink(in_folder("link"));
    unlink(in_folder("a"));
    return rmdir(folder);
}

static enum plancl_status write_file(const char *path, const char *content)
{
    struct file_writer w;
    enum plancl_status status = file_begin(&w, path, NULL);

    if (status)
        return status;
    fputs(content, w.stream);
    return file_commit(&w, NULL);
}

static void assert_content(const char *path, const char *content)
{
    char found[64] = {0};
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    fread(found, 1, sizeof(found) - 1, f);
    fclose(f);
    assert_string_equal(found, content);
}

/* The old content stays until the new is whole; a link stays a link. */
static void file_is_replaced(void **state)
{
    struct file_writer w;
    struct stat st;

    (void)state;
    assert_int_equal(write_file(in_folder("a"), "old"), PLANCL_OK);
    assert_int_equal(write_file(in_folder("a"), "new"), PLANCL_OK);
    assert_content(in_folder("a"), "new");
    assert_int_equal(file_begin(&w, in_folder("a"), NULL), PLANCL_OK);
    fputs("never seen", w.stream);
    file_abandon(&w);
    file_abandon(&w);
    assert_content(in_folder("a"), "new");
    assert_int_equal(symlink("a", in_folder("link")), 0);
    assert_int_equal(write_file(in_folder("link"), "through"), PLANCL_OK);
    assert_content(in_folder("a"), "through");
    assert_int_equal(lstat(in_folder("link"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

/* A rename over /dev/null would replace the device by a file. */
static void devices_are_written_in_place(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(write_file("/dev/null", "gone"), PLANCL_OK);
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    if (access("/dev/full", W_OK) == 0)
        assert_int_equal(write_file("/dev/full", "x"), PLANCL_FAILED);
    assert_int_equal(write_file("no/such/folder/a", "x"), PLANCL_FAILED);
}

/* A limit on the size of files stands for the full disk. */
static void full_disk_keeps_the_old_file(void **state)
{
    struct rlimit old;
    struct rlimit small;
    enum plancl_status status;

    (void)state;
    assert_int_equal(write_file(in_folder("a"), "old"), PLANCL_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    small = old;
    small.rlim_cur = 4;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    status = write_file(in_folder("a"), "longer than four bytes");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, PLANCL_FAILED);
    assert_content(in_folder("a"), "old");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zero_and_aligned),
        cmocka_unit_test(exhaustion_jumps),
        cmocka_unit_test(texts_grow),
        cmocka_unit_test(messages_arrive),
        cmocka_unit_test_setup_teardown(file_is_replaced, make_folder,
                                        remove_folder),
        cmocka_unit_test(devices_are_written_in_place),
        cmocka_unit_test_setup_teardown(full_disk_keeps_the_old_file,
                                        make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
