/*
 * initializer.c: first values of parameters, by name.
 *
 * The formulas are He's (2015), Glorot's (2010) and LeCun's (1998), without
 * truncation; FanInUniform is what PyTorch's layers start from.  Fans count a
 * kernel's taps: a layer's op says what they are.
 *
 * He's deviation keeps the variance of values from layer to layer behind a
 * Relu, which halves it: fan_in * d^2 / 2 = 1.  Glorot's is between keeping
 * that of values, fan_in * d^2 = 1, and that of gradients, fan_out * d^2 = 1.
 * PyTorch's bound is the kaiming_uniform of slope sqrt(5): sqrt(6 / ((1 + 5)
 * fan_in)) = 1 / sqrt(fan_in).
 */
#include "compiler/model.h"

#include <math.h>
#include <string.h>

enum how { FILL, NORMAL, UNIFORM };

/* Either spread gives the deviation, or the bound of a range around 0; or the
 * arguments say the two numbers themselves. */
struct rule {
    const char *name;
    enum how how;
    double (*spread)(double fan_in, double fan_out);
    const char *arg[2];
    double dflt[2];
    bool required;
};

static double he(double fan_in, double fan_out)
{
    (void)fan_out;
    return sqrt(2 / fan_in);
}

static double glorot(double fan_in, double fan_out)
{
    return sqrt(2 / (fan_in + fan_out));
}

static double lecun(double fan_in, double fan_out)
{
    (void)fan_out;
    return sqrt(1 / fan_in);
}

/* A uniform range of +-sqrt(3) d has the deviation d. */
static double he_range(double fan_in, double fan_out)
{
    return sqrt(3) * he(fan_in, fan_out);
}

static double glorot_range(double fan_in, double fan_out)
{
    return sqrt(3) * glorot(fan_in, fan_out);
}

static double lecun_range(double fan_in, double fan_out)
{
    return sqrt(3) * lecun(fan_in, fan_out);
}

static const struct rule rules[] = {
    {"Zeros", FILL, .dflt = {0}},
    {"Ones", FILL, .dflt = {1}},
    {"Quarter", FILL, .dflt = {0.25}},
    {"Constant", FILL, .arg = {"value"}, .required = true},
    {"Normal", NORMAL, .arg = {"mean", "std"}, .dflt = {0, 1}},
    {"Uniform", UNIFORM, .arg = {"low", "high"}, .dflt = {0, 1}},
    {"HeNormal", NORMAL, .spread = he},
    {"HeUniform", UNIFORM, .spread = he_range},
    {"GlorotNormal", NORMAL, .spread = glorot},
    {"GlorotUniform", UNIFORM, .spread = glorot_range},
    {"LecunNormal", NORMAL, .spread = lecun},
    {"LecunUniform", UNIFORM, .spread = lecun_range},
    {"FanInUniform", UNIFORM, .spread = lecun},
    {0},
};

bool initializer_at(unsigned index, struct initializer_form *form)
{
    const struct rule *r = &rules[index];

    *form = (struct initializer_form){
        r->name, {r->arg[0], r->arg[1]}, r->required};
    return r->name != NULL;
}

static const struct rule *find_rule(struct model *m, const struct json *name,
                                    const char *text)
{
    struct nearest near = {.word = text};
    const struct rule *r = rules;

    for (; r->name; r++) {
        if (strcmp(r->name, text) == 0)
            return r;
        nearest_try(&near, r->name);
    }
    model_reject(m, name ? &name->at : &m->g->at,
                 "unknown initializer \"%.60s\"%s", text,
                 nearest_hint(m->g->arena, &near));
    return NULL;
}

/* Arguments of {"op": "Normal", "mean": 0, "std": 0.02}. */
static bool read_args(struct model *m, const struct rule *r,
                      const struct json *spec, double *x)
{
    const char *keys[4] = {"op", r->arg[0], r->arg[1], NULL};

    if (spec->kind == JSON_OBJECT && !check_keys(m, spec, keys))
        return false;
    for (int k = 0; k < 2 && r->arg[k]; k++) {
        const struct json *j = json_member(spec, r->arg[k]);

        if (j && !check_number(m, j, r->arg[k], &x[k]))
            return false;
        if (!j && r->required)
            return model_reject(m, &spec->at, "%s needs \"%s\"", r->name,
                                r->arg[k]);
    }
    if (r->how == NORMAL && x[1] < 0)
        return model_reject(m, &spec->at, "std is %g, wanted 0 or more", x[1]);
    if (r->how == UNIFORM && !r->spread && x[0] > x[1])
        return model_reject(m, &spec->at, "low is %g, above high, %g", x[0],
                            x[1]);
    return true;
}

static const struct json *spec_name(struct model *m, const struct json *spec)
{
    if (spec->kind == JSON_OBJECT)
        spec = need_member(m, spec, "op");
    if (!spec || !check_kind(m, spec, JSON_STRING, "an initializer"))
        return NULL;
    return spec;
}

/* x: mean and deviation of Normal, low and high of Uniform. */
static bool spread_args(struct model *m, const struct rule *r,
                        const struct param_decl *d, double *x)
{
    double spread;

    if (!(d->fan_in > 0))
        return reject_here(m->g, "%s needs a fan-in, which %s has not", r->name,
                           d->name);
    spread = r->spread(d->fan_in, d->fan_out);
    x[0] = r->how == NORMAL ? 0 : -spread;
    x[1] = spread;
    return true;
}

/* One Fill or Random node.  Random numbers are keyed by the parameter's name,
 * so that a layer added elsewhere changes no other layer's first weights. */
bool initializer_build(struct model *m, const struct param_decl *d,
                       const char *name, const struct json *spec, val *value)
{
    const struct json *given = spec ? spec_name(m, spec) : NULL;
    const struct rule *r;
    double x[2];

    if (spec && !given)
        return false;
    r = find_rule(m, given, given ? given->string : d->initializer);
    if (!r)
        return false;
    memcpy(x, r->dflt, sizeof x);
    if (spec && !read_args(m, r, spec, x))
        return false;
    if (r->spread && !spread_args(m, r, d, x))
        return false;
    if (r->how == FILL)
        *value = val_fill(m->g, &d->type, x[0]);
    else
        *value = val_random(m->g, &d->type, r->how == NORMAL, x[0], x[1], name);
    return value->id != 0;
}
