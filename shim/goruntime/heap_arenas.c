/* SPDX-License-Identifier: Apache-2.0
 *
 * The arenas of a heap, from mheap_'s lists (heap arenas, and user arenas, which have a list of their own from go1.25).
 */
#include <stddef.h>

#include "goruntime/heap_walk.h"

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

int64_t heap_arenas_list(const struct go_heap *heap, struct bump *bump, uintptr_t **starts)
{
    uint64_t count = 0, kept = 0;
    uint64_t *indices = bump_take(bump, HEAP_ARENAS_MAX * sizeof *indices);
    if (indices == NULL || !read_arena_list(heap, heap->layout->mheap_arena_list, indices, &count) ||
        !read_arena_list(heap, heap->layout->mheap_user_arena_list, indices, &count))
        return -1;
    for (uint64_t i = 0; i < count; i++)
        indices[i] = indices[i] * GO_ARENA_BYTES + GO_ARENA_BASE_OFFSET;
    sort(indices, count);
    for (uint64_t i = 0; i < count; i++) {
        if (kept == 0 || indices[kept - 1] != indices[i])
            indices[kept++] = indices[i];
    }
    *starts = indices;
    return (int64_t)kept;
}
