/* graph_print.c: a graph as text, one node a line, for dumps and tests. */
#include "compiler/fused.h"
#include "compiler/graph.h"
#include "compiler/op.h"

static void print_type(struct text *out, const struct type *t)
{
    text_add(out, "%s[", dtype_name(t->dtype));
    for (int i = 0; i < t->rank; i++)
        text_add(out, "%s%lld%s", i ? "," : "", (long long)t->dim[i],
                 t->batch == i + 1 ? "n" : "");
    text_add(out, "]");
}

static bool same_attr(const struct attr_spec *s, const union attr *a)
{
    switch (s->kind) {
    case ATTR_INT:
    case ATTR_BOOL:
        return a->i == s->dflt.i;
    case ATTR_FLOAT:
        return a->f == s->dflt.f;
    case ATTR_STRING:
        return a->s == s->dflt.s;
    case ATTR_INTS:
        return !a->ints.n;
    default:
        return true;
    }
}

static void print_attr(struct text *out, const struct attr_spec *s,
                       const union attr *a)
{
    if (same_attr(s, a))
        return;
    text_add(out, " %s=", s->name);
    if (s->kind == ATTR_FLOAT)
        text_add(out, "%.9g", a->f);
    else if (s->kind == ATTR_STRING)
        text_add(out, "%s", a->s ? a->s : "");
    else if (s->kind == ATTR_INTS)
        for (int i = 0; i < a->ints.n; i++)
            text_add(out, "%s%lld", i ? "," : "", (long long)a->ints.v[i]);
    else
        text_add(out, "%lld", (long long)a->i);
}

void op_print_attrs(const struct op *op, const union attr *a, struct text *out)
{
    for (int i = 0; op->attr && op->attr[i].name; i++)
        print_attr(out, &op->attr[i], &a[i]);
}

static void print_node(struct text *out, const struct graph *g, int id)
{
    const struct node *n = g->node[id];

    text_add(out, "%%%d = ", id);
    if (n->leaf)
        text_add(out, "%s \"%s\"%s", plan_kind_name(n->leaf->kind),
                 n->leaf->name, n->leaf->permuted ? " permuted" : "");
    else
        text_add(out, "%s", n->op->name);
    for (int k = 0; k < n->nin; k++)
        text_add(out, "%s%%%d", k ? ", " : " ", n->in[k].id);
    op_print_attrs(n->op, n->attr, out);
    if (n->op == &op_Fused || n->op == &op_Piece)
        fused_print(n->attr[0].fused, out);
    text_add(out, " :");
    for (int k = 0; k < n->nout; k++) {
        text_add(out, " ");
        print_type(out, n->op->nout ? &n->out[k] : &n->type);
    }
    if (n->path && !n->leaf)
        text_add(out, "  # %s", n->path);
    text_add(out, "\n");
}

void graph_print(const struct graph *g, struct text *out)
{
    for (int id = 1; id < g->len; id++)
        print_node(out, g, id);
    for (int i = 0; i < g->nassign; i++) {
        const struct assign *a = &g->assign[i];

        text_add(out, "%s <- %%%d in", graph_node(g, a->leaf)->leaf->name,
                 a->value.id);
        for (int s = 0; s < SEQ_KINDS; s++)
            if (a->sequences >> s & 1)
                text_add(out, " %s",
                         plan_sequence_name((enum plan_sequence_id)s));
        text_add(out, "\n");
    }
}
