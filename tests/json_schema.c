/*
 * json_schema.c: see json_schema.h.
 *
 * A schema is an object whose members are conditions; a value fits where each of
 * them holds.  Patterns are those that POSIX and ECMAScript read alike.
 */
#include "tests/json_schema.h"

#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check {
    const cJSON *root, *schema, *value;
};

typedef bool condition_fn(const struct check *, const cJSON *said);

static bool fits(const struct check *c, const cJSON *schema, const cJSON *value)
{
    return schema_fits(c->root, schema, value);
}

static bool always(const struct check *c, const cJSON *said)
{
    (void)c, (void)said;
    return true;
}

/* ---- any value ---- */

static bool type(const struct check *c, const cJSON *said)
{
    const char *name = said->valuestring;

    if (strcmp(name, "object") == 0)
        return cJSON_IsObject(c->value);
    if (strcmp(name, "array") == 0)
        return cJSON_IsArray(c->value);
    if (strcmp(name, "string") == 0)
        return cJSON_IsString(c->value);
    if (strcmp(name, "boolean") == 0)
        return cJSON_IsBool(c->value);
    if (!cJSON_IsNumber(c->value))
        return false;
    return strcmp(name, "integer") != 0 ||
           c->value->valuedouble == floor(c->value->valuedouble);
}

static bool constant(const struct check *c, const cJSON *said)
{
    return cJSON_Compare(c->value, said, true);
}

static bool one_of(const struct check *c, const cJSON *said)
{
    const cJSON *i;

    for (i = said->child; i; i = i->next)
        if (cJSON_Compare(c->value, i, true))
            return true;
    return false;
}

static bool all_of(const struct check *c, const cJSON *said)
{
    const cJSON *i;

    for (i = said->child; i; i = i->next)
        if (!fits(c, i, c->value))
            return false;
    return true;
}

static bool any_of(const struct check *c, const cJSON *said)
{
    const cJSON *i;

    for (i = said->child; i; i = i->next)
        if (fits(c, i, c->value))
            return true;
    return false;
}

static bool opposite(const struct check *c, const cJSON *said)
{
    return !fits(c, said, c->value);
}

static bool choice(const struct check *c, const cJSON *said)
{
    const char *way = fits(c, said, c->value) ? "then" : "else";
    const cJSON *then = cJSON_GetObjectItemCaseSensitive(c->schema, way);

    return !then || fits(c, then, c->value);
}

/* "#/definitions/NAME" */
static bool reference(const struct check *c, const cJSON *said)
{
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(c->root, "definitions");
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(
        all, strrchr(said->valuestring, '/') + 1);

    if (!found) {
        fprintf(stderr, "no definition %s\n", said->valuestring);
        exit(1);
    }
    return fits(c, found, c->value);
}

/* ---- numbers, strings ---- */

static bool minimum(const struct check *c, const cJSON *said)
{
    return !cJSON_IsNumber(c->value) ||
           c->value->valuedouble >= said->valuedouble;
}

static bool maximum(const struct check *c, const cJSON *said)
{
    return !cJSON_IsNumber(c->value) ||
           c->value->valuedouble <= said->valuedouble;
}

static bool above(const struct check *c, const cJSON *said)
{
    return !cJSON_IsNumber(c->value) ||
           c->value->valuedouble > said->valuedouble;
}

static bool max_length(const struct check *c, const cJSON *said)
{
    return !cJSON_IsString(c->value) ||
           (double)strlen(c->value->valuestring) <= said->valuedouble;
}

static bool pattern(const struct check *c, const cJSON *said)
{
    regex_t regex;
    int found;

    if (!cJSON_IsString(c->value))
        return true;
    if (regcomp(&regex, said->valuestring, REG_EXTENDED | REG_NOSUB) != 0)
        exit(1);
    found = regexec(&regex, c->value->valuestring, 0, NULL, 0);
    regfree(&regex);
    return found == 0;
}

/* ---- lists, objects ---- */

static bool items(const struct check *c, const cJSON *said)
{
    const cJSON *i;

    if (!cJSON_IsArray(c->value))
        return true;
    for (i = c->value->child; i; i = i->next)
        if (!fits(c, said, i))
            return false;
    return true;
}

static bool min_items(const struct check *c, const cJSON *said)
{
    return !cJSON_IsArray(c->value) ||
           cJSON_GetArraySize(c->value) >= said->valueint;
}

static bool max_items(const struct check *c, const cJSON *said)
{
    return !cJSON_IsArray(c->value) ||
           cJSON_GetArraySize(c->value) <= said->valueint;
}

static bool min_properties(const struct check *c, const cJSON *said)
{
    return !cJSON_IsObject(c->value) ||
           cJSON_GetArraySize(c->value) >= said->valueint;
}

static bool properties(const struct check *c, const cJSON *said)
{
    const cJSON *i;

    if (!cJSON_IsObject(c->value))
        return true;
    for (i = c->value->child; i; i = i->next) {
        const cJSON *own = cJSON_GetObjectItemCaseSensitive(said, i->string);

        if (own && !fits(c, own, i))
            return false;
    }
    return true;
}

static bool additional(const struct check *c, const cJSON *said)
{
    const cJSON *listed = cJSON_GetObjectItemCaseSensitive(c->schema,
                                                           "properties");
    const cJSON *i;

    if (!cJSON_IsObject(c->value))
        return true;
    for (i = c->value->child; i; i = i->next)
        if (!cJSON_GetObjectItemCaseSensitive(listed, i->string) &&
            (cJSON_IsFalse(said) || !fits(c, said, i)))
            return false;
    return true;
}

static bool property_names(const struct check *c, const cJSON *said)
{
    const cJSON *i;

    if (!cJSON_IsObject(c->value))
        return true;
    for (i = c->value->child; i; i = i->next) {
        const cJSON name = {.type = cJSON_String, .valuestring = i->string};

        if (!fits(c, said, &name))
            return false;
    }
    return true;
}

static bool required(const struct check *c, const cJSON *said)
{
    const cJSON *i;

    if (!cJSON_IsObject(c->value))
        return true;
    for (i = said->child; i; i = i->next)
        if (!cJSON_GetObjectItemCaseSensitive(c->value, i->valuestring))
            return false;
    return true;
}

static const struct {
    const char *keyword;
    condition_fn *holds;
} conditions[] = {
    {"$schema", always},
    {"title", always},
    {"description", always},
    {"definitions", always},
    {"then", always}, /* with "if" */
    {"else", always},
    {"$ref", reference},
    {"type", type},
    {"const", constant},
    {"enum", one_of},
    {"allOf", all_of},
    {"anyOf", any_of},
    {"not", opposite},
    {"if", choice},
    {"minimum", minimum},
    {"maximum", maximum},
    {"exclusiveMinimum", above},
    {"maxLength", max_length},
    {"pattern", pattern},
    {"items", items},
    {"minItems", min_items},
    {"maxItems", max_items},
    {"minProperties", min_properties},
    {"properties", properties},
    {"additionalProperties", additional},
    {"propertyNames", property_names},
    {"required", required},
};

static condition_fn *find(const char *keyword)
{
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        if (strcmp(conditions[i].keyword, keyword) == 0)
            return conditions[i].holds;
    fprintf(stderr, "the schema has \"%s\", which is not known here\n",
            keyword);
    exit(1);
}

bool schema_fits(const cJSON *root, const cJSON *schema, const cJSON *value)
{
    const struct check c = {root, schema, value};
    const cJSON *i;

    for (i = schema->child; i; i = i->next)
        if (!find(i->string)(&c, i))
            return false;
    return true;
}
