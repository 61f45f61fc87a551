/*
 * gather_nd.c: GatherND and ScatterND as in ONNX: the last dimension of the
 * indices names a place in the first dimensions of the data (behind those of
 * the batch), whose other dimensions are picked or written together.
 */
#include "compiler/ops/pick.h"

enum { BATCH_DIMS };
enum { DATA, INDICES, UPDATES };

static const struct attr_spec gather_attrs[] = {
    [BATCH_DIMS] = {"batch_dims",
                    ATTR_INT,
                    {0},
                    "first dimensions that indices and data share",
                    false,
                    false},
    {0},
};

enum { REDUCTION };

static const struct attr_spec scatter_attrs[] = {
    [REDUCTION] = {"reduction",
                   ATTR_STRING,
                   {.s = "none"},
                   "none, add or mul: what an update does",
                   false,
                   false},
    {0},
};

/* Data and indices as [outer, places, inner] and [outer, count, rank], and the
 * shape of what is picked. */
struct parts {
    struct pick pick;
    int64_t outer, places, count, inner;
    struct type picked;
};

/* `shared` is batch_dims.  Samples may only be its first dimension, of both,
 * or a sample could pick another's data. */
static bool ranks_fit(struct graph *g, const struct type *x,
                      const struct type *index, int shared)
{
    int last = index->rank - 1;

    if (!pick_index_fits(g, index))
        return false;
    if (shared < 0 || shared > last || shared >= x->rank)
        return reject_here(g, "batch_dims is %d for data %s and indices %s",
                           shared, type_text(g->arena, x),
                           type_text(g->arena, index));
    if (index->dim[last] < 1 || index->dim[last] > x->rank - shared)
        return reject_here(g, "indices %s have %lld coordinates in data %s",
                           type_text(g->arena, index),
                           (long long)index->dim[last], type_text(g->arena, x));
    for (int d = 0; d < shared; d++)
        if (x->dim[d] != index->dim[d])
            return reject_here(g,
                               "data %s and indices %s are not the same in "
                               "dimension %d",
                               type_text(g->arena, x),
                               type_text(g->arena, index), d);
    if (x->batch == index->batch && x->batch <= (shared ? 1 : 0))
        return true;
    return reject_here(g,
                       "data %s and indices %s: samples must be in the first "
                       "of batch_dims, of both",
                       type_text(g->arena, x), type_text(g->arena, index));
}

/* Of x's dimensions the first `shared` are outer, as many as an index has
 * coordinates are places, the rest inner. */
static bool split(struct graph *g, const struct type *x,
                  const struct type *index, int shared, struct parts *p)
{
    int last = index->rank - 1, rank;

    *p = (struct parts){.outer = 1, .places = 1, .count = 1, .inner = 1};
    if (!ranks_fit(g, x, index, shared))
        return false;
    rank = (int)index->dim[last];
    p->pick = (struct pick){.form = PICK_ROWS, .rank = rank};
    p->picked = (struct type){.dtype = x->dtype, .batch = x->batch};
    if (last + x->rank - shared - rank > MAX_RANK)
        return reject_here(g, "the result has more than %d dimensions",
                           MAX_RANK);
    for (int d = 0; d < last; d++) {
        *(d < shared ? &p->outer : &p->count) *= index->dim[d];
        p->picked.dim[p->picked.rank++] = index->dim[d];
    }
    for (int d = shared; d < shared + rank; d++) {
        p->pick.dim[d - shared] = x->dim[d];
        p->places *= x->dim[d];
    }
    for (int d = shared + rank; d < x->rank; d++) {
        p->inner *= x->dim[d];
        p->picked.dim[p->picked.rank++] = x->dim[d];
    }
    return true;
}

static val flat(struct graph *g, val x, int64_t outer, int64_t middle,
                int64_t inner)
{
    return val_reshape(g, x, (int64_t[]){outer, middle, inner}, 3,
                       type_of(g, x)->batch);
}

static bool gather_build(struct graph *g, const val *in, int nin,
                         const union attr *attr, val *y)
{
    struct parts p;
    val x, index;

    (void)nin;
    if (!split(g, type_of(g, in[DATA]), type_of(g, in[INDICES]),
               (int)attr[BATCH_DIMS].i, &p))
        return false;
    x = flat(g, in[DATA], p.outer, p.places, p.inner);
    index = flat(g, in[INDICES], p.outer, p.count, p.pick.rank);
    y[0] = val_pick(g, &p.pick, x, index);
    y[0] = val_reshape(g, y[0], p.picked.dim, p.picked.rank, p.picked.batch);
    return y[0].id != 0;
}

/* ScatterND has no batch_dims, so data with samples is refused. */
static bool scatter_build(struct graph *g, const val *in, int nin,
                          const union attr *attr, val *y)
{
    const struct type x = *type_of(g, in[DATA]);
    const struct type *u = type_of(g, in[UPDATES]);
    enum pick_reduction reduction;
    struct parts p;

    (void)nin;
    if (!pick_reduction_read(g, attr[REDUCTION].s, &reduction) ||
        !split(g, &x, type_of(g, in[INDICES]), 0, &p))
        return false;
    if (!type_equal(u, &p.picked))
        return reject_here(g, "updates are %s %s, wanted %s %s",
                           dtype_name(u->dtype), type_text(g->arena, u),
                           dtype_name(x.dtype), type_text(g->arena, &p.picked));
    y[0] = val_place(
        g, &p.pick, reduction,
        (val[]){flat(g, in[DATA], p.outer, p.places, p.inner),
                flat(g, in[INDICES], p.outer, p.count, p.pick.rank),
                flat(g, in[UPDATES], p.outer, p.count, p.inner)});
    y[0] = val_reshape(g, y[0], x.dim, x.rank, x.batch);
    return y[0].id != 0;
}

static const char *const names[] = {"data", "indices", "updates", NULL};

const struct op op_GatherND = {
    .name = "GatherND",
    .doc = "what stands at places that indices name",
    .min_in = 2,
    .nin = 2,
    .attr = gather_attrs,
    .in_name = names,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .build = gather_build,
};

const struct op op_ScatterND = {
    .name = "ScatterND",
    .doc = "data with updates at places that indices name",
    .min_in = 3,
    .nin = 3,
    .attr = scatter_attrs,
    .in_name = names,
    .types = "f32 f16 i32 i64 u8 i8 bool",
    .build = scatter_build,
};
