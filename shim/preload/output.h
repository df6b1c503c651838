/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a dump goes: the path from its pattern, a file without a name, its name.
 *
 * A dump is whole or it is not there. It is written to a file without a name (O_TMPFILE, 0600), which goes away by
 * itself when the process is killed meanwhile; when everything was written it gets its name. Where the file system has
 * no such files it has a temporary name from the start (O_EXCL, O_NOFOLLOW), and on any error that is removed. That
 * name holds pid and clock: containers that share a volume share pids and paths too.
 *
 * A pattern with %n: no file is ever overwritten. The name is given by link(2), which fails where one is, also on NFS;
 * then the number goes up until the name is free. A pattern without %n means "always this file": a dump that is there
 * already is replaced by a rename.
 *
 * The program may close the descriptor meanwhile, and have another file at that number: then there is no dump (-EBADF).
 *
 * Allowed context: output_open constructor or discovery, the rest dumper.
 */
#ifndef GPW_PRELOAD_OUTPUT_H
#define GPW_PRELOAD_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/file_identity.h"
#include "preload/options.h"

enum { OUTPUT_PATH_BYTES = 4096, OUTPUT_TEMPORARY_BYTES = OUTPUT_PATH_BYTES + 64 };

struct output {
    char pattern[OUTPUT_PATH_BYTES]; /* absolute, so that a later chdir does not move the dumps */
    char program[64], host[65];
    uint64_t file_number;      /* %n of the file written last */
    struct file_identity file; /* the one in hand */
    bool is_unnamed;
    char path[OUTPUT_PATH_BYTES], temporary[OUTPUT_TEMPORARY_BYTES];
};

void output_open(struct output *output, const struct options *options);

/* The path of a file that is not a dump, by a pattern without %n and %l; relative: from where the process is now.
 * OUTPUT_PATH_BYTES; false: it does not fit. Allowed context: as output_open, which comes first. */
bool output_name_other(const struct output *output, const char *pattern, char *path);

/* Opens the file of the next dump. A descriptor, or -errno; `output->path` names the dump either way. */
int output_begin(struct output *output, const char *label);

/* Closes and gives the name; `error` is what writing met, 0 or -errno. 0, or -errno and then nothing is left behind. */
int output_end(struct output *output, int fd, int error, const char *label);

/* Expands `pattern` into `path` (OUTPUT_PATH_BYTES). False when the result does not fit. */
struct output_words {
    uint64_t pid, number, unix_seconds;
    const char *program, *host, *label;
};
bool output_expand(const char *pattern, const struct output_words *words, char *path);

#endif
