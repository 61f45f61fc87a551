/*
 * train.c: epochs of updates over the samples.
 *
 * An update takes the next `effective` samples in micro-batches of `batch`; at
 * the end of an epoch it takes what is left, so that each sample is seen once.
 * Meters are read about twice a second, because reading waits for the device.
 *
 * A training that is cut short leaves the weights of the last whole epoch, or
 * on Ctrl-C of the last whole update; one whose loss is not finite leaves those
 * saved before.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/meters.h"
#include "cli/run.h"
#include "cli/train_log.h"
#include "runtime/base.h"

static const double look_every = 0.5; /* seconds between looks at the meters */

struct train_options {
    struct run_options run;
    struct texts validate;
    const char *validate_samples;
    const char *save, *log;
    uint64_t epochs, updates;
    double learning_rate; /* not a number: the model's */
    bool shuffle;
};

/* Everything of one run; counts are of samples and of updates. */
struct trainer {
    const struct train_options *o;
    struct run run;
    struct feed validation;
    struct train_log log;
    uint64_t done;      /* updates in this run */
    uint64_t last_good; /* updates when the loss was last seen finite */
    uint64_t seen;      /* samples of this epoch that were trained on */
    /* The first update of a run waits for kernels to be built: the rate that
     * is shown leaves it out. */
    uint64_t warm_seen;
    double warm_start;
    double epoch_start, looked;
};

static const struct usage usage = {
    .command = "train",
    .operands = "PLAN",
    .summary = "Train the weights of a plan and save them after each epoch.\n"
               "Ctrl-C finishes the update, saves and exits with 130.",
    .example = "  plancl train fashion.plan --epochs 5 \\\n"
               "      --data image=train-images-idx3-ubyte.gz:scale=1/255 \\\n"
               "      --data label=train-labels-idx1-ubyte.gz \\\n"
               "      --save fashion.safetensors --log fashion.jsonl\n",
    .operands_wanted = 1,
};

/* ---- one update ---- */

/* The inputs are filled anew for each sequence, since `count` and `step` read
 * different ones. */
static enum plancl_status micro_batch(struct trainer *t,
                                      enum plan_sequence_id sequence,
                                      const struct sample_order *order,
                                      uint64_t at, struct plancl_batch b)
{
    struct plancl_session *s = t->run.session;
    enum plancl_status status = feed_write(&t->run.feed, s, sequence, order,
                                           at + b.first, b.rows);

    if (status)
        return status;
    if (sequence == SEQ_COUNT)
        return plancl_count(s, &b);
    return sequence == SEQ_STEP ? plancl_step(s, &b) : plancl_accumulate(s, &b);
}

/* Samples at, at + 1, ... in order; counts come before everything else. */
static enum plancl_status update(struct trainer *t,
                                 const struct sample_order *order, uint64_t at,
                                 uint32_t effective)
{
    enum plancl_status status = PLANCL_OK;
    struct plancl_batch b = {.effective = effective};
    bool counting = plancl_has_count(t->run.plan);

    for (b.first = 0; counting && !status && b.first < effective;) {
        b.rows = feed_rows(&t->run.feed, effective - b.first);
        status = micro_batch(t, SEQ_COUNT, order, at, b);
        b.first += b.rows;
    }
    for (b.first = 0; !status && b.first < effective;) {
        bool last;

        b.rows = feed_rows(&t->run.feed, effective - b.first);
        last = b.first + b.rows == effective;
        status = micro_batch(t, last ? SEQ_STEP : SEQ_ACCUMULATE, order, at, b);
        b.first += b.rows;
    }
    t->done++;
    t->seen += effective;
    return status;
}

/* ---- what is seen meanwhile ---- */

/* Of this epoch: --updates may end it early. */
static uint64_t total_samples(const struct trainer *t)
{
    uint64_t effective = plancl_plan_effective_batch(t->run.plan);
    uint64_t n = t->run.feed.samples;

    if (t->o->updates && t->o->updates - t->done < n / effective)
        return t->seen + (t->o->updates - t->done) * effective;
    return n;
}

/* The rate leaves out the first update, which waited for the driver. */
static void show(struct trainer *t, uint32_t epoch, const struct meters *m)
{
    double seconds = clock_seconds() - t->warm_start;
    uint64_t total = total_samples(t), measured = t->seen - t->warm_seen;
    char text[512], speed[96] = "";

    if (measured && seconds > 0) {
        double rate = (double)measured / seconds;

        snprintf(speed, sizeof speed,
                 "  %.0f samples/s  %.0f s left in this epoch", rate,
                 (double)(total - t->seen) / rate);
    }
    meters_text(m, text, sizeof text);
    report_progress(
        &t->run.report, "epoch %" PRIu32 "/%" PRIu64 " %3.0f%%  %s%s", epoch,
        t->o->epochs, 100 * (double)t->seen / (double)total, text, speed);
}

/* Read the meters; a loss that is not finite ends the training. */
static enum plancl_status look(struct trainer *t, struct meters *m)
{
    enum plancl_status status = meters_read(t->run.session, t->run.plan,
                                            METERS_TRAINING, m);
    uint64_t update = plancl_updates(t->run.session);
    char text[512];

    t->looked = clock_seconds();
    if (status)
        return status;
    if (m->finite) {
        t->last_good = update;
        return PLANCL_OK;
    }
    meters_text(m, text, sizeof text);
    return fail(&t->run.cb, PLANCL_FAILED,
                "the loss is not finite at update %" PRIu64
                " (it was at update %" PRIu64 "): %s; weights saved before "
                "stay; a smaller --learning-rate may help",
                update, t->last_good, text);
}

/* Always after the first update, from whose end the rate is counted. */
static bool time_to_look(const struct trainer *t)
{
    return t->done == 1 || clock_seconds() - t->looked >= look_every;
}

static bool updates_done(const struct trainer *t)
{
    return t->o->updates && t->done >= t->o->updates;
}

/* ---- an epoch ---- */

/* PLANCL_CANCELLED comes between updates only, so that weights are of a whole
 * one. */
static enum plancl_status train_epoch(struct trainer *t, uint32_t epoch)
{
    const struct sample_order order = {
        .shuffle = t->o->shuffle,
        .seed = (uint32_t)t->o->run.seed,
        .epoch = epoch,
    };
    uint64_t samples = t->run.feed.samples;
    uint32_t effective = plancl_plan_effective_batch(t->run.plan);
    enum plancl_status status = plancl_meters_clear(t->run.session, 1);
    struct meters m;

    t->epoch_start = t->looked = t->warm_start = clock_seconds();
    t->warm_seen = 0;
    for (t->seen = 0; !status && t->seen < samples && !updates_done(t);) {
        uint64_t left = samples - t->seen;
        uint32_t size = left < effective ? (uint32_t)left : effective;

        if (interrupt_seen())
            return PLANCL_CANCELLED;
        status = update(t, &order, t->seen, size);
        if (!status && time_to_look(t)) {
            status = look(t, &m);
            if (t->done == 1) {
                t->warm_seen = t->seen;
                t->warm_start = t->looked;
            }
            show(t, epoch, &m);
        }
    }
    return status;
}

/* On the weights as they were saved; dropout and batch statistics are those of
 * inference. */
static enum plancl_status validate(struct trainer *t, struct epoch_result *e)
{
    double start = clock_seconds();
    enum plancl_status status;

    if (!t->validation.samples)
        return PLANCL_OK;
    status = run_evaluate(&t->run, &t->validation, t->validation.samples);
    if (!status)
        status = meters_read(t->run.session, t->run.plan, METERS_EVALUATION,
                             &e->validation);
    e->validated = !status;
    e->evaluate_seconds = clock_seconds() - start;
    return status;
}

static void show_epoch(struct trainer *t, const struct epoch_result *e)
{
    char training[512], validation[512] = "";

    meters_text(&e->training, training, sizeof training);
    if (e->validated)
        meters_text(&e->validation, validation, sizeof validation);
    report_line(&t->run.report,
                "epoch %" PRIu32 "/%" PRIu64 "  %s%s%s  %.1f s  %.0f samples/s",
                e->epoch, t->o->epochs, training,
                e->validated ? "  validation " : "", validation, e->seconds,
                e->seconds > 0 ? (double)e->samples / e->seconds : 0);
}

/* Training, a look at its end, the weights, validation, the log. */
static enum plancl_status epoch(struct trainer *t, uint32_t number)
{
    struct epoch_result e = {.epoch = number};
    enum plancl_status status = train_epoch(t, number), trained;

    if (status && status != PLANCL_CANCELLED)
        return status;
    trained = status;
    status = look(t, &e.training);
    e.seconds = clock_seconds() - t->epoch_start;
    e.samples = t->seen;
    e.updates = plancl_updates(t->run.session);
    if (!status)
        status = plancl_weights_save(t->run.session, t->o->save);
    if (!status && trained) {
        report_line(&t->run.report,
                    "stopped after update %" PRIu64 "; weights are in %s",
                    e.updates, t->o->save);
        return trained;
    }
    if (!status)
        status = validate(t, &e);
    if (!status) {
        show_epoch(t, &e);
        status = train_log_add(&t->log, &e, &t->run.cb);
    }
    return status;
}

/* ---- the command ---- */

/* Before the first epoch: that the results can be saved is not left to its
 * end. */
static enum plancl_status check(const struct trainer *t)
{
    const struct train_options *o = t->o;
    const struct plancl_callbacks *cb = &t->run.cb;

    if (!plancl_can_train(t->run.plan))
        return fail(cb, PLANCL_REFUSED,
                    "the plan cannot train: its model has no \"training\"");
    if (!o->save)
        return fail(cb, PLANCL_REFUSED, "no --save FILE for the weights");
    if (o->epochs > UINT32_MAX)
        return fail(cb, PLANCL_REFUSED, "--epochs is at most %" PRIu32,
                    UINT32_MAX);
    if (o->learning_rate < 0)
        return fail(cb, PLANCL_REFUSED, "--learning-rate is below zero");
    return file_check(o->save, cb);
}

static enum plancl_status prepare(struct trainer *t)
{
    const struct train_options *o = t->o;
    const struct feed_data from = {o->validate.n ? &o->validate : &o->run.data,
                                   o->validate_samples};
    enum plancl_status status = check(t);

    if (!status && (o->validate.n || o->validate_samples))
        status = feed_open(&t->validation, t->run.plan, &from,
                           1u << SEQ_EVALUATE, &t->run.cb);
    if (!status)
        status = train_log_open(&t->log, o->log, &t->run.cb);
    if (!status && !isnan(o->learning_rate))
        plancl_set_learning_rate(t->run.session, o->learning_rate);
    return status;
}

static enum plancl_status train(struct trainer *t)
{
    enum plancl_status status = prepare(t);

    if (status)
        return status;
    for (uint32_t i = 1; !status && i <= t->o->epochs && !updates_done(t); i++)
        status = epoch(t, i);
    if (!status || status == PLANCL_CANCELLED) {
        enum plancl_status finished = run_finish(&t->run);

        status = status ? status : finished;
    }
    return status;
}

enum plancl_status command_train(int argc, char **argv)
{
    struct train_options o = {
        .shuffle = true, .epochs = 1, .learning_rate = NAN};
    const struct option_spec spec[] = {
        RUN_OPTION_DATA(&o.run),
        RUN_OPTION_SAMPLES(&o.run),
        {"epochs", 'e', OPTION_COUNT, &o.epochs, "N", "times over the data; 1"},
        {"save", 's', OPTION_TEXT, &o.save, "FILE",
         "where weights and state go, as safetensors"},
        {"weights", 'w', OPTION_TEXT, &o.run.weights, "FILE",
         "start from these instead of new ones"},
        RUN_OPTION_ALLOW_MISSING(&o.run),
        {"validate", 0, OPTION_LIST, &o.validate, "NAME=FILE[:scale=A/B]",
         "evaluate on this after each epoch"},
        {"validate-samples", 0, OPTION_TEXT, &o.validate_samples, "LIST",
         "on these of it, or of --data"},
        {"log", 0, OPTION_TEXT, &o.log, "FILE",
         "a line of JSON for each epoch; written anew"},
        {"seed", 0, OPTION_NUMBER, &o.run.seed, "N",
         "of weights, dropout and shuffling; 0"},
        {"shuffle", 0, OPTION_YESNO, &o.shuffle, "yes|no",
         "another order each epoch; yes"},
        {"updates", 0, OPTION_COUNT, &o.updates, "N", "stop after N updates"},
        {"learning-rate", 0, OPTION_REAL, &o.learning_rate, "X",
         "instead of the model's"},
        RUN_OPTION_DEVICE(&o.run),
        RUN_OPTION_PROFILE(&o.run),
        RUN_OPTION_TRACE(&o.run),
        RUN_OPTION_DEBUG_MEMORY(&o.run),
        RUN_OPTION_QUIET(&o.run),
        {0},
    };
    const unsigned sequences = 1u << SEQ_COUNT | 1u << SEQ_ACCUMULATE |
                               1u << SEQ_STEP;
    struct trainer t = {.o = &o};
    const char *plan;
    enum options_result parsed = options_parse(&usage, spec, argc, argv, &plan);
    enum plancl_status status = options_status(parsed);

    if (parsed == OPTIONS_GO_ON) {
        status = run_open(&t.run, &o.run, plan, sequences);
        if (!status)
            status = train(&t);
        train_log_close(&t.log);
        feed_close(&t.validation);
        run_close(&t.run);
    }
    texts_free(&o.run.data);
    texts_free(&o.validate);
    return status;
}
