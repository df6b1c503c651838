/* SPDX-License-Identifier: Apache-2.0
 *
 * A segment at a time, when all of it that is resident is known.
 */
#include "dump/profile_join.h"

#include "memory/units.h"

void sampled_segment_mark(struct sampled_segment *segment, uintptr_t start, uintptr_t end, uint64_t object_bytes)
{
    segment->resident_bytes += end - start;
    segment->resident_object_bytes += object_bytes;
    if (segment->span->bytes > SAMPLED_PIECES * (uint64_t)SAMPLED_PIECE_BYTES)
        return;
    for (uintptr_t at = start; at < end; at += SAMPLED_PIECE_BYTES)
        segment->resident_pieces |= 1ull << (at - segment->span->start) / SAMPLED_PIECE_BYTES;
}

/* What of [start, end) is resident. */
static uint64_t resident_of(const struct sampled_segment *segment, uintptr_t start, uintptr_t end)
{
    uint64_t bytes = 0;
    start = start > segment->start ? start : segment->start;
    end = min_u64(end, segment->end);
    if (start >= end)
        return 0;
    if (segment->resident_bytes == segment->end - segment->start)
        return end - start;
    for (uintptr_t at = start; at < end;) {
        uintptr_t next = min_u64(align_down(at, SAMPLED_PIECE_BYTES) + SAMPLED_PIECE_BYTES, end);
        if ((segment->resident_pieces >> (at - segment->span->start) / SAMPLED_PIECE_BYTES & 1) != 0)
            bytes += next - at;
        at = next;
    }
    return bytes;
}

/* The samples of one page: those in the slots `first` to `last`, from `*at` on. Do all objects there belong to one
 * stack? Then its index; else PROFILE_STACK_REST. */
static uint32_t owner_of_slots(const struct sampled_segment *segment, uint64_t first, uint64_t last, uint32_t *at)
{
    const struct heap_span *span = segment->span;
    const struct heap_sample *samples = segment->samples;
    while (*at < span->samples_count && samples[*at].slot < first)
        ++*at;
    uint32_t end = *at;
    while (end < span->samples_count && samples[end].slot <= last && samples[end].stack == samples[*at].stack)
        end++;
    if (end == *at || heap_span_count_objects(span, first, last) != end - *at)
        return PROFILE_STACK_REST;
    return samples[*at].stack;
}

static bool starts_here(const struct sampled_segment *segment, uintptr_t address)
{
    return address >= segment->start && address < segment->end;
}

static void count_pages(struct heap_profile *profile, const struct sampled_segment *segment)
{
    const struct heap_span *span = segment->span;
    const uintptr_t slots_end = span->start + span->slots * span->slot_bytes;
    uint32_t at = 0;
    uintptr_t page = align_down(segment->start, GO_PAGE_BYTES);
    for (; page < segment->end && page < slots_end; page += GO_PAGE_BYTES) {
        uintptr_t page_end = min_u64(page + GO_PAGE_BYTES, slots_end);
        uint64_t first = (page - span->start) / span->slot_bytes,
                 last = (page_end - 1 - span->start) / span->slot_bytes;
        uint32_t owner = owner_of_slots(segment, first, last, &at);
        if (owner == PROFILE_STACK_REST)
            continue;
        struct profile_stack *stack = &profile->stacks[owner];
        uintptr_t object = span->start + segment->samples[at].slot * span->slot_bytes;
        stack->pinned_pages_bytes += resident_of(segment, page, page + GO_PAGE_BYTES);
        /* Of an object on several pages the first counts. */
        if (object >= page && starts_here(segment, object) && heap_span_count_objects(span, first, last) == 1)
            stack->alone_on_page++;
    }
}

static void count_objects(struct heap_profile *profile, const struct sampled_segment *segment)
{
    const struct heap_span *span = segment->span;
    for (uint32_t i = 0; i < span->samples_count; i++) {
        const struct heap_sample *sample = &segment->samples[i];
        struct profile_stack *stack = &profile->stacks[sample->stack];
        uintptr_t start = span->start + sample->slot * span->slot_bytes;
        if (starts_here(segment, start)) {
            stack->objects++;
            stack->bytes += sample->stack == PROFILE_STACK_REST ? span->slot_bytes : stack->object_bytes;
        }
        stack->resident_bytes +=
            span->slots == 1 ? segment->resident_object_bytes : resident_of(segment, start, start + span->slot_bytes);
    }
}

void profile_count_segment(struct heap_profile *profile, const struct sampled_segment *segment)
{
    const struct heap_span *span = segment->span;
    uint32_t at = 0;
    count_objects(profile, segment);
    uint32_t owner = owner_of_slots(segment, 0, span->slots - 1, &at);
    struct profile_stack *stack = &profile->stacks[owner];
    if (owner != PROFILE_STACK_REST)
        stack->pinned_spans_bytes += segment->resident_bytes;
    if (owner != PROFILE_STACK_REST && span->objects == 1) {
        stack->alone_spans_bytes += segment->resident_bytes;
        stack->alone_in_span += starts_here(segment, span->start + segment->samples[0].slot * span->slot_bytes);
    }
    if (span->slots > 1) {
        count_pages(profile, segment);
    } else if (owner != PROFILE_STACK_REST) {
        stack->pinned_pages_bytes += segment->resident_bytes;
        stack->alone_on_page += starts_here(segment, span->start);
    }
}

/* ---- ranking ---- */

static uint64_t weight(const struct profile_stack *stack)
{
    uint64_t most = stack->bytes > stack->resident_bytes ? stack->bytes : stack->resident_bytes;
    return most > stack->pinned_spans_bytes ? most : stack->pinned_spans_bytes;
}

/* Shell sort: libc's qsort may allocate. */
static void sort(const struct heap_profile *profile, uint32_t *order, uint32_t count)
{
    for (uint32_t gap = count / 2; gap > 0; gap /= 2) {
        for (uint32_t i = gap; i < count; i++) {
            uint32_t index = order[i], k = i;
            uint64_t index_weight = weight(&profile->stacks[index]);
            for (; k >= gap && weight(&profile->stacks[order[k - gap]]) < index_weight; k -= gap)
                order[k] = order[k - gap];
            order[k] = index;
        }
    }
}

static void add_to_rest(struct profile_rest *rest, const struct profile_stack *stack)
{
    struct profile_stack *sums = &rest->sums;
    sums->objects += stack->objects;
    sums->bytes += stack->bytes;
    sums->resident_bytes += stack->resident_bytes;
    sums->pinned_pages_bytes += stack->pinned_pages_bytes;
    sums->pinned_spans_bytes += stack->pinned_spans_bytes;
    sums->alone_on_page += stack->alone_on_page;
    sums->alone_in_span += stack->alone_in_span;
    sums->alone_spans_bytes += stack->alone_spans_bytes;
}

uint32_t profile_rank(const struct heap_profile *profile, uint32_t kept_max, uint32_t *order, struct profile_rest *rest)
{
    uint32_t count = 0;
    for (uint32_t i = PROFILE_STACK_REST + 1; i < profile->stacks_count; i++) {
        if (profile->stacks[i].objects != 0)
            order[count++] = i;
    }
    sort(profile, order, count);
    for (uint32_t i = kept_max; i < count; i++)
        add_to_rest(rest, &profile->stacks[order[i]]);
    rest->stacks += count > kept_max ? count - kept_max : 0;
    if (profile->stacks_count != 0)
        add_to_rest(rest, &profile->stacks[PROFILE_STACK_REST]);
    return count;
}
