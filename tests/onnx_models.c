/*
 * onnx_models.c: trained networks of other programs, imported, compiled and run,
 * against the outputs that came with them.
 *
 * tests/data/onnx/NAME.safetensors has inputs and outputs by their names.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/plancl_compile.h"
#include "onnx/onnx.h"
#include "runtime/safetensors.h"

enum { SKIP = 77 };

/* Of the largest value: rounding, in another order of sums. */
static const double TOLERANCE = 1e-5;

static const struct {
    const char *name;
    uint64_t batch; /* of the samples in the file */
} jobs[] = {{"mnist8", 1}, {"tcn", 4}, {"lstm", 3}};

static void on_message(void *context, const struct plancl_message *m)
{
    (void)context;
    if (m->severity == PLANCL_ERROR)
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

static const char *data_file(struct arena *a, const char *name, const char *end)
{
    return arena_format(a, "%s/tests/data/onnx/%s%s", getenv("top_srcdir"),
                        name, end);
}

/* The file must have it: a test without its numbers is no test. */
static float *tensor_of(struct safetensors *f, struct arena *a,
                        const char *name, uint64_t *n)
{
    const struct safetensors_tensor *t = safetensors_find(f, name);
    float *data;

    must(t ? PLANCL_OK : PLANCL_REFUSED, name);
    *n = (t->end - t->begin) / sizeof *data;
    data = ARENA_NEW(a, float, *n + 1);
    must(safetensors_read(f, t, 0, data, t->end - t->begin, &cb), name);
    return data;
}

/* Compiled for the device at hand, with the file's weights instead of drawn
 * ones. */
static struct plancl_session *session_of(const struct onnx_model *m,
                                         const char *name, uint64_t batch,
                                         struct plancl_plan **plan)
{
    const struct plancl_dim dim = {"N", batch};
    const struct plancl_compile_options opt = {
        .dim = &dim, .ndim = 1, .device = "0"};
    const struct plancl_session_options how = {.device = "0"};
    struct plancl_session *s = NULL;

    must(plancl_compile(name, m->text, &opt, &cb, plan), "compile");
    must(plancl_session_open(*plan, &how, &cb, &s), "session");
    for (unsigned i = 0; i < m->nweight; i++)
        must(plancl_write(s, m->weight[i].name, m->weight[i].data,
                          type_bytes(&m->weight[i].type)),
             m->weight[i].name);
    must(plancl_weights_changed(s), "weights");
    return s;
}

/* A NaN is infinitely far off. */
static int check_output(struct plancl_session *s, const char *name,
                        const float *want, uint64_t n, float *got)
{
    double off = 0, largest = 0;

    must(plancl_read(s, name, got, n * sizeof *got), name);
    for (uint64_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs((double)want[i]));
        off = fmax(off,
                   isnan(got[i]) ? INFINITY : fabs((double)got[i] - want[i]));
    }
    printf("  %s: %.2g of the largest value\n", name, off / largest);
    return !(off <= TOLERANCE * largest);
}

/* Tensors of a role: inputs are written, outputs compared. */
static int each_tensor(struct plancl_session *s, const struct plancl_plan *plan,
                       enum plancl_role role, struct safetensors *f,
                       struct arena *a)
{
    int bad = 0;

    for (uint32_t i = 0; i < plancl_plan_tensors(plan); i++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, i);
        uint64_t n;
        float *data;

        if (t.role != role)
            continue;
        data = tensor_of(f, a, t.name, &n);
        if (role == PLANCL_OUTPUT)
            bad += check_output(s, t.name, data, n, ARENA_NEW(a, float, n));
        else
            must(plancl_write(s, t.name, data, n * sizeof *data), t.name);
    }
    return bad;
}

static int check(const char *name, uint64_t batch, struct arena *a)
{
    const struct onnx_options none = {0};
    struct onnx_model m = {0};
    struct plancl_plan *plan;
    struct plancl_session *s;
    struct safetensors f;
    int bad;

    printf("%s\n", name);
    must(onnx_import(data_file(a, name, ".onnx"), &none, a, &cb, &m), name);
    must(safetensors_open(data_file(a, name, ".safetensors"), &cb, &f), name);
    s = session_of(&m, name, batch, &plan);
    each_tensor(s, plan, PLANCL_INPUT, &f, a);
    must(plancl_predict(s, (uint32_t)batch), "predict");
    bad = each_tensor(s, plan, PLANCL_OUTPUT, &f, a);
    plancl_session_close(s);
    plancl_plan_free(plan);
    safetensors_close(&f);
    return bad;
}

static int check_all(struct arena *a)
{
    int bad = 0;

    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        bad += check(jobs[i].name, jobs[i].batch, a);
    return bad;
}

int main(void)
{
    jmp_buf out_of_memory;
    struct arena arena;
    int bad;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory))
        return 1;
    bad = check_all(&arena);
    arena_close(&arena);
    return bad != 0;
}
