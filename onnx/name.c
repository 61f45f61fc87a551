/*
 * name.c: names of the model file.
 *
 * ONNX names are any text: "/layer1/conv1/Conv" becomes "layer1.conv1.Conv".
 * A layer with parameters is called as PyTorch's state_dict calls it, where the
 * file kept the parameters' names: "conv1" by "conv1.weight".
 */
#include <ctype.h>
#include <string.h>

#include "onnx/import.h"

enum { LONGEST = 120 }; /* bytes */

/* Null where nothing of the text can stand in a name.  Slashes become points,
 * which part paths of layers; other characters underscores. */
static char *cleaned(struct import *im, const char *text)
{
    char *name = arena_string(im->arena, text);
    size_t n = 0;
    bool word = false;

    for (const char *c = text; *c && n < LONGEST; c++) {
        bool good = isalnum((unsigned char)*c) || *c == '_' || *c == '-';

        if (!good && n == 0)
            continue;
        word = word || good;
        name[n++] = *c;
        if (*c == '/')
            name[n - 1] = '.';
        else if (!good && *c != '.')
            name[n - 1] = '_';
    }
    while (n && (name[n - 1] == '.' || name[n - 1] == '_'))
        n--;
    name[n] = '\0';
    return word && n ? name : NULL;
}

static const char *take(struct import *im, const char *name)
{
    names_add(&im->used, name, im);
    return name;
}

/* relu1, relu2: as the format calls layers without names. */
static const char *counted(struct import *im, const char *op)
{
    char *low = arena_string(im->arena, op);

    for (char *c = low; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    for (int i = 1;; i++) {
        const char *name = arena_format(im->arena, "%s%d", low, i);

        if (!names_find(&im->used, name))
            return take(im, name);
    }
}

/* Names that are taken get _2, _3, ... */
const char *name_new(struct import *im, const char *wanted, const char *op)
{
    const char *name = wanted && *wanted ? cleaned(im, wanted) : NULL;

    if (!name)
        return counted(im, op);
    for (int i = 2; names_find(&im->used, name); i++)
        name = arena_format(im->arena, "%s_%d", cleaned(im, wanted), i);
    return take(im, name);
}

/* Outputs and layers may share a name, outputs and inputs or parameters may
 * not. */
const char *name_output(struct import *im, const char *wanted)
{
    const char *name = cleaned(im, wanted), *base;

    if (!name)
        name = "output";
    base = name;
    for (int i = 2;
         names_find(&im->model.leaves, name) || names_find(&im->outputs, name);
         i++)
        name = arena_format(im->arena, "%s_%d", base, i);
    names_add(&im->outputs, name, im);
    return name;
}

const char *name_of_layer(struct import *im, const char *op,
                          const struct constant *weight, const char *suffix)
{
    size_t n = weight && weight->name ? strlen(weight->name) : 0;
    size_t end = strlen(suffix);

    if (n <= end || strcmp(weight->name + n - end, suffix) != 0)
        return name_new(im, im->node->name, op);
    return name_new(
        im, arena_format(im->arena, "%.*s", (int)(n - end), weight->name), op);
}
