/* SPDX-License-Identifier: Apache-2.0
 *
 * The slots of a span.
 */
#include "goruntime/heap_walk.h"

uint64_t heap_span_count_objects(const struct heap_span *span, uint64_t first, uint64_t last)
{
    uint64_t count = 0;
    for (uint64_t word = first / 64; word <= last / 64; word++) {
        uint64_t value = span->allocated[word];
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
    uint64_t bytes = heap_span_count_objects(span, first, last) * slot_bytes;
    if (heap_span_has_object(span, first))
        bytes -= start - span->start - first * slot_bytes;
    if (heap_span_has_object(span, last))
        bytes -= span->start + (last + 1) * slot_bytes - end;
    return bytes;
}
