/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk of one arena, in three passes:
 *
 *   1. page by page: what the page allocator's bits say, and for allocated pages the span that covers them;
 *   2. the allocation bits of the spans in use;
 *   3. the spans once more: one that was swept, freed or reused since pass 1 may have got the bits of another, and is
 *      read anew by itself.
 *
 * Structs and bits of neighbours lie together, so passes read them through a cache; a second reading goes to the
 * memory.
 */
#include "goruntime/heap_walk.h"

#include <stddef.h>
#include <string.h>

#include "goruntime/mspan.h"

enum {
    CHUNK_BYTES = 4 << 20, /* mpagealloc.go:pallocChunkBytes */
    CHUNK_PAGES = CHUNK_BYTES / GO_PAGE_BYTES,
    CHUNK_WORDS = CHUNK_PAGES / 64,
    CHUNKS_IN_ARENA = GO_ARENA_BYTES / CHUNK_BYTES,
    CHUNKS_L2 = 1 << 13, /* mpagealloc_64bit.go:pallocChunksL1Bits */
    PALLOC_DATA_BYTES_MAX = 256,
    PAGE_CACHE_PAGES = 64, /* mpagecache.go:pageCachePages */
    RANGES_MAX = 1 << 12,
    PAGE_CACHES_MAX = 1 << 16,
    TRIES = 4,
    REFRESHES_MAX = 8,    /* of the Ps' page caches, for an arena */
    FAILURES_FREE = 4096, /* beyond these, second readings stop when every eighth span fails */
    NO_BITS = 1,          /* no address of bits: those are aligned */
    ARENA_WORDS = GO_ARENA_PAGES / 64,
    SPAN_WORDS_MAX = MSPAN_SLOTS_MAX / 64,
};

struct address_range {
    uint64_t start, end;
};

/* mpagecache.go:pageCache */
struct page_cache {
    uint64_t base, free, scavenged;
};

struct arena_workspace {
    uint64_t allocated[ARENA_WORDS], scavenged[ARENA_WORDS];
    bool chunk_in_use[CHUNKS_IN_ARENA];
    uint64_t spans[GO_ARENA_PAGES]; /* heapArena.spans */
    struct heap_run runs[GO_ARENA_PAGES];
    struct heap_span infos[GO_ARENA_PAGES];
    uint64_t mspans[GO_ARENA_PAGES]; /* the address of the struct behind each of `infos` */
    uint64_t alloc_bits[GO_ARENA_PAGES];
    uint64_t free_index[GO_ARENA_PAGES];
    bool is_settled[GO_ARENA_PAGES]; /* swept in this cycle, cached by a P or not */
    uint64_t bits[GO_ARENA_PAGES * SPAN_WORDS_MAX];
    uint32_t runs_count, infos_count;
    uint64_t bits_count;
    uint32_t refreshes;
};

/* ---- the whole heap ---- */

static bool read_ranges(struct heap_walk *walk, struct bump *bump)
{
    const struct go_heap *heap = walk->heap;
    struct go_slice slice;
    uintptr_t at = heap->mheap + heap->layout->mheap_pages.offset_bytes + heap->layout->page_alloc_in_use.offset_bytes;
    if (!go_slice_read(heap->reader, at, RANGES_MAX, &slice))
        return false;
    walk->in_use = bump_take(bump, slice.length * sizeof walk->in_use[0]);
    walk->in_use_count = slice.length;
    return walk->in_use != NULL && (slice.length == 0 || reader_read(heap->reader, slice.array, walk->in_use,
                                                                     slice.length * sizeof walk->in_use[0]));
}

/* Reads the Ps' page caches; one that cannot be read counts as empty. */
static void refresh_page_caches(struct heap_walk *walk)
{
    const struct go_heap *heap = walk->heap;
    const struct go_layout *layout = heap->layout;
    struct go_slice allp;
    if (heap->allp == 0 || !go_slice_read(heap->reader, heap->allp, walk->page_caches_count, &allp))
        return;
    for (uint64_t i = 0; i < allp.length; i++) {
        uint64_t p;
        uint8_t raw[64];
        struct page_cache *cache = &walk->page_caches[i];
        *cache = (struct page_cache){0};
        if (layout->p_page_cache.bytes > sizeof raw ||
            !reader_read(heap->reader, allp.array + i * sizeof p, &p, sizeof p) ||
            !reader_read(heap->reader, p + layout->p_page_cache.offset_bytes, raw, layout->p_page_cache.bytes))
            continue;
        cache->base = layout_field_of(raw, layout->page_cache_base);
        cache->free = layout_field_of(raw, layout->page_cache_free);
        cache->scavenged = layout_field_of(raw, layout->page_cache_scavenged);
    }
}

static bool open_page_caches(struct heap_walk *walk, struct bump *bump)
{
    struct go_slice allp;
    if (walk->heap->allp == 0 || !go_slice_read(walk->heap->reader, walk->heap->allp, PAGE_CACHES_MAX, &allp))
        return true;
    walk->page_caches = bump_take(bump, allp.capacity < PAGE_CACHES_MAX ? allp.capacity * sizeof walk->page_caches[0]
                                                                        : allp.length * sizeof walk->page_caches[0]);
    walk->page_caches_count = allp.capacity < PAGE_CACHES_MAX ? allp.capacity : allp.length;
    if (walk->page_caches == NULL)
        return false;
    refresh_page_caches(walk);
    return true;
}

bool heap_walk_open(struct heap_walk *walk, const struct go_heap *heap, struct bump *bump)
{
    *walk = (struct heap_walk){.heap = heap};
    walk->work = bump_take(bump, sizeof *walk->work);
    return walk->work != NULL && heap->layout->mspan_bytes <= MSPAN_BYTES_MAX &&
           heap->layout->palloc_data_bytes <= PALLOC_DATA_BYTES_MAX &&
           reader_cache_open(&walk->cache, heap->reader, bump) && read_ranges(walk, bump) &&
           open_page_caches(walk, bump);
}

static bool read_sweepgen(struct heap_walk *walk, uint32_t *sweepgen)
{
    const struct go_heap *heap = walk->heap;
    return reader_read(heap->reader, heap->mheap + heap->layout->mheap_sweepgen.offset_bytes, sweepgen,
                       sizeof *sweepgen);
}

/* ---- the page allocator's bits ---- */

static bool is_in_use(const struct heap_walk *walk, uintptr_t chunk)
{
    for (uint64_t i = 0; i < walk->in_use_count; i++) {
        if (chunk >= walk->in_use[i].start && chunk < walk->in_use[i].end)
            return true;
    }
    return false;
}

/* mpagealloc.go:chunkOf. False: the chunk's bits cannot be read. */
static bool read_chunk(const struct go_heap *heap, uintptr_t chunk, uint64_t *allocated, uint64_t *scavenged)
{
    const struct go_layout *layout = heap->layout;
    uint64_t index = (chunk - GO_ARENA_BASE_OFFSET) / CHUNK_BYTES;
    uint64_t table;
    uint8_t raw[PALLOC_DATA_BYTES_MAX];
    uintptr_t at = heap->mheap + layout->mheap_pages.offset_bytes + layout->page_alloc_chunks.offset_bytes;
    if (index / CHUNKS_L2 >= CHUNKS_L2 ||
        !reader_read(heap->reader, at + index / CHUNKS_L2 * sizeof table, &table, sizeof table) || table == 0 ||
        !reader_read(heap->reader, table + index % CHUNKS_L2 * layout->palloc_data_bytes, raw,
                     layout->palloc_data_bytes))
        return false;
    memcpy(allocated, raw + layout->palloc_data_alloc.offset_bytes, CHUNK_WORDS * sizeof *allocated);
    memcpy(scavenged, raw + layout->palloc_data_scavenged.offset_bytes, CHUNK_WORDS * sizeof *scavenged);
    return true;
}

static void read_chunks(struct heap_walk *walk, uintptr_t arena)
{
    struct arena_workspace *work = walk->work;
    for (uint64_t i = 0; i < CHUNKS_IN_ARENA; i++) {
        uintptr_t chunk = arena + i * CHUNK_BYTES;
        work->chunk_in_use[i] =
            is_in_use(walk, chunk) &&
            read_chunk(walk->heap, chunk, &work->allocated[i * CHUNK_WORDS], &work->scavenged[i * CHUNK_WORDS]);
    }
}

static bool bit(const uint64_t *bits, uint64_t index)
{
    return (bits[index / 64] >> index % 64 & 1) != 0;
}

/* What the bits say of a page that no span holds: free pages, those in a P's cache, and padding. */
static enum heap_page_kind kind_without_span(const struct heap_walk *walk, uint64_t page)
{
    const struct arena_workspace *work = walk->work;
    uintptr_t address = walk->arena.start + page * GO_PAGE_BYTES;
    if (!bit(work->allocated, page))
        return bit(work->scavenged, page) ? PAGE_RELEASED : PAGE_FREE;
    for (uint64_t i = 0; i < walk->page_caches_count; i++) {
        const struct page_cache *cache = &walk->page_caches[i];
        uint64_t number = (address - cache->base) / GO_PAGE_BYTES;
        if (cache->base != 0 && address >= cache->base && number < PAGE_CACHE_PAGES && (cache->free >> number & 1) != 0)
            return (cache->scavenged >> number & 1) != 0 ? PAGE_RELEASED : PAGE_FREE;
    }
    return bit(work->scavenged, page) ? PAGE_RELEASED : PAGE_UNTRUSTED;
}

/* ---- spans ---- */

/* Through the cache, or from the memory itself. */
static bool read_mspan(struct heap_walk *walk, bool is_cached, uintptr_t address, struct mspan *span)
{
    const struct go_layout *layout = walk->heap->layout;
    uint8_t raw[MSPAN_BYTES_MAX];
    const uint8_t *held = is_cached ? reader_cache_at(&walk->cache, address, layout->mspan_bytes) : NULL;
    struct reader *reader = is_cached ? &walk->cache.reader : walk->heap->reader;
    if (held == NULL) {
        if (!reader_read(reader, address, raw, layout->mspan_bytes))
            return false;
        held = raw;
    }
    mspan_decode(span, held, layout);
    return true;
}

static uint64_t words_of(const struct mspan *span)
{
    return (span->slots + 63) / 64;
}

static uint32_t count_objects(uint64_t *bits, uint64_t free_index, uint64_t slots)
{
    uint32_t objects = 0;
    for (uint64_t word = 0; word * 64 < slots; word++) {
        /* mbitmap.go:isFree: below freeindex every slot is allocated. */
        uint64_t first = word * 64, rest = slots - first;
        if (free_index > first)
            bits[word] |= free_index - first >= 64 ? UINT64_MAX : (1ull << (free_index - first)) - 1;
        if (rest < 64)
            bits[word] &= (1ull << rest) - 1;
        objects += count_ones(bits[word]);
    }
    return objects;
}

static void fill_info(const struct heap_walk *walk, struct heap_span *info, const struct mspan *span)
{
    info->start = span->start;
    info->bytes = span->pages * GO_PAGE_BYTES;
    info->slot_bytes = span->slot_bytes;
    info->is_large = span->span_class >> 1 == 0;
    info->slots = (uint32_t)span->slots;
    info->is_unswept = span->sweepgen + 2 == walk->sweepgen;
}

static void add_run(struct heap_walk *walk, uint64_t page, uint64_t end_page, enum heap_page_kind kind, uint32_t span)
{
    struct arena_workspace *work = walk->work;
    uintptr_t start = walk->arena.start + page * GO_PAGE_BYTES;
    uintptr_t end = walk->arena.start + end_page * GO_PAGE_BYTES;
    struct heap_run *last = work->runs_count == 0 ? NULL : &work->runs[work->runs_count - 1];
    if (last != NULL && last->kind == kind && kind != PAGE_OBJECTS)
        last->end = end;
    else
        work->runs[work->runs_count++] = (struct heap_run){start, end, kind, span};
}

/* The end of the span's part in this arena, as a page number. */
static uint64_t end_page_of(const struct heap_walk *walk, const struct mspan *span)
{
    return min_u64((span->start + span->pages * GO_PAGE_BYTES - walk->arena.start) / GO_PAGE_BYTES, GO_ARENA_PAGES);
}

static uint64_t add_span(struct heap_walk *walk, uint64_t page, uintptr_t address, const struct mspan *span)
{
    struct arena_workspace *work = walk->work;
    uint64_t end_page = end_page_of(walk, span);
    if (span->state == MSPAN_MANUAL) {
        /* mheap.go:mspan.init clears elemsize; only stack.go sets it. */
        add_run(walk, page, end_page, span->slot_bytes != 0 ? PAGE_STACK : PAGE_WORK, 0);
        return end_page;
    }
    if (span->is_user_arena && (span->span_class & 1) != 0) {
        /* arena.go:setUserArenaChunkToFault */
        add_run(walk, page, end_page, PAGE_RESERVED, 0);
        return end_page;
    }
    uint32_t index = work->infos_count++;
    struct heap_span *info = &work->infos[index];
    fill_info(walk, info, span);
    info->allocated = &work->bits[work->bits_count];
    work->bits_count += words_of(span);
    work->mspans[index] = address;
    work->alloc_bits[index] = span->alloc_bits;
    work->free_index[index] = span->free_index;
    work->is_settled[index] = span->sweepgen == walk->sweepgen || span->sweepgen == walk->sweepgen + 3;
    add_run(walk, page, end_page, PAGE_OBJECTS, index);
    return end_page;
}

static bool may_retry(const struct heap_walk *walk)
{
    const struct heap_walk_counters *counters = &walk->counters;
    return counters->spans_untrusted < FAILURES_FREE || counters->spans_untrusted < counters->spans_checked / 8;
}

/* Reads again what says whose the page is. */
static void read_page_again(struct heap_walk *walk, uintptr_t heap_arena, uint64_t page)
{
    struct arena_workspace *work = walk->work;
    uint64_t chunk = page / CHUNK_PAGES;
    read_chunk(walk->heap, walk->arena.start + chunk * CHUNK_BYTES, &work->allocated[chunk * CHUNK_WORDS],
               &work->scavenged[chunk * CHUNK_WORDS]);
    reader_read(walk->heap->reader, heap_arena + walk->heap->layout->heap_arena_spans.offset_bytes + page * 8,
                &work->spans[page], sizeof work->spans[page]);
    if (work->refreshes < REFRESHES_MAX) {
        work->refreshes++;
        refresh_page_caches(walk);
    }
}

static bool find_span(struct heap_walk *walk, bool is_cached, uint64_t page, struct mspan *span)
{
    uintptr_t mspan = walk->work->spans[page], address = walk->arena.start + page * GO_PAGE_BYTES;
    return mspan != 0 && read_mspan(walk, is_cached, mspan, span) &&
           mspan_is_plausible(span, address, walk->sweepgen) && (span->start == address || page == 0);
}

/* Is the page before this one of a span that is being made? mheap.go:allocSpan takes all pages of a span at once and
 * may scavenge for a while before it enters the span into the table. */
static bool follows_untrusted(const struct arena_workspace *work)
{
    return work->runs_count != 0 && work->runs[work->runs_count - 1].kind == PAGE_UNTRUSTED;
}

/* Enters the run that begins at an allocated page; returns the page behind it. */
static uint64_t enter_allocated(struct heap_walk *walk, uintptr_t heap_arena, uint64_t page)
{
    struct arena_workspace *work = walk->work;
    struct mspan span;
    bool is_more_of_it = follows_untrusted(work);
    for (int i = 0; i < TRIES; i++) {
        if (find_span(walk, i == 0, page, &span)) {
            walk->counters.spans_checked++;
            return add_span(walk, page, work->spans[page], &span);
        }
        enum heap_page_kind kind = kind_without_span(walk, page);
        if (kind != PAGE_UNTRUSTED) {
            add_run(walk, page, page + 1, kind, 0);
            return page + 1;
        }
        if (is_more_of_it || !may_retry(walk))
            break;
        walk->counters.spans_reread++;
        read_page_again(walk, heap_arena, page);
    }
    walk->counters.spans_checked += !is_more_of_it;
    walk->counters.spans_untrusted += !is_more_of_it;
    add_run(walk, page, page + 1, PAGE_UNTRUSTED, 0);
    return page + 1;
}

/* A page that the page allocator does not have: address space, or a user arena's chunk. */
static uint64_t enter_outside(struct heap_walk *walk, uint64_t page)
{
    struct mspan span;
    if (find_span(walk, true, page, &span) && span.is_user_arena) {
        walk->counters.spans_checked++;
        return add_span(walk, page, walk->work->spans[page], &span);
    }
    add_run(walk, page, page + 1, PAGE_RESERVED, 0);
    return page + 1;
}

static void read_pages(struct heap_walk *walk, uintptr_t heap_arena)
{
    struct arena_workspace *work = walk->work;
    for (uint64_t page = 0; page < GO_ARENA_PAGES;) {
        if (!work->chunk_in_use[page / CHUNK_PAGES]) {
            page = enter_outside(walk, page);
        } else if (bit(work->allocated, page)) {
            page = enter_allocated(walk, heap_arena, page);
        } else {
            add_run(walk, page, page + 1, kind_without_span(walk, page), 0);
            page++;
        }
    }
}

/* ---- allocation bits ---- */

static bool read_bits(struct reader *reader, uintptr_t alloc_bits, uint64_t free_index, struct heap_span *info,
                      uint64_t *bits)
{
    uint64_t bytes = ((uint64_t)info->slots + 63) / 64 * sizeof *bits;
    if (free_index >= info->slots)
        memset(bits, 0, bytes); /* all are allocated, whatever the bits say */
    else if (!reader_read(reader, alloc_bits, bits, bytes))
        return false;
    info->objects = count_objects(bits, free_index, info->slots);
    return true;
}

/* The words of a span's bits; `allocated` is const for everybody else. */
static uint64_t *bits_of(struct arena_workspace *work, const struct heap_span *info)
{
    return &work->bits[info->allocated - work->bits];
}

static bool is_same(const struct arena_workspace *work, uint32_t index, const struct mspan *span)
{
    const struct heap_span *info = &work->infos[index];
    return span->state == MSPAN_IN_USE && span->start == info->start && span->pages * GO_PAGE_BYTES == info->bytes &&
           span->slots == info->slots && span->alloc_bits == work->alloc_bits[index];
}

/* Reads one span until nothing changes meanwhile. False: it is no longer a span of these pages. */
static bool read_span_alone(struct heap_walk *walk, uint32_t index)
{
    struct arena_workspace *work = walk->work;
    struct heap_span *info = &work->infos[index];
    for (int i = 0; i < TRIES; i++) {
        struct mspan before, after;
        walk->counters.spans_reread++;
        if (!read_mspan(walk, false, work->mspans[index], &before) || before.state != MSPAN_IN_USE ||
            !mspan_is_plausible(&before, info->start, walk->sweepgen) || before.pages * GO_PAGE_BYTES != info->bytes ||
            words_of(&before) > ((uint64_t)info->slots + 63) / 64)
            return false;
        fill_info(walk, info, &before);
        work->alloc_bits[index] = before.alloc_bits;
        if (read_bits(walk->heap->reader, before.alloc_bits, before.free_index, info, bits_of(work, info)) &&
            read_mspan(walk, false, work->mspans[index], &after) && is_same(work, index, &after))
            return true;
    }
    return false;
}

/* The span went away while it was read: its pages are what the page allocator says now. */
static void drop_span(struct heap_walk *walk, struct heap_run *run)
{
    struct arena_workspace *work = walk->work;
    uint64_t page = (run->start - walk->arena.start) / GO_PAGE_BYTES;
    uint64_t chunk = page / CHUNK_PAGES;
    read_chunk(walk->heap, walk->arena.start + chunk * CHUNK_BYTES, &work->allocated[chunk * CHUNK_WORDS],
               &work->scavenged[chunk * CHUNK_WORDS]);
    run->kind = kind_without_span(walk, page);
    if (run->kind == PAGE_UNTRUSTED)
        walk->counters.spans_untrusted++;
}

/* What was entered as a span in use is one still, and as it was. */
static bool is_unchanged(struct heap_walk *walk, uint32_t index)
{
    struct mspan span;
    return read_mspan(walk, true, walk->work->mspans[index], &span) && is_same(walk->work, index, &span);
}

static void check_spans(struct heap_walk *walk)
{
    struct arena_workspace *work = walk->work;
    uint32_t sweepgen;
    bool is_same_cycle = read_sweepgen(walk, &sweepgen) && sweepgen == walk->sweepgen;
    for (uint32_t i = 0; i < work->runs_count; i++) {
        struct heap_run *run = &work->runs[i];
        if (run->kind != PAGE_OBJECTS)
            continue;
        bool is_good = (is_same_cycle && work->is_settled[run->span] && work->alloc_bits[run->span] != NO_BITS) ||
                       is_unchanged(walk, run->span) || (may_retry(walk) && read_span_alone(walk, run->span));
        if (!is_good)
            drop_span(walk, run);
        else if (work->infos[run->span].is_unswept)
            walk->counters.spans_unswept++;
    }
}

static void read_all_bits(struct heap_walk *walk)
{
    struct arena_workspace *work = walk->work;
    for (uint32_t i = 0; i < work->infos_count; i++) {
        struct heap_span *info = &work->infos[i];
        if (!read_bits(&walk->cache.reader, work->alloc_bits[i], work->free_index[i], info, bits_of(work, info)))
            work->alloc_bits[i] = NO_BITS; /* it is read by itself */
    }
}

/* ---- the arena ---- */

static bool read_word(struct reader *reader, uintptr_t address, uint64_t *word)
{
    return reader_read(reader, address, word, sizeof *word);
}

const struct heap_arena *heap_walk_arena(struct heap_walk *walk, uintptr_t start)
{
    const struct go_heap *heap = walk->heap;
    const struct go_layout *layout = heap->layout;
    struct arena_workspace *work = walk->work;
    uint64_t index = (start - GO_ARENA_BASE_OFFSET) / GO_ARENA_BYTES;
    uint64_t heap_arena;
    if (index >= GO_ARENA_MAP_BYTES / sizeof heap_arena ||
        !read_word(heap->reader, heap->arena_map + index * sizeof heap_arena, &heap_arena) || heap_arena == 0 ||
        !reader_read(heap->reader, heap_arena + layout->heap_arena_spans.offset_bytes, work->spans,
                     sizeof work->spans) ||
        !read_sweepgen(walk, &walk->sweepgen)) {
        walk->counters.arenas_unreadable++;
        return NULL;
    }
    work->runs_count = work->infos_count = work->refreshes = 0;
    work->bits_count = 0;
    walk->arena = (struct heap_arena){
        .start = start,
        .runs = work->runs,
        .spans = work->infos,
        .mspans = work->mspans,
        .alloc_bits = work->alloc_bits,
    };
    reader_cache_forget(&walk->cache);
    read_chunks(walk, start);
    read_pages(walk, heap_arena);
    read_all_bits(walk);
    reader_cache_forget(&walk->cache);
    check_spans(walk);
    walk->arena.runs_count = work->runs_count;
    return &walk->arena;
}
