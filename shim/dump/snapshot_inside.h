/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the join share, and nobody else uses.
 */
#ifndef GPW_DUMP_SNAPSHOT_INSIDE_H
#define GPW_DUMP_SNAPSHOT_INSIDE_H

#include "dump/heap_metadata.h"
#include "dump/profile_join.h"
#include "dump/snapshot.h"

/* Of one mapping, as long as one owner has it. */
struct segment {
    uintptr_t start, end;
    enum memory_class memory_class;
    uint16_t site; /* that mapped it, or 0 */
    bool is_arena;
    uint8_t letter;                        /* of an arena's page; a span in use has one for each page */
    bool is_released_unwalked;             /* resident, it may be in use again: nobody looked */
    const struct heap_run *run;            /* NULL: not of a walked heap */
    const struct heap_span *span;          /* NULL: not a span in use */
    const struct malloc_heap *malloc_heap; /* NULL: not of malloc, or not walked */
    bool is_of_other_malloc;               /* c.heap by its call site, or by brk */
    bool is_sampled;                       /* join.sampled is of this segment */
    struct run_sums sums;
};

struct join {
    struct snapshot *snapshot;
    const struct snapshot_source *source;
    struct bump *bump;
    struct residency own_residency;
    struct residency *residency;
    const bool *is_library;
    struct map_row **rows_end;
    uint64_t next_run;             /* of the resident set */
    struct heap_metadata metadata; /* without a shadow table */

    /* of the mapping in hand */
    uint64_t vma_index;
    bool is_of_one_class;
    enum memory_class class_of_vma;
    struct segment segment;
    struct sampled_segment sampled;
    const struct known_range *range;           /* that ends above the segment's start, or NULL */
    uintptr_t range_end;                       /* where another is to be looked for; 0: none was yet */
    struct class_sizes sizes[CLASS_COUNT + 1]; /* the last is the scratch */
    struct class_sizes of_other_malloc;
};

static inline const struct vma *vma_in_hand(const struct join *join)
{
    return &join->snapshot->resident.vmas.vmas[join->vma_index];
}

static inline bool has_brk(const struct other_malloc *other)
{
    return other != NULL && other->has_brk;
}

/* Mappings that are of one class by their kind. False: private anonymous memory, which is not. */
bool segment_class_of_kind(const struct join *join, enum memory_class *memory_class);

/* The segment that begins at `at`, in the mapping in hand. Addresses must not fall. */
void segment_find(struct join *join, uintptr_t at, struct segment *segment);

#endif
