/*
 * output.c: predictions as .npy or .safetensors.
 *
 * Batches come output after output, but a safetensors file has each array whole
 * before the next: the first goes straight to its file, the others wait on
 * disk, never in memory.
 */
#include "cli/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base.h"

static bool ends_with(const char *s, const char *end)
{
    size_t a = strlen(s), b = strlen(end);

    return a >= b && strcmp(s + a - b, end) == 0;
}

/* Falling size of an element, then name: as safetensors_compare has it, so that
 * each tensor is aligned to its type. */
static int compare(const void *a, const void *b)
{
    const struct plancl_tensor *x = a, *y = b;
    size_t p = dtype_bytes((enum dtype)x->dtype);
    size_t q = dtype_bytes((enum dtype)y->dtype);

    return p != q ? (p < q ? 1 : -1) : strcmp(x->name, y->name);
}

static enum plancl_status open_safetensors(struct output *o, const char *path,
                                           const struct plancl_tensor *tensor)
{
    struct safetensors_tensor st[OUTPUTS_MAX];

    for (unsigned i = 0; i < o->n; i++) {
        st[i] = (struct safetensors_tensor){
            .name = tensor[i].name,
            .dtype = safetensors_dtype((enum dtype)tensor[i].dtype),
            .rank = tensor[i].rank,
            .dim = tensor[i].dim,
        };
        o->spool[i] = i ? tmpfile() : NULL;
        if (i && !o->spool[i])
            return fail(o->cb, PLANCL_FAILED, "temporary file: %s",
                        strerror(errno));
    }
    return safetensors_create(&o->safetensors, path, st, o->n, NULL, o->cb);
}

enum plancl_status output_open(struct output *o, const char *path,
                               struct plancl_tensor *tensor, unsigned n,
                               const struct plancl_callbacks *cb)
{
    enum plancl_status status;

    *o = (struct output){.cb = cb, .n = n};
    qsort(tensor, n, sizeof *tensor, compare);
    if (ends_with(path, ".npy"))
        return n == 1 ? plancl_npy_create(path, tensor->dtype, tensor->rank,
                                          tensor->dim, cb, &o->npy)
                      : fail(cb, PLANCL_REFUSED,
                             "%s holds one array, the plan has %u outputs: "
                             "give --output NAME or a .safetensors file",
                             path, n);
    if (!ends_with(path, ".safetensors"))
        return fail(cb, PLANCL_REFUSED,
                    "%s: the name ends neither in .npy nor in .safetensors",
                    path);
    status = open_safetensors(o, path, tensor);
    o->is_safetensors = !status;
    return status;
}

enum plancl_status output_add(struct output *o, unsigned index,
                              const void *data, uint64_t bytes)
{
    if (o->npy)
        return plancl_npy_add(o->npy, data, bytes);
    if (!index)
        return safetensors_add(&o->safetensors, data, bytes, o->cb);
    if (fwrite(data, 1, bytes, o->spool[index]) != bytes)
        return fail(o->cb, PLANCL_FAILED, "temporary file: %s",
                    strerror(errno));
    return PLANCL_OK;
}

/* Append what waited. */
static enum plancl_status unspool(struct output *o, FILE *spool)
{
    char block[1 << 14];
    enum plancl_status status = PLANCL_OK;
    size_t n;

    rewind(spool);
    while (!status && (n = fread(block, 1, sizeof block, spool)) > 0)
        status = safetensors_add(&o->safetensors, block, n, o->cb);
    if (!status && ferror(spool))
        return fail(o->cb, PLANCL_FAILED, "temporary file: %s",
                    strerror(errno));
    return status;
}

enum plancl_status output_commit(struct output *o)
{
    struct plancl_npy_writer *npy = o->npy;
    enum plancl_status status = PLANCL_OK;

    o->npy = NULL;
    if (npy)
        return plancl_npy_close(npy);
    for (unsigned i = 1; !status && i < o->n; i++)
        status = unspool(o, o->spool[i]);
    if (status)
        return status;
    o->is_safetensors = false;
    return safetensors_commit(&o->safetensors, o->cb);
}

void output_abandon(struct output *o)
{
    if (o->npy)
        plancl_npy_close(o->npy); /* too short: leaves no file */
    if (o->is_safetensors)
        safetensors_abandon(&o->safetensors);
    for (unsigned i = 0; i < OUTPUTS_MAX; i++)
        if (o->spool[i])
            fclose(o->spool[i]);
    *o = (struct output){0};
}
