/*
 * onnx_build.c: see onnx_build.h.
 *
 * Models for tests are lines of words, so that a test reads as its graph;
 * protobuf-c packs them into the bytes that a file would have.  A line that is
 * wrong is the test's mistake, and ends it.
 */
#include "tests/onnx_build.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx.pb-c.h"

enum { MOST = 64 };

struct words {
    char *v[MOST];
    int n;
};

/* Pieces point into a copy that lives as long as the arena. */
static struct words cut(struct arena *a, const char *text, const char *at)
{
    struct words w = {.n = 0};
    char *rest = arena_string(a, text), *save = NULL;

    for (char *s = strtok_r(rest, at, &save); s && w.n < MOST;
         s = strtok_r(NULL, at, &save))
        w.v[w.n++] = s;
    return w;
}

/* A word that a line must have. */
static char *word(const struct words *w, int i)
{
    if (i >= w->n || !w->v[i])
        abort();
    return w->v[i];
}

/* A word for a name; "_" is the empty one. */
static char *name_of(char *word)
{
    if (strcmp(word, "_") == 0)
        *word = '\0';
    return word;
}

/* Also types that the importer refuses, for the tests of that. */
static int type_of_word(const char *word)
{
    static const struct {
        const char *word;
        int type;
    } known[] = {{"f32", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT},
                 {"i64", ONNX__TENSOR_PROTO__DATA_TYPE__INT64},
                 {"i32", ONNX__TENSOR_PROTO__DATA_TYPE__INT32},
                 {"i8", ONNX__TENSOR_PROTO__DATA_TYPE__INT8},
                 {"u8", ONNX__TENSOR_PROTO__DATA_TYPE__UINT8},
                 {"f64", ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE},
                 {"f16", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16},
                 {"string", ONNX__TENSOR_PROTO__DATA_TYPE__STRING}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].word, word) == 0)
            return known[i].type;
    abort();
}

/* ---- parts of a graph ---- */

/* "in NAME TYPE 2,N,3": a size that begins with a letter is a name that the
 * file leaves open. */
static void add_input(struct arena *a, Onnx__GraphProto *g,
                      const struct words *w)
{
    struct words dims = cut(a, w->n > 3 ? word(w, 3) : "", ",");
    Onnx__ValueInfoProto *v = ARENA_NEW(a, Onnx__ValueInfoProto, 1);
    Onnx__TypeProto *type = ARENA_NEW(a, Onnx__TypeProto, 1);
    Onnx__TypeProto__Tensor *t = ARENA_NEW(a, Onnx__TypeProto__Tensor, 1);
    Onnx__TensorShapeProto *shape = ARENA_NEW(a, Onnx__TensorShapeProto, 1);

    onnx__value_info_proto__init(v);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(t);
    onnx__tensor_shape_proto__init(shape);
    shape->dim = ARENA_NEW(a, Onnx__TensorShapeProto__Dimension *, MOST);
    for (int i = 0; i < dims.n; i++) {
        Onnx__TensorShapeProto__Dimension *d = ARENA_NEW(
            a, Onnx__TensorShapeProto__Dimension, 1);

        onnx__tensor_shape_proto__dimension__init(d);
        if (isalpha((unsigned char)*word(&dims, i))) {
            d->value_case =
                ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            d->dim_param = word(&dims, i);
        } else {
            d->value_case =
                ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            d->dim_value = strtoll(word(&dims, i), NULL, 10);
        }
        shape->dim[shape->n_dim++] = d;
    }
    t->has_elem_type = 1;
    t->elem_type = type_of_word(word(w, 2));
    t->shape = shape;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = t;
    v->name = word(w, 1);
    v->type = type;
    g->input[g->n_input++] = v;
}

/* "out NAME": types of outputs are never read. */
static void add_output(struct arena *a, Onnx__GraphProto *g,
                       const struct words *w)
{
    Onnx__ValueInfoProto *v = ARENA_NEW(a, Onnx__ValueInfoProto, 1);

    onnx__value_info_proto__init(v);
    v->name = word(w, 1);
    g->output[g->n_output++] = v;
}

/* "ext NAME TYPE DIMS - FILE OFFSET LENGTH", "_" where the file has no such
 * key. */
static void add_external(struct arena *a, Onnx__TensorProto *t,
                         const struct words *w)
{
    static char *const key[] = {"location", "offset", "length"};

    t->has_data_location = 1;
    t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    t->external_data = ARENA_NEW(a, Onnx__StringStringEntryProto *, 3);
    for (int i = 0; i < 3; i++) {
        Onnx__StringStringEntryProto *e = ARENA_NEW(
            a, Onnx__StringStringEntryProto, 1);

        if (!*name_of(word(w, 5 + i)))
            continue;
        onnx__string_string_entry_proto__init(e);
        e->key = key[i];
        e->value = word(w, 5 + i);
        t->external_data[t->n_external_data++] = e;
    }
}

/* "init NAME TYPE DIMS - VALUES": the last value fills what is left, so that a
 * long tensor is a short line; DIMS of "-" is a scalar. */
static void add_initializer(struct arena *a, Onnx__GraphProto *g,
                            const struct words *w)
{
    struct words dims = cut(a, word(w, 3), ","), v = cut(a, word(w, 5), ",");
    Onnx__TensorProto *t = ARENA_NEW(a, Onnx__TensorProto, 1);
    size_t n = 1;

    onnx__tensor_proto__init(t);
    t->name = word(w, 1);
    t->has_data_type = 1;
    t->data_type = type_of_word(word(w, 2));
    t->dims = ARENA_NEW(a, int64_t, MOST);
    for (int i = 0; i < dims.n && *word(&dims, i) != '-'; i++) {
        t->dims[t->n_dims++] = strtoll(word(&dims, i), NULL, 10);
        n *= (size_t)t->dims[i];
    }
    if (strcmp(word(w, 0), "ext") == 0)
        add_external(a, t, w);
    t->float_data = ARENA_NEW(a, float, n + 1);
    t->int64_data = ARENA_NEW(a, int64_t, n + 1);
    for (size_t i = 0; i < n && !t->n_external_data; i++) {
        const char *s = v.v[i < (size_t)v.n ? i : (size_t)v.n - 1];

        if (t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64)
            t->int64_data[t->n_int64_data++] = strtoll(s, NULL, 10);
        else
            t->float_data[t->n_float_data++] = strtof(s, NULL);
    }
    g->initializer[g->n_initializer++] = t;
}

/* "name=value": letters are a string, a point makes a float, brackets or commas
 * a list of integers. */
static Onnx__AttributeProto *attribute(struct arena *a, char *text)
{
    Onnx__AttributeProto *p = ARENA_NEW(a, Onnx__AttributeProto, 1);
    char *value = strchr(text, '=');
    struct words w = cut(a, value + 1, ",[]");

    *value++ = '\0';
    onnx__attribute_proto__init(p);
    p->name = text;
    if (isalpha((unsigned char)*value)) {
        p->has_s = 1;
        p->s = (ProtobufCBinaryData){strlen(value), (uint8_t *)value};
    } else if (strchr(value, '.')) {
        p->has_f = 1;
        p->f = strtof(value, NULL);
    } else if (*value == '[' || w.n > 1) {
        p->ints = ARENA_NEW(a, int64_t, MOST);
        for (int i = 0; i < w.n; i++)
            p->ints[p->n_ints++] = strtoll(word(&w, i), NULL, 10);
    } else {
        p->has_i = 1;
        p->i = strtoll(value, NULL, 10);
    }
    return p;
}

/* "OUTPUTS = OP:DOMAIN INPUTS / ATTRIBUTES". */
static void add_node(struct arena *a, Onnx__GraphProto *g,
                     const struct words *w)
{
    Onnx__NodeProto *n = ARENA_NEW(a, Onnx__NodeProto, 1);
    int i = 0;

    onnx__node_proto__init(n);
    n->output = ARENA_NEW(a, char *, MOST);
    n->input = ARENA_NEW(a, char *, MOST);
    n->attribute = ARENA_NEW(a, Onnx__AttributeProto *, MOST);
    while (strcmp(word(w, i), "=") != 0)
        n->output[n->n_output++] = name_of(word(w, i++));
    n->op_type = word(w, ++i);
    n->domain = strchr(n->op_type, ':');
    if (n->domain)
        *n->domain++ = '\0';
    for (i++; i < w->n && strcmp(word(w, i), "/") != 0; i++)
        n->input[n->n_input++] = name_of(word(w, i));
    for (i++; i < w->n; i++)
        n->attribute[n->n_attribute++] = attribute(a, word(w, i));
    g->node[g->n_node++] = n;
}

static Onnx__GraphProto *graph_new(struct arena *a, char *name)
{
    Onnx__GraphProto *g = ARENA_NEW(a, Onnx__GraphProto, 1);

    onnx__graph_proto__init(g);
    g->name = name;
    g->input = ARENA_NEW(a, Onnx__ValueInfoProto *, MOST);
    g->output = ARENA_NEW(a, Onnx__ValueInfoProto *, MOST);
    g->initializer = ARENA_NEW(a, Onnx__TensorProto *, MOST);
    g->node = ARENA_NEW(a, Onnx__NodeProto *, MOST);
    return g;
}

/* "branch ATTRIBUTE": a graph, to fill, which the last node has. */
static Onnx__GraphProto *add_branch(struct arena *a, Onnx__GraphProto *outer,
                                    const struct words *w)
{
    Onnx__AttributeProto *p = ARENA_NEW(a, Onnx__AttributeProto, 1);
    Onnx__NodeProto *n;

    if (!outer->n_node)
        abort();
    n = outer->node[outer->n_node - 1];
    onnx__attribute_proto__init(p);
    p->name = word(w, 1);
    p->g = graph_new(a, word(w, 1));
    n->attribute[n->n_attribute++] = p;
    return p->g;
}

static void add_line(struct arena *a, Onnx__GraphProto *g,
                     const struct words *w)
{
    const char *first = word(w, 0);

    if (strcmp(first, "in") == 0)
        add_input(a, g, w);
    else if (strcmp(first, "out") == 0)
        add_output(a, g, w);
    else if (strcmp(first, "init") == 0 || strcmp(first, "ext") == 0)
        add_initializer(a, g, w);
    else
        add_node(a, g, w);
}

/* Bytes of a whole model, in the arena. */
struct onnx_bytes onnx_build(struct arena *a, int64_t opset,
                             const char *const *line)
{
    Onnx__ModelProto m = ONNX__MODEL_PROTO__INIT;
    Onnx__OperatorSetIdProto set = ONNX__OPERATOR_SET_ID_PROTO__INIT;
    Onnx__OperatorSetIdProto *sets[] = {&set};
    Onnx__GraphProto *outer = graph_new(a, arena_string(a, "test")), *g = outer;
    struct onnx_bytes bytes = {.name = "test.onnx"};
    uint8_t *at;

    for (; *line; line++) {
        struct words *w = ARENA_NEW(a, struct words, 1);

        *w = cut(a, *line, " ");
        if (strcmp(word(w, 0), "branch") == 0)
            g = add_branch(a, outer, w);
        else if (strcmp(word(w, 0), "end") == 0)
            g = outer;
        else
            add_line(a, g, w);
    }
    set.has_version = 1;
    set.version = opset;
    m.opset_import = sets;
    m.n_opset_import = 1;
    m.graph = outer;
    bytes.len = onnx__model_proto__get_packed_size(&m);
    at = arena_alloc(a, bytes.len + 1, 1);
    onnx__model_proto__pack(&m, at);
    bytes.at = at;
    return bytes;
}
