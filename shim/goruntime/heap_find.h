/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a Go runtime keeps its heap's books, in any binary, stripped or not.
 *
 *   .gopclntab --> firstmoduledata (the two words that point to the table and to its names)
 *              --> .bss --> mheap_ (the five slice headers of its page allocator's summary: caps 2^14, 2^17 ... 2^26)
 *              --> allp (an array of P structs that carry their own index)
 *              --> gcTrigger.test --> memstats, gcController, gcphase
 *
 * It is believed when two things that were not looked for agree as well: every arena on mheap_'s list stands in the
 * arena map that mheap_ points to, which is checked here; and that map is 32 MiB of private anonymous memory. That is
 * for the caller to check who knows the mappings: the shim by its shadow (make_dump.c), attach and core by the
 * process's or the core's mappings (modules.c).
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_GORUNTIME_HEAP_FIND_H
#define GPW_GORUNTIME_HEAP_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/arch.h"
#include "goruntime/layout.h"
#include "goruntime/runtime_find.h"
#include "memory/reader.h"

enum { HEAP_ARENAS_MAX = 1 << 16 /* 4 TiB */ };

struct go_heap {
    struct reader *reader;
    const struct go_layout *layout; /* NULL: the heap cannot be walked, and then: */
    const char *why;                /* the reason, a sentence */
    char why_text[LAYOUT_WHY_BYTES];
    uintptr_t moduledata; /* firstmoduledata */
    uintptr_t mheap;
    uintptr_t arena_map;  /* mheap_.arenas[0]: 4 Mi pointers to heapArena */
    uintptr_t allp;       /* the slice header; 0: not found, page caches count as in use */
    struct gc_globals gc; /* checked: an address that does not hold what it should is 0 */
    uintptr_t memstats;
    uintptr_t mem_profile_rate;     /* runtime.MemProfileRate; 0: not found */
    uintptr_t text_start, text_end; /* Go code of the module */
};

/* malloc.go:arenaL2Bits on linux, 64 bit */
#define GO_ARENA_MAP_BYTES (32u << 20)

/* Takes the layout away and says why: `before`, the address, `after`. */
void go_heap_refuse(struct go_heap *heap, const char *before, uintptr_t address, const char *after);

/* Looks for the heap of `runtime`. False: heap->why says why not; before the runtime has initialised its heap that is
 * no error and the search may be repeated. `scratch` holds RUNTIME_FIND_SCRATCH_BYTES, aligned to 16. */
bool heap_find(struct go_heap *heap, const struct go_runtime *runtime, struct reader *reader, void *scratch);

/* The heapArena of the arena that holds `address`, whatever the address is. 0: there is none, or it cannot be read. The
 * reader may be a cache of the heap's. */
uintptr_t go_heap_arena_at(const struct go_heap *heap, struct reader *reader, uintptr_t address);

/* mheap_.sweepgen, from the memory itself. False: it cannot be read. */
bool go_heap_sweepgen(const struct go_heap *heap, uint32_t *sweepgen);

/* A slice of the target that was read: {array, len, cap}. False: not readable, or len above `limit` or cap. */
struct go_slice {
    uint64_t array, length, capacity;
};

bool go_slice_read(struct reader *reader, uintptr_t address, uint64_t limit, struct go_slice *slice);

#endif
