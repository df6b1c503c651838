/* SPDX-License-Identifier: Apache-2.0
 *
 * A set of heap objects, for millions of addresses: which slot of which span is this, and is it new to the set?
 *
 *   address --> arena (hash) --> page --> shape of its span --> slot, a bit of the span's marks
 *
 * A span is looked up when the first address in it comes, and then known: what an address costs afterwards is three
 * cache misses. object_set_add_all takes many addresses at once, so that their misses overlap.
 *
 * The program goes on meanwhile: a page that had no span when its line of the books was read may have one when an
 * address in it comes. It is looked at again, past the cache, as long as looks are left.
 *
 * Each object belongs to one part of the whole, the first that came to it (goruntime/map_walk.h names the parts), and
 * is as large as who came first asked for. Of a slot that several tiny objects share nobody knows how many are in it:
 * what all ask for who come there counts, and not more than the slots of that kind that the part has.
 *
 * Allowed context: dumper, command; one thread at a time.
 */
#ifndef GPW_GORUNTIME_OBJECT_SET_H
#define GPW_GORUNTIME_OBJECT_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/heap_find.h"
#include "goruntime/mspan.h"
#include "memory/bump.h"
#include "memory/reader_cache.h"
#include "memory/units.h"

enum {
    OBJECT_PARTS = 8,
    OBJECT_PAGE_MARK_WORDS = 8, /* of a page with a shape: slots of 16 bytes and more */
    OBJECT_SHAPES_MAX = 256,
    OBJECT_SPAN_MARK_WORDS = MSPAN_SLOTS_MAX / 64,
    OBJECT_SET_ABSENT = 1024,
};

/* A span with an object of the set. Of one that is a single page with many slots, as most are, what is counted is
 * filled in by object_set_finish: until then its page has all that an address needs. */
struct object_span {
    uintptr_t start;
    uint64_t bytes;
    uint64_t slot_bytes;
    uint32_t slot_magic; /* offset * slot_magic >> 32 is the slot, as in mheap.go:divMul */
    uint32_t slots;
    uint32_t marked; /* objects of the set; by object_set_finish */
    uint32_t pages;
    /* Go pages with objects of each part, a bit each; of a span with one slot, bit 0 stands for all of its pages. */
    uint16_t part_pages[OBJECT_PARTS];
    bool is_tiny;       /* several objects may share a slot */
    uint16_t next_page; /* the next of the arena's list */
    volatile uint32_t touched;
    uint64_t marks[OBJECT_SPAN_MARK_WORDS]; /* a bit for each slot */
};

/* What the slots of a span are like; spans of a size class share it. */
struct object_shape {
    uint32_t slot_bytes, slot_magic, slots;
    bool is_tiny;
};

/* A Go page. */
struct object_page {
    uint16_t start_page; /* of the span that holds it, plus 1; or what object_set.c says */
    uint8_t shape;       /* of a span that is this page alone and has many slots; 0: it is another kind of span */
    uint8_t parts;       /* of such a span: which have objects there, a bit each */
};

/* An arena in which the set has objects. */
struct object_arena {
    /* The marks of pages that have a shape, dense: what is reached at random should be in few cache lines and few OS
     * pages. object_set_finish hands them to the spans. */
    _Alignas(64) uint64_t marks[GO_ARENA_PAGES][OBJECT_PAGE_MARK_WORDS];
    _Alignas(64) struct object_span spans[GO_ARENA_PAGES]; /* by start page */
    uintptr_t start;
    struct object_span *from_before; /* the one that begins in another arena and reaches into this one, or NULL */
    uint16_t first_page;             /* of the list of its spans, plus 1; 0: none */
    struct object_page pages[GO_ARENA_PAGES];
};

struct object_part {
    uint64_t objects, allocated_bytes;
    uint64_t asked_bytes; /* never more than allocated_bytes; when the set is finished, with that of tiny objects */
    uint64_t referenced_bytes; /* what all ask for who come to its objects or to others', however often */
    uint64_t tiny_slots, tiny_asked_bytes;
};

struct object_set {
    const struct go_heap *heap;
    struct reader_cache *cache;
    struct bump *bump;
    uint32_t sweepgen;
    struct object_arena **table; /* by address */
    struct object_arena **arenas;
    uint32_t arenas_count;
    struct object_shape shapes[OBJECT_SHAPES_MAX]; /* the first is none */
    uint32_t shapes_count;
    struct object_part parts[OBJECT_PARTS];
    uint64_t spans_bytes; /* of all spans that it came to */
    uint64_t unknown;     /* addresses that are in no object */
    bool is_full;         /* the reserve of `bump` is used up: some addresses were not taken */
    uint32_t looks_left;  /* past the cache: at what seemed not to be there, and at arenas that are not there */
    uintptr_t absent[OBJECT_SET_ABSENT]; /* some of these arenas, by their hash */
    /* An address to look out for (0: none), and the part its object was added to. */
    uintptr_t watched;
    bool is_watched_found;
    uint32_t watched_part;
};

/* Nobody knows what was asked for: all of the slot counts. */
#define OBJECT_ASKED_WHOLE UINT64_MAX

struct object_address {
    uintptr_t address;
    uint64_t asked_bytes; /* or OBJECT_ASKED_WHOLE; what is behind the object's end does not count */
    uint32_t part;
};

/* False: the reserve of `bump` is used up. `cache` reads the heap's structs and stays the caller's. */
bool object_set_open(struct object_set *set, const struct go_heap *heap, struct reader_cache *cache, struct bump *bump);
/* Empty again, its memory kept. */
void object_set_clear(struct object_set *set);

/* Adds the objects that the addresses are in. */
void object_set_add_all(struct object_set *set, const struct object_address *addresses, uint32_t count);
/* When all are added: what is counted of spans, and of tiny objects. */
void object_set_finish(struct object_set *set);

/* The bytes from `address` to the end of its object; 0: it is in none. */
uint64_t object_set_bytes_behind(struct object_set *set, uintptr_t address);

#endif
