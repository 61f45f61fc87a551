/*
 * step_timer.c: how long a step takes; see step_timer.h.
 *
 * Kernels' times do not depend on the data, so inputs are made up.
 */
#include "cli/step_timer.h"

#include <math.h>
#include <stdlib.h>

#include "cli/report.h"
#include "runtime/base.h"
#include "runtime/plan_io.h"

/* Steps that are timed, after one that is not: at least so many, and more while
 * they are quick. */
enum { LEAST_RUNS = 5, MOST_RUNS = 40 };
static const double ENOUGH_SECONDS = 2;

/* Small numbers of both signs; indices are 0, which all have. */
static enum plancl_status fill_input(struct step_timer *t,
                                     const struct plancl_tensor *input)
{
    float *x = calloc((size_t)input->bytes / sizeof *x + 1, sizeof *x);
    uint32_t state = 1;
    enum plancl_status status;

    if (!x)
        return fail(t->cb, PLANCL_MEMORY, "no host memory for inputs");
    for (uint64_t i = 0;
         input->dtype == PLANCL_F32 && i < input->bytes / sizeof *x; i++) {
        state = state * 1664525U + 1013904223U; /* Numerical Recipes */
        x[i] = (float)(state >> 8) / (1 << 23) - 1;
    }
    status = plancl_write(t->session, input->name, x, input->bytes);
    free(x);
    return status;
}

static enum plancl_status fill_inputs(struct step_timer *t)
{
    enum plancl_status status = PLANCL_OK;

    for (uint32_t i = 0; !status && i < plancl_plan_tensors(t->plan); i++) {
        struct plancl_tensor input = plancl_plan_tensor(t->plan, i);

        if (input.role == PLANCL_INPUT)
            status = fill_input(t, &input);
    }
    return status;
}

/* A step of training, or a prediction where nothing trains. */
static enum plancl_status run_once(const struct step_timer *t)
{
    uint32_t rows = t->plan->plan.batch;
    const struct plancl_batch batch = {rows, 0, rows};
    enum plancl_status status = PLANCL_OK;

    if (!plancl_can_train(t->plan))
        status = plancl_predict(t->session, rows);
    else if (plancl_has_count(t->plan))
        status = plancl_count(t->session, &batch);
    if (!status && plancl_can_train(t->plan))
        status = plancl_step(t->session, &batch);
    return status ? status : plancl_finish(t->session);
}

/* What each entry took since the last call; the least is kept. */
static enum plancl_status take_entries(struct step_timer *t, bool count)
{
    for (uint32_t i = 0; i < t->n; i++) {
        struct plancl_profile_entry e;
        enum plancl_status status = plancl_profile_entry(t->session, i, &e);
        double took;

        if (status)
            return status;
        took = e.seconds - t->so_far[i];
        t->so_far[i] = e.seconds;
        if (count && took > 0 && took < t->least[i])
            t->least[i] = took;
    }
    return PLANCL_OK;
}

static enum plancl_status run_all(struct step_timer *t)
{
    double first = clock_seconds();
    enum plancl_status status = PLANCL_OK;

    t->seconds = INFINITY;
    for (int run = 0; !status && run <= MOST_RUNS; run++) {
        double begin = clock_seconds();

        if (run > LEAST_RUNS && begin - first > ENOUGH_SECONDS)
            break;
        status = run_once(t);
        if (run)
            t->seconds = fmin(t->seconds, clock_seconds() - begin);
        if (!status && t->n)
            status = take_entries(t, run > 0);
    }
    return status;
}

enum plancl_status step_timer_run(struct step_timer *t,
                                  const struct plancl_plan *plan,
                                  const char *device, int entries,
                                  const struct plancl_callbacks *cb)
{
    const struct plancl_session_options options = {.device = device,
                                                   .profile = entries};
    enum plancl_status status;

    *t = (struct step_timer){.cb = cb, .plan = plan};
    status = plancl_session_open(plan, &options, cb, &t->session);
    if (status)
        return status;
    t->n = entries ? plancl_profile_entries(t->session) : 0;
    t->least = calloc(t->n + 1, sizeof *t->least);
    t->so_far = calloc(t->n + 1, sizeof *t->so_far);
    if (!t->least || !t->so_far)
        return fail(cb, PLANCL_MEMORY, "no host memory for times");
    for (uint32_t i = 0; i < t->n; i++)
        t->least[i] = INFINITY;
    status = fill_inputs(t);
    return status ? status : run_all(t);
}

void step_timer_close(struct step_timer *t)
{
    free(t->least);
    free(t->so_far);
    plancl_session_close(t->session);
    *t = (struct step_timer){0};
}
