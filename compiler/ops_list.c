/* ops_list.c: the reference of the ops, printed from their records. */
#include "compiler/op.h"
#include "compiler/plancl_compile.h"

static const char *kind_name(enum attr_kind k)
{
    static const char *const name[] = {"int",  "float", "string",
                                       "ints", "bool",  "tensor"};
    return name[k];
}

static void print_default(struct text *t, const struct attr_spec *s)
{
    if (s->required)
        text_add(t, "required");
    else if (s->kind == ATTR_FLOAT)
        text_add(t, "default %g", s->dflt.f);
    else if (s->kind == ATTR_STRING)
        text_add(t, "default \"%s\"", s->dflt.s ? s->dflt.s : "");
    else if (s->kind == ATTR_BOOL)
        text_add(t, "default %s", s->dflt.i ? "true" : "false");
    else if (s->kind == ATTR_INT && s->dflt.i == INT64_MIN)
        text_add(t, "default none");
    else if (s->kind == ATTR_INT)
        text_add(t, "default %lld", (long long)s->dflt.i);
    else
        text_add(t, "optional");
}

static const char *role(const struct op *op)
{
    if (op->is_loss)
        return "loss";
    if (op->is_metric)
        return "metric";
    if (op->is_optimizer)
        return "optimizer";
    return op->params ? "layer" : "op";
}

/* A composite trains through the ops that it is built from. */
static bool trains(const struct op *op)
{
    return op->grad || op->build;
}

static void print_op(struct text *t, const struct op *op)
{
    text_add(t, "%s  (%s", op->name, role(op));
    if (op->min_in == op->nin)
        text_add(t, ", %d operand%s", op->nin, op->nin == 1 ? "" : "s");
    else
        text_add(t, ", %d to %d operands", op->min_in, op->nin);
    if (op->types)
        text_add(t, ", %s", op->types);
    text_add(t, "%s)\n    %s\n",
             op->is_optimizer || op->is_metric ? ""
             : trains(op)                      ? ", trains"
                                               : ", no gradient",
             op->doc);
    for (int i = 0; op->attr && op->attr[i].name; i++) {
        const struct attr_spec *s = &op->attr[i];

        if (s->hidden)
            continue;
        text_add(t, "    %-18s %-7s ", s->name, kind_name(s->kind));
        print_default(t, s);
        text_add(t, "; %s\n", s->doc);
    }
}

static void list(bool internal, void *context,
                 void (*line)(void *context, const char *text))
{
    struct arena arena;
    jmp_buf out_of_memory;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory) == 0)
        for (unsigned i = 0; op_at(i); i++) {
            struct text t = {.arena = &arena};

            if (op_at(i)->internal != internal)
                continue;
            print_op(&t, op_at(i));
            line(context, t.s);
        }
    arena_close(&arena);
}

void plancl_ops(void *context, void (*line)(void *context, const char *text))
{
    list(false, context, line);
}

void plancl_internal_ops(void *context,
                         void (*line)(void *context, const char *text))
{
    list(true, context, line);
}
