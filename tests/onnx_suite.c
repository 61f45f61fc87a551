/*
 * onnx_suite.c: ONNX's own conformance cases, by the path that users take:
 * imported, compiled, run on the first device.
 *
 *     tests/onnx_suite FOLDER...
 *
 * A folder holds model.onnx and test_data_set_0, as below
 * /usr/share/libonnx-testdata/data/node.  Prints "pass", "wrong" or "refused" and
 * the folder for each, and why; then how many of each.  Tolerances are those of
 * ONNX's own runner.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/plancl_compile.h"
#include "onnx/onnx.h"
#include "tests/onnx_tensor.h"

enum { MOST = 32 };

enum verdict { PASS, WRONG, REFUSED, VERDICTS };

static const double RELATIVE = 1e-3, ABSOLUTE = 1e-7;

/* One tensor of a case, by its name. */
struct given {
    const char *name;
    struct constant *c;
    double *v;
};

struct job {
    struct arena *arena;
    const char *folder, *why;
    struct given in[MOST], out[MOST];
    int nin, nout;
    struct plancl_callbacks cb;
};

static void keep_message(void *context, const struct plancl_message *m)
{
    struct job *j = context;

    if (m->severity == PLANCL_ERROR)
        j->why = arena_string(j->arena, m->text);
}

/* ---- what a case holds ---- */

static bool read_tensor(struct job *j, const char *kind, int i,
                        struct given *out)
{
    const char *path = arena_format(j->arena, "%s/test_data_set_0/%s_%d.pb",
                                    j->folder, kind, i);
    const char *wrong = NULL;

    out->c = onnx_tensor_read(j->arena, path, &out->name, &wrong);
    if (wrong)
        j->why = wrong;
    if (!out->c)
        return false;
    out->v = ARENA_NEW(j->arena, double, (size_t)type_count(&out->c->type) + 1);
    for (int64_t k = 0; k < type_count(&out->c->type); k++)
        out->v[k] = constant_at(out->c, k);
    return true;
}

/* Imports with the inputs from `known` on given as numbers. */
static bool import_known(struct job *j, int known, struct onnx_model *m)
{
    const char *path = arena_format(j->arena, "%s/model.onnx", j->folder);
    struct onnx_given value[MOST];
    struct onnx_options o = {.value = value};

    for (int i = known; i < j->nin; i++)
        value[o.nvalue++] = (struct onnx_given){
            j->in[i].name, (int)type_count(&j->in[i].c->type), j->in[i].v};
    return onnx_import(path, &o, j->arena, &j->cb, m) == PLANCL_OK;
}

static bool wants_to_know(const char *why)
{
    return strstr(why, "computed from data") || strstr(why, "known before") ||
           strstr(why, "is open");
}

/* Inputs that operators want to know before are given where nothing else
 * does. */
static bool import(struct job *j, struct onnx_model *m)
{
    const char *first;

    if (import_known(j, j->nin, m))
        return true;
    first = j->why;
    if (!wants_to_know(first))
        return false;
    for (int known = 1; known >= 0; known--)
        if (import_known(j, known, m))
            return true;
    if (wants_to_know(j->why))
        j->why = first;
    return false;
}

/* Older cases have no names in their tensors, only an order. */
static void name_tensors(struct job *j, const struct onnx_model *m)
{
    for (int i = 0; i < j->nin && (unsigned)i < m->ninput; i++)
        if (!*j->in[i].name)
            j->in[i].name = m->input[i];
    for (int i = 0; i < j->nout && (unsigned)i < m->noutput; i++)
        j->out[i].name = m->output[i];
}

/* ---- running ---- */

static struct plancl_session *open_session(struct job *j,
                                           const struct onnx_model *m,
                                           struct plancl_plan **plan)
{
    const struct plancl_compile_options opt = {.device = "0"};
    const struct plancl_session_options how = {.device = "0"};
    struct plancl_session *s = NULL;

    if (plancl_compile("model.json", m->text, &opt, &j->cb, plan) ||
        plancl_session_open(*plan, &how, &j->cb, &s))
        return NULL;
    for (unsigned i = 0; i < m->nweight; i++)
        plancl_write(s, m->weight[i].name, m->weight[i].data,
                     type_bytes(&m->weight[i].type));
    for (int i = 0; i < j->nin; i++)
        for (uint32_t k = 0; k < plancl_plan_tensors(*plan); k++)
            if (strcmp(plancl_plan_tensor(*plan, k).name, j->in[i].name) == 0)
                plancl_write(s, j->in[i].name, j->in[i].c->data,
                             type_bytes(&j->in[i].c->type));
    plancl_weights_changed(s);
    if (!*j->why)
        return s;
    plancl_session_close(s);
    return NULL;
}

static enum verdict compare(struct job *j, struct plancl_session *s)
{
    for (int i = 0; i < j->nout; i++) {
        const struct given *want = &j->out[i];
        struct constant *got = constant_new(j->arena, want->c->type.dtype,
                                            want->c->type.rank,
                                            want->c->type.dim);

        if (plancl_read(s, want->name, got->data, type_bytes(&got->type)))
            return WRONG;
        for (int64_t k = 0; k < type_count(&got->type); k++) {
            double a = constant_at(got, k), b = want->v[k];

            if (a == b || (isnan(a) && isnan(b)) ||
                fabs(a - b) <= ABSOLUTE + RELATIVE * fabs(b))
                continue;
            j->why = arena_format(j->arena, "%s[%d] is %g, wanted %g",
                                  want->name, (int)k, a, b);
            return WRONG;
        }
    }
    return PASS;
}

static enum verdict run(struct job *j)
{
    struct onnx_model m = {0};
    struct plancl_plan *plan = NULL;
    struct plancl_session *s;
    enum verdict verdict = REFUSED;

    j->why = "";
    while (j->nin < MOST && read_tensor(j, "input", j->nin, &j->in[j->nin]))
        j->nin++;
    while (j->nout < MOST &&
           read_tensor(j, "output", j->nout, &j->out[j->nout]))
        j->nout++;
    if (*j->why || !import(j, &m))
        return REFUSED;
    j->why = "";
    name_tensors(j, &m);
    s = open_session(j, &m, &plan);
    if (s)
        verdict = plancl_predict(s, plancl_plan_batch(plan)) ? WRONG
                                                             : compare(j, s);
    plancl_session_close(s);
    plancl_plan_free(plan);
    return verdict;
}

static enum verdict run_folder(const char *folder)
{
    static const char *const word[] = {"pass", "wrong", "refused"};
    jmp_buf out_of_memory;
    struct arena arena;
    struct job *j;
    enum verdict verdict;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory))
        exit(1);
    j = ARENA_NEW(&arena, struct job, 1);
    j->arena = &arena;
    j->folder = folder;
    j->cb = (struct plancl_callbacks){j, keep_message, NULL};
    verdict = run(j);
    printf("%s %s%s%s\n", word[verdict], folder, *j->why ? ": " : "", j->why);
    fflush(stdout);
    arena_close(&arena);
    return verdict;
}

int main(int argc, char **argv)
{
    int count[VERDICTS] = {0};

    for (int i = 1; i < argc; i++)
        count[run_folder(argv[i])]++;
    printf("%d pass, %d wrong, %d refused\n", count[PASS], count[WRONG],
           count[REFUSED]);
    return 0;
}
