/* SPDX-License-Identifier: Apache-2.0
 *
 * The join: every mapping of a process, page by page, given a class by what the books say of it, and counted by what
 * the kernel says is resident.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_SNAPSHOT_H
#define GPW_DUMP_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "dump/heap_books.h"
#include "dump/known_ranges.h"
#include "dump/malloc_heaps.h"
#include "dump/module_rows.h"
#include "dump/other_malloc.h"
#include "dump/resident_set.h"
#include "dump/thread_stacks.h"
#include "gopagewatch/class.h"
#include "memory/bump.h"
#include "memory/proc_status.h"
#include "memory/reader.h"
#include "memory/residency.h"
#include "memory/vma.h"
#include "preload/callsites.h"
#include "preload/shadow.h"

struct class_sizes {
    uint64_t mapped_bytes, resident_bytes, swapped_bytes, huge_bytes, lazyfree_bytes;
};

void class_sizes_add(struct class_sizes *sum, const struct class_sizes *sizes);
void class_sizes_subtract(struct class_sizes *sum, const struct class_sizes *sizes);

/* One class's share of one mapping. */
struct map_row {
    const struct vma *vma;
    enum memory_class memory_class;
    struct class_sizes sizes;
    struct map_row *next;
    struct class_sizes of_other_malloc; /* of c.heap.used, before it was shared out */
};

struct arena {
    uintptr_t start;
    uint64_t resident_bytes;
    uint8_t states[GO_ARENA_PAGES]; /* enum page_state, upper case where resident */
};

/* Where the books are. */
struct snapshot_source {
    const char *maps_path, *pagemap_path, *smaps_path, *status_path;
    const char *tasks_path; /* NULL: names and stack pointers of threads cannot be asked for */
    /* Instead of these files, each unless NULL; without a smaps_path lazyfree is not known. */
    const struct vma_list *vmas;
    struct residency *residency; /* stays the caller's to close */
    const struct proc_status *status;

    struct reader *reader;
    struct pace *pace;                       /* of the own residency; NULL: nobody is given way to */
    const struct shadow *shadow;             /* NULL: there is none */
    const struct callsites *callsites;       /* NULL: there are none */
    const struct other_malloc *other_malloc; /* NULL: nobody could ask */
    const struct go_heap *const *heaps;
    uint32_t heaps_count;
    const struct known_range *given;
    uint64_t given_count;
    uint64_t os_page_bytes;
    uint32_t pid;
    bool is_own_process; /* the dump's memory is in the process */
    /* Of private anonymous memory that nobody saw being mapped and no book explains: CLASS_OTHER, unless there is a
     * reason to know (a race detector maps by raw system calls; without a shadow table nobody watched). */
    enum memory_class unexplained;
    bool may_be_lazily_freed; /* MADV_FREE was seen, or nobody watched: smaps must be read */
};

struct snapshot {
    struct resident_set resident;
    struct known_ranges known;
    struct heap_books heaps;
    struct malloc_heaps malloc;
    struct thread_stacks stacks;
    struct module_rows modules;
    struct class_sizes classes[CLASS_COUNT];
    struct map_row *rows;
    struct arena **arenas; /* by address */
    uint64_t arenas_count;
    enum residency_method residency_method;
    bool sees_huge;
    int smaps_error;               /* 0, or -errno: lazyfree, and huge without the scan, are not known */
    uint64_t *site_resident_bytes; /* by call site (preload/callsites.h); NULL: nobody watched */
    const bool *is_malloc_site;    /* by call site: another malloc's; NULL: there is none */
    uint64_t other_malloc_resident_bytes;
    uint64_t untrusted; /* lines, ranges and mappings that could not be read or did not fit */
    uint64_t join_ns;   /* the join without the walk of the heaps */
};

/* Fills `snapshot` with memory of `bump`. 0, or -errno and then `failed_path` names what could not be read. */
int snapshot_take(struct snapshot *snapshot, const struct snapshot_source *source, struct bump *bump,
                  const char **failed_path);

/* Of an arena's pages; PAGE_OBJECTS is shared out by slots, and this the class of its objects. */
enum memory_class snapshot_class_of_kind(enum heap_page_kind kind);

uint64_t snapshot_explained_bytes(const struct snapshot *snapshot);

#endif
