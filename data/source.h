/*
 * source.h: the bytes of one data file, read by place.
 *
 * Plain files are read where they lie, with pread and not through a mapping:
 * nothing of them counts as this process' memory, and a file that is cut
 * short or a disk that fails is an error here, where a mapping would end the
 * process with SIGBUS.  Gzipped files are unpacked once, when they are opened.
 */
#ifndef DATA_SOURCE_H
#define DATA_SOURCE_H

#include "data/format.h"

struct source {
    int fd;        /* -1: none */
    uint8_t *heap; /* or null; the whole unpacked file */
    uint64_t heap_bytes;
};

/* Opens the file and says where its elements lie, after making sure that it
 * holds all of them and nothing more. */
enum plancl_status source_open(struct source *, const char *path,
                               const struct plancl_callbacks *,
                               struct layout *);
/* The same of a text: an array of its bytes, whatever they are. */
enum plancl_status source_open_text(struct source *, const char *path,
                                    const struct plancl_callbacks *,
                                    struct layout *);
void source_close(struct source *);

/* Bytes that lie within the layout; path is for the message. */
enum plancl_status source_read(const struct source *, const char *path,
                               uint64_t offset, uint64_t bytes, void *out,
                               const struct plancl_callbacks *);

/* Unpack a gzipped IDX file into memory where it takes at most 64 MiB, else
 * into a temporary file without a name.  Takes fd; head has HEAD_BYTES of
 * room. */
enum plancl_status source_unpack(struct source *, int fd, const char *path,
                                 uint8_t *head, const struct plancl_callbacks *,
                                 struct layout *);

/* Put the elements of an array in Fortran order into C order, in memory or a
 * temporary file as above. */
enum plancl_status source_reorder(struct source *, const char *path,
                                  const struct plancl_callbacks *,
                                  struct layout *);

#endif
