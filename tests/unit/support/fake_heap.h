/* SPDX-License-Identifier: Apache-2.0
 *
 * A Go heap, made up, in the layout of any version: the books that the runtime keeps of it, not its pages. What is put
 * there is remembered, so that a test can compare without reading it back.
 *
 *   the module (go_image.h), and its .bss:        the tables, at an address of the test's choice:
 *     FAKE_EMPTY_SPAN  emptymspan                   arena map, 32 MiB
 *     FAKE_GC_PHASE    gcphase                      chunk tables, 1 MiB each
 *     FAKE_ALLP        allp                         then, as they are made: heapArenas, lists, Ps, mcaches,
 *     FAKE_CONTROLLER  gcController                 span structs side by side, allocation bits side by side
 *     FAKE_MEMSTATS    memstats
 *     FAKE_MHEAP       mheap_: the summaries that it is found by lie across a boundary of the finder's window
 *
 * A test may hide ranges from the reader, and change anything in the middle of a walk by a hook.
 *
 * Serves the unit tests and the fuzz targets.
 */
#ifndef GPW_TESTS_FAKE_HEAP_H
#define GPW_TESTS_FAKE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/heap_find.h"
#include "goruntime/heap_walk.h"
#include "memory/residency.h"
#include "tests/unit/support/fake_memory.h"
#include "tests/unit/support/go_image.h"

enum {
    FAKE_EMPTY_SPAN = 0x100,
    FAKE_GC_PHASE = 0x200,
    FAKE_ALLP = 0x240,
    FAKE_PROFILE_RATE = 0x280,
    FAKE_CONTROLLER = 0x400,
    FAKE_MEMSTATS = 0x1000,
    FAKE_MHEAP = 0x1ffc0,
    FAKE_BSS_BYTES = 0x40000,

    FAKE_ARENAS_MAX = 6,
    FAKE_SPANS_MAX = 12000,
    FAKE_PS = 3,
    FAKE_HOLES_MAX = 4,
    FAKE_SWEEPGEN = 10,
    FAKE_STORAGE_BYTES = 80 << 20,
    FAKE_CHUNK_BYTES = 4 << 20,
    FAKE_CHUNK_PAGES = 512,
};

#define FAKE_TABLES 0x7f3000000000ull /* where the tables lie when a test does not say */
#define FAKE_ARENAS 0xc000000000ull   /* where arenas may begin */
#define FAKE_IMAGE 0x555555554000ull

/* How a span was swept, against FAKE_SWEEPGEN (mheap.go:mspan.sweepgen). */
enum fake_sweep {
    FAKE_UNSWEPT = -2,
    FAKE_BEING_SWEPT = -1,
    FAKE_SWEPT = 0,
    FAKE_CACHED_UNSWEPT = 1,
    FAKE_CACHED = 3,
};

struct fake_span {
    uintptr_t start, mspan, bits;
    uint64_t pages, slot_bytes, slots, free_index;
    uint8_t span_class;
    enum fake_sweep sweep;
};

/* A size class of Go's (sizeclasses.go); number 0: a large object of as many pages as is asked for. */
struct fake_class {
    uint8_t number;
    uint32_t slot_bytes, pages;
};

enum { FAKE_CLASSES = 16 };
extern const struct fake_class FAKE_CLASS[FAKE_CLASSES];

struct fake_arena {
    uintptr_t start, heap_arena;
    uint8_t kinds[GO_ARENA_PAGES]; /* enum heap_page_kind, as it was put there */
};

struct fake_heap;
typedef void fake_heap_hook(struct fake_heap *heap, uintptr_t address, uint64_t bytes);

/* What is resident of the arena map: the pages that hold an arena. */
struct fake_residency {
    struct residency residency;
    const struct fake_heap *heap;
};

struct fake_heap {
    struct reader reader;
    struct fake_residency resident;
    const struct go_layout *layout;
    struct go_image image;
    char version[64]; /* that the image states */
    uint8_t bss[FAKE_BSS_BYTES];
    struct fake_memory memory;
    uint8_t *storage; /* of the tables */
    uintptr_t tables;
    uint64_t used_bytes;

    uintptr_t bss_start, mheap, arena_map, allp, empty_span;
    uintptr_t arena_list, user_arena_list, in_use, p[FAKE_PS];
    struct fake_arena arenas[FAKE_ARENAS_MAX];
    uint32_t arenas_count;
    struct fake_span spans[FAKE_SPANS_MAX]; /* in use, in the order of their making */
    uint32_t spans_count;
    uintptr_t mspans, bits; /* where the next will lie */

    uint64_t reads; /* that reached the reader */
    struct {
        uintptr_t start, end;
    } holes[FAKE_HOLES_MAX];
    uint32_t holes_count;
    fake_heap_hook *hook; /* before each read, NULL: none */
    bool is_in_hook;
};

/* An empty heap. `tables`: 0 for the address where they really lie in this process. The memory is kept for the next. */
void fake_heap_open(struct fake_heap *heap, const struct go_layout *layout, uintptr_t tables);
void fake_heap_close(struct fake_heap *heap);
/* What heap_find should say of it. */
struct go_heap fake_heap_described(struct fake_heap *heap);

/* ---- memory ---- */

/* `bytes` zeroed bytes among the tables. */
uintptr_t fake_heap_take(struct fake_heap *heap, uint64_t bytes);
/* What lies at `address`, which is in the tables or the .bss. */
void *fake_heap_at(struct fake_heap *heap, uintptr_t address);
void fake_heap_put(struct fake_heap *heap, uintptr_t address, uint64_t value, unsigned bytes);
uint64_t fake_heap_get(struct fake_heap *heap, uintptr_t address, unsigned bytes);
/* A field of the struct at `address`; nothing where the version has no such field. */
void fake_heap_put_field(struct fake_heap *heap, uintptr_t address, struct layout_field field, uint64_t value);
/* Makes [address, address + bytes) unreadable. */
void fake_heap_hide(struct fake_heap *heap, uintptr_t address, uint64_t bytes);

/* ---- what is in the heap; addresses are multiples of 8 KiB ---- */

/* A user arena stands on a list of its own from go1.25 on; before, on none. */
void fake_heap_add_arena(struct fake_heap *heap, uintptr_t start, bool is_user);
/* Gives [start, start + bytes) to the page allocator: free and scavenged. Whole chunks, in address order. */
void fake_heap_grow(struct fake_heap *heap, uintptr_t start, uint64_t bytes);
/* The page allocator's bits; `kind` is what the pages should be taken for. */
void fake_heap_set_pages(struct fake_heap *heap, uintptr_t start, uint64_t pages, bool is_allocated, bool is_scavenged,
                         enum heap_page_kind kind);
/* An in-use span, with no object in it unless `class` is that of a large one. */
struct fake_span *fake_heap_add_span(struct fake_heap *heap, uintptr_t start, const struct fake_class *size_class,
                                     bool is_noscan, enum fake_sweep sweep);
struct fake_span *fake_heap_add_large(struct fake_heap *heap, uintptr_t start, uint64_t pages);
/* A user arena's chunk of 8 MiB, which the page allocator does not have (go1.20 on). */
struct fake_span *fake_heap_add_user_chunk(struct fake_heap *heap, uintptr_t start, bool is_faulting);
/* state mSpanManual: stacks of `slot_bytes` bytes; 0: work buffers. Returns the address of the span's struct. */
uintptr_t fake_heap_add_manual(struct fake_heap *heap, uintptr_t start, uint64_t pages, uint64_t slot_bytes);
/* A P's page cache: 64 pages from `base` on, those with a bit in `free` are free. */
void fake_heap_set_page_cache(struct fake_heap *heap, unsigned p, uintptr_t base, uint64_t free, uint64_t scavenged);
/* The span is a P's for its class. */
void fake_heap_cache_span(struct fake_heap *heap, unsigned p, const struct fake_span *span);

void fake_span_set(struct fake_heap *heap, const struct fake_span *span, uint64_t slot, bool is_allocated);
void fake_span_set_free_index(struct fake_heap *heap, struct fake_span *span, uint64_t free_index);
/* mbitmap.go:isFree, the other way round. */
bool fake_span_is_allocated(struct fake_heap *heap, const struct fake_span *span, uint64_t slot);
uint64_t fake_span_count(struct fake_heap *heap, const struct fake_span *span);

enum heap_page_kind fake_heap_kind(const struct fake_heap *heap, uintptr_t address);
/* Enters a span struct for [start, start + pages) into the arenas' tables; 0 takes them out. */
void fake_heap_enter(struct fake_heap *heap, uintptr_t start, uint64_t pages, uintptr_t mspan);

/* One of everything in five arenas from `start` on (see fake_heap.c); spans have random objects. */
void fake_heap_populate(struct fake_heap *heap, uintptr_t start, uint64_t seed);
/* Spans of random classes, one behind the other, from `start` on until `pages` pages are used. */
void fake_heap_fill(struct fake_heap *heap, uintptr_t start, uint64_t pages, uint64_t seed);

#endif
