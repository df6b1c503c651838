/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors that stay open in the watched program.
 *
 * Allowed context: discovery, dumper.
 */
#ifndef GPW_PRELOAD_DESCRIPTOR_H
#define GPW_PRELOAD_DESCRIPTOR_H

#include "memory/raw.h"

/* Above what programs count on being theirs (0, 1, 2, and those that a service manager passes on). */
enum { DESCRIPTOR_MIN = 200 };

static inline int descriptor_move_up(int fd)
{
    long moved = raw_syscall6(SYS_fcntl, fd, F_DUPFD_CLOEXEC, DESCRIPTOR_MIN, 0, 0, 0);
    if (raw_failed(moved))
        return fd;
    raw_close(fd);
    return (int)moved;
}

#endif
