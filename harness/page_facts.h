/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that is known of one address of a process, as data: what `gopagewatch page` shows.
 */
#ifndef GPW_HARNESS_PAGE_FACTS_H
#define GPW_HARNESS_PAGE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/gc_state.h"
#include "goruntime/heap_walk.h"
#include "goruntime/mspan.h"
#include "goruntime/page_alloc.h"
#include "gopagewatch/class.h"
#include "memory/glibc_chunks.h"
#include "memory/vma.h"

/* ---- the kernel's book: one OS page ---- */

enum frame_state {
    FRAME_NONE,   /* the page is not present */
    FRAME_HIDDEN, /* it has one, which only CAP_SYS_ADMIN may see */
    FRAME_KNOWN,
};

struct os_page {
    uintptr_t start;
    uint64_t bytes;
    int error; /* 0, or -errno of reading pagemap, and then nothing else is known */
    uint64_t entry;
    bool is_present, is_swapped, is_file_or_shared, is_exclusive, is_guard;
    bool knows_soft_dirty, is_soft_dirty;
    bool knows_zero_page, is_zero_page;
    bool knows_huge, is_huge; /* mapped by a huge page */
    enum frame_state frame_state;
    uint64_t frame;
    uint64_t swap_type, swap_offset; /* where it is_swapped and the frame is not hidden */
    int flags_error, count_error;    /* 0, or -errno of reading /proc/kpageflags, /proc/kpagecount */
    uint64_t flags, count;           /* of a known frame */
};

/* ---- Go's book ---- */

enum sweep_relation {
    SWEEP_NEEDED,        /* not since the last collection */
    SWEEP_UNDER_WAY,     /* now */
    SWEEP_DONE,          /* and ready to use */
    SWEEP_CACHED_BEFORE, /* a P holds it since before the last collection; not swept */
    SWEEP_CACHED,        /* swept, and a P allocates from it */
    SWEEP_NOT_KNOWN,     /* the heap's generation moved on while it was read */
    SWEEP_RELATIONS,
};

enum answer { ANSWER_NOT_KNOWN, ANSWER_NO, ANSWER_YES, ANSWERS };

struct go_slot {
    bool is_slot; /* false: the address lies behind the last slot */
    uint64_t number;
    uintptr_t start, end;
    enum answer is_allocated;
    const char *allocated_by; /* a few words: which bit says so */
    enum answer is_marked;    /* by the last collection that ended */
    const char *marked_by;
    bool is_marking; /* a collection runs, and: */
    enum answer is_marked_now;
};

struct go_page {
    const struct go_heap *heap; /* whose it is */
    const char *module, *version;
    unsigned go_minor;
    uintptr_t arena;
    uint64_t number; /* in the arena */
    uintptr_t start; /* of the Go page */
    bool is_in_page_allocator;
    enum palloc_state palloc_state;
    bool is_marked_allocated; /* by the bitmap; with a state of free: a P keeps it in its page cache */
    enum heap_page_kind kind;
    bool has_span;
    uintptr_t mspan; /* address of its struct */
    struct mspan span;
    bool has_inline_marks; /* Green Tea: mark bits lie in the span until it is swept */
    enum sweep_relation sweep;
    uint32_t heap_sweepgen;
    bool has_gc;
    struct gc_state gc;
    struct go_slot slot;            /* of a span with slots */
    bool has_objects;               /* the span is of objects, and: */
    uint64_t objects_on_page_bytes; /* of the OS page, what allocated slots cover */
};

/* ---- malloc's book ---- */

enum block_place {
    BLOCK_NONE,    /* not in malloc's memory */
    BLOCK_IN_HEAP, /* `chunk` is of a heap that holds many */
    BLOCK_LARGE,   /* it has a mapping of its own */
    BLOCK_UNKNOWN, /* why_not */
};

struct malloc_block {
    enum block_place place;
    struct glibc_chunk chunk;
    const char *why_not;
};

/* ---- all of it ---- */

struct page_facts {
    uintptr_t address;
    const struct vma *vma; /* NULL: nothing is mapped there, and then the neighbours: */
    const struct vma *below, *above;
    bool has_class; /* false: memory without access is in no class */
    enum memory_class memory_class;
    uint32_t tid;           /* of a thread's stack; 0: not one, or the thread has ended */
    bool is_go;             /* in an arena whose heap could be read */
    const char *go_why_not; /* is_go is false because of this; NULL: it lies in no arena */
    struct go_page go;
    struct malloc_block block;
    struct os_page os;
    const struct page_object *object; /* NULL: nobody asked */
    const struct page_maps *maps;     /* NULL: nobody asked */
};

#endif
