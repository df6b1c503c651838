/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of a malloc that is not glibc's: jemalloc, tcmalloc, mimalloc.
 *
 * Its blocks are in no order that could be walked from outside; what it tells is sums (preload/malloc_asker.h). Which
 * mappings are its own is known by their call sites: the innermost frame lies in its module. These are c.heap. Of what
 * is resident of them so much is in use as it says is allocated, at most all, and the rest is free; both are spread
 * evenly over its mappings, for nobody knows where the free blocks lie. What is allocated and was never touched thus
 * counts as used as long as other memory of it is resident and free.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_OTHER_MALLOC_H
#define GPW_DUMP_OTHER_MALLOC_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/bump.h"
#include "preload/callsites.h"

struct snapshot;

enum { MALLOC_COUNTERS_MAX = 8 };

struct malloc_counter {
    const char *name;
    uint64_t value;
};

struct other_malloc {
    const char *name;      /* NULL: there is none */
    uintptr_t start, end;  /* its module */
    bool is_in_program;    /* which is also the one that holds a Go runtime: only `callers` are its */
    bool has_brk;          /* it stands for malloc, and takes memory by brk first */
    const char *why_empty; /* NULL: `used_bytes` is known; else why it is not */
    const char *why_lost;  /* NULL: its mappings are told apart; else why they are not */
    uint64_t ask_ns;       /* how long its answer was waited for */
    uint64_t used_bytes;   /* what its blocks and its own tables take */
    struct malloc_counter counters[MALLOC_COUNTERS_MAX];
    uint32_t counters_count;
    const uintptr_t *callers; /* return addresses of calls of mmap from before the program's own code */
    uint32_t callers_count;
};

/* A flag for each call site: did the allocator map there? NULL: no memory, or there is nothing to tell. */
const bool *other_malloc_sites(const struct other_malloc *other, const struct callsites *sites, struct bump *bump);

/* Shares out what was counted as c.heap.used so far. */
void other_malloc_split(const struct other_malloc *other, struct snapshot *snapshot, struct bump *bump);

#endif
