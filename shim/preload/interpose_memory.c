/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory calls of libc that we stand for. Hook path.
 *
 * Each makes the system call itself: there is no real function to be looked up, hence no order of initialisation to get
 * wrong. errno is set as libc sets it, on failure and never else; libc's thread-local storage is touched for nothing
 * else (a Go program without cgo that is loaded dynamically has none, and calls none of these).
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "gopagewatch.h"
#include "memory/raw.h"
#include "preload/client.h"
#include "preload/record.h"

#define INTERPOSED __attribute__((visibility("default")))

static uintptr_t stack_pointer(void)
{
    return (uintptr_t)__builtin_frame_address(0);
}

static long fail(long result)
{
    errno = (int)-result;
    return -1;
}

INTERPOSED void *mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    struct mmap_call call = {
        .wanted = (uintptr_t)start,
        .bytes = bytes,
        .protection = protection,
        .flags = flags,
        .fd = fd,
        .offset = offset,
        .caller = (uintptr_t)__builtin_return_address(0),
        .stack_pointer = stack_pointer(),
    };
    long result = raw_mmap(start, bytes, protection, flags, fd, offset);
    record_mmap(&call, result);
    return raw_failed(result) ? (void *)fail(result) : (void *)result;
}

/* The same call where off_t has 64 bits; cgo built with -D_FILE_OFFSET_BITS=64 uses this name. */
INTERPOSED void *mmap64(void *start, size_t bytes, int protection, int flags, int fd, off_t offset)
    __attribute__((alias("mmap")));

INTERPOSED int munmap(void *start, size_t bytes)
{
    struct munmap_call call = {.start = (uintptr_t)start, .bytes = bytes, .stack_pointer = stack_pointer()};
    record_munmap_begins(&call);
    long result = raw_munmap(start, bytes);
    record_munmap_ended(&call, result);
    return raw_failed(result) ? (int)fail(result) : 0;
}

INTERPOSED void *mremap(void *old_start, size_t old_bytes, size_t new_bytes, int flags, ...)
{
    void *new_start = NULL;
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
        va_list arguments;
        va_start(arguments, flags);
        new_start = va_arg(arguments, void *);
        va_end(arguments);
    }
    struct mremap_call call = {
        .old_start = (uintptr_t)old_start,
        .old_bytes = old_bytes,
        .new_bytes = new_bytes,
        .flags = flags,
        .caller = (uintptr_t)__builtin_return_address(0),
        .stack_pointer = stack_pointer(),
    };
    record_mremap_begins(&call);
    long result = raw_mremap(old_start, old_bytes, new_bytes, flags, new_start);
    record_mremap_ended(&call, result);
    return raw_failed(result) ? (void *)fail(result) : (void *)result;
}

INTERPOSED int madvise(void *start, size_t bytes, int advice)
{
    long result = raw_madvise(start, bytes, advice);
    record_c_madvise((uintptr_t)start, bytes, advice, result, (uintptr_t)__builtin_return_address(0), stack_pointer());
    return raw_failed(result) ? (int)fail(result) : 0;
}

/* Returns an error number and leaves errno alone. POSIX's DONTNEED must not throw data away, so like libc's it does
 * nothing (glibc: sysdeps/unix/sysv/linux/posix_madvise.c). One advice that no kernel has is a program's question for
 * the functions of gopagewatch.h. */
INTERPOSED int posix_madvise(void *start, size_t bytes, int advice)
{
    if (advice == GPW_FUNCTIONS_ADVICE && bytes == sizeof(const struct gpw_functions *)) {
        *(const struct gpw_functions **)start = &gpw_client_functions;
        return 0;
    }
    if (advice == POSIX_MADV_DONTNEED)
        return 0;
    long result = raw_madvise(start, bytes, advice);
    record_c_madvise((uintptr_t)start, bytes, advice, result, (uintptr_t)__builtin_return_address(0), stack_pointer());
    return (int)-result;
}
