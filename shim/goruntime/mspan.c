/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding spans. The checks use only what holds for every size class of every version, not the tables of classes.
 */
#include "goruntime/mspan.h"

#include "memory/units.h"

enum {
    SMALL_SLOT_BYTES_MAX = 32768, /* sizeclasses.go:maxSmallSize */
    SMALL_SPAN_PAGES_MAX = 16,
    SLOT_ALIGN_BYTES = 8,
    /* Of a page, at the span's end: pointer bitmap (1/64) and inline mark bits (mbitmap.go, mgcmark_greenteagc.go). */
    RESERVED_BYTES_MAX = GO_PAGE_BYTES / 64 + 128,
    SWEEPGEN_BEHIND_MAX = 4, /* two cycles: the heap's was read a moment before */
    SWEEPGEN_AHEAD_MAX = 7,  /* a cached span is 3 ahead */
};

void mspan_decode(struct mspan *span, const uint8_t *raw, const struct go_layout *layout)
{
    span->start = layout_field_of(raw, layout->mspan_start);
    span->pages = layout_field_of(raw, layout->mspan_pages);
    span->free_index = layout_field_of(raw, layout->mspan_free_index);
    span->slots = layout_field_of(raw, layout->mspan_slots);
    span->slot_bytes = layout_field_of(raw, layout->mspan_slot_bytes);
    span->alloc_bits = layout_field_of(raw, layout->mspan_alloc_bits);
    span->mark_bits = layout_field_of(raw, layout->mspan_mark_bits);
    span->limit = layout_field_of(raw, layout->mspan_limit);
    span->large_type = layout_field_of(raw, layout->mspan_large_type);
    span->specials = layout_field_of(raw, layout->mspan_specials);
    span->alloc_count = (uint16_t)layout_field_of(raw, layout->mspan_alloc_count);
    span->needs_zero = layout_field_of(raw, layout->mspan_needs_zero) != 0;
    span->sweepgen = (uint32_t)layout_field_of(raw, layout->mspan_sweepgen);
    span->span_class = (uint8_t)layout_field_of(raw, layout->mspan_class);
    span->state = (uint8_t)layout_field_of(raw, layout->mspan_state);
    span->is_user_arena = layout_field_of(raw, layout->mspan_is_user_arena) != 0;
}

static bool covers(const struct mspan *span, uintptr_t page)
{
    return span->start % GO_PAGE_BYTES == 0 && span->start <= page && span->pages != 0 &&
           (page - span->start) / GO_PAGE_BYTES < span->pages && span->pages <= UINT64_MAX / 2 / GO_PAGE_BYTES;
}

static bool has_plausible_slots(const struct mspan *span)
{
    uint64_t bytes = span->pages * GO_PAGE_BYTES;
    if (span->span_class >> 1 == 0) /* one large object, or a user arena's chunk */
        return span->slots == 1 && span->free_index <= 1 && span->slot_bytes <= bytes && span->slot_bytes != 0;
    return span->pages <= SMALL_SPAN_PAGES_MAX && span->slot_bytes >= SLOT_ALIGN_BYTES &&
           span->slot_bytes <= SMALL_SLOT_BYTES_MAX && span->slot_bytes % SLOT_ALIGN_BYTES == 0 && span->slots != 0 &&
           span->slots <= MSPAN_SLOTS_MAX && span->slots * span->slot_bytes <= bytes &&
           (span->slots + 1) * span->slot_bytes + RESERVED_BYTES_MAX * span->pages > bytes &&
           span->free_index <= span->slots && span->alloc_bits % 8 == 0 && span->alloc_bits != 0;
}

bool mspan_is_plausible(const struct mspan *span, uintptr_t page, uint32_t sweepgen)
{
    if (!covers(span, page))
        return false;
    if (span->state == MSPAN_MANUAL)
        return true;
    if (span->state != MSPAN_IN_USE)
        return false;
    uint32_t ahead = span->sweepgen - sweepgen + SWEEPGEN_BEHIND_MAX;
    return ahead <= SWEEPGEN_BEHIND_MAX + SWEEPGEN_AHEAD_MAX && has_plausible_slots(span);
}
