/* SPDX-License-Identifier: Apache-2.0
 *
 * Files for tests: a file without a name that can be opened by path, a directory that is gone when the test is done,
 * and what a piece of code says on stderr.
 */
#ifndef GPW_TESTS_FILES_H
#define GPW_TESTS_FILES_H

#include <stdbool.h>
#include <stdint.h>

enum { FILE_PATH_BYTES = 256 };

/* A file in memory. `path` (/proc/self/fd/N) opens it anew at its front. */
struct memory_file {
    int fd;
    char path[FILE_PATH_BYTES];
};

struct memory_file memory_file_make(const void *content, uint64_t bytes);
struct memory_file memory_file_of_text(const char *text);
/* All of it, zero-terminated, from malloc. */
char *memory_file_content(const struct memory_file *file);
void memory_file_close(struct memory_file *file);

/* A new directory below /tmp. */
struct temporary_directory {
    char path[FILE_PATH_BYTES];
};

void temporary_directory_make(struct temporary_directory *directory);
/* The directory and the files in it; no directories below it. */
void temporary_directory_remove(struct temporary_directory *directory);
unsigned temporary_directory_count(const struct temporary_directory *directory);
/* "DIRECTORY/NAME", in a buffer of the caller's of FILE_PATH_BYTES. */
char *path_in(const struct temporary_directory *directory, const char *name, char *path);

void write_text_file(const char *path, const char *text);
/* The file's content, zero-terminated, cut at bytes - 1; false when it cannot be read. */
bool read_text_file(const char *path, char *text, uint64_t bytes);

/* What is written on stderr between the two calls, zero-terminated and cut at bytes - 1. */
struct captured_stderr {
    int saved, pipe_end;
};

void capture_stderr_begin(struct captured_stderr *captured);
void capture_stderr_end(struct captured_stderr *captured, char *text, uint64_t bytes);

#endif
