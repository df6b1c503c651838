/* SPDX-License-Identifier: Apache-2.0
 *
 * The directory that the dumps of sampled runs go to, and which of them belong to a run.
 */
#ifndef GPW_HARNESS_SAMPLE_FILES_H
#define GPW_HARNESS_SAMPLE_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/error.h"

struct sample_files {
    char directory[PATH_MAX]; /* absolute */
    bool is_temporary;
    int events; /* inotify: readable when a dump may have come */
};

struct sample_file {
    char path[PATH_MAX];
    int pid;
    uint64_t number; /* of the dump in its process */
};

/* In `keep`, which is made or must be empty, or in a directory of its own below $TMPDIR. */
bool sample_files_open(struct sample_files *files, const char *keep, struct error *error);
/* Removes what is temporary. */
void sample_files_close(struct sample_files *files);

/* The pattern for GOPAGEWATCH_OUT in the run of this number. */
bool sample_files_pattern(const struct sample_files *files, uint32_t run, char pattern[PATH_MAX], struct error *error);

/* Drains `events`. */
void sample_files_take_events(const struct sample_files *files);

/* The dumps of the run that process `pid` made, oldest first; where it made none those of the one process that did
 * (`pid` was a script). `*found` is for free() and NULL when there are none. False: several processes, no memory. */
bool sample_files_of_run(const struct sample_files *files, uint32_t run, pid_t pid, struct sample_file **found,
                         uint64_t *count, struct error *error);

#endif
