/*
 * lower.c: from nodes to steps.
 *
 * A sequence gets the nodes that its assignments need, in graph order.  Leaves
 * are the first buffers and have the same numbers in every sequence; every
 * other value gets a transient of its own; a view has its operand's.
 *
 * Kernels are chosen here, by the problem and the device alone; what comes
 * after may order, repeat and place steps, but never changes a launch.
 */
#include "compiler/lower.h"

#include <string.h>

#include "kernels/pointwise.h"

static void *grown(struct arena *a, const void *old, int len, int *cap,
                   size_t size)
{
    void *p;

    *cap = *cap ? 2 * *cap : 64;
    p = arena_alloc(a, (size_t)*cap, size);
    if (len)
        memcpy(p, old, (size_t)len * size);
    return p;
}

static int add_buffer(struct lower *lo, struct buffer b)
{
    struct steps *s = lo->steps;

    if (s->nbuffer == s->cap_buffer)
        s->buffer = grown(lo->arena, s->buffer, s->nbuffer, &s->cap_buffer,
                          sizeof *s->buffer);
    s->buffer[s->nbuffer] = b;
    return s->nbuffer++;
}

static struct step *add_step(struct lower *lo)
{
    struct steps *s = lo->steps;

    if (s->n == s->cap)
        s->step = grown(lo->arena, s->step, s->n, &s->cap, sizeof *s->step);
    return &s->step[s->n++];
}

static int transient(struct lower *lo, const struct type *t, const char *name)
{
    return add_buffer(lo, (struct buffer){.kind = PLAN_TRANSIENT,
                                          .dtype = t->dtype,
                                          .bytes = type_bytes(t),
                                          .name = name});
}

static struct use use_of(const struct lower *lo, int buffer, unsigned access)
{
    return (struct use){buffer, access, 0, lo->steps->buffer[buffer].bytes, 0};
}

/* Take the candidate that a test asks for, or the most efficient. */
static const struct kernel *choose(struct lower *lo,
                                   const struct kernel *family,
                                   const void *problem, struct launch *l)
{
    if (lo->candidate < 0)
        return kernel_choose(family, problem, lo->device, l);
    for (int i = 0; family[i].name; i++) {
        if (i != lo->candidate)
            continue;
        if (!kernel_try(&family[i], problem, lo->device, l))
            break;
        return &family[i];
    }
    lo->lacking = true;
    return kernel_choose(family, problem, lo->device, l);
}

/* As many elements, and as large?  A broadcast f32 can have the bytes of a
 * result that is bool. */
static bool same_elements(const struct lower *lo, const struct use *a,
                          const struct use *b)
{
    const struct buffer *buffer = lo->steps->buffer;

    return a->bytes == b->bytes && dtype_bytes(buffer[a->buffer].dtype) ==
                                       dtype_bytes(buffer[b->buffer].dtype);
}

/*
 * Which of the step's reads may share the memory of result k: those that the op
 * names, or any of a pointwise op; with the result's elements, since each is
 * then read before it is written.  Bit k is the k-th use of the step, which
 * counts given operands only.
 */
static unsigned over_mask(const struct lower *lo, const struct node *n,
                          const struct step *s, int k, const struct use *out)
{
    bool any = n->op->formula || n->op == &op_Fused;
    unsigned mask = 0;
    int at = 0;

    for (int j = 0; j < n->nin; j++) {
        if (!n->in[j].id)
            continue;
        if ((any || n->op->inplace[k] == j + 1) &&
            same_elements(lo, &s->use[at], out))
            mask |= 1U << at;
        at++;
    }
    return mask;
}

/* Reads first, then writes, in the order in which the kernel has its arguments.
 * Results of one node have neighbouring numbers: lower_node() counts on it for
 * Result. */
static void set_uses(struct lower *lo, const struct node *n, struct step *s)
{
    int first, at = 0;

    s->use = ARENA_NEW(lo->arena, struct use, (size_t)(n->nin + n->nout + 1));
    for (int k = 0; k < n->nin; k++)
        if (n->in[k].id)
            s->use[at++] = use_of(lo, lo->buffer[n->in[k].id], PLAN_READ);
    first = lo->steps->nbuffer;
    for (int k = 0; k < n->nout; k++)
        transient(lo, n->op->nout ? &n->out[k] : &n->type,
                  n->path ? n->path : n->op->name);
    for (int k = 0; k < n->nout; k++, at++) {
        s->use[at] = use_of(lo, first + k, PLAN_WRITE);
        s->use[at].over = over_mask(lo, n, s, k, &s->use[at]);
    }
    s->nuse = at;
}

void lower_call(struct lower *lo, const struct kernel *family,
                const void *problem, const struct node *n)
{
    struct launch *l = ARENA_NEW(lo->arena, struct launch, 1);
    struct step *s = add_step(lo);

    *s = (struct step){.launch = l,
                       .at = n->at,
                       .path = n->path,
                       .node = lo->node,
                       .update = lo->update};
    if (!s->path)
        s->path = n->op->name;
    s->kernel = choose(lo, family, problem, l)->name;
    s->seconds = launch_seconds(l, lo->device);
    set_uses(lo, n, s);
    if (!l->workspace)
        return;
    s->use[s->nuse] = use_of(
        lo,
        add_buffer(lo, (struct buffer){.kind = PLAN_WORKSPACE,
                                       .dtype = DT_F32,
                                       .bytes = l->workspace,
                                       .name = s->path}),
        PLAN_READ | PLAN_WRITE);
    s->nuse++;
}

void lower_view(struct lower *lo, const struct node *n)
{
    lo->buffer[0] = lo->buffer[n->in[0].id];
}

void lower_copy(struct lower *lo, int from, int to)
{
    struct pointwise_problem *p = ARENA_NEW(lo->arena, struct pointwise_problem,
                                            1);
    const struct buffer *b = &lo->steps->buffer[from];
    struct launch *l = ARENA_NEW(lo->arena, struct launch, 1);
    struct step *s = add_step(lo);

    p->rank = p->nin = 1;
    p->dim[0] = (int64_t)(b->bytes / dtype_bytes(b->dtype));
    p->stride[0][0] = 1;
    p->in[0] = p->out = b->dtype;
    p->integer = b->dtype == DT_I32 || b->dtype == DT_I64;
    p->body = "      r = v0;\n";
    p->text = ARENA_NEW(lo->arena, char, POINTWISE_TEXT);
    *s = (struct step){.path = b->name, .launch = l};
    s->kernel = kernel_choose(kernels_pointwise, p, lo->device, l)->name;
    s->seconds = launch_seconds(l, lo->device);
    s->use = ARENA_NEW(lo->arena, struct use, 2);
    s->use[0] = use_of(lo, from, PLAN_READ);
    s->use[1] = use_of(lo, to, PLAN_WRITE);
    s->nuse = 2;
}

static void add_leaves(struct lower *lo)
{
    const struct graph *g = lo->graph;

    for (int id = 1; id < g->len; id++) {
        const struct node *n = g->node[id];

        if (!n->leaf)
            continue;
        lo->buffer[id] = add_buffer(
            lo, (struct buffer){.kind = n->leaf->kind,
                                .dtype = n->type.dtype,
                                .bytes = type_bytes(&n->type),
                                .name = n->leaf->name,
                                .leaf = id});
    }
    lo->steps->nleaf = lo->steps->nbuffer;
}

static void lower_node(struct lower *lo, int id)
{
    const struct node *n = lo->graph->node[id];
    int before;

    if (n->op == &op_Result) {
        lo->buffer[id] = lo->buffer[n->in[0].id] + (int)n->attr[0].i;
        return;
    }
    before = lo->steps->nbuffer;
    lo->buffer[0] = before;
    lo->node = id;
    lo->update = n->op->is_optimizer;
    n->op->lower(lo, n);
    lo->buffer[id] = lo->buffer[0];
}

/* A value can be made in one leaf's place only, and a leaf's content is never
 * another's: where either would be asked for, a transient copy is moved
 * instead. */
static void add_move(struct lower *lo, val leaf, val value)
{
    struct steps *s = lo->steps;
    int from = lo->buffer[value.id], to = lo->buffer[leaf.id];
    bool taken = from < s->nleaf;

    if (from == to)
        return;
    for (int i = 0; i < s->nmove; i++)
        taken |= s->move[i].value == from;
    if (taken) { /* a leaf itself, or wanted in two places */
        int copy = add_buffer(lo, s->buffer[from]);

        s->buffer[copy].kind = PLAN_TRANSIENT;
        s->buffer[copy].leaf = 0;
        lower_copy(lo, from, copy);
        from = copy;
    }
    if (s->nmove == s->cap_move)
        s->move = grown(lo->arena, s->move, s->nmove, &s->cap_move,
                        sizeof *s->move);
    s->move[s->nmove++] = (struct move){to, from};
}

/* Cost: one visit for each node.  All sequences number leaves alike, so one
 * memory map serves them all. */
struct steps *lower_sequence(const struct graph *g,
                             const struct device_info *device,
                             enum plan_sequence_id id, int candidate,
                             bool *lacking)
{
    bool *needed = graph_used(g, 1U << id);
    struct lower lo = {.graph = g,
                       .arena = g->arena,
                       .device = device,
                       .candidate = candidate};

    lo.steps = ARENA_NEW(g->arena, struct steps, 1);
    lo.steps->id = id;
    lo.buffer = ARENA_NEW(g->arena, int, (size_t)g->len);
    add_leaves(&lo);
    for (int i = 1; i < g->len; i++)
        if (needed[i] && !g->node[i]->leaf)
            lower_node(&lo, i);
    lo.update = false;
    for (int i = 0; i < g->nassign; i++)
        if (g->assign[i].sequences >> id & 1)
            add_move(&lo, g->assign[i].leaf, g->assign[i].value);
    if (lacking)
        *lacking = lo.lacking;
    return lo.steps;
}

static void print_use(const struct steps *s, const struct use *u,
                      struct text *out)
{
    text_add(out, " %s%s%d", u->access & PLAN_READ ? "r" : "",
             u->access & PLAN_WRITE ? "w" : "", u->buffer);
    if (u->buffer < s->nleaf)
        text_add(out, "=%s", s->buffer[u->buffer].name);
}

void steps_print(const struct steps *s, struct text *out)
{
    text_add(out,
             "sequence %s: kernel, layer, buffers read (r) and written (w); "
             "those below %d are leaves, and have names\n",
             plan_sequence_name(s->id), s->nleaf);
    for (int i = 0; i < s->n; i++) {
        const struct step *t = &s->step[i];

        text_add(out, "%4d %-24s %-24s", i, t->kernel, t->path);
        for (int k = 0; k < t->nuse; k++)
            print_use(s, &t->use[k], out);
        text_add(out, "\n");
    }
    for (int i = 0; i < s->nmove; i++)
        text_add(out, "%s <- %d\n", s->buffer[s->move[i].leaf].name,
                 s->move[i].value);
}

const char *steps_verify(const struct steps *s, struct arena *arena)
{
    bool *written = ARENA_NEW(arena, bool, (size_t)s->nbuffer + 1);

    for (int b = 0; b < s->nleaf; b++)
        written[b] = true;
    for (int i = 0; i < s->n; i++) {
        const struct step *t = &s->step[i];

        for (int k = 0; k < t->nuse; k++) {
            const struct use *u = &t->use[k];

            if (u->access == PLAN_READ && !written[u->buffer])
                return arena_format(arena,
                                    "step %d %s reads buffer %d before "
                                    "it is written",
                                    i, t->kernel, u->buffer);
            if (u->access == PLAN_WRITE && written[u->buffer] &&
                u->buffer >= s->nleaf)
                return arena_format(arena, "step %d %s writes buffer %d again",
                                    i, t->kernel, u->buffer);
        }
        for (int k = 0; k < t->nuse; k++)
            if (t->use[k].access & PLAN_WRITE)
                written[t->use[k].buffer] = true;
    }
    return NULL;
}
