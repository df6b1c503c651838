/* SPDX-License-Identifier: Apache-2.0
 *
 * System calls without libc.
 *
 * Everything that runs inside the watched program calls the kernel through these: no errno, no cancellation point, no
 * thread-local storage, nothing that libc must have set up first. Each returns what the kernel returns: a value, or
 * -errno in [-4095, -1]. All may be called from a hook and from a signal handler.
 */
#ifndef GPW_MEMORY_RAW_H
#define GPW_MEMORY_RAW_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#if defined(__x86_64__)
#include "memory/raw_amd64.h"
#else
#error "raw system calls: this architecture has no raw_ARCH.h yet"
#endif

static inline bool raw_failed(long result)
{
    return (unsigned long)result >= (unsigned long)-4095;
}

static inline long raw_mmap(void *start, uint64_t bytes, int prot, int flags, int fd, int64_t offset)
{
    return raw_syscall6(SYS_mmap, (long)start, (long)bytes, prot, flags, fd, offset);
}

static inline long raw_munmap(void *start, uint64_t bytes)
{
    return raw_syscall6(SYS_munmap, (long)start, (long)bytes, 0, 0, 0, 0);
}

static inline long raw_mprotect(void *start, uint64_t bytes, int prot)
{
    return raw_syscall6(SYS_mprotect, (long)start, (long)bytes, prot, 0, 0, 0);
}

static inline long raw_mremap(void *old_start, uint64_t old_bytes, uint64_t new_bytes, int flags, void *new_start)
{
    return raw_syscall6(SYS_mremap, (long)old_start, (long)old_bytes, (long)new_bytes, flags, (long)new_start, 0);
}

static inline long raw_munlock(void *start, uint64_t bytes)
{
    return raw_syscall6(SYS_munlock, (long)start, (long)bytes, 0, 0, 0, 0);
}

static inline long raw_madvise(void *start, uint64_t bytes, int advice)
{
    return raw_syscall6(SYS_madvise, (long)start, (long)bytes, advice, 0, 0, 0);
}

/* Retries EINTR never: the callers' descriptors are regular files and /proc. */
static inline int raw_open(const char *path, int flags, unsigned mode)
{
    return (int)raw_syscall6(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, (long)mode, 0, 0);
}

static inline long raw_read(int fd, void *buffer, uint64_t bytes)
{
    return raw_syscall6(SYS_read, fd, (long)buffer, (long)bytes, 0, 0, 0);
}

static inline long raw_pread(int fd, void *buffer, uint64_t bytes, uint64_t offset)
{
    return raw_syscall6(SYS_pread64, fd, (long)buffer, (long)bytes, (long)offset, 0, 0);
}

static inline long raw_write(int fd, const void *buffer, uint64_t bytes)
{
    return raw_syscall6(SYS_write, fd, (long)buffer, (long)bytes, 0, 0, 0);
}

static inline void raw_close(int fd)
{
    raw_syscall6(SYS_close, fd, 0, 0, 0, 0, 0);
}

static inline long raw_fstat(int fd, struct stat *status)
{
    return raw_syscall6(SYS_fstat, fd, (long)status, 0, 0, 0, 0);
}

static inline long raw_ioctl(int fd, unsigned long request, void *argument)
{
    return raw_syscall6(SYS_ioctl, fd, (long)request, (long)argument, 0, 0, 0);
}

static inline long raw_readlink(const char *path, char *buffer, uint64_t bytes)
{
    return raw_syscall6(SYS_readlinkat, AT_FDCWD, (long)path, (long)buffer, (long)bytes, 0, 0);
}

static inline int raw_getpid(void)
{
    return (int)raw_syscall6(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static inline uint64_t raw_clock_ns(int clock)
{
    struct timespec now = {0, 0};
    raw_syscall6(SYS_clock_gettime, clock, (long)&now, 0, 0, 0, 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
