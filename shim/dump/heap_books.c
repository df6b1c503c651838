/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums over the spans of all heaps.
 */
#include "dump/heap_books.h"

#include <stddef.h>
#include <time.h>

#include "memory/raw.h"
#include "memory/units.h"

enum { SPARSE_PART = 4 /* under a quarter full */ };

static void open_book(struct heap_book *book, const struct go_heap *heap, struct residency *residency,
                      struct bump *bump)
{
    uintptr_t *arenas;
    *book = (struct heap_book){.heap = heap};
    if (heap->layout == NULL)
        return;
    int64_t count = heap_arenas_list(heap, residency, bump, &arenas);
    if (count < 0 || !heap_walk_open(&book->walk, heap, bump)) {
        book->walk.counters.arenas_unreadable++;
        return;
    }
    book->arenas = arenas;
    book->arenas_count = (uint64_t)count;
    book->has_gc = gc_state_read(&book->gc, heap);
}

bool heap_books_open(struct heap_books *books, const struct go_heap *const *heaps, uint32_t count,
                     struct residency *residency, struct bump *bump)
{
    *books = (struct heap_books){.arena_start = UINTPTR_MAX};
    books->size_classes = bump_take(bump, SIZE_CLASS_ROWS * sizeof books->size_classes[0]);
    if (books->size_classes == NULL)
        return false;
    for (; books->count < count && books->count < HEAPS_MAX; books->count++)
        open_book(&books->books[books->count], heaps[books->count], residency, bump);
    return true;
}

/* Index of the first of the book's arenas that ends above `address`. */
static uint64_t arena_index(const struct heap_book *book, uintptr_t address)
{
    uint64_t low = 0, high = book->arenas_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (address - book->arenas[middle] < GO_ARENA_BYTES || book->arenas[middle] > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

uintptr_t heap_books_next_arena(const struct heap_books *books, uintptr_t address)
{
    uintptr_t next = UINTPTR_MAX;
    for (uint32_t i = 0; i < books->count; i++) {
        const struct heap_book *book = &books->books[i];
        uint64_t index = arena_index(book, address);
        if (index < book->arenas_count && book->arenas[index] < next)
            next = book->arenas[index];
    }
    return next;
}

/* Walks the arena that begins at `start`, whoever's it is. */
static void enter_arena(struct heap_books *books, uintptr_t start)
{
    books->arena_start = start;
    books->arena = NULL;
    books->run = 0;
    for (uint32_t i = 0; i < books->count; i++) {
        struct heap_book *book = &books->books[i];
        uint64_t index = arena_index(book, start);
        if (index == book->arenas_count || book->arenas[index] != start)
            continue;
        uint64_t begin_ns = raw_clock_ns(CLOCK_MONOTONIC);
        books->book = book;
        books->arena = heap_walk_arena(&book->walk, start);
        books->walk_ns += raw_clock_ns(CLOCK_MONOTONIC) - begin_ns;
        return;
    }
}

const struct heap_run *heap_books_run(struct heap_books *books, uintptr_t address, const struct heap_arena **arena)
{
    uintptr_t start = align_down(address, GO_ARENA_BYTES);
    if (books->arena_start != start)
        enter_arena(books, start);
    if (books->arena == NULL)
        return NULL;
    while (books->run < books->arena->runs_count && books->arena->runs[books->run].end <= address)
        books->run++;
    if (books->run == books->arena->runs_count)
        return NULL;
    *arena = books->arena;
    return &books->arena->runs[books->run];
}

/* ---- counting ---- */

static void count_span(struct heap_books *books, const struct heap_span *span, bool is_begin,
                       const struct run_sums *sums)
{
    struct heap_book *book = books->book;
    book->objects_bytes += sums->object_bytes;
    book->unused_bytes += sums->mapped_bytes - sums->object_bytes;
    uint64_t present_bytes = sums->resident_bytes + sums->swapped_bytes;
    uint64_t untouched_bytes = sums->mapped_bytes > present_bytes ? sums->mapped_bytes - present_bytes : 0;
    books->untouched_bytes += untouched_bytes;
    if (is_begin) {
        book->spans++;
        book->objects += span->objects;
    }
    if (span->is_large) {
        books->large.spans += is_begin;
        books->large.object_bytes += sums->object_bytes;
        books->large.resident_bytes += sums->resident_bytes;
        books->large.untouched_bytes += untouched_bytes;
        return;
    }
    struct size_class *row = &books->size_classes[span->slot_bytes / SLOT_BYTES_STEP % SIZE_CLASS_ROWS];
    row->mapped_bytes += sums->mapped_bytes;
    row->object_bytes += sums->object_bytes;
    row->resident_bytes += sums->resident_bytes;
    if ((uint64_t)span->objects * SPARSE_PART < span->slots)
        row->sparse_resident_bytes += sums->resident_bytes;
    if (!is_begin)
        return;
    row->spans++;
    row->slots += span->slots;
    row->objects += span->objects;
    uint64_t tenth = (uint64_t)span->objects * OCCUPANCY_TENTHS / span->slots;
    row->occupancy[min_u64(tenth, OCCUPANCY_TENTHS - 1)]++;
}

void heap_books_count(struct heap_books *books, const struct heap_run *run, uintptr_t start,
                      const struct run_sums *sums)
{
    struct heap_book *book = books->book;
    switch (run->kind) {
    case PAGE_RESERVED:
        book->reserved_bytes += sums->mapped_bytes;
        return;
    case PAGE_FREE:
        book->free_bytes += sums->mapped_bytes;
        return;
    case PAGE_RELEASED:
        book->released_bytes += sums->mapped_bytes;
        return;
    case PAGE_STACK:
        book->stacks_bytes += sums->mapped_bytes;
        return;
    case PAGE_WORK:
        book->work_bytes += sums->mapped_bytes;
        return;
    case PAGE_UNTRUSTED:
        book->untrusted_bytes += sums->mapped_bytes;
        return;
    case PAGE_OBJECTS:
        break;
    }
    const struct heap_span *span = &books->arena->spans[run->span];
    count_span(books, span, start == span->start, sums);
}

/* Keeps the largest, in order. */
static void close_range(struct heap_books *books)
{
    struct reinflated_range range = books->open_range;
    books->open_range = (struct reinflated_range){0};
    if (range.bytes == 0)
        return;
    uint32_t at = books->reinflated_count < REINFLATED_MAX ? books->reinflated_count++ : REINFLATED_MAX - 1;
    if (at == REINFLATED_MAX - 1 && books->reinflated[at].bytes >= range.bytes)
        return;
    for (; at > 0 && books->reinflated[at - 1].bytes < range.bytes; at--)
        books->reinflated[at] = books->reinflated[at - 1];
    books->reinflated[at] = range;
}

void heap_books_count_reinflated(struct heap_books *books, uintptr_t start, uintptr_t end, bool is_huge)
{
    struct reinflated_range *range = &books->open_range;
    if (range->bytes != 0 && range->start + range->bytes != start)
        close_range(books);
    if (range->bytes == 0)
        range->start = start;
    range->bytes += end - start;
    range->huge_bytes += is_huge ? end - start : 0;
    books->reinflated_resident_bytes += end - start;
    books->reinflated_huge_bytes += is_huge ? end - start : 0;
}

static void close_huge_page(struct heap_books *books)
{
    if (books->is_huge_page_used)
        books->idle_in_huge_bytes += books->huge_page_idle_bytes;
    books->huge_page_idle_bytes = 0;
    books->is_huge_page_used = false;
}

void heap_books_count_huge(struct heap_books *books, uintptr_t start, uintptr_t end, bool is_used)
{
    uintptr_t huge_page = align_down(start, HUGE_PAGE_BYTES);
    if (huge_page != books->huge_page)
        close_huge_page(books);
    books->huge_page = huge_page;
    books->is_huge_page_used |= is_used;
    books->huge_page_idle_bytes += is_used ? 0 : end - start;
}

void heap_books_finish(struct heap_books *books)
{
    close_huge_page(books);
    close_range(books);
}
