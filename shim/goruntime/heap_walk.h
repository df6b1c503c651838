/* SPDX-License-Identifier: Apache-2.0
 *
 * One arena of a Go heap: what each of its 8,192 pages is, and which slots of its spans hold an object.
 *
 * The program goes on while it is read. So what is read is checked against what it must be (a span that covers the page
 * it was found by, counts that fit its size, a sweep generation of now), a span's bitmap counts only when the span has
 * not changed meanwhile, what fails is read again a few times, and what still fails is PAGE_UNTRUSTED and counted.
 *
 * One arena at a time, in memory that is used again for the next: a dump's memory does not grow with the heap.
 *
 * Allowed context: dumper, command; one thread at a time.
 */
#ifndef GPW_GORUNTIME_HEAP_WALK_H
#define GPW_GORUNTIME_HEAP_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/heap_find.h"
#include "goruntime/heap_profile.h"
#include "goruntime/page_alloc.h"
#include "memory/bump.h"
#include "memory/reader_cache.h"
#include "memory/residency.h"
#include "memory/units.h"

enum heap_page_kind {
    PAGE_RESERVED,  /* arena address space that the page allocator does not have yet */
    PAGE_FREE,      /* free, not scavenged */
    PAGE_RELEASED,  /* free, scavenged; and the random padding of go1.26, which Go counts so */
    PAGE_OBJECTS,   /* of an in-use span */
    PAGE_STACK,     /* of a span of goroutine stacks */
    PAGE_WORK,      /* the collector's work buffers, pointer bitmaps (to go1.24) */
    PAGE_UNTRUSTED, /* allocated, but no span for it could be read */
};

/* An in-use span. */
struct heap_span {
    uintptr_t start;
    uint64_t bytes;
    uint64_t slot_bytes;
    uint32_t slots;
    uint32_t objects; /* allocated slots; of an unswept span dead ones are among them */
    bool is_large;    /* one object of more than 32 KiB, or a user arena's chunk */
    bool is_unswept;
    uint16_t samples_count;    /* sampled objects in it ... */
    uint32_t samples_first;    /* ... in heap_arena.samples from here on, by slot */
    const uint64_t *allocated; /* a bit for each slot */
};

/* Neighbouring pages of one kind; for PAGE_OBJECTS the pages of one span. */
struct heap_run {
    uintptr_t start, end; /* inside the arena: a span may begin before it or end behind it */
    enum heap_page_kind kind;
    uint32_t span; /* PAGE_OBJECTS: index */
};

struct heap_walk_counters {
    uint64_t spans_checked, spans_reread, spans_untrusted;
    uint64_t spans_unswept;
    uint64_t arenas_unreadable;
};

struct heap_arena {
    uintptr_t start;
    const struct heap_run *runs; /* by address, without a gap */
    uint32_t runs_count;
    const struct heap_span *spans;
    const uint64_t *mspans, *alloc_bits; /* for each span the addresses of its struct and of its bitmap */
    const struct heap_sample *samples;
};

struct heap_walk {
    const struct go_heap *heap;
    struct reader_cache cache;
    struct page_alloc pages;
    struct heap_walk_counters counters;
    struct heap_profile profile;
    uint32_t sweepgen;    /* mheap_.sweepgen when the arena in hand was begun */
    uintptr_t heap_arena; /* address of the arena's struct */
    struct arena_workspace *work;
    struct heap_arena arena;
};

/* False: the reserve of `bump` is used up, or the page allocator's ranges cannot be read. */
bool heap_walk_open(struct heap_walk *walk, const struct go_heap *heap, struct bump *bump);

/* The starts of the heap's arenas by address, into memory of `bump`; the number, or -1. */
int64_t heap_arenas_list(const struct go_heap *heap, struct residency *residency, struct bump *bump,
                         uintptr_t **starts);

/* Reads the arena that begins at `start`. The result is valid until the next call. NULL: it cannot be read. */
const struct heap_arena *heap_walk_arena(struct heap_walk *walk, uintptr_t start);

static inline bool heap_span_has_object(const struct heap_span *span, uint64_t slot)
{
    return (span->allocated[slot / 64] >> slot % 64 & 1) != 0;
}

/* How many of the slots `first` to `last` hold an object. */
uint64_t heap_span_count_objects(const struct heap_span *span, uint64_t first, uint64_t last);

/* Bytes of [start, end) that allocated slots of the span cover. */
uint64_t heap_span_object_bytes(const struct heap_span *span, uintptr_t start, uintptr_t end);

#endif
