/* SPDX-License-Identifier: Apache-2.0
 *
 * Sampled objects against what is resident: what a stack's objects take, and what they alone keep.
 *
 * Go gives memory back by spans: one object keeps its whole span. What is resident of a span is "pinned" by a stack
 * when every object in the span is known to be that stack's. An object that was not sampled may be anybody's, so with
 * MemProfileRate > 1 this is what is certain, not all there is.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_PROFILE_JOIN_H
#define GPW_DUMP_PROFILE_JOIN_H

#include <stdint.h>

#include "goruntime/heap_walk.h"

/* [start, end): a span, or a part of one, in which some object is sampled. */
struct sampled_segment {
    const struct heap_span *span;
    const struct heap_sample *samples; /* the span's */
    uintptr_t start, end;
    uint64_t resident_bytes, resident_object_bytes;
    uint64_t resident_pieces; /* of spans up to SAMPLED_PIECES * SAMPLED_PIECE_BYTES: a bit for each piece */
};

/* A small span has at most 16 pages; no OS page is smaller than a piece. */
enum { SAMPLED_PIECE_BYTES = 4096, SAMPLED_PIECES = 64 };

/* [start, end) of the segment is resident. */
void sampled_segment_mark(struct sampled_segment *segment, uintptr_t start, uintptr_t end, uint64_t object_bytes);

/* Adds what was marked to the stacks of the segment's samples. */
void profile_count_segment(struct heap_profile *profile, const struct sampled_segment *segment);

/* What is not told stack by stack. */
struct profile_rest {
    uint64_t stacks;
    struct profile_stack sums;
};

/* The stacks that have objects: those that matter most (by the largest of their bytes) first. `order` has room for
 * profile->stacks_count. Returns their number; to `rest` are added those behind the first `kept_max`, and
 * PROFILE_STACK_REST. */
uint32_t profile_rank(const struct heap_profile *profile, uint32_t kept_max, uint32_t *order,
                      struct profile_rest *rest);

#endif
