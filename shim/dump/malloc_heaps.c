/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding and walking the heaps of glibc's malloc.
 */
#include "dump/malloc_heaps.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#include "memory/glibc_chunks.h"
#include "memory/glibc_shapes.h"
#include "memory/raw.h"
#include "memory/units.h"

enum { HEAPS_OF_MALLOC_MAX = 1 << 14 };

struct heaps_walk {
    struct malloc_heaps *heaps;
    const struct malloc_source *source;
    struct glibc_chunks chunks;
};

/* To read a page that is swapped out would bring it back. */
static bool has_swapped_pages(const struct resident_set *resident, const struct glibc_heap *heap)
{
    for (uint64_t i = resident_set_from(resident, heap->start);
         i < resident->count && resident->runs[i].start < heap->end; i++) {
        if (resident_run_decode(&resident->runs[i]).kind == RESIDENCY_SWAPPED)
            return true;
    }
    return false;
}

static void walk_heap(struct heaps_walk *walk, const struct glibc_heap *heap)
{
    struct malloc_heaps *heaps = walk->heaps;
    const struct malloc_source *source = walk->source;
    uint64_t pages = (heap->end - heap->start) / source->os_page_bytes;
    if (has_swapped_pages(source->resident, heap)) {
        heaps->swapped++;
        return;
    }
    uint16_t *free_units = heaps->count < heaps->capacity ? bump_take(source->bump, pages * sizeof *free_units) : NULL;
    enum glibc_walk result =
        free_units == NULL ? GLIBC_WALK_TOO_LONG : glibc_chunks_walk(&walk->chunks, heap, free_units);
    switch (result) {
    case GLIBC_WALKED:
        heaps->heaps[heaps->count++] = (struct malloc_heap){heap->start, heap->end, source->os_page_bytes, free_units};
        heaps->walked++;
        break;
    case GLIBC_WALK_TORN:
        heaps->torn++;
        break;
    case GLIBC_WALK_TOO_LONG:
        heaps->too_long++;
        break;
    }
}

static void walk_brk(struct heaps_walk *walk, const struct vma *vma)
{
    struct glibc_heap heap = glibc_heap_of_brk(vma->start, vma->end);
    walk_heap(walk, &heap);
}

static void walk_range(struct heaps_walk *walk, const struct known_range *range)
{
    struct glibc_heap heap;
    if (range->memory_class != CLASS_C_HEAP_USED || range->start % GLIBC_HEAP_ALIGN_BYTES != 0)
        return;
    if (glibc_heap_of_arena(&heap, walk->source->reader, range->start, range->end, walk->source->os_page_bytes))
        walk_heap(walk, &heap);
}

/* Both lists are by address, and so is what comes of them. */
static void walk_all(struct heaps_walk *walk)
{
    const struct vma_list *vmas = &walk->source->resident->vmas;
    const struct known_ranges *known = walk->source->known;
    uint64_t next = 0;
    for (uint64_t i = 0; i < vmas->count; i++) {
        const struct vma *vma = &vmas->vmas[i];
        for (; next < known->count && known->ranges[next].start < vma->start; next++)
            walk_range(walk, &known->ranges[next]);
        if (!walk->source->has_foreign_brk && strcmp(vma->name, "[heap]") == 0)
            walk_brk(walk, vma);
    }
    for (; next < known->count; next++)
        walk_range(walk, &known->ranges[next]);
}

void malloc_heaps_walk(struct malloc_heaps *heaps, const struct malloc_source *source)
{
    uint64_t begin_ns = raw_clock_ns(CLOCK_MONOTONIC);
    *heaps = (struct malloc_heaps){.heaps = bump_take(source->bump, HEAPS_OF_MALLOC_MAX * sizeof heaps->heaps[0])};
    struct heaps_walk walk = {
        .heaps = heaps,
        .source = source,
        .chunks = {.reader = source->reader,
                   .buffer = bump_take(source->bump, GLIBC_CHUNK_WINDOW_BYTES),
                   .os_page_bytes = source->os_page_bytes,
                   .bytes_left = MALLOC_READ_BYTES_MAX},
    };
    heaps->capacity = heaps->heaps == NULL || walk.chunks.buffer == NULL ? 0 : HEAPS_OF_MALLOC_MAX;
    walk_all(&walk);
    heaps->rereads = walk.chunks.rereads;
    heaps->read_bytes = MALLOC_READ_BYTES_MAX - walk.chunks.bytes_left;
    heaps->walk_ns = raw_clock_ns(CLOCK_MONOTONIC) - begin_ns;
}

const struct malloc_heap *malloc_heaps_at(const struct malloc_heaps *heaps, uintptr_t address)
{
    uint64_t low = 0, high = heaps->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (heaps->heaps[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low < heaps->count && heaps->heaps[low].start <= address ? &heaps->heaps[low] : NULL;
}

struct malloc_free malloc_heap_free(const struct malloc_heap *heap, uintptr_t start, uintptr_t end)
{
    struct malloc_free free = {0};
    for (uintptr_t at = start > heap->start ? start : heap->start; at < end && at < heap->end;
         at += heap->os_page_bytes) {
        uint64_t bytes = (uint64_t)heap->free_units[(at - heap->start) / heap->os_page_bytes] * GLIBC_CHUNK_ALIGN_BYTES;
        free.bytes += bytes;
        free.idle_bytes += bytes == heap->os_page_bytes ? bytes : 0;
    }
    return free;
}
