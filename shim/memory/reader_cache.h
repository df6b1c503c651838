/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader that keeps the pages it has read, for small structs that lie near each other but are read in another order.
 *
 * What it returns is as old as the page's first read: reader_cache_forget makes everything be read anew.
 *
 * Allowed context: dumper, command; one thread at a time.
 */
#ifndef GPW_MEMORY_READER_CACHE_H
#define GPW_MEMORY_READER_CACHE_H

#include <stdint.h>

#include "memory/bump.h"
#include "memory/reader.h"

enum { READER_CACHE_PAGES = 2048, READER_CACHE_PAGE_BYTES = 4096 };

struct reader_cache {
    struct reader reader;
    struct reader *under;
    uint8_t *pages;     /* READER_CACHE_PAGES of them; only those that are used get touched */
    uintptr_t *holds;   /* for each: the page number that it holds ... */
    uint32_t *read_in;  /* ... and the round in which it was read */
    uint32_t round;
};

/* False: the reserve of `bump` is used up. */
bool reader_cache_open(struct reader_cache *cache, struct reader *under, struct bump *bump);
void reader_cache_forget(struct reader_cache *cache);

/* The `bytes` bytes at `address`, without a copy; valid until the next call on this cache. NULL: they cannot be read or
 * do not lie in one page; reader_read on the cache's `reader` does that. */
const uint8_t *reader_cache_at(struct reader_cache *cache, uintptr_t address, uint64_t bytes);

#endif
