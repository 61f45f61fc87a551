/*
 * format.h: what the formats have in common: bytes at the head of a file in,
 * the place and type of an array out.
 */
#ifndef DATA_FORMAT_H
#define DATA_FORMAT_H

#include "data/element.h"
#include "runtime/plancl.h"

/* The longest head that is looked at; a longer header is refused. */
enum { HEAD_BYTES = 65536, MAX_RANK = 8 };

struct head {
    const char *path; /* for messages */
    const uint8_t *bytes;
    size_t n; /* at least HEAD_BYTES, or the whole file */
};

/* Where the elements lie: in C order, but for what source_reorder() will do,
 * from byte `data` to the end. */
struct layout {
    enum element element;
    bool big_endian, fortran;
    unsigned rank;
    uint64_t dim[MAX_RANK];
    uint64_t data, bytes;
};

bool npy_matches(const struct head *);
bool idx_matches(const struct head *);

/* Give every field but bytes, or refuse with a message. */
enum plancl_status npy_parse(const struct head *,
                             const struct plancl_callbacks *, struct layout *);
enum plancl_status idx_parse(const struct head *,
                             const struct plancl_callbacks *, struct layout *);

/* Either of them, whichever the first bytes say, and bytes; the caller checks
 * that the file ends where the layout does. */
enum plancl_status format_parse(const struct head *,
                                const struct plancl_callbacks *,
                                struct layout *);

#endif
