/* SPDX-License-Identifier: Apache-2.0
 *
 * Making specials up. A sampled object that has a malloc header begins behind it (malloc.go:mallocgcSmallScanHeader).
 */
#include "tests/unit/support/fake_profile.h"

#include "tests/unit/support/random.h"

enum { BUCKETS = 5, HEADER_BYTES = 8, SMALLEST_WITH_HEADER_BYTES = 512 };

uint8_t fake_profile_kind(const struct fake_heap *heap)
{
    static const uint8_t KINDS[] = {
        [17] = 2, [18] = 2, [19] = 2, [20] = 2, [21] = 2, [22] = 2, [23] = 3, [24] = 3, [25] = 4, [26] = 4, [27] = 4};
    return KINDS[heap->layout->go_minor];
}

uintptr_t fake_profile_bucket(struct fake_heap *heap, uint64_t object_bytes, unsigned first, unsigned depth)
{
    const struct go_layout *layout = heap->layout;
    uintptr_t bucket = fake_heap_take(heap, layout->bucket_bytes + depth * 8 + 128);
    fake_heap_put_field(heap, bucket, layout->bucket_type, 1);
    fake_heap_put_field(heap, bucket, layout->bucket_object_bytes, object_bytes);
    fake_heap_put_field(heap, bucket, layout->bucket_depth, depth);
    for (unsigned i = 0; i < depth; i++)
        fake_heap_put(heap, bucket + layout->bucket_bytes + i * 8, heap->image.base + GO_IMAGE_TEXT + first + i + 1, 8);
    return bucket;
}

uintptr_t fake_profile_add(struct fake_heap *heap, const struct fake_span *span, uint64_t offset, uint8_t kind,
                           uintptr_t bucket)
{
    const struct go_layout *layout = heap->layout;
    uintptr_t special = fake_heap_take(heap, layout->special_profile_bytes);
    uintptr_t link = span->mspan + layout->mspan_specials.offset_bytes, next;
    for (; (next = fake_heap_get(heap, link, 8)) != 0; link = next + layout->special_next.offset_bytes) {
        uint64_t other = fake_heap_get(heap, next + layout->special_offset.offset_bytes, layout->special_offset.bytes);
        uint8_t other_kind = (uint8_t)fake_heap_get(heap, next + layout->special_kind.offset_bytes, 1);
        if (offset < other || (offset == other && kind < other_kind))
            break;
    }
    fake_heap_put_field(heap, special, layout->special_next, next);
    fake_heap_put_field(heap, special, layout->special_offset, offset);
    fake_heap_put_field(heap, special, layout->special_kind, kind);
    if (kind == fake_profile_kind(heap))
        fake_heap_put_field(heap, special, layout->special_profile_bucket, bucket);
    fake_heap_put(heap, link, special, 8);
    return special;
}

uintptr_t fake_profile_sample(struct fake_heap *heap, const struct fake_span *span, uint64_t slot, uintptr_t bucket)
{
    bool has_header = heap->layout->go_minor >= 22 && span->slots > 1 && (span->span_class & 1) == 0 &&
                      span->slot_bytes > SMALLEST_WITH_HEADER_BYTES;
    fake_span_set(heap, span, slot, true);
    return fake_profile_add(heap, span, slot * span->slot_bytes + (has_header ? HEADER_BYTES : 0),
                            fake_profile_kind(heap), bucket);
}

uint64_t fake_profile_populate(struct fake_heap *heap, uint64_t seed)
{
    struct random random = {seed};
    uintptr_t buckets[BUCKETS];
    uint64_t samples = 0;
    for (unsigned i = 0; i < BUCKETS; i++)
        buckets[i] = fake_profile_bucket(heap, 8, i * 40, 1 + i * 7);
    for (uint32_t i = 0; i < heap->spans_count; i++) {
        const struct fake_span *span = &heap->spans[i];
        for (uint64_t slot = 0; slot < span->slots && slot < 64; slot += 1 + random_below(&random, 9)) {
            if (!fake_span_is_allocated(heap, span, slot))
                continue;
            if (random_below(&random, 4) == 0)
                fake_profile_add(heap, span, slot * span->slot_bytes, 1, 0);
            if (random_below(&random, 2) == 0)
                continue;
            fake_profile_sample(heap, span, slot, buckets[random_below(&random, BUCKETS)]);
            samples++;
        }
    }
    return samples;
}
