/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's own totals of a process, from /proc/PID/status.
 *
 * VmHWM is the peak, never getrusage's ru_maxrss: an exec'ed child inherits its parent's.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_MEMORY_PROC_STATUS_H
#define GPW_MEMORY_PROC_STATUS_H

#include <stdint.h>

/* What a source other than this file does not tell. */
#define PROC_STATUS_NOT_KNOWN UINT64_MAX

struct proc_status {
    uint64_t resident_bytes; /* VmRSS */
    uint64_t peak_bytes;     /* VmHWM */
    uint64_t swapped_bytes;  /* VmSwap */
    uint64_t mapped_bytes;   /* VmSize: what RLIMIT_AS counts */
    uint64_t data_bytes;     /* VmData: what RLIMIT_DATA counts */
    uint64_t threads;
};

/* 0, or -errno. */
int proc_status_read(struct proc_status *status, const char *path);

#endif
