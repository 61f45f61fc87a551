/* proto.c: read an ONNX file; see proto.h. */
#include "onnx/proto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "onnx/onnx.pb-c.h"

/* Protocol buffers end at 2 GiB.  What protobuf-c builds of a byte is bounded
 * too: an empty message of two bytes becomes a struct of a hundred. */
#define MAX_BYTES UINT64_C(0x7fffffff)
enum { GROWTH = 64, ALLOWANCE = 64 << 20 };

struct budget { /* for one file */
    struct arena *arena;
    uint64_t left;
};

/* protobuf-c gives up, and says so, when there is no more. */
static void *take(void *data, size_t size)
{
    struct budget *b = data;

    if (size > b->left)
        return NULL;
    b->left -= size;
    return arena_alloc(b->arena, size, 1);
}

/* The arena's owner frees. */
static void release(void *data, void *pointer)
{
    (void)data, (void)pointer;
}

/* A size is known of ordinary files only. */
static uint8_t *read_stream(struct arena *a, FILE *f, const char *path,
                            size_t *len, const struct plancl_callbacks *cb)
{
    struct stat st;
    uint8_t *bytes;

    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
        fail(cb, PLANCL_FAILED, "%s: not an ordinary file", path);
        return NULL;
    }
    if ((uint64_t)st.st_size > MAX_BYTES) {
        fail(cb, PLANCL_REFUSED,
             "%s: %llu bytes, an ONNX file has at most %llu", path,
             (unsigned long long)st.st_size, (unsigned long long)MAX_BYTES);
        return NULL;
    }
    bytes = arena_alloc(a, (size_t)st.st_size + 1, 1);
    *len = fread(bytes, 1, (size_t)st.st_size, f);
    if (*len == (size_t)st.st_size)
        return bytes;
    fail(cb, PLANCL_FAILED, "%s: %s", path,
         ferror(f) ? strerror(errno) : "the file became shorter");
    return NULL;
}

const uint8_t *proto_read(struct arena *a, const char *path, size_t *len,
                          const struct plancl_callbacks *cb)
{
    FILE *f = fopen(path, "rb");
    const uint8_t *bytes;

    if (!f) {
        fail(cb, PLANCL_FAILED, "%s: %s", path, strerror(errno));
        return NULL;
    }
    bytes = read_stream(a, f, path, len, cb);
    fclose(f);
    return bytes;
}

/* wire_check first: protobuf-c recurses without a bound. */
const struct Onnx__ModelProto *proto_parse(struct arena *a, const char *name,
                                           const uint8_t *bytes, size_t len,
                                           const struct plancl_callbacks *cb)
{
    struct budget budget = {a, (uint64_t)len * GROWTH + ALLOWANCE};
    ProtobufCAllocator allocator = {take, release, &budget};
    const struct Onnx__ModelProto *model = NULL;
    const char *wrong = wire_check(&onnx__model_proto__descriptor, bytes, len);

    if (!wrong)
        model = onnx__model_proto__unpack(&allocator, len, bytes);
    if (!wrong && !model)
        wrong = "its protocol buffer is broken";
    if (!wrong && (!model->graph || model->n_opset_import == 0))
        wrong = "it has no graph or no opset";
    if (!wrong)
        return model;
    fail(cb, PLANCL_REFUSED, "%s: no ONNX model: %s", name, wrong);
    return NULL;
}
