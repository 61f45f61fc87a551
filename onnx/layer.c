/*
 * layer.c: layers as text, each read by the compiler's reader at once, which
 * gives the types of its results and refuses what would not compile.
 */
#include <stdlib.h>
#include <string.h>

#include "onnx/import.h"

/* A constant of so many numbers stands in the model itself. */
enum { SMALL = 16 };

void layer_begin(struct import *im, struct layer_text *l, const char *op,
                 const char *name)
{
    *l = (struct layer_text){.op = op, .name = name};
    l->inputs.arena = l->attrs.arena = im->arena;
    if (!name)
        l->name = name_new(im, im->node ? im->node->name : NULL, op);
    text_add(&l->inputs, "%s", "");
    text_add(&l->attrs, "%s", "");
}

void layer_input(struct layer_text *l, const char *ref)
{
    text_add(&l->inputs, "%s\"%s\"", l->nin++ ? ", " : "", ref);
    l->first = ref;
}

void layer_attr(struct layer_text *l, const char *name, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    text_add(&l->attrs, ", \"%s\": %s", name,
             arena_vformat(l->attrs.arena, format, ap));
    va_end(ap);
}

void layer_ints(struct layer_text *l, const char *name, const int64_t *v, int n)
{
    struct text t = {.arena = l->attrs.arena};

    text_add(&t, "[");
    for (int i = 0; i < n; i++)
        text_add(&t, "%s%lld", i ? ", " : "", (long long)v[i]);
    text_add(&t, "]");
    layer_attr(l, name, "%s", t.s);
}

/* A layer that takes the one before it need not say so. */
static bool follows(const struct import *im, const struct layer_text *l)
{
    return l->nin == 1 && im->last && strcmp(l->first, im->last) == 0;
}

/* One line of the model file, as a person would write it. */
static const char *layer_line(struct import *im, const struct layer_text *l)
{
    struct text t = {.arena = im->arena};

    text_add(&t, "{\"name\": \"%s\", \"op\": \"%s\"", l->name, l->op);
    if (l->nin && !follows(im, l))
        text_add(&t, ", \"inputs\": [%s]", l->inputs.s);
    text_add(&t, "%s}", l->attrs.s);
    return t.s;
}

/* The reader wants a list of layers; a refusal of the compiler's becomes one
 * of the importer's. */
static bool read_line(struct import *im, const char *line)
{
    const struct json *list;

    list = json_read(&im->graph, im->path,
                     arena_format(im->arena, "[%s]", line));
    if (list && layers_read(&im->model, im->top, list))
        return true;
    return import_reject(im, "%s", im->diag.text);
}

/* Result 0 goes by the layer's name, result k by name:k. */
static void results(struct import *im, const struct layer_text *l,
                    struct onnx_value *out, int nout)
{
    const struct value *v = names_find(&im->model.values, l->name);

    for (int k = 0; k < nout; k++) {
        out[k] = (struct onnx_value){.ref = l->name};
        if (k < v->nout && v->v[k].id)
            out[k].type = *type_of(&im->graph, v->v[k]);
        if (k)
            out[k].ref = arena_format(im->arena, "%s:%d", l->name, k);
    }
}

/* The line joins the model file only after the reader has taken it. */
bool layer_end(struct import *im, struct layer_text *l, struct onnx_value *out,
               int nout)
{
    const char *line = layer_line(im, l);
    const struct value *v;

    if (!read_line(im, line))
        return false;
    v = names_find(&im->model.values, l->name);
    if (nout > v->nout)
        return import_reject(im, "its result %d is not supported", nout);
    text_add(&im->layers, "%s\n    %s", im->layers.len ? "," : "", line);
    results(im, l, out, nout);
    im->last = l->name;
    return true;
}

/* ---- constants as operands ---- */

/* As few digits as give the same float again. */
const char *number_text(struct arena *a, double v)
{
    const char *text = "";

    for (int digits = 6; digits <= 9; digits++) {
        text = arena_format(a, "%.*g", digits, v);
        if (strtof(text, NULL) == (float)v)
            break;
    }
    return text;
}

/* Nested lists, one level for each dimension; *at counts elements. */
static void add_numbers(struct text *t, const struct constant *c, int level,
                        int64_t *at)
{
    if (level == c->type.rank) {
        text_add(t, "%s", number_text(t->arena, constant_at(c, (*at)++)));
        return;
    }
    text_add(t, "[");
    for (int64_t i = 0; i < c->type.dim[level]; i++) {
        text_add(t, "%s", i ? ", " : "");
        add_numbers(t, c, level + 1, at);
    }
    text_add(t, "]");
}

static bool cast_layer(struct import *im, enum dtype dtype,
                       struct onnx_value *v)
{
    struct layer_text l;

    layer_begin(im, &l, "Cast", name_new(im, NULL, "Cast"));
    layer_input(&l, v->ref);
    layer_attr(&l, "to", "\"%s\"", dtype_name(dtype));
    return layer_end(im, &l, v, 1);
}

/* Constant makes f32; another type is a Cast behind it. */
static bool constant_layer(struct import *im, const struct constant *c,
                           struct onnx_value *out)
{
    struct text t = {.arena = im->arena};
    struct layer_text l;
    int64_t at = 0;

    add_numbers(&t, c, 0, &at);
    layer_begin(im, &l, "Constant", name_new(im, c->name, "Constant"));
    layer_attr(&l, "value", "%s", t.s);
    if (!layer_end(im, &l, out, 1))
        return false;
    return c->type.dtype == DT_F32 || cast_layer(im, c->type.dtype, out);
}

/* Numbers that f32 holds exactly.  Null where there are others. */
static struct constant *as_f32(struct import *im, const struct constant *c)
{
    struct constant *y = constant_new(im->arena, DT_F32, c->type.rank,
                                      c->type.dim);

    for (int64_t i = 0; i < type_count(&c->type); i++) {
        constant_set(y, i, constant_at(c, i));
        if (constant_at(y, i) != constant_at(c, i))
            return NULL;
    }
    return y;
}

/* Parameters are f32; a table of another type is one that does not train. */
static bool parameter_layer(struct import *im, const struct constant *c,
                            struct onnx_value *out)
{
    bool other = c->type.dtype != DT_F32;
    const struct constant *values = other ? as_f32(im, c) : c;
    struct layer_text l;

    if (!values)
        return import_reject(im,
                             "a constant of %s holds numbers that f32 "
                             "does not",
                             dtype_name(c->type.dtype));
    layer_begin(im, &l, "Parameter", name_new(im, c->name, "Parameter"));
    layer_ints(&l, "shape", c->type.dim, c->type.rank);
    if (other)
        layer_attr(&l, "trainable", "false");
    if (!layer_end(im, &l, out, 1) || !weight_add(im, l.name, NULL, values))
        return false;
    return !other || cast_layer(im, c->type.dtype, out);
}

/* Made once: the value remembers the layer.  What is not finite has no text in
 * JSON and goes to the file of weights. */
const char *operand_ref(struct import *im, struct onnx_value *v)
{
    const struct constant *c = v->constant;
    struct onnx_value out;
    bool good;

    if (v->ref)
        return v->ref;
    if (!type_count(&c->type)) {
        import_reject(im, "an operand has no elements: tensors that are "
                          "empty are not supported");
        return NULL;
    }
    good = type_count(&c->type) <= SMALL && constant_finite(c)
               ? constant_layer(im, c, &out)
               : parameter_layer(im, c, &out);
    if (!good)
        return NULL;
    v->ref = out.ref;
    v->type = out.type;
    return v->ref;
}

/* ---- layers in between ---- */

const char *layer_step(struct import *im, const char *op, const char *a,
                       const char *b)
{
    struct onnx_value out = {0};
    struct layer_text l;

    /* An op of two operands has two, or one was refused. */
    if (!a || (!b && op_find(op)->min_in > 1))
        return NULL;
    layer_begin(im, &l, op, name_new(im, NULL, op));
    layer_input(&l, a);
    if (b)
        layer_input(&l, b);
    return layer_end(im, &l, &out, 1) ? out.ref : NULL;
}

const char *layer_constant(struct import *im, enum dtype dtype, double v)
{
    struct onnx_value number = {
        .constant = constant_number(im->arena, dtype, v)};

    return operand_ref(im, &number);
}

const char *layer_number(struct import *im, double v)
{
    return layer_constant(im, DT_F32, v);
}

const char *layer_ref(struct import *im, struct layer_text *l)
{
    struct onnx_value out = {0};

    return layer_end(im, l, &out, 1) ? out.ref : NULL;
}

const char *layer_where(struct import *im, const char *c, const char *a,
                        const char *b)
{
    struct layer_text l;

    if (!c || !a || !b)
        return NULL;
    layer_begin(im, &l, "Where", name_new(im, NULL, "Where"));
    layer_input(&l, c);
    layer_input(&l, a);
    layer_input(&l, b);
    return layer_ref(im, &l);
}

bool layer_result(struct import *im, int k, const char *ref)
{
    const struct value *found = ref ? names_find(&im->model.values, ref) : NULL;
    struct onnx_value v = {.ref = ref};

    if (!found)
        return false;
    v.type = *type_of(&im->graph, found->v[0]);
    return node_result(im, k, &v);
}

/* ---- weights ---- */

/* `param` null: the layer's only parameter, called as the layer.  Shapes must
 * agree: the file's weight replaces the first value that the layer would
 * draw. */
bool weight_add(struct import *im, const char *layer, const char *param,
                const struct constant *c)
{
    const char *name = param ? arena_format(im->arena, "%s.%s", layer, param)
                             : layer;
    const struct value *leaf = names_find(&im->model.leaves, name);
    struct onnx_weight *old = im->weight;

    if (!leaf || !type_equal(type_of(&im->graph, leaf->v[0]), &c->type))
        return import_reject(
            im, "%s is %s, wanted %s", name, type_text(im->arena, &c->type),
            leaf ? type_text(im->arena, type_of(&im->graph, leaf->v[0]))
                 : "none");
    if (im->nweight == im->cap_weight) {
        im->cap_weight = im->cap_weight * 2 + 16;
        im->weight = ARENA_NEW(im->arena, struct onnx_weight,
                               (size_t)im->cap_weight);
        for (int i = 0; i < im->nweight; i++)
            im->weight[i] = old[i];
    }
    im->weight[im->nweight++] = (struct onnx_weight){name, c->type, c->data};
    return true;
}
