/*
 * command.h: the commands of the program.  Each takes its own name in argv[0]
 * and returns the exit code.
 *
 * argc and argv are main's without the program's name.  A command gives its own
 * messages, so main says nothing more.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "runtime/plancl.h"

/* A row of the table in main.c; summary is a line of plancl --help. */
struct command {
    const char *name, *summary;
    enum plancl_status (*run)(int argc, char **argv);
};

enum plancl_status command_calibrate(int argc, char **argv);
enum plancl_status command_compile(int argc, char **argv);
enum plancl_status command_fit(int argc, char **argv);
enum plancl_status command_train(int argc, char **argv);
enum plancl_status command_evaluate(int argc, char **argv);
enum plancl_status command_predict(int argc, char **argv);
enum plancl_status command_import(int argc, char **argv);
enum plancl_status command_export(int argc, char **argv);
enum plancl_status command_inspect(int argc, char **argv);
enum plancl_status command_verify(int argc, char **argv);
enum plancl_status command_devices(int argc, char **argv);
enum plancl_status command_ops(int argc, char **argv);

#endif
