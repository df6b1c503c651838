/* SPDX-License-Identifier: Apache-2.0
 *
 * The heap profile that a program keeps (runtime.MemProfileRate > 0): which of its objects are sampled, and by which
 * stack each was allocated.
 *
 *   mspan.specials --> special{next, offset, kind} --> special{...}      a list for each span, by offset
 *                             kind "profile": b --> bucket{typ, size, nstk} pc pc pc ...
 *
 * A sampled object has a special with the bucket of its allocation; the sweep that frees the object frees the special,
 * whose memory may serve another span at once. So a list is read twice, the second time from the memory anew, and holds
 * only when both readings agree. Buckets are never freed or changed, but for counters that nobody here reads.
 *
 * Allowed context: dumper, command; one thread at a time.
 */
#ifndef GPW_GORUNTIME_HEAP_PROFILE_H
#define GPW_GORUNTIME_HEAP_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/heap_find.h"
#include "memory/bump.h"
#include "memory/reader.h"

struct heap_span;

enum {
    PROFILE_STACKS_MAX = 1 << 15, /* by stack and size; those that come later are one, PROFILE_STACK_REST */
    PROFILE_STACK_REST = 0,
    PROFILE_FRAMES_MAX = 128, /* kept of a stack, from the allocation outwards: debug.profstackdepth's default */
};

/* An allocated slot that holds a sampled object. */
struct heap_sample {
    uint32_t slot;
    uint32_t stack; /* index into heap_profile.stacks */
};

/* One bucket: what a stack allocated of one size. The sums are the join's (dump/profile_join.h). */
struct profile_stack {
    uintptr_t bucket;      /* address; 0: PROFILE_STACK_REST */
    uint64_t object_bytes; /* size of each of its objects */
    uint64_t objects, bytes, resident_bytes;
    uint64_t pinned_pages_bytes, pinned_spans_bytes;
    uint64_t alone_on_page, alone_in_span; /* objects */
    uint64_t alone_spans_bytes;
    uint32_t depth;
};

struct heap_profile {
    const struct go_heap *heap;
    struct bump *bump; /* gives memory when the first sampled object is found */
    struct profile_stack *stacks;
    uint32_t stacks_count;       /* 0: no object is sampled */
    uint32_t *table;             /* indices of stacks by address of bucket, 0: free */
    struct heap_sample *samples; /* of the arena in hand: heap_span has its part */
    struct bump_room samples_room;
    uint32_t samples_count;
    uint64_t untrusted; /* lists and buckets that could not be trusted */
};

/* Nothing is read or taken yet. */
void heap_profile_open(struct heap_profile *profile, const struct go_heap *heap, struct bump *bump);

/* The samples that were read so far are forgotten, the stacks are not. */
static inline void heap_profile_enter_arena(struct heap_profile *profile)
{
    profile->samples_count = 0;
}

/* What a reading of a list found: two are equal when each special was the same. */
struct special_list {
    uint64_t fingerprint;
    uint32_t samples_first, samples_count;
};

/* Reads the list of specials that begins at `first`, of a span whose allocation bits are known; `list` gets it. Sampled
 * objects in slots that are free by those bits came later and are left out. False: it is none. */
bool heap_profile_read_list(struct heap_profile *profile, struct reader *reader, uintptr_t first,
                            const struct heap_span *span, struct special_list *list);

/* Reads the return addresses of a stack, innermost first; their number, or 0. */
uint32_t heap_profile_read_frames(const struct heap_profile *profile, const struct profile_stack *stack,
                                  uint64_t frames[PROFILE_FRAMES_MAX]);

/* runtime.MemProfileRate; false: it was not found. */
bool heap_profile_read_rate(const struct go_heap *heap, uint64_t *rate);

#endif
