/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Go runtime's page allocator says of each page: free, given back, or allocated.
 *
 * Its bitmaps (mpagealloc.go:pallocData) hold for all pages but those that a P keeps in its page cache: these are
 * marked allocated and are free.
 *
 * Allowed context: dumper, command; one thread at a time.
 */
#ifndef GPW_GORUNTIME_PAGE_ALLOC_H
#define GPW_GORUNTIME_PAGE_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/heap_find.h"
#include "memory/bump.h"
#include "memory/units.h"

enum {
    PALLOC_CHUNK_BYTES = 4 << 20, /* mpagealloc.go:pallocChunkBytes */
    PALLOC_CHUNK_PAGES = PALLOC_CHUNK_BYTES / GO_PAGE_BYTES,
    PALLOC_CHUNKS_IN_ARENA = GO_ARENA_BYTES / PALLOC_CHUNK_BYTES,
};

enum palloc_state {
    PALLOC_FREE,
    PALLOC_RELEASED,  /* free and scavenged; and the random padding of go1.26, which Go counts so */
    PALLOC_ALLOCATED, /* and not in a page cache */
};

struct page_alloc {
    const struct go_heap *heap;
    struct address_range *in_use; /* what the page allocator has; read anew for each arena */
    uint64_t in_use_count;
    struct page_cache *page_caches; /* of the Ps; the same */
    uint64_t page_caches_count;
    uint32_t refreshes, range_refreshes; /* of the page caches and of `in_use`, in the arena in hand */
    /* of the arena in hand */
    uintptr_t arena;
    bool chunk_in_use[PALLOC_CHUNKS_IN_ARENA];
    uint64_t allocated[GO_ARENA_PAGES / 64], scavenged[GO_ARENA_PAGES / 64];
};

/* Prepares for the whole heap. False: the reserve of `bump` is used up, or the ranges in use cannot be read. */
bool page_alloc_open(struct page_alloc *pages, const struct go_heap *heap, struct bump *bump);

/* Reads the bits of the arena that begins at `arena`; pages are numbered from there. */
void page_alloc_enter(struct page_alloc *pages, uintptr_t arena);
/* Reads anew what concerns one page; a few times for an arena also whether the page allocator has it by now. */
void page_alloc_read_again(struct page_alloc *pages, uint64_t page);
/* Reads the page caches anew, a few times for an arena. */
void page_alloc_refresh_caches(struct page_alloc *pages);

/* Does the page allocator have the page at all, and could its bits be read? */
static inline bool page_alloc_has(const struct page_alloc *pages, uint64_t page)
{
    return pages->chunk_in_use[page / PALLOC_CHUNK_PAGES];
}

/* By the bits alone. */
static inline bool page_alloc_is_marked(const struct page_alloc *pages, uint64_t page)
{
    return (pages->allocated[page / 64] >> page % 64 & 1) != 0;
}

/* Of a page that no span holds. */
enum palloc_state page_alloc_state(const struct page_alloc *pages, uint64_t page);

#endif
