/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that glibc maps for itself, where no hook sees it, known by what stands in it.
 *
 *   malloc arenas     64 MiB-aligned "heaps" with a heap_info at their front     (malloc/arena.c)
 *   large blocks      a chunk header with IS_MMAPPED at the front of the mapping (malloc/malloc.c)
 *   thread stacks     a guard below, the thread's control block at the top       (nptl/allocatestack.c)
 *
 * All of it is read while it changes; a shape counts only when every part of it agrees.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_MEMORY_GLIBC_SHAPES_H
#define GPW_MEMORY_GLIBC_SHAPES_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/reader.h"

enum { GLIBC_HEAP_ALIGN_BYTES = 64 << 20 };

/* What such a heap begins with (malloc/arena.c:heap_info); later fields differ by version. */
struct glibc_heap_info {
    uint64_t arena, previous_heap, size_bytes, accessible_bytes;
};

/* Bytes of the malloc heap that begins at `address` (a multiple of GLIBC_HEAP_ALIGN_BYTES) and lies below `end`; 0: it
 * is none. */
uint64_t glibc_heap_bytes(struct reader *reader, uintptr_t address, uintptr_t end, uint64_t os_page_bytes);

/* Bytes of the large malloc block whose mapping begins at `address` and lies below `end`; 0: it is none. */
uint64_t glibc_large_block_bytes(struct reader *reader, uintptr_t address, uintptr_t end, uint64_t os_page_bytes);

struct glibc_thread {
    uintptr_t stack_end;
    uint32_t tid; /* 0: the thread has ended, glibc keeps its stack for the next one */
};

/* Is there a thread control block on the OS page at `page`? */
bool glibc_thread_on_page(struct reader *reader, uintptr_t page, uint64_t os_page_bytes, struct glibc_thread *thread);

#endif
