/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of specials, and the table of the buckets they lead to.
 *
 * What is read is checked against what a list must be: offsets within the span, not falling, at the begin of a slot;
 * known kinds; no longer than the kinds that a span's objects can have. A bucket is of type "memory", its depth is
 * within the runtime's own limit, and its stack touches the text of the module that holds the runtime.
 */
#include "goruntime/heap_profile.h"

#include <stddef.h>
#include <string.h>

#include "goruntime/heap_walk.h"
#include "memory/hash.h"
#include "memory/units.h"

enum {
    KIND_MAX = 31,                        /* mheap.go:_KindSpecial...: 10 in go1.27 */
    LIST_MAX = 8 * 1024,                  /* several specials for each of a span's 1,024 slots */
    MALLOC_HEADER_BYTES = 8,              /* malloc.go:mallocHeaderSize: objects of go1.22 on may begin behind it */
    BUCKET_TYPE_MEMORY = 1,               /* mprof.go:memProfile */
    BUCKET_DEPTH_MAX = 1024,              /* mprof.go:maxProfStackDepth; maxStack up to go1.22 is 32 */
    TABLE_SLOTS = 2 * PROFILE_STACKS_MAX, /* a power of two, at most half full */
    SAMPLES_MAX = 2 << 20,                /* of an arena: 16 MiB; of slots under 32 bytes not all would fit */
    SPECIAL_BYTES_MAX = 64,
    BUCKET_BYTES_MAX = 64,
    STACK_NONE = UINT32_MAX,
    ADDRESS_BITS = 48,
};

/* mheap.go:_KindSpecialProfile, which moved when kinds were put before it. */
static uint64_t profile_kind(unsigned go_minor)
{
    enum { LAST_WITHOUT_WEAK_HANDLES = 22, LAST_WITHOUT_TINY_BLOCKS = 24 };
    if (go_minor <= LAST_WITHOUT_WEAK_HANDLES)
        return 2;
    return go_minor <= LAST_WITHOUT_TINY_BLOCKS ? 3 : 4;
}

void heap_profile_open(struct heap_profile *profile, const struct go_heap *heap, struct bump *bump)
{
    *profile = (struct heap_profile){.heap = heap, .bump = bump};
}

static bool take_memory(struct heap_profile *profile)
{
    if (profile->stacks_count != 0)
        return true;
    profile->stacks = bump_take(profile->bump, PROFILE_STACKS_MAX * sizeof *profile->stacks);
    profile->table = bump_take(profile->bump, TABLE_SLOTS * sizeof *profile->table);
    uint64_t left_bytes = profile->bump->reserved_bytes - profile->bump->used_bytes;
    if (profile->stacks == NULL || profile->table == NULL ||
        !bump_take_room(profile->bump, &profile->samples_room,
                        min_u64(SAMPLES_MAX * sizeof *profile->samples, left_bytes / 4)))
        return false;
    profile->samples = (struct heap_sample *)profile->samples_room.start;
    profile->stacks_count = 1; /* PROFILE_STACK_REST */
    return true;
}

/* ---- buckets ---- */

static bool is_in_text(const struct go_heap *heap, uint64_t address)
{
    return address > heap->text_start && address <= heap->text_end;
}

/* Return addresses, of which some may be in other modules (plugins, C), but not all. */
static bool is_stack(const struct go_heap *heap, const uint64_t *frames, uint32_t count)
{
    bool is_ours = false;
    for (uint32_t i = 0; i < count; i++) {
        if (frames[i] == 0 || frames[i] >> ADDRESS_BITS != 0)
            return false;
        is_ours |= is_in_text(heap, frames[i]);
    }
    return is_ours;
}

uint32_t heap_profile_read_frames(const struct heap_profile *profile, const struct profile_stack *stack,
                                  uint64_t frames[PROFILE_FRAMES_MAX])
{
    uint32_t count = stack->depth < PROFILE_FRAMES_MAX ? stack->depth : PROFILE_FRAMES_MAX;
    uintptr_t at = stack->bucket + profile->heap->layout->bucket_bytes;
    if (stack->bucket == 0 || !reader_read(profile->heap->reader, at, frames, count * sizeof *frames) ||
        !is_stack(profile->heap, frames, count))
        return 0;
    return count;
}

static bool read_bucket(const struct heap_profile *profile, uintptr_t address, struct profile_stack *stack)
{
    const struct go_layout *layout = profile->heap->layout;
    uint8_t raw[BUCKET_BYTES_MAX];
    uint64_t frames[PROFILE_FRAMES_MAX];
    if (address == 0 || address % sizeof(uint64_t) != 0 || layout->bucket_bytes > sizeof raw ||
        !reader_read(profile->heap->reader, address, raw, layout->bucket_bytes))
        return false;
    uint64_t depth = layout_field_of(raw, layout->bucket_depth);
    *stack = (struct profile_stack){
        .bucket = address,
        .object_bytes = layout_field_of(raw, layout->bucket_object_bytes),
        .depth = (uint32_t)depth,
    };
    return layout_field_of(raw, layout->bucket_type) == BUCKET_TYPE_MEMORY && depth != 0 && depth <= BUCKET_DEPTH_MAX &&
           stack->object_bytes != 0 && heap_profile_read_frames(profile, stack, frames) != 0;
}

/* The stack of the bucket at `address`; STACK_NONE: there is no bucket. */
static uint32_t find_stack(struct heap_profile *profile, uintptr_t address)
{
    struct profile_stack stack;
    uint64_t at = hash_u64(address) % TABLE_SLOTS;
    for (; profile->table[at] != 0; at = (at + 1) % TABLE_SLOTS) {
        if (profile->stacks[profile->table[at]].bucket == address)
            return profile->table[at];
    }
    if (!read_bucket(profile, address, &stack))
        return STACK_NONE;
    if (profile->stacks_count == PROFILE_STACKS_MAX)
        return PROFILE_STACK_REST;
    profile->stacks[profile->stacks_count] = stack;
    profile->table[at] = profile->stacks_count;
    return profile->stacks_count++;
}

/* ---- lists ---- */

struct special {
    uint64_t next, offset, kind, bucket;
};

static bool read_special(const struct go_layout *layout, struct reader *reader, uintptr_t address, uint64_t kind,
                         struct special *special)
{
    uint8_t raw[SPECIAL_BYTES_MAX];
    if (address % sizeof(uint64_t) != 0 || layout->special_profile_bytes > sizeof raw ||
        !reader_read(reader, address, raw, layout->special_profile_bytes))
        return false;
    special->next = layout_field_of(raw, layout->special_next);
    special->offset = layout_field_of(raw, layout->special_offset);
    special->kind = layout_field_of(raw, layout->special_kind);
    special->bucket = special->kind == kind ? layout_field_of(raw, layout->special_profile_bucket) : 0;
    return true;
}

static bool is_next(const struct special *before, const struct special *special, const struct heap_span *span)
{
    return special->offset < span->bytes && special->kind != 0 && special->kind <= KIND_MAX &&
           (special->offset > before->offset || (special->offset == before->offset && special->kind >= before->kind));
}

/* Enters a sampled object. False: no such object can be in the span. */
static bool add_sample(struct heap_profile *profile, const struct special *special, const struct heap_span *span,
                       struct special_list *list)
{
    uint64_t slot = special->offset / span->slot_bytes, inside = special->offset % span->slot_bytes;
    if (slot >= span->slots || (inside != 0 && inside != MALLOC_HEADER_BYTES) || !take_memory(profile))
        return false;
    uint32_t stack = find_stack(profile, special->bucket);
    if (stack == STACK_NONE || profile->stacks[stack].object_bytes > span->bytes)
        return false;
    if (!heap_span_has_object(span, slot))
        return true;
    if (!bump_room_open(&profile->samples_room, (profile->samples_count + 1) * sizeof *profile->samples) ||
        (list->samples_count != 0 && profile->samples[profile->samples_count - 1].slot == slot))
        return false;
    profile->samples[profile->samples_count++] = (struct heap_sample){(uint32_t)slot, stack};
    list->samples_count++;
    return true;
}

bool heap_profile_read_list(struct heap_profile *profile, struct reader *reader, uintptr_t first,
                            const struct heap_span *span, struct special_list *list)
{
    const struct go_layout *layout = profile->heap->layout;
    const uint64_t kind = profile_kind(layout->go_minor);
    struct special before = {0}, special;
    *list = (struct special_list){.samples_first = profile->samples_count};
    for (uintptr_t at = first, length = 0; at != 0; at = special.next, length++) {
        if (length == LIST_MAX || !read_special(layout, reader, at, kind, &special) ||
            !is_next(&before, &special, span) || (special.kind == kind && !add_sample(profile, &special, span, list))) {
            profile->samples_count = list->samples_first;
            return false;
        }
        list->fingerprint =
            hash_u64(list->fingerprint ^ at ^ special.offset << 1 ^ special.kind << ADDRESS_BITS) ^ special.bucket;
        before = special;
    }
    return true;
}

/* ---- the rate ---- */

bool heap_profile_read_rate(const struct go_heap *heap, uint64_t *rate)
{
    const uint64_t RATE_MAX = 1ull << ADDRESS_BITS;
    return heap->mem_profile_rate != 0 && reader_read(heap->reader, heap->mem_profile_rate, rate, sizeof *rate) &&
           *rate <= RATE_MAX;
}
