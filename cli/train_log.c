/*
 * train_log.c: the log of a training.  Each line is written out at once, so
 * that a run that ends early leaves whole lines.
 */
#include "cli/train_log.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "runtime/base.h"

enum plancl_status train_log_open(struct train_log *l, const char *path,
                                  const struct plancl_callbacks *cb)
{
    *l = (struct train_log){.path = path};
    if (!path)
        return PLANCL_OK;
    l->stream = fopen(path, "w");
    if (!l->stream)
        return fail(cb, PLANCL_FAILED, "%s: %s", path, strerror(errno));
    return PLANCL_OK;
}

/* cJSON writes null for what is not finite. */
static void add_meters(cJSON *to, const struct meters *m)
{
    if (meters_total_is_extra(m))
        cJSON_AddNumberToObject(to, "loss", m->loss);
    for (unsigned i = 0; i < m->n; i++)
        cJSON_AddNumberToObject(to, m->v[i].name, m->v[i].mean);
}

/* The caller frees it with cJSON_free; null where memory ran out. */
static char *line_of(const struct epoch_result *e)
{
    cJSON *top = cJSON_CreateObject();
    double rate = e->seconds > 0 ? (double)e->samples / e->seconds : 0;
    char *text;

    cJSON_AddNumberToObject(top, "epoch", e->epoch);
    cJSON_AddNumberToObject(top, "updates", (double)e->updates);
    add_meters(top, &e->training);
    cJSON_AddNumberToObject(top, "seconds", e->seconds);
    cJSON_AddNumberToObject(top, "samples_per_s", rate);
    if (e->validated) {
        add_meters(cJSON_AddObjectToObject(top, "validation"), &e->validation);
        cJSON_AddNumberToObject(top, "validation_seconds", e->evaluate_seconds);
    }
    text = cJSON_PrintUnformatted(top);
    cJSON_Delete(top);
    return text;
}

enum plancl_status train_log_add(struct train_log *l,
                                 const struct epoch_result *e,
                                 const struct plancl_callbacks *cb)
{
    char *text;
    int written;

    if (!l->stream)
        return PLANCL_OK;
    text = line_of(e);
    if (!text)
        return fail(cb, PLANCL_MEMORY, "%s: out of memory", l->path);
    written = fprintf(l->stream, "%s\n", text);
    cJSON_free(text);
    if (written < 0 || fflush(l->stream) != 0)
        return fail(cb, PLANCL_FAILED, "%s: %s", l->path, strerror(errno));
    return PLANCL_OK;
}

void train_log_close(struct train_log *l)
{
    if (l->stream)
        fclose(l->stream);
    l->stream = NULL;
}
