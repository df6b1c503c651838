/* SPDX-License-Identifier: Apache-2.0
 *
 * Telling another malloc's memory apart, and sharing it out.
 */
#include "dump/other_malloc.h"

#include <stddef.h>

#include "dump/snapshot.h"
#include "memory/units.h"
#include "preload/events.h"

static bool is_caller(const struct other_malloc *other, uintptr_t address)
{
    if (address < other->start || address >= other->end)
        return false;
    for (uint32_t i = 0; other->is_in_program && i < other->callers_count; i++) {
        if (other->callers[i] == address)
            return true;
    }
    return !other->is_in_program;
}

const bool *other_malloc_sites(const struct other_malloc *other, const struct callsites *sites, struct bump *bump)
{
    if (other == NULL || other->name == NULL || sites == NULL || sites->rows == NULL)
        return NULL;
    bool *is_its = bump_take(bump, CALLSITES_MAX * sizeof *is_its);
    uint32_t rows = callsites_count_rows(sites);
    for (uint32_t i = CALLSITE_LOST + 1; is_its != NULL && i <= rows; i++) {
        const struct callsite *site = &sites->rows[i];
        /* Acquire: whoever sees a call sees the row that it was counted in. */
        bool has_calls = atomic_load_explicit(&site->calls, memory_order_acquire) != 0;
        is_its[i] = has_calls && site->kind.by == ORIGIN_C && site->kind.operation != EVENT_MADVISE &&
                    site->frames_count != 0 && is_caller(other, site->frames[0]);
    }
    return is_its;
}

/* ---- sharing out ---- */

struct split {
    double free_part;      /* of what was touched */
    double untouched_used; /* of what was not, the part that is allocated all the same */
};

static uint64_t part_of(uint64_t bytes, double part)
{
    uint64_t share = (uint64_t)((double)bytes * part + 0.5);
    return min_u64(share, bytes);
}

/* The part of one mapping that goes to c.heap.free. Nowhere is more resident than mapped. */
static struct class_sizes free_sizes(const struct class_sizes *all, const struct split *split)
{
    uint64_t touched_bytes = all->resident_bytes + all->swapped_bytes;
    uint64_t untouched_bytes = all->mapped_bytes > touched_bytes ? all->mapped_bytes - touched_bytes : 0;
    struct class_sizes free = {
        .resident_bytes = part_of(all->resident_bytes, split->free_part),
        .swapped_bytes = part_of(all->swapped_bytes, split->free_part),
        .huge_bytes = part_of(all->huge_bytes, split->free_part),
    };
    free.mapped_bytes =
        free.resident_bytes + free.swapped_bytes + untouched_bytes - part_of(untouched_bytes, split->untouched_used);
    free.mapped_bytes = min_u64(free.mapped_bytes, all->mapped_bytes);
    return free;
}

/* The row of the same mapping's c.heap.free, which follows. NULL: no memory. */
static struct map_row *free_row_behind(struct map_row *used, struct bump *bump)
{
    struct map_row *row = used->next;
    if (row != NULL && row->vma == used->vma && row->memory_class == CLASS_C_HEAP_FREE)
        return row;
    row = bump_take(bump, sizeof *row);
    if (row == NULL)
        return NULL;
    *row = (struct map_row){.vma = used->vma, .memory_class = CLASS_C_HEAP_FREE, .next = used->next};
    used->next = row;
    return row;
}

static void split_row(struct snapshot *snapshot, struct map_row *row, const struct split *split, struct bump *bump)
{
    struct class_sizes free = free_sizes(&row->of_other_malloc, split);
    struct map_row *free_row = free.mapped_bytes == 0 ? NULL : free_row_behind(row, bump);
    if (free_row == NULL)
        return;
    class_sizes_subtract(&row->sizes, &free);
    class_sizes_add(&free_row->sizes, &free);
    class_sizes_subtract(&snapshot->classes[CLASS_C_HEAP_USED], &free);
    class_sizes_add(&snapshot->classes[CLASS_C_HEAP_FREE], &free);
}

static bool is_of_other_malloc(const struct map_row *row)
{
    return row->memory_class == CLASS_C_HEAP_USED && row->of_other_malloc.mapped_bytes != 0;
}

void other_malloc_split(const struct other_malloc *other, struct snapshot *snapshot, struct bump *bump)
{
    struct class_sizes all = {0};
    for (const struct map_row *row = snapshot->rows; row != NULL; row = row->next) {
        if (is_of_other_malloc(row))
            class_sizes_add(&all, &row->of_other_malloc);
    }
    snapshot->other_malloc_resident_bytes = all.resident_bytes;
    if (other == NULL || other->name == NULL || other->why_empty != NULL)
        return;
    uint64_t touched_bytes = all.resident_bytes + all.swapped_bytes;
    uint64_t untouched_bytes = all.mapped_bytes > touched_bytes ? all.mapped_bytes - touched_bytes : 0;
    uint64_t used_bytes = min_u64(other->used_bytes, touched_bytes);
    uint64_t used_untouched_bytes = min_u64(other->used_bytes - used_bytes, untouched_bytes);
    struct split split = {
        .free_part = touched_bytes == 0 ? 0 : (double)(touched_bytes - used_bytes) / (double)touched_bytes,
        .untouched_used = untouched_bytes == 0 ? 0 : (double)used_untouched_bytes / (double)untouched_bytes,
    };
    for (struct map_row *row = snapshot->rows; row != NULL; row = row->next) {
        if (is_of_other_malloc(row))
            split_row(snapshot, row, &split, bump);
    }
}
