/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel says of a process, read without any code of the shim: the other side of every comparison.
 *
 * Each fails the test when the process is gone or its files cannot be understood. All in bytes.
 */
#ifndef SUPPORT_KERNEL_TRUTH_H
#define SUPPORT_KERNEL_TRUTH_H

#include <stdint.h>
#include <sys/types.h>

struct smaps_sums {
    unsigned mappings;
    uint64_t size_bytes;
    uint64_t rss_bytes;
    uint64_t anonymous_bytes;
    uint64_t lazyfree_bytes;
    uint64_t huge_bytes; /* AnonHugePages */
    uint64_t swap_bytes;
};

/* Sums over all mappings in /proc/PID/smaps whose name contains `part`; NULL or "": over all. */
struct smaps_sums smaps_sum(pid_t pid, const char *part);

/* A field of /proc/PID/status that is in kB, e.g. "VmRSS". */
uint64_t status_bytes(pid_t pid, const char *field);

/* A field of /proc/PID/status that is a plain number, e.g. "Threads". */
uint64_t status_number(pid_t pid, const char *field);

/* A set of signals in /proc/PID/status, e.g. "SigCgt": bit 0 is signal 1. */
uint64_t status_signals(pid_t pid, const char *field);

#endif
