/* SPDX-License-Identifier: Apache-2.0
 *
 * What only smaps knows, shared out to the rows of a snapshot: lazily freed pages, and huge ones before Linux 6.7.
 */
#include "dump/smaps_join.h"

#include <stddef.h>

#include "memory/smaps.h"
#include "memory/units.h"

struct smaps_join {
    struct snapshot *snapshot;
    struct bump *bump;
    struct map_row *row; /* smaps and the rows are both in address order */
};

static struct map_row *row_of(struct map_row *rows, uintptr_t vma_start, enum memory_class memory_class)
{
    for (struct map_row *row = rows; row != NULL && row->vma->start == vma_start; row = row->next) {
        if (row->memory_class == memory_class)
            return row;
    }
    return NULL;
}

/* A mapping of released pages alone has no row for the heap yet. */
static struct map_row *heap_row_beside(struct bump *bump, struct map_row *released)
{
    struct map_row *row = row_of(released, released->vma->start, CLASS_GO_HEAP);
    if (row != NULL || (row = bump_take(bump, sizeof *row)) == NULL)
        return row;
    *row = (struct map_row){.vma = released->vma, .memory_class = CLASS_GO_HEAP, .next = released->next};
    released->next = row;
    return row;
}

static void move_resident(struct class_sizes *from, struct class_sizes *to, uint64_t bytes)
{
    from->resident_bytes -= bytes;
    to->resident_bytes += bytes;
}

static struct map_row *largest_row(struct map_row *rows, uintptr_t vma_start)
{
    struct map_row *largest = NULL;
    for (struct map_row *row = rows; row != NULL && row->vma->start == vma_start; row = row->next) {
        if (largest == NULL || row->sizes.resident_bytes > largest->sizes.resident_bytes)
            largest = row;
    }
    return largest;
}

static void add_lazyfree(struct class_sizes *classes, struct map_row *row, uint64_t bytes)
{
    row->sizes.lazyfree_bytes += bytes;
    classes[row->memory_class].lazyfree_bytes += bytes;
}

/* The kernel gives one sum for a mapping. In a Go arena such pages are released ones, which counted there already; what
 * was written to since is in use again. Elsewhere they belong to the class that has most of the mapping. */
static void on_smaps_entry(void *context, const struct smaps_entry *entry)
{
    struct smaps_join *smaps = context;
    while (smaps->row != NULL && smaps->row->vma->start < entry->start)
        smaps->row = smaps->row->next;
    struct class_sizes *classes = smaps->snapshot->classes;
    struct map_row *released = row_of(smaps->row, entry->start, CLASS_GO_RELEASED);
    bool is_walked = heap_books_are_walked(&smaps->snapshot->heaps);
    if (!is_walked && released != NULL && released->sizes.resident_bytes > entry->lazyfree_bytes) {
        uint64_t reused_bytes = released->sizes.resident_bytes - entry->lazyfree_bytes;
        struct map_row *heap = heap_row_beside(smaps->bump, released);
        if (heap == NULL)
            return;
        move_resident(&released->sizes, &heap->sizes, reused_bytes);
        move_resident(&classes[CLASS_GO_RELEASED], &classes[CLASS_GO_HEAP], reused_bytes);
    }
    struct map_row *largest = largest_row(smaps->row, entry->start);
    if (largest == NULL)
        return;
    uint64_t of_released = released != NULL ? min_u64(entry->lazyfree_bytes, released->sizes.resident_bytes) : 0;
    if (released != NULL)
        add_lazyfree(classes, released, of_released);
    add_lazyfree(classes, largest, entry->lazyfree_bytes - of_released);
    if (smaps->snapshot->sees_huge)
        return;
    largest->sizes.huge_bytes += entry->huge_bytes;
    classes[largest->memory_class].huge_bytes += entry->huge_bytes;
}

int smaps_join(struct snapshot *snapshot, const char *path, struct bump *bump)
{
    struct smaps_join smaps = {snapshot, bump, snapshot->rows};
    return smaps_read(path, bump, on_smaps_entry, &smaps);
}
