/*
 * onnx_graphs.c: small ONNX graphs become the layers that they should, or are
 * refused with the reason; broken files are refused.
 */
/* For mkdtemp.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/onnx_build.h"
#include "tests/onnx_graph_cases.h"

#include <cmocka.h>

/* ---- running them ---- */

static void keep_message(void *context, const struct plancl_message *m)
{
    struct text *t = context;

    text_add(t, "%s\n", m->text);
}

static const char *outcome(const struct onnx_bytes *bytes,
                           const struct onnx_options *o, struct arena *a,
                           enum plancl_status *status)
{
    struct text *said = ARENA_NEW(a, struct text, 1);
    const struct plancl_callbacks cb = {said, keep_message, NULL};
    struct onnx_model m = {0};

    said->arena = a;
    *status = onnx_import_bytes(bytes, o, a, &cb, &m);
    if (*status == PLANCL_OK)
        return m.text;
    return said->s ? said->s : "";
}

static void run_case(const struct graph_case *c, struct arena *a)
{
    static const double shape[] = {2, 3, 2};
    const struct onnx_given value = {c->value, 3, shape};
    const struct onnx_options o = {.dim = &c->dim,
                                   .ndim = c->dim.name != NULL,
                                   .value = &value,
                                   .nvalue = c->value != NULL};
    struct onnx_bytes bytes = onnx_build(a, c->opset, c->line);
    enum plancl_status status;
    const char *text = outcome(&bytes, &o, a, &status);

    if (status != (c->refused ? PLANCL_REFUSED : PLANCL_OK))
        fail_msg("%s: status %d: %s", c->line[1], (int)status, text);
    for (int i = 0; i < 6 && c->says[i]; i++)
        if (!strstr(text, c->says[i]))
            fail_msg("%s: \"%s\" is not in\n%s", c->line[1], c->says[i], text);
}

static void test_graphs(void **state)
{
    jmp_buf out_of_memory;
    struct arena a;

    (void)state;
    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        fail_msg("out of memory");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_case(&cases[i], &a);
    arena_close(&a);
}

/* Every file cut short, and every byte changed, is read or refused. */
static void test_broken(void **state)
{
    const struct onnx_options none = {0};
    jmp_buf out_of_memory;
    struct onnx_bytes bytes;
    struct arena a, scratch;
    uint8_t *copy;

    (void)state;
    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        fail_msg("out of memory");
    bytes = onnx_build(&a, 13, cases[8].line);
    copy = arena_alloc(&a, bytes.len + 1, 1);
    for (size_t i = 0; i < 2 * bytes.len; i++) {
        struct onnx_bytes part = {
            .name = "test.onnx", .at = copy, .len = bytes.len};
        enum plancl_status status;

        memcpy(copy, bytes.at, bytes.len);
        if (i < bytes.len)
            part.len = i;
        else
            copy[i - bytes.len] ^= (uint8_t)(1 + i % 255);
        arena_open(&scratch, &out_of_memory);
        outcome(&part, &none, &scratch, &status);
        assert_true(status == PLANCL_OK || status == PLANCL_REFUSED);
        arena_close(&scratch);
    }
    arena_close(&a);
}

/* Graphs in attributes of nodes of graphs, many times over: 07 is a model's
 * graph, 01 a graph's node, 05 a node's attribute, 06 an attribute's graph. */
static void test_deep(void **state)
{
    static const uint8_t inside[] = {1 << 3 | 2, 5 << 3 | 2, 6 << 3 | 2};
    enum { LEVELS = 300, SIZE = 8 * LEVELS };
    const struct onnx_options none = {0};
    uint8_t bytes[SIZE];
    struct onnx_bytes all = {.name = "deep.onnx"};
    enum plancl_status status;
    jmp_buf out_of_memory;
    struct arena a;
    size_t at = SIZE;

    (void)state;
    for (int level = LEVELS; level >= 0; level--) {
        size_t len = SIZE - at;

        bytes[--at] = (uint8_t)(len >> 7);
        bytes[--at] = (uint8_t)(len & 0x7f) | 0x80;
        bytes[--at] = level ? inside[(level - 1) % 3] : 7 << 3 | 2;
    }
    all.at = bytes + at;
    all.len = SIZE - at;
    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        fail_msg("out of memory");
    assert_non_null(strstr(outcome(&all, &none, &a, &status), "deeper"));
    arena_close(&a);
}

/* ---- data in files of their own ---- */

/* The tensor has 12 bytes, the file 20; where is location, offset, length. */
static const struct {
    const char *where;
    bool good;
} places[] = {
    {"data 0 12", true},
    {"data 8 12", true},
    {"data 8 _", true},
    {"data _ _", true},
    {"inner/data 0 12", true},
    {"./data 0 12", true},
    {"link 0 12", true},
    {"data 9 12", false},
    {"data 0 8", false},
    {"data 18446744073709551615 12", false},
    {"data -1 12", false},
    {"data 0x4 12", false},
    {"data 99999999999999999999 12", false},
    {"gone 0 12", false},
    {"inner 0 12", false},
    {". 0 12", false},
    {"_ 0 12", false},
    {"/etc/passwd 0 12", false},
    {"../onnx_graphs.c 0 12", false},
    {"inner/../data 0 12", false},
    {"out 0 12", false},
    {"around/onnx_graphs.c 0 12", false},
};

static void write_file(const char *path)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs("twenty bytes of data", f);
    fclose(f);
}

static void make_folder(char *folder)
{
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    write_file("data");
    assert_int_equal(mkdir("inner", 0777), 0);
    write_file("inner/data");
    assert_int_equal(symlink("inner/data", "link"), 0);
    assert_int_equal(symlink("/etc/passwd", "out"), 0);
    assert_int_equal(symlink("..", "around"), 0);
    write_file("../onnx_graphs.c");
    assert_int_equal(chdir(".."), 0);
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"data", "inner/data", "link",
                                        "out",  "around",     "inner"};

    assert_int_equal(chdir(folder), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(names[i]);
    assert_int_equal(chdir(".."), 0);
    rmdir(folder);
    remove("onnx_graphs.c");
}

static void test_external(void **state)
{
    const struct onnx_options none = {0};
    char top[] = "onnx.XXXXXX", folder[] = "onnx.XXXXXX";
    jmp_buf out_of_memory;
    struct arena a;

    (void)state;
    assert_non_null(mkdtemp(top));
    assert_int_equal(chdir(top), 0);
    make_folder(folder);
    arena_open(&a, &out_of_memory);
    if (setjmp(out_of_memory))
        fail_msg("out of memory");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *ext = arena_format(&a, "ext w f32 3 = %s", places[i].where);
        const char *const line[] = {"in x f32 1,3", ext, "y = Add x w", "out y",
                                    NULL};
        struct onnx_bytes bytes = onnx_build(&a, 13, line);
        enum plancl_status status;
        const char *text;

        bytes.folder = folder;
        text = outcome(&bytes, &none, &a, &status);
        if (status != (places[i].good ? PLANCL_OK : PLANCL_REFUSED))
            fail_msg("%s: status %d: %s", places[i].where, (int)status, text);
    }
    arena_close(&a);
    remove_folder(folder);
    assert_int_equal(chdir(".."), 0);
    rmdir(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_external),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
