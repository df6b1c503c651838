/* SPDX-License-Identifier: Apache-2.0
 *
 * One address in an arena: the walk tells what its page is, as in a dump; the span's struct and its bits, read between
 * two readings of the struct, tell the rest.
 *
 * Mark bits change hands: a collection sets the bits at gcmarkBits, and the sweep of a span makes them its allocBits
 * and gives it fresh ones (mgcsweep.go:sweepLocked.sweep). So of a swept span, allocBits are the marks of the last
 * collection, and what was allocated since lies below freeindex without a bit. With Green Tea (go1.25 as an experiment,
 * from go1.26 on) spans of small objects keep their marks in the span itself until they are swept; these are not read.
 */
#include "harness/page_go.h"

#include <stddef.h>

#include "memory/units.h"

enum { TRIES = 4 };

static const uint32_t BEHIND_NEEDED = 2, BEHIND_UNDER_WAY = 1, AHEAD_CACHED_BEFORE = 1, AHEAD_CACHED = 3;

enum sweep_relation sweep_relation_of(uint32_t span_sweepgen, uint32_t heap_sweepgen)
{
    if (span_sweepgen == heap_sweepgen)
        return SWEEP_DONE;
    if (span_sweepgen + BEHIND_NEEDED == heap_sweepgen)
        return SWEEP_NEEDED;
    if (span_sweepgen + BEHIND_UNDER_WAY == heap_sweepgen)
        return SWEEP_UNDER_WAY;
    if (span_sweepgen == heap_sweepgen + AHEAD_CACHED_BEFORE)
        return SWEEP_CACHED_BEFORE;
    if (span_sweepgen == heap_sweepgen + AHEAD_CACHED)
        return SWEEP_CACHED;
    return SWEEP_NOT_KNOWN;
}

/* ---- reading ---- */

static bool read_mspan(const struct go_heap *heap, uintptr_t address, struct mspan *span)
{
    uint8_t raw[MSPAN_BYTES_MAX];
    if (address == 0 || heap->layout->mspan_bytes > sizeof raw ||
        !reader_read(heap->reader, address, raw, heap->layout->mspan_bytes))
        return false;
    mspan_decode(span, raw, heap->layout);
    return true;
}

static bool is_same(const struct mspan *a, const struct mspan *b)
{
    return a->start == b->start && a->pages == b->pages && a->state == b->state && a->slots == b->slots &&
           a->sweepgen == b->sweepgen && a->alloc_bits == b->alloc_bits && a->mark_bits == b->mark_bits;
}

static enum answer read_bit(const struct go_heap *heap, uintptr_t bits, uint64_t number)
{
    uint8_t byte;
    if (bits == 0 || !reader_read(heap->reader, bits + number / 8, &byte, 1))
        return ANSWER_NOT_KNOWN;
    return (byte >> number % 8 & 1) != 0 ? ANSWER_YES : ANSWER_NO;
}

static bool has_inline_marks(const struct go_heap *heap, uintptr_t heap_arena, uint64_t page)
{
    struct layout_field field = heap->layout->heap_arena_inline_marks;
    return field.bytes != 0 && read_bit(heap, heap_arena + field.offset_bytes, page) == ANSWER_YES;
}

/* ---- slots ---- */

static void judge_allocated(struct go_slot *slot, const struct mspan *span, enum answer alloc_bit)
{
    if (slot->number < span->free_index) {
        slot->is_allocated = ANSWER_YES;
        slot->allocated_by = "it lies below freeindex";
        return;
    }
    slot->is_allocated = alloc_bit;
    slot->allocated_by = alloc_bit == ANSWER_YES  ? "its bit in allocBits is set"
                         : alloc_bit == ANSWER_NO ? "not below freeindex, and no bit in allocBits"
                                                  : "allocBits cannot be read";
}

static void judge_unswept(struct go_slot *slot, bool is_inline, enum answer mark_bit)
{
    if (is_inline) {
        slot->marked_by = "Green Tea keeps the marks in the span until it is swept";
        return;
    }
    slot->is_marked = mark_bit;
    slot->marked_by = mark_bit == ANSWER_YES  ? "its bit in gcmarkBits is set"
                      : mark_bit == ANSWER_NO ? "no bit in gcmarkBits: the sweep will free it"
                                              : "gcmarkBits cannot be read";
}

static void judge_swept(struct go_slot *slot, enum answer alloc_bit)
{
    slot->is_marked = alloc_bit;
    if (alloc_bit == ANSWER_NOT_KNOWN)
        slot->marked_by = "allocBits cannot be read";
    else if (alloc_bit == ANSWER_YES)
        slot->marked_by = "the sweep made its mark the bit in allocBits";
    else
        slot->marked_by = slot->is_allocated == ANSWER_YES ? "allocated since then" : "there is no object";
}

static void judge_marked(const struct go_page *page, struct go_slot *slot, enum answer alloc_bit, enum answer mark_bit)
{
    if (page->has_gc && page->gc.cycles == 0) {
        slot->is_marked = ANSWER_NO;
        slot->marked_by = "no collection has ended yet";
        return;
    }
    switch (page->sweep) {
    case SWEEP_DONE:
    case SWEEP_CACHED:
        judge_swept(slot, alloc_bit);
        break;
    case SWEEP_NEEDED:
    case SWEEP_CACHED_BEFORE:
        judge_unswept(slot, page->has_inline_marks, mark_bit);
        break;
    case SWEEP_UNDER_WAY:
        slot->marked_by = "the span is being swept";
        break;
    case SWEEP_NOT_KNOWN:
    case SWEEP_RELATIONS:
        slot->marked_by = "a collection ended while it was read";
        break;
    }
}

static void find_slot(struct go_page *page, const struct go_heap *heap, uintptr_t address)
{
    const struct mspan *span = &page->span;
    struct go_slot *slot = &page->slot;
    uint64_t number = (address - span->start) / span->slot_bytes;
    *slot = (struct go_slot){.number = number};
    if (number >= span->slots)
        return;
    slot->is_slot = true;
    slot->start = span->start + number * span->slot_bytes;
    slot->end = slot->start + span->slot_bytes;
    enum answer alloc_bit = read_bit(heap, span->alloc_bits, number);
    enum answer mark_bit = read_bit(heap, span->mark_bits, number);
    judge_allocated(slot, span, alloc_bit);
    judge_marked(page, slot, alloc_bit, mark_bit);
    slot->is_marking = page->has_gc && page->gc.has_phase && page->gc.phase != GC_OFF;
    if (slot->is_marking && !page->has_inline_marks && page->sweep != SWEEP_NEEDED &&
        page->sweep != SWEEP_CACHED_BEFORE)
        slot->is_marked_now = mark_bit;
}

/* A stack's slot: only where it lies. Which of a span's stacks are in use stands in lists that change all the time. */
static void find_stack(struct go_page *page, uintptr_t address)
{
    const struct mspan *span = &page->span;
    uint64_t number = (address - span->start) / span->slot_bytes;
    uint64_t bytes = span->pages * GO_PAGE_BYTES;
    page->slot = (struct go_slot){.number = number};
    if (span->slot_bytes > bytes || number >= bytes / span->slot_bytes)
        return;
    page->slot.is_slot = true;
    page->slot.start = span->start + number * span->slot_bytes;
    page->slot.end = page->slot.start + span->slot_bytes;
}

/* ---- the page ---- */

static const struct heap_run *run_of(const struct heap_arena *arena, uintptr_t address)
{
    for (uint32_t i = 0; i < arena->runs_count; i++) {
        if (address < arena->runs[i].end)
            return &arena->runs[i];
    }
    return NULL;
}

static bool has_span(enum heap_page_kind kind)
{
    return kind == PAGE_OBJECTS || kind == PAGE_STACK || kind == PAGE_WORK;
}

static uintptr_t mspan_of(const struct heap_walk *walk, uint64_t page)
{
    const struct go_heap *heap = walk->heap;
    uint64_t address = 0;
    uintptr_t at = walk->heap_arena + heap->layout->heap_arena_spans.offset_bytes + page * sizeof address;
    return reader_read(heap->reader, at, &address, sizeof address) ? address : 0;
}

static void look_at_span(struct go_page *page, const struct go_heap *heap, uintptr_t address)
{
    if (page->span.slot_bytes == 0)
        return;
    if (page->kind == PAGE_OBJECTS)
        find_slot(page, heap, address);
    else if (page->kind == PAGE_STACK)
        find_stack(page, address);
}

static void count_objects(struct go_page *page, const struct heap_arena *arena, const struct heap_run *run,
                          uintptr_t os_page, uint64_t os_page_bytes)
{
    const struct heap_span *span = &arena->spans[run->span];
    uintptr_t start = max_u64(os_page, span->start);
    uintptr_t end = min_u64(os_page + os_page_bytes, span->start + span->bytes);
    page->has_objects = true;
    page->objects_on_page_bytes = start < end ? heap_span_object_bytes(span, start, end) : 0;
}

/* One attempt. False: it changed while it was read, or cannot be read. */
static bool look_once(struct go_page *page, struct heap_book *book, uintptr_t address, uint64_t os_page_bytes,
                      bool *is_read)
{
    struct heap_walk *walk = &book->walk;
    const struct go_heap *heap = book->heap;
    struct mspan after;
    const struct heap_arena *arena = heap_walk_arena(walk, page->arena);
    const struct heap_run *run = arena == NULL ? NULL : run_of(arena, address);
    if (run == NULL)
        return false;
    *is_read = true;
    page->kind = run->kind;
    page->heap_sweepgen = walk->sweepgen;
    page->is_in_page_allocator = page_alloc_has(&walk->pages, page->number);
    page->is_marked_allocated = page->is_in_page_allocator && page_alloc_is_marked(&walk->pages, page->number);
    page->palloc_state = page->is_in_page_allocator ? page_alloc_state(&walk->pages, page->number) : PALLOC_RELEASED;
    page->has_gc = gc_state_read(&page->gc, heap);
    page->has_span = page->has_objects = false;
    if (!has_span(run->kind))
        return true;
    page->mspan = mspan_of(walk, page->number);
    if (!read_mspan(heap, page->mspan, &page->span) || !mspan_is_plausible(&page->span, page->start, walk->sweepgen) ||
        (page->span.state == MSPAN_IN_USE) != (run->kind == PAGE_OBJECTS))
        return false;
    page->has_span = true;
    page->sweep = sweep_relation_of(page->span.sweepgen, walk->sweepgen);
    page->has_inline_marks = has_inline_marks(heap, walk->heap_arena, page->number);
    look_at_span(page, heap, address);
    if (run->kind == PAGE_OBJECTS)
        count_objects(page, arena, run, align_down(address, os_page_bytes), os_page_bytes);
    return read_mspan(heap, page->mspan, &after) && is_same(&page->span, &after);
}

bool page_go_look(struct go_page *page, struct heap_book *book, uintptr_t address, uint64_t os_page_bytes)
{
    *page = (struct go_page){
        .heap = book->heap,
        .go_minor = book->heap->layout->go_minor,
        .arena = align_down(address, GO_ARENA_BYTES),
        .start = align_down(address, GO_PAGE_BYTES),
    };
    page->number = (address - page->arena) / GO_PAGE_BYTES;
    bool is_read = false;
    for (int i = 0; i < TRIES; i++) {
        page->slot = (struct go_slot){0};
        if (look_once(page, book, address, os_page_bytes, &is_read))
            return true;
    }
    /* It never rested. What the page allocator says stands; the span is not to be trusted. */
    page->has_span = page->has_objects = false;
    page->slot = (struct go_slot){0};
    page->kind = PAGE_UNTRUSTED;
    return is_read;
}
