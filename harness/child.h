/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that this command starts and waits for. What asks the command to stop (SIGINT, SIGTERM, SIGHUP) is passed
 * on to it, so that the command can tidy up behind it.
 */
#ifndef GPW_HARNESS_CHILD_H
#define GPW_HARNESS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/error.h"

struct child {
    pid_t pid;
    int pidfd;
    bool has_ended;
    int status; /* of waitpid, once it has ended */
};

/* Starts `program` with these arguments in this process's environment. One at a time. False: `error` says why. */
bool child_start(struct child *child, const char *program, char **arguments, struct error *error);

/* Until it has ended, `fd` (-1: none) is readable, or the time is up. Monotonic nanoseconds; UINT64_MAX: no end. */
void child_wait(struct child *child, int fd, uint64_t until_ns);

/* Ends it: SIGTERM, and SIGKILL when it is still there after `patience_ns`. */
void child_end(struct child *child, uint64_t patience_ns);

/* The signal that asked this command to stop since the first child, or 0. */
int child_stop_signal(void);

uint64_t child_now_ns(void);

#endif
