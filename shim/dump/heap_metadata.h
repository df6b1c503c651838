/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the Go runtime keeps its own tables, told from the tables themselves: for a process that nobody watched.
 *
 * The large ones have addresses in mheap_. Span structs and bitmaps come from blocks whose bounds nobody keeps: a
 * mapping that holds one of them, and that nothing else explains, is Go's.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_HEAP_METADATA_H
#define GPW_DUMP_HEAP_METADATA_H

#include "dump/known_ranges.h"
#include "dump/snapshot.h"

/* Adds the page allocator's summaries and bitmaps, the arena map and the arenas' span tables. */
void heap_metadata_add_ranges(const struct heap_books *books, struct known_ranges *known);

struct heap_metadata {
    const struct vma_list *vmas;
    bool *is_go;   /* one for each vma */
    uint64_t last; /* index of the mapping that was hit last */
};

/* False: the reserve of `bump` is used up. */
bool heap_metadata_open(struct heap_metadata *metadata, const struct vma_list *vmas, struct bump *bump);
/* A structure of the runtime lies at `address`. */
void heap_metadata_note(struct heap_metadata *metadata, uintptr_t address);
/* What is `unexplained` in mappings that hold such structures becomes go.metadata. */
void heap_metadata_relabel(const struct heap_metadata *metadata, struct snapshot *snapshot,
                           enum memory_class unexplained);

#endif
