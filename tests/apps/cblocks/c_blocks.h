/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of C, some of them freed again, and what the malloc that the process really has says of itself.
 */
#ifndef C_BLOCKS_H
#define C_BLOCKS_H

#include <stddef.h>

struct c_blocks_truth {
    const char *malloc; /* "jemalloc", "tcmalloc", "mimalloc", "glibc" */
    /* In bytes. What the malloc does not tell is 0. `live` is what this code has, by malloc_usable_size. */
    size_t live, allocated, metadata, resident, committed;
};

/* Makes blocks of many sizes, all written to, and frees every second one. */
void c_blocks_make(size_t bytes);
struct c_blocks_truth c_blocks_truth(void);
/* Where some of them are: one that is in use, one that was freed and can be in no cache, one of 4 MiB (0: other
 * memory lies right below it); and how large
 * they are, by malloc_usable_size. */
struct c_blocks_places {
    size_t used, used_bytes, freed, freed_bytes, large, large_bytes;
};

struct c_blocks_places c_blocks_places(void);
/* Memory mapped by hand. */
void c_blocks_map(size_t bytes);

#endif
