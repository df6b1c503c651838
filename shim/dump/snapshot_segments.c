/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose is this piece of a mapping? By the books in the order in which they are believed: what is known of the range,
 * the kind of the mapping, a walked heap, the shadow table.
 */
#include <stddef.h>
#include <string.h>

#include "dump/snapshot_inside.h"
#include "gopagewatch/page_state.h"
#include "memory/units.h"

static enum memory_class class_of_origin(const struct join *join, enum shadow_origin origin)
{
    switch (origin) {
    case ORIGIN_GO:
        return CLASS_GO_METADATA;
    case ORIGIN_C:
        return CLASS_C_MMAP;
    case ORIGIN_LOADER:
        return CLASS_LIBS;
    case ORIGIN_SHIM:
        return CLASS_SHIM;
    case ORIGIN_UNKNOWN:
        break;
    }
    return join->source->unexplained;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool segment_class_of_kind(const struct join *join, enum memory_class *memory_class)
{
    const struct vma *vma = vma_in_hand(join);
    if (vma_is_file(vma))
        *memory_class = join->is_library[join->vma_index] ? CLASS_LIBS : CLASS_FILES;
    else if (strcmp(vma->name, "[heap]") == 0)
        *memory_class = CLASS_C_HEAP_USED;
    else if (vma->name[0] == '[' && !has_prefix(vma->name, "[anon"))
        *memory_class = CLASS_LIBS; /* [vdso], [vvar], [vsyscall] */
    else if (vma->is_shared)
        *memory_class = CLASS_FILES;
    else
        return false;
    return true;
}

/* Of an arena whose heap is not walked. */
static void set_by_shadow(struct join *join, struct segment *segment, const struct shadow_entry *entry)
{
    segment->is_arena = entry->state != STATE_PLAIN;
    switch (entry->state) {
    case STATE_PLAIN:
        segment->memory_class = class_of_origin(join, entry->origin[0]);
        segment->site = entry->site;
        segment->is_of_other_malloc = join->snapshot->is_malloc_site != NULL && segment->memory_class == CLASS_C_MMAP &&
                                      join->snapshot->is_malloc_site[entry->site];
        if (segment->is_of_other_malloc)
            segment->memory_class = CLASS_C_HEAP_USED;
        break;
    case STATE_RESERVED:
        segment->memory_class = CLASS_GO_RESERVED;
        segment->letter = PAGE_STATE_RESERVED;
        break;
    case STATE_RELEASED:
        segment->is_released_unwalked = true;
        segment->memory_class = CLASS_GO_RELEASED;
        segment->letter = PAGE_STATE_RELEASED;
        break;
    case STATE_LAZY:
        segment->memory_class = CLASS_GO_RELEASED;
        segment->letter = PAGE_STATE_RELEASED;
        break;
    case STATE_MAPPED:
        segment->memory_class = CLASS_GO_HEAP;
        segment->letter = PAGE_STATE_HEAP;
        break;
    }
}

static const struct {
    enum memory_class memory_class;
    uint8_t letter;
} OF_KIND[] = {
    [PAGE_RESERVED] = {CLASS_GO_RESERVED, PAGE_STATE_RESERVED}, [PAGE_FREE] = {CLASS_GO_FREE, PAGE_STATE_FREE},
    [PAGE_RELEASED] = {CLASS_GO_RELEASED, PAGE_STATE_RELEASED}, [PAGE_OBJECTS] = {CLASS_GO_OBJECTS, PAGE_STATE_OBJECT},
    [PAGE_STACK] = {CLASS_GO_STACKS, PAGE_STATE_STACK},         [PAGE_WORK] = {CLASS_GO_METADATA, PAGE_STATE_METADATA},
    [PAGE_UNTRUSTED] = {CLASS_GO_HEAP, PAGE_STATE_HEAP},
};

enum memory_class snapshot_class_of_kind(enum heap_page_kind kind)
{
    return OF_KIND[kind].memory_class;
}

static bool set_by_heap(struct join *join, struct segment *segment)
{
    const struct heap_arena *arena;
    const struct heap_run *run = heap_books_run(&join->snapshot->heaps, segment->start, &arena);
    if (run == NULL)
        return false;
    segment->end = min_u64(segment->end, run->end);
    segment->is_arena = true;
    segment->run = run;
    if (run->kind == PAGE_OBJECTS) {
        segment->span = &arena->spans[run->span];
        segment->is_sampled = segment->span->samples_count != 0;
        if (join->source->shadow == NULL) {
            heap_metadata_note(&join->metadata, arena->mspans[run->span]);
            heap_metadata_note(&join->metadata, arena->alloc_bits[run->span]);
        }
    }
    segment->memory_class = OF_KIND[run->kind].memory_class;
    segment->letter = OF_KIND[run->kind].letter;
    return true;
}

/* The known range that holds or follows `at`; addresses rise within a mapping. */
static const struct known_range *range_from(struct join *join, uintptr_t at)
{
    if (at >= join->range_end) {
        join->range = known_ranges_from(&join->snapshot->known, at);
        join->range_end = join->range == NULL ? UINTPTR_MAX : join->range->end;
    }
    return join->range;
}

static void set_by_class(const struct join *join, struct segment *segment, enum memory_class memory_class)
{
    segment->memory_class = memory_class;
    if (memory_class == CLASS_C_HEAP_USED)
        segment->malloc_heap = malloc_heaps_at(&join->snapshot->malloc, segment->start);
}

/* Fills `segment` in place: there are as many as spans, and a copy of each would cost as much as the rest. */
void segment_find(struct join *join, uintptr_t at, struct segment *segment)
{
    const struct vma *vma = vma_in_hand(join);
    const struct known_range *range = range_from(join, at);
    *segment = (struct segment){.start = at, .end = vma->end, .memory_class = join->source->unexplained};
    if (range != NULL && range->start <= at) {
        segment->end = min_u64(range->end, vma->end);
        set_by_class(join, segment, range->memory_class);
        return;
    }
    if (range != NULL)
        segment->end = min_u64(range->start, vma->end);
    if (join->is_of_one_class) {
        set_by_class(join, segment, join->class_of_vma);
        segment->is_of_other_malloc = segment->memory_class == CLASS_C_HEAP_USED && has_brk(join->source->other_malloc);
        return;
    }
    if (set_by_heap(join, segment))
        return;
    uintptr_t arena = heap_books_next_arena(&join->snapshot->heaps, at);
    segment->end = min_u64(segment->end, arena > at ? arena : align_down(at, GO_ARENA_BYTES) + GO_ARENA_BYTES);
    if (join->source->shadow == NULL)
        return;
    struct shadow_entry entry;
    segment->end = shadow_run(join->source->shadow, at, segment->end, &entry);
    set_by_shadow(join, segment, &entry);
}
