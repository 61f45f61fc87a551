/*
 * proto.h: an ONNX file as protobuf-c's structs.
 *
 * The file comes from anywhere, so its nesting is bounded before protobuf-c,
 * which recurses, sees it, and the memory for it while protobuf-c reads.
 */
#ifndef ONNX_PROTO_H
#define ONNX_PROTO_H

#include "runtime/base.h"

struct Onnx__ModelProto;
struct ProtobufCMessageDescriptor;

/* In the arena, with the bytes of the file; null after a message. */
const struct Onnx__ModelProto *proto_read(struct arena *, const char *path,
                                          const struct plancl_callbacks *);

/* Null, or what is wrong with the bytes as a message of that kind: cut off, or
 * messages deeper in each other than a real file has them. */
const char *wire_check(const struct ProtobufCMessageDescriptor *,
                       const uint8_t *bytes, size_t len);

#endif
