/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps of Go up to 1.23: chains, spare buckets, growth.
 */
#include <criterion/criterion.h>

#include "tests/unit/support/walked_map.h"

static void chain_one(uintptr_t type, uintptr_t from, uintptr_t to)
{
    uintptr_t element;
    fake_bucket_chain(&go, type, from, to);
    fake_slot_fill(&go, type, to, 0, &element);
}

Test(map_walk, overflow_buckets_lie_behind_the_array_and_outside)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        if (GO_LAYOUTS[i].hmap_bytes == 0)
            continue;
        open_go(&GO_LAYOUTS[i]);
        uintptr_t type = fake_type_map(&go, string, string), map = fake_map(&go, 5), element;
        uint64_t bytes = fake_slots_of(&go, type).bucket_bytes;
        uintptr_t array = fake_map_add_buckets(&go, map, type, 4, 1), spare = array + 16 * bytes;
        /* Bucket 3 leads to the spare one, and on to two outside; bucket 9 to none. */
        uintptr_t outside[] = {fake_object(&go, bytes), fake_object(&go, bytes)};
        fake_slot_fill(&go, type, array + 3 * bytes, 1, &element);
        fake_slot_fill(&go, type, array + 9 * bytes, 1, &element);
        chain_one(type, array + 3 * bytes, spare);
        chain_one(type, spare, outside[0]);
        chain_one(type, outside[0], outside[1]);
        uint64_t fit = fake_object_slot_bytes(17 * bytes) / bytes - 16;
        /* Once with nextOverflow behind the spare bucket, once with none: then as many as fit were taken. */
        for (unsigned is_known = 0; is_known < 2; is_known++) {
            fake_go_put_field(&go, fake_map_extra(&go, map), go.heap.layout->mapextra_next_overflow,
                              is_known ? spare + bytes : 0);
            run(map, type, false);
            expect_calm();
            cr_expect_eq(walk.shape.entries, 5, "go1.%u: %lu entries", GO_LAYOUTS[i].go_minor, walk.shape.entries);
            cr_expect_eq(walk.shape.overflow_buckets, (is_known ? 1 : fit) + 2, "go1.%u: %lu", GO_LAYOUTS[i].go_minor,
                         walk.shape.overflow_buckets);
            expect_part(MAP_PART_BUCKETS, 1, 17 * bytes);
            expect_part(MAP_PART_OVERFLOW, 2, 2 * bytes);
            expect_part(MAP_PART_HEADER, 2, header_bytes() + go.heap.layout->mapextra_bytes);
            cr_expect_eq(walk.shape.capacity, 128);
        }
    }
}

/* Without pointers in the buckets a list keeps those of chains. */
Test(map_walk, lists_of_overflow_buckets_count)
{
    open_version(23);
    uintptr_t type = fake_type_map(&go, plain, plain), map = fake_map(&go, 0);
    fake_map_add_buckets(&go, map, type, 1, 0);
    uintptr_t extra = fake_map_extra(&go, map), list = fake_object(&go, 24), array = fake_object(&go, 64);
    fake_go_put_field(&go, extra, go.heap.layout->mapextra_overflow, list);
    fake_go_put(&go, list, array);
    fake_go_put(&go, list + 8, 3);
    fake_go_put(&go, list + 16, 8);
    run(map, type, false);
    expect_calm();
    expect_part(MAP_PART_OVERFLOW, 2, 24 + 64);
    /* A list that claims more than there can be. */
    fake_go_put(&go, list + 8, 1ull << 40);
    fake_go_put(&go, list + 16, UINT64_MAX / 8);
    run(map, type, false);
    cr_expect_eq(walk.torn_reads, 1);
}

Test(map_walk, a_growing_map_has_entries_in_both_arrays)
{
    for (unsigned is_same_size = 0; is_same_size < 2; is_same_size++) {
        open_version(21);
        uintptr_t type = fake_type_map(&go, plain, plain), map = fake_map(&go, 4), element;
        uint64_t bytes = fake_slots_of(&go, type).bucket_bytes, old_count = is_same_size ? 8 : 4;
        uintptr_t old = fake_map_add_buckets(&go, map, type, is_same_size ? 3 : 2, 0);
        uintptr_t array = fake_map_add_buckets(&go, map, type, 3, 0);
        fake_go_put_field(&go, map, go.heap.layout->hmap_old_buckets, old);
        fake_go_put_field(&go, map, go.heap.layout->hmap_flags, is_same_size ? 8 : 0);
        for (uint64_t i = 0; i < old_count; i++) {
            fake_slot_fill(&go, type, old + i * bytes, 2, &element);
            if (i >= 2)
                memset(fake_go_at(&go, old + i * bytes), TOPHASH_EVACUATED, 8);
        }
        fake_slot_fill(&go, type, array + 2 * bytes, 0, &element);
        fake_slot_fill(&go, type, array + 6 * bytes, 0, &element);
        run(map, type, false);
        expect_calm();
        cr_expect_eq(walk.shape.entries, 4, "%lu", walk.shape.entries);
        cr_expect_eq(walk.shape.old_buckets, old_count);
        cr_expect_eq(walk.shape.evacuated_buckets, old_count - 2);
        cr_expect_eq(walk.shape.buckets, 8);
        expect_part(MAP_PART_OLD_BUCKETS, 1, old_count * bytes);
    }
}

Test(map_walk, an_array_larger_than_its_object_is_torn)
{
    static const unsigned LOG2[] = {2, 10, 40, 41, 255};
    for (unsigned i = 0; i < sizeof LOG2 / sizeof LOG2[0]; i++) {
        open_version(20);
        uintptr_t type = fake_type_map(&go, plain, plain), map = fake_map(&go, 1);
        fake_map_add_buckets(&go, map, type, 0, 0);
        fake_go_put_field(&go, map, go.heap.layout->hmap_log2_buckets, LOG2[i]);
        const char *why = NULL;
        bool is_run = map_walk_run(&walk, map, type, false, &why);
        cr_expect_eq(is_run, LOG2[i] <= 40, "2^%u", LOG2[i]);
        if (is_run)
            cr_expect_eq(walk.torn_reads, 1);
        else
            cr_expect_not_null(why);
        cr_expect_eq(walk.shape.entries, 0);
    }
}

/* What the hook changes, and when: the arrays are read in some order, and the first bucket is evacuated between. */
static struct {
    uintptr_t map, type, arrays[2]; /* old and new */
    unsigned reads;
} growing;

static void evacuate(struct fake_heap *heap, uintptr_t address, uint64_t bytes)
{
    (void)heap;
    (void)bytes;
    uintptr_t from = growing.arrays[0], to = growing.arrays[1];
    if ((address != from && address != to) || growing.reads++ != 1)
        return;
    memcpy(fake_go_at(&go, to), fake_go_at(&go, from), fake_slots_of(&go, growing.type).bucket_bytes);
    memset(fake_go_at(&go, from), TOPHASH_EVACUATED, 8);
    fake_go_put_field(&go, growing.map, go.heap.layout->hmap_evacuated, 1);
}

/* Its entries count twice, its objects once; and it is told. */
Test(map_walk, what_is_evacuated_meanwhile_is_not_lost)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        if (GO_LAYOUTS[i].hmap_bytes == 0)
            continue;
        open_go(&GO_LAYOUTS[i]);
        uintptr_t element;
        growing.type = fake_type_map(&go, string, plain);
        growing.map = fake_map(&go, 4);
        uint64_t bytes = fake_slots_of(&go, growing.type).bucket_bytes;
        growing.arrays[0] = fake_map_add_buckets(&go, growing.map, growing.type, 1, 0);
        growing.arrays[1] = fake_map_add_buckets(&go, growing.map, growing.type, 2, 0);
        growing.reads = 0;
        fake_go_put_field(&go, growing.map, go.heap.layout->hmap_old_buckets, growing.arrays[0]);
        for (unsigned slot = 0; slot < 4; slot++)
            put_string(fake_slot_fill(&go, growing.type, growing.arrays[0] + slot / 3 * bytes, slot, &element), 64);
        go.heap.hook = evacuate;
        run(growing.map, growing.type, false);
        cr_expect_eq(growing.reads, 2);
        cr_expect_eq(walk.torn_reads, 1, "go1.%u: %lu torn", GO_LAYOUTS[i].go_minor, walk.torn_reads);
        cr_expect_eq(walk.shape.entries, 4 + 3, "%lu entries", walk.shape.entries);
        expect_part(MAP_PART_KEYS, 4, 256);
        /* And when it has come to rest. */
        run(growing.map, growing.type, false);
        expect_calm();
        cr_expect_eq(walk.shape.entries, 4);
        cr_expect_eq(walk.shape.evacuated_buckets, 1);
    }
}

/* Readable, but no object, or the end of one. */
Test(map_walk, a_chain_that_leads_out_of_the_heap_is_torn)
{
    open_version(20);
    uintptr_t type = fake_type_map(&go, plain, plain), map = fake_map(&go, 1), element;
    uintptr_t array = fake_map_add_buckets(&go, map, type, 1, 0), small = fake_object(&go, 16);
    const uintptr_t outside[] = {FAKE_TYPES + 64, small, small + 8, FAKE_ARENAS + (8 << 20)};
    fake_slot_fill(&go, type, array, 0, &element);
    memset(go.types + 64, 0x55, 8);
    memset(fake_go_at(&go, small), 0x55, 16);
    for (unsigned i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        fake_bucket_chain(&go, type, array, outside[i]);
        run(map, type, false);
        cr_expect_eq(walk.torn_reads, 1, "%u: %lu torn", i, walk.torn_reads);
        cr_expect_eq(walk.shape.entries, 1, "%u: %lu entries", i, walk.shape.entries);
        expect_part(MAP_PART_OVERFLOW, 0, 0);
    }
}

/* Whatever the map counts. */
Test(map_walk, a_chain_that_never_ends_ends)
{
    static const uint64_t COUNTS[] = {1, 1ull << 47};
    for (unsigned i = 0; i < 2; i++) {
        open_version(23);
        uintptr_t type = fake_type_map(&go, plain, plain), map = fake_map(&go, COUNTS[i]);
        uint64_t bytes = fake_slots_of(&go, type).bucket_bytes;
        uintptr_t array = fake_map_add_buckets(&go, map, type, 1, 0);
        uintptr_t first = fake_object(&go, bytes), second = fake_object(&go, bytes);
        chain_one(type, array, first);
        chain_one(type, first, second);
        chain_one(type, second, first);
        run(map, type, false);
        cr_expect_eq(walk.torn_reads, 1);
        cr_expect_lt(go.heap.reads, 2000, "%lu reads", go.heap.reads);
    }
}

/* The spare buckets that are in use count at once, and may be more than is believed of chains. */
Test(map_walk, a_chain_that_never_ends_ends_behind_spare_buckets)
{
    open_version(22);
    uintptr_t type = fake_type_map(&go, plain, plain), map = fake_map(&go, 1);
    uint64_t bytes = fake_slots_of(&go, type).bucket_bytes, spare = 3000;
    uintptr_t old = fake_map_add_buckets(&go, map, type, 0, 0), outside = fake_object(&go, bytes);
    uintptr_t array = fake_map_add_buckets(&go, map, type, 0, spare);
    fake_go_put_field(&go, fake_map_extra(&go, map), go.heap.layout->mapextra_next_overflow,
                      array + (1 + spare) * bytes);
    fake_go_put_field(&go, map, go.heap.layout->hmap_old_buckets, old);
    fake_go_put_field(&go, map, go.heap.layout->hmap_flags, 8);
    chain_one(type, old, outside);
    chain_one(type, outside, outside);
    run(map, type, false);
    cr_expect_neq(walk.torn_reads, 0);
    cr_expect_lt(go.heap.reads, 6000, "%lu reads", go.heap.reads);
}

/* Nothing that is not the array's is taken for its spare buckets. */
Test(map_walk, a_spare_bucket_outside_of_the_arrays_object_is_none)
{
    open_version(19);
    uintptr_t type = fake_type_map(&go, plain, plain), map = fake_map(&go, 0), element;
    uint64_t bytes = fake_slots_of(&go, type).bucket_bytes;
    uintptr_t array = fake_map_add_buckets(&go, map, type, 9, 0);
    uintptr_t behind = fake_object(&go, 512 * bytes);
    cr_assert_eq(behind, array + fake_object_slot_bytes(512 * bytes));
    fake_slot_fill(&go, type, behind, 0, &element);
    fake_go_put_field(&go, fake_map_extra(&go, map), go.heap.layout->mapextra_next_overflow, behind + 3 * bytes);
    run(map, type, false);
    cr_expect_eq(walk.shape.entries + walk.shape.overflow_buckets, 0);
}
