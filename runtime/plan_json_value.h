/*
 * plan_json_value.h: single values out of a plan file, checked.
 *
 * Every function complains about a value that is missing or of the wrong form,
 * once per file, and then gives zero or an empty string.
 */
#ifndef RUNTIME_PLAN_JSON_VALUE_H
#define RUNTIME_PLAN_JSON_VALUE_H

#include <cjson/cJSON.h>

#include "runtime/base.h"

/* The plan's string table while it grows; each string is in it once. */
struct name_table {
    char *s;
    size_t len, cap;
    uint32_t *slot; /* of a hash table: offset of a string, 0: free */
    uint32_t nslot, used;
};

struct json_reader {
    struct arena *arena;
    const struct plancl_callbacks *cb;
    enum plancl_status status;
    const char *what; /* "buffer": what is being read, for complaints */
    uint32_t index;
    struct name_table names;
};

void json_reader_init(struct json_reader *, struct arena *,
                      const struct plancl_callbacks *);
/* What is read from now on; null: the file's own members. */
void json_at(struct json_reader *, const char *what, uint32_t index);
void json_complain(struct json_reader *, const char *key, const char *wrong);

bool json_has(const cJSON *object, const char *key);
/* The items of a list, or null, with count 0. */
const cJSON *json_list(struct json_reader *, const cJSON *object,
                       const char *key, uint32_t *count);
const char *json_string(struct json_reader *, const cJSON *object,
                        const char *key);
/* A string's offset in the table. */
uint32_t json_name(struct json_reader *, const cJSON *object, const char *key);
uint32_t json_name_add(struct json_reader *, const char *);
/* Which of the words name(0) ... name(count - 1) a string is. */
uint32_t json_word(struct json_reader *, const cJSON *object, const char *key,
                   const char *(*name)(unsigned), uint32_t count);
uint32_t json_bool(struct json_reader *, const cJSON *object, const char *key);
uint32_t json_u32(struct json_reader *, const cJSON *object, const char *key);
uint64_t json_u64(struct json_reader *, const cJSON *object, const char *key);
int64_t json_i64(struct json_reader *, const cJSON *object, const char *key);
/* A string of exactly `digits` hexadecimal digits, at most 16. */
uint64_t json_bits(struct json_reader *, const cJSON *object, const char *key,
                   unsigned digits);
double json_double(struct json_reader *, const cJSON *object, const char *key);
/* A list of at most `most` 64-bit numbers; returns how many. */
uint32_t json_u64s(struct json_reader *, const cJSON *object, const char *key,
                   uint32_t most, uint64_t *numbers);
int json_hex_digit(char);

#endif
