/*
 * profile.c: what the compiler knows of a device: shipped, from a JSON file, or
 * asked of OpenCL.
 *
 * A file is one object with the members of the table below, all of them and no
 * others but "compute_units" and "kernels", which calibration adds:
 *
 *   {"plancl_profile": 1, "name": "t4", "family": "gpu", "memory": ...,
 *    "compute_units": 40,
 *    "kernels": {"matmul_tile": {"compute": 0.9, "traffic": 0.2}, ...}}
 *
 * Speeds only weigh alternatives against each other, so a device of a known
 * kind gets the shipped speeds of its kind, scaled by its compute units.
 *
 * Kernels are chosen by family, largest group and local memory; speeds only
 * predict seconds, by which repeats and pieces of the batch are weighed.
 */
#include "runtime/profile.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/device.h"

enum { FORMAT = 1, MAX_FILE = 1 << 16, SMALLEST_ALIGNMENT = 64 };

#define KIB ((uint64_t)1 << 10)
#define GIB ((uint64_t)1 << 30)
/* What the driver leaves: 14.56 GiB, rounded down to 4 KiB. */
#define T4_MEMORY 15633678336
static const double largest_exact = 9007199254740992.0; /* 2^53 */

struct shipped {
    struct device_profile profile;
    double units; /* compute units that the speeds are for */
};

/* profiles/ has the same as files, to copy from; tests/profile.c compares. */
static const struct shipped shipped[] = {
    {{.name = "cpu",
      .info = {.family = FAMILY_CPU,
               .max_group = 4096,
               .local_bytes = 512 * KIB,
               .flops = 100e9,
               .bytes_per_second = 20e9,
               .launch_seconds = 5e-6},
      .memory = 16 * GIB,
      .max_allocation = 1 * GIB,
      .alignment = 256},
     2},
    {{.name = "t4",
      .info = {.family = FAMILY_GPU,
               .max_group = 1024,
               .local_bytes = 48 * KIB,
               .flops = 8.1e12,
               .bytes_per_second = 256e9,
               .launch_seconds = 5e-6},
      .memory = T4_MEMORY,
      .max_allocation = T4_MEMORY / 4,
      .alignment = 256},
     40},
    {{.name = "generic",
      .info = {.family = FAMILY_GPU,
               .max_group = 256,
               .local_bytes = 32 * KIB,
               .flops = 2e12,
               .bytes_per_second = 100e9,
               .launch_seconds = 8e-6},
      .memory = 4 * GIB,
      .max_allocation = 1 * GIB,
      .alignment = 256},
     16},
    {{.name = ""}, 0},
};

/* Null for a name that is not shipped. */
static const struct shipped *shipped_find(const char *name)
{
    for (const struct shipped *s = shipped; s->profile.name[0]; s++)
        if (!strcmp(s->profile.name, name))
            return s;
    return NULL;
}

/* ---- files ---- */

enum field_kind { FIELD_U64, FIELD_U64_OR_NONE, FIELD_DOUBLE };

struct field {
    const char *name;
    enum field_kind kind;
    size_t at; /* in struct device_profile */
};

#define FIELD(name, kind, member)                           \
    {                                                       \
        name, kind, offsetof(struct device_profile, member) \
    }

static const struct field fields[] = {
    FIELD("memory", FIELD_U64, memory),
    FIELD("max_allocation", FIELD_U64, max_allocation),
    FIELD("alignment", FIELD_U64, alignment),
    FIELD("max_group", FIELD_U64, info.max_group),
    FIELD("local_bytes", FIELD_U64, info.local_bytes),
    FIELD("compute_units", FIELD_U64_OR_NONE, info.units),
    FIELD("flops", FIELD_DOUBLE, info.flops),
    FIELD("bytes_per_second", FIELD_DOUBLE, info.bytes_per_second),
    FIELD("launch_seconds", FIELD_DOUBLE, info.launch_seconds),
    {0},
};

struct reading {
    const char *path;
    const struct plancl_callbacks *cb;
};

static enum plancl_status refuse(const struct reading *r, const char *member,
                                 const char *what)
{
    return fail(r->cb, PLANCL_REFUSED, "%s: \"%s\": %s", r->path, member, what);
}

/* Doubles are exact for whole numbers to 2^53, which no memory comes near. */
static enum plancl_status read_field(const struct reading *r,
                                     const cJSON *object, const struct field *f,
                                     struct device_profile *p)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, f->name);
    char *to = (char *)p + f->at;
    uint64_t whole;
    double v;

    if (!item && f->kind == FIELD_U64_OR_NONE)
        return PLANCL_OK;
    if (!item || !cJSON_IsNumber(item))
        return refuse(r, f->name, "a number is wanted");
    v = item->valuedouble;
    if (!(v > 0) || v > (f->kind == FIELD_DOUBLE ? 1e30 : largest_exact))
        return refuse(r, f->name, "a positive number is wanted");
    if (f->kind == FIELD_DOUBLE) {
        memcpy(to, &v, sizeof v);
        return PLANCL_OK;
    }
    if (v != floor(v))
        return refuse(r, f->name, "a whole number is wanted");
    whole = (uint64_t)v;
    memcpy(to, &whole, sizeof whole);
    return PLANCL_OK;
}

static bool known(const char *name)
{
    static const char *const others[] = {"plancl_profile", "name", "family",
                                         "kernels"};

    for (int i = 0; i < 4; i++)
        if (!strcmp(name, others[i]))
            return true;
    for (int i = 0; fields[i].name; i++)
        if (!strcmp(name, fields[i].name))
            return true;
    return false;
}

static enum plancl_status read_words(const struct reading *r,
                                     const cJSON *object,
                                     struct device_profile *p)
{
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(object,
                                                           "plancl_profile");
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "name");
    const cJSON *family = cJSON_GetObjectItemCaseSensitive(object, "family");

    if (!cJSON_IsNumber(format) || format->valuedouble != FORMAT)
        return refuse(r, "plancl_profile", "1 is wanted");
    if (!cJSON_IsString(name) || !*name->valuestring ||
        strlen(name->valuestring) >= sizeof p->name)
        return refuse(r, "name", "a name of at most 127 bytes is wanted");
    memcpy(p->name, name->valuestring, strlen(name->valuestring) + 1);
    if (cJSON_IsString(family) && !strcmp(family->valuestring, "cpu"))
        p->info.family = FAMILY_CPU;
    else if (cJSON_IsString(family) && !strcmp(family->valuestring, "gpu"))
        p->info.family = FAMILY_GPU;
    else
        return refuse(r, "family", "\"cpu\" or \"gpu\" is wanted");
    return PLANCL_OK;
}

static bool read_factor(const cJSON *rate, const char *name, double *to)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(rate, name);

    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) ||
        item->valuedouble > 1e30)
        return false;
    *to = item->valuedouble;
    return true;
}

static enum plancl_status read_rate(const struct reading *r, const cJSON *item,
                                    struct device_info *info)
{
    struct kernel_rate *k = &info->rate[info->nrate];

    if (info->nrate == KERNEL_RATES)
        return refuse(r, "kernels", "at most 96 kernels are wanted");
    if (strlen(item->string) >= sizeof k->kernel)
        return refuse(r, item->string, "at most 47 bytes are wanted");
    if (cJSON_GetArraySize(item) != 2 ||
        !read_factor(item, "compute", &k->compute) ||
        !read_factor(item, "traffic", &k->traffic))
        return refuse(r, item->string,
                      "\"compute\" and \"traffic\", numbers from 0, are "
                      "wanted");
    for (int i = 0; i < info->nrate; i++)
        if (!strcmp(info->rate[i].kernel, item->string))
            return refuse(r, item->string, "is given twice");
    memcpy(k->kernel, item->string, strlen(item->string) + 1);
    info->nrate++;
    return PLANCL_OK;
}

/* What calibration found, by kernel; none in a profile written by hand. */
static enum plancl_status read_rates(const struct reading *r,
                                     const cJSON *object,
                                     struct device_info *info)
{
    const cJSON *kernels = cJSON_GetObjectItemCaseSensitive(object, "kernels");
    const cJSON *item;
    enum plancl_status status = PLANCL_OK;

    if (kernels && !cJSON_IsObject(kernels))
        return refuse(r, "kernels", "an object is wanted");
    cJSON_ArrayForEach(item, kernels) if (!status)
        status = read_rate(r, item, info);
    return status;
}

static enum plancl_status check_members(const struct reading *r,
                                        const cJSON *object)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, object)
    {
        if (!known(item->string))
            return refuse(r, item->string, "is no member of a profile");
        for (const cJSON *other = item->next; other; other = other->next)
            if (!strcmp(item->string, other->string))
                return refuse(r, item->string, "is given twice");
    }
    return PLANCL_OK;
}

static enum plancl_status read_object(const struct reading *r,
                                      const cJSON *object,
                                      struct device_profile *p)
{
    enum plancl_status status;

    if (!cJSON_IsObject(object))
        return fail(r->cb, PLANCL_REFUSED, "%s: is not a JSON object", r->path);
    status = check_members(r, object);
    if (!status)
        status = read_words(r, object, p);
    for (int i = 0; fields[i].name && !status; i++)
        status = read_field(r, object, &fields[i], p);
    if (!status)
        status = read_rates(r, object, &p->info);
    if (status)
        return status;
    if (p->alignment < SMALLEST_ALIGNMENT || p->alignment & (p->alignment - 1))
        return refuse(r, "alignment", "a power of two from 64 is wanted");
    return PLANCL_OK;
}

static enum plancl_status read_text(const struct reading *r, char *text,
                                    size_t size)
{
    FILE *f = fopen(r->path, "rb");
    size_t n;
    int error;

    if (!f)
        return fail(r->cb, PLANCL_REFUSED,
                    "profile %s: neither shipped (cpu, t4, generic) nor a "
                    "file: %s",
                    r->path, strerror(errno));
    errno = 0;
    n = fread(text, 1, size - 1, f);
    error = ferror(f) ? errno : 0;
    fclose(f);
    if (error)
        return fail(r->cb, PLANCL_FAILED, "cannot read %s: %s", r->path,
                    strerror(error));
    if (n == size - 1)
        return fail(r->cb, PLANCL_REFUSED, "%s: too long for a profile",
                    r->path);
    text[n] = 0;
    return PLANCL_OK;
}

static enum plancl_status read_file(const struct reading *r,
                                    struct device_profile *p)
{
    char *text = malloc(MAX_FILE);
    enum plancl_status status;
    cJSON *object;

    if (!text)
        return fail(r->cb, PLANCL_MEMORY, "no host memory to read %s", r->path);
    status = read_text(r, text, MAX_FILE);
    if (!status) {
        object = cJSON_ParseWithOpts(text, NULL, 1);
        status = read_object(r, object, p);
        cJSON_Delete(object);
    }
    free(text);
    return status;
}

enum plancl_status profile_read(const char *name_or_path,
                                const struct plancl_callbacks *cb,
                                struct device_profile *p)
{
    struct reading r = {name_or_path, cb};
    struct device_profile found = {.alignment = 0};
    const struct shipped *s = shipped_find(name_or_path);
    enum plancl_status status = PLANCL_OK;

    if (s)
        found = s->profile;
    else
        status = read_file(&r, &found);
    if (!status)
        *p = found;
    return status;
}

/* ---- devices ---- */

/* A GPU that is not known gets modest speeds: what is predicted wrong is time,
 * not memory. */
static const struct shipped *shipped_like(const struct device *d)
{
    if (d->is_cpu)
        return shipped_find("cpu");
    return shipped_find(strstr(d->name, "Tesla T4") ? "t4" : "generic");
}

/* Sizes and limits are the device's own; speeds are those of its kind, scaled
 * by its units. */
enum plancl_status profile_of_device(const char *device,
                                     const struct plancl_callbacks *cb,
                                     struct device_profile *p)
{
    struct device d;
    const struct shipped *s;
    double scale;
    enum plancl_status status = device_choose(device, cb, &d);

    if (status)
        return status;
    s = shipped_like(&d);
    scale = d.units ? d.units / s->units : 1;
    *p = s->profile;
    snprintf(p->name, sizeof p->name, "%.*s", (int)sizeof p->name - 1, d.name);
    p->info.flops *= scale;
    p->info.bytes_per_second *= scale;
    p->info.max_group = d.max_group;
    p->info.local_bytes = d.local_bytes;
    p->info.units = d.units;
    p->memory = d.memory;
    p->max_allocation = d.max_allocation;
    return PLANCL_OK;
}
