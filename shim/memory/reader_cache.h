/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader that keeps what it has read, for small structs that lie near each other but are read in another order.
 *
 * It reads whole lines of 16 KiB. What it returns is as old as the line's first read: reader_cache_forget makes
 * everything be read anew.
 *
 * Allowed context: dumper, command; one thread at a time.
 */
#ifndef GPW_MEMORY_READER_CACHE_H
#define GPW_MEMORY_READER_CACHE_H

#include <stdint.h>

#include "memory/bump.h"
#include "memory/reader.h"

enum { READER_CACHE_LINES = 128, READER_CACHE_LINE_BYTES = 16 * 1024 };

struct reader_cache {
    struct reader reader;
    struct reader *under;
    uint8_t *lines;    /* READER_CACHE_LINES of them; only those that are used get touched */
    uintptr_t *holds;  /* for each: the number of the line that it holds ... */
    uint32_t *read_in; /* ... and the round in which it was read */
    uint32_t round;
};

/* False: the reserve of `bump` is used up. */
bool reader_cache_open(struct reader_cache *cache, struct reader *under, struct bump *bump);
void reader_cache_forget(struct reader_cache *cache);

/* The `bytes` bytes at `address`, without a copy; valid until the next call on this cache. NULL: they do
 * not lie in one line, or not all of the line can be read; reader_read on the cache's `reader` copes with both. */
const uint8_t *reader_cache_at(struct reader_cache *cache, uintptr_t address, uint64_t bytes);

#endif
