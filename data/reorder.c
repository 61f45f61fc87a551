/*
 * reorder.c: an array in Fortran order, put into C order once when it is opened.
 *
 * In the file the index of the sample runs fastest, so a sample's elements lie
 * far apart.  A block of samples is made at a time: each of their elements is
 * one read of neighbours.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/store.h"
#include "runtime/base.h"

/* Of a block, if it is more than one sample. */
#define BLOCK_BYTES ((uint64_t)16 << 20)

struct reorder {
    const struct source *from;
    const struct layout *layout;
    struct store to;
    uint64_t elements; /* of a sample */
    uint64_t samples;  /* of a block */
    uint8_t *block, *run;
};

/* Where the element with number e in a sample in C order comes in the file, in
 * columns of all samples. */
static uint64_t column_of(const struct layout *l, uint64_t e)
{
    uint64_t index[MAX_RANK] = {0}, column = 0;

    for (unsigned i = l->rank - 1; i > 0; i--) {
        index[i] = e % l->dim[i];
        e /= l->dim[i];
    }
    for (unsigned i = l->rank - 1; i > 0; i--)
        column = column * l->dim[i] + index[i];
    return column;
}

/* n samples from the first on. */
static enum plancl_status put_block(struct reorder *r, uint64_t first,
                                    uint64_t n)
{
    const struct layout *l = r->layout;
    const unsigned size = element_bytes(l->element);

    for (uint64_t e = 0; e < r->elements; e++) {
        uint64_t at = column_of(l, e) * l->dim[0] + first;
        enum plancl_status status = source_read(r->from, r->to.path,
                                                l->data + at * size, n * size,
                                                r->run, r->to.callbacks);

        if (status)
            return status;
        for (uint64_t i = 0; i < n; i++)
            memcpy(r->block + (i * r->elements + e) * size, r->run + i * size,
                   size);
    }
    return store_put(&r->to, r->block, (size_t)(n * r->elements * size));
}

static enum plancl_status put_all(struct reorder *r)
{
    const uint64_t samples = r->layout->dim[0];
    enum plancl_status status = PLANCL_OK;

    for (uint64_t first = 0; !status && first < samples; first += r->samples) {
        uint64_t left = samples - first;

        status = put_block(r, first, left < r->samples ? left : r->samples);
        if (!status &&
            progress(r->to.callbacks, "reorder", r->to.done, r->to.total))
            return PLANCL_CANCELLED;
    }
    return status;
}

static enum plancl_status reorder(struct reorder *r)
{
    const unsigned size = element_bytes(r->layout->element);
    const uint64_t samples = r->layout->dim[0];
    uint64_t sample_bytes;
    bool room;
    enum plancl_status status;

    r->elements = r->layout->bytes / size / samples;
    sample_bytes = r->elements * size;
    r->samples = sample_bytes < BLOCK_BYTES ? BLOCK_BYTES / sample_bytes : 1;
    if (r->samples > samples)
        r->samples = samples;
    r->block = malloc((size_t)(r->samples * sample_bytes));
    r->run = malloc((size_t)(r->samples * size));
    room = r->block && r->run;
    status = room ? store_open(&r->to)
                  : fail(r->to.callbacks, PLANCL_MEMORY,
                         "%s: out of memory for samples of %" PRIu64 " bytes",
                         r->to.path, sample_bytes);
    if (room && !status)
        status = put_all(r);
    free(r->block);
    free(r->run);
    return status;
}

enum plancl_status source_reorder(struct source *s, const char *path,
                                  const struct plancl_callbacks *cb,
                                  struct layout *l)
{
    struct source to = {.fd = -1};
    struct reorder r = {
        .from = s, .layout = l, .to = {&to, path, cb, .total = l->bytes}};
    enum plancl_status status;

    if (l->rank < 2 || !l->bytes)
        return PLANCL_OK;
    status = reorder(&r);
    source_close(s);
    *s = to;
    l->data = 0;
    return status;
}
