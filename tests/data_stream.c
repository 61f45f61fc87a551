/*
 * data_stream.c: data is not taken into memory.
 *
 * Shuffled batches from a sparse .npy of 8 GB must leave the anonymous memory
 * of the process where it was.  Exits with 77 where the file system makes no
 * sparse files or the kernel does not count such memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/plancl_data.h"

enum { SKIP = 77, BATCH = 64, BATCHES = 200, FIRST_LOOK = 50, LENGTH = 1024 };

#define SAMPLES      UINT64_C(2000000) /* of 4 KiB */
#define HEADER_BYTES 128
#define LARGEST_KB   150000 /* in all */
#define GROWTH_KB    2000   /* after the first look */

static void print_message(void *context, const struct plancl_message *m)
{
    (void)context;
    fprintf(stderr, "%s\n", m->text);
}

/* A header, and one value at the very end, behind a hole. */
static int make_file(const char *path)
{
    static const unsigned char start[10] = {0x93, 'N', 'U', 'M',  'P',
                                            'Y',  1,   0,   0x76, 0};
    static const float last = 3;
    uint64_t bytes = HEADER_BYTES + SAMPLES * LENGTH * sizeof last;
    char header[HEADER_BYTES];
    FILE *f = fopen(path, "wb");
    int n, good;

    if (!f)
        return 0;
    n = snprintf(header, sizeof header,
                 "0123456789{'descr': '<f4', 'fortran_order': False, "
                 "'shape': (%" PRIu64 ", %d), }",
                 SAMPLES, LENGTH);
    memset(header + n, ' ', HEADER_BYTES - (size_t)n);
    memcpy(header, start, sizeof start);
    header[HEADER_BYTES - 1] = '\n';
    good = fwrite(header, 1, HEADER_BYTES, f) == HEADER_BYTES &&
           fseeko(f, (off_t)(bytes - sizeof last), SEEK_SET) == 0 &&
           fwrite(&last, sizeof last, 1, f) == 1;
    return fclose(f) == 0 && good;
}

/* Anonymous memory in kB as Linux counts it; -1: unknown. */
static long anonymous_kb(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long kb = -1;

    while (f && kb < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, "RssAnon:", 8) == 0)
            kb = strtol(line + 8, NULL, 10);
    if (f)
        fclose(f);
    return kb;
}

static int read_batch(struct plancl_data *d, uint64_t batch, float *out)
{
    uint64_t index[BATCH];

    for (uint64_t i = 0; i < BATCH; i++)
        index[i] = plancl_shuffle(batch * BATCH + i, SAMPLES, 1, 0);
    return plancl_data_read(d, 0, index, BATCH, PLANCL_F32, out) == PLANCL_OK;
}

static int stream(struct plancl_data *d, float *out)
{
    static const uint64_t last = SAMPLES - 1;
    long first = 0, now;

    for (uint64_t b = 1; b <= BATCHES; b++) {
        if (!read_batch(d, b - 1, out))
            return EXIT_FAILURE;
        if (b == FIRST_LOOK)
            first = anonymous_kb();
    }
    now = anonymous_kb();
    if (now < 0)
        return SKIP;
    printf("anonymous memory: %ld kB after %d batches, %ld kB after %d\n",
           first, FIRST_LOOK, now, BATCHES);
    if (now - first >= GROWTH_KB || now >= LARGEST_KB)
        return EXIT_FAILURE;
    if (plancl_data_read(d, 0, &last, 1, PLANCL_F32, out) != PLANCL_OK)
        return EXIT_FAILURE;
    return out[LENGTH - 1] == 1.5f ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void)
{
    const struct plancl_callbacks cb = {.message = print_message};
    char path[64], spec[96];
    const char *one_spec = spec;
    float *out = malloc(sizeof *out * BATCH * LENGTH);
    struct plancl_data *d = NULL;
    int result = EXIT_FAILURE;

    snprintf(path, sizeof path, "data-stream-%ld.npy", (long)getpid());
    snprintf(spec, sizeof spec, "x=%s:scale=1/2", path);
    if (!make_file(path)) {
        printf("no room for a sparse file of 8 GB here\n");
        result = SKIP;
    } else if (out && !plancl_data_open(&one_spec, 1, &cb, &d)) {
        result = stream(d, out);
    }
    plancl_data_close(d);
    remove(path);
    free(out);
    return result;
}
