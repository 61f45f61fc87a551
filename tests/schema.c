/*
 * schema.c: the schema of model files and their reader say the same.
 *
 * What the reader takes fits the schema: models/ and tests/models.  What it
 * refuses (tests/mistakes) does not, but for what no schema can know, which
 * tests/mistakes/beyond-schema.txt lists: each of those does fit.  And each
 * attribute of each op is tried with a value of another kind.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/op.h"
#include "compiler/plancl_compile.h"
#include "tests/json_schema.h"

enum { MOST = 1 << 20 };

static cJSON *schema;
static int failures;

static void keep_schema(void *context, const char *text)
{
    (void)context;
    schema = cJSON_Parse(text);
}

static char *read_file(const char *path)
{
    char *text = calloc(1, MOST);
    FILE *f = fopen(path, "r");

    if (!text || !f || fread(text, 1, MOST - 1, f) == 0) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    fclose(f);
    return text;
}

static bool text_fits(const char *text)
{
    cJSON *model = cJSON_Parse(text);
    bool good = model && schema_fits(schema, schema, model);

    cJSON_Delete(model);
    return good;
}

static bool reads(const char *text)
{
    const struct plancl_compile_options o = {.stop_stage = "grad"};
    const struct plancl_callbacks silent = {NULL, NULL, NULL};
    struct plancl_plan *plan = NULL;

    return plancl_compile("test", text, &o, &silent, &plan) == PLANCL_OK;
}

/* ---- files ---- */

static bool is_listed(const char *list, const char *name)
{
    char line[300];

    snprintf(line, sizeof line, "\n%s\n", name);
    return strstr(list, line) != NULL;
}

static void check_file(const char *folder, const char *name, const char *beyond)
{
    char path[1000];
    char *text;
    bool good;

    snprintf(path, sizeof path, "%s/%s/%s", getenv("top_srcdir"), folder, name);
    text = read_file(path);
    good = reads(text);
    if (good == (beyond != NULL)) {
        fprintf(stderr, "%s: the reader %s it\n", path,
                good ? "takes" : "refuses");
        failures++;
    }
    if (beyond && is_listed(beyond, name))
        good = true;
    if (text_fits(text) != good) {
        fprintf(stderr, "%s: the schema %s it\n", path,
                good ? "refuses" : "takes");
        failures++;
    }
    free(text);
}

/* beyond: null for models that are good. */
static int check_folder(const char *folder, const char *beyond)
{
    char path[1000];
    struct dirent *e;
    DIR *d;
    int n = 0;

    snprintf(path, sizeof path, "%s/%s", getenv("top_srcdir"), folder);
    d = opendir(path);
    while (d && (e = readdir(d)))
        if (strstr(e->d_name, ".json")) {
            check_file(folder, e->d_name, beyond);
            n++;
        }
    if (d)
        closedir(d);
    printf("%s: %d files\n", folder, n);
    return n;
}

/* ---- attributes ---- */

static const char *value_of(enum attr_kind kind, bool right)
{
    switch (kind) {
    case ATTR_INT:
        return right ? "\"2*$N\"" : "1.5";
    case ATTR_FLOAT:
        return right ? "0.5" : "true";
    case ATTR_STRING:
        return right ? "\"text\"" : "[]";
    case ATTR_INTS:
        return right ? "[1, \"$N\"]" : "[\"a\"]";
    case ATTR_BOOL:
        return right ? "true" : "1";
    case ATTR_TENSOR:
        return right ? "[[1, 2]]" : "[]";
    }
    return "{}";
}

/* A layer of the op with what it needs, and attribute k of the wrong kind; -1:
 * of none. */
static void layer_of(const struct op *op, int wrong, char *text, size_t size)
{
    int n = snprintf(text, size,
                     "{\"plancl\": 1, \"name\": \"m\", \"dims\": {\"N\": 2}, "
                     "\"inputs\": {\"x\": {\"shape\": [\"N\"]}}, \"layers\": "
                     "[{\"op\": \"%s\"",
                     op->name);

    for (int i = 0; i < op_attrs(op); i++)
        if (!op->attr[i].hidden)
            n += snprintf(text + n, size - (size_t)n, ", \"%s\": %s",
                          op->attr[i].name,
                          value_of(op->attr[i].kind, i != wrong));
    snprintf(text + n, size - (size_t)n, "}], \"outputs\": {\"y\": \"x\"}}");
}

static void check_op(const struct op *op)
{
    char text[8192];

    layer_of(op, -1, text, sizeof text);
    if (!text_fits(text)) {
        fprintf(stderr, "%s: its attributes do not fit\n", op->name);
        failures++;
    }
    for (int i = 0; i < op_attrs(op); i++) {
        if (op->attr[i].hidden)
            continue;
        layer_of(op, i, text, sizeof text);
        if (!text_fits(text) && !reads(text))
            continue;
        fprintf(stderr, "%s: %s of another kind is taken\n", op->name,
                op->attr[i].name);
        failures++;
    }
}

int main(void)
{
    char path[1000];
    char *beyond;
    int n;

    plancl_schema(NULL, keep_schema);
    if (!schema)
        return 1;
    snprintf(path, sizeof path, "%s/tests/mistakes/beyond-schema.txt",
             getenv("top_srcdir"));
    beyond = read_file(path);
    n = check_folder("models", NULL) + check_folder("tests/models", NULL);
    if (n < 10 || check_folder("tests/mistakes", beyond) < 100)
        failures++;
    for (unsigned i = 0; op_at(i); i++)
        if (!op_at(i)->internal && !op_at(i)->is_loss && !op_at(i)->is_metric &&
            !op_at(i)->is_optimizer)
            check_op(op_at(i));
    free(beyond);
    cJSON_Delete(schema);
    return failures != 0;
}
