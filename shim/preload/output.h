/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a dump goes: the path from its pattern, a temporary file, a rename.
 *
 * A dump is whole or it is not there. It is written to a file without a name (O_TMPFILE, 0600), which goes away by
 * itself when the process is killed meanwhile; when everything was written it gets a temporary name beside its place
 * and is renamed. Where the file system has no such files it has the temporary name from the start (O_EXCL,
 * O_NOFOLLOW), and on any error that is removed. The name holds pid and clock: containers that share a volume share
 * pids and paths too. A dump of an earlier process with the same pid is not overwritten: the number goes up until the
 * name is free.
 *
 * Allowed context: output_open constructor or discovery, the rest dumper.
 */
#ifndef GPW_PRELOAD_OUTPUT_H
#define GPW_PRELOAD_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/options.h"

enum { OUTPUT_PATH_BYTES = 4096, OUTPUT_TEMPORARY_BYTES = OUTPUT_PATH_BYTES + 64 };

struct output {
    char pattern[OUTPUT_PATH_BYTES]; /* absolute, so that a later chdir does not move the dumps */
    char program[64], host[65];
    uint64_t file_number; /* %n of the file written last */
    bool is_unnamed;      /* the file in hand */
    char path[OUTPUT_PATH_BYTES], temporary[OUTPUT_TEMPORARY_BYTES];
};

void output_open(struct output *output, const struct options *options);

/* The path of a file that is not a dump, by a pattern without %n and %l; relative: from where the process is now.
 * OUTPUT_PATH_BYTES; false: it does not fit. Allowed context: as output_open, which comes first. */
bool output_name_other(const struct output *output, const char *pattern, char *path);

/* Opens the temporary file of the next dump. A descriptor, or -errno; `output->path` names the dump either way. */
int output_begin(struct output *output, const char *label);

/* Closes and renames; `error` is what writing met, 0 or -errno. 0, or -errno and then nothing is left behind. */
int output_end(struct output *output, int fd, int error, const char *label);

/* Expands `pattern` into `path` (OUTPUT_PATH_BYTES). False when the result does not fit. */
struct output_words {
    uint64_t pid, number, unix_seconds;
    const char *program, *host, *label;
};
bool output_expand(const char *pattern, const struct output_words *words, char *path);

#endif
