/* SPDX-License-Identifier: Apache-2.0
 *
 * The Go heaps of a process as the join sees them: whose page is this, and the sums over spans.
 *
 * The join asks in address order, so that each arena is walked once and none is kept.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_HEAP_BOOKS_H
#define GPW_DUMP_HEAP_BOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/gc_state.h"
#include "goruntime/heap_walk.h"
#include "memory/bump.h"

enum {
    HEAPS_MAX = 8,
    SLOT_BYTES_STEP = 8, /* slot sizes are multiples of it */
    SIZE_CLASS_ROWS = 32768 / SLOT_BYTES_STEP + 1,
    OCCUPANCY_TENTHS = 10,
    REINFLATED_MAX = 16,
};

/* One size of slot, over all heaps. */
struct size_class {
    uint64_t spans, slots, objects;
    uint64_t object_bytes, mapped_bytes, resident_bytes;
    uint64_t occupancy[OCCUPANCY_TENTHS]; /* spans by the share of their slots that is allocated */
    uint64_t sparse_resident_bytes;       /* of spans that are less than a quarter full */
};

struct large_objects {
    uint64_t spans, object_bytes, resident_bytes, untouched_bytes;
};

/* Released memory that is resident all the same. */
struct reinflated_range {
    uintptr_t start;
    uint64_t bytes, huge_bytes;
};

/* One runtime's heap. */
struct heap_book {
    const struct go_heap *heap; /* its `layout` is NULL when it cannot be walked */
    const uintptr_t *arenas;    /* starts, by address */
    uint64_t arenas_count;
    struct heap_walk walk;
    bool has_gc;
    struct gc_state gc;
    /* by the walk */
    uint64_t objects_bytes, unused_bytes, stacks_bytes, free_bytes, released_bytes, reserved_bytes, work_bytes,
        untrusted_bytes;
    uint64_t spans, objects;
};

struct heap_books {
    struct heap_book books[HEAPS_MAX];
    uint32_t count;
    struct size_class *size_classes; /* SIZE_CLASS_ROWS, by slot bytes / SLOT_BYTES_STEP */
    struct large_objects large;
    uint64_t reinflated_resident_bytes, reinflated_huge_bytes;
    struct reinflated_range reinflated[REINFLATED_MAX]; /* the largest, by bytes falling */
    uint32_t reinflated_count;
    uint64_t idle_in_huge_bytes; /* Go pages without an object that share a huge page with some that have one */
    uint64_t untouched_bytes;    /* of in-use spans, neither resident nor swapped */
    uint64_t walk_ns;

    /* where the join stands */
    struct heap_book *book;
    const struct heap_arena *arena;
    uintptr_t arena_start; /* the arena asked for last; UINTPTR_MAX: none yet */
    uint32_t run;
    struct reinflated_range open_range;
    uintptr_t huge_page; /* the huge page that was counted last */
    uint64_t huge_page_idle_bytes;
    bool is_huge_page_used;
};

/* Takes up the heaps that were found (`heaps[i]` may have no layout). False: the reserve of `bump` is used up. */
bool heap_books_open(struct heap_books *books, const struct go_heap *const *heaps, uint32_t count,
                     struct residency *residency, struct bump *bump);

/* Was any heap walked? */
static inline bool heap_books_are_walked(const struct heap_books *books)
{
    for (uint32_t i = 0; i < books->count; i++) {
        if (books->books[i].arenas_count != 0)
            return true;
    }
    return false;
}

/* The first arena of a walkable heap that ends above `address`; UINTPTR_MAX: there is none. */
uintptr_t heap_books_next_arena(const struct heap_books *books, uintptr_t address);

/* The run of pages that holds `address`; addresses must not fall. NULL: no arena of a walkable heap is there, or it
 * could not be read. `arena` gets the arena's spans. */
const struct heap_run *heap_books_run(struct heap_books *books, uintptr_t address, const struct heap_arena **arena);

/* ---- what the join counts: [start, end) is (a part of) a run, `resident` and `swapped` are bytes of it ---- */

struct run_sums {
    uint64_t mapped_bytes, object_bytes, resident_bytes, swapped_bytes;
};

void heap_books_count(struct heap_books *books, const struct heap_run *run, uintptr_t start,
                      const struct run_sums *sums);
/* Released and resident: neighbouring ranges become one. */
void heap_books_count_reinflated(struct heap_books *books, uintptr_t start, uintptr_t end, bool is_huge);
/* [start, end) lies in a huge page that is mapped; `is_used`: an object, a stack or a work buffer is there. */
void heap_books_count_huge(struct heap_books *books, uintptr_t start, uintptr_t end, bool is_used);
/* The last range and huge page end here. */
void heap_books_finish(struct heap_books *books);

#endif
