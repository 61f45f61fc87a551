/*
 * json_scan.c: one walk over a JSON text (RFC 8259) that checks its syntax and
 * notes the line and column of every key and value.
 *
 * It is stricter than cJSON: no control characters in strings, no leading
 * zeros, nothing after the end, no NUL inside a string.  Columns count
 * characters, not bytes.  Values are not read here.
 */
#include "compiler/json.h"

#include <string.h>

enum { MAX_DEPTH = 64 }; /* bounds the recursion, here and in json.c */

struct scan {
    struct graph *g;
    const char *p;
    struct source at;
    struct json_places *out;
};

/* One byte; a byte 10xxxxxx goes on with a character of UTF-8 and is no
 * column. */
static void step(struct scan *s)
{
    bool new_line = *s->p == '\n';

    s->p++;
    if (new_line) {
        s->at.line++;
        s->at.column = 1;
    } else if ((*s->p & 0xC0) != 0x80) {
        s->at.column++;
    }
}

static void skip_space(struct scan *s)
{
    while (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')
        step(s);
}

/* Refuse what stands here. */
static bool wanted(struct scan *s, const char *what)
{
    unsigned char c = (unsigned char)*s->p;

    s->g->at = s->at;
    if (!c)
        return reject_here(s->g, "the text ends here, wanted %s", what);
    if (c < ' ' || c > '~')
        return reject_here(s->g, "found byte 0x%02x, wanted %s", c, what);
    return reject_here(s->g, "found '%c', wanted %s", c, what);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool digits(struct scan *s)
{
    if (!is_digit(*s->p))
        return wanted(s, "a digit");
    while (is_digit(*s->p))
        step(s);
    return true;
}

static bool number(struct scan *s)
{
    if (*s->p == '-')
        step(s);
    if (*s->p == '0')
        step(s);
    else if (!digits(s))
        return false;
    if (is_digit(*s->p))
        return wanted(s, "no digit after a leading 0");
    if (*s->p == '.') {
        step(s);
        if (!digits(s))
            return false;
    }
    if (*s->p != 'e' && *s->p != 'E')
        return true;
    step(s);
    if (*s->p == '+' || *s->p == '-')
        step(s);
    return digits(s);
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The four digits after \u. */
static bool hex4(struct scan *s, unsigned *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(*s->p);

        if (digit < 0)
            return wanted(s, "four hexadecimal digits after \\u");
        *code = *code * 16 + (unsigned)digit;
        step(s);
    }
    return true;
}

/* Beyond the basic plane a character is a pair of codes. */
static bool unicode_escape(struct scan *s)
{
    unsigned high, low = 0;

    if (!hex4(s, &high))
        return false;
    if (high == 0 || (high >= 0xDC00 && high <= 0xDFFF))
        return wanted(s, "no \\u0000 and no lone low surrogate before it");
    if (high < 0xD800 || high > 0xDBFF)
        return true;
    if (s->p[0] != '\\' || s->p[1] != 'u')
        return wanted(s, "\\u with a low surrogate");
    step(s);
    step(s);
    if (!hex4(s, &low))
        return false;
    return (low >= 0xDC00 && low <= 0xDFFF) ||
           wanted(s, "a low surrogate before it");
}

static bool string(struct scan *s)
{
    step(s);
    while (*s->p != '"') {
        if ((unsigned char)*s->p < ' ')
            return wanted(s, "the string's closing quote");
        if (*s->p != '\\') {
            step(s);
            continue;
        }
        step(s);
        if (!*s->p || !strchr("\"\\/bfnrtu", *s->p))
            return wanted(s, "one of \" \\ / b f n r t u after \\");
        if (*s->p == 'u') {
            step(s);
            if (!unicode_escape(s))
                return false;
        } else {
            step(s);
        }
    }
    step(s);
    return true;
}

static bool word(struct scan *s, const char *text)
{
    for (const char *t = text; *t; t++) {
        if (*s->p != *t)
            return wanted(s, text);
        step(s);
    }
    return true;
}

static void note_place(struct scan *s, struct source key_at)
{
    struct json_places *o = s->out;

    if (o->n == o->cap) {
        struct json_place *old = o->place;

        o->cap = o->cap ? 2 * o->cap : 256;
        o->place = ARENA_NEW(s->g->arena, struct json_place, (size_t)o->cap);
        if (o->n)
            memcpy(o->place, old, (size_t)o->n * sizeof *old);
    }
    o->place[o->n++] = (struct json_place){key_at, s->at};
}

static bool value(struct scan *s, struct source key_at, int depth);

static bool member(struct scan *s, int depth)
{
    struct source key_at = s->at;

    if (*s->p != '"')
        return wanted(s, "a key in double quotes");
    if (!string(s))
        return false;
    skip_space(s);
    if (*s->p != ':')
        return wanted(s, "':' after the key");
    step(s);
    skip_space(s);
    return value(s, key_at, depth);
}

/* A list or an object, whose opening bracket stands here. */
static bool members(struct scan *s, int depth)
{
    bool object = *s->p == '{';
    char close = object ? '}' : ']';

    if (depth >= MAX_DEPTH)
        return wanted(s, "at most 64 levels of nesting");
    step(s);
    skip_space(s);
    if (*s->p == close) {
        step(s);
        return true;
    }
    for (;;) {
        if (!(object ? member(s, depth + 1) : value(s, s->at, depth + 1)))
            return false;
        skip_space(s);
        if (*s->p == close)
            break;
        if (*s->p != ',')
            return wanted(s, object ? "',' or '}'" : "',' or ']'");
        step(s);
        skip_space(s);
    }
    step(s);
    return true;
}

static bool value(struct scan *s, struct source key_at, int depth)
{
    note_place(s, key_at);
    switch (*s->p) {
    case '{':
    case '[':
        return members(s, depth);
    case '"':
        return string(s);
    case 't':
        return word(s, "true");
    case 'f':
        return word(s, "false");
    case 'n':
        return word(s, "null");
    default:
        if (*s->p == '-' || is_digit(*s->p))
            return number(s);
        return wanted(s, "a value");
    }
}

bool json_scan(struct graph *g, const char *file, const char *text,
               struct json_places *out)
{
    struct scan s = {g, text, {file, 1, 1}, out};

    skip_space(&s);
    if (!value(&s, s.at, 0))
        return false;
    skip_space(&s);
    return !*s.p || wanted(&s, "the end of the text");
}
