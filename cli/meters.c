/*
 * meters.c: reads the meters of training or of evaluation.
 *
 * A meter whose count is 0 has no mean: it is listed, but adds nothing to the
 * total.
 */
#include "cli/meters.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Not finite counts must be seen: a count that overflowed or is not a number
 * makes the run not finite. */
static void add(struct meters *m, const struct plancl_meter *one)
{
    m->v[m->n++] = *one;
    if (one->is_loss)
        m->losses++;
    if (!(one->count > 0) && isfinite(one->count))
        return; /* its mean says nothing */
    if (one->is_loss)
        m->loss += one->weight * one->mean;
    if (!isfinite(one->mean))
        m->finite = false;
}

enum plancl_status meters_read(struct plancl_session *s,
                               const struct plancl_plan *plan,
                               enum meters_side side, struct meters *m)
{
    uint32_t n = plancl_meters(plan);

    *m = (struct meters){.finite = true};
    for (uint32_t i = 0; i < n && m->n < METERS_MAX; i++) {
        struct plancl_meter one;
        enum plancl_status status = plancl_meter_read(s, i, &one);

        if (status)
            return status;
        if (!!one.training == (side == METERS_TRAINING))
            add(m, &one);
    }
    return PLANCL_OK;
}

/* A loss called "loss" is the total already, which is how a single one is
 * called. */
bool meters_total_is_extra(const struct meters *m)
{
    for (unsigned i = 0; i < m->n; i++)
        if (strcmp(m->v[i].name, "loss") == 0)
            return false;
    return m->losses > 0;
}

/* Cut short where it does not fit, at any place: it is for the eye. */
void meters_text(const struct meters *m, char *text, size_t size)
{
    bool total = meters_total_is_extra(m);
    size_t at = 0;

    text[0] = '\0';
    if (total)
        at = (size_t)snprintf(text, size, "loss %.4f", m->loss);
    for (unsigned i = 0; i < m->n && at < size; i++) {
        if (total && m->v[i].is_loss && m->losses == 1)
            continue; /* the total again */
        at += (size_t)snprintf(text + at, size - at, "%s%s %.4f",
                               at ? ", " : "", m->v[i].name, m->v[i].mean);
    }
}
