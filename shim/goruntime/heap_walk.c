/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk of one arena, in four passes:
 *
 *   1. page by page: what the page allocator's bits say, and for allocated pages the span that covers them;
 *   2. the allocation bits of the spans in use;
 *   3. the spans once more: one that was swept, freed or reused since pass 1 may have got the bits of another, and is
 *      read anew by itself;
 *   4. the specials of those that have any, twice.
 *
 * Structs and bits of neighbours lie together, so passes read them through a cache; a second reading goes to the
 * memory.
 */
#include "goruntime/heap_walk.h"

#include <stddef.h>
#include <string.h>

#include "goruntime/mspan.h"

enum {
    TRIES = 4,
    FAILURES_FREE = 4096,     /* beyond these, second readings stop when every eighth span fails */
    SPECIALS_ALONE_MAX = 256, /* in an arena: lists that are read a third time */
    NO_BITS = 1,              /* no address of bits: those are aligned */
    SPAN_WORDS_MAX = MSPAN_SLOTS_MAX / 64,
};

struct arena_workspace {
    uint64_t spans[GO_ARENA_PAGES]; /* heapArena.spans, read chunk by chunk as it is needed */
    bool are_spans_read[PALLOC_CHUNKS_IN_ARENA];
    struct heap_run runs[GO_ARENA_PAGES];
    struct heap_span infos[GO_ARENA_PAGES];
    uint64_t mspans[GO_ARENA_PAGES]; /* the address of the struct behind each of `infos` */
    uint64_t alloc_bits[GO_ARENA_PAGES];
    uint64_t free_index[GO_ARENA_PAGES];
    bool is_settled[GO_ARENA_PAGES]; /* swept in this cycle, cached by a P or not */
    bool has_specials[GO_ARENA_PAGES], has_any_specials;
    uint64_t specials_fingerprint[GO_ARENA_PAGES];
    uint64_t bits[GO_ARENA_PAGES * SPAN_WORDS_MAX];
    uint32_t runs_count, infos_count;
    uint64_t bits_count;
};

/* ---- the whole heap ---- */

bool heap_walk_open(struct heap_walk *walk, const struct go_heap *heap, struct bump *bump)
{
    *walk = (struct heap_walk){.heap = heap};
    walk->work = bump_take(bump, sizeof *walk->work);
    heap_profile_open(&walk->profile, heap, bump);
    return walk->work != NULL && heap->layout->mspan_bytes <= MSPAN_BYTES_MAX &&
           reader_cache_open(&walk->cache, heap->reader, bump) && page_alloc_open(&walk->pages, heap, bump);
}

/* ---- spans ---- */

static uintptr_t span_table_entry(const struct heap_walk *walk, uint64_t page)
{
    return walk->heap_arena + walk->heap->layout->heap_arena_spans.offset_bytes + page * sizeof(uint64_t);
}

/* heapArena.spans of a page; 0 where there is none or it cannot be read. Large spans leave most of the table unread. */
static uintptr_t mspan_of_page(struct heap_walk *walk, uint64_t page)
{
    struct arena_workspace *work = walk->work;
    uint64_t chunk = page / PALLOC_CHUNK_PAGES, first = chunk * PALLOC_CHUNK_PAGES;
    if (!work->are_spans_read[chunk]) {
        work->are_spans_read[chunk] = true;
        if (!reader_read(walk->heap->reader, span_table_entry(walk, first), &work->spans[first],
                         PALLOC_CHUNK_PAGES * sizeof work->spans[0]))
            memset(&work->spans[first], 0, PALLOC_CHUNK_PAGES * sizeof work->spans[0]);
    }
    return work->spans[page];
}

/* What the page allocator says of a page that no span holds. */
static enum heap_page_kind kind_without_span(const struct heap_walk *walk, uint64_t page)
{
    switch (page_alloc_state(&walk->pages, page)) {
    case PALLOC_FREE:
        return PAGE_FREE;
    case PALLOC_RELEASED:
        return PAGE_RELEASED;
    case PALLOC_ALLOCATED:
        break;
    }
    return PAGE_UNTRUSTED;
}

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
    info->samples_count = 0;
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
    work->has_specials[index] = span->specials != 0;
    work->has_any_specials |= span->specials != 0;
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
static void read_page_again(struct heap_walk *walk, uint64_t page)
{
    uint64_t *entry = &walk->work->spans[page];
    page_alloc_read_again(&walk->pages, page);
    page_alloc_refresh_caches(&walk->pages);
    if (!reader_read(walk->heap->reader, span_table_entry(walk, page), entry, sizeof *entry))
        *entry = 0;
}

static bool find_span(struct heap_walk *walk, bool is_cached, uint64_t page, struct mspan *span)
{
    uintptr_t mspan = mspan_of_page(walk, page), address = walk->arena.start + page * GO_PAGE_BYTES;
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
static uint64_t enter_allocated(struct heap_walk *walk, uint64_t page)
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
        read_page_again(walk, page);
    }
    walk->counters.spans_checked += !is_more_of_it;
    walk->counters.spans_untrusted += !is_more_of_it;
    add_run(walk, page, page + 1, PAGE_UNTRUSTED, 0);
    return page + 1;
}

/* A page that the page allocator does not have: address space, a user arena's chunk, or what the heap has grown by
 * since the arena was begun: then a span is there, as soon as anything is resident. */
static uint64_t enter_outside(struct heap_walk *walk, uint64_t page)
{
    struct mspan span;
    if (find_span(walk, true, page, &span)) {
        if (span.is_user_arena) {
            walk->counters.spans_checked++;
            return add_span(walk, page, walk->work->spans[page], &span);
        }
        page_alloc_read_again(&walk->pages, page);
        if (page_alloc_has(&walk->pages, page))
            return enter_allocated(walk, page);
    }
    add_run(walk, page, page + 1, PAGE_RESERVED, 0);
    return page + 1;
}

static void read_pages(struct heap_walk *walk)
{
    for (uint64_t page = 0; page < GO_ARENA_PAGES;) {
        if (!page_alloc_has(&walk->pages, page)) {
            page = enter_outside(walk, page);
        } else if (page_alloc_is_marked(&walk->pages, page)) {
            page = enter_allocated(walk, page);
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
        work->has_specials[index] = before.specials != 0;
        work->has_any_specials |= before.specials != 0;
        if (read_bits(walk->heap->reader, before.alloc_bits, before.free_index, info, bits_of(work, info)) &&
            read_mspan(walk, false, work->mspans[index], &after) && is_same(work, index, &after))
            return true;
    }
    return false;
}

/* The span went away while it was read: its pages are what the page allocator says now. */
static void drop_span(struct heap_walk *walk, struct heap_run *run)
{
    uint64_t page = (run->start - walk->arena.start) / GO_PAGE_BYTES;
    page_alloc_read_again(&walk->pages, page);
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
    bool is_same_cycle = go_heap_sweepgen(walk->heap, &sweepgen) && sweepgen == walk->sweepgen;
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

/* ---- sampled objects ---- */

/* Reads the list of a span that is as it was, through the cache. An empty list is one too. */
static bool read_specials(struct heap_walk *walk, uint32_t index, struct special_list *list)
{
    struct mspan span;
    *list = (struct special_list){0};
    return read_mspan(walk, true, walk->work->mspans[index], &span) && is_same(walk->work, index, &span) &&
           heap_profile_read_list(&walk->profile, &walk->cache.reader, span.specials, &walk->work->infos[index], list);
}

/* Reads one list until two readings agree. A span that was swept meanwhile is read anew as well; one that is gone is
 * dropped. */
static bool read_specials_alone(struct heap_walk *walk, struct heap_run *run, struct special_list *list)
{
    const uint32_t samples_count = walk->profile.samples_count;
    uint64_t fingerprint = 0;
    bool has_before = false;
    for (int i = 0; i < 2 * TRIES; i++) {
        walk->profile.samples_count = samples_count;
        reader_cache_forget(&walk->cache);
        if (!is_unchanged(walk, run->span)) {
            has_before = false;
            if (read_span_alone(walk, run->span))
                continue;
            drop_span(walk, run);
            return false;
        }
        bool is_read = read_specials(walk, run->span, list);
        if (is_read && has_before && fingerprint == list->fingerprint)
            return true;
        has_before = is_read;
        fingerprint = list->fingerprint;
    }
    walk->profile.samples_count = samples_count;
    return false;
}

/* The first reading: only what it found is kept, to be compared. */
static void read_fingerprints(struct heap_walk *walk)
{
    struct arena_workspace *work = walk->work;
    struct special_list list;
    for (uint32_t i = 0; i < work->infos_count; i++) {
        if (!work->has_specials[i])
            continue;
        bool is_read = read_specials(walk, i, &list);
        work->specials_fingerprint[i] = is_read ? list.fingerprint : ~list.fingerprint;
        walk->profile.samples_count = 0;
    }
}

static void read_samples(struct heap_walk *walk)
{
    struct arena_workspace *work = walk->work;
    unsigned read_alone = 0;
    read_fingerprints(walk);
    reader_cache_forget(&walk->cache);
    for (uint32_t i = 0; i < work->runs_count; i++) {
        struct heap_run *run = &work->runs[i];
        if (run->kind != PAGE_OBJECTS || !work->has_specials[run->span])
            continue;
        struct special_list list;
        const uint32_t first = walk->profile.samples_count;
        bool is_good =
            read_specials(walk, run->span, &list) && list.fingerprint == work->specials_fingerprint[run->span];
        if (!is_good) {
            walk->profile.samples_count = first;
            is_good = read_alone++ < SPECIALS_ALONE_MAX && read_specials_alone(walk, run, &list);
        }
        walk->profile.untrusted += !is_good && run->kind == PAGE_OBJECTS;
        work->infos[run->span].samples_first = first;
        work->infos[run->span].samples_count = is_good ? (uint16_t)list.samples_count : 0;
    }
    walk->arena.samples = walk->profile.samples;
}

/* ---- the arena ---- */

const struct heap_arena *heap_walk_arena(struct heap_walk *walk, uintptr_t start)
{
    const struct go_heap *heap = walk->heap;
    struct arena_workspace *work = walk->work;
    uint64_t first_span;
    walk->heap_arena = go_heap_arena_at(heap, heap->reader, start);
    if (walk->heap_arena == 0 || !reader_read_u64(heap->reader, span_table_entry(walk, 0), &first_span) ||
        !go_heap_sweepgen(heap, &walk->sweepgen)) {
        walk->counters.arenas_unreadable++;
        return NULL;
    }
    work->runs_count = work->infos_count = 0;
    work->bits_count = 0;
    work->has_any_specials = false;
    heap_profile_enter_arena(&walk->profile);
    memset(work->are_spans_read, 0, sizeof work->are_spans_read);
    walk->arena = (struct heap_arena){
        .start = start,
        .runs = work->runs,
        .spans = work->infos,
        .mspans = work->mspans,
        .alloc_bits = work->alloc_bits,
    };
    reader_cache_forget(&walk->cache);
    page_alloc_enter(&walk->pages, start);
    read_pages(walk);
    read_all_bits(walk);
    reader_cache_forget(&walk->cache);
    check_spans(walk);
    if (work->has_any_specials)
        read_samples(walk);
    walk->arena.runs_count = work->runs_count;
    return &walk->arena;
}
