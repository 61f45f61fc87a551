/*
 * json.h: a model's text as a tree that knows its places.
 *
 * cJSON reads the values but keeps no lines, so a strict scan of the text, which
 * also refuses what cJSON lets pass, notes where everything stands.
 */
#ifndef COMPILER_JSON_H
#define COMPILER_JSON_H

#include "compiler/graph.h"

enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_kind kind;
    const char *key;          /* of an object's member, or null */
    struct source key_at, at; /* of the key and of the value */
    const char *string;
    double number; /* also 0 or 1 of a bool */
    int count;     /* elements or members */
    const struct json *child, *next;
};

/* Where values and keys stand, in the order of the text. */
struct json_place {
    struct source key_at, at;
};
struct json_places {
    struct json_place *place;
    int n, cap;
};

/* Check the syntax and add the places to those there; false after
 * reject_here(). */
bool json_scan(struct graph *, const char *file, const char *text,
               struct json_places *);

/* Null after reject_here(), which says where and what. */
const struct json *json_read(struct graph *, const char *file,
                             const char *text);

/* Null if the object has no such member, or is itself null. */
const struct json *json_member(const struct json *object, const char *key);

/* The value in a few words, as a message quotes it. */
const char *json_show(struct arena *, const struct json *);

#endif
