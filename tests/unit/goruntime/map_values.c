/* SPDX-License-Identifier: Apache-2.0
 *
 * What keys and elements lead to.
 */
#include <criterion/criterion.h>

#include "tests/unit/support/walked_map.h"

/* ---- interfaces ---- */

static void put_any(uintptr_t at, uintptr_t type, uintptr_t data)
{
    fake_go_put(&go, at, type);
    fake_go_put(&go, at + 8, data);
}

Test(map_walk, an_interface_counts_what_it_holds)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        uintptr_t any = fake_type_interface(&go, 0), type = fake_type_map(&go, plain, any), bucket, at;
        uintptr_t map = small_map(type, 4, &bucket), box = fake_object(&go, 16),
                  big = fake_type_array(&go, string, 100);
        /* A string, a pointer (direct), a number, a large array whose last string is there. */
        fake_slot_fill(&go, type, bucket, 0, &at);
        put_any(at, string, box);
        put_string(box, 100);
        fake_slot_fill(&go, type, bucket, 1, &at);
        put_any(at, fake_type_of(&go, GO_KIND_POINTER, string), fake_object(&go, 16));
        fake_slot_fill(&go, type, bucket, 2, &at);
        put_any(at, plain, fake_object(&go, 8));
        fake_slot_fill(&go, type, bucket, 3, &at);
        uintptr_t array = fake_object(&go, 1600);
        put_any(at, big, array);
        put_string(array + 1584, 60);
        run(map, type, false);
        expect_calm();
        expect_part(MAP_PART_ELEMENTS, 6, 16 + 100 + 16 + 8 + 1600 + 60);
    }
}

/* interface{ ... } holds an itab, whose second word is the type. */
Test(map_walk, an_interface_with_methods_names_its_type_by_the_itab)
{
    open_version(22);
    uintptr_t iface = fake_type_interface(&go, 1), type = fake_type_map(&go, plain, iface), bucket, at;
    uintptr_t map = small_map(type, 1, &bucket), box = fake_object(&go, 16), itab = fake_type_plain(&go, 0, 0);
    fake_go_put(&go, itab + 8, string);
    fake_slot_fill(&go, type, bucket, 0, &at);
    put_any(at, itab, box);
    put_string(box, 100);
    run(map, type, false);
    expect_calm();
    expect_part(MAP_PART_ELEMENTS, 2, 116);
}

/* An any that holds an any that holds an any ..., the last of which holds the first. */
Test(map_walk, a_box_in_a_box_in_a_box_has_an_end)
{
    enum { BOXES = 9, FOLLOWED = 5, EVEN_DEEPER = BOXES - FOLLOWED };
    for (unsigned is_deep = 0; is_deep < 2; is_deep++) {
        open_version(26);
        uintptr_t any = fake_type_interface(&go, 0), type = fake_type_map(&go, plain, any), bucket, at, box[BOXES];
        uintptr_t map = small_map(type, 1, &bucket);
        for (unsigned i = 0; i < BOXES; i++)
            box[i] = fake_object(&go, 16);
        for (unsigned i = 0; i < BOXES; i++)
            put_any(box[i], any, box[(i + 1) % BOXES]);
        fake_slot_fill(&go, type, bucket, 0, &at);
        put_any(at, any, box[0]);
        run(map, type, is_deep != 0);
        cr_expect_eq(walk.torn_reads + walk.unknown, 0);
        cr_expect_eq(walk.unfollowed, is_deep ? 0 : 1);
        expect_part(MAP_PART_ELEMENTS, FOLLOWED, FOLLOWED * 16);
        expect_part(MAP_PART_DEEP, is_deep ? EVEN_DEEPER : 0, is_deep ? EVEN_DEEPER * 16 : 0);
    }
}

/* struct { v any; ... } is the same in its slot and, larger, outside of it. */
Test(map_walk, an_interface_in_an_element_is_followed_wherever_the_element_lies)
{
    static const uint64_t SIZES[] = {120, 136};
    for (unsigned i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        open_version(26);
        uintptr_t any = fake_type_interface(&go, 0), rest = fake_type_plain(&go, GO_KIND_INT64, SIZES[i] - 16);
        uintptr_t record = fake_type_struct(&go, SIZES[i], (struct fake_field[]){{any, 0}, {rest, 16}}, 2);
        uintptr_t type = fake_type_map(&go, plain, record), bucket, at, map = small_map(type, 1, &bucket);
        uintptr_t box = fake_object(&go, 16), element;
        fake_slot_fill(&go, type, bucket, 0, &element);
        at = element;
        if (i == 1)
            fake_go_put(&go, element, at = fake_object(&go, SIZES[i]));
        put_any(at, string, box);
        put_string(box, 100);
        run(map, type, false);
        expect_calm();
        expect_part(MAP_PART_ELEMENTS, 2 + i, 116 + i * SIZES[i]);
    }
}

/* More boxes in boxes than are gathered: an array of interfaces in an interface, that of an array of interfaces. */
Test(map_walk, boxes_in_boxes_are_all_opened_however_many)
{
    enum { OUTER = 100, INNER = 3000 };
    open_version(27);
    uintptr_t any = fake_type_interface(&go, 0), anys = fake_type_array(&go, any, INNER);
    uintptr_t type = fake_type_map(&go, plain, fake_type_array(&go, any, OUTER)), bucket, at;
    uintptr_t map = small_map(type, 1, &bucket), element = fake_object(&go, OUTER * 16),
              inner = fake_object(&go, INNER * 16);
    fake_slot_fill(&go, type, bucket, 0, &at);
    fake_go_put(&go, at, element);
    for (uint64_t i = 0; i < OUTER; i++)
        put_any(element + i * 16, anys, inner);
    for (uint64_t i = 0; i < INNER; i++) {
        uintptr_t box = fake_object(&go, 16);
        put_any(inner + i * 16, string, box);
        put_string(box, 20);
    }
    run(map, type, false);
    expect_calm();
    expect_part(MAP_PART_ELEMENTS, 2 + 2 * INNER, (OUTER + INNER) * 16 + INNER * 36);
}

/* ---- large values ---- */

/* struct { n int64; strings [10000]string }: one of the strings lies across what is read at once. */
static uintptr_t large_record(uint64_t strings)
{
    return fake_type_struct(&go, 8 + 16 * strings,
                            (struct fake_field[]){{plain, 0}, {fake_type_array(&go, string, strings), 8}}, 2);
}

Test(map_walk, values_of_any_size_are_followed_whole)
{
    enum { STRINGS = 10000, RECORD_BYTES = 8 + 16 * STRINGS, RECORDS = 3 };
    static const char *const AS[] = {"an element", "what an element points to", "a slice", "in an interface"};
    for (unsigned as = 0; as < sizeof AS / sizeof AS[0]; as++) {
        open_version(25);
        uintptr_t record = large_record(STRINGS),
                  values[] = {record, fake_type_of(&go, GO_KIND_POINTER, record),
                              fake_type_of(&go, GO_KIND_SLICE, record), fake_type_interface(&go, 0)};
        uintptr_t type = fake_type_map(&go, plain, values[as]), bucket, at, map = small_map(type, 1, &bucket);
        uint64_t records = as == 2 ? RECORDS : 1;
        uintptr_t array = fake_object(&go, records * RECORD_BYTES);
        fake_slot_fill(&go, type, bucket, 0, &at);
        if (as == 3)
            put_any(at, record, array);
        else
            fake_go_put(&go, at, array);
        if (as == 2)
            fake_go_put(&go, at + 16, records);
        for (uint64_t i = 0; i < records; i++) {
            for (uint64_t k = 0; k < STRINGS; k++)
                put_string(array + i * RECORD_BYTES + 8 + k * 16, 32);
        }
        bool is_deep = as == 1 || as == 2;
        run(map, type, is_deep);
        expect_calm();
        uint64_t all = records * STRINGS, bytes = records * RECORD_BYTES;
        cr_expect_eq(walk.objects.parts[MAP_PART_ELEMENTS].objects + walk.objects.parts[MAP_PART_DEEP].objects, all + 1,
                     "%s: %lu and %lu", AS[as], walk.objects.parts[MAP_PART_ELEMENTS].objects,
                     walk.objects.parts[MAP_PART_DEEP].objects);
        expect_part(MAP_PART_ELEMENTS, is_deep ? 1 : all + 1, is_deep ? bytes : bytes + all * 32);
    }
}

/* map[int]*struct { items [4096]*item } */
Test(map_walk, an_array_of_pointers_is_followed_to_its_end)
{
    enum { ITEMS = 4096 };
    open_version(23);
    uintptr_t item = fake_type_of(&go, GO_KIND_POINTER, string), block = fake_type_array(&go, item, ITEMS);
    uintptr_t type = fake_type_map(&go, plain, fake_type_of(&go, GO_KIND_POINTER, block)), bucket, at;
    uintptr_t map = small_map(type, 1, &bucket), array = fake_object(&go, ITEMS * 8);
    fake_slot_fill(&go, type, bucket, 0, &at);
    fake_go_put(&go, at, array);
    for (uint64_t i = 0; i < ITEMS; i++) {
        uintptr_t at_item = fake_object(&go, 16);
        fake_go_put(&go, array + i * 8, at_item);
        put_string(at_item, 24);
    }
    run(map, type, true);
    expect_calm();
    expect_part(MAP_PART_DEEP, 2 * ITEMS, ITEMS * 40);
}

/* Its own type says that it is larger than the object that it lies in. */
Test(map_walk, a_large_value_that_is_not_there_is_unknown)
{
    open_version(26);
    uintptr_t type = fake_type_map(&go, plain, large_record(10000)), bucket, at, map = small_map(type, 1, &bucket);
    fake_slot_fill(&go, type, bucket, 0, &at);
    fake_go_put(&go, at, fake_object(&go, 1024));
    run(map, type, false);
    cr_expect_eq(walk.unknown, 1);
    cr_expect_lt(walk.spent_bytes, 65536);
}

/* Values that are looked into millions of times are work, though little is read of what leads to them. */
Test(map_walk, a_large_value_that_all_point_to_has_an_end)
{
    enum { ANYS = 60000, STRINGS = 4096 };
    open_version(24);
    uintptr_t any = fake_type_interface(&go, 0), box_type = fake_type_array(&go, string, STRINGS);
    uintptr_t type = fake_type_map(&go, plain, fake_type_of(&go, GO_KIND_SLICE, any)), bucket, at;
    uintptr_t map = small_map(type, 1, &bucket), array = fake_object(&go, ANYS * 16),
              box = fake_object(&go, STRINGS * 16);
    for (uint64_t i = 0; i < ANYS; i++)
        put_any(array + i * 16, box_type, box);
    fake_slot_fill(&go, type, bucket, 0, &at);
    fake_go_put(&go, at, array);
    fake_go_put(&go, at + 16, ANYS);
    run(map, type, true);
    cr_expect(walk.is_spent);
    cr_expect_eq(walk.torn_reads + walk.unknown, 0);
    cr_expect_lt(walk.spent_bytes, 256 << 20, "%lu bytes", walk.spent_bytes);
}

Test(map_walk, an_interface_of_no_type_is_unknown)
{
    open_version(21);
    uintptr_t any = fake_type_interface(&go, 0), type = fake_type_map(&go, plain, any), bucket, at;
    uintptr_t map = small_map(type, 2, &bucket);
    fake_slot_fill(&go, type, bucket, 0, &at);
    put_any(at, 0x6c6c6568, FAKE_ARENAS);
    fake_slot_fill(&go, type, bucket, 1, &at);
    run(map, type, false);
    cr_expect_eq(walk.unknown, 1);
}

/* ---- deep ---- */

/* type node struct { next *node; text string }, in a ring. */
Test(map_walk, a_cycle_is_followed_once_around)
{
    enum { NODES = 100 };
    open_version(27);
    uintptr_t pointer = fake_type_of(&go, GO_KIND_POINTER, 0);
    uintptr_t node = fake_type_struct(&go, 24, (struct fake_field[]){{pointer, 0}, {string, 8}}, 2);
    fake_go_put(&go, pointer + 48, node);
    uintptr_t type = fake_type_map(&go, plain, pointer), bucket, at, nodes[NODES];
    uintptr_t map = small_map(type, 1, &bucket);
    for (unsigned i = 0; i < NODES; i++)
        nodes[i] = fake_object(&go, 24);
    for (unsigned i = 0; i < NODES; i++) {
        fake_go_put(&go, nodes[i], nodes[(i + 1) % NODES]);
        put_string(nodes[i] + 8, 40);
    }
    fake_slot_fill(&go, type, bucket, 0, &at);
    fake_go_put(&go, at, nodes[0]);
    run(map, type, true);
    expect_calm();
    expect_part(MAP_PART_ELEMENTS, 1, 24);
    expect_part(MAP_PART_DEEP, 2 * NODES - 1, NODES * 64 - 24);
    /* And not at all when it is not deep; then the whole again. */
    run(map, type, false);
    expect_part(MAP_PART_DEEP, 0, 0);
    run(map, type, true);
    expect_part(MAP_PART_DEEP, 2 * NODES - 1, NODES * 64 - 24);
}

/* Tails of one array: s, s[1:], s[2:], ... in one order and in the other. */
Test(map_walk, slices_to_one_end_are_followed_once)
{
    enum { STRINGS = 1000, SLICES = 8 };
    for (unsigned is_falling = 0; is_falling < 2; is_falling++) {
        open_version(25);
        uintptr_t slice = fake_type_of(&go, GO_KIND_SLICE, string), type = fake_type_map(&go, plain, slice), bucket, at;
        uintptr_t map = small_map(type, SLICES, &bucket), array = fake_object(&go, STRINGS * 16);
        for (unsigned i = 0; i < STRINGS; i++)
            put_string(array + i * 16, 24);
        for (unsigned i = 0; i < SLICES; i++) {
            uint64_t from = is_falling ? 100 * (SLICES - 1 - i) : 100 * i;
            fake_slot_fill(&go, type, bucket, i, &at);
            fake_go_put(&go, at, array + from * 16);
            fake_go_put(&go, at + 8, 1);
            fake_go_put(&go, at + 16, STRINGS - from);
        }
        run(map, type, true);
        expect_calm();
        expect_part(MAP_PART_DEEP, STRINGS, STRINGS * 24);
        cr_expect_lt(walk.spent_bytes, STRINGS * 16 * 2, "%lu bytes", walk.spent_bytes);
    }
}

/* An array of slices of itself, that grow while they are followed. */
Test(map_walk, a_slice_that_was_followed_is_not_followed_again_from_further_ahead)
{
    enum { ANYS = 64 };
    open_version(25);
    uintptr_t any = fake_type_interface(&go, 0), slice = fake_type_of(&go, GO_KIND_SLICE, any);
    uintptr_t type = fake_type_map(&go, plain, slice), bucket, at, array = fake_object(&go, ANYS * 16);
    uintptr_t map = small_map(type, 1, &bucket);
    for (unsigned i = 0; i < ANYS; i++) {
        /* Each element holds the slice that begins one element before it. */
        uintptr_t header = fake_object(&go, 24);
        put_any(array + i * 16, slice, header);
        fake_go_put(&go, header, array + (i == 0 ? 0 : i - 1) * 16);
        fake_go_put(&go, header + 16, ANYS - (i == 0 ? 0 : i - 1));
    }
    fake_slot_fill(&go, type, bucket, 0, &at);
    fake_go_put(&go, at, array + (ANYS - 1) * 16);
    fake_go_put(&go, at + 16, 1);
    run(map, type, true);
    expect_calm();
    expect_part(MAP_PART_DEEP, ANYS, ANYS * 24);
}

/* Overlapping, each to another end: what there is to read is not read over and over. */
Test(map_walk, slices_that_overlap_have_an_end)
{
    enum { SLICES = 60000, ELEMENTS = 120000 };
    open_version(24);
    uintptr_t pointer = fake_type_of(&go, GO_KIND_POINTER, plain), inner = fake_type_of(&go, GO_KIND_SLICE, pointer);
    uintptr_t outer = fake_type_of(&go, GO_KIND_SLICE, inner), type = fake_type_map(&go, plain, outer), bucket, at;
    uintptr_t map = small_map(type, 1, &bucket), array = fake_object(&go, ELEMENTS * 8);
    uintptr_t slices = fake_object(&go, SLICES * 24ull);
    for (uint64_t i = 0; i < SLICES; i++) {
        fake_go_put(&go, slices + i * 24, array);
        fake_go_put(&go, slices + i * 24 + 16, ELEMENTS - i);
    }
    fake_slot_fill(&go, type, bucket, 0, &at);
    fake_go_put(&go, at, slices);
    fake_go_put(&go, at + 16, SLICES);
    run(map, type, true);
    cr_expect(walk.is_spent);
    cr_expect_eq(walk.torn_reads, 0);
    cr_expect_lt(walk.spent_bytes, 256 << 20, "%lu bytes", walk.spent_bytes);
}

Test(map_walk, maps_in_maps_are_walked_when_it_is_deep)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        uintptr_t inner_type = fake_type_map(&go, plain, string), type = fake_type_map(&go, plain, inner_type), bucket,
                  at;
        uintptr_t inner_bucket, inner = small_map(inner_type, 1, &inner_bucket), map = small_map(type, 2, &bucket);
        fake_slot_fill(&go, inner_type, inner_bucket, 4, &at);
        put_string(at, 70);
        for (unsigned slot = 0; slot < 2; slot++) {
            fake_slot_fill(&go, type, bucket, slot, &at);
            fake_go_put(&go, at, inner);
        }
        run(map, type, true);
        expect_calm();
        expect_part(MAP_PART_ELEMENTS, 1, header_bytes());
        expect_part(MAP_PART_DEEP, 2, fake_slots_of(&go, inner_type).bucket_bytes + 70);
        cr_expect_eq(walk.shape.entries, 2);
    }
}

/* A map that holds itself: map[int]any, by way of an interface. */
Test(map_walk, a_map_in_itself_is_walked_once)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        uintptr_t type = fake_type_map(&go, plain, fake_type_interface(&go, 0)), bucket, at;
        uintptr_t map = small_map(type, 1, &bucket);
        fake_slot_fill(&go, type, bucket, 0, &at);
        put_any(at, type, map);
        run(map, type, true);
        expect_calm();
        cr_expect_eq(walk.objects.parts[MAP_PART_DEEP].objects, 0);
    }
}

/* hchan: qcount, dataqsiz, buf, ... and the buffer in an object of its own. */
Test(map_walk, a_channels_buffer_is_followed)
{
    open_version(23);
    uintptr_t channel_type = fake_type_of(&go, GO_KIND_CHAN, string), type = fake_type_map(&go, plain, channel_type);
    uintptr_t bucket, at, map = small_map(type, 1, &bucket), channel = fake_object(&go, 96),
                          buffer = fake_object(&go, 48);
    fake_slot_fill(&go, type, bucket, 0, &at);
    fake_go_put(&go, at, channel);
    fake_go_put(&go, channel + 8, 3);
    fake_go_put(&go, channel + 16, buffer);
    put_string(buffer + 32, 100);
    run(map, type, true);
    expect_calm();
    expect_part(MAP_PART_ELEMENTS, 1, fake_object_slot_bytes(96));
    expect_part(MAP_PART_DEEP, 2, 148);
    /* A length that lies. */
    fake_go_put(&go, channel + 8, UINT64_MAX);
    run(map, type, true);
    expect_part(MAP_PART_DEEP, 2, 148);
}
