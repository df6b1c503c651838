/* SPDX-License-Identifier: Apache-2.0
 *
 * What must happen at the end of a test however it ends: by itself, by a failed assertion, by a crash, by the runner
 * that kills it for taking too long.
 *
 * A guardian is a small child process of the test that waits on a pipe whose other end only the test holds. When the
 * test lets it act, or is gone, it does its duty and ends. Guardians made later hold the ends of those made before, so
 * duties come in the reverse order: programs are killed before the directory that they write to is removed.
 */
#ifndef SUPPORT_GUARDIAN_H
#define SUPPORT_GUARDIAN_H

#include <sys/types.h>

struct guardian {
    pid_t pid;
    int pipe_end;
};

/* Starts one; `duty(what)` runs in the guardian's process. The guardian leads a process group of its own, whose number
 * therefore belongs to nobody else as long as the guardian lives. Or fails the test. */
struct guardian guardian_start(void (*duty)(const void *what), const void *what);

/* Has the duty done now and waits for its end. Does nothing the second time. */
void guardian_act(struct guardian *guardian);

#endif
