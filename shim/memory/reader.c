/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the own process without the risk of a fault, and the sliding window over any reader.
 */
#include "memory/reader.h"

#include <errno.h>
#include <sys/uio.h>

#include "memory/raw.h"
#include "memory/units.h"

static int read_through_mem_file(struct reader_self *self, uintptr_t address, void *buffer, uint64_t bytes)
{
    if (self->mem_fd < 0) {
        self->mem_fd = raw_open("/proc/self/mem", O_RDONLY, 0);
        if (self->mem_fd < 0)
            return self->mem_fd;
    }
    long got = raw_pread(self->mem_fd, buffer, bytes, address);
    if (raw_failed(got))
        return (int)got;
    return (uint64_t)got == bytes ? 0 : -EFAULT;
}

static int self_read(struct reader *reader, uintptr_t address, void *buffer, uint64_t bytes)
{
    struct reader_self *self = (struct reader_self *)reader;
    if (self->mem_fd < 0) {
        struct iovec local = {buffer, bytes};
        struct iovec remote = {(void *)address, bytes};
        long got = raw_syscall6(SYS_process_vm_readv, self->pid, (long)&local, 1, (long)&remote, 1, 0);
        if (!raw_failed(got))
            return (uint64_t)got == bytes ? 0 : -EFAULT;
        if (got == -EFAULT)
            return -EFAULT;
    }
    return read_through_mem_file(self, address, buffer, bytes);
}

void reader_self_open(struct reader_self *self)
{
    self->reader.read = self_read;
    self->pid = raw_getpid();
    self->mem_fd = -1;
}

void reader_self_close(struct reader_self *self)
{
    if (self->mem_fd >= 0)
        raw_close(self->mem_fd);
    self->mem_fd = -1;
}

const uint8_t *reader_window_at(struct reader_window *window, uintptr_t address, uint64_t bytes)
{
    if (address < window->start || address > window->end || bytes > window->end - address ||
        bytes > window->buffer_bytes / 2)
        return NULL;
    uint64_t offset = address - window->held_start;
    if (address >= window->held_start && offset <= window->held_bytes && bytes <= window->held_bytes - offset)
        return window->buffer + offset;

    uint64_t want = min_u64(window->buffer_bytes, window->end - address);
    window->held_bytes = 0;
    if (!reader_read(window->reader, address, window->buffer, want)) {
        /* The tail may be unmapped: what was asked for is enough. */
        want = bytes;
        if (!reader_read(window->reader, address, window->buffer, want))
            return NULL;
    }
    window->held_start = address;
    window->held_bytes = want;
    return window->buffer;
}
