/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of objects within a range, against a loop over every byte.
 */
#include <criterion/criterion.h>

#include "goruntime/heap_walk.h"
#include "tests/unit/support/random.h"

enum { WORDS = 16 };

static uint64_t bits[WORDS];

static uint64_t bytes_by_loop(const struct heap_span *span, uintptr_t start, uintptr_t end)
{
    uint64_t bytes = 0;
    for (uintptr_t at = start; at < end; at++) {
        uint64_t slot = (at - span->start) / span->slot_bytes;
        bytes += slot < span->slots && (bits[slot / 64] >> slot % 64 & 1) != 0;
    }
    return bytes;
}

static void count_objects(struct heap_span *span)
{
    span->objects = 0;
    for (uint64_t slot = 0; slot < span->slots; slot++)
        span->objects += (bits[slot / 64] >> slot % 64 & 1) != 0;
}

/* A span as the walk makes it: no bit behind the last slot. `density` of eight slots are taken. */
static struct heap_span make_span(struct random *random, uint64_t density)
{
    static const uint64_t SLOT_BYTES[] = {8, 16, 24, 48, 112, 352, 1024, 1792, 3072, 5376, 8192, 27264};
    struct heap_span span = {
        .start = 0xc000000000 + random_below(random, 100) * GO_PAGE_BYTES,
        .slot_bytes = SLOT_BYTES[random_below(random, sizeof SLOT_BYTES / sizeof SLOT_BYTES[0])],
        .allocated = bits,
    };
    uint64_t pages = 1;
    while (pages * GO_PAGE_BYTES < span.slot_bytes)
        pages++;
    span.bytes = (pages + random_below(random, 2)) * GO_PAGE_BYTES;
    span.slots = (uint32_t)min_u64(span.bytes / span.slot_bytes, WORDS * 64);
    for (unsigned i = 0; i < WORDS; i++)
        bits[i] = 0;
    for (uint64_t slot = 0; slot < span.slots; slot++)
        bits[slot / 64] |= (uint64_t)(random_below(random, 8) < density) << slot % 64;
    count_objects(&span);
    return span;
}

static void check(const struct heap_span *span, uintptr_t start, uintptr_t end)
{
    uint64_t bytes = heap_span_object_bytes(span, start, end), expected = bytes_by_loop(span, start, end);
    cr_assert_eq(bytes, expected, "slots of %lu, %u of %u taken, [%lu, %lu): %lu, not %lu", span->slot_bytes,
                 span->objects, span->slots, start - span->start, end - span->start, bytes, expected);
}

Test(heap_span, object_bytes_are_those_that_a_loop_over_every_byte_counts)
{
    struct random random = {5};
    for (unsigned round = 0; round < 4000; round++) {
        struct heap_span span = make_span(&random, random_below(&random, 9));
        uintptr_t a = span.start + random_below(&random, span.bytes + 1),
                  b = span.start + random_below(&random, span.bytes + 1);
        check(&span, min_u64(a, b), max_u64(a, b));
    }
}

Test(heap_span, object_bytes_are_right_where_slots_begin_and_end)
{
    struct random random = {6};
    for (unsigned round = 0; round < 2000; round++) {
        struct heap_span span = make_span(&random, 1 + random_below(&random, 7));
        uintptr_t first = span.start + random_below(&random, span.slots) * span.slot_bytes;
        check(&span, first, first + span.slot_bytes);
        check(&span, first, first + 1);
        check(&span, first, span.start + span.bytes);
        check(&span, span.start, first);
        check(&span, span.start, first + 1);
        check(&span, first + span.slot_bytes - 1, first + span.slot_bytes);
    }
}

Test(heap_span, pieces_add_up_to_the_whole_span)
{
    struct random random = {7};
    for (unsigned round = 0; round < 2000; round++) {
        struct heap_span span = make_span(&random, random_below(&random, 9));
        uint64_t sum = 0, step = 1 + random_below(&random, GO_PAGE_BYTES);
        for (uintptr_t at = span.start; at < span.start + span.bytes; at += step)
            sum += heap_span_object_bytes(&span, at, min_u64(at + step, span.start + span.bytes));
        cr_assert_eq(sum, (uint64_t)span.objects * span.slot_bytes);
    }
}

Test(heap_span, a_large_objects_waste_is_no_object)
{
    bits[0] = 1;
    const struct heap_span span = {.start = 0xc000000000,
                                   .bytes = 8 << 20,
                                   .slot_bytes = (8 << 20) - 131072,
                                   .slots = 1,
                                   .objects = 1,
                                   .allocated = bits};
    cr_expect_eq(heap_span_object_bytes(&span, span.start, span.start + span.bytes), span.slot_bytes);
    cr_expect_eq(heap_span_object_bytes(&span, span.start + span.slot_bytes - 10, span.start + span.bytes), 10);
    cr_expect_eq(heap_span_object_bytes(&span, span.start + span.slot_bytes, span.start + span.bytes), 0);
    cr_expect_eq(heap_span_object_bytes(&span, span.start + 64, span.start + 64), 0);
}
