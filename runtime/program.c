/*
 * program.c: OpenCL source to a built program, by way of a cache on disk.
 *
 * A cached program is keyed by everything that its binary depends on.  Whatever
 * is wrong with the cache, the source is built and nothing is said: a cache is
 * only time.  pocl is left out, since it has a cache of its own and builds
 * everything again when it is asked for binaries.
 *
 * The binary and the build log are the two things that the runtime allocates
 * beside a session's block; both are freed before open returns.
 *
 * The key holds source, options, device, driver and platform.  A file carries
 * its own digest, so that no driver is handed a binary that was cut short.
 */
#include "runtime/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char pocl[] = "Portable Computing Language";

enum { CACHE_PATH = 1024, DIGEST = 64, LOG_SHOWN = 3000 };
static const struct plancl_callbacks silent;

/* ---- the cache ---- */

/* The folder to keep programs in; false where there is none. */
static bool cache_folder(const struct program_request *r, char path[CACHE_PATH])
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n;

    if (!strcmp(r->device->platform_name, pocl))
        return false;
    if (r->cache)
        n = snprintf(path, CACHE_PATH, "%s", r->cache);
    else if (xdg && *xdg == '/')
        n = snprintf(path, CACHE_PATH, "%s/plancl", xdg);
    else if (home && *home == '/')
        n = snprintf(path, CACHE_PATH, "%s/.cache/plancl", home);
    else
        return false;
    /* Room for the name of a file in it. */
    return n > 0 && n < CACHE_PATH - 2 * DIGEST;
}

static void make_folder(char *path)
{
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        mkdir(path, 0700);
        *at = '/';
    }
    mkdir(path, 0700);
}

static void add_string(struct sha256 *h, const char *s)
{
    sha256_add(h, s, strlen(s) + 1);
}

static bool cache_path(const struct program_request *r, char path[CACHE_PATH])
{
    struct sha256 h;
    char key[DIGEST + 1];
    size_t len;

    if (!cache_folder(r, path))
        return false;
    sha256_init(&h);
    add_string(&h, r->source);
    add_string(&h, r->options);
    add_string(&h, r->device->name);
    add_string(&h, r->device->driver);
    add_string(&h, r->device->platform_name);
    sha256_hex(&h, key);
    make_folder(path);
    len = strlen(path);
    snprintf(path + len, CACHE_PATH - len, "/%s.bin", key);
    return true;
}

/* A cached file is the binary's digest and the binary.  The caller frees it;
 * null for anything but a whole file. */
static unsigned char *cache_read(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    unsigned char *data = NULL;
    struct stat st;
    struct sha256 h;
    char hex[DIGEST + 1];

    if (!f)
        return NULL;
    if (!fstat(fileno(f), &st) && st.st_size > DIGEST)
        data = malloc((size_t)st.st_size);
    if (data && fread(data, 1, (size_t)st.st_size, f) != (size_t)st.st_size) {
        free(data);
        data = NULL;
    }
    fclose(f);
    if (!data)
        return NULL;

    *bytes = (size_t)st.st_size - DIGEST;
    sha256_init(&h);
    sha256_add(&h, data + DIGEST, *bytes);
    sha256_hex(&h, hex);
    if (!memcmp(hex, data, DIGEST))
        return data;
    free(data);
    return NULL;
}

/* Through a temporary file and a rename, so that two processes may write the
 * same entry at once. */
static void cache_write(const char *path, const unsigned char *data,
                        size_t bytes)
{
    struct file_writer w;
    struct sha256 h;
    char hex[DIGEST + 1];

    if (file_begin(&w, path, &silent))
        return;
    sha256_init(&h);
    sha256_add(&h, data, bytes);
    sha256_hex(&h, hex);
    if (fwrite(hex, 1, DIGEST, w.stream) == DIGEST &&
        fwrite(data, 1, bytes, w.stream) == bytes)
        file_commit(&w, &silent);
    else
        file_abandon(&w);
}

static void cache_program(const char *path, cl_program program)
{
    size_t bytes = 0;
    unsigned char *data;

    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes,
                         NULL) ||
        !bytes)
        return;
    data = malloc(bytes);
    if (!data)
        return;
    if (!clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof data, &data,
                          NULL))
        cache_write(path, data, bytes);
    free(data);
}

/* Null where the cache does not have it or the driver does not take it. */
static cl_program program_cached(const struct program_request *r,
                                 const char *path)
{
    cl_int error, each;
    cl_program program;
    size_t bytes;
    unsigned char *data = cache_read(path, &bytes);
    const unsigned char *binary = data ? data + DIGEST : NULL;

    if (!data)
        return NULL;
    program = clCreateProgramWithBinary(r->context, 1, &r->device->id, &bytes,
                                        &binary, &each, &error);
    free(data);
    if (!error &&
        clBuildProgram(program, 1, &r->device->id, r->options, NULL, NULL)) {
        clReleaseProgram(program);
        error = CL_INVALID_BINARY;
    }
    return error ? NULL : program;
}

/* ---- the source ---- */

static enum plancl_status build_failed(const struct program_request *r,
                                       const struct plancl_callbacks *cb,
                                       cl_program program, cl_int error)
{
    size_t bytes = 0;
    char *log = NULL;
    enum plancl_status status;

    if (!clGetProgramBuildInfo(program, r->device->id, CL_PROGRAM_BUILD_LOG, 0,
                               NULL, &bytes))
        log = calloc(1, bytes + 1);
    if (log && clGetProgramBuildInfo(program, r->device->id,
                                     CL_PROGRAM_BUILD_LOG, bytes, log, NULL))
        log[0] = 0;
    status = fail(cb, cl_status(error),
                  "clBuildProgram failed: %s (%d); %s does not build the "
                  "plan's kernels with \"%s\":\n%.*s",
                  cl_error_name(error), (int)error, r->device->name, r->options,
                  LOG_SHOWN, log ? log : "");
    free(log);
    return status;
}

static enum plancl_status program_from_source(const struct program_request *r,
                                              const struct plancl_callbacks *cb,
                                              cl_program *program)
{
    cl_int error;
    enum plancl_status status;

    *program = clCreateProgramWithSource(
        r->context, 1, (const char *[]){r->source}, NULL, &error);
    if (error)
        return cl_check(cb, error, "clCreateProgramWithSource", NULL);
    error = clBuildProgram(*program, 1, &r->device->id, r->options, NULL, NULL);
    if (!error)
        return PLANCL_OK;
    status = build_failed(r, cb, *program, error);
    clReleaseProgram(*program);
    *program = NULL;
    return status;
}

enum plancl_status program_build(const struct program_request *r,
                                 const struct plancl_callbacks *cb,
                                 cl_program *program)
{
    char path[CACHE_PATH];
    bool cached = cache_path(r, path);
    enum plancl_status status;

    *program = cached ? program_cached(r, path) : NULL;
    if (*program)
        return PLANCL_OK;
    status = program_from_source(r, cb, program);
    if (!status && cached)
        cache_program(path, *program);
    return status;
}
