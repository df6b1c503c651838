/* SPDX-License-Identifier: Apache-2.0
 *
 * Spans are looked up as the runtime's spanOf does (mheap.go): arena map, heapArena.spans, mspan. One that is freed and
 * made anew while the set grows keeps the shape it had at first: the set is of a moment, as far as there is one.
 */
#include "goruntime/object_set.h"

#include <stddef.h>
#include <string.h>

#include "memory/hash.h"

enum {
    TABLE_SLOTS = 1 << 17, /* at most half full: HEAP_ARENAS_MAX */
    /* start_page, besides a span's plus 1: */
    PAGE_UNKNOWN = 0,                /* not looked up */
    PAGE_ELSEWHERE = UINT16_MAX,     /* its span begins in another arena */
    PAGE_NONE = UINT16_MAX - 1,      /* no span of objects is there, */
    PAGE_NONE_FIRST = PAGE_NONE - 3, /* and so often it may be looked at again before that is believed */
    LOOKS_MAX = 1 << 14,             /* of about two microseconds */
    SPAN_PAGES_MAX = 16,             /* of a span with more than one slot: bits of part_pages */
    TINY_SLOT_BYTES = 16,            /* malloc.go:maxTinySize: smaller objects without pointers share a slot */
    BATCH = 64,
    CACHE_LINE_BYTES = 64,
};

_Static_assert(offsetof(struct object_span, marks) == CACHE_LINE_BYTES &&
                   offsetof(struct object_arena, spans) % CACHE_LINE_BYTES == 0,
               "the facts of a span are one cache line");

static bool read_sweepgen(struct object_set *set)
{
    return go_heap_sweepgen(set->heap, &set->sweepgen);
}

bool object_set_open(struct object_set *set, const struct go_heap *heap, struct reader_cache *cache, struct bump *bump)
{
    *set = (struct object_set){.heap = heap, .cache = cache, .bump = bump, .shapes_count = 1};
    set->table = bump_take(bump, TABLE_SLOTS * sizeof *set->table);
    set->arenas = bump_take(bump, HEAP_ARENAS_MAX * sizeof *set->arenas);
    set->looks_left = LOOKS_MAX;
    return set->table != NULL && set->arenas != NULL && heap->layout->mspan_bytes <= MSPAN_BYTES_MAX &&
           read_sweepgen(set);
}

void object_set_clear(struct object_set *set)
{
    for (uint32_t i = 0; i < set->arenas_count; i++) {
        struct object_arena *arena = set->arenas[i];
        for (uint32_t page = arena->first_page, next; page != 0; page = next) {
            next = arena->spans[page - 1].next_page;
            arena->spans[page - 1] = (struct object_span){0};
            if (arena->pages[page - 1].parts != 0)
                memset(arena->marks[page - 1], 0, sizeof arena->marks[page - 1]);
        }
        arena->first_page = 0;
        memset(arena->pages, 0, sizeof arena->pages);
        arena->from_before = NULL;
    }
    memset(set->parts, 0, sizeof set->parts);
    memset(set->absent, 0, sizeof set->absent);
    set->unknown = set->spans_bytes = 0;
    set->is_full = set->is_watched_found = false;
    set->looks_left = LOOKS_MAX;
    read_sweepgen(set); /* an error here is one everywhere: the walk will notice */
    reader_cache_forget(set->cache);
}

/* May one more look be taken past the cache? */
static bool take_look(struct object_set *set)
{
    if (set->looks_left == 0)
        return false;
    set->looks_left--;
    return true;
}

/* ---- arenas ---- */

/* The heapArena of the arena that holds `address`; 0: the heap has none there. */
static uintptr_t heap_arena_of(const struct object_set *set, struct reader *reader, uintptr_t address)
{
    return go_heap_arena_at(set->heap, reader, address);
}

static uint64_t slot_of_arena(uintptr_t address)
{
    return hash_u64(address / GO_ARENA_BYTES) % TABLE_SLOTS;
}

/* The same for an arena that the set does not have: past the cache, once. */
static bool is_arena(struct object_set *set, uintptr_t address)
{
    uintptr_t number = address / GO_ARENA_BYTES + 1;
    uintptr_t *absent = &set->absent[slot_of_arena(address) % OBJECT_SET_ABSENT];
    if (*absent == number || !take_look(set))
        return false;
    if (heap_arena_of(set, set->heap->reader, address) != 0)
        return true;
    *absent = number;
    return false;
}

static struct object_arena *make_arena(struct object_set *set, uintptr_t start, uint64_t at)
{
    struct object_arena *arena;
    if (!is_arena(set, start))
        return NULL;
    uint8_t *piece =
        set->arenas_count == HEAP_ARENAS_MAX ? NULL : bump_take(set->bump, sizeof *arena + CACHE_LINE_BYTES);
    if (piece == NULL) {
        set->is_full = true;
        return NULL;
    }
    arena = (struct object_arena *)(void *)(piece + (CACHE_LINE_BYTES - (uintptr_t)piece % CACHE_LINE_BYTES));
    arena->start = start;
    set->table[at] = arena;
    set->arenas[set->arenas_count++] = arena;
    return arena;
}

/* The arena that holds `address`, new to the set or not; NULL: it is no arena, or no memory is left. */
static inline struct object_arena *enter_arena(struct object_set *set, uintptr_t address)
{
    uintptr_t start = align_down(address, GO_ARENA_BYTES);
    uint64_t at = slot_of_arena(start);
    for (; set->table[at] != NULL; at = (at + 1) % TABLE_SLOTS) {
        if (set->table[at]->start == start)
            return set->table[at];
    }
    return make_arena(set, start, at);
}

/* ---- spans ---- */

/* The span of objects that holds `address`, by the runtime's books. False: none. */
static bool read_span(const struct object_set *set, struct reader *reader, uintptr_t address, struct mspan *span)
{
    const struct go_layout *layout = set->heap->layout;
    uint8_t raw[MSPAN_BYTES_MAX];
    uint64_t page = address % GO_ARENA_BYTES / GO_PAGE_BYTES, mspan;
    uintptr_t heap_arena = heap_arena_of(set, reader, address);
    if (heap_arena == 0 ||
        !reader_read_u64(reader, heap_arena + layout->heap_arena_spans.offset_bytes + page * sizeof mspan, &mspan) ||
        mspan == 0 || !reader_read(reader, mspan, raw, layout->mspan_bytes))
        return false;
    mspan_decode(span, raw, layout);
    if (!mspan_is_plausible(span, align_down(address, GO_PAGE_BYTES), set->sweepgen) || span->state != MSPAN_IN_USE)
        return false;
    /* Whatever it says of its size, it ends in an arena. */
    return span->slots == 1 ? heap_arena_of(set, reader, span->start + span->pages * GO_PAGE_BYTES - 1) != 0
                            : span->pages <= SPAN_PAGES_MAX;
}

/* Since the cache read the books, or a page of them, spans may have been made, and cycles of the collector have gone
 * by. */
static bool read_span_anew(struct object_set *set, uintptr_t address, struct mspan *span)
{
    return take_look(set) && read_sweepgen(set) && read_span(set, set->heap->reader, address, span);
}

static bool covers(const struct object_span *span, uintptr_t address)
{
    return address - span->start < span->bytes;
}

static struct object_span *fill_span(struct object_set *set, struct object_arena *arena, const struct mspan *span)
{
    uint64_t page = (span->start - arena->start) / GO_PAGE_BYTES;
    struct object_span *known = &arena->spans[page];
    /* Fresh memory that is read before it is written becomes the zero page at first, and its replacement interrupts
     * each CPU that runs the program (mm/memory.c:wp_page_copy). So it is written first. */
    known->touched = 1;
    __asm__ volatile("" ::: "memory");
    if (known->bytes != 0)
        return known;
    *known = (struct object_span){
        .start = span->start,
        .bytes = span->pages * GO_PAGE_BYTES,
        .slot_bytes = span->slot_bytes,
        .slots = (uint32_t)span->slots,
        .pages = (uint32_t)span->pages,
        .is_tiny = span->slot_bytes == TINY_SLOT_BYTES && (span->span_class & 1) != 0,
        .next_page = arena->first_page,
        .slot_magic = span->slots == 1 ? 0 : UINT32_MAX / (uint32_t)span->slot_bytes + 1,
    };
    arena->first_page = (uint16_t)(page + 1);
    set->spans_bytes += known->bytes;
    return known;
}

/* The span that reaches into `arena` from another one. NULL: none, or no memory is left. */
static struct object_span *enter_span_before(struct object_set *set, struct object_arena *arena, uintptr_t address,
                                             const struct mspan *span)
{
    struct object_arena *before = enter_arena(set, span->start);
    if (before == NULL)
        return NULL;
    arena->from_before = fill_span(set, before, span);
    return covers(arena->from_before, address) ? arena->from_before : NULL;
}

/* 0: there is no room for another. */
static uint8_t shape_of(struct object_set *set, const struct object_span *span)
{
    struct object_shape shape = {(uint32_t)span->slot_bytes, span->slot_magic, span->slots, span->is_tiny};
    for (uint32_t i = 1; i < set->shapes_count; i++) {
        const struct object_shape *known = &set->shapes[i];
        if (known->slot_bytes == shape.slot_bytes && known->slots == shape.slots && known->is_tiny == shape.is_tiny)
            return (uint8_t)i;
    }
    if (set->shapes_count == OBJECT_SHAPES_MAX)
        return 0;
    set->shapes[set->shapes_count] = shape;
    return (uint8_t)set->shapes_count++;
}

/* Looks up the span of a page that the set does not know. NULL: none. */
static struct object_span *enter_span(struct object_set *set, struct object_arena *arena, uintptr_t address)
{
    struct mspan span;
    uint16_t *start_page = &arena->pages[(address - arena->start) / GO_PAGE_BYTES].start_page;
    bool is_new = *start_page == PAGE_UNKNOWN || *start_page == PAGE_ELSEWHERE;
    if (!(is_new && read_span(set, &set->cache->reader, address, &span)) && !read_span_anew(set, address, &span)) {
        *start_page = is_new ? PAGE_NONE_FIRST : *start_page + 1;
        return NULL;
    }
    if (span.start < arena->start) {
        *start_page = PAGE_ELSEWHERE;
        return enter_span_before(set, arena, address, &span);
    }
    struct object_span *known = fill_span(set, arena, &span);
    uint64_t first = (span.start - arena->start) / GO_PAGE_BYTES;
    /* Of a large object only the page that is asked for: its others are hardly ever. */
    *start_page = (uint16_t)(first + 1);
    for (uint64_t i = first; span.slots != 1 && i < min_u64(first + span.pages, GO_ARENA_PAGES); i++)
        arena->pages[i].start_page = (uint16_t)(first + 1);
    if (span.slots != 1 && span.pages == 1 && span.slots <= 8 * sizeof arena->marks[0]) {
        /* Written first: see fill_span. */
        *(volatile uint64_t *)&arena->marks[first][0] = 0;
        arena->pages[first].shape = shape_of(set, known);
    }
    return known;
}

/* The span of objects that holds `address`. NULL: none. */
static inline struct object_span *span_of(struct object_set *set, struct object_arena *arena, uintptr_t address)
{
    uint16_t page = arena->pages[(address - arena->start) / GO_PAGE_BYTES].start_page;
    if (page == PAGE_NONE)
        return NULL;
    if (page == PAGE_ELSEWHERE && arena->from_before != NULL && covers(arena->from_before, address))
        return arena->from_before;
    if (page == PAGE_UNKNOWN || page > GO_ARENA_PAGES)
        return enter_span(set, arena, address);
    return &arena->spans[page - 1];
}

static inline uint64_t slot_of(const struct object_span *span, uintptr_t address)
{
    return (address - span->start) * span->slot_magic >> 32;
}

uint64_t object_set_bytes_behind(struct object_set *set, uintptr_t address)
{
    struct object_arena *arena = enter_arena(set, address);
    struct object_span *span = arena == NULL ? NULL : span_of(set, arena, address);
    if (span == NULL)
        return 0;
    uint64_t slot = slot_of(span, address);
    uintptr_t end = span->start + (slot + 1) * span->slot_bytes;
    return slot < span->slots && address < end ? end - address : 0;
}

/* ---- adding ---- */

/* As far as the object goes: a length may have been read before its pointer was written. */
static uint64_t asked_of(uintptr_t slot_start, uint64_t slot_bytes, const struct object_address *added)
{
    if (added->asked_bytes == OBJECT_ASKED_WHOLE)
        return slot_bytes;
    uintptr_t end = slot_start + slot_bytes;
    return min_u64(added->asked_bytes, end > added->address ? end - added->address : 0);
}

/* Puts a mark. False: it was there. */
static bool mark(uint64_t *marks, uint64_t slot)
{
    uint64_t bit = 1ull << slot % 64;
    bool is_new = (marks[slot / 64] & bit) == 0;
    marks[slot / 64] |= bit;
    return is_new;
}

static void count_new(struct object_set *set, uintptr_t slot_start, uint64_t slot_bytes,
                      const struct object_address *added)
{
    struct object_part *part = &set->parts[added->part];
    part->objects++;
    part->allocated_bytes += slot_bytes;
    if (set->watched != 0 && set->watched >= slot_start && set->watched - slot_start < slot_bytes) {
        set->is_watched_found = true;
        set->watched_part = added->part;
    }
}

/* In a span of any kind. */
static void add(struct object_set *set, struct object_span *span, const struct object_address *added)
{
    uint64_t slot = slot_of(span, added->address);
    if (slot >= span->slots) {
        set->unknown++;
        return;
    }
    struct object_part *part = &set->parts[added->part];
    uintptr_t slot_start = span->start + slot * span->slot_bytes;
    uint64_t asked_bytes = asked_of(slot_start, span->slot_bytes, added);
    part->referenced_bytes += asked_bytes;
    if (!mark(span->marks, slot))
        return;
    count_new(set, slot_start, span->slot_bytes, added);
    part->asked_bytes += asked_bytes;
    span->marked++;
    uint64_t first = slot * span->slot_bytes / GO_PAGE_BYTES,
             last = span->slots == 1 ? 0 : ((slot + 1) * span->slot_bytes - 1) / GO_PAGE_BYTES;
    for (uint64_t page = first; page <= last; page++)
        span->part_pages[added->part] |= (uint16_t)(1u << page);
}

/* An address on its way to its mark. */
struct target {
    struct object_arena *arena;       /* NULL: it is in none */
    struct object_span *span;         /* NULL: it is in none */
    const struct object_shape *shape; /* of a span of one page; NULL: it is of another kind */
    struct object_page *page;
    uint64_t *marks; /* with a shape: */
    uint32_t slot;
};

static void find_arena_of(struct object_set *set, struct target *target, uintptr_t address)
{
    target->arena = enter_arena(set, address);
    if (target->arena == NULL)
        return;
    target->page = &target->arena->pages[(address - target->arena->start) / GO_PAGE_BYTES];
    __builtin_prefetch(target->page, 1);
}

static void find_mark_of(struct object_set *set, struct target *target, uintptr_t address)
{
    target->span = target->arena == NULL ? NULL : span_of(set, target->arena, address);
    target->shape = NULL;
    if (target->span == NULL)
        return;
    if (target->page->shape == 0) {
        __builtin_prefetch(target->span, 1);
        return;
    }
    target->shape = &set->shapes[target->page->shape];
    target->slot = (uint32_t)(address % GO_PAGE_BYTES * target->shape->slot_magic >> 32);
    /* The waste behind the last slot has no mark: what is fetched then is not used. */
    target->marks = target->arena->marks[(address - target->arena->start) / GO_PAGE_BYTES];
    __builtin_prefetch(&target->marks[target->slot / 64 % OBJECT_PAGE_MARK_WORDS], 1);
}

static void add_to_page(struct object_set *set, const struct target *target, const struct object_address *added)
{
    const struct object_shape *shape = target->shape;
    uintptr_t slot_start = align_down(added->address, GO_PAGE_BYTES) + target->slot * (uint64_t)shape->slot_bytes;
    if (target->slot >= shape->slots) {
        set->unknown++;
        return;
    }
    struct object_part *part = &set->parts[added->part];
    uint64_t asked_bytes = asked_of(slot_start, shape->slot_bytes, added);
    bool is_new = mark(target->marks, target->slot), is_tiny = shape->is_tiny && added->asked_bytes < TINY_SLOT_BYTES;
    part->referenced_bytes += asked_bytes;
    part->tiny_asked_bytes += is_tiny ? asked_bytes : 0;
    if (!is_new)
        return;
    count_new(set, slot_start, shape->slot_bytes, added);
    part->asked_bytes += is_tiny ? 0 : asked_bytes;
    part->tiny_slots += is_tiny;
    target->page->parts |= (uint8_t)(1u << added->part);
}

static void add_batch(struct object_set *set, const struct object_address *addresses, uint32_t count)
{
    struct target targets[BATCH];
    for (uint32_t i = 0; i < count; i++)
        find_arena_of(set, &targets[i], addresses[i].address);
    for (uint32_t i = 0; i < count; i++)
        find_mark_of(set, &targets[i], addresses[i].address);
    for (uint32_t i = 0; i < count; i++) {
        if (targets[i].shape != NULL)
            add_to_page(set, &targets[i], &addresses[i]);
        else if (targets[i].span != NULL)
            add(set, targets[i].span, &addresses[i]);
        else
            set->unknown++;
    }
}

static void finish_page(struct object_arena *arena, uint32_t page)
{
    struct object_span *span = &arena->spans[page];
    uint32_t marked = 0;
    if (arena->pages[page].parts == 0)
        return;
    for (uint32_t word = 0; word < OBJECT_PAGE_MARK_WORDS; word++) {
        span->marks[word] = arena->marks[page][word];
        marked += count_ones(span->marks[word]);
    }
    span->marked = marked;
    for (uint32_t part = 0; part < OBJECT_PARTS; part++)
        span->part_pages[part] = arena->pages[page].parts >> part & 1;
}

void object_set_finish(struct object_set *set)
{
    for (uint32_t i = 0; i < set->arenas_count; i++) {
        for (uint32_t page = 0; page < GO_ARENA_PAGES; page++)
            finish_page(set->arenas[i], page);
    }
    for (uint32_t i = 0; i < OBJECT_PARTS; i++) {
        struct object_part *part = &set->parts[i];
        part->asked_bytes += min_u64(part->tiny_asked_bytes, part->tiny_slots * TINY_SLOT_BYTES);
    }
}

void object_set_add_all(struct object_set *set, const struct object_address *addresses, uint32_t count)
{
    for (uint32_t i = 0; i < count; i += BATCH)
        add_batch(set, &addresses[i], count - i < BATCH ? count - i : BATCH);
}
