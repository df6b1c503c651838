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

#include "goruntime/layout.h"

enum { MSPAN_BYTES_MAX = 256, MSPAN_SLOTS_MAX = 1024 };

/* mheap.go:mSpanState */
enum mspan_state { MSPAN_DEAD, MSPAN_IN_USE, MSPAN_MANUAL };

struct mspan {
    uint64_t start, pages;
    uint64_t free_index, slots, slot_bytes;
    uint64_t alloc_bits, mark_bits; /* addresses */
    uint64_t limit;                 /* end of the data in it */
    uint64_t specials;              /* address of the first of its list; 0: it has none */
    uint64_t large_type; /* of its one large object with pointers: the descriptor's address, from go1.22 on */
    uint32_t sweepgen;
    uint16_t alloc_count;
    uint8_t span_class, state;
    bool is_user_arena, needs_zero;
};

/* Takes the fields out of the raw struct of layout->mspan_bytes bytes. */
void mspan_decode(struct mspan *span, const uint8_t *raw, const struct go_layout *layout);

/* Can this be the span of the page at `page`? In use: are its counts those of a span of its size, and was it swept not
 * longer ago than the cycle before `sweepgen` (mheap_.sweepgen)? */
bool mspan_is_plausible(const struct mspan *span, uintptr_t page, uint32_t sweepgen);

#endif
