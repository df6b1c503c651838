/* SPDX-License-Identifier: Apache-2.0
 *
 * The slots of a span.
 */
#include "goruntime/heap_walk.h"

static bool is_allocated(const struct heap_span *span, uint64_t slot)
{
    return (span->allocated[slot / 64] >> slot % 64 & 1) != 0;
}

static uint64_t count_bits(const uint64_t *bits, uint64_t first, uint64_t last)
{
    uint64_t count = 0;
    for (uint64_t word = first / 64; word <= last / 64; word++) {
        uint64_t value = bits[word];
        if (word == first / 64)
            value &= UINT64_MAX << first % 64;
        if (word == last / 64)
            value &= UINT64_MAX >> (63 - last % 64);
        count += count_ones(value);
    }
    return count;
}

uint64_t heap_span_object_bytes(const struct heap_span *span, uintptr_t start, uintptr_t end)
{
    uint64_t slot_bytes = span->slot_bytes;
    uintptr_t slots_end = span->start + span->slots * slot_bytes;
    end = min_u64(end, slots_end);
    if (start >= end || span->objects == 0)
        return 0;
    if (span->objects == span->slots)
        return end - start;
    uint64_t first = (start - span->start) / slot_bytes, last = (end - 1 - span->start) / slot_bytes;
    uint64_t bytes = count_bits(span->allocated, first, last) * slot_bytes;
    if (is_allocated(span, first))
        bytes -= start - span->start - first * slot_bytes;
    if (is_allocated(span, last))
        bytes -= span->start + (last + 1) * slot_bytes - end;
    return bytes;
}
