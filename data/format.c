/*
 * format.c: which format a file is, by its content and not by its name, and
 * how many bytes its array takes.
 */
#include <inttypes.h>
#include <string.h>

#include "data/format.h"
#include "runtime/base.h"

/*
 * Dimensions of 0 are left out of the product until the end: the others must
 * not overflow either, or an index into the array would.
 */
static bool size_of(struct layout *l)
{
    uint64_t bytes = element_bytes(l->element);
    uint64_t end;
    bool empty = false;

    for (unsigned i = 0; i < l->rank; i++) {
        if (l->dim[i] == 0)
            empty = true;
        else if (!mul_u64(bytes, l->dim[i], &bytes))
            return false;
    }
    l->bytes = empty ? 0 : bytes;
    /* Files are addressed with signed offsets. */
    return add_u64(l->data, l->bytes, &end) && bytes <= INT64_MAX &&
           end <= INT64_MAX;
}

/* Names the mistake that is likely: an archive instead of the array in it. */
static enum plancl_status refuse_unknown(const struct head *h,
                                         const struct plancl_callbacks *cb)
{
    if (h->n == 0)
        return fail(cb, PLANCL_REFUSED, "%s: the file is empty", h->path);
    if (h->n >= 4 && memcmp(h->bytes, "PK\3\4", 4) == 0)
        return fail(cb, PLANCL_REFUSED,
                    "%s: this is a zip archive (.npz); unpack it and give one "
                    "of its .npy files",
                    h->path);
    return fail(cb, PLANCL_REFUSED,
                "%s: neither .npy (\"\\x93NUMPY\") nor IDX (two zero bytes) "
                "nor gzipped IDX",
                h->path);
}

enum plancl_status format_parse(const struct head *h,
                                const struct plancl_callbacks *cb,
                                struct layout *l)
{
    enum plancl_status status;

    if (npy_matches(h))
        status = npy_parse(h, cb, l);
    else if (idx_matches(h))
        status = idx_parse(h, cb, l);
    else
        status = refuse_unknown(h, cb);
    if (status)
        return status;
    if (!size_of(l))
        return fail(cb, PLANCL_REFUSED,
                    "%s: the shape is larger than any file can be", h->path);
    return PLANCL_OK;
}
