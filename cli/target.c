/* target.c: dimensions, memory and device from the command line. */
#include "cli/target.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base.h"

/* ---- dimensions ---- */

/* The n-th; the name is cut out of the argument, which is ours to change. */
static enum plancl_status dim_one(char *s, struct plancl_dim *dim, unsigned n,
                                  const struct plancl_callbacks *cb)
{
    char *equals = strchr(s, '=');

    if (!equals || equals == s || !count_parse(equals + 1, &dim[n].size))
        return fail(cb, PLANCL_REFUSED, "--dim=%s: wanted NAME=SIZE", s);
    *equals = '\0';
    for (unsigned i = 0; i < n; i++)
        if (strcmp(dim[i].name, s) == 0)
            return fail(cb, PLANCL_REFUSED,
                        "--dim %s is given twice: %" PRIu64 " and %" PRIu64, s,
                        dim[i].size, dim[n].size);
    dim[n].name = s;
    return PLANCL_OK;
}

enum plancl_status target_dims(const struct texts *t,
                               const struct plancl_callbacks *cb,
                               struct plancl_dim **dim)
{
    enum plancl_status status = PLANCL_OK;

    *dim = calloc((size_t)t->n + 1, sizeof **dim);
    if (!*dim)
        return fail(cb, PLANCL_MEMORY, "out of memory");
    for (unsigned i = 0; !status && i < t->n; i++)
        status = dim_one((char *)t->v[i], *dim, i, cb);
    return status;
}

bool target_batch(struct plancl_dim *dim, unsigned *n,
                  struct plancl_dim **batch)
{
    for (unsigned i = 0; i < *n; i++)
        if (strcmp(dim[i].name, "N") == 0) {
            *batch = &dim[i];
            return false;
        }
    *batch = &dim[(*n)++];
    **batch = (struct plancl_dim){.name = "N"};
    return true;
}

/* ---- memory ---- */

/* A part is taken of the profile's memory, which the compiler knows and this
 * command may not. */
enum plancl_status target_memory(const char *s,
                                 struct plancl_compile_options *c,
                                 const struct plancl_callbacks *cb)
{
    char *end;

    if (!s || (size_parse(s, &c->memory) && c->memory))
        return PLANCL_OK;
    c->memory_part = strtod(s, &end) / 100;
    if (end == s || strcmp(end, "%") != 0 || !(c->memory_part > 0) ||
        c->memory_part > 1)
        return fail(cb, PLANCL_REFUSED,
                    "--memory=%s: wanted a size such as 14GiB, or a part of "
                    "the device's memory such as 75%%",
                    s);
    return PLANCL_OK;
}

/* ---- the device ---- */

static bool is_number(const char *s)
{
    size_t digits = strspn(s, "0123456789");

    return digits && !s[digits];
}

static void count_device(void *context, unsigned index,
                         const struct plancl_device *d)
{
    (void)index;
    (void)d;
    ++*(unsigned *)context;
}

static bool device_present(void)
{
    unsigned n = 0;

    return plancl_devices(NULL, count_device, &n) == PLANCL_OK && n;
}

/* Without a word on the command line the environment's device, as sessions. */
void target_device(const char *device, struct plancl_compile_options *c,
                   const struct plancl_callbacks *cb)
{
    const char *from_environment = getenv("PLANCL_DEVICE");

    if (device && is_number(device))
        c->device = device;
    else if (device)
        c->profile = device;
    else if (from_environment && *from_environment)
        c->device = from_environment;
    else if (device_present())
        c->device = "0";
    else
        note(cb, PLANCL_NOTE,
             "there is no OpenCL device here: compiling for the profile "
             "\"cpu\"");
}
