/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking the chunks of glibc's malloc.
 */
#include "memory/glibc_chunks.h"

#include <stddef.h>
#include <string.h>

#include "memory/glibc_shapes.h"
#include "memory/units.h"

enum {
    PREVIOUS_IS_IN_USE = 1,
    IS_MMAPPED = 2,
    CHUNK_FLAGS = 7,
    CHUNK_BYTES_MIN = 32,
    FENCE_BYTES = 16, /* a header without a chunk, where an arena goes on elsewhere */
    FENCES_BYTES = 2 * FENCE_BYTES,
    ATTEMPTS_MAX = 3,
};

/* sizeof(struct malloc_state) before glibc 2.27 and since, and then the first chunk, aligned */
static const uint64_t ARENA_BYTES[] = {2192, 2200};

/* malloc/malloc.c:malloc_chunk; what follows is the program's, or links of a list */
struct header {
    uint64_t previous_bytes; /* only if that one is free */
    uint64_t size;
};

bool glibc_heap_of_arena(struct glibc_heap *heap, struct reader *reader, uintptr_t start, uintptr_t end,
                         uint64_t os_page_bytes)
{
    struct glibc_heap_info info;
    if (glibc_heap_bytes(reader, start, end, os_page_bytes) == 0 || !reader_read(reader, start, &info, sizeof info))
        return false;
    uintptr_t arena_offset = info.arena % GLIBC_HEAP_ALIGN_BYTES;
    *heap = (struct glibc_heap){.start = start, .end = min_u64(end, start + info.size_bytes)};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t header_bytes = arena_offset + (info.previous_heap == 0 ? ARENA_BYTES[i] : 0);
        heap->first_chunks[i] = start + align_up(header_bytes, GLIBC_CHUNK_ALIGN_BYTES);
    }
    return info.size_bytes % os_page_bytes == 0 && heap->start < heap->end;
}

struct glibc_heap glibc_heap_of_brk(uintptr_t start, uintptr_t end)
{
    return (struct glibc_heap){.start = start, .end = end, .first_chunks = {start, start}, .is_main = true};
}

struct walk {
    struct glibc_chunks *chunks;
    const struct glibc_heap *heap;
    uint16_t *free_units; /* NULL: not wanted */
    uintptr_t sought;     /* an address whose chunk goes to `found`, or 0 */
    struct glibc_chunk found;
    uintptr_t held_start, held_end; /* what the buffer holds */
    uint64_t step_bytes;            /* of the read before */
};

/* The header at `at`, which is aligned and below the heap's end. Reads ahead only where the chunks are small: pages
 * that nobody has touched lie in large ones. */
static enum glibc_walk read_header(struct walk *walk, uintptr_t at, struct header *header)
{
    struct glibc_chunks *chunks = walk->chunks;
    uint64_t os_page_bytes = chunks->os_page_bytes;
    if (at < walk->held_start || at >= walk->held_end) {
        bool is_next = at >= walk->held_end && at - walk->held_end < os_page_bytes;
        walk->step_bytes = is_next ? min_u64(2 * walk->step_bytes, GLIBC_CHUNK_WINDOW_BYTES) : os_page_bytes;
        walk->step_bytes = min_u64(walk->step_bytes, GLIBC_CHUNK_WINDOW_BYTES);
        walk->held_start = walk->held_end = align_down(at, min_u64(os_page_bytes, GLIBC_CHUNK_WINDOW_BYTES));
        uint64_t bytes = min_u64(walk->step_bytes, walk->heap->end - walk->held_start);
        if (bytes > chunks->bytes_left)
            return GLIBC_WALK_TOO_LONG;
        chunks->bytes_left -= bytes;
        if (!reader_read(chunks->reader, walk->held_start, chunks->buffer, bytes))
            return GLIBC_WALK_TORN;
        walk->held_end = walk->held_start + bytes;
    }
    memcpy(header, chunks->buffer + (at - walk->held_start), sizeof *header);
    return GLIBC_WALKED;
}

static void mark_free(const struct walk *walk, uintptr_t start, uintptr_t end)
{
    uint64_t os_page_bytes = walk->chunks->os_page_bytes;
    while (walk->free_units != NULL && start < end) {
        uintptr_t page_end = min_u64(align_down(start, os_page_bytes) + os_page_bytes, end);
        uint16_t *units = &walk->free_units[(start - walk->heap->start) / os_page_bytes];
        *units = (uint16_t)(*units + (page_end - start) / GLIBC_CHUNK_ALIGN_BYTES);
        start = page_end;
    }
}

static void note_chunk(struct walk *walk, uintptr_t start, uint64_t bytes, enum glibc_chunk_state state)
{
    if (walk->sought >= start && walk->sought - start < bytes)
        walk->found = (struct glibc_chunk){state, start, bytes};
}

/* Where an arena ends that goes on elsewhere: in its next heap, or behind memory that somebody else took by brk. */
static bool is_fence(const struct glibc_heap *heap, uintptr_t at, uint64_t bytes)
{
    return bytes <= FENCE_BYTES && (heap->end - at <= FENCES_BYTES || (heap->is_main && bytes == FENCE_BYTES));
}

static enum glibc_walk walk_from(struct walk *walk, uintptr_t first)
{
    const struct glibc_heap *heap = walk->heap;
    uint64_t before_bytes = 0;
    for (uintptr_t at = first; at < heap->end;) {
        struct header header;
        enum glibc_walk result = read_header(walk, at, &header);
        if (result != GLIBC_WALKED)
            return result;
        uint64_t bytes = header.size & ~(uint64_t)CHUNK_FLAGS;
        bool is_before_free = (header.size & PREVIOUS_IS_IN_USE) == 0;
        if ((header.size & IS_MMAPPED) != 0 || bytes % GLIBC_CHUNK_ALIGN_BYTES != 0 ||
            (is_before_free && (at == first || header.previous_bytes != before_bytes)))
            return GLIBC_WALK_TORN;
        if (is_before_free)
            mark_free(walk, at - before_bytes, at);
        note_chunk(walk, at - before_bytes, before_bytes, is_before_free ? GLIBC_CHUNK_FREE : GLIBC_CHUNK_USED);
        if (at != first && is_fence(heap, at, bytes))
            return GLIBC_WALKED;
        if (bytes < CHUNK_BYTES_MIN)
            return GLIBC_WALK_TORN;
        /* It has grown since the mappings were read: what the last chunk is, nobody looks. */
        if (bytes > heap->end - at)
            return bytes - (heap->end - at) <= GLIBC_HEAP_ALIGN_BYTES ? GLIBC_WALKED : GLIBC_WALK_TORN;
        if (bytes == heap->end - at) {
            mark_free(walk, at, heap->end);
            note_chunk(walk, at, bytes, GLIBC_CHUNK_TOP);
        }
        before_bytes = bytes;
        at += bytes;
    }
    return first < heap->end ? GLIBC_WALKED : GLIBC_WALK_TORN;
}

static uint64_t pages_of(const struct glibc_chunks *chunks, const struct glibc_heap *heap)
{
    return (heap->end - heap->start) / chunks->os_page_bytes;
}

static void clear(struct walk *walk)
{
    walk->held_start = walk->held_end = walk->step_bytes = 0;
    walk->found = (struct glibc_chunk){0};
    if (walk->free_units != NULL)
        memset(walk->free_units, 0, pages_of(walk->chunks, walk->heap) * sizeof walk->free_units[0]);
}

static enum glibc_walk walk_until_it_holds(struct walk *walk)
{
    const struct glibc_heap *heap = walk->heap;
    enum glibc_walk result = GLIBC_WALK_TORN;
    for (unsigned i = 0; i < ATTEMPTS_MAX && result == GLIBC_WALK_TORN; i++) {
        unsigned starts = heap->first_chunks[0] == heap->first_chunks[1] ? 1 : 2;
        for (unsigned k = 0; k < starts && result == GLIBC_WALK_TORN; k++) {
            clear(walk);
            result = walk_from(walk, heap->first_chunks[k]);
        }
        walk->chunks->rereads += result == GLIBC_WALK_TORN && i + 1 < ATTEMPTS_MAX;
    }
    if (result != GLIBC_WALKED)
        clear(walk);
    return result;
}

enum glibc_walk glibc_chunks_walk(struct glibc_chunks *chunks, const struct glibc_heap *heap, uint16_t *free_units)
{
    struct walk walk = {.chunks = chunks, .heap = heap, .free_units = free_units};
    return walk_until_it_holds(&walk);
}

enum glibc_walk glibc_chunks_find(struct glibc_chunks *chunks, const struct glibc_heap *heap, uintptr_t address,
                                  struct glibc_chunk *chunk)
{
    struct walk walk = {.chunks = chunks, .heap = heap, .sought = address};
    enum glibc_walk result = walk_until_it_holds(&walk);
    *chunk = walk.found;
    return result;
}
