/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking the shim in another process for a dump, and waiting for its file.
 *
 * What the shim does follows from the variables that the process was started with, so they are read by the shim's own
 * parser. The signal is sent only to a process whose dumper thread is there and that has a handler for it: to any other
 * the signal would be the end. Where the dump goes is watched from before the signal on, so that none is missed.
 */
#ifndef GPW_HARNESS_SHIM_INSIDE_H
#define GPW_HARNESS_SHIM_INSIDE_H

#include <stdbool.h>

#include "harness/error.h"
#include "harness/live_process.h"
#include "preload/output.h"

struct shim_inside {
    int pid;
    int signal; /* that it waits for */
    /* Where its dumps come, as seen from here, and the names they may have (fnmatch). */
    char directory[OUTPUT_PATH_BYTES + PROC_PATH_BYTES];
    char name_pattern[2 * OUTPUT_PATH_BYTES];
    char path[OUTPUT_PATH_BYTES + PROC_PATH_BYTES + 256]; /* of the dump that came */
    int inotify;                                          /* -1: nothing is awaited */
};

/* What the shim in the process does. False: `error` says why it cannot be asked. */
bool shim_inside_find(struct shim_inside *shim, const struct live_process *process, struct error *error);

/* Begins to watch, then sends the signal (by `pidfd`, unless it is -1). False: `error`, and no signal was sent. */
bool shim_inside_ask(struct shim_inside *shim, int pidfd, struct error *error);

/* The path of the dump when it has come, NULL until then. Does not wait: `inotify` can be polled for that. */
const char *shim_inside_take(struct shim_inside *shim);

/* Awaits nothing any longer. */
void shim_inside_close(struct shim_inside *shim);

#endif
