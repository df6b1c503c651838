/* SPDX-License-Identifier: Apache-2.0
 *
 * Direct-mapped: a page has one place. Walks go forward with a few strands (span structs, bitmaps), which seldom meet.
 */
#include "memory/reader_cache.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "memory/units.h"

static const uint8_t *page_of(struct reader_cache *cache, uintptr_t number)
{
    uint64_t place = number % READER_CACHE_PAGES;
    uint8_t *page = cache->pages + place * READER_CACHE_PAGE_BYTES;
    if (cache->holds[place] == number && cache->read_in[place] == cache->round)
        return page;
    cache->read_in[place] = 0;
    if (!reader_read(cache->under, number * READER_CACHE_PAGE_BYTES, page, READER_CACHE_PAGE_BYTES))
        return NULL;
    cache->holds[place] = number;
    cache->read_in[place] = cache->round;
    return page;
}

const uint8_t *reader_cache_at(struct reader_cache *cache, uintptr_t address, uint64_t bytes)
{
    uint64_t offset = address % READER_CACHE_PAGE_BYTES;
    if (bytes > READER_CACHE_PAGE_BYTES - offset)
        return NULL;
    const uint8_t *page = page_of(cache, address / READER_CACHE_PAGE_BYTES);
    return page == NULL ? NULL : page + offset;
}

static int read_through(struct reader *reader, uintptr_t address, void *buffer, uint64_t bytes)
{
    struct reader_cache *cache = (struct reader_cache *)reader;
    uint8_t *out = buffer;
    if (bytes > UINTPTR_MAX - address)
        return -EFAULT;
    while (bytes > 0) {
        uint64_t piece = min_u64(bytes, READER_CACHE_PAGE_BYTES - address % READER_CACHE_PAGE_BYTES);
        const uint8_t *held = reader_cache_at(cache, address, piece);
        if (held == NULL)
            return -EFAULT;
        memcpy(out, held, piece);
        out += piece;
        address += piece;
        bytes -= piece;
    }
    return 0;
}

bool reader_cache_open(struct reader_cache *cache, struct reader *under, struct bump *bump)
{
    *cache = (struct reader_cache){.reader = {read_through}, .under = under, .round = 1};
    cache->pages = bump_take(bump, (uint64_t)READER_CACHE_PAGES * READER_CACHE_PAGE_BYTES);
    cache->holds = bump_take(bump, READER_CACHE_PAGES * sizeof cache->holds[0]);
    cache->read_in = bump_take(bump, READER_CACHE_PAGES * sizeof cache->read_in[0]);
    return cache->pages != NULL && cache->holds != NULL && cache->read_in != NULL;
}

void reader_cache_forget(struct reader_cache *cache)
{
    cache->round++;
}
