/* SPDX-License-Identifier: Apache-2.0
 *
 * The page that a watched process shares with whoever may open its descriptors: `gopagewatch dump PID` asks there for a
 * dump, and is told which file it became or why none came. No signal is needed for that.
 *
 * It is a memfd, found as /proc/PID/fd/N -> "/memfd:gopagewatch"; opening it needs the rights to look into the process
 * (the same user). Commands take turns by flock(2) on it. The one that holds the lock
 *
 *   writes `label`, adds one to `requested`, adds one to `asked` and wakes who waits on it (futex, shared);
 *   then waits until `answered` is what it made of `requested`. `path`, `error` and `why` tell of that dump.
 *
 * A program that can bring itself to rest has a thread that waits here (gpw_settle_await of gopagewatch.h). A command
 * that holds the lock adds one to `settle_asked` (never 0), wakes who waits on it, and waits until `settle_done` is
 * that.
 *
 * What stands here may be anything: the command checks what the shim wrote, and the shim what the command wrote. Fields
 * are only added, and zero is what an older shim says.
 */
#ifndef GOPAGEWATCH_CONTROL_H
#define GOPAGEWATCH_CONTROL_H

#include <stdatomic.h>
#include <stdint.h>

#define GPW_CONTROL_NAME "gopagewatch"
#define GPW_CONTROL_MAGIC 0x31776770u /* "gpw1" */

enum { GPW_CONTROL_BYTES = 8192, GPW_LABEL_BYTES = 64, GPW_CONTROL_PATH_BYTES = 4096, GPW_CONTROL_WHY_BYTES = 256 };

struct gpw_control {
    uint32_t magic;
    uint32_t pid;           /* of the process that is watched, in its own namespace; a forked child is not it */
    _Atomic uint32_t asked; /* how often a dump was asked for, by signal or here: the dumper waits on it */
    _Atomic uint32_t requested;
    _Atomic uint32_t answered;
    char label[GPW_LABEL_BYTES];
    uint64_t seq;
    int32_t error;                     /* 0, or -errno */
    char path[GPW_CONTROL_PATH_BYTES]; /* of the dump, absolute as the process sees it */
    char why[GPW_CONTROL_WHY_BYTES];   /* when there is none */
    _Atomic uint32_t settle_listening; /* threads that wait for a request to bring the program to rest */
    _Atomic uint32_t settle_asked, settle_done;
};

_Static_assert(sizeof(struct gpw_control) <= GPW_CONTROL_BYTES, "it fits");

#endif
