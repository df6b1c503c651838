/* SPDX-License-Identifier: Apache-2.0
 *
 * The arenas of a heap, from mheap_'s lists and, where those do not name all, from its arena map.
 */
#include <stddef.h>

#include "goruntime/heap_walk.h"

enum { MAP_PAGE_ENTRIES = 512 };

/* Shell sort: the list is nearly in order, and libc's qsort may allocate. */
static void sort(uint64_t *values, uint64_t count)
{
    for (uint64_t gap = count / 2; gap > 0; gap /= 2) {
        for (uint64_t i = gap; i < count; i++) {
            uint64_t value = values[i], k = i;
            for (; k >= gap && values[k - gap] > value; k -= gap)
                values[k] = values[k - gap];
            values[k] = value;
        }
    }
}

/* Appends the indices on one of mheap_'s lists. */
static bool read_arena_list(const struct go_heap *heap, struct layout_field field, uint64_t *indices, uint64_t *count)
{
    struct go_slice list;
    if (field.bytes == 0)
        return true;
    if (!go_slice_read(heap->reader, heap->mheap + field.offset_bytes, HEAP_ARENAS_MAX - *count, &list) ||
        (list.length != 0 && !reader_read(heap->reader, list.array, indices + *count, list.length * sizeof *indices)))
        return false;
    *count += list.length;
    return true;
}

/* Up to go1.24 the arenas of user arenas are on no list, but they stand in the arena map like all others. Of its 32 MiB
 * only the pages that the runtime has written to are resident. */
struct map_search {
    const struct go_heap *heap;
    uint64_t *indices;
    uint64_t count;
};

static void search_map_page(struct map_search *search, uintptr_t page)
{
    uint64_t entries[MAP_PAGE_ENTRIES];
    if (!reader_read(search->heap->reader, page, entries, sizeof entries))
        return;
    for (uint64_t i = 0; i < MAP_PAGE_ENTRIES && search->count < HEAP_ARENAS_MAX; i++) {
        if (entries[i] != 0)
            search->indices[search->count++] = (page - search->heap->arena_map) / sizeof entries[0] + i;
    }
}

static void search_map_run(void *context, const struct residency_run *run)
{
    struct map_search *search = context;
    for (uintptr_t page = run->start; page < run->end; page += MAP_PAGE_ENTRIES * sizeof(uint64_t))
        search_map_page(search, page);
}

int64_t heap_arenas_list(const struct go_heap *heap, struct residency *residency, struct bump *bump, uintptr_t **starts)
{
    struct map_search search = {.heap = heap, .indices = bump_take(bump, HEAP_ARENAS_MAX * sizeof search.indices[0])};
    uint64_t *indices = search.indices, kept = 0;
    if (indices == NULL || !read_arena_list(heap, heap->layout->mheap_arena_list, indices, &search.count) ||
        !read_arena_list(heap, heap->layout->mheap_user_arena_list, indices, &search.count))
        return -1;
    if (heap->layout->mheap_user_arena_list.bytes == 0)
        residency_scan(residency, heap->arena_map, heap->arena_map + GO_ARENA_MAP_BYTES, search_map_run, &search);
    for (uint64_t i = 0; i < search.count; i++)
        indices[i] = indices[i] * GO_ARENA_BYTES + GO_ARENA_BASE_OFFSET;
    sort(indices, search.count);
    for (uint64_t i = 0; i < search.count; i++) {
        if (kept == 0 || indices[kept - 1] != indices[i])
            indices[kept++] = indices[i];
    }
    *starts = indices;
    return (int64_t)kept;
}
