/*
 * wire.c: a walk over the bytes of a protocol buffer that builds nothing.
 *
 * https://protobuf.dev/programming-guides/encoding: a field is a varint,
 * (number << 3 | type), and what the type says.  A field of bytes is entered
 * where the descriptor says that it is a message.
 */
#include <protobuf-c/protobuf-c.h>

#include "onnx/proto.h"

/* A model has about ten levels, an If inside an If five more. */
enum { MAX_DEPTH = 40 };

enum { VARINT, FIXED64, BYTES, FIXED32 = 5 };

struct reader {
    const uint8_t *at, *end;
};

/* A message that was entered: where it goes on, and where it ends. */
struct level {
    const ProtobufCMessageDescriptor *kind;
    const uint8_t *end;
};

/* Seven bits a byte, lowest first; ten bytes at most, of which the last has
 * one bit. */
static bool read_varint(struct reader *r, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 70 && r->at < r->end; shift += 7) {
        uint8_t byte = *r->at++;

        if (shift < 64)
            *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool skip(struct reader *r, uint64_t n)
{
    if (n > (uint64_t)(r->end - r->at))
        return false;
    r->at += n;
    return true;
}

/* The kind of message that a field of bytes holds, or null. */
static const ProtobufCMessageDescriptor *
message_in(const ProtobufCMessageDescriptor *kind, uint64_t number)
{
    const ProtobufCFieldDescriptor *f;

    if (number > UINT32_MAX)
        return NULL;
    f = protobuf_c_message_descriptor_get_field(kind, (unsigned)number);
    return f && f->type == PROTOBUF_C_TYPE_MESSAGE ? f->descriptor : NULL;
}

/* One field; *inside is what to enter, up to *until. */
static bool field(struct reader *r, const ProtobufCMessageDescriptor *kind,
                  struct level *inside)
{
    uint64_t tag, n;

    inside->kind = NULL;
    if (!read_varint(r, &tag))
        return false;
    switch (tag & 7) {
    case VARINT:
        return read_varint(r, &n);
    case FIXED64:
        return skip(r, 8);
    case FIXED32:
        return skip(r, 4);
    case BYTES:
        if (!read_varint(r, &n) || n > (uint64_t)(r->end - r->at))
            return false;
        inside->kind = message_in(kind, tag >> 3);
        inside->end = r->at + n;
        return inside->kind || skip(r, n);
    default: /* groups, which this format never had */
        return false;
    }
}

const char *wire_check(const struct ProtobufCMessageDescriptor *kind,
                       const uint8_t *bytes, size_t len)
{
    struct level level[MAX_DEPTH] = {{kind, bytes + len}}, inside;
    struct reader r = {bytes, bytes + len};
    int depth = 0;

    for (;;) {
        while (depth > 0 && r.at == level[depth].end)
            depth--;
        r.end = level[depth].end;
        if (r.at == r.end)
            return NULL;
        if (!field(&r, level[depth].kind, &inside))
            return "it is no protocol buffer, or is cut off";
        if (!inside.kind)
            continue;
        if (++depth == MAX_DEPTH)
            return "its messages lie deeper in each other than 40 levels";
        level[depth] = inside;
    }
}
