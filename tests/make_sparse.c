/*
 * make_sparse.c: make_sparse FILE f32|i32 DIM...: an .npy of zeros that takes
 * next to no room on the disk, since all of its data is a hole.
 *
 * Exits with 77 where the file system has no holes or no files this long.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER = 256, SKIP = 77 };

/* Format 1.0: magic, version, length of the text, the text, spaces, newline. */
static void write_header(char header[HEADER], const char *dtype, int n,
                         char **dim)
{
    static const char magic[8] = "\x93NUMPY\x01";
    char *end = header + 10;

    memset(header, ' ', HEADER);
    memcpy(header, magic, sizeof magic);
    header[8] = (char)(HEADER - 10);
    header[9] = 0;
    end += sprintf(end, "{'descr': '<%s', 'fortran_order': False, 'shape': (",
                   strcmp(dtype, "i32") == 0 ? "i4" : "f4");
    for (int i = 0; i < n; i++)
        end += sprintf(end, "%" PRIu64 ", ",
                       (uint64_t)strtoull(dim[i], NULL, 10));
    end += sprintf(end, "), }");
    *end = ' ';
    header[HEADER - 1] = '\n';
}

static int skip(const char *path, const char *why)
{
    perror(why);
    unlink(path);
    return SKIP;
}

int main(int argc, char **argv)
{
    char header[HEADER];
    uint64_t bytes = 4;
    struct stat st;
    int file;

    if (argc < 4 || argc > 3 + 8) {
        fputs("usage: make_sparse FILE f32|i32 DIM...\n", stderr);
        return 2;
    }
    for (int i = 3; i < argc; i++)
        bytes *= strtoull(argv[i], NULL, 10);
    write_header(header, argv[2], argc - 3, argv + 3);
    file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || write(file, header, HEADER) != HEADER) {
        perror(argv[1]);
        return 1;
    }
    if (ftruncate(file, (off_t)(HEADER + bytes)) || fstat(file, &st))
        return skip(argv[1], "no file this long");
    if ((uint64_t)st.st_blocks * 512 > 1 << 20)
        return skip(argv[1], "no holes in files");
    return close(file) ? 1 : 0;
}
