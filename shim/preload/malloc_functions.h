/* SPDX-License-Identifier: Apache-2.0
 *
 * The statistics that jemalloc, gperftools' tcmalloc and mimalloc give themselves: finding the functions, calling them.
 *
 * They take the allocator's locks, and may allocate: the calls are made on a thread of their own (malloc_asker.h).
 */
#ifndef GPW_PRELOAD_MALLOC_FUNCTIONS_H
#define GPW_PRELOAD_MALLOC_FUNCTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "dump/other_malloc.h"

/* What one call for statistics brought. */
struct malloc_answer {
    const char *why_empty; /* NULL: `used_bytes` is known */
    uint64_t used_bytes;
    struct malloc_counter counters[MALLOC_COUNTERS_MAX];
    uint32_t counters_count;
};

struct malloc_functions {
    const char *name;     /* of the allocator; NULL: none of them is there */
    const char *why_late; /* the sentence for an answer that did not come */
    bool uses_brk;
    void *statistics; /* its function */
    void (*read)(void *statistics, struct malloc_answer *answer);
};

/* Takes the loader's lock. Allowed context: dumper. */
bool malloc_functions_find(struct malloc_functions *functions);

#endif
