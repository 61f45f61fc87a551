/*
 * pointwise.c: source and launch of pointwise chains.
 *
 * pointwise_rows (CPU): the last dimension is a row; a work-group of one item
 * takes some rows, or a part of a long one, in float16 registers.  A row's tail
 * runs the same vector code on a padded register, so that the bits of an
 * element do not depend on where it stands.
 *
 * pointwise_item: one work-item per element; everywhere.
 */
#include "kernels/pointwise.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ROW_CHUNK = 8192, GRID = 32768 };

/* A vector's condition is a vector of int; a scalar's is an int. */
#define SELECT "#define SEL(c, a, b) ((c) ? (V)(a) : (V)(b))\n"

/* The source as it grows, cut at POINTWISE_TEXT: chains are limited to fit. */
struct out {
    char *s;
    size_t len;
};

static void add(struct out *o, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct out *o, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    if (o->len < POINTWISE_TEXT)
        o->len += (size_t)vsnprintf(o->s + o->len, POINTWISE_TEXT - o->len,
                                    format, ap);
    va_end(ap);
}

/* Dimensions d and d + 1 are one for an operand when its stride goes on. */
static bool joins(const struct pointwise_problem *p, int d)
{
    for (int k = 0; k < p->nin; k++)
        if (p->stride[k][d] != p->stride[k][d + 1] * p->dim[d + 1])
            return false;
    return !p->placed ||
           p->out_stride[d] == p->out_stride[d + 1] * p->dim[d + 1];
}

static void drop_dim(struct pointwise_problem *p, int d)
{
    for (int i = d; i + 1 < p->rank; i++) {
        p->dim[i] = p->dim[i + 1];
        p->out_stride[i] = p->out_stride[i + 1];
        for (int k = 0; k < p->nin; k++)
            p->stride[k][i] = p->stride[k][i + 1];
    }
    p->rank--;
}

/* First dimensions of one element, whose strides say nothing, then
 * neighbours. */
void pointwise_collapse(struct pointwise_problem *p)
{
    for (int d = p->rank - 1; d >= 0; d--)
        if (p->dim[d] == 1)
            drop_dim(p, d);
    for (int d = p->rank - 2; d >= 0; d--) {
        if (!joins(p, d))
            continue;
        p->dim[d + 1] *= p->dim[d];
        drop_dim(p, d);
    }
    if (p->rank == 0) {
        p->rank = 1;
        p->dim[0] = p->out_stride[0] = 1;
        for (int k = 0; k < p->nin; k++)
            p->stride[k][0] = 1;
    }
}

/* Elements of the result. */
static int64_t count(const struct pointwise_problem *p)
{
    int64_t n = 1;

    for (int d = 0; d < p->rank; d++)
        n *= p->dim[d];
    return n;
}

/* A broadcast operand is read from memory once. */
static void predict(const struct pointwise_problem *p, struct launch *l)
{
    double n = (double)count(p);

    l->bytes = n * (double)dtype_bytes(p->out);
    for (int k = 0; k < p->nin; k++) {
        double read = (double)dtype_bytes(p->in[k]);

        for (int d = 0; d < p->rank; d++)
            read *= p->stride[k][d] ? (double)p->dim[d] : 1;
        l->bytes += read;
    }
    l->flop = n * p->flop;
}

/* In memory; computed is in float, or long where all are integers. */
static const char *c_type(enum dtype t)
{
    static const char *const name[] = {"",     "float", "half", "int",
                                       "long", "uchar", "char", "uchar"};
    return name[t];
}

static void parameters(const struct pointwise_problem *p, struct out *o)
{
    if (p->before)
        add(o, "__global const %s *b, ulong b_off, ", c_type(p->out));
    for (int k = 0; k < p->nin; k++)
        add(o, "__global const %s *x%d, ulong x%d_off, ", c_type(p->in[k]), k,
            k);
    add(o, "__global %s *y, ulong y_off", c_type(p->out));
}

/* One element of an operand as a scalar of the chain's type. */
static void load_scalar(const struct pointwise_problem *p, int k,
                        const char *at, struct out *o)
{
    if (p->in[k] == DT_F16)
        add(o, "vload_half(%s, x%d)", at, k);
    else
        add(o, "(%s)x%d[%s]", p->integer ? "long" : "float", k, at);
}

/* To bool the chain has made 0 or 1. */
static void store_scalar(const struct pointwise_problem *p, const char *value,
                         const char *at, struct out *o)
{
    if (p->out == DT_F16)
        add(o, "vstore_half(%s, %s, y);", value, at);
    else
        add(o, "y[%s] = (%s)(%s);", at, c_type(p->out), value);
}

/* Of a piece: where it begins, and the whole's sizes. */
static void place_parameters(const struct pointwise_problem *p, struct out *o,
                             struct launch *l)
{
    if (!p->placed)
        return;
    add(o, ", uint y_at");
    launch_u32(l, (uint64_t)p->at);
    if (!p->before)
        return;
    add(o, ", uint y_run, uint y_row, uint y_all");
    launch_u32(l, (uint64_t)p->run);
    launch_u32(l, (uint64_t)p->row);
    launch_u32(l, (uint64_t)p->all);
}

/* What is not in the piece, where it is not there already; f16 has no arithmetic
 * here, so it goes as bits. */
static void keep_rest(const struct pointwise_problem *p, const char *first,
                      const char *step, struct out *o)
{
    const char *type = p->out == DT_F16 ? "ushort" : c_type(p->out);

    if (!p->before)
        return;
    add(o,
        "  if (b + b_off != y + y_off)\n"
        "    for (uint e = %s; e < y_all; e += %s)\n"
        "      if (e %% y_row - y_at >= y_run)\n"
        "        ((__global %s *)(y + y_off))[e] = "
        "((__global const %s *)(b + b_off))[e];\n",
        first, step, type, type);
}

/* Strides and dimensions but for the innermost, as index arithmetic on `row`:
 * at<k> is operand k's first element of the row, ybase the result's. */
static void row_bases(const struct pointwise_problem *p, struct out *o)
{
    add(o, p->placed ? "    ulong ybase = y_at;\n"
                     : "    const ulong ybase = (ulong)row * inner;\n");
    for (int k = 0; k < p->nin; k++)
        add(o, "    ulong at%d = 0;\n", k);
    if (p->rank > 1)
        add(o, "    uint q = row;\n");
    for (int d = p->rank - 2; d >= 0; d--) {
        add(o, "    { uint i = q %% d%d; q /= d%d;", d, d);
        for (int k = 0; k < p->nin; k++)
            if (p->stride[k][d])
                add(o, " at%d += (ulong)i * s%d_%d;", k, k, d);
        if (p->placed)
            add(o, " ybase += (ulong)i * sy_%d;", d);
        add(o, " }\n");
    }
}

/* Sizes and strides go as arguments, not into the text, so that one program
 * serves chains of one form at any size; strides of 0 go nowhere. */
static void size_parameters(const struct pointwise_problem *p, int rank,
                            struct out *o, struct launch *l)
{
    for (int d = 0; d < rank; d++) {
        add(o, ", uint d%d", d);
        launch_u32(l, (uint64_t)p->dim[d]);
        for (int k = 0; k < p->nin; k++) {
            if (!p->stride[k][d])
                continue;
            add(o, ", uint s%d_%d", k, d);
            launch_u32(l, (uint64_t)p->stride[k][d]);
        }
        if (!p->placed)
            continue;
        add(o, ", uint sy_%d", d);
        launch_u32(l, (uint64_t)p->out_stride[d]);
    }
}

/* A vector load of 16, or of the `left` last ones padded with the first. */
static void vector_load(const struct pointwise_problem *p, int k, bool tail,
                        struct out *o)
{
    if (!p->stride[k][p->rank - 1]) {
        char at[16];

        snprintf(at, sizeof at, "at%d", k);
        add(o, "const V v%d = (V)(", k);
        load_scalar(p, k, at, o);
        add(o, "); ");
    } else if (tail) {
        char at[32];

        snprintf(at, sizeof at, "at%d + i + j", k);
        add(o, "float p%d[16]; for (uint j = 0; j < 16; j++) p%d[j] = 0.0f;\n",
            k, k);
        add(o, "      for (uint j = 0; j < left; j++) p%d[j] = ", k);
        load_scalar(p, k, at, o);
        add(o, ";\n      const V v%d = vload16(0, p%d);\n      ", k, k);
    } else if (p->in[k] == DT_F32) {
        add(o, "const V v%d = LD16(f32, x%d, at%d + i); ", k, k, k);
    } else if (p->in[k] == DT_F16) {
        add(o, "const V v%d = LD16(f16, x%d, at%d + i); ", k, k, k);
    } else {
        add(o, "const V v%d = convert_float16(vload16(0, x%d + at%d + i)); ", k,
            k, k);
    }
}

/* Integers are converted as C does, by dropping what is behind the point. */
static void vector_store(const struct pointwise_problem *p, bool tail,
                         struct out *o)
{
    if (tail) {
        add(o, "float u[16]; vstore16(r, 0, u);\n");
        add(o, "      for (uint j = 0; j < left; j++) ");
        store_scalar(p, "u[j]", "ybase + i + j", o);
    } else if (p->out == DT_F32) {
        add(o, "ST16(f32, y, ybase + i, r);");
    } else if (p->out == DT_F16) {
        add(o, "ST16(f16, y, ybase + i, r);");
    } else {
        add(o, "vstore16(convert_%s16(r), 0, y + ybase + i);", c_type(p->out));
    }
}

static void vector_body(const struct pointwise_problem *p, bool tail,
                        struct out *o)
{
    add(o, "      ");
    for (int k = 0; k < p->nin; k++)
        vector_load(p, k, tail, o);
    add(o, "\n      V r;\n%s      ", p->body);
    vector_store(p, tail, o);
    add(o, "\n");
}

/* Steps of 1 or 0 along the row, so that vectors are loaded whole; V is float16
 * there, so integers are left to the other way; indices of 32 bits. */
static bool rows_fits(const void *problem, const struct device_info *dev)
{
    const struct pointwise_problem *p = problem;
    int64_t n = count(p), inner = p->dim[p->rank - 1];

    for (int k = 0; k < p->nin; k++)
        if (p->stride[k][p->rank - 1] > 1)
            return false;
    if (p->placed && p->out_stride[p->rank - 1] > 1)
        return false;
    return dev->family == FAMILY_CPU && !p->integer && n < (1LL << 31) &&
           p->out != DT_I64 && inner < (1LL << 31);
}

/* Rows of the last dimension: a group takes `per` short ones or one of `parts`
 * of a long one, about ROW_CHUNK elements, and more where there would be too
 * many groups. */
static void rows_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct pointwise_problem *p = problem;
    struct out o = {p->text, 0};
    int64_t inner = p->dim[p->rank - 1], rows = count(p) / inner;
    int64_t chunk = ROW_CHUNK, per = inner < chunk ? chunk / inner : 1;
    int64_t parts, blocks;

    (void)dev;
    while ((blocks = (rows + per - 1) / per) > GRID)
        per *= 2;
    while ((parts = (inner + chunk - 1) / chunk) * blocks > GRID)
        chunk *= 2;
    l->text = p->text;
    l->entry = "pointwise_rows";
    l->global[0] = (uint64_t)(parts * blocks);
    l->local[0] = l->global[1] = l->local[1] = l->global[2] = l->local[2] = 1;
    add(&o, "#define V float16\n" SELECT
            "__kernel __attribute__((reqd_work_group_size("
            "1, 1, 1)))\nvoid KERNEL(pointwise_rows)(");
    parameters(p, &o);
    add(&o, ", uint inner, uint rows, uint per, uint chunk, uint parts");
    launch_u32(l, (uint64_t)inner);
    launch_u32(l, (uint64_t)rows);
    launch_u32(l, (uint64_t)per);
    launch_u32(l, (uint64_t)chunk);
    launch_u32(l, (uint64_t)parts);
    place_parameters(p, &o, l);
    size_parameters(p, p->rank - 1, &o, l);
    add(&o, ")\n{\n  const uint block = get_group_id(0) / parts;\n"
            "  const uint part = get_group_id(0) %% parts;\n"
            "  const uint begin = part * chunk;\n"
            "  const uint end = min(inner, begin + chunk);\n");
    keep_rest(p, "get_group_id(0)", "get_num_groups(0)", &o);
    for (int k = 0; k < p->nin; k++)
        add(&o, "  x%d += x%d_off;\n", k, k);
    add(&o, "  y += y_off;\n  for (uint row = block * per; row < min(rows, "
            "(block + 1) * per); row++) {\n");
    row_bases(p, &o);
    add(&o, "    uint i = begin;\n    for (; i + 16 <= end; i += 16) {\n");
    vector_body(p, false, &o);
    add(&o, "    }\n    if (i < end) {\n      const uint left = end - i;\n");
    vector_body(p, true, &o);
    add(&o, "    }\n  }\n}\n#undef V\n#undef SEL\n");
    predict(p, l);
    l->efficiency = 0.8;
}

/* Takes every dimension of the index apart, and any type. */
static void item_launch(const void *problem, const struct device_info *dev,
                        struct launch *l)
{
    const struct pointwise_problem *p = problem;
    struct out o = {p->text, 0};

    (void)dev;
    l->text = p->text;
    l->entry = "pointwise_item";
    launch_grid(l, (uint64_t)count(p), 64);
    add(&o, "#define V %s\n" SELECT "__kernel void KERNEL(pointwise_item)(",
        p->integer ? "long" : "float");
    parameters(p, &o);
    add(&o, ", uint n");
    launch_u32(l, (uint64_t)count(p));
    place_parameters(p, &o, l);
    size_parameters(p, p->rank, &o, l);
    add(&o, ")\n{\n  const uint n_at = get_global_id(0);\n"
            "  if (n_at >= n)\n    return;\n");
    keep_rest(p, "n_at", "n", &o);
    add(&o, "  uint q = n_at;\n%s",
        p->placed ? "  ulong y_to = y_off + y_at;\n" : "");
    for (int k = 0; k < p->nin; k++)
        add(&o, "  ulong at%d = x%d_off;\n", k, k);
    for (int d = p->rank - 1; d >= 0; d--) {
        add(&o, "  { const uint i = q %% d%d; q /= d%d; (void)i;", d, d);
        for (int k = 0; k < p->nin; k++)
            if (p->stride[k][d])
                add(&o, " at%d += (ulong)i * s%d_%d;", k, k, d);
        if (p->placed)
            add(&o, " y_to += (ulong)i * sy_%d;", d);
        add(&o, " }\n");
    }
    for (int k = 0; k < p->nin; k++) {
        char at[16];

        snprintf(at, sizeof at, "at%d", k);
        add(&o, "  const V v%d = ", k);
        load_scalar(p, k, at, &o);
        add(&o, ";\n");
    }
    add(&o, "  V r;\n%s  ", p->body);
    store_scalar(p, "r", p->placed ? "y_to" : "y_off + n_at", &o);
    add(&o, "\n}\n#undef V\n#undef SEL\n");
    predict(p, l);
    l->efficiency = 0.1;
}

const struct kernel kernels_pointwise[] = {
    {"pointwise_rows", rows_fits, rows_launch},
    {"pointwise_item", fits_always, item_launch},
    {0},
};
