/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that a subcommand writes: whole under its name, or not there.
 *
 * It is written beside its place under a name of its own (O_EXCL, O_NOFOLLOW, 0600) and renamed when everything was
 * written; a file of that name is replaced, but nothing else (a device, a pipe). On any error nothing is left behind.
 * "-" is standard output.
 */
#ifndef GPW_HARNESS_OUTPUT_FILE_H
#define GPW_HARNESS_OUTPUT_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "harness/error.h"

struct output_file {
    const char *path;
    int fd;
    char temporary[PATH_MAX + 64];
};

/* False: `error` says why. `path` is kept. */
bool output_file_open(struct output_file *file, const char *path, struct error *error);

/* Everybody may read it from the moment that it is in its place: for a file that another user's process picks up. */
void output_file_let_all_read(const struct output_file *file);

/* Puts it in its place; `write_error` is what writing met, 0 or -errno. False: `error` says why, and it is not there.
 */
bool output_file_finish(struct output_file *file, int write_error, struct error *error);

/* The three at once, through a stream: `write` fills it, or returns false after filling `error`, and then there is no
 * file. Errors of the stream need not be looked for. */
bool output_file_write(const char *path, bool (*write)(FILE *out, void *context, struct error *error), void *context,
                       bool is_for_all, struct error *error);

static inline bool output_file_is_stdout(const struct output_file *file)
{
    return file->path[0] == '-' && file->path[1] == '\0';
}

#endif
