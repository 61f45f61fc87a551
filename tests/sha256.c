/*
 * sha256.c: the vectors of FIPS 180-4's examples and of NIST's CAVP.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* base.h has a function of this name */

#include <stdlib.h>
#include <string.h>

#include "runtime/base.h"

static const struct {
    const char *text, *digest;
} vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
     "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

static void vectors_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        struct sha256 s;
        char hex[65];

        sha256_init(&s);
        sha256_add(&s, vectors[i].text, strlen(vectors[i].text));
        sha256_hex(&s, hex);
        assert_string_equal(hex, vectors[i].digest);
    }
}

static void million_times_a(void **state)
{
    struct sha256 s;
    char hex[65];

    (void)state;
    sha256_init(&s);
    for (int i = 0; i < 1000000; i++)
        sha256_add(&s, "a", 1);
    sha256_hex(&s, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67"
                             "f1809a48a497200e046d39ccc7112cd0");
}

/* However a text is cut, its digest is the same; lengths go past two blocks,
 * through every length of the padding. */
static void pieces_do_not_matter(void **state)
{
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 7);
    for (size_t len = 0; len <= sizeof(text); len++) {
        char whole[65];
        char pieces[65];
        struct sha256 s;

        sha256_init(&s);
        sha256_add(&s, text, len);
        sha256_hex(&s, whole);
        sha256_init(&s);
        for (size_t at = 0, n; at < len; at += n) {
            n = 1 + at % 67 < len - at ? 1 + at % 67 : len - at;
            sha256_add(&s, text + at, n);
        }
        sha256_hex(&s, pieces);
        assert_string_equal(whole, pieces);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_agree),
        cmocka_unit_test(million_times_a),
        cmocka_unit_test(pieces_do_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
