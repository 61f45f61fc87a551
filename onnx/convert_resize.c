/*
 * convert_resize.c: Resize and Upsample, whose lists have a number for each
 * dimension.
 */
#include <string.h>

#include "onnx/import.h"

/* Does a crop take the whole dimension? */
static bool is_whole(const struct constant *roi, int rank, int axis)
{
    return !roi ||
           (constant_at(roi, axis) == 0 && constant_at(roi, rank + axis) == 1);
}

/* The dimensions that change, as parts of a list of `rank` numbers. */
struct changes {
    int64_t axis[MAX_RANK], size[MAX_RANK];
    int n;
    struct text scales, starts, ends;
};

/* A crop's list has all starts, then all ends. */
static void add_change(struct changes *ch, const struct constant *c,
                       const struct constant *roi, int rank, int axis)
{
    const char *comma = ch->n ? ", " : "";
    struct arena *a = ch->scales.arena;

    text_add(&ch->scales, "%s%s", comma, number_text(a, constant_at(c, axis)));
    ch->axis[ch->n] = axis;
    ch->size[ch->n++] = constant_int(c, axis);
    if (!roi)
        return;
    text_add(&ch->starts, "%s%s", comma,
             number_text(a, constant_at(roi, axis)));
    text_add(&ch->ends, ", %s", number_text(a, constant_at(roi, rank + axis)));
}

/* ONNX gives a number for each dimension; those that stay are left out. */
static bool add_sizes(struct layer_text *l, const struct type *x,
                      const struct constant *c, const struct constant *roi,
                      bool sizes)
{
    struct changes ch = {.scales.arena = l->attrs.arena};
    int rank = x->rank;

    ch.starts.arena = ch.ends.arena = l->attrs.arena;
    if (type_count(&c->type) != rank ||
        (roi && type_count(&roi->type) != 2 * rank))
        return false;
    for (int i = 0; i < rank; i++)
        if (constant_at(c, i) != (sizes ? (double)x->dim[i] : 1.0) ||
            !is_whole(roi, rank, i))
            add_change(&ch, c, roi, rank, i);
    if (!ch.n)
        return false;
    layer_ints(l, "axes", ch.axis, ch.n);
    if (sizes)
        layer_ints(l, "sizes", ch.size, ch.n);
    else
        layer_attr(l, "scales", "[%s]", ch.scales.s);
    if (roi)
        layer_attr(l, "roi", "[%s%s]", ch.starts.s, ch.ends.s);
    return true;
}

/* Upsample, and Resize before opset 11, count from the corner. */
static void add_coordinates(struct import *im, struct layer_text *l,
                            const struct onnx_node *n)
{
    bool old = im->opset < 11 || strcmp(n->op, "Upsample") == 0;
    const char *nearest = node_string(n, "nearest_mode",
                                      old ? "floor" : "round_prefer_floor");

    layer_attr(l, "coordinate_transformation_mode", "\"%s\"",
               node_string(n, "coordinate_transformation_mode",
                           old ? "asymmetric" : "half_pixel"));
    if (strcmp(node_string(n, "mode", "nearest"), "nearest") == 0)
        layer_attr(l, "nearest_mode", "\"%s\"", nearest);
}

/* What stands between quotes in the layer. */
static bool words_fit(struct import *im, const struct onnx_node *n)
{
    static const char *const known[] = {"mode", "nearest_mode",
                                        "coordinate_transformation_mode", NULL};

    for (int i = 0; known[i]; i++) {
        const char *s = node_string(n, known[i], "");

        if (s[strspn(s, "abcdefghijklmnopqrstuvwxyz_")])
            return import_reject(im, "its %s is not known", known[i]);
    }
    return true;
}

/* What some modes have beside. */
static bool add_extras(struct import *im, struct layer_text *l,
                       const struct onnx_node *n)
{
    static const char *const name[] = {"cubic_coeff_a", "exclude_outside",
                                       "extrapolation_value", NULL};

    for (int i = 0; name[i]; i++) {
        const struct onnx_attr *a = node_attr(n, name[i]);

        if (a && !convert_attr(im, l, &op_Resize, a))
            return false;
    }
    return true;
}

/* "bilinear" was Upsample's word for linear. */
bool convert_resize(struct import *im, const struct onnx_node *n)
{
    const struct constant *sizes = node_number(n, "sizes");
    const struct constant *scales = node_number(n, "scales");
    const char *mode = node_string(n, "mode", "nearest");
    const char *x = operand_ref(im, n->in[0]);
    bool by_size = sizes && type_count(&sizes->type);
    bool crop = strcmp(node_string(n, "coordinate_transformation_mode", ""),
                       "tf_crop_and_resize") == 0;
    struct layer_text l;

    if (!x || !words_fit(im, n))
        return false;
    if (strcmp(mode, "bilinear") == 0)
        mode = "linear";
    if (!by_size && !scales)
        return import_reject(im, "it has neither sizes nor scales");
    layer_begin(im, &l, "Resize", NULL);
    layer_input(&l, x);
    if (!add_sizes(&l, &n->in[0]->type, by_size ? sizes : scales,
                   crop ? node_number(n, "roi") : NULL, by_size))
        return import_reject(im, "it resizes nothing, or its sizes are not "
                                 "one for each dimension");
    layer_attr(&l, "mode", "\"%s\"", mode);
    add_coordinates(im, &l, n);
    return add_extras(im, &l, n) && convert_finish(im, &l);
}
