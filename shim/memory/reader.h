/* SPDX-License-Identifier: Apache-2.0
 *
 * The one way to read memory that may not be there.
 *
 * Everything that knows Go's or malloc's structures reads through a `struct reader`, so that the same walker serves the
 * own process, another process, a core file and a test's fake image. A reader never faults: what is not mapped is an
 * error. What it returns is hostile: lengths and indices found in it are checked against bounds that come from
 * elsewhere.
 *
 * Allowed context: dumper, command. (Not a hook: a read is a system call of about a microsecond.)
 */
#ifndef GPW_MEMORY_READER_H
#define GPW_MEMORY_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/pace.h"

struct reader {
    /* Copies `bytes` bytes at `address` into `buffer`. 0, or -errno and then the buffer's content is undefined. */
    int (*read)(struct reader *reader, uintptr_t address, void *buffer, uint64_t bytes);
};

/* A process, the own one or another: process_vm_readv(2), or /proc/PID/mem where a sandbox forbids that. Nothing is
 * stopped or attached to. `mem_fd` is -1 until needed; reader_process_close gives it back. */
struct reader_process {
    struct reader reader;
    int pid;
    int mem_fd;
    struct pace *pace; /* given way to before each read; NULL, the default: nobody */
};

/* Opens nothing yet: whether the process is there and may be read shows at the first read. */
void reader_process_open(struct reader_process *process, int pid);
void reader_process_close(struct reader_process *process);

static inline bool reader_read(struct reader *reader, uintptr_t address, void *buffer, uint64_t bytes)
{
    return reader->read(reader, address, buffer, bytes) == 0;
}

static inline bool reader_read_u64(struct reader *reader, uintptr_t address, uint64_t *word)
{
    return reader_read(reader, address, word, sizeof *word);
}

/* A sliding window over [start, end): for tables that are read in small steps and mostly forward. The buffer belongs to
 * the caller. */
struct reader_window {
    struct reader *reader;
    uintptr_t start, end;
    uint8_t *buffer;
    uint64_t buffer_bytes;
    uintptr_t held_start;
    uint64_t held_bytes;
};

/* The `bytes` bytes at `address`, valid until the next call on this window; NULL when they do not all lie in
 * [start, end), are more than half of the buffer, or cannot be read. */
const uint8_t *reader_window_at(struct reader_window *window, uintptr_t address, uint64_t bytes);

#endif
