/*
 * plancl_data.h: files of samples, read by index.
 *
 * A dataset is one or more columns, each a file whose first dimension counts
 * samples: .npy and IDX, read in place, or IDX.gz, unpacked once: up to 64 MiB
 * to memory, more to a temporary file in $TMPDIR (or /tmp); or a text.  Files must stay as
 * they are while they are open; one that becomes shorter is an error in
 * reading.
 * Threads: one dataset, one thread.  Errors as in plancl.h.
 */
#ifndef PLANCL_DATA_H
#define PLANCL_DATA_H

#include "runtime/plancl.h"

#ifdef __cplusplus
extern "C" {
#endif

struct plancl_data;

/*
 * specs: "NAME=FILE[:OPTION]..."; NAME is the input that it fills.  Options:
 *   scale=A/B    values times A/B (or one number)
 *   characters   the file is a text; its bytes are numbered from 0 in the order
 *                of those that occur, and a note says how many do
 *   window=N     a sample is N rows of the file, those before the next sample's;
 *                what is left at the end is no sample
 *   shift=N      the first window begins at row N
 * All files must have the same number of samples; windows may end early.
 */
enum plancl_status plancl_data_open(const char *const *specs, unsigned nspec,
                                    const struct plancl_callbacks *,
                                    struct plancl_data **);
void plancl_data_close(struct plancl_data *);

/*
 * Leave only some of the samples: "0-99,200" those rows, counted from 0;
 * "FILE=1-17,20" those whose value in FILE, an array of one integer per sample,
 * is one of these.  They keep their order and are counted from 0 again; a later
 * call selects among all of them anew.  Takes 24 bytes for each run of neighbours.
 */
enum plancl_status plancl_data_select(struct plancl_data *, const char *);

/* Of the selected ones, where some were. */
uint64_t plancl_data_samples(const struct plancl_data *);
unsigned plancl_data_columns(const struct plancl_data *);

struct plancl_column {
    const char *name, *path;
    unsigned rank;           /* of one sample */
    uint64_t dim[8];         /* of one sample */
    enum plancl_dtype dtype; /* in the file */
};
struct plancl_column plancl_data_column(const struct plancl_data *, unsigned);

/* Copy samples index[0..n) of a column to out, converted to dtype (value times
 * scale; to an integer type the value must be one exactly) and packed. */
enum plancl_status plancl_data_read(struct plancl_data *, unsigned column,
                                    const uint64_t *index, uint64_t n,
                                    enum plancl_dtype dtype, void *out);

/* Bytes of heap memory that the dataset holds. */
uint64_t plancl_data_host_bytes(const struct plancl_data *);

/* A permutation of 0..n-1 that needs no memory: sample i of an epoch.  The same
 * seed and epoch give the same order everywhere (a cycle-walking Feistel
 * network over Philox rounds). */
uint64_t plancl_shuffle(uint64_t i, uint64_t n, uint32_t seed, uint32_t epoch);

/* Write an array as .npy (format 1.0), row by row: open with the whole shape,
 * add rows, close.  f32, i32, i64, u8 or i8. */
struct plancl_npy_writer;
enum plancl_status plancl_npy_create(const char *path, enum plancl_dtype,
                                     unsigned rank, const uint64_t *dim,
                                     const struct plancl_callbacks *,
                                     struct plancl_npy_writer **);
enum plancl_status plancl_npy_add(struct plancl_npy_writer *, const void *,
                                  uint64_t bytes);
/* Fails, leaving no file, when fewer bytes came than the shape says. */
enum plancl_status plancl_npy_close(struct plancl_npy_writer *);

#ifdef __cplusplus
}
#endif

#endif
