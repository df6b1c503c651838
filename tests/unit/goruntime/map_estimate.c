/* SPDX-License-Identifier: Apache-2.0
 *
 * What the runtime would take for the slots of a map. The numbers were worked out by hand from makeBucketArray and
 * roundupsize up to go1.23, from NewMap and newTable from go1.24 on.
 */
#include "goruntime/map_estimate.h"

#include <criterion/criterion.h>

/* Of string to string: buckets of 8 + 8 * 16 + 8 * 16 + 8 bytes, groups of 8 + 8 * 32. */
static struct map_shape strings(enum map_design design)
{
    return (struct map_shape){
        .design = design, .slot_group_bytes = design == MAP_DESIGN_SWISS ? 264 : 272, .has_pointers = true};
}

/* int64 to int64: 144 and 136 bytes, without pointers. */
static struct map_shape numbers(enum map_design design)
{
    return (struct map_shape){.design = design, .slot_group_bytes = design == MAP_DESIGN_SWISS ? 136 : 144};
}

static const struct go_layout *version(unsigned go_minor)
{
    static struct go_layout layout;
    layout = (struct go_layout){.go_minor = go_minor};
    return &layout;
}

static void expect(struct map_estimate said, uint64_t capacity, uint64_t bytes, uint64_t entries)
{
    cr_expect_eq(said.capacity, capacity, "%lu entries: %lu slots, not %lu", entries, said.capacity, capacity);
    cr_expect_eq(said.bytes, bytes, "%lu entries: %lu bytes, not %lu", entries, said.bytes, bytes);
}

Test(map_estimate, what_malloc_gives)
{
    static const struct {
        uint64_t bytes;
        bool has_pointers;
        unsigned go_minor;
        uint64_t given;
    } CASES[] = {
        {0, true, 27, 0},
        {1, false, 27, 8},
        {8, true, 17, 8},
        {272, true, 21, 288},
        {512, true, 22, 512},
        /* The header of eight bytes: from go1.22 on, with pointers, above 512. */
        {520, true, 21, 576},
        {576, true, 21, 576},
        {576, true, 22, 640},
        {576, false, 22, 576},
        {1024, true, 27, 1152},
        /* Large objects have none. */
        {32760, true, 22, 32768},
        {32761, true, 22, 32768},
        {32768, true, 22, 32768},
        {32768, false, 22, 32768},
        {32768, true, 21, 32768},
        {32769, false, 27, 40960},
        {81920, true, 17, 81920},
        {UINT64_MAX, true, 27, UINT64_MAX - 8191},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uint64_t said = map_allocated_bytes(CASES[i].bytes, CASES[i].has_pointers, version(CASES[i].go_minor));
        cr_expect_eq(said, CASES[i].given, "go1.%u: %lu bytes for %lu, not %lu", CASES[i].go_minor, said,
                     CASES[i].bytes, CASES[i].given);
    }
}

/* go1.22, built with GOEXPERIMENT=noallocheaders. */
Test(map_estimate, what_malloc_gives_without_headers)
{
    const struct go_layout without = {.go_minor = 22, .experiment = "noallocheaders"};
    uint64_t at_entries;
    cr_expect_eq(map_allocated_bytes(576, true, &without), 576);
    cr_expect_eq(map_allocated_bytes(32761, true, &without), 32768);
    struct map_shape exact = {
        .design = MAP_DESIGN_BUCKETS, .slot_group_bytes = 288, .has_pointers = true, .buckets = 2};
    cr_expect_eq(map_estimate_remade(&exact, 26, &without).bytes, 1152);
    cr_expect_eq(map_estimate_remade(&exact, 26, version(22)).bytes, 1280);
    cr_expect_eq(map_estimate_grown(&exact, 576, &without, &at_entries).bytes, 1152);
    cr_expect_eq(map_estimate_grown(&exact, 576, version(22), &at_entries).bytes, 1280);
}

Test(map_estimate, the_size_class_below)
{
    cr_expect_eq(map_slot_bytes_below(8), 0);
    cr_expect_eq(map_slot_bytes_below(9), 8);
    cr_expect_eq(map_slot_bytes_below(32768), 28672);
    cr_expect_eq(map_slot_bytes_below(UINT64_MAX), 32768);
}

Test(map_estimate, buckets_made_for_so_many_entries)
{
    static const struct {
        uint64_t entries, capacity, strings_bytes, numbers_bytes;
    } CASES[] = {
        {0, 8, 288, 144},
        {8, 8, 288, 144},
        {9, 16, 576, 288},
        {13, 16, 576, 288},
        {14, 32, 1152, 576},
        {26, 32, 1152, 576},
        {52, 64, 2304, 1152},
        {53, 128, 4864, 2688}, /* 16 and a spare one: 4,624 and 2,448 */
        {104, 128, 4864, 2688},
        {1000, 2048, 81920, 40960},  /* 256 and 16: 73,984 and 39,168 */
        {1664, 2048, 81920, 40960},  /* 6.5 * 256 */
        {1665, 4096, 155648, 81920}, /* 544 */
        {10000000, 16777216, 606076928, 320864256},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct map_shape text = strings(MAP_DESIGN_BUCKETS), number = numbers(MAP_DESIGN_BUCKETS);
        uint64_t entries = CASES[i].entries;
        expect(map_estimate_remade(&text, entries, version(20)), CASES[i].capacity, CASES[i].strings_bytes, entries);
        expect(map_estimate_remade(&number, entries, version(20)), CASES[i].capacity, CASES[i].numbers_bytes, entries);
    }
}

/* 12 * (2^B / 2) there, for (8 * 13 / 16) is 6. */
Test(map_estimate, go1_21_fills_its_buckets_less)
{
    const struct map_shape shape = strings(MAP_DESIGN_BUCKETS);
    static const unsigned OTHERS[] = {17, 20, 22, 23};
    expect(map_estimate_remade(&shape, 12, version(21)), 16, 576, 12);
    expect(map_estimate_remade(&shape, 13, version(21)), 32, 1152, 13);
    expect(map_estimate_remade(&shape, 1536, version(21)), 2048, 81920, 1536);
    expect(map_estimate_remade(&shape, 1537, version(21)), 4096, 155648, 1537);
    for (unsigned i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++)
        expect(map_estimate_remade(&shape, 1537, version(OTHERS[i])), 2048, 81920, 1537);
}

Test(map_estimate, tables_made_for_so_many_entries)
{
    static const struct {
        uint64_t entries, capacity, strings_bytes, numbers_bytes;
    } CASES[] = {
        {0, 8, 288, 144},
        {8, 8, 288, 144},
        {9, 16, 576, 288},                        /* 10 slots wanted */
        {14, 16, 576, 288},                       /* 16 */
        {15, 32, 1152, 576},                      /* 17: 1,056 and a header */
        {896, 1024, 40960, 18432},                /* 1,024: 33,792 and 17,408 */
        {897, 1024, 2 * 18432ull, 2 * 9472ull},   /* 1,025: two tables of 512 */
        {1000, 2048, 2 * 40960ull, 2 * 18432ull}, /* 1,142: two tables of 571, which becomes 1,024 */
        {1792, 2048, 2 * 40960ull, 2 * 18432ull}, /* 2,048 */
        {1793, 2048, 4 * 18432ull, 4 * 9472ull},  /* 2,049: four of 512 */
        {10000000, 16777216, 671088640, 301989888},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct map_shape text = strings(MAP_DESIGN_SWISS), number = numbers(MAP_DESIGN_SWISS);
        uint64_t entries = CASES[i].entries;
        expect(map_estimate_remade(&text, entries, version(26)), CASES[i].capacity, CASES[i].strings_bytes, entries);
        expect(map_estimate_remade(&number, entries, version(26)), CASES[i].capacity, CASES[i].numbers_bytes, entries);
    }
}

/* ---- growth ---- */

Test(map_estimate, buckets_grow_when_they_are_full_or_the_load_is_passed)
{
    static const struct {
        uint64_t buckets, at_entries, capacity, bytes;
    } CASES[] = {
        {0, 9, 16, 576}, /* none is there before the first entry */
        {1, 9, 16, 576}, {2, 14, 32, 1152}, {8, 53, 128, 4864}, {128, 833, 2048, 81920}, {256, 1665, 4096, 155648},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct map_shape shape = strings(MAP_DESIGN_BUCKETS);
        uint64_t at_entries;
        shape.buckets = CASES[i].buckets;
        expect(map_estimate_grown(&shape, 12345, version(22), &at_entries), CASES[i].capacity, CASES[i].bytes,
               CASES[i].buckets);
        cr_expect_eq(at_entries, CASES[i].at_entries, "%lu buckets: %lu", CASES[i].buckets, at_entries);
    }
}

/* table.go:rehash */
Test(map_estimate, tables_double_until_they_split)
{
    static const struct {
        uint64_t tables, entries, slots, growth_left, capacity, bytes, at_entries, grown_capacity, grown_bytes;
    } CASES[] = {
        {0, 3, 0, 0, 8, 288, 9, 16, 576},                                  /* a small map becomes a table */
        {1, 10, 16, 4, 16, 576, 15, 32, 1152},                             /* 1,056 and a header */
        {1, 448, 512, 0, 512, 18432, 449, 1024, 40960},                    /* one of 1,024: 33,792 */
        {1, 800, 1024, 96, 1024, 40960, 897, 2048, 81920},                 /* two of 1,024 */
        {3, 1000, 512, 7, 2560, 18432 + 2 * 40960, 1008, 3072, 3 * 40960}, /* the table of 512 is fuller */
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct map_shape shape = strings(MAP_DESIGN_SWISS);
        uint64_t at_entries;
        shape.tables = CASES[i].tables;
        shape.entries = CASES[i].entries;
        shape.capacity = CASES[i].capacity;
        shape.fullest_capacity = CASES[i].slots;
        shape.fullest_growth_left = CASES[i].growth_left;
        expect(map_estimate_grown(&shape, CASES[i].bytes, version(26), &at_entries), CASES[i].grown_capacity,
               CASES[i].grown_bytes, CASES[i].entries);
        cr_expect_eq(at_entries, CASES[i].at_entries, "case %u: %lu", i, at_entries);
    }
}

/* Whatever was counted in memory that makes no sense. */
Test(map_estimate, numbers_without_sense_have_an_answer)
{
    for (unsigned design = 0; design < 2; design++) {
        struct map_shape shape = strings((enum map_design)design);
        uint64_t at_entries;
        shape.buckets = shape.entries = shape.capacity = UINT64_MAX;
        shape.tables = UINT64_MAX;
        shape.fullest_capacity = 1024;
        map_estimate_remade(&shape, UINT64_MAX, version(27));
        map_estimate_grown(&shape, UINT64_MAX, version(27), &at_entries);
        cr_expect_leq(map_estimate_remade(&shape, 1ull << 60, version(27)).capacity, 1ull << 50);
    }
}
