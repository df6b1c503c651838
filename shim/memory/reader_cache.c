/* SPDX-License-Identifier: Apache-2.0
 *
 * Direct-mapped: a line has one place. Walks go forward with a few strands (span structs, bitmaps), which seldom meet.
 */
#include "memory/reader_cache.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "memory/units.h"

static const uint8_t *line_of(struct reader_cache *cache, uintptr_t number)
{
    uint64_t place = number % READER_CACHE_LINES;
    uint8_t *line = cache->lines + place * READER_CACHE_LINE_BYTES;
    if (cache->holds[place] == number && cache->read_in[place] == cache->round)
        return line;
    cache->read_in[place] = 0;
    if (!reader_read(cache->under, number * READER_CACHE_LINE_BYTES, line, READER_CACHE_LINE_BYTES))
        return NULL;
    cache->holds[place] = number;
    cache->read_in[place] = cache->round;
    return line;
}

const uint8_t *reader_cache_at(struct reader_cache *cache, uintptr_t address, uint64_t bytes)
{
    uint64_t offset = address % READER_CACHE_LINE_BYTES;
    if (bytes > READER_CACHE_LINE_BYTES - offset)
        return NULL;
    const uint8_t *line = line_of(cache, address / READER_CACHE_LINE_BYTES);
    return line == NULL ? NULL : line + offset;
}

static int read_through(struct reader *reader, uintptr_t address, void *buffer, uint64_t bytes)
{
    struct reader_cache *cache = (struct reader_cache *)reader;
    uint8_t *out = buffer;
    if (bytes > UINTPTR_MAX - address)
        return -EFAULT;
    while (bytes > 0) {
        uint64_t piece = min_u64(bytes, READER_CACHE_LINE_BYTES - address % READER_CACHE_LINE_BYTES);
        const uint8_t *held = reader_cache_at(cache, address, piece);
        if (held != NULL)
            memcpy(out, held, piece);
        else if (!reader_read(cache->under, address, out, piece)) /* a mapping may end within the line */
            return -EFAULT;
        out += piece;
        address += piece;
        bytes -= piece;
    }
    return 0;
}

bool reader_cache_open(struct reader_cache *cache, struct reader *under, struct bump *bump)
{
    *cache = (struct reader_cache){.reader = {read_through}, .under = under, .round = 1};
    cache->lines = bump_take(bump, (uint64_t)READER_CACHE_LINES * READER_CACHE_LINE_BYTES);
    cache->holds = bump_take(bump, READER_CACHE_LINES * sizeof cache->holds[0]);
    cache->read_in = bump_take(bump, READER_CACHE_LINES * sizeof cache->read_in[0]);
    return cache->lines != NULL && cache->holds != NULL && cache->read_in != NULL;
}

void reader_cache_forget(struct reader_cache *cache)
{
    cache->round++;
}
