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

/* A whole file and a zero behind it, in the arena; null after a message. */
const uint8_t *proto_read(struct arena *, const char *path, size_t *len,
                          const struct plancl_callbacks *);
/* The model in bytes, in the arena too; null after a message, in which the
 * bytes go by the name. */
const struct Onnx__ModelProto *proto_parse(struct arena *, const char *name,
                                           const uint8_t *bytes, size_t len,
                                           const struct plancl_callbacks *);

/* Null, or what is wrong with the bytes as a message of that kind: cut off, or
 * messages deeper in each other than a real file has them. */
const char *wire_check(const struct ProtobufCMessageDescriptor *,
                       const uint8_t *bytes, size_t len);

#endif
