/*
 * npy.c: the head of a .npy file (numpy/lib/format.py, versions 1 to 3).
 *
 * "\x93NUMPY", two bytes of version, the header's length in 2 bytes (version
 * 1) or 4, then a Python dict with exactly the keys descr, fortran_order and
 * shape, padded with spaces and ended by a newline.  The dict is read by hand:
 * only strings, True, False and tuples of integers are understood.
 *
 * What Python would read as well (escapes, other keys, nested values) is
 * refused: a reader that guesses reads wrong numbers.
 */
#include <string.h>

#include "data/format.h"
#include "runtime/base.h"

enum key { KEY_DESCR, KEY_ORDER, KEY_SHAPE, KEYS };

static const char *const key_names[KEYS] = {"descr", "fortran_order", "shape"};

struct parser {
    const struct head *head;
    const struct plancl_callbacks *callbacks;
    const char *s, *end; /* what is left of the header */
    bool seen[KEYS];
    struct layout *layout;
};

struct piece {
    const char *s;
    int n;
};

bool npy_matches(const struct head *h)
{
    return h->n >= 6 && memcmp(h->bytes, "\x93NUMPY", 6) == 0;
}

static enum plancl_status refuse(const struct parser *p, const char *why)
{
    return fail(p->callbacks, PLANCL_REFUSED, "%s: .npy header: %s",
                p->head->path, why);
}

static void skip_space(struct parser *p)
{
    while (p->s < p->end && (*p->s == ' ' || *p->s == '\t'))
        p->s++;
}

/* Take the character if it comes next. */
static bool take(struct parser *p, char c)
{
    skip_space(p);
    if (p->s == p->end || *p->s != c)
        return false;
    p->s++;
    return true;
}

static bool take_word(struct parser *p, const char *word)
{
    size_t n = strlen(word);

    skip_space(p);
    if ((size_t)(p->end - p->s) < n || memcmp(p->s, word, n) != 0)
        return false;
    p->s += n;
    return true;
}

/* Printable and without backslashes, so that it can stand in a message and
 * means what it shows. */
static bool take_string(struct parser *p, struct piece *string)
{
    char quote;

    skip_space(p);
    if (p->s == p->end || (*p->s != '\'' && *p->s != '"'))
        return false;
    quote = *p->s++;
    string->s = p->s;
    while (p->s < p->end && *p->s != quote) {
        if (*p->s < ' ' || *p->s > '~' || *p->s == '\\')
            return false;
        p->s++;
    }
    if (p->s == p->end || p->s - string->s > 64)
        return false;
    string->n = (int)(p->s++ - string->s);
    return true;
}

/* Kind and bytes of an element as in NumPy's array interface. */
static bool element_of(struct piece type, enum element *e)
{
    static const struct {
        char name[3];
        enum element element;
    } types[] = {
        {"f2", ELEMENT_F16}, {"f4", ELEMENT_F32}, {"f8", ELEMENT_F64},
        {"i1", ELEMENT_I8},  {"i2", ELEMENT_I16}, {"i4", ELEMENT_I32},
        {"i8", ELEMENT_I64}, {"u1", ELEMENT_U8},  {"u2", ELEMENT_U16},
        {"u4", ELEMENT_U32}, {"u8", ELEMENT_U64}, {"b1", ELEMENT_BOOL},
    };

    for (size_t i = 0; type.n == 2 && i < sizeof types / sizeof *types; i++) {
        if (memcmp(type.s, types[i].name, 2) == 0) {
            *e = types[i].element;
            return true;
        }
    }
    return false;
}

static enum plancl_status parse_descr(struct parser *p)
{
    struct piece d;
    struct layout *l = p->layout;

    skip_space(p);
    if (p->s < p->end && *p->s == '[')
        return refuse(p, "descr is a structured type; save one array of "
                         "plain numbers per file");
    if (!take_string(p, &d))
        return refuse(p, "descr is not a string");
    /* A single byte has no order: '|', though some write another. */
    if (d.n != 3 || !element_of((struct piece){d.s + 1, 2}, &l->element) ||
        (d.s[0] != '<' && d.s[0] != '>' &&
         (d.s[0] != '|' || element_bytes(l->element) > 1)))
        return fail(p->callbacks, PLANCL_REFUSED,
                    "%s: .npy header: descr '%.*s' is none of <f2 <f4 <f8 |i1 "
                    "<i2 <i4 <i8 |u1 <u2 <u4 <u8 |b1, nor of these with >",
                    p->head->path, d.n, d.s);
    l->big_endian = d.s[0] == '>';
    return PLANCL_OK;
}

static enum plancl_status parse_order(struct parser *p)
{
    p->layout->fortran = take_word(p, "True");
    if (p->layout->fortran || take_word(p, "False"))
        return PLANCL_OK;
    return refuse(p, "fortran_order is neither True nor False");
}

/* 0 is a size: the array has no elements then. */
static enum plancl_status parse_dim(struct parser *p, uint64_t *dim)
{
    const char *first;

    skip_space(p);
    first = p->s;
    *dim = 0;
    while (p->s < p->end && *p->s >= '0' && *p->s <= '9') {
        if (!mul_u64(*dim, 10, dim) ||
            !add_u64(*dim, (uint64_t)(*p->s - '0'), dim))
            return refuse(p, "a dimension does not fit in 64 bits");
        p->s++;
    }
    if (p->s == first)
        return refuse(p, "a dimension is not a whole number of 0 or more");
    if (*first == '0' && p->s - first > 1)
        return refuse(p, "a dimension begins with 0");
    if (p->s < p->end && *p->s == 'L') /* a long of Python 2 */
        p->s++;
    return PLANCL_OK;
}

static enum plancl_status parse_shape(struct parser *p)
{
    struct layout *l = p->layout;
    bool comma = true;

    if (!take(p, '('))
        return refuse(p, "shape is not a tuple");
    l->rank = 0;
    while (!take(p, ')')) {
        if (!comma)
            return refuse(p, "shape lacks a comma or a closing parenthesis");
        if (l->rank == MAX_RANK)
            return refuse(p, "shape has more than 8 dimensions");
        enum plancl_status status = parse_dim(p, &l->dim[l->rank]);

        if (status)
            return status;
        l->rank++;
        comma = take(p, ',');
    }
    /* (3) is a number in Python, (3,) is a tuple. */
    if (l->rank == 1 && !comma)
        return refuse(p, "shape is a number, not a tuple");
    return PLANCL_OK;
}

static enum plancl_status parse_item(struct parser *p)
{
    static enum plancl_status (*const parse[KEYS])(struct parser *) = {
        [KEY_DESCR] = parse_descr,
        [KEY_ORDER] = parse_order,
        [KEY_SHAPE] = parse_shape,
    };
    struct piece name;

    if (!take_string(p, &name) || !take(p, ':'))
        return refuse(p, "wanted 'key': value");
    for (int k = 0; k < KEYS; k++) {
        if ((size_t)name.n != strlen(key_names[k]) ||
            memcmp(name.s, key_names[k], (size_t)name.n) != 0)
            continue;
        if (p->seen[k])
            return refuse(p, "a key comes twice");
        p->seen[k] = true;
        return parse[k](p);
    }
    return fail(p->callbacks, PLANCL_REFUSED,
                "%s: .npy header: key '%.*s' is none of descr, fortran_order "
                "and shape",
                p->head->path, name.n, name.s);
}

/* Keys in any order, a comma behind the last or not, as Python has it. */
static enum plancl_status parse_dict(struct parser *p)
{
    bool comma = true;

    if (!take(p, '{'))
        return refuse(p, "it is not a dict");
    while (!take(p, '}')) {
        if (!comma)
            return refuse(p, "wanted ',' or '}'");
        enum plancl_status status = parse_item(p);

        if (status)
            return status;
        comma = take(p, ',');
    }
    for (int k = 0; k < KEYS; k++)
        if (!p->seen[k])
            return fail(p->callbacks, PLANCL_REFUSED,
                        "%s: .npy header: %s is missing", p->head->path,
                        key_names[k]);
    skip_space(p);
    if (p->end - p->s != 1 || *p->s != '\n')
        return refuse(p, "it does not end with spaces and a newline");
    return PLANCL_OK;
}

/* Version and length; leaves the header's text in the parser. */
static enum plancl_status find_header(struct parser *p)
{
    const struct head *h = p->head;
    const uint8_t *b = h->bytes;
    uint64_t start, length;

    if (h->n < 12)
        return refuse(p, "the file ends inside it");
    if (b[6] < 1 || b[6] > 3 || b[7] != 0)
        return fail(p->callbacks, PLANCL_REFUSED,
                    "%s: .npy version is %u.%u, wanted 1.0, 2.0 or 3.0",
                    h->path, b[6], b[7]);
    start = b[6] == 1 ? 10 : 12;
    length = (uint64_t)b[8] | (uint64_t)b[9] << 8;
    if (b[6] > 1)
        length |= (uint64_t)b[10] << 16 | (uint64_t)b[11] << 24;
    if (start + length > HEAD_BYTES)
        return refuse(p, "it is longer than 64 KiB");
    if (start + length > h->n)
        return refuse(p, "the file ends inside it");
    p->s = (const char *)b + start;
    p->end = p->s + length;
    p->layout->data = start + length;
    return PLANCL_OK;
}

enum plancl_status npy_parse(const struct head *h,
                             const struct plancl_callbacks *cb,
                             struct layout *l)
{
    struct parser p = {.head = h, .callbacks = cb, .layout = l};
    enum plancl_status status = find_header(&p);

    return status ? status : parse_dict(&p);
}
