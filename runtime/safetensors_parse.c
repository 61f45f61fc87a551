/*
 * safetensors_parse.c: the JSON header of a safetensors file.
 *
 * A reader of its own instead of cJSON, because the format must be read
 * exactly: numbers are 64-bit integers written as such, nothing is repeated,
 * nothing follows the object.
 *
 * Positions in messages are bytes of the header.  The text is checked as UTF-8
 * before it is parsed, so names can stand in messages as they are.
 */
#include <inttypes.h>
#include <string.h>

#include "runtime/safetensors.h"

enum { MAX_DEPTH = 64, FIRST_CAPACITY = 16 };

struct parser {
    const char *start, *at, *end;
    struct arena *arena;
    const char *error;   /* the first one */
    const char *unknown; /* field */
};

static bool wrong(struct parser *p, const char *what)
{
    if (!p->error)
        p->error = arena_format(p->arena, "header, byte %zu: %s",
                                (size_t)(p->at - p->start), what);
    return false;
}

static void skip_space(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' ||
                              *p->at == '\n' || *p->at == '\r'))
        p->at++;
}

/* Take a character that may be there. */
static bool take(struct parser *p, char c)
{
    skip_space(p);
    if (p->at >= p->end || *p->at != c)
        return false;
    p->at++;
    return true;
}

static bool want(struct parser *p, char c, const char *what)
{
    return take(p, c) || wrong(p, what);
}

/* ---- strings ---- */

/* Bytes of the UTF-8 character that begins so, 0 where none does. */
static unsigned utf8_wanted(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Length of the UTF-8 character at s, 0 where there is none: no overlong
 * forms, no surrogates, nothing past U+10FFFF. */
static unsigned utf8_length(const unsigned char *s, uint64_t left)
{
    unsigned n = utf8_wanted(s[0]);

    if (n > left)
        return 0;
    for (unsigned i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

static bool utf8_valid(const char *text, uint64_t len)
{
    for (uint64_t i = 0; i < len;) {
        unsigned n = utf8_length((const unsigned char *)text + i, len - i);

        if (!n)
            return false;
        i += n;
    }
    return true;
}

/* RFC 3629; surrogates were joined before. */
static void add_code_point(struct text *t, uint32_t c)
{
    char s[4];
    size_t n = 0;

    if (c < 0x80) {
        s[n++] = (char)c;
    } else if (c < 0x800) {
        s[n++] = (char)(0xc0 | c >> 6);
        s[n++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        s[n++] = (char)(0xe0 | c >> 12);
        s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        s[n++] = (char)(0x80 | (c & 0x3f));
    } else {
        s[n++] = (char)(0xf0 | c >> 18);
        s[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        s[n++] = (char)(0x80 | (c & 0x3f));
    }
    text_bytes(t, s, n);
}

static bool hex4(struct parser *p, uint32_t *value)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";

    *value = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        const char *d = p->at < p->end && *p->at ? strchr(digits, *p->at)
                                                 : NULL;

        if (!d)
            return wrong(p, "four hexadecimal digits wanted after \\u");
        *value = *value << 4 | (uint32_t)((d - digits) & 15);
    }
    return true;
}

/* After "\u"; two of them make a character beyond U+FFFF. */
static bool unicode_escape(struct parser *p, struct text *t)
{
    uint32_t c, low;

    if (!hex4(p, &c))
        return false;
    if (c == 0)
        return wrong(p, "a string holds a zero byte");
    if (c >= 0xd800 && c < 0xe000) {
        if (c >= 0xdc00 || p->end - p->at < 6 || p->at[0] != '\\' ||
            p->at[1] != 'u')
            return wrong(p, "half of a surrogate pair");
        p->at += 2;
        if (!hex4(p, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return wrong(p, "half of a surrogate pair");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    add_code_point(t, c);
    return true;
}

/* After a backslash. */
static bool escape(struct parser *p, struct text *t)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = '\0';
    const char *at;

    if (p->at < p->end)
        c = *p->at;
    at = c ? strchr(from, c) : NULL;
    if (c == 'u') {
        p->at++;
        return unicode_escape(p, t);
    }
    if (!at)
        return wrong(p, "unknown escape in a string");
    p->at++;
    text_bytes(t, &to[at - from], 1);
    return true;
}

static const char *string(struct parser *p)
{
    struct text t = {.arena = p->arena};

    if (!want(p, '"', "a string is wanted"))
        return NULL;
    text_bytes(&t, "", 0);
    while (p->at < p->end && *p->at != '"') {
        const char *run = p->at;

        while (p->at < p->end && *p->at != '"' && *p->at != '\\' &&
               (unsigned char)*p->at >= ' ')
            p->at++;
        text_bytes(&t, run, (size_t)(p->at - run));
        if (p->at >= p->end || *p->at == '"')
            break;
        if (*p->at++ != '\\') {
            wrong(p, "control character in a string");
            return NULL;
        }
        if (!escape(p, &t))
            return NULL;
    }
    return want(p, '"', "a string does not end") ? t.s : NULL;
}

/* ---- numbers and values of no interest ---- */

static bool is_digit(const struct parser *p)
{
    return p->at < p->end && *p->at >= '0' && *p->at <= '9';
}

/* Exact to 2^64 - 1, where a JSON reader with doubles ends at 2^53. */
static bool natural(struct parser *p, uint64_t *value)
{
    skip_space(p);
    *value = 0;
    if (!is_digit(p))
        return wrong(p, "a whole number from 0 is wanted");
    if (*p->at == '0' && p->at + 1 < p->end && p->at[1] >= '0' &&
        p->at[1] <= '9')
        return wrong(p, "a number begins with 0");
    for (; is_digit(p); p->at++)
        if (!mul_u64(*value, 10, value) ||
            !add_u64(*value, (uint64_t)(*p->at - '0'), value))
            return wrong(p, "a number does not fit 64 bits");
    if (p->at < p->end && strchr(".eE", *p->at) && *p->at)
        return wrong(p, "a whole number is wanted");
    return true;
}

static bool digits(struct parser *p)
{
    if (!is_digit(p))
        return wrong(p, "a digit is wanted");
    while (is_digit(p))
        p->at++;
    return true;
}

static bool skip_number(struct parser *p)
{
    if (*p->at == '-')
        p->at++;
    if (p->at + 1 < p->end && *p->at == '0' && p->at[1] >= '0' &&
        p->at[1] <= '9')
        return wrong(p, "a number begins with 0");
    if (!digits(p))
        return false;
    if (p->at < p->end && *p->at == '.') {
        p->at++;
        if (!digits(p))
            return false;
    }
    if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
        p->at++;
        if (p->at < p->end && (*p->at == '+' || *p->at == '-'))
            p->at++;
        return digits(p);
    }
    return true;
}

static bool skip_word(struct parser *p)
{
    static const char *const word[] = {"true", "false", "null"};

    for (int i = 0; i < 3; i++) {
        size_t n = strlen(word[i]);

        if ((size_t)(p->end - p->at) >= n && !memcmp(p->at, word[i], n)) {
            p->at += n;
            return true;
        }
    }
    return wrong(p, "a value is wanted");
}

static bool skip_value(struct parser *p, int depth);

static bool skip_members(struct parser *p, bool object, int depth)
{
    char close = object ? '}' : ']';

    p->at++;
    if (take(p, close))
        return true;
    do {
        if (object && (!string(p) || !want(p, ':', "':' is wanted")))
            return false;
        if (!skip_value(p, depth + 1))
            return false;
    } while (take(p, ','));
    return want(p, close, "',' or the end of an object or array is wanted");
}

static bool skip_value(struct parser *p, int depth)
{
    if (depth > MAX_DEPTH)
        return wrong(p, "objects or arrays are nested too deeply");
    skip_space(p);
    if (p->at >= p->end)
        return wrong(p, "a value is wanted");
    if (*p->at == '"')
        return string(p) != NULL;
    if (*p->at == '{' || *p->at == '[')
        return skip_members(p, *p->at == '{', depth);
    if (*p->at == '-' || is_digit(p))
        return skip_number(p);
    return skip_word(p);
}

/* ---- tensors and metadata ---- */

/* Room for one more of n elements in an array of the arena. */
static void *grow(struct parser *p, void *old, uint64_t n, size_t size)
{
    void *larger;

    if (n && (n < FIRST_CAPACITY || (n & (n - 1))))
        return old;
    larger = arena_alloc(p->arena, n ? 2 * n : FIRST_CAPACITY, size);
    if (n)
        memcpy(larger, old, n * size);
    return larger;
}

static bool naturals(struct parser *p, const uint64_t **v, uint64_t *n)
{
    uint64_t *array = NULL;

    *n = 0;
    if (!want(p, '[', "an array of whole numbers is wanted"))
        return false;
    if (!take(p, ']')) {
        do {
            array = grow(p, array, *n, sizeof *array);
            if (!natural(p, &array[*n]))
                return false;
            ++*n;
        } while (take(p, ','));
        if (!want(p, ']', "',' or ']' is wanted"))
            return false;
    }
    *v = array;
    return true;
}

enum { HAS_DTYPE = 1, HAS_SHAPE = 2, HAS_OFFSETS = 4, HAS_ALL = 7 };

static bool offsets(struct parser *p, struct safetensors_tensor *t)
{
    const uint64_t *v;
    uint64_t n;

    if (!naturals(p, &v, &n))
        return false;
    if (n != 2)
        return wrong(p, "data_offsets are two numbers");
    t->begin = v[0];
    t->end = v[1];
    return true;
}

static bool field(struct parser *p, struct safetensors_tensor *t, int *has)
{
    const char *key = string(p);
    int is;

    if (!key || !want(p, ':', "':' is wanted"))
        return false;
    is = !strcmp(key, "dtype")          ? HAS_DTYPE
         : !strcmp(key, "shape")        ? HAS_SHAPE
         : !strcmp(key, "data_offsets") ? HAS_OFFSETS
                                        : 0;
    if (*has & is)
        return wrong(p, "a field is given twice");
    *has |= is;
    switch (is) {
    case HAS_DTYPE:
        t->dtype = string(p);
        return t->dtype != NULL;
    case HAS_SHAPE:
        return naturals(p, &t->dim, &t->rank);
    case HAS_OFFSETS:
        return offsets(p, t);
    default:
        p->unknown = key;
        return skip_value(p, 0);
    }
}

static bool tensor(struct parser *p, struct safetensors_tensor *t)
{
    int has = 0;

    if (!want(p, '{', "a tensor's object is wanted"))
        return false;
    if (!take(p, '}')) {
        do {
            if (!field(p, t, &has))
                return false;
        } while (take(p, ','));
        if (!want(p, '}', "',' or '}' is wanted"))
            return false;
    }
    return has == HAS_ALL ||
           wrong(p, "a tensor needs dtype, shape and data_offsets");
}

static bool metadata(struct parser *p, struct safetensors *st)
{
    if (st->metadata)
        return wrong(p, "__metadata__ is given twice");
    st->metadata = grow(p, NULL, 0, sizeof *st->metadata);
    if (!want(p, '{', "__metadata__ is an object of strings"))
        return false;
    if (take(p, '}'))
        return true;
    do {
        struct safetensors_pair *m;

        st->metadata = grow(p, st->metadata, st->nmetadata, sizeof *m);
        m = &st->metadata[st->nmetadata++];
        m->key = string(p);
        if (!m->key || !want(p, ':', "':' is wanted"))
            return false;
        m->value = string(p);
        if (!m->value)
            return false;
    } while (take(p, ','));
    return want(p, '}', "',' or '}' is wanted");
}

/* A tensor, or the metadata, which may stand anywhere but once. */
static bool member(struct parser *p, struct safetensors *st)
{
    const char *key = string(p);

    if (!key || !want(p, ':', "':' is wanted"))
        return false;
    if (!strcmp(key, "__metadata__"))
        return metadata(p, st);
    st->tensor = grow(p, st->tensor, st->ntensor, sizeof *st->tensor);
    st->tensor[st->ntensor].name = key;
    return tensor(p, &st->tensor[st->ntensor++]);
}

const char *safetensors_parse(const char *text, uint64_t len,
                              struct safetensors *st, const char **unknown)
{
    struct parser p = {
        .start = text, .at = text, .end = text + len, .arena = &st->arena};
    bool more;

    if (!utf8_valid(text, len))
        return "the header is not UTF-8";
    if (want(&p, '{', "the header is not a JSON object") && !take(&p, '}')) {
        do
            more = member(&p, st) && take(&p, ',');
        while (more);
        if (!p.error)
            want(&p, '}', "',' or '}' is wanted");
    }
    skip_space(&p);
    if (!p.error && p.at < p.end)
        wrong(&p, "something follows the header's object");
    *unknown = p.unknown;
    return p.error;
}
