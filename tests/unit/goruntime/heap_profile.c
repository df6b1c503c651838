/* SPDX-License-Identifier: Apache-2.0
 *
 * Sampled objects: each that was put there is found, with its stack; lists that lie are not believed, and end.
 */
#include "goruntime/heap_profile.h"

#include <criterion/criterion.h>

#include "goruntime/heap_walk.h"
#include "tests/unit/support/fake_profile.h"

enum { REUSED_SLOT = 64, REUSED_OFFSET = 5120 /* an object begins there in spans of both classes */ };
enum { SLOT_CLASS = 4 /* 80 bytes */, HEADER_CLASS = 9 /* 1,024 bytes: with malloc headers from go1.22 on */ };

static struct fake_heap fake;
static struct go_heap heap;
static struct heap_walk walk;
static struct bump bump;
static struct fake_span *span, *other;
static uint64_t changes_left;

static const struct go_layout *layout_of(unsigned go_minor)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        if (GO_LAYOUTS[i].go_minor == go_minor && GO_LAYOUTS[i].experiment == NULL)
            return &GO_LAYOUTS[i];
    }
    return NULL;
}

static void open_heap(const struct go_layout *layout)
{
    fake_heap_open(&fake, layout, FAKE_TABLES);
    heap = fake_heap_described(&fake);
    fake_heap_add_arena(&fake, FAKE_ARENAS, false);
    fake_heap_grow(&fake, FAKE_ARENAS, GO_ARENA_BYTES);
    span = fake_heap_add_span(&fake, FAKE_ARENAS + 64ull * GO_PAGE_BYTES, &FAKE_CLASS[SLOT_CLASS], false, FAKE_SWEPT);
    other =
        fake_heap_add_span(&fake, FAKE_ARENAS + 65ull * GO_PAGE_BYTES, &FAKE_CLASS[HEADER_CLASS], false, FAKE_CACHED);
    changes_left = 0;
}

static const struct heap_arena *walk_heap(void)
{
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, 256 << 20), 0);
    cr_assert(heap_walk_open(&walk, &heap, &bump));
    const struct heap_arena *arena = heap_walk_arena(&walk, FAKE_ARENAS);
    cr_assert_not_null(arena);
    return arena;
}

static const struct heap_span *span_at(const struct heap_arena *arena, uintptr_t start)
{
    for (uint32_t i = 0; i < arena->runs_count; i++) {
        if (arena->runs[i].kind == PAGE_OBJECTS && arena->runs[i].start == start)
            return &arena->spans[arena->runs[i].span];
    }
    cr_assert_fail("no span at %lx", start);
    return NULL;
}

/* Sampled slots of `of`, or -1 when the list was not believed. */
static int64_t samples_of(const struct fake_span *of)
{
    const struct heap_arena *arena = walk_heap();
    return walk.profile.untrusted != 0 ? -1 : span_at(arena, of->start)->samples_count;
}

Test(heap_profile, every_sampled_object_of_every_version_is_found_with_its_stack)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        uint64_t frames[PROFILE_FRAMES_MAX];
        open_heap(&GO_LAYOUTS[i]);
        uintptr_t few = fake_profile_bucket(&fake, 80, 100, 3), many = fake_profile_bucket(&fake, 1024, 200, 32);
        for (uint64_t slot = 1; slot < span->slots; slot += 2)
            fake_profile_sample(&fake, span, slot, few);
        fake_profile_add(&fake, span, 0, 1, 0);                             /* a finalizer */
        fake_profile_add(&fake, span, 80, fake_profile_kind(&fake) + 1, 0); /* a kind behind */
        fake_profile_add(&fake, span, 96, 1, 0);                            /* of a tiny object, in the slot */
        fake_profile_sample(&fake, other, 3, many);
        fake_profile_sample(&fake, other, 1, few);
        const struct heap_arena *arena = walk_heap();
        const struct heap_span *small = span_at(arena, span->start), *wide = span_at(arena, other->start);
        cr_expect_eq(walk.profile.untrusted, 0u, "%s", fake.version);
        cr_assert_eq(small->samples_count, span->slots / 2, "%s: %u", fake.version, small->samples_count);
        for (uint32_t k = 0; k < small->samples_count; k++) {
            const struct heap_sample *sample = &arena->samples[small->samples_first + k];
            cr_expect_eq(sample->slot, 2 * k + 1);
            cr_expect_eq(walk.profile.stacks[sample->stack].bucket, few);
        }
        cr_assert_eq(wide->samples_count, 2u, "%s", fake.version);
        cr_expect_eq(arena->samples[wide->samples_first].slot, 1u);
        cr_expect_eq(arena->samples[wide->samples_first + 1].slot, 3u);
        const struct profile_stack *stack = &walk.profile.stacks[arena->samples[wide->samples_first + 1].stack];
        cr_expect_eq(stack->object_bytes, 1024u);
        cr_assert_eq(heap_profile_read_frames(&walk.profile, stack, frames), 32u);
        for (unsigned k = 0; k < 32; k++)
            cr_expect_eq(frames[k], heap.text_start + 200 + k + 1);
        cr_expect_eq(walk.profile.stacks_count, 3u, "%s: two stacks and the rest", fake.version);
    }
}

Test(heap_profile, a_populated_heap_has_as_many_samples_as_were_put_there)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        uint64_t found = 0;
        fake_heap_open(&fake, &GO_LAYOUTS[i], FAKE_TABLES);
        heap = fake_heap_described(&fake);
        fake_heap_add_arena(&fake, FAKE_ARENAS, false);
        fake_heap_grow(&fake, FAKE_ARENAS, GO_ARENA_BYTES);
        fake_heap_fill(&fake, FAKE_ARENAS, 2000, 31 + i);
        uint64_t expected = fake_profile_populate(&fake, 1 + i);
        const struct heap_arena *arena = walk_heap();
        for (uint32_t k = 0; k < arena->runs_count; k++)
            found += arena->runs[k].kind == PAGE_OBJECTS ? arena->spans[arena->runs[k].span].samples_count : 0;
        cr_expect_gt(expected, 200u);
        cr_expect_eq(found, expected, "%s", fake.version);
        cr_expect_eq(walk.profile.untrusted, 0u, "%s", fake.version);
    }
}

Test(heap_profile, without_sampled_objects_no_memory_is_taken)
{
    open_heap(layout_of(26));
    fake_profile_add(&fake, span, 0, 1, 0);
    fake_span_set(&fake, span, 0, true);
    cr_expect_eq(samples_of(span), 0);
    cr_expect_eq(walk.profile.stacks_count, 0u);
    cr_expect_null(walk.profile.stacks);
}

/* It was allocated after the bits were read. */
Test(heap_profile, a_sample_in_a_free_slot_is_left_out)
{
    open_heap(layout_of(26));
    uintptr_t bucket = fake_profile_bucket(&fake, 80, 0, 2);
    fake_profile_sample(&fake, span, 4, bucket);
    fake_profile_sample(&fake, span, 5, bucket);
    fake_span_set(&fake, span, 4, false);
    cr_expect_eq(samples_of(span), 1);
}

static uintptr_t bucket_with(struct layout_field field, uint64_t value)
{
    uintptr_t bucket = fake_profile_bucket(&fake, 80, 0, 2);
    fake_heap_put_field(&fake, bucket, field, value);
    return bucket;
}

Test(heap_profile, buckets_that_cannot_be_are_not_believed)
{
    open_heap(layout_of(26));
    const struct go_layout *layout = fake.layout;
    uintptr_t elsewhere = fake_profile_bucket(&fake, 80, 0, 2), empty = fake_profile_bucket(&fake, 80, 0, 2);
    fake_heap_put(&fake, elsewhere + layout->bucket_bytes, 0x7f0000001000, 8);
    fake_heap_put(&fake, elsewhere + layout->bucket_bytes + 8, 0x7f0000002000, 8);
    fake_heap_put(&fake, empty + layout->bucket_bytes + 8, 0, 8);
    const uintptr_t buckets[] = {
        bucket_with(layout->bucket_type, 2),
        bucket_with(layout->bucket_depth, 0),
        bucket_with(layout->bucket_depth, 1025),
        bucket_with(layout->bucket_depth, UINT64_MAX),
        bucket_with(layout->bucket_object_bytes, 0),
        bucket_with(layout->bucket_object_bytes, GO_PAGE_BYTES + 1), /* more than the span has */
        elsewhere,
        empty,
        0,
        fake_profile_bucket(&fake, 80, 0, 2) + 4,
        0x1000, /* not mapped */
    };
    for (unsigned i = 0; i < sizeof buckets / sizeof buckets[0]; i++) {
        fake_heap_put_field(&fake, span->mspan, layout->mspan_specials, 0);
        fake_profile_sample(&fake, span, 7, buckets[i]);
        cr_expect_eq(samples_of(span), -1, "bucket %u", i);
    }
    fake_heap_put_field(&fake, span->mspan, layout->mspan_specials, 0);
    fake_profile_sample(&fake, span, 7, fake_profile_bucket(&fake, 80, 0, 2));
    cr_expect_eq(samples_of(span), 1);
}

Test(heap_profile, lists_that_lie_end_and_are_not_believed)
{
    static const struct {
        const char *what;
        uint64_t offset, kind;
    } CASES[] = {
        {"an offset beyond the span", GO_PAGE_BYTES, 4},
        {"an offset within an object", 416, 4},
        {"an offset behind all slots", 8160, 4},
        {"an offset that falls", 80, 4},
        {"no kind", 400, 0},
        {"a kind that is none", 400, 32},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        open_heap(layout_of(26));
        uintptr_t bucket = fake_profile_bucket(&fake, 80, 0, 2);
        fake_profile_sample(&fake, span, 3, bucket);
        uintptr_t special = fake_profile_sample(&fake, span, 5, bucket);
        cr_assert_eq(samples_of(span), 2);
        fake_heap_put_field(&fake, special, fake.layout->special_offset, CASES[i].offset);
        fake_heap_put_field(&fake, special, fake.layout->special_kind, CASES[i].kind);
        cr_expect_eq(samples_of(span), -1, "%s", CASES[i].what);
    }
}

Test(heap_profile, lists_that_go_in_circles_end)
{
    open_heap(layout_of(26));
    uintptr_t bucket = fake_profile_bucket(&fake, 80, 0, 2);
    uintptr_t first = fake_profile_sample(&fake, span, 3, bucket), last = fake_profile_sample(&fake, span, 5, bucket);
    fake_heap_put_field(&fake, last, fake.layout->special_next, first);
    cr_expect_eq(samples_of(span), -1);
    fake_heap_put_field(&fake, last, fake.layout->special_next, last);
    cr_expect_eq(samples_of(span), -1);
    fake_heap_put_field(&fake, last, fake.layout->special_next, 0);
    uintptr_t finalizer = fake_profile_add(&fake, span, 400, 1, 0);
    cr_expect_eq(samples_of(span), 2);
    fake_heap_put_field(&fake, finalizer, fake.layout->special_next, finalizer);
    cr_expect_eq(samples_of(span), -1);
    fake_heap_put_field(&fake, finalizer, fake.layout->special_next, finalizer + 1);
    cr_expect_eq(samples_of(span), -1);
}

/* ---- beside a program that goes on ---- */

static uintptr_t special_in_use, bucket_of_other;

static bool touches(uintptr_t address, uint64_t bytes, uintptr_t start)
{
    return address <= start && start < address + bytes;
}

/* mgcsweep.go: the special is freed, and another span's object gets it: the list goes on in that span's. */
static void reuse_when_it_is_read(struct fake_heap *self, uintptr_t address, uint64_t bytes)
{
    if (changes_left == 0 || !touches(address, bytes, special_in_use))
        return;
    if (--changes_left != 0)
        return;
    fake_heap_put_field(self, special_in_use, self->layout->special_offset, REUSED_OFFSET);
    fake_heap_put_field(self, special_in_use, self->layout->special_profile_bucket, bucket_of_other);
    fake_heap_put_field(self, span->mspan, self->layout->mspan_specials, 0);
    fake_span_set(self, span, 3, false);
}

/* Changes at each of the readings: before the first, between the two, and later. */
Test(heap_profile, a_special_that_is_reused_meanwhile_is_never_told_of_the_wrong_span)
{
    for (unsigned reading = 1; reading <= 3; reading++) {
        open_heap(layout_of(26));
        bucket_of_other = fake_profile_bucket(&fake, 1024, 300, 2);
        special_in_use = fake_profile_sample(&fake, span, 3, fake_profile_bucket(&fake, 80, 0, 2));
        fake_span_set(&fake, span, REUSED_SLOT, true);
        fake.hook = reuse_when_it_is_read;
        changes_left = reading;
        const struct heap_arena *arena = walk_heap();
        fake.hook = NULL;
        const struct heap_span *told = span_at(arena, span->start);
        if (reading <= 2)
            cr_expect_eq(changes_left, 0u, "reading %u did not come", reading);
        for (uint32_t i = 0; i < told->samples_count; i++) {
            const struct heap_sample *sample = &arena->samples[told->samples_first + i];
            cr_expect_neq(walk.profile.stacks[sample->stack].bucket, bucket_of_other, "reading %u", reading);
        }
    }
}

/* A list that another sample joins between the readings is read again. */
static void add_between(struct fake_heap *self, uintptr_t address, uint64_t bytes)
{
    if (changes_left == 0 || !touches(address, bytes, special_in_use))
        return;
    if (--changes_left == 0)
        fake_profile_add(self, span, 720, 4, bucket_of_other);
}

Test(heap_profile, a_list_that_changes_between_the_readings_is_read_again)
{
    open_heap(layout_of(26));
    bucket_of_other = fake_profile_bucket(&fake, 80, 300, 2);
    special_in_use = fake_profile_sample(&fake, span, 3, bucket_of_other);
    fake_span_set(&fake, span, 9, true);
    fake.hook = add_between;
    changes_left = 2;
    cr_expect_eq(samples_of(span), 2);
    cr_expect_eq(changes_left, 0u);
}

Test(heap_profile, the_rate_is_read_where_the_runtime_has_it)
{
    uint64_t rate;
    open_heap(layout_of(26));
    fake_heap_put(&fake, heap.mem_profile_rate, 524288, 8);
    cr_assert(heap_profile_read_rate(&heap, &rate));
    cr_expect_eq(rate, 524288u);
    fake_heap_put(&fake, heap.mem_profile_rate, UINT64_MAX, 8);
    cr_expect_not(heap_profile_read_rate(&heap, &rate));
    heap.mem_profile_rate = 0;
    cr_expect_not(heap_profile_read_rate(&heap, &rate));
}
