/*
 * onnx_models.c: one ONNX model on inputs that came with it, against the outputs
 * that came with it.
 *
 *     bench/onnx_models MODEL.onnx FOLDER...
 *
 * A folder has input_0, output_0, input_1 and so on, each as .npy or as .pb (a
 * TensorProto), in the model's order.  Prints the largest difference over all
 * folders, as a part of the output's largest value; the plan's bytes of device
 * memory; and a hash of all outputs' bits.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/plancl_compile.h"
#include "data/plancl_data.h"
#include "onnx/onnx.h"
#include "tests/onnx_tensor.h"

struct run {
    struct arena *arena;
    struct onnx_model model;
    struct plancl_plan *plan;
    struct plancl_session *session;
    struct sha256 bits;
    double off;
};

static void on_message(void *context, const struct plancl_message *m)
{
    (void)context;
    if (m->severity == PLANCL_ERROR)
        fprintf(stderr, "%s\n", m->text);
}

static const struct plancl_callbacks cb = {NULL, on_message, NULL};

static void must(enum plancl_status status)
{
    if (status)
        exit((int)status);
}

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(PLANCL_REFUSED);
}

/* ---- files ---- */

/* As f32: networks compute nothing else. */
static struct constant *read_npy(struct arena *a, const char *path)
{
    const char *spec = arena_format(a, "x=%s", path);
    struct plancl_data *d;
    struct plancl_column about;
    int64_t dim[MAX_RANK] = {0};
    struct constant *c;

    must(plancl_data_open(&spec, 1, &cb, &d));
    about = plancl_data_column(d, 0);
    if (about.rank + 1 > MAX_RANK)
        die(path, "more dimensions than a model has");
    dim[0] = (int64_t)plancl_data_samples(d);
    for (unsigned i = 0; i < about.rank; i++)
        dim[i + 1] = (int64_t)about.dim[i];
    c = constant_new(a, DT_F32, (int)about.rank + 1, dim);
    for (uint64_t i = 0; i < plancl_data_samples(d); i++) {
        uint64_t bytes = type_bytes(&c->type) / plancl_data_samples(d);

        must(plancl_data_read(d, 0, &i, 1, PLANCL_F32,
                              (char *)c->data + i * bytes));
    }
    plancl_data_close(d);
    return c;
}

static const struct constant *read_tensor(struct arena *a, const char *folder,
                                          const char *kind, unsigned i)
{
    const char *path = arena_format(a, "%s/%s_%u.pb", folder, kind, i);
    const char *name, *wrong = NULL;
    const struct constant *c = onnx_tensor_read(a, path, &name, &wrong);

    if (wrong)
        die(path, wrong);
    return c ? c
             : read_npy(a, arena_format(a, "%s/%s_%u.npy", folder, kind, i));
}

/* ---- running ---- */

static struct plancl_tensor tensor_named(const struct plancl_plan *p,
                                         const char *name)
{
    for (uint32_t i = 0; i < plancl_plan_tensors(p); i++)
        if (strcmp(plancl_plan_tensor(p, i).name, name) == 0)
            return plancl_plan_tensor(p, i);
    die(name, "not in the plan");
}

static void compile(struct run *r, const struct plancl_dim *dim)
{
    const struct plancl_compile_options o = {
        .device = "0", .dim = dim, .ndim = dim != NULL};

    must(plancl_compile("model.json", r->model.text, &o, &cb, &r->plan));
}

/* With the batch of the first folder's samples, which need not be the file's. */
static void open_session(struct run *r, const char *folder)
{
    const struct constant *c = read_tensor(r->arena, folder, "input", 0);
    const struct plancl_dim batch = {"N", (uint64_t)c->type.dim[0]};
    const struct plancl_session_options how = {.device = "0"};
    struct plancl_tensor t;

    compile(r, NULL);
    t = tensor_named(r->plan, r->model.input[0]);
    if (t.batched && t.dim[0] != batch.size) {
        plancl_plan_free(r->plan);
        compile(r, &batch);
    }
    must(plancl_session_open(r->plan, &how, &cb, &r->session));
    for (unsigned i = 0; i < r->model.nweight; i++)
        must(plancl_write(r->session, r->model.weight[i].name,
                          r->model.weight[i].data,
                          type_bytes(&r->model.weight[i].type)));
    must(plancl_weights_changed(r->session));
}

/* A NaN is infinitely far off. */
static void compare(struct run *r, const char *name, const struct constant *c)
{
    uint64_t bytes = tensor_named(r->plan, name).bytes;
    struct constant *got = constant_new(r->arena, c->type.dtype, c->type.rank,
                                        c->type.dim);
    double off = 0, largest = 0;

    if (bytes != type_bytes(&c->type))
        die(name, "the output has another size");
    must(plancl_read(r->session, name, got->data, bytes));
    sha256_add(&r->bits, got->data, bytes);
    for (int64_t i = 0; i < type_count(&c->type); i++) {
        double d = fabs(constant_at(got, i) - constant_at(c, i));

        off = fmax(off, isnan(d) ? INFINITY : d);
        largest = fmax(largest, fabs(constant_at(c, i)));
    }
    r->off = fmax(r->off, off / largest);
}

static void run_folder(struct run *r, const char *folder)
{
    for (unsigned i = 0; i < r->model.ninput; i++) {
        const struct constant *c = read_tensor(r->arena, folder, "input", i);

        must(plancl_write(r->session, r->model.input[i], c->data,
                          type_bytes(&c->type)));
    }
    must(plancl_predict(r->session, plancl_plan_batch(r->plan)));
    for (unsigned i = 0; i < r->model.noutput; i++)
        compare(r, r->model.output[i],
                read_tensor(r->arena, folder, "output", i));
}

static void run_model(struct arena *a, char **argv)
{
    const struct onnx_options none = {0};
    struct run r = {.arena = a};
    char hex[65];

    must(onnx_import(argv[1], &none, a, &cb, &r.model));
    sha256_init(&r.bits);
    open_session(&r, argv[2]);
    for (char **folder = argv + 2; *folder; folder++)
        run_folder(&r, *folder);
    sha256_hex(&r.bits, hex);
    printf("%.2g %" PRIu64 " %s\n", r.off, plancl_plan_device_bytes(r.plan),
           hex);
    plancl_session_close(r.session);
    plancl_plan_free(r.plan);
}

int main(int argc, char **argv)
{
    jmp_buf out_of_memory;
    struct arena arena;

    if (argc < 3) {
        fputs("usage: onnx_models MODEL.onnx FOLDER...\n", stderr);
        return PLANCL_REFUSED;
    }
    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory))
        return PLANCL_MEMORY;
    run_model(&arena, argv);
    arena_close(&arena);
    return 0;
}
