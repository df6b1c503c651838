/* SPDX-License-Identifier: Apache-2.0
 *
 * What sampled objects take and keep, counted on spans that are made up bit by bit.
 */
#include "dump/profile_join.h"

#include <criterion/criterion.h>
#include <string.h>

#include "memory/units.h"

enum { SPAN = 0x10000000, STACKS = 4, SAMPLES_MAX = 16 };

static struct profile_stack stacks[STACKS];
static struct heap_profile profile;
static uint64_t bits[16];
static struct heap_span span;
static struct heap_sample samples[SAMPLES_MAX];

static void make_span(uint64_t pages, uint64_t slot_bytes)
{
    memset(stacks, 0, sizeof stacks);
    memset(bits, 0, sizeof bits);
    for (unsigned i = 1; i < STACKS; i++)
        stacks[i] = (struct profile_stack){.bucket = i, .object_bytes = slot_bytes};
    profile = (struct heap_profile){.stacks = stacks, .stacks_count = STACKS};
    span = (struct heap_span){.start = SPAN,
                              .bytes = pages * GO_PAGE_BYTES,
                              .slot_bytes = slot_bytes,
                              .slots = (uint32_t)(pages * GO_PAGE_BYTES / slot_bytes),
                              .allocated = bits};
}

/* An allocated slot; stack 0 is none: not sampled. In the order of slots. */
static void put(uint32_t slot, uint32_t stack)
{
    bits[slot / 64] |= 1ull << slot % 64;
    span.objects++;
    if (stack != 0)
        samples[span.samples_count++] = (struct heap_sample){slot, stack};
}

/* [start, end) of the span is a segment, of which [resident, resident_end) is resident. */
static void count(uint64_t start, uint64_t end, uint64_t resident, uint64_t resident_end)
{
    struct sampled_segment segment = {.span = &span, .samples = samples, .start = SPAN + start, .end = SPAN + end};
    if (resident < resident_end)
        sampled_segment_mark(&segment, SPAN + resident, SPAN + resident_end,
                             heap_span_object_bytes(&span, SPAN + resident, SPAN + resident_end));
    profile_count_segment(&profile, &segment);
}

static void expect(unsigned stack, const struct profile_stack *expected)
{
    const struct profile_stack *got = &stacks[stack];
    cr_expect_eq(got->objects, expected->objects, "objects %lu", got->objects);
    cr_expect_eq(got->bytes, expected->bytes, "bytes %lu", got->bytes);
    cr_expect_eq(got->resident_bytes, expected->resident_bytes, "resident %lu", got->resident_bytes);
    cr_expect_eq(got->pinned_pages_bytes, expected->pinned_pages_bytes, "pages %lu", got->pinned_pages_bytes);
    cr_expect_eq(got->pinned_spans_bytes, expected->pinned_spans_bytes, "spans %lu", got->pinned_spans_bytes);
    cr_expect_eq(got->alone_on_page, expected->alone_on_page, "alone on page %lu", got->alone_on_page);
    cr_expect_eq(got->alone_in_span, expected->alone_in_span, "alone in span %lu", got->alone_in_span);
    cr_expect_eq(got->alone_spans_bytes, expected->alone_spans_bytes, "alone spans %lu", got->alone_spans_bytes);
}

Test(profile_join, one_object_keeps_its_span)
{
    make_span(1, 64);
    put(70, 2);
    count(0, 8192, 0, 8192);
    expect(2, &(struct profile_stack){.objects = 1,
                                      .bytes = 64,
                                      .resident_bytes = 64,
                                      .pinned_pages_bytes = 8192,
                                      .pinned_spans_bytes = 8192,
                                      .alone_on_page = 1,
                                      .alone_in_span = 1,
                                      .alone_spans_bytes = 8192});
    expect(1, &(struct profile_stack){0});
}

Test(profile_join, objects_of_one_stack_keep_it_together)
{
    make_span(1, 64);
    put(0, 2);
    put(127, 2);
    count(0, 8192, 0, 8192);
    expect(
        2,
        &(struct profile_stack){
            .objects = 2, .bytes = 128, .resident_bytes = 128, .pinned_pages_bytes = 8192, .pinned_spans_bytes = 8192});
}

Test(profile_join, two_stacks_keep_it_for_nobody_alone)
{
    make_span(1, 64);
    put(0, 2);
    put(127, 3);
    count(0, 8192, 0, 8192);
    expect(2, &(struct profile_stack){.objects = 1, .bytes = 64, .resident_bytes = 64});
    expect(3, &(struct profile_stack){.objects = 1, .bytes = 64, .resident_bytes = 64});
}

Test(profile_join, an_object_that_is_not_sampled_may_be_anybodys)
{
    make_span(1, 64);
    put(0, 2);
    put(1, 0);
    count(0, 8192, 0, 8192);
    expect(2, &(struct profile_stack){.objects = 1, .bytes = 64, .resident_bytes = 64});
}

Test(profile_join, what_no_stack_could_be_kept_for_is_not_pinned)
{
    make_span(1, 64);
    put(5, 2);
    samples[0].stack = PROFILE_STACK_REST;
    count(0, 8192, 0, 8192);
    expect(PROFILE_STACK_REST, &(struct profile_stack){.objects = 1, .bytes = 64, .resident_bytes = 64});
}

/* 3 pages of slots of 3,072 bytes: objects cross pages. Slot 2 is on pages 0 and 1, slot 7 on page 2. */
Test(profile_join, pages_of_a_span_belong_to_who_is_on_them)
{
    make_span(3, 3072);
    put(2, 1);
    put(7, 3);
    count(0, 24576, 0, 24576);
    expect(1,
           &(struct profile_stack){
               .objects = 1, .bytes = 3072, .resident_bytes = 3072, .pinned_pages_bytes = 16384, .alone_on_page = 1});
    expect(3, &(struct profile_stack){
                  .objects = 1, .bytes = 3072, .resident_bytes = 3072, .pinned_pages_bytes = 8192, .alone_on_page = 1});
}

Test(profile_join, only_what_is_resident_counts)
{
    make_span(3, 3072);
    put(2, 1); /* [6144, 9216): 2,048 bytes before 8192, 1,024 behind it */
    count(0, 24576, 4096, 8192);
    expect(1, &(struct profile_stack){.objects = 1,
                                      .bytes = 3072,
                                      .resident_bytes = 2048,
                                      .pinned_pages_bytes = 4096,
                                      .pinned_spans_bytes = 4096,
                                      .alone_on_page = 1,
                                      .alone_in_span = 1,
                                      .alone_spans_bytes = 4096});
}

Test(profile_join, nothing_resident_is_an_object_all_the_same)
{
    make_span(1, 64);
    put(3, 1);
    count(0, 8192, 0, 0);
    expect(1, &(struct profile_stack){.objects = 1, .bytes = 64, .alone_on_page = 1, .alone_in_span = 1});
}

/* Where a mapping or an arena ends, a span may be counted in parts: together they are the whole. */
Test(profile_join, parts_of_a_span_add_up)
{
    static const uint64_t CUTS[] = {4096, 8192, 12288, 16384};
    for (unsigned i = 0; i < sizeof CUTS / sizeof CUTS[0]; i++) {
        struct profile_stack whole;
        make_span(3, 3072);
        put(2, 1);
        put(6, 1);
        count(0, 24576, 0, 24576);
        whole = stacks[1];
        make_span(3, 3072);
        put(2, 1);
        put(6, 1);
        count(0, CUTS[i], 0, CUTS[i]);
        count(CUTS[i], 24576, CUTS[i], 24576);
        expect(1, &whole);
    }
}

Test(profile_join, a_large_object_is_what_is_resident_of_it)
{
    make_span(100, 100 * GO_PAGE_BYTES);
    span.slot_bytes -= 100; /* the rest of the last page */
    put(0, 1);
    count(0, 819200, 0, 409600);
    expect(1, &(struct profile_stack){.objects = 1,
                                      .bytes = 819200,
                                      .resident_bytes = 409600,
                                      .pinned_pages_bytes = 409600,
                                      .pinned_spans_bytes = 409600,
                                      .alone_on_page = 1,
                                      .alone_in_span = 1,
                                      .alone_spans_bytes = 409600});
}

Test(profile_join, ranks_by_the_largest_number_and_sums_the_rest)
{
    uint32_t order[STACKS];
    struct profile_rest rest = {0};
    make_span(1, 64);
    stacks[PROFILE_STACK_REST] = (struct profile_stack){.objects = 7, .bytes = 70};
    stacks[1] = (struct profile_stack){.bucket = 1, .objects = 1, .bytes = 100, .pinned_spans_bytes = 10};
    stacks[2] = (struct profile_stack){.bucket = 2, .objects = 1, .bytes = 10, .pinned_spans_bytes = 300};
    stacks[3] = (struct profile_stack){.bucket = 3, .objects = 1, .bytes = 20, .resident_bytes = 20};
    cr_assert_eq(profile_rank(&profile, 2, order, &rest), 3u);
    cr_expect_eq(order[0], 2u);
    cr_expect_eq(order[1], 1u);
    cr_expect_eq(rest.stacks, 1u);
    cr_expect_eq(rest.sums.objects, 8u);
    cr_expect_eq(rest.sums.bytes, 90u);
    cr_expect_eq(rest.sums.resident_bytes, 20u);
    stacks[1].objects = 0; /* all were freed */
    cr_expect_eq(profile_rank(&profile, 2, order, &rest), 2u);
}
