/*
 * main.c: finds the command and runs it.  Exit codes are those of enum
 * plancl_status.
 *
 * Whatever a command returns, the exit code also says whether standard output
 * could be written: a result that is cut short is no success.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/pocl_env.h"

static const struct command commands[] = {
    {"compile", "make a plan from a model file", command_compile},
    {"fit", "find the largest batch that fits into memory", command_fit},
    {"train", "train a plan's weights on data", command_train},
    {"evaluate", "measure losses and metrics on data", command_evaluate},
    {"predict", "write or print outputs for data", command_predict},
    {"import", "make a model file from an ONNX file", command_import},
    {"export", "make an ONNX file from a model file", command_export},
    {"inspect", "show what is in a plan", command_inspect},
    {"verify", "check a plan", command_verify},
    {"devices", "list OpenCL devices", command_devices},
    {"calibrate", "measure a device, for predictions", command_calibrate},
    {"ops", "print the reference of all ops", command_ops},
    {0},
};

static void print_help(FILE *to)
{
    fputs("Usage: plancl COMMAND [ARGUMENT]...\n\n", to);
    for (const struct command *c = commands; c->name; c++)
        fprintf(to, "  %-10s %s\n", c->name, c->summary);
    fputs("\nplancl COMMAND --help tells more; plancl --version the version.\n"
          "\nExample:\n"
          "  plancl compile models/fashion_cnn.json -o fashion.plan\n",
          to);
}

/* --help anywhere but first is the command's. */
static enum plancl_status dispatch(int argc, char **argv)
{
    const struct command *c = commands;

    if (argc < 2) {
        print_help(stderr);
        return PLANCL_REFUSED;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return PLANCL_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("plancl %s\n", plancl_version());
        return PLANCL_OK;
    }
    while (c->name && strcmp(argv[1], c->name) != 0)
        c++;
    if (!c->name) {
        fprintf(stderr, "plancl: error: no command \"%s\"; see plancl --help\n",
                argv[1]);
        return PLANCL_REFUSED;
    }
    return c->run(argc - 1, argv + 1);
}

/* A stream that is closed would lend its number to the next file that is
 * opened, and messages would go into that file.  Its place is held by something
 * that refuses what is done with it. */
static void hold_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* A pipe whose reader went away, as in "plancl ops | head". */
static bool reader_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

/* A reader that went away needs no message, a full disk does. */
static enum plancl_status close_output(enum plancl_status status)
{
    bool broken = ferror(stdout) != 0;
    bool gone = reader_gone();

    errno = 0;
    if (fclose(stdout) == 0 && !broken)
        return status;
    if (!gone)
        fprintf(stderr, "plancl: error: standard output: %s\n",
                errno ? strerror(errno) : "not all was written");
    return status == PLANCL_OK ? PLANCL_FAILED : status;
}

int main(int argc, char **argv)
{
    hold_streams();
    /* A closed pipe is a failed write, not the end of a training. */
    signal(SIGPIPE, SIG_IGN);
    pocl_env_set();
    return (int)close_output(dispatch(argc, argv));
}
