/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranges from mheap_, and mappings by what was found in them.
 */
#include "dump/heap_metadata.h"

#include <stddef.h>

#include "memory/units.h"

enum {
    SUMMARY_LEVELS = 5,           /* mpagealloc_64bit.go:summaryLevels */
    CHUNK_TABLES = 1 << 13,       /* mpagealloc_64bit.go:pallocChunksL1Bits */
    CHUNK_TABLE_CHUNKS = 1 << 13, /* pallocChunksL2Bits */
    SUMMARY_ENTRY_BYTES = 8,      /* mpagealloc.go:pallocSum */
};

static void add(struct known_ranges *known, uintptr_t start, uint64_t bytes)
{
    if (start != 0 && start % sizeof(uint64_t) == 0 && bytes <= UINTPTR_MAX - start)
        known_ranges_add(known, (struct known_range){start, start + bytes, CLASS_GO_METADATA, 0});
}

static void add_page_allocator(const struct go_heap *heap, struct known_ranges *known)
{
    const struct go_layout *layout = heap->layout;
    uintptr_t pages = heap->mheap + layout->mheap_pages.offset_bytes;
    for (uint64_t level = 0; level < SUMMARY_LEVELS; level++) {
        struct go_slice summary;
        if (go_slice_read(heap->reader, pages + layout->page_alloc_summary.offset_bytes + level * sizeof summary,
                          UINT64_MAX, &summary) &&
            summary.capacity <= 1ull << 26)
            add(known, summary.array, summary.capacity * SUMMARY_ENTRY_BYTES);
    }
    uint64_t tables[64];
    uintptr_t at = pages + layout->page_alloc_chunks.offset_bytes;
    for (uint64_t first = 0; first < CHUNK_TABLES; first += sizeof tables / sizeof tables[0]) {
        if (!reader_read(heap->reader, at + first * sizeof tables[0], tables, sizeof tables))
            return;
        for (unsigned i = 0; i < sizeof tables / sizeof tables[0]; i++)
            add(known, tables[i], (uint64_t)CHUNK_TABLE_CHUNKS * layout->palloc_data_bytes);
    }
}

static void add_arena_tables(const struct heap_book *book, struct known_ranges *known)
{
    const struct go_heap *heap = book->heap;
    add(known, heap->arena_map, GO_ARENA_MAP_BYTES);
    for (uint64_t i = 0; i < book->arenas_count; i++)
        add(known, go_heap_arena_at(heap, heap->reader, book->arenas[i]), heap->layout->heap_arena_bytes);
}

void heap_metadata_add_ranges(const struct heap_books *books, struct known_ranges *known)
{
    for (uint32_t i = 0; i < books->count; i++) {
        if (books->books[i].arenas_count == 0)
            continue;
        add_page_allocator(books->books[i].heap, known);
        add_arena_tables(&books->books[i], known);
    }
}

bool heap_metadata_open(struct heap_metadata *metadata, const struct vma_list *vmas, struct bump *bump)
{
    *metadata = (struct heap_metadata){.vmas = vmas};
    metadata->is_go = bump_take(bump, vmas->count * sizeof metadata->is_go[0]);
    return metadata->is_go != NULL;
}

static bool holds(const struct vma *vma, uintptr_t address)
{
    return address >= vma->start && address < vma->end;
}

void heap_metadata_note(struct heap_metadata *metadata, uintptr_t address)
{
    const struct vma *vmas = metadata->vmas->vmas;
    if (metadata->vmas->count == 0)
        return;
    if (holds(&vmas[metadata->last], address)) {
        metadata->is_go[metadata->last] = true;
        return;
    }
    uint64_t low = 0, high = metadata->vmas->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (vmas[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == metadata->vmas->count || !holds(&vmas[low], address))
        return;
    metadata->last = low;
    metadata->is_go[low] = true;
}

void heap_metadata_relabel(const struct heap_metadata *metadata, struct snapshot *snapshot,
                           enum memory_class unexplained)
{
    for (struct map_row *row = snapshot->rows; row != NULL; row = row->next) {
        if (row->memory_class != unexplained || !metadata->is_go[row->vma - metadata->vmas->vmas])
            continue;
        class_sizes_subtract(&snapshot->classes[unexplained], &row->sizes);
        class_sizes_add(&snapshot->classes[CLASS_GO_METADATA], &row->sizes);
        row->memory_class = CLASS_GO_METADATA;
    }
}
