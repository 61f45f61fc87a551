/*
 * feed.c: matches the columns of the data with the inputs of a plan, and moves
 * batches through one staging buffer.
 *
 * A sample's dimensions must be the input's; dimensions of 1 may be left out
 * or added, so that IDX images [28,28] fill an input [1,28,28].
 *
 * Memory is one batch of the widest input and one batch of indices, however
 * many samples there are.
 */
#include "cli/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base.h"
#include "runtime/plan_io.h"

/* Does an entry of the sequence read the buffer?  Cost: all arguments of the
 * sequence, once for each input at open. */
static bool reads(const struct plan *p, unsigned sequence, uint32_t buffer)
{
    const struct plan_sequence *s = &p->sequence[sequence];

    for (uint32_t i = 0; i < s->count; i++) {
        const struct plan_entry *e = &p->entry[s->first + i];

        for (uint32_t k = 0; k < e->narg; k++) {
            const struct plan_arg *a = &p->arg[e->first_arg + k];

            if (a->kind == PLAN_ARG_BUFFER && a->index == buffer)
                return true;
        }
    }
    return false;
}

/* Bit s: sequence s reads the buffer. */
static unsigned readers(const struct plan *p, uint32_t buffer)
{
    unsigned bits = 0;

    for (unsigned s = 0; s < SEQ_KINDS; s++)
        if (reads(p, s, buffer))
            bits |= 1u << s;
    return bits;
}

/* -1 where no file was given for the input. */
static int column_of(const struct plancl_data *d, const char *name)
{
    unsigned n = plancl_data_columns(d);

    for (unsigned i = 0; i < n; i++)
        if (strcmp(plancl_data_column(d, i).name, name) == 0)
            return (int)i;
    return -1;
}

static void shape_text(char text[160], const uint64_t *dim, unsigned rank)
{
    int at = snprintf(text, 160, "[");

    for (unsigned i = 0; i < rank; i++)
        at += snprintf(text + at, 160 - (size_t)at, "%s%" PRIu64, i ? "," : "",
                       dim[i]);
    snprintf(text + at, 160 - (size_t)at, "]");
}

/* Dimensions other than 1, in dim; how many. */
static unsigned squeeze(uint64_t dim[8], const uint64_t *from, unsigned rank)
{
    unsigned n = 0;

    for (unsigned i = 0; i < rank; i++)
        if (from[i] != 1)
            dim[n++] = from[i];
    return n;
}

/* c has the dimensions of one sample, t the batch's before them; those of 1 say
 * nothing about where an element lies. */
static bool same_sample(const struct plancl_column *c,
                        const struct plancl_tensor *t)
{
    uint64_t a[8], b[8];
    unsigned n = squeeze(a, c->dim, c->rank);

    return n == squeeze(b, t->dim + 1, t->rank - 1) &&
           memcmp(a, b, n * sizeof *a) == 0;
}

/* Two mistakes that would be seen as a wrong size later, far from their
 * cause. */
static enum plancl_status check_column(const struct feed *f,
                                       const struct plancl_column *c,
                                       const struct plancl_tensor *t)
{
    char found[160], wanted[160];

    if (!t->batched || t->rank < 1 || t->dim[0] != f->batch)
        return fail(f->cb, PLANCL_REFUSED,
                    "input \"%s\" does not hold one sample per row of the "
                    "batch, so no file of samples can fill it",
                    t->name);
    if (same_sample(c, t))
        return PLANCL_OK;
    shape_text(found, c->dim, c->rank);
    shape_text(wanted, t->dim + 1, t->rank - 1);
    return fail(f->cb, PLANCL_REFUSED,
                "%s: a sample is %s, input \"%s\" wants %s", c->path, found,
                t->name, wanted);
}

/* One input of the plan; does nothing when neither needed nor given. */
static enum plancl_status match(struct feed *f, const struct plan *p,
                                const struct plancl_tensor *t, uint32_t buffer,
                                unsigned sequences)
{
    unsigned used = readers(p, buffer) & sequences;
    int at = column_of(f->data, t->name);
    struct plancl_column c;
    enum plancl_status status;

    if (!used)
        return PLANCL_OK;
    if (at < 0)
        return fail(f->cb, PLANCL_REFUSED,
                    "input \"%s\" has no data: give --data %s=FILE", t->name,
                    t->name);
    c = plancl_data_column(f->data, (unsigned)at);
    status = check_column(f, &c, t);
    if (!status)
        f->column[f->ncolumn++] = (struct feed_column){
            .tensor = *t,
            .column = (unsigned)at,
            .sequences = used,
            .sample_bytes = t->bytes / f->batch,
        };
    return status;
}

static bool is_input(const struct plancl_plan *plan, const char *name)
{
    uint32_t n = plancl_plan_tensors(plan);

    for (uint32_t i = 0; i < n; i++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, i);

        if (t.role == PLANCL_INPUT && strcmp(t.name, name) == 0)
            return true;
    }
    return false;
}

/* A name that no input has is a spelling mistake, not to be passed over. */
static enum plancl_status check_names(const struct feed *f,
                                      const struct plancl_plan *plan)
{
    unsigned n = plancl_data_columns(f->data);

    for (unsigned i = 0; i < n; i++) {
        struct plancl_column c = plancl_data_column(f->data, i);

        if (!is_input(plan, c.name))
            return fail(f->cb, PLANCL_REFUSED,
                        "the plan has no input \"%s\" for %s", c.name, c.path);
    }
    return PLANCL_OK;
}

static enum plancl_status
match_all(struct feed *f, const struct plancl_plan *plan, unsigned sequences)
{
    uint32_t n = plancl_plan_tensors(plan);
    enum plancl_status status = check_names(f, plan);

    f->column = calloc(n ? n : 1, sizeof *f->column);
    if (!f->column)
        return fail(f->cb, PLANCL_MEMORY, "out of memory");
    for (uint32_t i = 0; !status && i < n; i++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, i);

        if (t.role == PLANCL_INPUT)
            status = match(f, &plan->plan, &t, plan->plan.tensor[i].buffer,
                           sequences);
    }
    return status;
}

/* Columns are filled one after the other, so one staging buffer serves all. */
static enum plancl_status allocate(struct feed *f)
{
    uint64_t widest = 1;

    for (unsigned i = 0; i < f->ncolumn; i++)
        if (f->column[i].tensor.bytes > widest)
            widest = f->column[i].tensor.bytes;
    f->index = calloc(f->batch, sizeof *f->index);
    f->staging = malloc(widest);
    if (!f->index || !f->staging)
        return fail(f->cb, PLANCL_MEMORY,
                    "out of memory for a batch of %" PRIu64 " bytes", widest);
    return PLANCL_OK;
}

/* After a refusal feed_close() is still due; what was opened is in f. */
enum plancl_status feed_open(struct feed *f, const struct plancl_plan *plan,
                             const struct feed_data *from, unsigned sequences,
                             const struct plancl_callbacks *cb)
{
    enum plancl_status status;

    *f = (struct feed){.cb = cb, .batch = plancl_plan_batch(plan)};
    if (!from->specs->n)
        return fail(cb, PLANCL_REFUSED,
                    "no data: give --data NAME=FILE for each input");
    status = plancl_data_open(from->specs->v, from->specs->n, cb, &f->data);
    if (!status && from->samples)
        status = plancl_data_select(f->data, from->samples);
    if (status)
        return status;
    f->samples = plancl_data_samples(f->data);
    if (!f->samples)
        return fail(cb, PLANCL_REFUSED, "the data has no samples");
    status = match_all(f, plan, sequences);
    return status ? status : allocate(f);
}

void feed_close(struct feed *f)
{
    if (f->data)
        plancl_data_close(f->data);
    free(f->column);
    free(f->index);
    free(f->staging);
    *f = (struct feed){0};
}

uint32_t feed_rows(const struct feed *f, uint64_t left)
{
    return left < f->batch ? (uint32_t)left : f->batch;
}

/* Rows beyond `rows` keep what they held: the plan leaves them out by
 * selection.  The order of samples depends on seed and epoch alone, so it is
 * the same whatever the micro-batch. */
enum plancl_status feed_write(struct feed *f, struct plancl_session *s,
                              enum plan_sequence_id sequence,
                              const struct sample_order *order, uint64_t at,
                              uint32_t rows)
{
    enum plancl_status status = PLANCL_OK;

    for (uint32_t i = 0; i < rows; i++)
        f->index[i] = order->shuffle ? plancl_shuffle(at + i, f->samples,
                                                      order->seed, order->epoch)
                                     : at + i;
    for (unsigned i = 0; !status && i < f->ncolumn; i++) {
        const struct feed_column *c = &f->column[i];

        if (!(c->sequences & 1u << sequence))
            continue;
        status = plancl_data_read(f->data, c->column, f->index, rows,
                                  c->tensor.dtype, f->staging);
        if (!status)
            status = plancl_write(s, c->tensor.name, f->staging,
                                  rows * c->sample_bytes);
    }
    return status;
}
