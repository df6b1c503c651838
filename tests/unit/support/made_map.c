/* SPDX-License-Identifier: Apache-2.0
 *
 * Making answers up.
 */
#include "tests/unit/support/made_map.h"

struct map_answer made_map_swiss(void)
{
    return (struct map_answer){
        .name = "main.cache",
        .type_name = "map[string]string",
        .design = MAP_DESIGN_SWISS,
        .address = 0xc000123000,
        .key_bytes = 16,
        .element_bytes = 17,
        .count = 1001,
        .entries = 1000,
        .capacity = 2048,
        .tombstones = 7,
        .buckets = 256,
        .tables = 2,
        .directory_slots = 4,
        .parts =
            {
                [MAP_PART_HEADER] = {1, 48, 49, 8193, 1, 8194, 0},
                [MAP_PART_TABLES] = {3, 81, 82, 8195, 2, 8196, 0},
                [MAP_PART_BUCKETS] = {5, 81920, 81921, 81922, 10, 81923, 0},
                [MAP_PART_KEYS] = {990, 12000, 16384, 24576, 3, 24577, 100},
                [MAP_PART_ELEMENTS] = {991, 12001, 16385, 24578, 4, 24579, 101},
                [MAP_PART_DEEP] = {992, 12002, 16386, 24580, 5, 24581, 0},
            },
        .total = {2982, 118052, 131208, 147456, 26, 196608, 201},
        .resident_go_pages = 24,
        .alone_go_pages = 19,
        .alone_bytes = 147457,
        .alone_spans_bytes = 90112,
        .shared_go_pages = 6,
        .huge_bytes = 65536,
        .naive_bytes = 57000,
        .remade_capacity = 1024,
        .remade_bytes = 40960,
        .grows_at_entries = 1792,
        .grown_capacity = 4096,
        .grown_bytes = 163840,
        .torn_reads = 9,
        .unfollowed = 10,
        .spent_bytes = 123457,
        .attempts = 2,
        .unknown_objects = 8,
        .is_deep = true,
        .walk_ns = 123456,
    };
}

struct map_answer made_map_growing(void)
{
    return (struct map_answer){
        .name = "main.old",
        .type_name = "map[int]int",
        .design = MAP_DESIGN_BUCKETS,
        .address = 0xc000456000,
        .key_bytes = 8,
        .element_bytes = 8,
        .count = 14,
        .entries = 14,
        .capacity = 32,
        .buckets = 4,
        .old_buckets = 2,
        .evacuated_buckets = 1,
        .overflow_buckets = 3,
        .parts =
            {
                [MAP_PART_HEADER] = {1, 48, 48, 8192, 1, 8192, 0},
                [MAP_PART_BUCKETS] = {1, 576, 576, 8192, 1, 8192, 0},
                [MAP_PART_OLD_BUCKETS] = {1, 288, 288, 8192, 1, 8192, 0},
                [MAP_PART_OVERFLOW] = {3, 432, 432, 8192, 1, 8192, 0},
            },
        .total = {6, 1344, 1344, 32768, 4, 32768, 0},
        .resident_go_pages = 4,
        .shared_go_pages = 4,
        .naive_bytes = 224,
        .remade_capacity = 16,
        .remade_bytes = 288,
        .grows_at_entries = 27,
        .grown_capacity = 64,
        .grown_bytes = 1152,
        .attempts = 1,
    };
}

struct map_answer made_map_nil(void)
{
    return (struct map_answer){.name = "main.none", .type_name = "map[int]bool", .attempts = 1};
}

struct map_answer made_map_not_known(void)
{
    return (struct map_answer){
        .name = "main.srv.cache", .type_name = "map[string]int", .why = "a pointer on the way to it is nil"};
}
