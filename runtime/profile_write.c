/* profile_write.c: a profile as the file that profile.c reads. */
#include <cjson/cJSON.h>
#include <stdio.h>

#include "runtime/profile.h"

/* Whole numbers up to 2^53 keep their digits as doubles; no device has more
 * bytes. */
static cJSON *object_of(const struct device_profile *p)
{
    const struct device_info *info = &p->info;
    cJSON *o = cJSON_CreateObject(), *kernels;

    cJSON_AddNumberToObject(o, "plancl_profile", 1);
    cJSON_AddStringToObject(o, "name", p->name);
    cJSON_AddStringToObject(o, "family",
                            info->family == FAMILY_CPU ? "cpu" : "gpu");
    cJSON_AddNumberToObject(o, "memory", (double)p->memory);
    cJSON_AddNumberToObject(o, "max_allocation", (double)p->max_allocation);
    cJSON_AddNumberToObject(o, "alignment", (double)p->alignment);
    cJSON_AddNumberToObject(o, "max_group", (double)info->max_group);
    cJSON_AddNumberToObject(o, "local_bytes", (double)info->local_bytes);
    if (info->units)
        cJSON_AddNumberToObject(o, "compute_units", (double)info->units);
    cJSON_AddNumberToObject(o, "flops", info->flops);
    cJSON_AddNumberToObject(o, "bytes_per_second", info->bytes_per_second);
    cJSON_AddNumberToObject(o, "launch_seconds", info->launch_seconds);
    if (!info->nrate)
        return o;
    kernels = cJSON_AddObjectToObject(o, "kernels");
    for (int i = 0; i < info->nrate; i++) {
        const struct kernel_rate *r = &info->rate[i];
        cJSON *rate = cJSON_AddObjectToObject(kernels, r->kernel);

        cJSON_AddNumberToObject(rate, "compute", r->compute);
        cJSON_AddNumberToObject(rate, "traffic", r->traffic);
    }
    return o;
}

enum plancl_status profile_write(const struct device_profile *p,
                                 const char *path,
                                 const struct plancl_callbacks *cb)
{
    cJSON *object = object_of(p);
    char *text = cJSON_Print(object);
    struct file_writer w;
    enum plancl_status status;

    cJSON_Delete(object);
    if (!text)
        return fail(cb, PLANCL_MEMORY, "no host memory to write %s", path);
    status = file_begin(&w, path, cb);
    if (!status) {
        fprintf(w.stream, "%s\n", text);
        status = file_commit(&w, cb);
    }
    cJSON_free(text);
    return status;
}
