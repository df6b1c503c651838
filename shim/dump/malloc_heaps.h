/* SPDX-License-Identifier: Apache-2.0
 *
 * malloc's book: the heaps of glibc's arenas, and what of each page of them is free.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_MALLOC_HEAPS_H
#define GPW_DUMP_MALLOC_HEAPS_H

#include <stdint.h>

#include "dump/known_ranges.h"
#include "dump/resident_set.h"
#include "memory/bump.h"
#include "memory/reader.h"

/* As much of the headers as is read for one dump: about a third of a second. */
#define MALLOC_READ_BYTES_MAX (1ull << 30)

struct malloc_heap {
    uintptr_t start, end;
    uint64_t os_page_bytes;
    uint16_t *free_units; /* of GLIBC_CHUNK_ALIGN_BYTES, one for each page; NULL: it was not walked */
};

struct malloc_heaps {
    struct malloc_heap *heaps; /* by address */
    uint64_t count, capacity;
    uint64_t walked;
    uint64_t torn, swapped, too_long; /* not walked, by reason; too_long: or there was no room */
    uint64_t rereads, read_bytes, walk_ns;
    uint64_t idle_resident_bytes; /* counted by the join: resident pages with nothing but free memory */
};

struct malloc_source {
    const struct known_ranges *known;
    const struct resident_set *resident;
    struct reader *reader;
    struct bump *bump;
    uint64_t os_page_bytes;
    bool has_foreign_brk; /* what brk gave is another malloc's */
};

/* Finds and walks all heaps. What cannot be walked is counted. */
void malloc_heaps_walk(struct malloc_heaps *heaps, const struct malloc_source *source);
/* The walked heap that holds `address`, or NULL. */
const struct malloc_heap *malloc_heaps_at(const struct malloc_heaps *heaps, uintptr_t address);
struct malloc_free {
    uint64_t bytes;
    uint64_t idle_bytes; /* of these, on pages with nothing else */
};

/* What is free of [start, end), which are page bounds; what lies outside the heap is not free. */
struct malloc_free malloc_heap_free(const struct malloc_heap *heap, uintptr_t start, uintptr_t end);

#endif
