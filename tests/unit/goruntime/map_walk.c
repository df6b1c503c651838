/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk of a map, of whichever design.
 */
#include <criterion/criterion.h>

#include "tests/unit/support/walked_map.h"

/* ---- both designs ---- */

Test(map_walk, a_small_map_is_its_header_its_slots_and_what_they_point_to)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        uintptr_t type = fake_type_map(&go, string, string), bucket, element;
        uintptr_t map = small_map(type, 3, &bucket);
        for (unsigned slot = 0; slot < 3; slot++) {
            put_string(fake_slot_fill(&go, type, bucket, slot * 3, &element), 30);
            put_string(element, 100);
        }
        run(map, type, false);
        expect_calm();
        expect_part(MAP_PART_HEADER, 1, header_bytes());
        expect_part(MAP_PART_BUCKETS, 1, fake_slots_of(&go, type).bucket_bytes);
        expect_part(MAP_PART_KEYS, 3, 90);
        expect_part(MAP_PART_ELEMENTS, 3, 300);
        cr_expect_eq(walk.shape.count, 3);
        cr_expect_eq(walk.shape.entries, 3);
        cr_expect_eq(walk.shape.capacity, 8);
        cr_expect_eq(walk.shape.buckets, 1);
        cr_expect(walk.shape.has_pointers);
        cr_expect_eq(walk.shape.key_bytes + walk.shape.element_bytes, 32);
    }
}

Test(map_walk, a_map_without_entries_may_have_no_slots)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        run(fake_map(&go, 0), fake_type_map(&go, plain, plain), true);
        expect_calm();
        expect_part(MAP_PART_HEADER, 1, header_bytes());
        cr_expect_eq(walk.shape.capacity, 0);
        cr_expect_not(walk.shape.has_pointers);
    }
}

/* A string that keys and elements share is the keys'; static bytes are the image's. */
Test(map_walk, what_is_shared_counts_once)
{
    open_version(26);
    uintptr_t type = fake_type_map(&go, string, string), bucket, element;
    uintptr_t map = small_map(type, 2, &bucket);
    for (unsigned slot = 0; slot < 2; slot++) {
        uintptr_t key = fake_slot_fill(&go, type, bucket, slot, &element);
        uintptr_t bytes = put_string(key, 50);
        fake_go_put(&go, element, slot == 0 ? bytes + 10 : FAKE_TYPES + 8);
        fake_go_put(&go, element + 8, 40);
    }
    run(map, type, false);
    expect_calm();
    expect_part(MAP_PART_KEYS, 2, 100);
    expect_part(MAP_PART_ELEMENTS, 0, 0);
    cr_expect_eq(walk.image_bytes[MAP_PART_ELEMENTS], 40);
    cr_expect_eq(walk.objects.parts[MAP_PART_ELEMENTS].referenced_bytes, 80);
}

/* Literals that come again and again, and one that lies over all others. */
Test(map_walk, of_the_image_there_is_no_more_than_there_is)
{
    enum { ENTRIES = 8 };
    open_version(25);
    uintptr_t type = fake_type_map(&go, string, string), bucket, element, map = small_map(type, ENTRIES, &bucket);
    for (unsigned slot = 0; slot < ENTRIES; slot++) {
        uintptr_t key = fake_slot_fill(&go, type, bucket, slot, &element);
        fake_go_put(&go, key, FAKE_TYPES + 100 + slot % 2);
        fake_go_put(&go, key + 8, 30);
        fake_go_put(&go, element, FAKE_TYPES + slot);
        fake_go_put(&go, element + 8, slot < 2 ? 1 : FAKE_TYPES_BYTES);
    }
    for (unsigned again = 0; again < 2; again++) {
        run(map, type, false);
        expect_calm();
        cr_expect_eq(walk.image_bytes[MAP_PART_KEYS], 60);
        cr_expect_eq(walk.image_bytes[MAP_PART_KEYS] + walk.image_bytes[MAP_PART_ELEMENTS], FAKE_TYPES_BYTES);
        cr_expect_eq(walk.objects.parts[MAP_PART_KEYS].referenced_bytes, ENTRIES * 30);
    }
}

/* One short string that all elements are, which is a key too. */
Test(map_walk, a_tiny_string_of_all_is_asked_for_no_more_than_it_takes)
{
    enum { ENTRIES = 8 };
    open_version(26);
    uintptr_t type = fake_type_map(&go, string, string), bucket, element, map = small_map(type, ENTRIES, &bucket);
    uintptr_t bytes = 0;
    for (unsigned slot = 0; slot < ENTRIES; slot++) {
        uintptr_t key = fake_slot_fill(&go, type, bucket, slot, &element);
        if (slot == 0)
            bytes = put_string(key, 8);
        else
            put_string(key, 20);
        fake_go_put(&go, element, bytes);
        fake_go_put(&go, element + 8, 8);
    }
    run(map, type, false);
    expect_calm();
    expect_part(MAP_PART_KEYS, ENTRIES, 8 + (ENTRIES - 1) * 20);
    expect_part(MAP_PART_ELEMENTS, 0, 0);
    cr_expect_eq(walk.objects.parts[MAP_PART_ELEMENTS].referenced_bytes, ENTRIES * 8);
}

/* Keys and elements of more than 128 bytes are pointers to them; one level is followed from there. */
Test(map_walk, large_keys_and_elements_are_followed_as_if_they_stood_in_their_slots)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        uintptr_t key_type = fake_type_array(&go, string, 9), element_type = fake_type_array(&go, string, 2000);
        uintptr_t type = fake_type_map(&go, key_type, element_type), bucket, at;
        uintptr_t map = small_map(type, 1, &bucket);
        uintptr_t key = fake_object(&go, 144), element = fake_object(&go, 32000);
        fake_go_put(&go, fake_slot_fill(&go, type, bucket, 7, &at), key);
        fake_go_put(&go, at, element);
        put_string(key + 128, 20);
        put_string(element, 100);
        put_string(element + 1999 * 16, 50);
        run(map, type, false);
        expect_calm();
        expect_part(MAP_PART_KEYS, 2, 164);
        expect_part(MAP_PART_ELEMENTS, 3, 32150);
        cr_expect_eq(walk.shape.key_bytes, 144);
    }
}

/* The compiler makes strings lie in their slots; a descriptor may say that they do not. */
Test(map_walk, strings_outside_of_their_slots_are_followed_and_not_read_from_there)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        uintptr_t type = fake_type_map(&go, string, string), bucket, at;
        uintptr_t map = small_map(type, 1, &bucket), key = fake_object(&go, 16), element = fake_object(&go, 16);
        fake_go_put_field(&go, type, go.heap.layout->maptype_flags, is_swiss() ? 4 | 8 : 1 | 2);
        fake_go_put(&go, fake_slot_fill(&go, type, bucket, 7, &at), key);
        fake_go_put(&go, at, element);
        put_string(key, 30);
        put_string(element, 100);
        run(map, type, false);
        expect_calm();
        expect_part(MAP_PART_KEYS, 2, 16 + 30);
        expect_part(MAP_PART_ELEMENTS, 2, 16 + 100);
    }
}

/* A map that does not outlive its function, with its header and its only bucket or group. */
Test(map_walk, a_map_on_a_goroutines_stack_is_walked)
{
    enum { STACK = 0x900000, GROUP_AT = 128 };
    static uint8_t stack[4096];
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        uintptr_t type = fake_type_map(&go, string, plain), bucket, element, map = small_map(type, 3, &bucket);
        for (unsigned slot = 0; slot < 3; slot++)
            put_string(fake_slot_fill(&go, type, bucket, slot, &element), 64);
        fake_go_put_field(&go, map, is_swiss() ? go.heap.layout->swiss_directory : go.heap.layout->hmap_buckets,
                          STACK + GROUP_AT);
        memcpy(stack, fake_go_at(&go, map), header_bytes());
        memcpy(stack + GROUP_AT, fake_go_at(&go, bucket), fake_slots_of(&go, type).bucket_bytes);
        fake_memory_add(&go.heap.memory, STACK, stack, sizeof stack);
        run(STACK, type, false);
        cr_expect_eq(walk.torn_reads, 0, "go1.%u: %lu torn", GO_LAYOUTS[i].go_minor, walk.torn_reads);
        cr_expect_eq(walk.shape.entries, 3);
        cr_expect_eq(walk.shape.buckets, 1);
        expect_part(MAP_PART_KEYS, 3, 192);
    }
}

/* ---- the map changes ---- */

/* What the hook changes, and when. */
static struct {
    uintptr_t header;
    uint64_t reads;
} moving;

static void move_map(struct fake_heap *heap, uintptr_t address, uint64_t bytes)
{
    (void)heap;
    (void)bytes;
    struct layout_field field = is_swiss() ? go.heap.layout->swiss_directory : go.heap.layout->hmap_buckets;
    if (address == moving.header && moving.reads++ == 1)
        fake_go_put_field(&go, moving.header, field, FAKE_ARENAS);
}

/* Itself, or one that it holds. */
Test(map_walk, a_map_that_is_another_at_the_end_is_torn)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        uintptr_t type = fake_type_map(&go, plain, plain), outer_type = fake_type_map(&go, plain, type), bucket, at;
        moving.header = small_map(type, 0, &bucket);
        uintptr_t outer = small_map(outer_type, 1, &bucket);
        fake_slot_fill(&go, outer_type, bucket, 0, &at);
        fake_go_put(&go, at, moving.header);
        uint64_t before = fake_go_get(&go, moving.header + (is_swiss() ? go.heap.layout->swiss_directory.offset_bytes
                                                                       : go.heap.layout->hmap_buckets.offset_bytes));
        go.heap.hook = move_map;
        for (int is_outer = 0; is_outer <= 1; is_outer++) {
            fake_go_put_field(&go, moving.header,
                              is_swiss() ? go.heap.layout->swiss_directory : go.heap.layout->hmap_buckets, before);
            moving.reads = 0;
            run(is_outer ? outer : moving.header, is_outer ? outer_type : type, true);
            cr_expect_eq(walk.torn_reads, 1, "go1.%u: %lu", GO_LAYOUTS[i].go_minor, walk.torn_reads);
        }
    }
}

/* ---- what makes no sense ---- */

Test(map_walk, lengths_that_lie_count_no_more_than_there_is)
{
    open_version(26);
    uintptr_t slice = fake_type_of(&go, GO_KIND_SLICE, plain), type = fake_type_map(&go, string, slice), bucket, at;
    uintptr_t map = small_map(type, 1, &bucket);
    uintptr_t key = fake_slot_fill(&go, type, bucket, 0, &at);
    put_string(key, 100);
    put_string(at, 1000);
    static const uint64_t LENGTHS[] = {4096, 1ull << 39, 1ull << 62, UINT64_MAX};
    for (unsigned i = 0; i < sizeof LENGTHS / sizeof LENGTHS[0]; i++) {
        fake_go_put(&go, key + 8, LENGTHS[i]);
        fake_go_put(&go, at + 16, LENGTHS[i]);
        run(map, type, true);
        cr_expect_leq(walk.objects.parts[MAP_PART_KEYS].asked_bytes, 128);
        cr_expect_leq(walk.objects.parts[MAP_PART_ELEMENTS].asked_bytes, 1024);
    }
}

Test(map_walk, types_that_are_no_maps_are_refused_and_the_next_run_is_whole)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        const struct go_layout *layout = go.heap.layout;
        uintptr_t good = fake_type_map(&go, string, string), bucket, at, map = small_map(good, 1, &bucket);
        put_string(fake_slot_fill(&go, good, bucket, 0, &at), 30);
        const struct {
            struct layout_field field;
            uint64_t value;
        } cases[] = {
            {layout->maptype_key, 0},
            {layout->maptype_element, 0x1000},
            {layout->maptype_bucket, 0},
            {layout->maptype_bucket, string},
            {layout->maptype_bucket_bytes, 0},
            {layout->maptype_bucket_bytes, 0xfff8},
            {layout->maptype_key_slot_bytes, 1},
            {layout->maptype_key_slot_bytes, 255},
            {layout->maptype_stride, 1},
            {layout->maptype_stride, UINT64_MAX},
            {layout->maptype_keys_offset, 0},
            {layout->maptype_key_stride, 1ull << 31},
            {layout->maptype_elements_offset, 0xffffffff},
            {layout->maptype_element_stride, 15},
        };
        for (unsigned k = 0; k < sizeof cases / sizeof cases[0]; k++) {
            const char *why = NULL;
            uintptr_t bad = fake_type_map(&go, string, string);
            if (cases[k].field.bytes == 0)
                continue;
            fake_go_put_field(&go, bad, cases[k].field, cases[k].value);
            cr_expect_not(map_walk_run(&walk, map, bad, k % 2 != 0, &why), "go1.%u: case %u", layout->go_minor, k);
            cr_expect_not_null(why);
            cr_expect_eq(walk.shape.entries, 0);
            run(map, good, k % 2 == 0);
            expect_calm();
            expect_part(MAP_PART_KEYS, 1, 30);
        }
        const char *why = NULL;
        cr_expect_not(map_walk_run(&walk, map, string, false, &why));
        cr_expect_not(map_walk_run(&walk, 0x1000, good, false, &why));
    }
}

Test(map_walk, without_memory_for_all_pointers_it_says_so_and_goes_on_without)
{
    open_version(27);
    uintptr_t type = fake_type_map(&go, string, string), bucket;
    uintptr_t map = small_map(type, 0, &bucket);
    const char *why = NULL;
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, 64 << 20), 0);
    cr_assert(map_walk_open(&walk, &go.found, FAKE_TYPES, FAKE_TYPES + FAKE_TYPES_BYTES, &bump, &why));
    cr_expect_not(map_walk_run(&walk, map, type, true, &why));
    cr_expect_not_null(strstr(why, "memory"));
    run(map, type, false);
    expect_part(MAP_PART_HEADER, 1, header_bytes());
}

Test(map_walk, a_walk_that_cannot_begin_says_why)
{
    const char *why = NULL;
    open_version(27);
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, 4 << 20), 0);
    cr_expect_not(map_walk_open(&walk, &go.found, FAKE_TYPES, FAKE_TYPES + FAKE_TYPES_BYTES, &bump, &why));
    cr_expect_not_null(strstr(why, "ulimit -v"), "%s", why);
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, 64 << 20), 0);
    go.found.mheap = 0x1000;
    cr_expect_not(map_walk_open(&walk, &go.found, FAKE_TYPES, FAKE_TYPES + FAKE_TYPES_BYTES, &bump, &why));
    cr_expect_not_null(strstr(why, "cannot be read"), "%s", why);
}
