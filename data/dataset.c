/*
 * dataset.c: columns of samples, read by index.
 *
 * A column is a file whose first dimension counts samples.  Reading follows
 * the indices: a run of neighbours is one read, everything else one read per
 * sample, through a small buffer where elements are converted on their way.
 * Windows of a longer array are samples too, and so are those that were
 * selected: both only say where a sample begins.
 *
 * Memory is the records, the selection and what was unpacked: a sample passes
 * through 16 KiB on the stack, or not at all where its bytes are the result's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/plancl_data.h"
#include "data/selection.h"
#include "data/source.h"
#include "data/spec.h"
#include "runtime/base.h"

enum { BUFFER_BYTES = 16384 };

struct column {
    struct spec spec;
    struct source source;
    struct layout layout;
    uint64_t elements;   /* of one sample */
    uint8_t number[256]; /* of each byte, where they are characters */
};

struct plancl_data {
    struct plancl_callbacks callbacks;
    uint64_t samples; /* in the files */
    struct selection selection;
    unsigned columns;
    struct column column[];
};

/* The elements from `first` on that go to `to`, all within the file. */
struct span {
    const struct column *column;
    struct conversion conversion;
    uint64_t first, n; /* elements of the file's array */
    char *to;
};

static uint64_t elements_of_sample(const struct layout *l)
{
    uint64_t n = 1;

    for (unsigned i = 1; i < l->rank; i++)
        n *= l->dim[i];
    return n;
}

static enum plancl_status check_name(const struct plancl_data *d,
                                     const char *name)
{
    for (unsigned i = 0; i + 1 < d->columns; i++)
        if (strcmp(d->column[i].spec.name, name) == 0)
            return fail(&d->callbacks, PLANCL_REFUSED,
                        "data '%s' is given twice: %s and %s", name,
                        d->column[i].spec.path,
                        d->column[d->columns - 1].spec.path);
    return PLANCL_OK;
}

/* The first column says how many samples there are; the others must agree, or
 * of windows the shortest counts. */
static enum plancl_status check_samples(struct plancl_data *d,
                                        const struct column *c)
{
    if (d->columns == 1)
        d->samples = c->layout.dim[0];
    /* What is left behind the last window is no sample. */
    if (c->spec.window && d->column[0].spec.window) {
        if (c->layout.dim[0] < d->samples)
            d->samples = c->layout.dim[0];
        return PLANCL_OK;
    }
    if (d->samples != c->layout.dim[0])
        return fail(&d->callbacks, PLANCL_REFUSED,
                    "%s has %" PRIu64 " samples, %s has %" PRIu64,
                    d->column[0].spec.path, d->samples, c->spec.path,
                    c->layout.dim[0]);
    return PLANCL_OK;
}

/* Rows [L, ...] become samples [n, window, ...], from the shift on.  Windows do
 * not overlap: sample i is rows shift + i * window and on. */
static enum plancl_status cut_windows(const struct plancl_data *d,
                                      struct column *c)
{
    struct layout *l = &c->layout;
    uint64_t rows = l->rank ? l->dim[0] : 0, skipped;

    if (!c->spec.window)
        return PLANCL_OK;
    if (l->rank < 1 || l->rank == MAX_RANK)
        return fail(&d->callbacks, PLANCL_REFUSED,
                    "%s: window=N wants an array of 1 to %d dimensions",
                    c->spec.path, MAX_RANK - 1);
    if (c->spec.shift > rows || rows - c->spec.shift < c->spec.window)
        return fail(&d->callbacks, PLANCL_REFUSED,
                    "%s: %" PRIu64 " rows hold no window of %" PRIu64
                    " shifted by %" PRIu64,
                    c->spec.path, rows, c->spec.window, c->spec.shift);
    skipped = c->spec.shift * elements_of_sample(l) * element_bytes(l->element);
    l->data += skipped;
    l->bytes -= skipped;
    memmove(l->dim + 2, l->dim + 1, (l->rank - 1) * sizeof *l->dim);
    l->dim[0] = (rows - c->spec.shift) / c->spec.window;
    l->dim[1] = c->spec.window;
    l->rank++;
    return PLANCL_OK;
}

/* Which bytes the whole text has; each is numbered by those below it.  Rising
 * with the byte, so that the numbers depend on which characters occur, not on
 * their order. */
static enum plancl_status number_characters(const struct plancl_data *d,
                                            struct column *c)
{
    uint8_t buffer[BUFFER_BYTES];
    bool seen[256] = {false};
    int n = 0;

    for (uint64_t at = 0, part; at < c->layout.bytes; at += part) {
        uint64_t left = c->layout.bytes - at;
        enum plancl_status status;

        part = left < BUFFER_BYTES ? left : BUFFER_BYTES;
        status = source_read(&c->source, c->spec.path, at, part, buffer,
                             &d->callbacks);
        if (status)
            return status;
        for (uint64_t i = 0; i < part; i++)
            seen[buffer[i]] = true;
    }
    for (int i = 0; i < 256; i++) {
        c->number[i] = (uint8_t)n;
        n += seen[i];
    }
    note(&d->callbacks, PLANCL_NOTE, "%s: %d different characters",
         c->spec.path, n);
    return PLANCL_OK;
}

static enum plancl_status open_source(const struct plancl_data *d,
                                      struct column *c)
{
    enum plancl_status status;

    if (!c->spec.characters)
        return source_open(&c->source, c->spec.path, &d->callbacks, &c->layout);
    status = source_open_text(&c->source, c->spec.path, &d->callbacks,
                              &c->layout);
    return status ? status : number_characters(d, c);
}

/* The column counts from here on, so that closing frees what it has. */
static enum plancl_status add_column(struct plancl_data *d, const char *text)
{
    struct column *c = &d->column[d->columns];
    enum plancl_status status = spec_parse(text, &d->callbacks, &c->spec);

    if (status)
        return status;
    d->columns++;
    c->source.fd = -1;
    status = check_name(d, c->spec.name);
    if (!status)
        status = open_source(d, c);
    if (!status)
        status = cut_windows(d, c);
    if (!status && c->layout.rank == 0) { /* a number: the only sample */
        c->layout.rank = 1;
        c->layout.dim[0] = 1;
    }
    if (!status)
        status = check_samples(d, c);
    if (!status)
        c->elements = elements_of_sample(&c->layout);
    return status;
}

enum plancl_status plancl_data_open(const char *const *specs, unsigned nspec,
                                    const struct plancl_callbacks *cb,
                                    struct plancl_data **data)
{
    struct plancl_data *d;

    if (nspec == 0)
        return fail(cb, PLANCL_REFUSED, "no data: wanted NAME=FILE");
    d = calloc(1, sizeof *d + nspec * sizeof d->column[0]);
    if (!d)
        return fail(cb, PLANCL_MEMORY, "out of memory for %u columns", nspec);
    if (cb)
        d->callbacks = *cb;
    for (unsigned i = 0; i < nspec; i++) {
        enum plancl_status status = add_column(d, specs[i]);

        if (status) {
            plancl_data_close(d);
            return status;
        }
    }
    *data = d;
    return PLANCL_OK;
}

void plancl_data_close(struct plancl_data *d)
{
    if (!d)
        return;
    for (unsigned i = 0; i < d->columns; i++) {
        source_close(&d->column[i].source);
        spec_free(&d->column[i].spec);
    }
    selection_free(&d->selection);
    free(d);
}

uint64_t plancl_data_samples(const struct plancl_data *d)
{
    return d->selection.runs ? selection_count(&d->selection) : d->samples;
}

enum plancl_status plancl_data_select(struct plancl_data *d, const char *text)
{
    struct selection s;
    enum plancl_status status = selection_parse(text, d->samples, &d->callbacks,
                                                &s);

    if (status)
        return status;
    selection_free(&d->selection);
    d->selection = s;
    return PLANCL_OK;
}

unsigned plancl_data_columns(const struct plancl_data *d)
{
    return d->columns;
}

struct plancl_column plancl_data_column(const struct plancl_data *d, unsigned i)
{
    struct plancl_column result = {0};
    const struct column *c;

    if (i >= d->columns)
        return result;
    c = &d->column[i];
    result.name = c->spec.name;
    result.path = c->spec.path;
    result.rank = c->layout.rank - 1;
    memcpy(result.dim, c->layout.dim + 1, result.rank * sizeof result.dim[0]);
    result.dtype = element_dtype(c->layout.element);
    return result;
}

uint64_t plancl_data_host_bytes(const struct plancl_data *d)
{
    uint64_t bytes = sizeof *d + d->columns * sizeof d->column[0] +
                     selection_bytes(&d->selection);

    for (unsigned i = 0; i < d->columns; i++) {
        const struct column *c = &d->column[i];

        bytes += c->source.heap_bytes;
        bytes += strlen(c->spec.name) + 1 + strlen(c->spec.path) + 1;
    }
    return bytes;
}

/* element counts from the file's begin, in elements behind the shift. */
static enum plancl_status refuse_value(const struct plancl_data *d,
                                       const struct span *s, uint64_t element,
                                       const uint8_t *at)
{
    const struct column *c = s->column;
    char value[32], scaled[64] = "";

    element_text(&s->conversion, at, value);
    if (c->spec.scale.denominator != 1)
        snprintf(scaled, sizeof scaled, " times %g/%g", c->spec.scale.numerator,
                 c->spec.scale.denominator);
    else if (c->spec.scale.numerator != 1)
        snprintf(scaled, sizeof scaled, " times %g", c->spec.scale.numerator);
    return fail(&d->callbacks, PLANCL_REFUSED,
                "%s: sample %" PRIu64 ", element %" PRIu64 ": %s%s cannot be "
                "given to '%s' as %s",
                c->spec.path, element / c->elements, element % c->elements,
                value, scaled, c->spec.name, dtype_text(s->conversion.to));
}

/* Through the buffer, a part at a time. */
static enum plancl_status read_converted(const struct plancl_data *d,
                                         const struct span *s)
{
    uint8_t buffer[BUFFER_BYTES];
    const struct column *c = s->column;
    unsigned size = element_bytes(c->layout.element);
    size_t to_size = dtype_size(s->conversion.to);
    uint64_t most = BUFFER_BYTES / size;

    for (uint64_t done = 0; done < s->n; done += most) {
        uint64_t part = s->n - done < most ? s->n - done : most;
        uint64_t first = s->first + done;
        enum plancl_status status = source_read(
            &c->source, c->spec.path, c->layout.data + first * size,
            part * size, buffer, &d->callbacks);

        if (status)
            return status;
        if (c->spec.characters)
            for (uint64_t i = 0; i < part; i++)
                buffer[i] = c->number[buffer[i]];
        size_t good = element_convert(&s->conversion, buffer, (size_t)part,
                                      s->to + done * to_size);
        if (good < part)
            return refuse_value(d, s, first + good, buffer + good * size);
    }
    return PLANCL_OK;
}

static enum plancl_status read_span(const struct plancl_data *d,
                                    const struct span *s)
{
    const struct column *c = s->column;
    uint64_t size = element_bytes(c->layout.element);

    if (c->spec.characters || !conversion_is_copy(&s->conversion))
        return read_converted(d, s);
    return source_read(&c->source, c->spec.path,
                       c->layout.data + s->first * size, s->n * size, s->to,
                       &d->callbacks);
}

/* All of it before the first byte is read, so that out is whole or untouched by
 * a wrong index. */
static enum plancl_status check_read(const struct plancl_data *d,
                                     unsigned column, const uint64_t *index,
                                     uint64_t n, enum plancl_dtype dtype)
{
    if (column >= d->columns)
        return fail(&d->callbacks, PLANCL_REFUSED,
                    "column %u of a dataset with %u", column, d->columns);
    if (dtype < PLANCL_F32 || dtype > PLANCL_BOOL)
        return fail(&d->callbacks, PLANCL_REFUSED, "%d is no element type",
                    (int)dtype);
    for (uint64_t i = 0; i < n; i++)
        if (index[i] >= plancl_data_samples(d))
            return fail(
                &d->callbacks, PLANCL_REFUSED,
                "%s: sample %" PRIu64 " of %" PRIu64 " (they count from 0)",
                d->column[column].spec.path, index[i], plancl_data_samples(d));
    return PLANCL_OK;
}

/* Runs of neighbours, which an unshuffled batch is, are one read; a shuffled
 * one is a read for each sample. */
enum plancl_status plancl_data_read(struct plancl_data *d, unsigned column,
                                    const uint64_t *index, uint64_t n,
                                    enum plancl_dtype dtype, void *out)
{
    enum plancl_status status = check_read(d, column, index, n, dtype);
    char *to = out;

    if (status)
        return status;
    const struct column *c = &d->column[column];
    struct span s = {
        c,
        {c->layout.element, c->layout.big_endian, c->spec.scale, dtype},
        0,
        0,
        NULL};
    uint64_t sample_bytes = c->elements * dtype_size(dtype);

    for (uint64_t i = 0, run; i < n && c->elements; i += run) {
        uint64_t sample = selection_sample(&d->selection, index[i]);

        run = 1;
        while (i + run < n &&
               selection_sample(&d->selection, index[i + run]) == sample + run)
            run++;
        s.first = sample * c->elements;
        s.n = run * c->elements;
        s.to = to + i * sample_bytes;
        status = read_span(d, &s);
        if (status)
            return status;
    }
    return PLANCL_OK;
}
