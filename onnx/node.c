/*
 * node.c: a NodeProto with its attributes, wherever its opset has them.
 *
 * What used to be attributes became operands: the axes of Squeeze, the limits
 * of Clip.  Here they are attributes in all opsets.
 */
#include <string.h>

#include "onnx/import.h"
#include "onnx/onnx.pb-c.h"

enum { MOVED = ATTR_OPERANDS };

/* Operands that stand for attributes, from the second operand on. */
static const struct {
    const char *op;
    int before; /* first opset without this row */
    const char *name[MOVED];
} moved[] = {
    {"CumSum", 0, {"axis"}},
    {"Dropout", 0, {"ratio", "training_mode"}},
    {"Expand", 0, {"shape"}},
    {"OneHot", 0, {"depth", "values"}},
    {"Pad", 0, {"pads", "value", "axes"}},
    {"ReduceL1", 0, {"axes"}},
    {"ReduceL2", 0, {"axes"}},
    {"ReduceMax", 0, {"axes"}},
    {"ReduceMean", 0, {"axes"}},
    {"ReduceMin", 0, {"axes"}},
    {"ReduceProd", 0, {"axes"}},
    {"ReduceSum", 0, {"axes"}},
    {"ReduceSumSquare", 0, {"axes"}},
    {"Reshape", 0, {"shape"}},
    {"Resize", 11, {"scales"}},
    {"Resize", 0, {"roi", "scales", "sizes"}},
    {"Slice", 0, {"starts", "ends", "axes", "steps"}},
    {"Split", 0, {"split"}},
    {"Squeeze", 0, {"axes"}},
    {"Tile", 0, {"repeats"}},
    {"TopK", 0, {"k"}},
    {"Unsqueeze", 0, {"axes"}},
    {"Upsample", 0, {"scales"}},
};

/* The first row that holds for the file's opset. */
static const char *const *moved_names(const struct import *im, const char *op)
{
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++)
        if (strcmp(moved[i].op, op) == 0 &&
            (!moved[i].before || im->opset < moved[i].before))
            return moved[i].name;
    return NULL;
}

/* Reductions but the sum have theirs from opset 18 on; files are read so
 * however old they say to be. */
const char *const *node_operands(const char *op, int opset)
{
    bool late = strncmp(op, "Reduce", 6) == 0 && strcmp(op, "ReduceSum") != 0;

    if (late && opset < 18)
        return NULL;
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++)
        if (strcmp(moved[i].op, op) == 0 && !moved[i].before)
            return moved[i].name;
    return NULL;
}

/* ---- attributes ---- */

/* Of n numbers, [n]. */
static const struct constant *floats(struct import *im, const float *v,
                                     size_t n)
{
    const int64_t dim[1] = {(int64_t)n};
    struct constant *c = constant_new(im->arena, DT_F32, 1, dim);

    for (size_t i = 0; i < n; i++)
        constant_set(c, (int64_t)i, v[i]);
    return c;
}

/* A string in an arena; bytes need not end with a zero. */
static const char *string_of(struct import *im, const ProtobufCBinaryData *s)
{
    return arena_format(im->arena, "%.*s", (int)s->len, (const char *)s->data);
}

static void strings_read(struct import *im, const Onnx__AttributeProto *p,
                         struct onnx_attr *a)
{
    a->nstrings = (int)p->n_strings;
    a->strings = ARENA_NEW(im->arena, const char *, p->n_strings);
    for (size_t i = 0; i < p->n_strings; i++)
        a->strings[i] = p->strings[i].data ? string_of(im, &p->strings[i]) : "";
}

/* Old files do not say an attribute's type, so it is what is there.  One
 * number becomes a constant of rank 0. */
static bool attribute_read(struct import *im, const Onnx__AttributeProto *p,
                           struct onnx_attr *a)
{
    const char *wrong = NULL;

    a->name = p->name ? p->name : "";
    if (p->t)
        a->number = import_tensor(im, p->t, &wrong);
    else if (p->has_s)
        a->string = p->s.data ? string_of(im, &p->s) : "";
    else if (p->n_strings)
        strings_read(im, p, a);
    else if (p->has_i)
        a->number = constant_ints(im->arena, &p->i, 1);
    else if (p->n_ints)
        a->number = constant_ints(im->arena, p->ints, (int)p->n_ints);
    else if (p->has_f)
        a->number = floats(im, &p->f, 1);
    else if (p->n_floats)
        a->number = floats(im, p->floats, p->n_floats);
    else if (p->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS)
        a->number = constant_ints(im->arena, NULL, 0);
    /* A list of strings may stand beside the number: none was made then. */
    if ((p->has_i || p->has_f) && !p->t && a->number)
        a->number = constant_view(im->arena, a->number, 0, NULL);
    if (!wrong)
        return true;
    return import_reject(im, "attribute %.60s: %s", a->name, wrong);
}

/* Operands to attributes; those that are left are the data.  Only constants
 * can be attributes; an operand that is left out is none. */
static bool move_operands(struct import *im, struct onnx_node *n)
{
    const char *const *name = moved_names(im, n->op);

    if (!name || n->nin < 2)
        return true;
    for (int k = 1; k < n->nin && k <= MOVED && name[k - 1]; k++) {
        if (!n->in[k])
            continue;
        if (!n->in[k]->constant)
            return import_reject(im, "its %s are computed from data",
                                 name[k - 1]);
        n->attr[n->nattr++] = (struct onnx_attr){.name = name[k - 1],
                                                 .number = n->in[k]->constant};
    }
    n->nin = 1;
    return true;
}

/* ---- nodes ---- */

/* Empty names at the end are operands left out, as are those in between
 * (null). */
static bool operands_read(struct import *im, const Onnx__NodeProto *p,
                          struct onnx_node *n)
{
    n->in = ARENA_NEW(im->arena, struct onnx_value *, p->n_input + 1);
    n->nin = (int)p->n_input;
    for (int k = 0; k < n->nin; k++) {
        if (!*p->input[k])
            continue;
        n->in[k] = names_find(&im->values, p->input[k]);
        if (!n->in[k])
            return import_reject(im, "nothing computes its input \"%.60s\"",
                                 p->input[k]);
    }
    while (n->nin && !n->in[n->nin - 1])
        n->nin--;
    return true;
}

/* Sets im->node, so that messages from here on name it. */
const struct onnx_node *node_read(struct import *im,
                                  const struct Onnx__NodeProto *p)
{
    struct onnx_node *n = ARENA_NEW(im->arena, struct onnx_node, 1);

    im->node = n;
    n->op = p->op_type;
    n->name = p->name ? p->name : "";
    n->out = (const char *const *)p->output;
    n->nout = (int)p->n_output;
    while (n->nout && !*n->out[n->nout - 1])
        n->nout--;
    n->attr = ARENA_NEW(im->arena, struct onnx_attr, p->n_attribute + MOVED);
    for (size_t i = 0; i < p->n_attribute; i++)
        if (!attribute_read(im, p->attribute[i], &n->attr[n->nattr++]))
            return NULL;
    if (!operands_read(im, p, n) || !move_operands(im, n))
        return NULL;
    return n;
}

/* Null where the node has none of that name. */
const struct onnx_attr *node_attr(const struct onnx_node *n, const char *name)
{
    for (int i = 0; i < n->nattr; i++)
        if (strcmp(n->attr[i].name, name) == 0)
            return &n->attr[i];
    return NULL;
}

const struct constant *node_number(const struct onnx_node *n, const char *name)
{
    const struct onnx_attr *a = node_attr(n, name);

    return a ? a->number : NULL;
}

/* A list without elements says nothing. */
static const struct constant *number(const struct onnx_node *n,
                                     const char *name)
{
    const struct constant *c = node_number(n, name);

    return c && type_count(&c->type) ? c : NULL;
}

int64_t node_int(const struct onnx_node *n, const char *name, int64_t dflt)
{
    const struct constant *c = number(n, name);

    return c ? constant_int(c, 0) : dflt;
}

double node_float(const struct onnx_node *n, const char *name, double dflt)
{
    const struct constant *c = number(n, name);

    return c ? constant_at(c, 0) : dflt;
}

const char *node_string(const struct onnx_node *n, const char *name,
                        const char *dflt)
{
    const struct onnx_attr *a = node_attr(n, name);

    return a && a->string ? a->string : dflt;
}

const struct constant *node_constant(const struct onnx_node *n, int k)
{
    return k < n->nin && n->in[k] ? n->in[k]->constant : NULL;
}

/* Unused results need no layers, and may be of a kind that there is none
 * for. */
bool node_needed(const struct import *im, int k)
{
    return k < im->node->nout && *im->node->out[k] &&
           names_find(&im->uses, im->node->out[k]);
}

/* One value under another name: no layer, no copy. */
bool node_alias(struct import *im, int k, struct onnx_value *v)
{
    const char *name = k < im->node->nout ? im->node->out[k] : "";

    if (!*name)
        return true;
    if (names_find(&im->values, name))
        return import_reject(im, "\"%.60s\" is computed twice", name);
    names_add(&im->values, name, v);
    return true;
}

bool node_result(struct import *im, int k, const struct onnx_value *v)
{
    struct onnx_value *own = ARENA_NEW(im->arena, struct onnx_value, 1);

    *own = *v;
    return node_alias(im, k, own);
}
