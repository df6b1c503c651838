/* SPDX-License-Identifier: Apache-2.0
 *
 * Known ranges: sorted however they come, never overlapping; and which mappings are taken for libraries.
 */
#include "dump/known_ranges.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#include "tests/unit/support/random.h"

static struct bump bump;
static struct known_ranges known;

static void open_ranges(void)
{
    cr_assert_eq(bump_open(&bump, 64 << 20), 0);
    cr_assert(known_ranges_open(&known, &bump));
}

TestSuite(known_ranges, .init = open_ranges);

static void add(uintptr_t start, uintptr_t end)
{
    known_ranges_add(&known, (struct known_range){start, end, CLASS_LIBS, (uint32_t)start});
}

Test(known_ranges, are_sorted_and_found_by_address)
{
    static const struct {
        uintptr_t address, start; /* 0: none */
    } LOOK_UPS[] = {{0, 0x1000},      {0x0fff, 0x1000}, {0x1000, 0x1000}, {0x1fff, 0x1000},
                    {0x2000, 0x2000}, {0x3000, 0x5000}, {0x5fff, 0x5000}, {0x6000, 0x9000},
                    {0x9fff, 0x9000}, {0xa000, 0},      {UINTPTR_MAX, 0}};
    cr_expect_null(known_ranges_from(&known, 0));
    add(0x5000, 0x6000);
    add(0x1000, 0x2000);
    add(0x9000, 0xa000);
    add(0x2000, 0x3000); /* neighbours do not overlap */
    cr_assert_eq(known.count, 4);
    for (uint64_t i = 1; i < known.count; i++)
        cr_expect_leq(known.ranges[i - 1].end, known.ranges[i].start);
    for (unsigned i = 0; i < sizeof LOOK_UPS / sizeof LOOK_UPS[0]; i++) {
        const struct known_range *range = known_ranges_from(&known, LOOK_UPS[i].address);
        cr_expect_eq(range == NULL ? 0 : range->start, LOOK_UPS[i].start, "from %lx", LOOK_UPS[i].address);
        cr_expect(range == NULL || range->tid == (uint32_t)range->start, "a range keeps what belongs to it");
    }
    cr_expect_eq(known.dropped, 0);
}

Test(known_ranges, what_overlaps_is_dropped_and_counted)
{
    static const uintptr_t OVERLAPS[][2] = {{0x1000, 0x2000}, {0x0800, 0x1001}, {0x1fff, 0x3000},
                                            {0x1400, 0x1800}, {0x0000, 0x9000}, {0x4fff, 0x5001}};
    add(0x1000, 0x2000);
    add(0x5000, 0x6000);
    for (unsigned i = 0; i < sizeof OVERLAPS / sizeof OVERLAPS[0]; i++) {
        add(OVERLAPS[i][0], OVERLAPS[i][1]);
        cr_expect_eq(known.count, 2, "overlap %u", i);
        cr_expect_eq(known.dropped, i + 1);
    }
    add(0x3000, 0x3000);
    add(0x4000, 0x3000);
    cr_expect_eq(known.count, 2);
    cr_expect_eq(known.dropped, 6, "an empty range is no loss");
}

Test(known_ranges, that_do_not_fit_are_counted)
{
    const uint64_t capacity = known.room.reserved_bytes / sizeof known.ranges[0];
    for (uint64_t i = 0; i < capacity; i++)
        add(0x1000 * i, 0x1000 * i + 0x800);
    cr_expect_eq(known.count, capacity);
    add(0x1000 * capacity, 0x1000 * capacity + 1);
    cr_expect_eq(known.count, capacity);
    cr_expect_eq(known.dropped, 1);
}

Test(known_ranges, agree_with_a_plain_list)
{
    enum { ADDRESSES = 2000, ADDS = 3000 };
    static bool is_taken[ADDRESSES];
    struct random random = {31};
    uint64_t dropped = 0;
    for (int i = 0; i < ADDS; i++) {
        uint64_t start = random_below(&random, ADDRESSES), end = start + 1 + random_below(&random, 12);
        bool overlaps = false;
        end = end > ADDRESSES ? ADDRESSES : end;
        for (uint64_t address = start; address < end; address++)
            overlaps |= is_taken[address];
        for (uint64_t address = start; address < end && !overlaps; address++)
            is_taken[address] = true;
        dropped += overlaps;
        add(start, end);
    }
    cr_expect_eq(known.dropped, dropped);
    for (uint64_t address = 0; address < ADDRESSES; address++) {
        const struct known_range *range = known_ranges_from(&known, address);
        cr_assert_eq(range != NULL && range->start <= address, is_taken[address], "%lu", address);
    }
}

Test(known_ranges, without_memory_there_are_none)
{
    struct bump small;
    struct known_ranges none;
    cr_assert_eq(bump_open(&small, 4096), 0);
    cr_expect_not(known_ranges_open(&none, &small));
}

static struct vma file_vma(uint64_t inode, uint32_t device, bool is_executable)
{
    return (struct vma){.inode = inode, .device_minor = device, .is_executable = is_executable, .name = ""};
}

Test(find_libraries, marks_the_mappings_of_a_file_that_is_executable_nearby)
{
    struct vma vmas[] = {
        file_vma(1, 0, false), file_vma(1, 0, true), file_vma(1, 0, false), /* a library */
        file_vma(2, 0, false),                                              /* a file */
        file_vma(0, 0, true),                                               /* JIT code: no file */
        file_vma(0, 0, false),                                              /* anonymous */
        file_vma(1, 9, false),                                              /* the same inode, elsewhere */
        file_vma(3, 0, false), file_vma(3, 0, true),                        /* another library */
    };
    static const bool EXPECTED[] = {true, true, true, false, false, false, false, true, true};
    struct vma_list list = {.vmas = vmas, .count = sizeof vmas / sizeof vmas[0]};
    const bool *is_library = find_libraries(&list, &bump);
    cr_assert_not_null(is_library);
    for (uint64_t i = 0; i < list.count; i++)
        cr_expect_eq(is_library[i], EXPECTED[i], "mapping %lu", i);
}

Test(find_libraries, a_data_file_far_from_its_executable_mapping_is_a_file)
{
    enum { COUNT = 40 };
    struct vma vmas[COUNT];
    for (int i = 0; i < COUNT; i++)
        vmas[i] = file_vma(7, 0, i == 0);
    struct vma_list list = {.vmas = vmas, .count = COUNT};
    const bool *is_library = find_libraries(&list, &bump);
    cr_expect(is_library[1]);
    cr_expect_not(is_library[COUNT - 1]);
    list.count = 0;
    cr_expect_not_null(find_libraries(&list, &bump));
}

TestSuite(find_libraries, .init = open_ranges);
