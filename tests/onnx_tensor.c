/*
 * onnx_tensor.c: a file with one tensor, read as the importer reads tensors.
 */
#include "tests/onnx_tensor.h"

#include "onnx/onnx.pb-c.h"
#include "onnx/proto.h"

/* Of the arena, whose end frees. */
static void *take(void *arena, size_t size)
{
    return arena_alloc(arena, size, 1);
}

static void release(void *arena, void *pointer)
{
    (void)arena, (void)pointer;
}

struct constant *onnx_tensor_read(struct arena *a, const char *path,
                                  const char **name, const char **wrong)
{
    const struct plancl_callbacks silent = {NULL, NULL, NULL};
    ProtobufCAllocator allocator = {take, release, a};
    const Onnx__TensorProto *t;
    size_t len;
    const uint8_t *bytes = proto_read(a, path, &len, &silent);

    t = bytes ? onnx__tensor_proto__unpack(&allocator, len, bytes) : NULL;
    if (!t)
        return NULL;
    *name = t->name ? t->name : "";
    return constant_read(a, t, NULL, wrong);
}
