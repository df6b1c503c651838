/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading mheap_.pages and the page caches of the Ps.
 */
#include "goruntime/page_alloc.h"

#include <stddef.h>
#include <string.h>

enum {
    CHUNK_WORDS = PALLOC_CHUNK_PAGES / 64,
    CHUNKS_L2 = 1 << 13, /* mpagealloc_64bit.go:pallocChunksL1Bits */
    PALLOC_DATA_BYTES_MAX = 256,
    PAGE_CACHE_PAGES = 64, /* mpagecache.go:pageCachePages */
    PAGE_CACHE_BYTES_MAX = 64,
    RANGES_MAX = 1 << 12,
    PAGE_CACHES_MAX = 1 << 16,
    REFRESHES_MAX = 8,
};

struct address_range {
    uint64_t start, end;
};

/* mpagecache.go:pageCache */
struct page_cache {
    uint64_t base, free, scavenged;
};

/* ---- the whole heap ---- */

/* False: they cannot be read, and those read before count on. */
static bool read_ranges(struct page_alloc *pages)
{
    const struct go_heap *heap = pages->heap;
    struct go_slice slice;
    uintptr_t at = heap->mheap + heap->layout->mheap_pages.offset_bytes + heap->layout->page_alloc_in_use.offset_bytes;
    if (!go_slice_read(heap->reader, at, RANGES_MAX, &slice) ||
        (slice.length != 0 &&
         !reader_read(heap->reader, slice.array, pages->in_use, slice.length * sizeof pages->in_use[0])))
        return false;
    pages->in_use_count = slice.length;
    return true;
}

/* One that cannot be read counts as empty. */
static void read_page_caches(struct page_alloc *pages)
{
    const struct go_heap *heap = pages->heap;
    const struct go_layout *layout = heap->layout;
    struct go_slice allp;
    if (heap->allp == 0 || !go_slice_read(heap->reader, heap->allp, pages->page_caches_count, &allp))
        return;
    for (uint64_t i = 0; i < pages->page_caches_count; i++) {
        uint64_t p;
        uint8_t raw[PAGE_CACHE_BYTES_MAX];
        struct page_cache *cache = &pages->page_caches[i];
        *cache = (struct page_cache){0};
        if (i >= allp.length || layout->p_page_cache.bytes > sizeof raw ||
            !reader_read(heap->reader, allp.array + i * sizeof p, &p, sizeof p) ||
            !reader_read(heap->reader, p + layout->p_page_cache.offset_bytes, raw, layout->p_page_cache.bytes))
            continue;
        cache->base = layout_field_of(raw, layout->page_cache_base);
        cache->free = layout_field_of(raw, layout->page_cache_free);
        cache->scavenged = layout_field_of(raw, layout->page_cache_scavenged);
    }
}

/* allp may grow up to its capacity while it is read (proc.go:procresize). */
static bool open_page_caches(struct page_alloc *pages, struct bump *bump)
{
    const struct go_heap *heap = pages->heap;
    struct go_slice allp;
    if (heap->allp == 0 || !go_slice_read(heap->reader, heap->allp, PAGE_CACHES_MAX, &allp))
        return true;
    pages->page_caches_count = allp.capacity < PAGE_CACHES_MAX ? allp.capacity : allp.length;
    pages->page_caches = bump_take(bump, pages->page_caches_count * sizeof pages->page_caches[0]);
    return pages->page_caches != NULL;
}

bool page_alloc_open(struct page_alloc *pages, const struct go_heap *heap, struct bump *bump)
{
    *pages = (struct page_alloc){.heap = heap, .in_use = bump_take(bump, RANGES_MAX * sizeof pages->in_use[0])};
    return pages->in_use != NULL && heap->layout->palloc_data_bytes <= PALLOC_DATA_BYTES_MAX && read_ranges(pages) &&
           open_page_caches(pages, bump);
}

/* ---- an arena ---- */

static bool is_in_use(const struct page_alloc *pages, uintptr_t chunk)
{
    for (uint64_t i = 0; i < pages->in_use_count; i++) {
        if (chunk >= pages->in_use[i].start && chunk < pages->in_use[i].end)
            return true;
    }
    return false;
}

/* mpagealloc.go:chunkOf. The bits of chunks number `first` to `first` + `count` of the arena. All chunks of an arena
 * stand side by side in one table. False: not all of them can be read. */
static bool read_chunks(struct page_alloc *pages, uint64_t first, uint64_t count)
{
    const struct go_heap *heap = pages->heap;
    const struct go_layout *layout = heap->layout;
    uint64_t index = (pages->arena - GO_ARENA_BASE_OFFSET) / PALLOC_CHUNK_BYTES + first;
    uint64_t table;
    uint8_t raw[PALLOC_CHUNKS_IN_ARENA * PALLOC_DATA_BYTES_MAX];
    uintptr_t at = heap->mheap + layout->mheap_pages.offset_bytes + layout->page_alloc_chunks.offset_bytes;
    if (index / CHUNKS_L2 >= CHUNKS_L2 ||
        !reader_read(heap->reader, at + index / CHUNKS_L2 * sizeof table, &table, sizeof table) || table == 0 ||
        !reader_read(heap->reader, table + index % CHUNKS_L2 * layout->palloc_data_bytes, raw,
                     count * layout->palloc_data_bytes))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *data = raw + i * layout->palloc_data_bytes;
        uint64_t *allocated = &pages->allocated[(first + i) * CHUNK_WORDS];
        uint64_t *scavenged = &pages->scavenged[(first + i) * CHUNK_WORDS];
        memcpy(allocated, data + layout->palloc_data_alloc.offset_bytes, CHUNK_WORDS * sizeof *allocated);
        memcpy(scavenged, data + layout->palloc_data_scavenged.offset_bytes, CHUNK_WORDS * sizeof *scavenged);
    }
    return true;
}

/* The heap may have grown since the arena before was read, and the Ps have taken other pages. */
void page_alloc_enter(struct page_alloc *pages, uintptr_t arena)
{
    pages->arena = arena;
    pages->refreshes = pages->range_refreshes = 0;
    read_ranges(pages);
    read_page_caches(pages);
    bool are_read = read_chunks(pages, 0, PALLOC_CHUNKS_IN_ARENA);
    for (uint64_t i = 0; i < PALLOC_CHUNKS_IN_ARENA; i++)
        pages->chunk_in_use[i] =
            is_in_use(pages, arena + i * PALLOC_CHUNK_BYTES) && (are_read || read_chunks(pages, i, 1));
}

void page_alloc_read_again(struct page_alloc *pages, uint64_t page)
{
    uint64_t chunk = page / PALLOC_CHUNK_PAGES;
    if (pages->chunk_in_use[chunk])
        read_chunks(pages, chunk, 1);
    else if (pages->range_refreshes++ < REFRESHES_MAX && read_ranges(pages))
        pages->chunk_in_use[chunk] =
            is_in_use(pages, pages->arena + chunk * PALLOC_CHUNK_BYTES) && read_chunks(pages, chunk, 1);
}

void page_alloc_refresh_caches(struct page_alloc *pages)
{
    if (pages->refreshes++ < REFRESHES_MAX)
        read_page_caches(pages);
}

static bool bit(const uint64_t *bits, uint64_t index)
{
    return (bits[index / 64] >> index % 64 & 1) != 0;
}

enum palloc_state page_alloc_state(const struct page_alloc *pages, uint64_t page)
{
    uintptr_t address = pages->arena + page * GO_PAGE_BYTES;
    if (!page_alloc_is_marked(pages, page))
        return bit(pages->scavenged, page) ? PALLOC_RELEASED : PALLOC_FREE;
    for (uint64_t i = 0; i < pages->page_caches_count; i++) {
        const struct page_cache *cache = &pages->page_caches[i];
        uint64_t number = (address - cache->base) / GO_PAGE_BYTES;
        if (cache->base != 0 && address >= cache->base && number < PAGE_CACHE_PAGES && (cache->free >> number & 1) != 0)
            return (cache->scavenged >> number & 1) != 0 ? PALLOC_RELEASED : PALLOC_FREE;
    }
    return bit(pages->scavenged, page) ? PALLOC_RELEASED : PALLOC_ALLOCATED;
}
