/*
 * data_test.h: what the tests of data/ share: a folder of their own, files
 * made in it, and the last message.
 */
#ifndef TESTS_DATA_TEST_H
#define TESTS_DATA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/plancl_data.h"

/* Group setup and teardown: into a new folder, and back and away with it. */
int data_test_enter(void **state);
int data_test_leave(void **state);

/* The last message, and callbacks that keep it there. */
struct last_message {
    char text[1024];
    int count;
};
struct plancl_callbacks keep_message(struct last_message *);

void write_file(const char *path, const void *bytes, size_t n);
/* A .npy file of version 1 with this dict. */
void write_npy(const char *path, const char *dict, const void *data, size_t n);
/* Gzipped. */
void write_gz(const char *path, const void *bytes, size_t n);

/* Open one column, which must work. */
struct plancl_data *open_one(const char *spec);
/* It must not, with this status and these words in the message. */
void assert_refused(const char *spec, enum plancl_status, const char *words);
/* Read samples 0..n-1 of column 0. */
enum plancl_status read_first(struct plancl_data *, uint64_t n,
                              enum plancl_dtype, void *out);

/* A small fixed generator (xorshift64) for mutations. */
uint64_t next_random(uint64_t *state);

#endif
