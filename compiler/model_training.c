/*
 * model_training.c: losses, optimizer and metrics.
 *
 * Losses of the training pass go to struct training, whose meters grad.c adds;
 * those of the inference pass, and all metrics, get their meters here.
 */
#include "compiler/model.h"

#include <assert.h>
#include <string.h>

enum role { LOSS, METRIC };

struct target {
    enum role role;
    const char *name;
    const struct json *json;
};

static const char *const loss_keys[] = {"op",     "inputs", "name",
                                        "weight", "doc",    NULL};
static const char *const term_keys[] = {"op", "inputs", "weight", "doc", NULL};
static const char *const metric_keys[] = {"op", "inputs", "doc", NULL};

/* One loss stands alone; several are an object of them by name. */
static bool is_single(const struct json *loss)
{
    const struct json *op = json_member(loss, "op");

    return op && op->kind != JSON_OBJECT;
}

static bool has_role(const struct op *op, enum role role)
{
    return op->is_loss || (role == METRIC && op->is_metric);
}

static const struct op *target_op(struct model *m, const struct target *t)
{
    const struct json *name = need_member(m, t->json, "op");
    const struct op *op;

    if (!name || !check_kind(m, name, JSON_STRING, "\"op\""))
        return NULL;
    op = op_named(m, name);
    if (!op || has_role(op, t->role))
        return op;
    model_reject(m, &name->at, "%s is no %s", op->name,
                 t->role == LOSS ? "loss" : "metric or loss");
    return NULL;
}

static void loss_term(struct model *m, const struct loss_term *term)
{
    m->training->loss[m->training->nloss++] = *term;
}

/* Results of a loss: sums per sample f32 [N], and counts per sample, which may
 * be left out.  Losses of training are only noted here, for grad.c needs them
 * all before the first gradient. */
static void add_target(struct model *m, const struct target *t,
                       const struct layer *l, const struct value *v,
                       double weight)
{
    val counts = v->nout > 1 ? v->v[1] : (val){0};
    const struct loss_term term = {
        .name = t->name,
        .terms = v->v[0],
        .counts = counts,
        .per_sample = l->op->per_sample
                          ? l->op->per_sample(type_of(m->g, l->in[0]), l->attr)
                          : 1,
        .weight = weight};
    unsigned sequences = m->in_training ? 1u << SEQ_STEP | 1u << SEQ_ACCUMULATE
                                        : 1u << SEQ_EVALUATE;

    if (m->in_training && t->role == LOSS)
        loss_term(m, &term);
    else
        meter_add(m->g, &(struct metering){.name = t->name,
                                           .training = m->in_training,
                                           .is_loss = t->role == LOSS,
                                           .weight = weight,
                                           .terms = term.terms,
                                           .counts = counts,
                                           .per_sample = term.per_sample,
                                           .sequences = sequences});
}

static bool target_read(struct model *m, const struct scope *s,
                        const struct target *t, const char *const *keys)
{
    struct layer l = {.json = t->json, .path = t->name, .keys = keys};
    const struct json *inputs, *weight;
    struct value v = {.owner = s, .at = t->json->at};
    double w = t->role == LOSS;
    val *in;

    m->g->path = t->name;
    if (!check_kind(m, t->json, JSON_OBJECT,
                    t->role == LOSS ? "a loss" : "a metric"))
        return false;
    l.op = target_op(m, t);
    inputs = l.op ? need_member(m, t->json, "inputs") : NULL;
    if (!inputs || !inputs_read(m, s, inputs, &in, &l.nin))
        return false;
    weight = t->role == LOSS ? json_member(t->json, "weight") : NULL;
    if (weight && !check_number(m, weight, "\"weight\"", &w))
        return false;
    l.in = in;
    if (!layer_build(m, s, &l, &v))
        return false;
    add_target(m, t, &l, &v, w);
    return !m->g->diag->failed;
}

/* Names of losses and metrics are those of the meters. */
static bool new_name(struct model *m, struct names *seen,
                     const struct source *at, const char *name)
{
    m->g->path = "training";
    if (!check_name(m, at, name))
        return false;
    if (key_listed(penalty_keys, name))
        return model_reject(m, at,
                            "the name \"%s\" is kept for the penalty "
                            "of layers with \"%s\"",
                            name, name);
    if (names_find(seen, name))
        return model_reject(m, at,
                            "the name \"%.60s\" is taken by another loss or "
                            "metric",
                            name);
    names_add(seen, name, seen);
    return true;
}

static bool single_loss(struct model *m, const struct scope *s,
                        const struct json *loss, struct names *seen)
{
    const struct json *name = json_member(loss, "name");
    struct target t = {LOSS, "loss", loss};

    if (name) {
        if (!check_kind(m, name, JSON_STRING, "\"name\""))
            return false;
        t.name = name->string;
    }
    return new_name(m, seen, name ? &name->at : &loss->at, t.name) &&
           target_read(m, s, &t, loss_keys);
}

static bool losses_read(struct model *m, const struct scope *s,
                        const struct json *loss, struct names *seen)
{
    if (is_single(loss))
        return single_loss(m, s, loss, seen);
    if (loss->count < 1 || loss->count > MAX_LOSSES - PENALTIES)
        return model_reject(m, &loss->at, "%d losses, wanted 1 to %d",
                            loss->count, MAX_LOSSES - PENALTIES);
    for (const struct json *i = loss->child; i; i = i->next) {
        struct target t = {LOSS, i->key, i};

        if (!new_name(m, seen, &i->key_at, i->key) ||
            !target_read(m, s, &t, term_keys))
            return false;
    }
    return true;
}

static bool metrics_read(struct model *m, const struct scope *s,
                         const struct json *metrics, struct names *seen)
{
    for (const struct json *i = metrics ? metrics->child : NULL; i;
         i = i->next) {
        struct target t = {METRIC, i->key, i};

        if (!new_name(m, seen, &i->key_at, i->key) ||
            !target_read(m, s, &t, metric_keys))
            return false;
    }
    return true;
}

bool training_read(struct model *m, const struct scope *s,
                   const struct json *training)
{
    struct names seen = {.arena = m->g->arena};

    m->g->path = "training";
    if (!losses_read(m, s, json_member(training, "loss"), &seen) ||
        !metrics_read(m, s, json_member(training, "metrics"), &seen))
        return false;
    for (int k = 0; m->in_training && k < PENALTIES; k++) {
        const struct loss_term term = {.name = penalty_keys[k],
                                       .terms = m->penalty[k],
                                       .per_update = true,
                                       .weight = 1};
        if (term.terms.id)
            loss_term(m, &term);
    }
    return true;
}

static bool optimizer_read(struct model *m, const struct json *j)
{
    static const char *const keys[] = {"op", "learning_rate", "doc", NULL};
    const struct scope top = {0};
    const struct json *name, *rate;
    struct training *t = m->training;

    m->g->path = "optimizer";
    if (!check_kind(m, j, JSON_OBJECT, "\"optimizer\""))
        return false;
    name = need_member(m, j, "op");
    if (!name || !check_kind(m, name, JSON_STRING, "\"op\""))
        return false;
    t->optimizer = op_named(m, name);
    if (!t->optimizer)
        return false;
    if (!t->optimizer->is_optimizer)
        return model_reject(m, &name->at, "%s is no optimizer",
                            t->optimizer->name);
    assert(op_attrs(t->optimizer) <= MAX_OPTIMIZER_ATTRS);
    rate = need_member(m, j, "learning_rate");
    if (!rate ||
        !check_number(m, rate, "\"learning_rate\"", &m->g->learning_rate))
        return false;
    if (!(rate->number > 0))
        return model_reject(m, &rate->at,
                            "\"learning_rate\" is %g, wanted "
                            "more than 0",
                            rate->number);
    t->optimizer_at = j->at;
    t->optimizer_attr = attr_read(m, &top, t->optimizer, j, keys);
    return t->optimizer_attr;
}

static bool clip_read(struct model *m, const struct json *clip)
{
    double *most = &m->training->clip_norm;

    if (!clip)
        return true;
    if (!check_number(m, clip, "\"clip_norm\"", most))
        return false;
    return *most > 0 ||
           model_reject(m, &clip->at, "\"clip_norm\" is %g, wanted more than 0",
                        *most);
}

bool training_open(struct model *m, const struct json *training)
{
    static const char *const keys[] = {"loss",      "optimizer", "metrics",
                                       "clip_norm", "doc",       NULL};
    const struct json *loss, *optimizer, *metrics;

    m->g->path = "training";
    if (!check_kind(m, training, JSON_OBJECT, "\"training\"") ||
        !check_keys(m, training, keys))
        return false;
    loss = need_member(m, training, "loss");
    optimizer = loss ? need_member(m, training, "optimizer") : NULL;
    metrics = json_member(training, "metrics");
    if (!optimizer || !check_kind(m, loss, JSON_OBJECT, "\"loss\"") ||
        (metrics && !check_kind(m, metrics, JSON_OBJECT, "\"metrics\"")))
        return false;
    m->training->present = true;
    return clip_read(m, json_member(training, "clip_norm")) &&
           optimizer_read(m, optimizer);
}
