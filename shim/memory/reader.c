/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a process without the risk of a fault, and the sliding window over any reader.
 */
#include "memory/reader.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "memory/raw.h"
#include "memory/text.h"
#include "memory/units.h"

enum { PATH_BYTES = 32 };

/* The own process by "self": a mounted /proc may be that of another pid namespace. */
static void mem_path(char path[PATH_BYTES], int pid)
{
    char digits[NUMBER_TEXT_BYTES];
    strcpy(path, "/proc/");
    strcat(path, pid == raw_getpid() ? "self" : number_text((unsigned)pid, digits));
    strcat(path, "/mem");
}

static int read_through_mem_file(struct reader_process *process, uintptr_t address, void *buffer, uint64_t bytes)
{
    if (process->mem_fd < 0) {
        char path[PATH_BYTES];
        mem_path(path, process->pid);
        process->mem_fd = raw_open(path, O_RDONLY, 0);
        if (process->mem_fd < 0)
            return process->mem_fd;
    }
    long got = raw_pread(process->mem_fd, buffer, bytes, address);
    if (raw_failed(got))
        return (int)got;
    return (uint64_t)got == bytes ? 0 : -EFAULT;
}

static int process_read(struct reader *reader, uintptr_t address, void *buffer, uint64_t bytes)
{
    struct reader_process *process = (struct reader_process *)reader;
    pace_give_way(process->pace);
    if (process->mem_fd < 0) {
        struct iovec local = {buffer, bytes};
        struct iovec remote = {(void *)address, bytes};
        long got = raw_syscall6(SYS_process_vm_readv, process->pid, (long)&local, 1, (long)&remote, 1, 0);
        if (!raw_failed(got))
            return (uint64_t)got == bytes ? 0 : -EFAULT;
        if (got == -EFAULT || got == -ESRCH)
            return (int)got;
    }
    return read_through_mem_file(process, address, buffer, bytes);
}

void reader_process_open(struct reader_process *process, int pid)
{
    process->reader.read = process_read;
    process->pid = pid;
    process->mem_fd = -1;
    process->pace = NULL;
}

void reader_process_close(struct reader_process *process)
{
    if (process->mem_fd >= 0)
        raw_close(process->mem_fd);
    process->mem_fd = -1;
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
