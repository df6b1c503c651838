/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps of both designs, walked: at rest, growing, and torn.
 */
#include "goruntime/map_walk.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/support/fake_go.h"

enum { BUMP_BYTES = 1 << 30, LAST_OF_BUCKETS = 23, TOPHASH_EVACUATED = 2, CONTROL_DELETED = 0xfe };

static struct fake_go go;
static struct map_walk walk;
static struct bump bump;
static uintptr_t plain, string; /* types: int64, string */

static bool is_swiss(void)
{
    return go.heap.layout->go_minor > LAST_OF_BUCKETS;
}

static void open_go(const struct go_layout *layout)
{
    fake_go_open(&go, layout);
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, BUMP_BYTES), 0);
    cr_assert(map_walk_open(&walk, &go.found, FAKE_TYPES, FAKE_TYPES + FAKE_TYPES_BYTES, &bump));
    plain = fake_type_plain(&go, GO_KIND_INT64, 8);
    string = fake_type_string(&go);
}

static void open_version(unsigned go_minor)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        if (GO_LAYOUTS[i].go_minor == go_minor && GO_LAYOUTS[i].experiment == NULL)
            open_go(&GO_LAYOUTS[i]);
    }
    cr_assert_eq(go.heap.layout->go_minor, go_minor);
}

static void run(uintptr_t map, uintptr_t type, bool is_deep)
{
    const char *why = "";
    go.heap.reads = 0;
    cr_assert(map_walk_run(&walk, map, type, is_deep, &why), "go1.%u: %s", go.heap.layout->go_minor, why);
}

static void expect_part(enum map_part part, uint64_t objects, uint64_t asked_bytes)
{
    const struct object_part *said = &walk.objects.parts[part];
    cr_expect_eq(said->objects, objects, "go1.%u: part %d has %lu objects, not %lu", go.heap.layout->go_minor, part,
                 said->objects, objects);
    cr_expect_eq(said->asked_bytes, asked_bytes, "go1.%u: part %d asked for %lu bytes, not %lu",
                 go.heap.layout->go_minor, part, said->asked_bytes, asked_bytes);
}

static void expect_calm(void)
{
    cr_expect_eq(walk.torn_reads, 0, "go1.%u: %lu torn", go.heap.layout->go_minor, walk.torn_reads);
    cr_expect_eq(walk.unknown + walk.objects.unknown, 0, "go1.%u: %lu and %lu unknown", go.heap.layout->go_minor,
                 walk.unknown, walk.objects.unknown);
    cr_expect_not(walk.is_changed);
}

/* A map of one bucket, or of one group. */
static uintptr_t small_map(uintptr_t type, uint64_t count, uintptr_t *bucket)
{
    uintptr_t map = fake_map(&go, count);
    if (is_swiss())
        fake_map_set_group(&go, map, *bucket = fake_groups(&go, type, 1));
    else
        *bucket = fake_map_add_buckets(&go, map, type, 0, 0);
    return map;
}

static uintptr_t put_string(uintptr_t at, uint64_t length)
{
    uintptr_t bytes = fake_object(&go, length);
    fake_go_put(&go, at, bytes);
    fake_go_put(&go, at + 8, length);
    return bytes;
}

static uint64_t header_bytes(void)
{
    return is_swiss() ? go.heap.layout->swiss_bytes : go.heap.layout->hmap_bytes;
}

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
        run(map, type, false);
        cr_expect_eq(walk.torn_reads, 0);
        expect_part(MAP_PART_KEYS, 2, 164);
        /* Of 2,000 strings not all references are kept, but the first are. */
        expect_part(MAP_PART_ELEMENTS, 2, 32100);
        cr_expect_eq(walk.unknown, 1);
        cr_expect_eq(walk.shape.key_bytes, 144);
    }
}

/* ---- buckets ---- */

static void chain_one(uintptr_t type, uintptr_t from, uintptr_t to)
{
    uintptr_t element;
    fake_bucket_chain(&go, type, from, to);
    fake_slot_fill(&go, type, to, 0, &element);
}

Test(map_walk, overflow_buckets_lie_behind_the_array_and_outside)
{
    for (unsigned go_minor = 17; go_minor <= LAST_OF_BUCKETS; go_minor++) {
        open_version(go_minor);
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
        /* Once with nextOverflow behind the spare bucket, once with none: then all were taken, or it is unknown. */
        for (unsigned is_known = 0; is_known < 2; is_known++) {
            fake_go_put_field(&go, fake_map_extra(&go, map), go.heap.layout->mapextra_next_overflow,
                              is_known ? spare + bytes : 0);
            run(map, type, false);
            expect_calm();
            cr_expect_eq(walk.shape.entries, 5, "go1.%u: %lu entries", go_minor, walk.shape.entries);
            cr_expect_eq(walk.shape.overflow_buckets, 3, "go1.%u: %lu", go_minor, walk.shape.overflow_buckets);
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

/* ---- Swiss ---- */

Test(map_walk, tombstones_and_empty_slots_are_no_entries)
{
    for (unsigned go_minor = LAST_OF_BUCKETS + 1; go_minor <= GO_MINOR_NEWEST; go_minor++) {
        open_version(go_minor);
        uintptr_t type = fake_type_map(&go, string, plain), group, element;
        uintptr_t map = small_map(type, 1, &group);
        put_string(fake_slot_fill(&go, type, group, 1, &element), 64);
        put_string(fake_slot_fill(&go, type, group, 2, &element), 64);
        *fake_go_at(&go, group + 2) = CONTROL_DELETED;
        run(map, type, false);
        expect_calm();
        cr_expect_eq(walk.shape.entries, 1);
        cr_expect_eq(walk.shape.tombstones, 1);
        expect_part(MAP_PART_KEYS, 1, 64);
    }
}

static void fill_table(uintptr_t type, uintptr_t groups, uint64_t count)
{
    uint64_t bytes = fake_slots_of(&go, type).bucket_bytes;
    for (uint64_t i = 0; i < count; i++) {
        uintptr_t element;
        fake_slot_fill(&go, type, groups + i / 8 * bytes, i % 8, &element);
    }
}

Test(map_walk, a_table_stands_in_the_directory_more_than_once)
{
    open_version(25);
    uintptr_t type = fake_type_map(&go, plain, plain), map = fake_map(&go, 900), groups[3];
    uintptr_t a = fake_table(&go, type, 512, &groups[0]), b = fake_table(&go, type, 1024, &groups[1]),
              c = fake_table(&go, type, 1024, &groups[2]);
    fill_table(type, groups[0], 300);
    fill_table(type, groups[1], 500);
    fill_table(type, groups[2], 100);
    fake_go_put_field(&go, b, go.heap.layout->table_growth_left, 3);
    fake_map_set_directory(&go, map, (uintptr_t[]){a, a, b, c}, 2);
    run(map, type, false);
    expect_calm();
    cr_expect_eq(walk.shape.entries, 900);
    cr_expect_eq(walk.shape.tables, 3);
    cr_expect_eq(walk.shape.directory_slots, 4);
    cr_expect_eq(walk.shape.capacity, 2560);
    cr_expect_eq(walk.shape.fullest_capacity, 1024);
    cr_expect_eq(walk.shape.fullest_growth_left, 3);
    expect_part(MAP_PART_TABLES, 4, 3 * go.heap.layout->swiss_table_bytes + 32);
    expect_part(MAP_PART_BUCKETS, 3, 320 * fake_slots_of(&go, type).bucket_bytes);
}

/* What the hook below changes, at which reading of the table. */
static struct {
    uintptr_t table, header;
    uint64_t reads, changes, changes_max, depth;
} moving;

static void grow_table(struct fake_heap *heap, uintptr_t address, uint64_t bytes)
{
    (void)heap;
    (void)bytes;
    if (address != moving.table || moving.reads++ % 2 == 0 || moving.changes == moving.changes_max)
        return;
    moving.changes++;
    fake_go_put_field(&go, moving.table, go.heap.layout->table_depth, ++moving.depth);
}

Test(map_walk, a_table_that_changes_while_it_is_read_is_read_again)
{
    open_version(27);
    uintptr_t type = fake_type_map(&go, plain, plain), map = fake_map(&go, 10), groups;
    moving.table = fake_table(&go, type, 16, &groups);
    fill_table(type, groups, 10);
    fake_map_set_directory(&go, map, (uintptr_t[]){moving.table}, 0);
    go.heap.hook = grow_table;
    for (uint64_t changes = 0; changes <= 4; changes++) {
        moving.reads = moving.changes = 0;
        moving.changes_max = changes;
        run(map, type, false);
        cr_expect_eq(walk.torn_reads, changes < 3 ? changes : 3, "%lu", walk.torn_reads);
        cr_expect_eq(walk.shape.entries, changes < 3 ? 10 : 0, "%lu", walk.shape.entries);
    }
}

Test(map_walk, tables_that_make_no_sense_are_torn)
{
    open_version(24);
    uintptr_t type = fake_type_map(&go, plain, plain), groups;
    const struct go_layout *layout = go.heap.layout;
    const struct {
        struct layout_field field;
        uint64_t value;
    } cases[] = {
        {layout->table_capacity, 4},
        {layout->table_capacity, 24},
        {layout->table_capacity, 2048},
        {layout->table_groups_mask, 0},
        {layout->table_groups, 0},
        {layout->table_groups, FAKE_ARENAS + (1 << 24)},
        {layout->table_groups_mask, 0xffffff},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uintptr_t map = fake_map(&go, 1), table = fake_table(&go, type, 16, &groups);
        fill_table(type, groups, 1);
        fake_map_set_directory(&go, map, (uintptr_t[]){table}, 0);
        fake_go_put_field(&go, table, cases[i].field, cases[i].value);
        run(map, type, false);
        cr_expect_eq(walk.shape.entries, 0, "case %u", i);
        cr_expect_neq(walk.torn_reads, 0, "case %u", i);
    }
    /* A directory that begins with nothing, and one that its object does not hold. */
    uintptr_t map = fake_map(&go, 1);
    fake_map_set_directory(&go, map, (uintptr_t[]){0}, 0);
    run(map, type, false);
    cr_expect_neq(walk.torn_reads, 0);
    fake_go_put_field(&go, map, layout->swiss_depth, 20);
    fake_go_put_field(&go, map, layout->swiss_directory_slots, 1 << 20);
    run(map, type, false);
    cr_expect_eq(walk.torn_reads, 1);
}

/* Two tables in turn, a million times. */
Test(map_walk, a_directory_of_the_same_tables_again_and_again_has_an_end)
{
    enum { DEPTH = 19 };
    static uintptr_t tables[1 << DEPTH];
    open_version(26);
    uintptr_t type = fake_type_map(&go, string, string), map = fake_map(&go, 1), groups;
    uintptr_t two[] = {fake_table(&go, type, 1024, &groups), fake_table(&go, type, 1024, &groups)};
    for (uint64_t i = 0; i < 1 << DEPTH; i++)
        tables[i] = two[i % 2];
    fake_map_set_directory(&go, map, tables, DEPTH);
    run(map, type, false);
    cr_expect_neq(walk.torn_reads, 0);
    cr_expect_lt(walk.spent_bytes, 256 << 20, "%lu bytes", walk.spent_bytes);
}

/* ---- the map changes ---- */

static void move_map(struct fake_heap *heap, uintptr_t address, uint64_t bytes)
{
    (void)heap;
    (void)bytes;
    struct layout_field field = is_swiss() ? go.heap.layout->swiss_directory : go.heap.layout->hmap_buckets;
    if (address == moving.header && moving.reads++ == 1)
        fake_go_put_field(&go, moving.header, field, FAKE_ARENAS);
}

Test(map_walk, a_map_that_is_another_at_the_end_is_changed)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_go(&GO_LAYOUTS[i]);
        uintptr_t type = fake_type_map(&go, plain, plain), bucket;
        moving.header = small_map(type, 0, &bucket);
        moving.reads = 0;
        go.heap.hook = move_map;
        run(moving.header, type, false);
        cr_expect(walk.is_changed, "go1.%u", GO_LAYOUTS[i].go_minor);
    }
}

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
    enum { BOXES = 5 };
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
        expect_calm();
        expect_part(MAP_PART_ELEMENTS, 2, 32);
        expect_part(MAP_PART_DEEP, is_deep ? BOXES - 2 : 0, is_deep ? (BOXES - 2) * 16 : 0);
    }
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
    cr_expect_neq(walk.torn_reads, 0);
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
    cr_assert(map_walk_open(&walk, &go.found, FAKE_TYPES, FAKE_TYPES + FAKE_TYPES_BYTES, &bump));
    cr_expect_not(map_walk_run(&walk, map, type, true, &why));
    cr_expect_not_null(strstr(why, "memory"));
    run(map, type, false);
    expect_part(MAP_PART_HEADER, 1, header_bytes());
}
