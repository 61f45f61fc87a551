/*
 * plan_json_value.c: see the header.
 *
 * 64-bit numbers come as strings of digits and floats as their bits, because a
 * JSON number is a double in most readers, cJSON among them.
 */
#include "runtime/plan_json_value.h"

#include <string.h>

/* Numbers of slots are powers of two. */
enum { FIRST_SLOTS = 256, LONGEST_LIST = 1 << 26 };

void json_reader_init(struct json_reader *r, struct arena *arena,
                      const struct plancl_callbacks *cb)
{
    memset(r, 0, sizeof(*r));
    r->arena = arena;
    r->cb = cb;
    r->names.nslot = FIRST_SLOTS;
    r->names.slot = ARENA_NEW(arena, uint32_t, FIRST_SLOTS);
    r->names.cap = 1 << 12;
    r->names.s = arena_alloc(arena, r->names.cap, 1);
    r->names.len = 1; /* offset 0 is the empty string */
}

void json_at(struct json_reader *r, const char *what, uint32_t index)
{
    r->what = what;
    r->index = index;
}

void json_complain(struct json_reader *r, const char *key, const char *wrong)
{
    if (r->status)
        return;
    if (r->what)
        r->status = fail(r->cb, PLANCL_REFUSED, "%s %u of the plan: %s %s",
                         r->what, (unsigned)r->index, key, wrong);
    else
        r->status = fail(r->cb, PLANCL_REFUSED, "%s of the plan %s", key,
                         wrong);
}

/* ---- the string table ---- */

/* FNV-1a. */
static uint32_t hash(const char *s)
{
    uint32_t h = 2166136261U;
    size_t len = strlen(s);

    for (size_t i = 0; i < len; i++) {
        h ^= (uint8_t)s[i];
        h *= 16777619U;
    }
    return h;
}

/* The slot that holds s, or the free one where it belongs. */
static uint32_t *slot_of(const struct name_table *t, const char *s)
{
    uint32_t i = hash(s);

    for (;; i++) {
        uint32_t *slot = t->slot + (i & (t->nslot - 1));

        if (!*slot || strcmp(t->s + *slot, s) == 0)
            return slot;
    }
}

static void grow_slots(struct json_reader *r)
{
    struct name_table *t = &r->names;
    const uint32_t *old = t->slot;
    uint32_t n = t->nslot;

    t->nslot = 2 * n;
    t->slot = ARENA_NEW(r->arena, uint32_t, t->nslot);
    for (uint32_t i = 0; i < n; i++)
        if (old[i])
            *slot_of(t, t->s + old[i]) = old[i];
}

/* The old copy stays in the arena; doubling keeps all copies below twice the
 * last. */
static void append(struct json_reader *r, const char *s, size_t size)
{
    struct name_table *t = &r->names;

    if (size > t->cap - t->len) {
        size_t cap = 2 * t->cap + size;
        char *larger = arena_alloc(r->arena, cap, 1);

        memcpy(larger, t->s, t->len);
        t->s = larger;
        t->cap = cap;
    }
    memcpy(t->s + t->len, s, size);
    t->len += size;
}

/* Half full at most, so that probes stay short. */
uint32_t json_name_add(struct json_reader *r, const char *s)
{
    struct name_table *t = &r->names;
    size_t size = strlen(s) + 1;
    uint32_t *slot;

    if (size == 1)
        return 0;
    if (size > UINT32_MAX - t->len) {
        json_complain(r, "strings", "are too long together");
        return 0;
    }
    if (2 * t->used >= t->nslot)
        grow_slots(r);
    slot = slot_of(t, s);
    if (!*slot) {
        *slot = (uint32_t)t->len;
        t->used++;
        append(r, s, size);
    }
    return *slot;
}

/* ---- values ---- */

bool json_has(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key) != NULL;
}

static const cJSON *member(struct json_reader *r, const cJSON *object,
                           const char *key)
{
    const cJSON *item = cJSON_IsObject(object)
                            ? cJSON_GetObjectItemCaseSensitive(object, key)
                            : NULL;

    if (!item)
        json_complain(r, key, "is missing");
    return item;
}

/* The bound keeps products of counts and sizes far from overflow. */
const cJSON *json_list(struct json_reader *r, const cJSON *object,
                       const char *key, uint32_t *count)
{
    const cJSON *items = member(r, object, key);
    int n;

    *count = 0;
    if (!items)
        return NULL;
    if (!cJSON_IsArray(items)) {
        json_complain(r, key, "is no list");
        return NULL;
    }
    n = cJSON_GetArraySize(items);
    if (n < 0 || n > LONGEST_LIST) {
        json_complain(r, key, "has too many items");
        return NULL;
    }
    *count = (uint32_t)n;
    return items;
}

/* Of an item that member() gave, or of a list. */
static const char *string_of(struct json_reader *r, const cJSON *item,
                             const char *key)
{
    if (!item)
        return "";
    if (cJSON_IsString(item))
        return item->valuestring;
    json_complain(r, key, "is no string");
    return "";
}

const char *json_string(struct json_reader *r, const cJSON *object,
                        const char *key)
{
    return string_of(r, member(r, object, key), key);
}

uint32_t json_name(struct json_reader *r, const cJSON *object, const char *key)
{
    return json_name_add(r, json_string(r, object, key));
}

uint32_t json_word(struct json_reader *r, const cJSON *object, const char *key,
                   const char *(*name)(unsigned), uint32_t count)
{
    const char *s = json_string(r, object, key);

    for (uint32_t i = 0; i < count; i++)
        if (strcmp(name(i), s) == 0)
            return i;
    json_complain(r, key, "is none of the known words");
    return 0;
}

uint32_t json_bool(struct json_reader *r, const cJSON *object, const char *key)
{
    const cJSON *item = member(r, object, key);

    if (item && !cJSON_IsBool(item))
        json_complain(r, key, "is neither true nor false");
    return cJSON_IsTrue(item) ? 1 : 0;
}

uint32_t json_u32(struct json_reader *r, const cJSON *object, const char *key)
{
    const cJSON *item = member(r, object, key);
    double x;

    if (!item)
        return 0;
    x = item->valuedouble;
    if (!cJSON_IsNumber(item) || !(x >= 0 && x <= UINT32_MAX) ||
        x != (uint32_t)x) {
        json_complain(r, key, "is no integer of 32 bits");
        return 0;
    }
    return (uint32_t)x;
}

/* Decimal digits as the writer puts them: no sign, space or leading zero. */
static bool parse_u64(const char *s, uint64_t *x)
{
    uint64_t sum = 0;

    if (!*s || (*s == '0' && s[1]))
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || !mul_u64(sum, 10, &sum) ||
            !add_u64(sum, (uint64_t)(*s - '0'), &sum))
            return false;
    }
    *x = sum;
    return true;
}

static uint64_t u64_of(struct json_reader *r, const cJSON *item,
                       const char *key)
{
    uint64_t x = 0;

    if (!parse_u64(string_of(r, item, key), &x))
        json_complain(r, key, "is no integer of 64 bits");
    return x;
}

uint64_t json_u64(struct json_reader *r, const cJSON *object, const char *key)
{
    return u64_of(r, member(r, object, key), key);
}

int64_t json_i64(struct json_reader *r, const cJSON *object, const char *key)
{
    const char *s = json_string(r, object, key);
    bool negative = *s == '-';
    uint64_t x = 0;

    if (!parse_u64(s + negative, &x) || x > (uint64_t)INT64_MAX + negative) {
        json_complain(r, key, "is no integer of 64 bits");
        return 0;
    }
    return negative ? (int64_t)(0 - x) : (int64_t)x;
}

int json_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

uint64_t json_bits(struct json_reader *r, const cJSON *object, const char *key,
                   unsigned digits)
{
    const char *s = json_string(r, object, key);
    uint64_t bits = 0;
    unsigned n = 0;

    for (; n < digits && json_hex_digit(s[n]) >= 0; n++)
        bits = bits << 4 | (uint64_t)json_hex_digit(s[n]);
    if (n == digits && !s[n])
        return bits;
    json_complain(r, key, "is no bit pattern of the right length");
    return 0;
}

double json_double(struct json_reader *r, const cJSON *object, const char *key)
{
    uint64_t bits = json_bits(r, object, key, 16);
    double x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

uint32_t json_u64s(struct json_reader *r, const cJSON *object, const char *key,
                   uint32_t most, uint64_t *numbers)
{
    uint32_t n;
    const cJSON *items = json_list(r, object, key, &n);
    const cJSON *item;
    uint32_t i = 0;

    if (n > most) {
        json_complain(r, key, "has too many items");
        return 0;
    }
    cJSON_ArrayForEach(item, items)
    {
        numbers[i++] = u64_of(r, item, key);
    }
    return n;
}
