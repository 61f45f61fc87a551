/*
 * random_gen.h: a random model in the making, and the kinds of layers that it
 * may get.
 *
 * A kind draws operands from what is there, writes a layer or two, and returns
 * true; or it cannot use them, writes nothing, and returns false.
 */
#ifndef TESTS_RANDOM_GEN_H
#define TESTS_RANDOM_GEN_H

#include "tests/random_graph.h"

enum { GEN_VALUES = 64, GEN_OWNERS = 16, GEN_CLASSES = 4, GEN_MOST = 1500 };

/* Dimensions behind the batch. */
struct shape {
    int rank, dim[4];
};

struct gen_value {
    char name[16];
    struct shape shape;
};

/* A layer whose parameters another one may share. */
struct gen_owner {
    char name[16];
    bool conv, bias;
    int in, out, k[2], nk, group; /* in, out: channels or features */
};

struct gen {
    uint64_t state;
    struct text *t; /* layers so far */
    struct gen_value value[GEN_VALUES];
    struct gen_owner owner[GEN_OWNERS];
    int nvalue, nowner, nlayer;
    bool cuttable;
};

int gen_below(struct gen *, int n);
bool gen_chance(struct gen *, int percent);
int gen_one_of(struct gen *, const int *list, int n);
#define GEN_ONE_OF(g, ...)                    \
    gen_one_of(g, (const int[]){__VA_ARGS__}, \
               sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

int shape_count(const struct shape *);
bool shape_equal(const struct shape *, const struct shape *);

/* The last value more often than another, so that graphs are deep. */
const struct gen_value *gen_draw(struct gen *);
/* A value of this shape, perhaps the one given. */
const struct gen_value *gen_like(struct gen *, const struct gen_value *);

/* The start of a layer: its name and op, and the operands as JSON strings.
 * Attributes and gen_end() follow. */
void gen_begin(struct gen *, const char *op, const char *inputs);
const struct gen_value *gen_end(struct gen *, const struct shape *);
/* A layer without attributes. */
const struct gen_value *gen_layer(struct gen *, const char *op,
                                  const char *inputs, const struct shape *);
void gen_list(struct gen *, const char *name, const int *, int n);
/* One value, or two, as operands. */
const char *gen_name(struct gen *, const struct gen_value *);
const char *gen_names(struct gen *, const struct gen_value *,
                      const struct gen_value *);

/* random_layers.c */
bool layer_conv(struct gen *);
bool layer_linear(struct gen *);
bool layer_batch_norm(struct gen *);
bool layer_layer_norm(struct gen *);
bool layer_group_norm(struct gen *);
bool layer_recurrent(struct gen *);
bool layer_pool(struct gen *);
bool layer_global_pool(struct gen *);

/* random_moves.c */
bool layer_unary(struct gen *);
bool layer_binary(struct gen *);
bool layer_divide(struct gen *);
bool layer_where(struct gen *);
bool layer_with_bias(struct gen *);
bool layer_constant(struct gen *);
bool layer_reduce(struct gen *);
bool layer_softmax(struct gen *);
bool layer_reshape(struct gen *);
bool layer_transpose(struct gen *);
bool layer_product(struct gen *);
bool layer_concat(struct gen *);
bool layer_slice(struct gen *);
bool layer_pad(struct gen *);
bool layer_gather(struct gen *);
bool layer_split(struct gen *);
bool layer_tile(struct gen *);
bool layer_squeeze(struct gen *);
bool layer_attention(struct gen *);

#endif
