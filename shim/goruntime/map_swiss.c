/* SPDX-License-Identifier: Apache-2.0
 *
 * A map of Go from 1.24 on (internal/runtime/maps): one group, or a directory of tables of groups.
 *
 *   group := control[8] slot[8]
 *
 * A table stands in the directory once for each hash prefix that leads to it; those entries are neighbours. It has at
 * most 1,024 slots, so it is read whole, between two readings of its struct.
 */
#include <string.h>

#include "goruntime/map_walk_inside.h"

enum {
    DEPTH_MAX = 40,
    DIRECTORY_AT_ONCE = 512,
    STRUCT_BYTES_MAX = 64,
    TRIES = 3,
};

#define CONTROLS_TOP_BITS (MAP_CONTROL_NOT_FULL_BIT * 0x0101010101010101u)

struct swiss {
    uint64_t used, directory, directory_slots, depth;
};

static bool read_swiss(const struct map_visit *visit, uintptr_t header, struct swiss *map)
{
    const struct go_layout *layout = visit->walk->heap->layout;
    uint8_t raw[STRUCT_BYTES_MAX];
    if (layout->swiss_bytes > sizeof raw || !reader_read(visit->walk->reader, header, raw, layout->swiss_bytes))
        return false;
    *map = (struct swiss){
        .used = layout_field_of(raw, layout->swiss_used),
        .directory = layout_field_of(raw, layout->swiss_directory),
        .directory_slots = layout_field_of(raw, layout->swiss_directory_slots),
        .depth = layout_field_of(raw, layout->swiss_depth),
    };
    return map->used < 1ull << 48 && map->depth <= DEPTH_MAX &&
           (map->directory_slots == 0 || map->directory_slots == 1ull << map->depth);
}

/* A directory that grows has its new depth before its new address and its slots (map.go:installTableSplit). */
static bool read_swiss_whole(const struct map_visit *visit, uintptr_t header, struct swiss *map)
{
    for (int i = 0; i < TRIES; i++) {
        if (read_swiss(visit, header, map))
            return true;
        map_note_torn(visit->walk);
    }
    return false;
}

/* ---- groups ---- */

static void take_groups(struct map_visit *visit, const struct map_place *first, uintptr_t address,
                        const uint8_t *groups, uint64_t count)
{
    map_note(visit, first, address, groups, count);
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *group = groups + i * visit->type.bucket_bytes;
        uint64_t controls;
        memcpy(&controls, group, sizeof controls);
        for (uint64_t full = ~controls & CONTROLS_TOP_BITS; full != 0; full &= full - 1)
            map_add_entry(visit, group, (unsigned)__builtin_ctzll(full) / 8);
        /* Of the bytes with the top bit, those of deleted slots have the next one as well. */
        visit->shape.tombstones += count_ones(controls & controls << 1 & CONTROLS_TOP_BITS);
    }
    visit->shape.buckets += count;
    visit->shape.capacity += count * MAP_SLOTS;
}

/* ---- tables ---- */

struct table {
    uint64_t used, capacity, growth_left, depth, groups, mask;
};

static bool read_table(const struct map_visit *visit, struct reader *reader, uintptr_t address, struct table *table)
{
    const struct go_layout *layout = visit->walk->heap->layout;
    uint8_t raw[STRUCT_BYTES_MAX];
    if (layout->swiss_table_bytes > sizeof raw || !reader_read(reader, address, raw, layout->swiss_table_bytes))
        return false;
    *table = (struct table){
        .used = layout_field_of(raw, layout->table_used),
        .capacity = layout_field_of(raw, layout->table_capacity),
        .growth_left = layout_field_of(raw, layout->table_growth_left),
        .depth = layout_field_of(raw, layout->table_depth),
        .groups = layout_field_of(raw, layout->table_groups),
        .mask = layout_field_of(raw, layout->table_groups_mask),
    };
    return table->capacity >= MAP_SLOTS && table->capacity <= MAP_TABLE_SLOTS_MAX &&
           (table->capacity & (table->capacity - 1)) == 0 && table->mask + 1 == table->capacity / MAP_SLOTS;
}

/* Entries may come and go meanwhile, but not the table's groups. */
static bool is_same_table(const struct table *before, const struct table *after)
{
    return before->capacity == after->capacity && before->groups == after->groups && before->depth == after->depth;
}

/* The table and its groups, in the walk's buffer. The struct is read by `first` at first, and then from the memory. */
static bool read_table_whole(struct map_visit *visit, struct reader *first, uintptr_t address, struct table *table)
{
    struct map_walk *walk = visit->walk;
    struct table before;
    if (!map_spend(walk, walk->heap->layout->swiss_table_bytes) || !read_table(visit, first, address, &before))
        return false;
    uint64_t bytes = (before.mask + 1) * visit->type.bucket_bytes;
    return object_set_bytes_behind(&walk->objects, before.groups) >= bytes && map_spend(walk, bytes) &&
           reader_read(walk->reader, before.groups, walk->buffer, bytes) &&
           read_table(visit, walk->reader, address, table) && is_same_table(&before, table);
}

/* Which table is the next to grow? */
static void note_growth(struct map_shape *shape, const struct table *table)
{
    if (shape->fullest_capacity != 0 && shape->fullest_growth_left <= table->growth_left)
        return;
    shape->fullest_capacity = table->capacity;
    shape->fullest_growth_left = table->growth_left;
}

static void walk_table(struct map_visit *visit, uintptr_t address)
{
    struct map_walk *walk = visit->walk;
    struct table table;
    for (int i = 0; i < TRIES && !walk->is_spent; i++) {
        /* Many tables lie in one line of the cache. */
        if (read_table_whole(visit, i == 0 ? &walk->cache.reader : walk->reader, address, &table)) {
            uint64_t groups = table.mask + 1, number = visit->shape.tables++;
            map_add(visit, MAP_PART_TABLES, address, walk->heap->layout->swiss_table_bytes);
            map_add(visit, MAP_PART_BUCKETS, table.groups, groups * visit->type.bucket_bytes);
            note_growth(&visit->shape, &table);
            map_note_structs(visit, &(struct map_place){.kind = MAP_PLACE_TABLE, .has_table = true, .table = number},
                             address, 1, walk->heap->layout->swiss_table_bytes);
            take_groups(visit, &(struct map_place){.kind = MAP_PLACE_GROUP, .has_table = true, .table = number},
                        table.groups, walk->buffer, groups);
            return;
        }
        map_note_torn(walk);
    }
}

static void walk_directory(struct map_visit *visit, const struct swiss *map)
{
    struct map_walk *walk = visit->walk;
    uint64_t tables[DIRECTORY_AT_ONCE], previous = 0;
    if (object_set_bytes_behind(&walk->objects, map->directory) < map->directory_slots * sizeof tables[0]) {
        map_note_torn(walk);
        return;
    }
    map_add(visit, MAP_PART_TABLES, map->directory, map->directory_slots * sizeof tables[0]);
    map_note_structs(visit, &(struct map_place){.kind = MAP_PLACE_DIRECTORY}, map->directory, map->directory_slots,
                     sizeof tables[0]);
    for (uint64_t first = 0; first < map->directory_slots; first += DIRECTORY_AT_ONCE) {
        uint64_t count = min_u64(DIRECTORY_AT_ONCE, map->directory_slots - first);
        if (!map_spend(walk, count * sizeof tables[0]) ||
            !reader_read(walk->reader, map->directory + first * sizeof tables[0], tables, count * sizeof tables[0])) {
            map_note_torn(walk);
            return;
        }
        for (uint64_t i = 0; i < count; i++) {
            if (first + i == 0 || tables[i] != previous)
                walk_table(visit, tables[i]);
            previous = tables[i];
        }
    }
}

static void walk_small(struct map_visit *visit, uintptr_t group)
{
    struct map_walk *walk = visit->walk;
    uint8_t bytes[MAP_BUCKET_BYTES_MAX];
    if (group == 0)
        return;
    if (!map_may_hold_one(visit, group) || !map_spend(walk, visit->type.bucket_bytes) ||
        !reader_read(walk->reader, group, bytes, visit->type.bucket_bytes)) {
        map_note_torn(walk);
        return;
    }
    map_add(visit, MAP_PART_BUCKETS, group, visit->type.bucket_bytes);
    take_groups(visit, &(struct map_place){.kind = MAP_PLACE_GROUP}, group, bytes, 1);
}

bool map_walk_swiss(struct map_visit *visit, uintptr_t header)
{
    struct map_walk *walk = visit->walk;
    struct swiss map, after;
    if (visit->type.bucket_bytes < MAP_SLOTS || !read_swiss_whole(visit, header, &map))
        return false;
    map_add(visit, MAP_PART_HEADER, header, walk->heap->layout->swiss_bytes);
    visit->shape.count = map.used;
    visit->shape.directory_slots = map.directory_slots;
    if (map.directory_slots == 0)
        walk_small(visit, map.directory);
    else
        walk_directory(visit, &map);
    walk->torn_reads += !read_swiss(visit, header, &after) || after.directory != map.directory ||
                        after.directory_slots != map.directory_slots;
    return true;
}
