/* import.c: from a file to a model; see onnx.h. */
#include "onnx/import.h"

#include <stdio.h>
#include <string.h>

#include "onnx/onnx.pb-c.h"
#include "onnx/proto.h"

enum { OLDEST = 6, NEWEST = 17 }; /* opsets that are known */

/* Elements of constants that arithmetic may make: these, and some for each that
 * the file has, since weights are cast and transposed. */
enum { ROOM = 1 << 26, ROOM_OF_ONE = 4 };

/* Names come from the file, hence the limits; a node without a name goes by
 * its first result. */
bool import_reject(struct import *im, const char *format, ...)
{
    const struct onnx_node *n = im->node;
    char text[1024];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n && *n->name)
        fail(im->cb, PLANCL_REFUSED, "%s: %.60s \"%.60s\": %s", im->path, n->op,
             n->name, text);
    else if (n)
        fail(im->cb, PLANCL_REFUSED, "%s: %.60s that makes \"%.60s\": %s",
             im->path, n->op, n->nout ? n->out[0] : "", text);
    else
        fail(im->cb, PLANCL_REFUSED, "%s: %s", im->path, text);
    return false;
}

struct constant *import_tensor(struct import *im,
                               const struct Onnx__TensorProto *t,
                               const char **wrong)
{
    struct constant *c = constant_read(im->arena, t, im->folder, wrong);

    if (c)
        im->room += ROOM_OF_ONE * type_count(&c->type);
    return c;
}

/* From here on the types of inputs are known. */
bool import_open_model(struct import *im, const char *head)
{
    const char *text = arena_format(im->arena, "%s\n}\n", head);

    im->top = model_open(&im->model, &im->graph, im->path, text, NULL);
    if (!im->top)
        return import_reject(im, "%s", im->diag.text);
    for (int i = 0; i < im->values.len; i++) {
        struct onnx_value *v = im->values.entry[i].thing;
        const struct value *leaf = v->ref
                                       ? names_find(&im->model.leaves, v->ref)
                                       : NULL;

        if (leaf)
            v->type = *type_of(&im->graph, leaf->v[0]);
    }
    return true;
}

/* The version of ONNX's own domain; another than known is tried, with a
 * warning. */
static bool find_opset(const Onnx__ModelProto *m, const char *name,
                       const struct plancl_callbacks *cb, int64_t *opset)
{
    *opset = 0;
    for (size_t i = 0; i < m->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = m->opset_import[i];

        if (!o->domain || !*o->domain || strcmp(o->domain, "ai.onnx") == 0)
            *opset = o->version;
    }
    if (*opset < 1)
        fail(cb, PLANCL_REFUSED, "%s: it names no opset of ONNX", name);
    else if (*opset < OLDEST || *opset > NEWEST)
        note(cb, PLANCL_WARNING,
             "%s: opset %lld, read as those from %d to %d are", name,
             (long long)*opset, OLDEST, NEWEST);
    return *opset >= 1;
}

/* The first refusal, kept until it is known that nothing else helps. */
struct refusal {
    struct arena *arena;
    const char *text;
};

/* Of several messages the first names the cause. */
static void keep_refusal(void *context, const struct plancl_message *m)
{
    struct refusal *r = context;

    if (m->severity == PLANCL_ERROR && !r->text)
        r->text = arena_string(r->arena, m->text);
}

/* One import; all that it makes is in the arena, a failed one too. */
static bool attempt(struct import *im, struct arena *a,
                    const Onnx__GraphProto *graph, struct onnx_model *out)
{
    struct text model = {.arena = a};

    im->arena = im->values.arena = im->used.arena = a;
    im->outputs.arena = im->layers.arena = im->uses.arena = a;
    graph_init(&im->graph, a, &im->diag);
    if (!graph_import(im, graph, &model))
        return false;
    out->text = model.s;
    out->weight = im->weight;
    out->nweight = (unsigned)im->nweight;
    out->input = im->input;
    out->ninput = im->ninput;
    out->output = im->output;
    out->noutput = im->noutput;
    return true;
}

/* With samples, or, where the graph mixes or moves them, without. */
enum plancl_status onnx_import_bytes(const struct onnx_bytes *bytes,
                                     const struct onnx_options *o,
                                     struct arena *a,
                                     const struct plancl_callbacks *cb,
                                     struct onnx_model *out)
{
    const Onnx__ModelProto *proto = proto_parse(a, bytes->name, bytes->at,
                                                bytes->len, cb);
    struct refusal first = {a, NULL}, second = {a, NULL};
    struct plancl_callbacks keep = {&first, keep_refusal, NULL};
    struct import *im = ARENA_NEW(a, struct import, 2);
    int64_t opset;

    if (!proto || !find_opset(proto, bytes->name, cb, &opset))
        return PLANCL_REFUSED;
    for (int i = 0; i < 2; i++) {
        im[i].path = bytes->name;
        im[i].folder = bytes->folder;
        im[i].opset = opset;
        im[i].opt = o;
        im[i].cb = &keep;
        im[i].batched = i == 0;
        im[i].room = ROOM;
    }
    if (attempt(&im[0], a, proto->graph, out))
        return PLANCL_OK;
    keep.context = &second;
    if (!attempt(&im[1], a, proto->graph, out))
        return fail(cb, PLANCL_REFUSED, "%s", first.text);
    note(cb, PLANCL_NOTE, "%s; so it has no batch, and these shapes alone",
         first.text);
    return PLANCL_OK;
}

enum plancl_status onnx_import(const char *path, const struct onnx_options *o,
                               struct arena *a,
                               const struct plancl_callbacks *cb,
                               struct onnx_model *out)
{
    struct onnx_bytes bytes = {.name = path};
    const char *slash = strrchr(path, '/');

    bytes.folder = slash
                       ? arena_format(a, "%.*s", (int)(slash - path + 1), path)
                       : ".";
    bytes.at = proto_read(a, path, &bytes.len, cb);
    if (!bytes.at)
        return PLANCL_FAILED;
    return onnx_import_bytes(&bytes, o, a, cb, out);
}
