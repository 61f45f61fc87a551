/*
 * onnx_export.c: a model, exported and imported again, computes the same.
 *
 * To the bit where it came from an ONNX file, and where each layer has its
 * operator; else as near as the chains of operators are that stand for a layer.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "compiler/plancl_compile.h"
#include "onnx/onnx.h"
#include "onnx/proto.h"

enum { SKIP = 77, MOST = 16 };

struct job {
    const char *file; /* below the sources; null: the text */
    const char *text;
    uint64_t batch; /* 0: it has none */
    double off;     /* allowed, of the largest value; 0: the same bits */
    struct plancl_dim dim[3];
};

#define MODEL(inputs, layers, last)                            \
    "{\"plancl\": 1, \"name\": \"net\", \"dims\": {\"N\": 3}," \
    "\"inputs\": {" inputs "}, \"layers\": [" layers "],"      \
    "\"outputs\": {\"out\": \"" last "\"}}"
#define IMAGE "\"x\": {\"shape\": [\"N\", 4, 9, 7]}"
#define ROWS  "\"x\": {\"shape\": [\"N\", 6, 8]}"

static const struct job jobs[] = {
    {"tests/data/onnx/mnist8.onnx", NULL, 2, 0, {{0}}},
    {"tests/data/onnx/tcn.onnx", NULL, 4, 0, {{0}}},
    {"tests/data/onnx/lstm.onnx", NULL, 3, 0, {{0}}},
    {"models/fashion_cnn.json", NULL, 3, 0, {{0}}},
    {"models/har.json", NULL, 3, 0, {{0}}},
    {"models/unet.json", NULL, 2, 0, {{"S", 32}, {"base", 4}}},
    {"models/mobilenet_v2.json", NULL, 2, 0, {{"S", 32}, {"width", 1}}},
    {"models/transformer_lm.json",
     NULL,
     2,
     2e-6,
     {{"T", 8}, {"layers", 1}, {"d", 24}}},
    /* Windows, and what ONNX has as operands. */
    {NULL,
     MODEL(IMAGE,
           "{\"op\": \"Pad\", \"pads\": [0, 0, 1, 0, 0, 0, 0, 2],"
           " \"value\": 0.5},"
           "{\"op\": \"Conv\", \"filters\": 6, \"kernel_shape\": [3, 2],"
           " \"group\": 2, \"dilations\": [2, 1], \"pads\": [1, 0, 0, 1]},"
           "{\"op\": \"PRelu\", \"num_parameters\": 6},"
           "{\"op\": \"InstanceNormalization\"},"
           "{\"op\": \"LRN\", \"size\": 3, \"bias\": 2},"
           "{\"op\": \"Softsign\"},"
           "{\"op\": \"AveragePool\", \"kernel_shape\": [2, 2],"
           " \"auto_pad\": \"SAME_UPPER\"},"
           "{\"op\": \"Clip\", \"min\": -1},"
           "{\"op\": \"ConvTranspose\", \"filters\": 3, \"strides\": [2, 2],"
           " \"kernel_shape\": [3, 3], \"output_padding\": [1, 0]},"
           "{\"op\": \"Resize\", \"axes\": [2, 3], \"sizes\": [7, 11],"
           " \"mode\": \"linear\"},"
           "{\"op\": \"Resize\", \"axes\": [3], \"scales\": [2]},"
           "{\"op\": \"Resize\", \"axes\": [3], \"sizes\": [20], \"mode\":"
           " \"cubic\", \"coordinate_transformation_mode\":"
           " \"tf_crop_and_resize\", \"roi\": [0.1, 0.8]},"
           "{\"op\": \"Slice\", \"starts\": [1], \"ends\": [9],"
           " \"axes\": [3], \"steps\": [2]},"
           "{\"op\": \"Dropout\"},"
           "{\"op\": \"HardSwish\"},"
           "{\"name\": \"end\", \"op\": \"LogSoftmax\", \"axis\": 1}",
           "end"),
     3,
     0,
     {{0}}},
    {NULL,
     MODEL(IMAGE,
           "{\"name\": \"s\", \"op\": \"Split\", \"axis\": 1,"
           " \"num_outputs\": 2},"
           "{\"op\": \"Concat\", \"inputs\": [\"s:1\", \"s\"], \"axis\": 2},"
           "{\"op\": \"Gather\", \"axis\": 3, \"indices\": [2, 0, -1]},"
           "{\"op\": \"ReduceMean\", \"axes\": [2]},"
           "{\"op\": \"Squeeze\"},"
           "{\"op\": \"Unsqueeze\", \"axes\": [1]},"
           "{\"op\": \"Tile\", \"repeats\": [1, 2, 1, 1]},"
           "{\"op\": \"CumSum\", \"axis\": 3},"
           "{\"op\": \"ReduceMax\", \"axes\": [2]},"
           "{\"op\": \"Expand\", \"shape\": [1, 1, 5, 1]},"
           "{\"op\": \"ReduceSum\", \"axes\": [2], \"keepdims\": false},"
           "{\"name\": \"end\", \"op\": \"Softmax\"}",
           "end"),
     3,
     0,
     {{0}}},
    {NULL,
     MODEL(IMAGE,
           "{\"op\": \"Resize\", \"axes\": [3], \"scales\": [1.6],"
           " \"mode\": \"cubic\", \"cubic_coeff_a\": -0.5,"
           " \"exclude_outside\": true},"
           "{\"op\": \"Resize\", \"axes\": [2, 3], \"sizes\": [5, 6],"
           " \"mode\": \"linear\", \"roi\": [0.1, -0.2, 0.9, 0.8],"
           " \"extrapolation_value\": 3,"
           " \"coordinate_transformation_mode\": \"tf_crop_and_resize\"},"
           "{\"op\": \"LRN\", \"size\": 3, \"alpha\": 0.5},"
           "{\"op\": \"MeanVarianceNormalization\", \"axes\": [2, 3]},"
           "{\"name\": \"a\", \"op\": \"Softsign\"},"
           "{\"name\": \"b\", \"op\": \"Erf\"},"
           "{\"name\": \"c\", \"op\": \"Floor\"},"
           "{\"name\": \"m\", \"op\": \"Mod\", \"fmod\": true,"
           " \"inputs\": [\"a\", \"b\"]},"
           "{\"name\": \"p\", \"op\": \"Less\", \"inputs\": [\"a\", \"m\"]},"
           "{\"name\": \"q\", \"op\": \"Less\", \"inputs\": [\"c\", \"a\"]},"
           "{\"name\": \"r\", \"op\": \"Xor\", \"inputs\": [\"p\", \"q\"]},"
           "{\"op\": \"Not\"},"
           "{\"op\": \"Where\", \"inputs\": [\"r\", \"a\", \"m\"]},"
           "{\"name\": \"end\", \"op\": \"Atan\"}",
           "end"),
     3,
     0,
     {{0}}},
    {NULL,
     MODEL(ROWS,
           "{\"op\": \"LayerNormalization\"},"
           "{\"op\": \"Gelu\"},"
           "{\"op\": \"Linear\", \"units\": 10},"
           "{\"op\": \"GroupNormalization\", \"num_groups\": 3},"
           "{\"op\": \"Gelu\", \"approximate\": \"tanh\"},"
           "{\"name\": \"a\", \"op\": \"Silu\"},"
           "{\"op\": \"Mish\"},"
           "{\"name\": \"b\", \"op\": \"Attention\", \"heads\": 2,"
           " \"causal\": true, \"inputs\": [\"a\", \"mish1\", \"a\"]}",
           "b"),
     3,
     5e-6,
     {{0}}},
    {NULL,
     MODEL(ROWS,
           "{\"op\": \"LSTM\", \"hidden_size\": 5, \"layers\": 2,"
           " \"direction\": \"bidirectional\"},"
           "{\"op\": \"GRU\", \"hidden_size\": 4, \"bias\": false,"
           " \"linear_before_reset\": true},"
           "{\"op\": \"RNN\", \"hidden_size\": 4, \"layers\": 2},"
           "{\"op\": \"GRU\", \"hidden_size\": 3, \"direction\": \"reverse\"},"
           "{\"name\": \"top\", \"op\": \"TopK\", \"k\": 2},"
           "{\"op\": \"OneHot\", \"depth\": 3, \"inputs\": [\"top:1\"]},"
           "{\"name\": \"c\", \"op\": \"Constant\", \"value\": [1, 2, 4]},"
           "{\"op\": \"Greater\", \"inputs\": [\"onehot1\", \"c\"]},"
           "{\"name\": \"p\", \"op\": \"Parameter\", \"shape\": [2, 3]},"
           "{\"op\": \"Where\","
           " \"inputs\": [\"greater1\", \"p\", \"onehot1\"]}",
           "where1"),
     3,
     0,
     {{0}}},
    {NULL,
     MODEL("\"x\": {\"shape\": [\"N\", 6], \"dtype\": \"i32\"}",
           "{\"op\": \"Embedding\", \"count\": 9, \"size\": 5},"
           "{\"name\": \"q\", \"op\": \"SinusoidalPosition\","
           " \"length\": 6, \"size\": 5},"
           "{\"op\": \"Add\", \"inputs\": [\"embedding1\", \"q\"]},"
           "{\"op\": \"Flatten\"},"
           "{\"op\": \"Linear\", \"units\": 4, \"bias\": false},"
           "{\"op\": \"ArgMax\", \"axis\": 1},"
           "{\"name\": \"out\", \"op\": \"Cast\", \"to\": \"i32\"}",
           "out"),
     3,
     0,
     {{0}}},
};

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

/* ---- running a model ---- */

struct result {
    struct plancl_tensor tensor[MOST];
    void *data[MOST];
    int n;
};

/* The same numbers for the same input: -1 to 1, or small indices. */
static void draw(const struct plancl_tensor *t, void *data)
{
    size_t size = t->dtype == PLANCL_F32 || t->dtype == PLANCL_I32 ? 4 : 8;
    uint64_t state = 12345;

    for (uint64_t i = 0; i < t->bytes / size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        if (t->dtype == PLANCL_F32)
            ((float *)data)[i] = (float)((double)(state >> 40) / 8388608 - 1);
        else if (t->dtype == PLANCL_I32)
            ((int32_t *)data)[i] = (int32_t)(state >> 62);
    }
}

static void give_inputs(struct plancl_session *s,
                        const struct plancl_plan *plan, struct arena *a)
{
    for (uint32_t i = 0; i < plancl_plan_tensors(plan); i++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, i);
        void *data;

        if (t.role != PLANCL_INPUT)
            continue;
        data = arena_alloc(a, t.bytes + 1, 1);
        draw(&t, data);
        must(plancl_write(s, t.name, data, t.bytes), t.name);
    }
}

static void take_outputs(struct plancl_session *s,
                         const struct plancl_plan *plan, struct arena *a,
                         struct result *r)
{
    for (uint32_t i = 0; i < plancl_plan_tensors(plan); i++) {
        struct plancl_tensor t = plancl_plan_tensor(plan, i);

        if (t.role != PLANCL_OUTPUT || r->n == MOST)
            continue;
        t.name = arena_string(a, t.name);
        r->data[r->n] = arena_alloc(a, t.bytes + 1, 1);
        must(plancl_read(s, t.name, r->data[r->n], t.bytes), t.name);
        r->tensor[r->n++] = t;
    }
}

/* A model's text with weights of an import, or drawn ones, which are saved. */
static struct result run(const char *text, const struct onnx_model *m,
                         const struct job *j, const char *save, struct arena *a)
{
    struct plancl_dim dim[4] = {{"N", j->batch}};
    struct plancl_compile_options opt = {
        .dim = dim, .ndim = j->batch != 0, .device = "0"};
    const struct plancl_session_options how = {.device = "0", .seed = 1};
    struct plancl_plan *plan = NULL;
    struct plancl_session *s = NULL;
    struct result r = {.n = 0};

    for (int i = 0; !m && i < 3 && j->dim[i].name; i++)
        dim[opt.ndim++] = j->dim[i];
    must(plancl_compile("test", text, &opt, &cb, &plan), "compile");
    must(plancl_session_open(plan, &how, &cb, &s), "session");
    for (unsigned i = 0; m && i < m->nweight; i++)
        must(plancl_write(s, m->weight[i].name, m->weight[i].data,
                          type_bytes(&m->weight[i].type)),
             m->weight[i].name);
    must(plancl_weights_changed(s), "weights");
    if (save)
        must(plancl_weights_save(s, save), save);
    give_inputs(s, plan, a);
    must(plancl_predict(s, j->batch ? (uint32_t)j->batch : 1), "predict");
    take_outputs(s, plan, a, &r);
    plancl_session_close(s);
    plancl_plan_free(plan);
    return r;
}

/* ---- comparing ---- */

static double distance(const struct plancl_tensor *t, const void *x,
                       const void *y)
{
    const float *a = x, *b = y;
    double off = 0, largest = 0;

    if (memcmp(x, y, t->bytes) == 0)
        return 0;
    if (t->dtype != PLANCL_F32)
        return INFINITY;
    for (uint64_t i = 0; i < t->bytes / sizeof *a; i++) {
        largest = fmax(largest, fabs((double)a[i]));
        off = fmax(off, isnan(b[i]) ? INFINITY : fabs((double)a[i] - b[i]));
    }
    return off > 0 ? off / largest : 1e-9; /* zeros of two signs */
}

static int compare(const struct result *x, const struct result *y, double off)
{
    int bad = x->n != y->n;

    for (int i = 0; i < x->n && !bad; i++) {
        int k = 0;
        double found;

        while (k < y->n && strcmp(x->tensor[i].name, y->tensor[k].name) != 0)
            k++;
        if (k == y->n || x->tensor[i].bytes != y->tensor[k].bytes) {
            bad++;
            break;
        }
        found = distance(&x->tensor[i], x->data[i], y->data[k]);
        printf("  %s: %.2g of the largest value, allowed %.2g\n",
               x->tensor[i].name, found, off);
        bad += !(found <= off);
    }
    return bad;
}

/* ---- one model ---- */

/* What a model infers needs no training, which would be compiled too. */
static const char *without_training(const char *text, struct arena *a)
{
    cJSON *root = cJSON_Parse(text);
    char *printed;
    const char *copy;

    cJSON_DeleteItemFromObject(root, "training");
    printed = cJSON_Print(root);
    copy = arena_string(a, printed);
    cJSON_free(printed);
    cJSON_Delete(root);
    return copy;
}

static const char *job_text(const struct job *j, struct onnx_model *m,
                            struct arena *a)
{
    const struct onnx_options none = {0};
    const char *path;
    const uint8_t *bytes;
    size_t len;

    if (!j->file)
        return j->text;
    path = arena_format(a, "%s/%s", getenv("top_srcdir"), j->file);
    if (strstr(path, ".onnx")) {
        must(onnx_import(path, &none, a, &cb, m), path);
        return m->text;
    }
    bytes = proto_read(a, path, &len, &cb);
    must(bytes ? PLANCL_OK : PLANCL_FAILED, path);
    return without_training((const char *)bytes, a);
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        must(PLANCL_FAILED, path);
}

static int check(const struct job *j, int number, struct arena *a)
{
    const char *at = arena_format(a, "%s/tests/onnx_export.%d",
                                  getenv("top_builddir"), number);
    const char *model = arena_format(a, "%s.json", at);
    const char *weights = arena_format(a, "%s.safetensors", at);
    const char *file = arena_format(a, "%s.onnx", at);
    struct onnx_source source = {model, j->dim, 0, weights};
    const struct onnx_options none = {0};
    struct onnx_model old = {0}, new = {0};
    const char *text = job_text(j, &old, a);
    struct result before, after;

    printf("%s\n", j->file ? j->file : arena_format(a, "layers %d", number));
    while (source.ndim < 3 && j->dim[source.ndim].name)
        source.ndim++;
    write_text(model, text);
    before = run(text, old.text ? &old : NULL, j, weights, a);
    must(onnx_export(&source, file, a, &cb), "export");
    must(onnx_import(file, &none, a, &cb, &new), "import");
    after = run(new.text, &new, j, NULL, a);
    remove(model);
    remove(weights);
    remove(file);
    return compare(&before, &after, j->off);
}

static int check_all(int only, struct arena *a)
{
    int bad = 0;

    for (int i = 0; i < (int)(sizeof jobs / sizeof *jobs); i++)
        if (only < 0 || only == i)
            bad += check(&jobs[i], i, a);
    return bad;
}

/* onnx_export [NUMBER]: all, or one. */
int main(int argc, char **argv)
{
    jmp_buf out_of_memory;
    struct arena arena;
    int bad;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory))
        return 1;
    bad = check_all(argc > 1 ? (int)strtol(argv[1], NULL, 10) : -1, &arena);
    arena_close(&arena);
    return bad != 0;
}
