/* SPDX-License-Identifier: Apache-2.0
 *
 * Address ranges whose class is known for certain: given by the shim (its own memory, the Go images, the dump's
 * scratch) or found by what stands in them (thread stacks, malloc's heaps and large blocks, .bss of libraries).
 *
 * Sorted by address, never overlapping. What is not in here is classified by its mapping and the shadow table.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_KNOWN_RANGES_H
#define GPW_DUMP_KNOWN_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "dump/heap_books.h"
#include "gopagewatch/class.h"
#include "memory/bump.h"
#include "memory/reader.h"
#include "memory/residency.h"
#include "memory/vma.h"
#include "preload/shadow.h"

/* Counted nowhere: memory that the dump itself uses and that is gone when it is read. */
#define CLASS_SCRATCH CLASS_COUNT

struct known_range {
    uintptr_t start, end;
    enum memory_class memory_class;
    uint32_t tid; /* thread.stacks: the thread, 0 when it has ended */
};

struct known_ranges {
    struct known_range *ranges;
    struct bump_room room; /* that they are in */
    uint64_t count;
    uint64_t dropped; /* did not fit or overlapped */
};

bool known_ranges_open(struct known_ranges *known, struct bump *bump);
void known_ranges_add(struct known_ranges *known, struct known_range range);
/* The first range that ends above `address`, or NULL. */
const struct known_range *known_ranges_from(const struct known_ranges *known, uintptr_t address);

/* Which file mappings belong to loaded objects: one flag for each vma of the list (the file has an executable mapping
 * nearby). NULL when the reserve is used up. */
const bool *find_libraries(const struct vma_list *vmas, struct bump *bump);

struct shape_search {
    const struct vma_list *vmas;
    const bool *is_library;
    const struct shadow *shadow; /* may be NULL */
    const struct heap_books *heaps;
    struct reader *reader;
    struct residency *residency;
    struct bump *bump;
    uint64_t os_page_bytes;
    uint32_t pid; /* the thread of the main stack */
};

/* Adds what can be found in private anonymous memory that nobody has explained. */
void known_ranges_find_shapes(struct known_ranges *known, const struct shape_search *search);

#endif
