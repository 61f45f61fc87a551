/*
 * model_layers.c: a list of layers becomes nodes, in order.
 *
 * A layer without inputs takes the one before it.  With `repeat` it stands for a
 * chain of copies: from the second on, a copy takes the result of the copy
 * before in place of its first input (a block: its results in place of its first
 * inputs).
 */
#include "compiler/model.h"

#include <ctype.h>
#include <string.h>

static const char *const plain_keys[] = {"name",   "op",  "inputs",
                                         "repeat", "doc", NULL};
static const char *const param_keys[] = {
    "name",      "op",          "inputs", "repeat", "doc",
    "trainable", "initializer", "l1",     "l2",     NULL};
static const char *const call_keys[] = {"name", "op",        "inputs", "repeat",
                                        "doc",  "trainable", NULL};

/* Copies of one layer. */
struct chain {
    bool repeated;
    const struct value *before; /* the copy before, or null */
    val first;                  /* first input as the model gives it */
};

static bool layer_op(struct model *m, struct layer *l, const struct json *name)
{
    const char *belongs = NULL;

    l->op = op_named(m, name);
    if (!l->op)
        return false;
    if (l->op->is_optimizer)
        belongs = "an optimizer: it belongs in training.optimizer";
    else if (l->op->is_loss)
        belongs = "a loss: it belongs in training.loss";
    else if (l->op->is_metric)
        belongs = "a metric: it belongs in training.metrics";
    if (belongs)
        return model_reject(m, &name->at, "%s is %s", l->op->name, belongs);
    l->keys = l->op->params ? param_keys : plain_keys;
    return true;
}

/* Which op or block the layer is. */
static bool layer_kind(struct model *m, const struct scope *s, struct layer *l)
{
    const struct json *name = need_member(m, l->json, "op");

    if (name)
        name = expr_resolve(m, s, name);
    if (!name || !check_kind(m, name, JSON_STRING, "\"op\""))
        return false;
    l->block = json_member(json_member(m->root, "blocks"), name->string);
    if (!l->block)
        return layer_op(m, l, name);
    l->keys = call_keys;
    return true;
}

/* An unnamed layer is its op's name in lower case, and a number. */
static const char *counted_name(struct model *m, struct scope *s,
                                const struct layer *l)
{
    const char *op = l->op ? l->op->name : l->block->key;
    char *low = arena_string(m->g->arena, op);
    int *count;

    for (char *c = low; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    count = names_find(&s->counter, low);
    if (!count) {
        count = ARENA_NEW(m->g->arena, int, 1);
        names_add(&s->counter, low, count);
    }
    return arena_format(m->g->arena, "%s%d", low, ++*count);
}

static bool layer_name(struct model *m, struct scope *s, struct layer *l,
                       const struct chain *c)
{
    const struct json *j = json_member(l->json, "name");
    const char *name;

    if (!j) {
        l->path = path_join(m, s->path, counted_name(m, s, l));
        return true;
    }
    if (!check_kind(m, j, JSON_STRING, "\"name\""))
        return false;
    name = expr_text(m, s, j);
    if (!name)
        return false;
    if (c->repeated && !strchr(j->string, '$'))
        name = arena_format(m->g->arena, "%s%d", name, (int)s->i);
    if (!check_name(m, &j->at, name))
        return false;
    l->path = path_join(m, s->path, name);
    return strlen(l->path) <= 4 * MODEL_MAX_NAME ||
           model_reject(m, &j->at, "the path \"%.60s...\" is too long",
                        l->path);
}

static bool default_input(struct model *m, const struct scope *s,
                          struct layer *l)
{
    const struct json *names = json_member(l->block, "inputs");
    int most = l->op ? l->op->min_in : names->count;
    val *in = ARENA_NEW(m->g->arena, val, 1);

    if (most == 0)
        return true;
    if (!s->last)
        return model_reject(m, &l->json->at,
                            "has no \"inputs\", and there is no layer and no "
                            "single input before it");
    in[0] = s->last->v[0];
    l->in = in;
    l->nin = 1;
    return true;
}

/* The copy before takes the place of what the model gives. */
static bool chain_inputs(struct model *m, const struct layer *l,
                         struct chain *c, val *in)
{
    int n = l->block ? c->before->nout : 1;

    if (in[0].id != c->first.id)
        return model_reject(m, &l->json->at,
                            "the first input of a repeated layer is the copy "
                            "before it, so it cannot change with $i");
    for (int k = 0; k < n && k < l->nin; k++)
        in[k] = c->before->v[k];
    return true;
}

static bool layer_inputs(struct model *m, const struct scope *s,
                         struct layer *l, struct chain *c)
{
    const struct json *list = json_member(l->json, "inputs");
    val *in;

    if (!list)
        return default_input(m, s, l);
    if (!inputs_read(m, s, list, &in, &l->nin))
        return false;
    l->in = in;
    if (!l->nin)
        return true;
    if (c->before)
        return chain_inputs(m, l, c, in);
    c->first = in[0];
    return true;
}

/* Inside a block of `trainable` false nothing trains, whatever its layers
 * say. */
static bool layer_trainable(struct model *m, const struct scope *s,
                            struct layer *l)
{
    const struct json *j = json_member(l->json, "trainable");

    l->frozen = s->frozen;
    if (!j || !key_listed(l->keys, "trainable"))
        return true;
    j = expr_resolve(m, s, j);
    if (!j || !check_kind(m, j, JSON_BOOL, "\"trainable\""))
        return false;
    l->frozen = s->frozen || j->number == 0;
    return true;
}

/* "2 inputs", "1 to 3 inputs" */
static bool inputs_fit(struct model *m, const struct layer *l)
{
    const struct op *op = l->op;
    const char *range = arena_format(m->g->arena, "%d", op->min_in);

    if (l->nin >= op->min_in && l->nin <= op->nin)
        return true;
    if (op->nin > op->min_in)
        range = arena_format(m->g->arena, "%d to %d", op->min_in, op->nin);
    return model_reject(m, &l->json->at, "%s takes %s input%s, got %d",
                        op->name, range, op->nin == 1 ? "" : "s", l->nin);
}

static bool required_given(struct model *m, const struct layer *l)
{
    for (int k = 0; k < l->op->min_in; k++)
        if (!l->in[k].id)
            return model_reject(m, &l->json->at,
                                "%s cannot do without input %d", l->op->name,
                                k);
    return true;
}

static bool add_node(struct model *m, const struct layer *l, const val *in,
                     int nin, const union attr *attr, struct value *out)
{
    const struct op *op = l->op;
    val node;

    if (op->build)
        return op->build(m->g, in, nin, attr, out->v);
    node = graph_add(m->g, op, in, nin, attr);
    if (!node.id)
        return m->g->diag->failed
                   ? false
                   : reject_here(m->g, "%s was refused", op->name);
    out->v[0] = node;
    for (int k = 0; op->nout && k < graph_node(m->g, node)->nout; k++)
        out->v[k] = graph_result(m->g, node, k);
    return true;
}

bool layer_build(struct model *m, const struct scope *s, struct layer *l,
                 struct value *out)
{
    const union attr *attr = attr_read(m, s, l->op, l->json, l->keys);
    int nin = l->nin;
    val *in;

    l->attr = attr;
    if (!attr || !inputs_fit(m, l) || !required_given(m, l))
        return false;
    in = ARENA_NEW(m->g->arena, val, (size_t)l->op->nin + 1);
    for (int k = 0; k < nin; k++)
        in[k] = l->in[k];
    m->g->at = l->json->at;
    m->g->path = l->path;
    if (l->op->params)
        nin = params_add(m, s, l, attr, in);
    if (nin < 0)
        return false;
    out->nout = l->op->nout ? l->op->nout : 1;
    if (!add_node(m, l, in, nin, attr, out) || m->g->diag->failed)
        return false;
    while (out->nout > 1 && !out->v[out->nout - 1].id)
        out->nout--;
    for (int k = 0; k < out->nout; k++)
        if (out->v[k].id &&
            !check_size(m, type_of(m->g, out->v[k]), "the result"))
            return false;
    return !m->watch || m->watch->layer(m->watch, l, in, nin, out);
}

/* One layer, or one copy of a repeated one.  The name is taken before the layer
 * is built, with no results yet, so that the layer's own mistakes name the
 * place and a second layer of that name is refused. */
static bool layer_read(struct model *m, struct scope *s, const struct json *j,
                       struct chain *c)
{
    struct layer l = {.json = j};
    struct value v = {.owner = s, .at = j->at};
    struct value *own;
    bool good;

    if (++m->layers > MODEL_MAX_LAYERS)
        return model_reject(m, &j->at, "more than %d layers", MODEL_MAX_LAYERS);
    if (!layer_kind(m, s, &l) || !layer_name(m, s, &l, c))
        return false;
    m->g->path = l.path;
    if (!layer_inputs(m, s, &l, c) || !layer_trainable(m, s, &l))
        return false;
    own = value_add(m, l.path, &v);
    if (!own)
        return false;
    good = l.block ? block_call(m, s, &l, &v) : layer_build(m, s, &l, &v);
    if (!good)
        return false;
    *own = v;
    s->last = own;
    c->before = own;
    return true;
}

static bool repeat_count(struct model *m, const struct scope *s,
                         const struct json *repeat, int64_t *n)
{
    const struct json *j = expr_resolve(m, s, repeat);

    if (!j || !check_int(m, j, "\"repeat\"", 1, n))
        return false;
    return *n <= MODEL_MAX_LAYERS ||
           model_reject(m, &j->at, "\"repeat\" is %lld, wanted 1 to %d",
                        (long long)*n, MODEL_MAX_LAYERS);
}

/* What messages call a layer whose name is not known yet. */
static const char *label(struct model *m, const struct scope *s,
                         const struct json *j, int number)
{
    const struct json *name = json_member(j, "name");

    if (name && name->kind == JSON_STRING && *name->string)
        return path_join(m, s->path,
                         arena_format(m->g->arena, "%.60s", name->string));
    return path_join(m, s->path, arena_format(m->g->arena, "layer %d", number));
}

static bool entry_read(struct model *m, struct scope *s, const struct json *j)
{
    const struct json *repeat;
    struct chain c = {false, NULL, {0}};
    int64_t n = 1;

    if (!check_kind(m, j, JSON_OBJECT, "a layer"))
        return false;
    repeat = json_member(j, "repeat");
    if (repeat && !repeat_count(m, s, repeat, &n))
        return false;
    c.repeated = repeat;
    for (int64_t i = 1; i <= n; i++) {
        s->repeating = c.repeated;
        s->i = i;
        if (!layer_read(m, s, j, &c))
            return false;
    }
    s->repeating = false;
    return true;
}

bool layers_read(struct model *m, struct scope *s, const struct json *list)
{
    int number = 0;

    if (!check_kind(m, list, JSON_ARRAY, "\"layers\""))
        return false;
    if (!list->count)
        return model_reject(m, &list->at, "\"layers\" is empty");
    s->layers = list;
    for (const struct json *j = list->child; j; j = j->next) {
        m->g->path = label(m, s, j, ++number);
        if (!entry_read(m, s, j))
            return false;
    }
    return true;
}
