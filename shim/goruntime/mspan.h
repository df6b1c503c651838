/* SPDX-License-Identifier: Apache-2.0
 *
 * One mspan, decoded and checked (mheap.go:mspan).
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_GORUNTIME_MSPAN_H
#define GPW_GORUNTIME_MSPAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "goruntime/layout.h"

enum { MSPAN_BYTES_MAX = 256, MSPAN_SLOTS_MAX = 1024 };

/* mheap.go:mSpanState */
enum mspan_state { MSPAN_DEAD, MSPAN_IN_USE, MSPAN_MANUAL };

struct mspan {
    uint64_t start, pages;
    uint64_t free_index, slots, slot_bytes;
    uint64_t alloc_bits; /* address */
    uint32_t sweepgen;
    uint8_t span_class, state;
    bool is_user_arena;
};

/* Takes the fields out of the raw struct of layout->mspan_bytes bytes. */
void mspan_decode(struct mspan *span, const uint8_t *raw, const struct go_layout *layout);

/* Can this be the span of the page at `page`? In use: are its counts those of a span of its size, and was it swept not
 * longer ago than the cycle before `sweepgen` (mheap_.sweepgen)? */
bool mspan_is_plausible(const struct mspan *span, uintptr_t page, uint32_t sweepgen);

/* A field of up to 8 bytes out of a raw struct; 0 when the version has none. */
static inline uint64_t layout_field_of(const uint8_t *raw, struct layout_field field)
{
    const uint8_t *at = raw + field.offset_bytes;
    uint64_t quad;
    uint32_t word;
    uint16_t half;
    switch (field.bytes) {
    case sizeof quad:
        memcpy(&quad, at, sizeof quad);
        return quad;
    case sizeof word:
        memcpy(&word, at, sizeof word);
        return word;
    case sizeof half:
        memcpy(&half, at, sizeof half);
        return half;
    case 1:
        return *at;
    default:
        return 0;
    }
}

#endif
