/* model_file.c: see model_file.h.  An ONNX file goes by the end of its name. */
#include "cli/model_file.h"

#include <setjmp.h>
#include <string.h>

#include "onnx/onnx.h"

static bool is_onnx(const char *path)
{
    size_t n = strlen(path);

    return n > 5 && strcmp(path + n - 5, ".onnx") == 0;
}

/* The arena's jmp_buf lives only as long as this call: nothing is allocated
 * from the arena afterwards. */
enum plancl_status model_file_open(struct model_file *m, const char *path,
                                   struct plancl_compile_options *c,
                                   const struct plancl_callbacks *cb)
{
    const struct onnx_options how = {.dim = c->dim, .ndim = c->ndim};
    struct onnx_model model = {0};
    jmp_buf out_of_memory;
    enum plancl_status status;

    *m = (struct model_file){.path = path};
    arena_open(&m->arena, &out_of_memory);
    if (!is_onnx(path))
        return PLANCL_OK;
    if (setjmp(out_of_memory))
        return fail(cb, PLANCL_MEMORY, "%s: no memory left to import", path);
    status = onnx_import(path, &how, &m->arena, cb, &model);
    m->text = model.text;
    c->ndim = 0;
    return status;
}

void model_file_close(struct model_file *m)
{
    arena_close(&m->arena);
}
