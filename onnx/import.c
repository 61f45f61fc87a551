/* import.c: from a file to a model; see onnx.h. */
#include "onnx/import.h"

#include <stdio.h>
#include <string.h>

#include "onnx/onnx.pb-c.h"
#include "onnx/proto.h"

enum { OLDEST = 6, NEWEST = 17 };

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

bool import_open_model(struct import *im, const char *head)
{
    const char *text = arena_format(im->arena, "%s\n}\n", head);

    im->top = model_open(&im->model, &im->graph, im->path, text);
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

static bool find_opset(struct import *im, const Onnx__ModelProto *m)
{
    for (size_t i = 0; i < m->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = m->opset_import[i];

        if (!o->domain || !*o->domain || strcmp(o->domain, "ai.onnx") == 0)
            im->opset = o->version;
    }
    if (im->opset < 1)
        return import_reject(im, "it names no opset of ONNX");
    if (im->opset < OLDEST || im->opset > NEWEST)
        note(im->cb, PLANCL_WARNING,
             "%s: opset %lld, read as those from %d to %d are", im->path,
             (long long)im->opset, OLDEST, NEWEST);
    return true;
}

enum plancl_status onnx_import_bytes(const struct onnx_bytes *bytes,
                                     const struct onnx_options *o,
                                     struct arena *a,
                                     const struct plancl_callbacks *cb,
                                     struct onnx_model *out)
{
    const Onnx__ModelProto *proto = proto_parse(a, bytes->name, bytes->at,
                                                bytes->len, cb);
    struct import *im = ARENA_NEW(a, struct import, 1);
    struct text model = {.arena = a};

    if (!proto)
        return PLANCL_REFUSED;
    im->arena = im->values.arena = im->used.arena = a;
    im->outputs.arena = im->layers.arena = a;
    im->path = bytes->name;
    im->opt = o;
    im->cb = cb;
    graph_init(&im->graph, a, &im->diag);
    if (!find_opset(im, proto) || !graph_import(im, proto->graph, &model))
        return PLANCL_REFUSED;
    out->text = model.s;
    out->weight = im->weight;
    out->nweight = (unsigned)im->nweight;
    return PLANCL_OK;
}

enum plancl_status onnx_import(const char *path, const struct onnx_options *o,
                               struct arena *a,
                               const struct plancl_callbacks *cb,
                               struct onnx_model *out)
{
    struct onnx_bytes bytes = {.name = path};

    bytes.at = proto_read(a, path, &bytes.len, cb);
    if (!bytes.at)
        return PLANCL_FAILED;
    return onnx_import_bytes(&bytes, o, a, cb, out);
}
