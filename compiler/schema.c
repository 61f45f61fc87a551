/*
 * schema.c: a JSON Schema (draft 07) of the model format, for editors.
 *
 * Layers, losses, metrics and optimizers come from the ops' records, and
 * initializers from their table.  A schema sees one value at a time: what names
 * stand for, and whether shapes fit, only the reader knows.
 */
#include "compiler/model.h"
#include "compiler/plancl_compile.h"

/* What does not depend on ops.  An expression may stand for any attribute. */
static const char head[] =
    "{\n"
    "\"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
    "\"title\": \"plancl model\",\n"
    "\"type\": \"object\",\n"
    "\"required\": [\"plancl\", \"name\", \"inputs\", \"layers\", "
    "\"outputs\"],\n"
    "\"additionalProperties\": false,\n"
    "\"properties\": {\n"
    "\"plancl\": {\"const\": 1, \"description\": \"version of the format\"},\n"
    "\"name\": {\"$ref\": \"#/definitions/name\"},\n"
    "\"doc\": {},\n"
    "\"dims\": {\"type\": \"object\", \"propertyNames\": {\"pattern\": "
    "\"^[A-Za-z_][A-Za-z0-9_]*$\", \"not\": {\"const\": \"i\"}}, "
    "\"additionalProperties\": {\"type\": \"integer\", \"minimum\": 1, "
    "\"maximum\": 2147483647}},\n"
    "\"inputs\": {\"type\": \"object\", \"propertyNames\": {\"$ref\": "
    "\"#/definitions/name\"}, \"additionalProperties\": {\"$ref\": "
    "\"#/definitions/input\"}},\n"
    "\"blocks\": {\"type\": \"object\", \"propertyNames\": {\"allOf\": "
    "[{\"$ref\": \"#/definitions/name\"}, {\"not\": {\"$ref\": "
    "\"#/definitions/op\"}}]}, "
    "\"additionalProperties\": {\"$ref\": \"#/definitions/block\"}},\n"
    "\"layers\": {\"$ref\": \"#/definitions/layers\"},\n"
    "\"outputs\": {\"type\": \"object\", \"minProperties\": 1, "
    "\"propertyNames\": {\"$ref\": \"#/definitions/name\"}, "
    "\"additionalProperties\": {\"type\": \"string\"}},\n"
    "\"training\": {\"$ref\": \"#/definitions/training\"}\n"
    "},\n"
    "\"definitions\": {\n"
    "\"name\": {\"type\": \"string\", \"pattern\": \"^[A-Za-z0-9_.-]+$\", "
    "\"maxLength\": 200},\n"
    "\"expression\": {\"type\": \"string\", \"pattern\": \"[$]\"},\n"
    "\"int\": {\"anyOf\": [{\"type\": \"integer\", \"minimum\": -2147483647, "
    "\"maximum\": 2147483647}, {\"$ref\": \"#/definitions/expression\"}]},\n"
    "\"count\": {\"anyOf\": [{\"type\": \"integer\", \"minimum\": 1, "
    "\"maximum\": 50000}, {\"$ref\": \"#/definitions/expression\"}]},\n"
    "\"float\": {\"anyOf\": [{\"type\": \"number\"}, {\"$ref\": "
    "\"#/definitions/expression\"}]},\n"
    "\"penalty\": {\"anyOf\": [{\"type\": \"number\", \"minimum\": 0}, "
    "{\"$ref\": \"#/definitions/expression\"}]},\n"
    "\"bool\": {\"anyOf\": [{\"type\": \"boolean\"}, {\"$ref\": "
    "\"#/definitions/expression\"}]},\n"
    "\"string\": {\"type\": \"string\"},\n"
    "\"ints\": {\"anyOf\": [{\"type\": \"array\", \"items\": {\"$ref\": "
    "\"#/definitions/int\"}}, {\"$ref\": \"#/definitions/expression\"}]},\n"
    "\"tensor\": {\"anyOf\": [{\"type\": \"number\"}, {\"type\": \"array\", "
    "\"minItems\": 1, \"items\": {\"$ref\": \"#/definitions/tensor\"}}, "
    "{\"$ref\": \"#/definitions/expression\"}]},\n"
    "\"names\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}},\n"
    "\"input\": {\"type\": \"object\", \"required\": [\"shape\"], "
    "\"additionalProperties\": false, \"properties\": {\"doc\": {}, "
    "\"shape\": {\"type\": \"array\", \"maxItems\": 8, \"items\": {\"anyOf\": "
    "[{\"type\": \"integer\", \"minimum\": 1, \"maximum\": 2147483647}, "
    "{\"type\": \"string\"}]}}, \"dtype\": {\"enum\": [\"f32\", \"f16\", "
    "\"i32\", \"i64\", \"u8\", \"i8\", \"bool\"]}}},\n"
    "\"block\": {\"type\": \"object\", \"required\": [\"inputs\", "
    "\"layers\"], \"additionalProperties\": false, \"properties\": {\"doc\": "
    "{}, \"args\": {\"type\": \"array\", \"items\": {\"type\": \"string\", "
    "\"pattern\": \"^[A-Za-z_][A-Za-z0-9_]*$\", \"not\": {\"enum\": "
    "[\"i\", \"name\", \"op\", \"inputs\", \"repeat\", \"trainable\", "
    "\"doc\", \"l1\", \"l2\", \"initializer\"]}}}, \"inputs\": {\"type\": "
    "\"array\", \"items\": {\"$ref\": \"#/definitions/name\"}}, \"layers\": "
    "{\"$ref\": \"#/definitions/layers\"}, \"outputs\": {\"anyOf\": "
    "[{\"type\": \"string\"}, {\"type\": \"array\", \"minItems\": 1, "
    "\"maxItems\": 8, \"items\": {\"type\": \"string\"}}]}}},\n"
    "\"layers\": {\"type\": \"array\", \"minItems\": 1, \"items\": {\"$ref\": "
    "\"#/definitions/layer\"}},\n"
    "\"training\": {\"type\": \"object\", \"required\": [\"loss\", "
    "\"optimizer\"], \"additionalProperties\": false, \"properties\": "
    "{\"doc\": {}, \"loss\": {\"type\": \"object\", \"if\": {\"properties\": "
    "{\"op\": {\"type\": \"string\"}}, \"required\": [\"op\"]}, \"then\": "
    "{\"$ref\": \"#/definitions/loss\"}, \"else\": {\"minProperties\": 1, "
    "\"propertyNames\": {\"$ref\": \"#/definitions/target\"}, "
    "\"additionalProperties\": {\"$ref\": \"#/definitions/term\"}}}, "
    "\"optimizer\": {\"$ref\": \"#/definitions/optimizer\"}, \"metrics\": "
    "{\"type\": \"object\", \"propertyNames\": {\"$ref\": "
    "\"#/definitions/target\"}, \"additionalProperties\": {\"$ref\": "
    "\"#/definitions/metric\"}}, \"clip_norm\": {\"type\": \"number\", "
    "\"exclusiveMinimum\": 0}}},\n"
    "\"target\": {\"allOf\": [{\"$ref\": \"#/definitions/name\"}, {\"not\": "
    "{\"enum\": [\"l1\", \"l2\"]}}]},\n"
    "\"rate\": {\"type\": \"number\", \"exclusiveMinimum\": 0},\n"
    "\"number\": {\"type\": \"number\"},\n"
    "\"label\": {\"anyOf\": [{\"$ref\": \"#/definitions/name\"}, {\"$ref\": "
    "\"#/definitions/expression\"}]}";

/* Ops by what they are for, and the keys that stand beside their attributes:
 * pairs of a key and a definition. */
struct kind {
    const char *name, *required, *key[6][2];
};

enum { LAYER, OWNER, LOSS, TERM, METRIC, OPTIMIZER, KINDS };

static const struct kind kinds[KINDS] = {
    [LAYER] = {"layer", "\"op\"", {{"name", "label"}, {"repeat", "count"}}},
    [OWNER] = {"layer",
               "\"op\"",
               {{"name", "label"},
                {"repeat", "count"},
                {"trainable", "bool"},
                {"initializer", "initializers"},
                {"l1", "penalty"},
                {"l2", "penalty"}}},
    [LOSS] = {"loss",
              "\"op\", \"inputs\"",
              {{"name", "target"}, {"weight", "number"}}},
    [TERM] = {"term", "\"op\", \"inputs\"", {{"weight", "number"}}},
    [METRIC] = {"metric", "\"op\", \"inputs\"", {{NULL}}},
    [OPTIMIZER] = {"optimizer",
                   "\"op\", \"learning_rate\"",
                   {{"learning_rate", "rate"}}},
};

static bool belongs(const struct op *op, int kind)
{
    if (op->internal)
        return false;
    switch (kind) {
    case LAYER:
    case OWNER:
        return !op->is_loss && !op->is_metric && !op->is_optimizer &&
               (kind == OWNER) == (op->params != NULL);
    case METRIC:
        return op->is_loss || op->is_metric;
    case OPTIMIZER:
        return op->is_optimizer;
    default:
        return op->is_loss;
    }
}

/* ---- parts ---- */

static void add_string(struct text *t, const char *s)
{
    text_add(t, "\"");
    for (; *s; s++)
        text_add(t, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
    text_add(t, "\"");
}

static void add_attribute(struct text *t, const struct attr_spec *s)
{
    static const char *const kind[] = {"int",  "float", "string",
                                       "ints", "bool",  "tensor"};

    text_add(t, ",\n \"%s\": {\"allOf\": [{\"$ref\": \"#/definitions/%s\"}], ",
             s->name, kind[s->kind]);
    text_add(t, "\"description\": ");
    add_string(t, s->doc);
    text_add(t, "}");
}

/* Everything that may stand beside "op". */
static void add_object(struct text *t, const struct op *op,
                       const struct kind *kind)
{
    text_add(t, "{\"description\": ");
    add_string(t, op->doc);
    text_add(t, ", \"required\": [%s", kind->required);
    for (int i = 0; i < op_attrs(op); i++)
        if (op->attr[i].required && !op->attr[i].hidden)
            text_add(t, ", \"%s\"", op->attr[i].name);
    text_add(t, "], \"additionalProperties\": false, \"properties\": {"
                "\"op\": {}, \"doc\": {}");
    if (!op->is_optimizer)
        text_add(t,
                 ", \"inputs\": {\"type\": \"array\", \"items\": {\"type\": "
                 "\"string\"}, \"minItems\": %d, \"maxItems\": %d}",
                 op->min_in, op->nin);
    for (int i = 0; i < 6 && kind->key[i][0]; i++)
        text_add(t, ", \"%s\": {\"$ref\": \"#/definitions/%s\"}",
                 kind->key[i][0], kind->key[i][1]);
    for (int i = 0; i < op_attrs(op); i++)
        if (!op->attr[i].hidden)
            add_attribute(t, &op->attr[i]);
    text_add(t, "}}");
}

/* {"if": the op has this name, "then": its object} for all of a kind. */
static void add_choices(struct text *t, int kind, bool *first)
{
    for (unsigned i = 0; op_at(i); i++) {
        const struct op *op = op_at(i);

        if (!belongs(op, kind))
            continue;
        text_add(t,
                 "%s\n{\"if\": {\"properties\": {\"op\": {\"const\": \"%s\"}}, "
                 "\"required\": [\"op\"]}, \"then\": ",
                 *first ? "" : ",", op->name);
        add_object(t, op, &kinds[kind]);
        text_add(t, "}");
        *first = false;
    }
}

/* Names of all ops that do, or do not, belong to the kind. */
static void add_names(struct text *t, int kind, bool belonging)
{
    bool first = true;

    text_add(t, "[");
    for (unsigned i = 0; op_at(i); i++) {
        bool is = kind < 0 || belongs(op_at(i), kind) ||
                  (kind == LAYER && belongs(op_at(i), OWNER));

        if (is != belonging)
            continue;
        text_add(t, "%s\"%s\"", first ? "" : ", ", op_at(i)->name);
        first = false;
    }
    text_add(t, "]");
}

/* ---- definitions ---- */

static void add_initializers(struct text *t)
{
    struct initializer_form form;

    text_add(t, ",\n\"initializers\": {\"type\": \"object\", "
                "\"additionalProperties\": {\"anyOf\": [{\"$ref\": "
                "\"#/definitions/expression\"}");
    for (unsigned i = 0; initializer_at(i, &form); i++) {
        if (!form.required)
            text_add(t, ",\n{\"const\": \"%s\"}", form.name);
        text_add(t,
                 ",\n{\"type\": \"object\", \"required\": [\"op\"%s%s%s], "
                 "\"additionalProperties\": false, \"properties\": {\"op\": "
                 "{\"const\": \"%s\"}",
                 form.required ? ", \"" : "", form.required ? form.arg[0] : "",
                 form.required ? "\"" : "", form.name);
        for (int k = 0; k < 2 && form.arg[k]; k++)
            text_add(t, ", \"%s\": {\"$ref\": \"#/definitions/float\"}",
                     form.arg[k]);
        text_add(t, "}}");
    }
    text_add(t, "]}}");
}

/* A layer whose op is none is a call of a block, or its name is an expression;
 * the reader knows which there are. */
static void add_layer(struct text *t)
{
    bool first = true;

    text_add(t, ",\n\"layer\": {\"type\": \"object\", \"required\": [\"op\"], "
                "\"properties\": {\"op\": {\"type\": \"string\", "
                "\"anyOf\": [{\"enum\": ");
    add_names(t, LAYER, true);
    text_add(t, "}, {\"not\": {\"enum\": ");
    add_names(t, LAYER, false);
    text_add(t, "}}]}, \"name\": {\"$ref\": \"#/definitions/label\"}, "
                "\"inputs\": {\"$ref\": "
                "\"#/definitions/names\"}, \"repeat\": {\"$ref\": "
                "\"#/definitions/count\"}}, \"allOf\": [");
    add_choices(t, LAYER, &first);
    add_choices(t, OWNER, &first);
    text_add(t, "\n]}");
}

static void add_target(struct text *t, int kind)
{
    bool first = true;

    text_add(t,
             ",\n\"%s\": {\"type\": \"object\", \"required\": [%s], "
             "\"properties\": {\"op\": {\"enum\": ",
             kinds[kind].name, kinds[kind].required);
    add_names(t, kind, true);
    text_add(t, "}}, \"allOf\": [");
    add_choices(t, kind, &first);
    text_add(t, "\n]}");
}

void plancl_schema(void *context, void (*line)(void *context, const char *text))
{
    struct arena arena;
    jmp_buf out_of_memory;
    struct text t = {.arena = &arena};

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory) == 0) {
        text_add(&t, "%s", head);
        text_add(&t, ",\n\"op\": {\"enum\": ");
        add_names(&t, -1, true);
        text_add(&t, "}");
        add_initializers(&t);
        add_layer(&t);
        for (int kind = LOSS; kind < KINDS; kind++)
            add_target(&t, kind);
        text_add(&t, "\n}\n}");
        line(context, t.s);
    }
    arena_close(&arena);
}
