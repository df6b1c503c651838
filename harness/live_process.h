/* SPDX-License-Identifier: Apache-2.0
 *
 * Another process, by what /proc tells of it. It is neither stopped nor attached to.
 */
#ifndef GPW_HARNESS_LIVE_PROCESS_H
#define GPW_HARNESS_LIVE_PROCESS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/error.h"
#include "memory/bump.h"
#include "memory/reader.h"
#include "memory/vma.h"

enum { PROC_PATH_BYTES = 64, LIVE_COMM_BYTES = 64 };

struct live_process {
    int pid;
    struct reader_process reader;
    struct vma_list vmas; /* when it was opened */
    char comm[LIVE_COMM_BYTES];
    char exe[PATH_MAX];
    uint64_t age_ns; /* since its start; 0: not known */
    /* The environment that it was started with: strings, each with its zero. */
    const char *environment;
    uint64_t environment_bytes;
    char file_path[PATH_MAX + PROC_PATH_BYTES]; /* of live_process_file_path */
};

/* False, and `error` says why: there is no such process, it may not be read, it is not a 64-bit one. */
bool live_process_open(struct live_process *process, int pid, struct bump *bump, struct error *error);
void live_process_close(struct live_process *process);

/* "/proc/PID/NAME" */
void live_process_path(const struct live_process *process, const char *name, char path[PROC_PATH_BYTES]);

/* A path by which the file of a mapping can be opened from here, also when it was deleted or lies in a container; NULL:
 * there is none. Valid until the next call. The type fits struct modules_source. */
const char *live_process_file_path(void *process, const struct vma *vma);

/* The number of process `pid` in its own namespace, as it sees itself; `pid` where that is not known. */
uint64_t live_process_own_pid(int pid);

/* Whether this process has the capability of that number (linux/capability.h), and CAP_SYS_PTRACE. */
bool live_process_has_capability(unsigned bit);
bool live_process_may_trace(void);

/* Why a file of the process could not be read: `number` is -errno. Returns false. */
bool live_process_refuse(const struct live_process *process, const char *what, int number, struct error *error);

#endif
