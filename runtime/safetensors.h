/*
 * safetensors.h: named arrays in one file that other tools read.
 *
 * Reading is strict: whatever the format forbids is refused with the file's
 * name and the tensor's, so that no two programs can see different contents.
 */
#ifndef RUNTIME_SAFETENSORS_H
#define RUNTIME_SAFETENSORS_H

#include "kernels/dtype.h"
#include "runtime/base.h"

struct safetensors_tensor {
    const char *name;
    const char *dtype; /* as the format spells it, "F32" */
    uint64_t rank;
    const uint64_t *dim;
    uint64_t begin, end; /* bytes, from the end of the header */
};

struct safetensors_pair {
    const char *key, *value;
};

struct safetensors {
    const char *path;
    void *stream;       /* FILE * */
    uint64_t bytes;     /* of the file */
    uint64_t data;      /* of the first tensor, from the file's start */
    struct arena arena; /* of everything below */
    uint64_t ntensor, nmetadata;
    struct safetensors_tensor *tensor; /* in the order of their bytes */
    struct safetensors_pair *metadata;
};

/* path must outlive it.  Everything is checked but the elements. */
enum plancl_status safetensors_open(const char *path,
                                    const struct plancl_callbacks *,
                                    struct safetensors *);
void safetensors_close(struct safetensors *);

/* Null where there is none. */
const struct safetensors_tensor *safetensors_find(const struct safetensors *,
                                                  const char *name);
const char *safetensors_metadata(const struct safetensors *, const char *key);
/* Bytes at ... at + bytes - 1 of a tensor. */
enum plancl_status safetensors_read(struct safetensors *,
                                    const struct safetensors_tensor *,
                                    uint64_t at, void *, uint64_t bytes,
                                    const struct plancl_callbacks *);

/* The format's name of a type of ours, "F32". */
const char *safetensors_dtype(enum dtype);

/*
 * Writing: begin with all names, then add every tensor's bytes in the array's
 * order, in pieces of any size, then commit.  begin and end of the tensors are
 * filled in.  Give tensors in the order of safetensors_compare and each is
 * aligned to its type.  The metadata, null for none, end with a null key.
 */
struct safetensors_writer {
    struct file_writer file;
    uint64_t left; /* bytes that have not been added yet */
};
enum plancl_status safetensors_create(struct safetensors_writer *,
                                      const char *path,
                                      struct safetensors_tensor *tensor,
                                      uint64_t ntensor,
                                      const struct safetensors_pair *metadata,
                                      const struct plancl_callbacks *);
enum plancl_status safetensors_add(struct safetensors_writer *, const void *,
                                   uint64_t bytes,
                                   const struct plancl_callbacks *);
enum plancl_status safetensors_commit(struct safetensors_writer *,
                                      const struct plancl_callbacks *);
void safetensors_abandon(struct safetensors_writer *);

/* For qsort: by falling size of an element, then by name. */
int safetensors_compare(const void *, const void *);

/* ---- parts, apart for tests ---- */

/* Bits of an element, 0 for a type that the format does not have. */
unsigned safetensors_bits(const char *dtype);
/* JSON text of a header to tensors in the file's order and metadata, all in
 * the arena of the struct.  Null, or what is wrong; *unknown is the name of a
 * field that the format does not have, or null. */
const char *safetensors_parse(const char *text, uint64_t len,
                              struct safetensors *, const char **unknown);
/* Do the tensors fill `bytes` bytes without holes or overlap, each as its type
 * and shape say?  Sorts them.  Null, or what is wrong. */
const char *safetensors_check(struct safetensors *, uint64_t bytes);

#endif
