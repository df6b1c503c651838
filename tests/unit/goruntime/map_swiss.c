/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps of Go from 1.24 on: groups, tables, the directory.
 */
#include <criterion/criterion.h>

#include "tests/unit/support/walked_map.h"

Test(map_walk, tombstones_and_empty_slots_are_no_entries)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        if (GO_LAYOUTS[i].hmap_bytes != 0)
            continue;
        open_go(&GO_LAYOUTS[i]);
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

/* What the hook changes, and when. */
static struct {
    uintptr_t table, groups;
    uint64_t changes_left, depth;
} moving;

/* Between the two readings of the table's struct. */
static void grow_table(struct fake_heap *heap, uintptr_t address, uint64_t bytes)
{
    (void)heap;
    (void)bytes;
    if (address != moving.groups || moving.changes_left == 0)
        return;
    moving.changes_left--;
    fake_go_put_field(&go, moving.table, go.heap.layout->table_depth, ++moving.depth);
}

Test(map_walk, a_table_that_changes_while_it_is_read_is_read_again)
{
    open_version(27);
    uintptr_t type = fake_type_map(&go, plain, plain), map = fake_map(&go, 10);
    moving.table = fake_table(&go, type, 16, &moving.groups);
    fill_table(type, moving.groups, 10);
    fake_map_set_directory(&go, map, (uintptr_t[]){moving.table}, 0);
    go.heap.hook = grow_table;
    for (uint64_t changes = 0; changes <= 4; changes++) {
        moving.changes_left = changes;
        run(map, type, false);
        cr_expect_eq(walk.torn_reads, changes < 3 ? changes : 3, "%lu", walk.torn_reads);
        cr_expect_eq(walk.shape.entries, changes < 3 ? 10 : 0, "%lu", walk.shape.entries);
    }
}

/* A directory that doubles: its depth is written before the rest. */
static void deepen(struct fake_heap *heap, uintptr_t address, uint64_t bytes)
{
    (void)heap;
    (void)bytes;
    if (address != moving.table)
        return;
    fake_go_put_field(&go, address, go.heap.layout->swiss_depth, moving.changes_left > 0);
    moving.changes_left -= moving.changes_left > 0;
}

Test(map_walk, a_header_that_changes_while_it_is_read_is_read_again)
{
    open_version(26);
    uintptr_t type = fake_type_map(&go, plain, plain), map = fake_map(&go, 10), groups;
    uintptr_t table = fake_table(&go, type, 16, &groups);
    fill_table(type, groups, 10);
    fake_map_set_directory(&go, map, (uintptr_t[]){table}, 0);
    moving.table = map;
    go.heap.hook = deepen;
    for (uint64_t changes = 0; changes <= 3; changes++) {
        const char *why = NULL;
        moving.changes_left = changes;
        cr_expect_eq(map_walk_run(&walk, map, type, false, &why), changes < 3);
        cr_expect_eq(walk.torn_reads, changes, "%lu", walk.torn_reads);
        cr_expect_eq(walk.shape.entries, changes < 3 ? 10 : 0, "%lu", walk.shape.entries);
    }
}

/* A map that grows out of its group has the address of its directory before it has its slots. */
Test(map_walk, a_directory_of_which_no_slots_are_known_is_no_group)
{
    open_version(24);
    uintptr_t type = fake_type_map(&go, plain, plain), map = fake_map(&go, 9), groups;
    fake_map_set_directory(&go, map, (uintptr_t[]){fake_table(&go, type, 16, &groups)}, 0);
    fake_go_put_field(&go, map, go.heap.layout->swiss_directory_slots, 0);
    run(map, type, false);
    cr_expect_eq(walk.torn_reads, 1);
    cr_expect_eq(walk.shape.entries, 0, "%lu", walk.shape.entries);
    expect_part(MAP_PART_BUCKETS, 0, 0);
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
    cr_expect(walk.is_spent);
    cr_expect_eq(walk.torn_reads, 0);
    cr_expect_lt(walk.spent_bytes, 256 << 20, "%lu bytes", walk.spent_bytes);
}

/* Each word is another, and none a table; many maps have that directory. */
Test(map_walk, directories_of_what_is_no_table_have_an_end)
{
    enum { DEPTH = 16, INNER_MAPS = 64 };
    static uintptr_t junk[1 << DEPTH], inner[INNER_MAPS];
    open_version(25);
    uintptr_t type = fake_type_map(&go, plain, plain), outer_type = fake_type_map(&go, plain, type);
    uintptr_t outer = fake_map(&go, INNER_MAPS), groups, element;
    fake_map_set_directory(&go, outer, (uintptr_t[]){fake_table(&go, outer_type, INNER_MAPS, &groups)}, 0);
    for (uint64_t i = 0; i < 1 << DEPTH; i++)
        junk[i] = FAKE_ARENAS + (12 << 20) + 8 * i;
    for (unsigned i = 0; i < INNER_MAPS; i++) {
        inner[i] = fake_map(&go, 1);
        fake_slot_fill(&go, outer_type, groups + i / 8 * fake_slots_of(&go, outer_type).bucket_bytes, i % 8, &element);
        fake_go_put(&go, element, inner[i]);
        if (i == 0)
            fake_map_set_directory(&go, inner[0], junk, DEPTH);
        else
            memcpy(fake_go_at(&go, inner[i]), fake_go_at(&go, inner[0]), header_bytes());
    }
    run(outer, outer_type, true);
    cr_expect_neq(walk.torn_reads, 0);
    cr_expect_lt(go.heap.reads, 4 << 20, "%lu reads", go.heap.reads);
}
