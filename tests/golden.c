/*
 * golden.c: models/fashion_cnn.json against PyTorch's numbers.
 *
 * tests/data/fashion_cnn.safetensors was made by PyTorch 1.13 in double and
 * rounded to f32: initial parameters, the losses of 20 steps on the first 1,280
 * training images of Fashion-MNIST in file order, parameters afterwards.  The
 * same program in f32 is 1e-7 away in losses and 4e-6 in parameters.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/plancl_compile.h"
#include "data/plancl_data.h"
#include "runtime/plancl.h"
#include "runtime/safetensors.h"

#define FOLDER "/usr/share/datasets/fashion-mnist/"
#define IMAGES FOLDER "train-images-idx3-ubyte.gz"
#define LABELS FOLDER "train-labels-idx1-ubyte.gz"

enum { SKIP = 77, BATCH = 64, STEPS = 20, PIXELS = 784 };

static const double LOSS_TOLERANCE = 1e-5; /* relative */
/* In f32 a window of a max pool whose two largest elements nearly tie may go to
 * the other one; Adam then moves that filter's weights by some part of a step
 * (the rate is 1e-3).  So a few weights may be that far off, the rest not. */
static const double PARAMETER_TOLERANCE = 5e-4, MEAN_TOLERANCE = 2e-6;

static void on_message(void *context, const struct plancl_message *m)
{
    (void)context;
    fprintf(stderr, "%s\n", m->text);
}

static const struct plancl_callbacks cb = {NULL, on_message, NULL};

static void must(enum plancl_status status, const char *what)
{
    if (status == PLANCL_OK)
        return;
    fprintf(stderr, "%s: status %d\n", what, (int)status);
    exit(status == PLANCL_DEVICE ? SKIP : 1);
}

static const char *in_source(const char *path, char *room, size_t size)
{
    const char *top = getenv("top_srcdir");

    snprintf(room, size, "%s/%s", top ? top : ".", path);
    return room;
}

static float *read_tensor(struct safetensors *f, const char *prefix,
                          const char *name, uint64_t *n)
{
    char full[128];
    const struct safetensors_tensor *t;
    float *data;

    snprintf(full, sizeof full, "%s%s", prefix, name);
    t = safetensors_find(f, full);
    if (!t)
        return NULL;
    *n = (t->end - t->begin) / sizeof *data;
    data = malloc(t->end - t->begin);
    must(data ? safetensors_read(f, t, 0, data, t->end - t->begin, &cb)
              : PLANCL_MEMORY, full);
    return data;
}

static void set_parameters(struct plancl_plan *plan, struct plancl_session *s,
                           struct safetensors *f)
{
    for (uint32_t i = 0; i < plancl_plan_tensors(plan); i++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, i);
        uint64_t n = 0;
        float *data;

        if (t.role != PLANCL_PARAMETER)
            continue;
        data = read_tensor(f, "param.", t.name, &n);
        if (!data) {
            fprintf(stderr, "the reference has no parameter %s\n", t.name);
            exit(1);
        }
        must(plancl_write(s, t.name, data, n * sizeof *data), t.name);
        free(data);
    }
    must(plancl_weights_changed(s), "load");
}

static double step(struct plancl_session *s, struct plancl_data *d, int k)
{
    static float image[BATCH * PIXELS];
    static int32_t label[BATCH];
    const struct plancl_batch b = {BATCH, 0, BATCH};
    struct plancl_meter meter = {.mean = NAN};
    uint64_t index[BATCH];

    for (int i = 0; i < BATCH; i++)
        index[i] = (uint64_t)(k * BATCH + i);
    must(plancl_data_read(d, 0, index, BATCH, PLANCL_F32, image), "images");
    must(plancl_data_read(d, 1, index, BATCH, PLANCL_I32, label), "labels");
    must(plancl_write(s, "image", image, sizeof image), "image");
    must(plancl_write(s, "label", label, sizeof label), "label");
    must(plancl_meters_clear(s, 1), "clear");
    must(plancl_step(s, &b), "step");
    for (uint32_t i = 0; i < 8; i++)
        if (plancl_meter_read(s, i, &meter) == PLANCL_OK && meter.training &&
            meter.is_loss)
            return meter.mean;
    return NAN;
}

static int check_losses(struct plancl_session *s, struct plancl_data *d,
                        struct safetensors *f)
{
    uint64_t n = 0;
    float *want = read_tensor(f, "", "losses", &n);
    double worst = 0;

    for (int k = 0; k < STEPS; k++) {
        double got = step(s, d, k), off = fabs(got - want[k]) / want[k];

        if (!(off <= worst))
            worst = off;
    }
    free(want);
    printf("losses of %d steps: at most %.2g relative\n", STEPS, worst);
    return !(worst <= LOSS_TOLERANCE);
}

static int check_parameters(struct plancl_plan *plan, struct plancl_session *s,
                            struct safetensors *f)
{
    double worst = 0, sum = 0, count = 0;

    for (uint32_t i = 0; i < plancl_plan_tensors(plan); i++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, i);
        uint64_t n = 0;
        float *want = t.role == PLANCL_PARAMETER
                          ? read_tensor(f, "after.", t.name, &n)
                          : NULL;
        float *got = want ? malloc(n * sizeof *got) : NULL;

        if (got)
            must(plancl_read(s, t.name, got, n * sizeof *got), t.name);
        for (uint64_t k = 0; got && k < n; k++, count++) {
            double off = fabs(got[k] - want[k]);

            sum += off;
            worst = off <= worst ? worst : off;
        }
        free(want);
        free(got);
    }
    printf("parameters afterwards: at most %.2g, %.2g in the mean\n", worst,
           sum / count);
    return !(worst <= PARAMETER_TOLERANCE && sum / count <= MEAN_TOLERANCE);
}

int main(void)
{
    static const char *const spec[] = {"image=" IMAGES ":scale=1/255",
                                       "label=" LABELS};
    const struct plancl_compile_options none = {.skip = 0};
    const struct plancl_session_options defaults = {.seed = 0};
    struct plancl_plan *plan = NULL;
    struct plancl_session *s = NULL;
    struct plancl_data *d = NULL;
    struct safetensors f;
    char model[4096], numbers[4096];
    int bad;

    if (access(IMAGES, R_OK) != 0) {
        fprintf(stderr, "skipped: " IMAGES " is not installed\n");
        return SKIP;
    }
    in_source("models/fashion_cnn.json", model, sizeof model);
    in_source("tests/data/fashion_cnn.safetensors", numbers, sizeof numbers);
    must(plancl_compile(model, NULL, &none, &cb, &plan), model);
    must(plancl_session_open(plan, &defaults, &cb, &s), "session");
    must(plancl_data_open(spec, 2, &cb, &d), "data");
    must(safetensors_open(numbers, &cb, &f), numbers);
    set_parameters(plan, s, &f);
    bad = check_losses(s, d, &f);
    bad += check_parameters(plan, s, &f);
    safetensors_close(&f);
    plancl_data_close(d);
    plancl_session_close(s);
    plancl_plan_free(plan);
    return bad != 0;
}
