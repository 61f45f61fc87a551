/*
 * score.c: losses and metrics of predictions, by plain loops in double: what
 * `plancl evaluate` must print.
 *
 *   score class LOGITS.npy TARGET [IGNORED]   cross-entropy, accuracy
 *   score mse OUTPUT.npy TARGET               mean of squared differences
 *
 * LOGITS is [N, C, ...] and TARGET [N, ...]; TARGET may hold more samples than
 * there are predictions, then its first are taken.
 */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/plancl_data.h"

struct column {
    struct plancl_data *data;
    uint64_t samples, row; /* elements of a sample */
    void *v;               /* one sample */
};

static void say(void *context, const struct plancl_message *m)
{
    (void)context;
    fprintf(stderr, "score: %s\n", m->text);
}

static const struct plancl_callbacks cb = {NULL, say, NULL};

static void must(enum plancl_status status)
{
    if (status)
        exit((int)status);
}

static struct column column_open(const char *path)
{
    struct column c = {.row = 1};
    size_t bytes = strlen(path) + 3;
    char *spec = malloc(bytes);
    const char *specs[1];
    struct plancl_column about;

    must(spec ? PLANCL_OK : PLANCL_MEMORY);
    snprintf(spec, bytes, "x=%s", path);
    specs[0] = spec;
    must(plancl_data_open(specs, 1, &cb, &c.data));
    free(spec);
    about = plancl_data_column(c.data, 0);
    for (unsigned i = 0; i < about.rank; i++)
        c.row *= about.dim[i];
    c.samples = plancl_data_samples(c.data);
    c.v = malloc(c.row * 4);
    must(c.v ? PLANCL_OK : PLANCL_MEMORY);
    return c;
}

static void column_close(struct column *c)
{
    plancl_data_close(c->data);
    free(c->v);
}

static void column_read(struct column *c, uint64_t sample,
                        enum plancl_dtype dtype)
{
    must(plancl_data_read(c->data, 0, &sample, 1, dtype, c->v));
}

/* ---- classes ---- */

struct classes {
    double loss;
    uint64_t right, counted;
    long ignored;
};

/* One place: scores x[0], x[stride], ... of n classes.  The first of equal
 * scores is the guess, as everywhere. */
static void score_place(struct classes *s, const float *x, uint64_t stride,
                        uint64_t n, int32_t label)
{
    uint64_t best = 0;
    double sum = 0;

    if (label == s->ignored)
        return;
    if (label < 0 || (uint64_t)label >= n) {
        fprintf(stderr, "score: label %d of %" PRIu64 " classes\n", (int)label,
                n);
        exit(PLANCL_FAILED);
    }
    for (uint64_t k = 1; k < n; k++)
        if (x[k * stride] > x[best * stride])
            best = k;
    for (uint64_t k = 0; k < n; k++)
        sum += exp((double)x[k * stride] - (double)x[best * stride]);
    s->loss += log(sum) + (double)x[best * stride] -
               (double)x[(uint64_t)label * stride];
    s->right += best == (uint64_t)label;
    s->counted++;
}

static void score_classes(struct column *out, struct column *target,
                          long ignored)
{
    struct classes s = {.ignored = ignored};
    uint64_t places = target->row, n = out->row / places;
    const float *x = out->v;          /* [n, places] */
    const int32_t *label = target->v; /* [places] */

    for (uint64_t i = 0; i < out->samples; i++) {
        column_read(out, i, PLANCL_F32);
        column_read(target, i, PLANCL_I32);
        for (uint64_t p = 0; p < places; p++)
            score_place(&s, x + p, places, n, label[p]);
    }
    printf("loss %.10g\n", s.loss / (double)s.counted);
    printf("accuracy %.10g\n", (double)s.right / (double)s.counted);
    printf("right %" PRIu64 "\ncounted %" PRIu64 "\n", s.right, s.counted);
}

/* ---- numbers ---- */

static void score_mse(struct column *out, struct column *target)
{
    const float *x = out->v, *y = target->v; /* [row] */
    double sum = 0;

    for (uint64_t i = 0; i < out->samples; i++) {
        column_read(out, i, PLANCL_F32);
        column_read(target, i, PLANCL_F32);
        for (uint64_t k = 0; k < out->row; k++) {
            double d = (double)x[k] - (double)y[k];

            sum += d * d;
        }
    }
    printf("loss %.10g\n", sum / (double)(out->samples * out->row));
}

int main(int argc, char **argv)
{
    struct column out, target;
    int status = 0;

    if (argc < 4) {
        fputs("usage: score class|mse OUTPUT.npy TARGET [IGNORED]\n", stderr);
        return PLANCL_REFUSED;
    }
    out = column_open(argv[2]);
    target = column_open(argv[3]);
    printf("samples %" PRIu64 "\n", out.samples);
    if (out.samples > target.samples || out.row % target.row) {
        fputs("score: the shapes do not agree\n", stderr);
        status = PLANCL_REFUSED;
    } else if (strcmp(argv[1], "class") == 0) {
        score_classes(&out, &target,
                      argc > 4 ? strtol(argv[4], NULL, 10) : LONG_MIN);
    } else {
        score_mse(&out, &target);
    }
    column_close(&out);
    column_close(&target);
    return status;
}
