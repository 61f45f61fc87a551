/*
 * train.c: a model is compiled, trained and asked, all from C.
 *
 *   train MODEL IMAGES LABELS UPDATES
 *
 * IMAGES and LABELS are IDX or .npy files.  Losses go to standard output.
 */
#include <plancl_compile.h>
#include <plancl_data.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 32, PIXELS = 28 * 28 };

static void message(void *context, const struct plancl_message *m)
{
    (void)context;
    fprintf(stderr, "%s\n", m->text);
}

/* Messages were printed already; the status is the exit code. */
static void must(enum plancl_status status)
{
    if (status)
        exit((int)status);
}

int main(int argc, char **argv)
{
    const struct plancl_callbacks cb = {.message = message};
    const struct plancl_dim dim = {"N", BATCH};
    const struct plancl_compile_options options = {.dim = &dim, .ndim = 1};
    const struct plancl_batch batch = {BATCH, 0, BATCH};
    static float image[BATCH * PIXELS];
    int32_t label[BATCH];
    uint64_t index[BATCH];
    char images[4096], labels[4096];
    const char *const spec[] = {images, labels};
    struct plancl_plan *plan;
    struct plancl_session *session;
    struct plancl_data *data;
    struct plancl_meter meter;

    if (argc != 5) {
        fputs("usage: train MODEL IMAGES LABELS UPDATES\n", stderr);
        return PLANCL_REFUSED;
    }
    snprintf(images, sizeof images, "image=%s:scale=1/255", argv[2]);
    snprintf(labels, sizeof labels, "label=%s", argv[3]);
    must(plancl_data_open(spec, 2, &cb, &data));
    must(plancl_compile(argv[1], NULL, &options, &cb, &plan));
    must(plancl_session_open(plan, NULL, &cb, &session));
    for (uint64_t update = 0; update < strtoull(argv[4], NULL, 10); update++) {
        for (uint64_t i = 0; i < BATCH; i++)
            index[i] = (update * BATCH + i) % plancl_data_samples(data);
        must(plancl_data_read(data, 0, index, BATCH, PLANCL_F32, image));
        must(plancl_data_read(data, 1, index, BATCH, PLANCL_I32, label));
        must(plancl_write(session, "image", image, sizeof image));
        must(plancl_write(session, "label", label, sizeof label));
        if (plancl_has_count(plan))
            must(plancl_count(session, &batch));
        must(plancl_step(session, &batch));
    }
    for (uint32_t i = 0; i < plancl_meters(plan); i++) {
        must(plancl_meter_read(session, i, &meter));
        if (meter.training)
            printf("%s %.6f\n", meter.name, meter.mean);
    }
    plancl_session_close(session);
    plancl_plan_free(plan);
    plancl_data_close(data);
    return 0;
}
