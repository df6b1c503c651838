/* SPDX-License-Identifier: Apache-2.0
 *
 * The shadow table: what each kind of call makes of a page, half pages, whole slots, and the table's limits.
 */
#include "preload/shadow.h"

#include <criterion/criterion.h>
#include <stddef.h>

/* An arena in the middle of nowhere: nothing is ever read or written there. */
#define ARENA UINT64_C(0xc000000000)
#define TIB (1ull << 40)
#define TABLE_END (1ull << 47)

enum { HALF_BYTES = 4096, START_TICKS = 1000, LEAF_BYTES = GO_ARENA_PAGES * 8 };

static struct region region;
static struct shadow shadow;

static void open_shadow(void)
{
    cr_assert(region_open(&region, 256 << 20));
    cr_assert(shadow_open(&shadow, &region, START_TICKS));
}

TestSuite(shadow, .init = open_shadow);

static uint64_t leaves(void)
{
    static uint64_t taken_when_open;
    if (taken_when_open == 0)
        taken_when_open = shadow.slots_count * sizeof shadow.slots[0];
    return (atomic_load(&region.taken_bytes) - taken_when_open) / LEAF_BYTES;
}

static void expect_page(uintptr_t address, enum shadow_origin lower, enum shadow_origin upper, enum shadow_state state,
                        enum advice advice, uint32_t released)
{
    struct shadow_entry entry = shadow_look_up(&shadow, address);
    cr_expect_eq(entry.origin[0], lower, "%lx: lower origin %d", address, entry.origin[0]);
    cr_expect_eq(entry.origin[1], upper, "%lx: upper origin %d", address, entry.origin[1]);
    cr_expect_eq(entry.state, state, "%lx: state %d", address, entry.state);
    cr_expect_eq(entry.advice, advice, "%lx: advice %d", address, entry.advice);
    cr_expect_eq(entry.released_count, released, "%lx: released %u times", address, entry.released_count);
}

static void expect_plain(uintptr_t address, enum shadow_origin origin)
{
    expect_page(address, origin, origin, STATE_PLAIN, ADVICE_NONE, 0);
}

Test(shadow, knows_nothing_at_first)
{
    expect_plain(0, ORIGIN_UNKNOWN);
    expect_plain(ARENA, ORIGIN_UNKNOWN);
    expect_plain(TABLE_END - 1, ORIGIN_UNKNOWN);
    expect_plain(UINTPTR_MAX, ORIGIN_UNKNOWN);
    cr_expect_eq(leaves(), 0);
}

Test(shadow, mapped_memory_has_its_origin_until_it_is_unmapped)
{
    static const enum shadow_origin ORIGINS[] = {ORIGIN_GO, ORIGIN_C, ORIGIN_LOADER};
    for (unsigned i = 0; i < sizeof ORIGINS / sizeof ORIGINS[0]; i++) {
        uintptr_t start = 0x7f0000000000 + i * GO_ARENA_BYTES + 6 * GO_PAGE_BYTES;
        shadow_mark_mapped(&shadow, start, 3 * GO_PAGE_BYTES, ORIGINS[i], true, 0);
        expect_plain(start - 1, ORIGIN_UNKNOWN);
        expect_plain(start, ORIGINS[i]);
        expect_plain(start + 3 * GO_PAGE_BYTES - 1, ORIGINS[i]);
        expect_plain(start + 3 * GO_PAGE_BYTES, ORIGIN_UNKNOWN);
        shadow_mark_unmapped(&shadow, start + GO_PAGE_BYTES, GO_PAGE_BYTES);
        expect_plain(start, ORIGINS[i]);
        expect_plain(start + GO_PAGE_BYTES, ORIGIN_UNKNOWN);
        expect_plain(start + 2 * GO_PAGE_BYTES, ORIGINS[i]);
    }
}

Test(shadow, memory_without_access_outside_of_arenas_is_of_nobody)
{
    shadow_mark_mapped(&shadow, ARENA, 4 * GO_PAGE_BYTES, ORIGIN_GO, false, 0);
    expect_plain(ARENA, ORIGIN_UNKNOWN);
    cr_expect_eq(leaves(), 0);
    shadow_mark_mapped(&shadow, ARENA, 4 * GO_PAGE_BYTES, ORIGIN_C, true, 0);
    shadow_mark_mapped(&shadow, ARENA, 2 * GO_PAGE_BYTES, ORIGIN_C, false, 0);
    expect_plain(ARENA, ORIGIN_UNKNOWN);
    expect_plain(ARENA + 2 * GO_PAGE_BYTES, ORIGIN_C);
}

Test(shadow, a_page_of_an_arena_goes_from_reserved_to_mapped_to_released_and_back)
{
    const uintptr_t page = ARENA + 5 * GO_PAGE_BYTES;
    shadow_mark_arena(&shadow, ARENA, GO_ARENA_BYTES);
    expect_page(page, ORIGIN_GO, ORIGIN_GO, STATE_RESERVED, ADVICE_NONE, 0);
    shadow_mark_mapped(&shadow, ARENA, 4 << 20, ORIGIN_GO, true, 0);
    expect_page(page, ORIGIN_GO, ORIGIN_GO, STATE_MAPPED, ADVICE_NONE, 0);
    shadow_mark_advised(&shadow, page, GO_PAGE_BYTES, ADVICE_DONTNEED, START_TICKS);
    expect_page(page, ORIGIN_GO, ORIGIN_GO, STATE_RELEASED, ADVICE_DONTNEED, 1);
    expect_page(page + GO_PAGE_BYTES, ORIGIN_GO, ORIGIN_GO, STATE_MAPPED, ADVICE_NONE, 0);
    shadow_mark_advised(&shadow, page, GO_PAGE_BYTES, ADVICE_FREE, START_TICKS);
    expect_page(page, ORIGIN_GO, ORIGIN_GO, STATE_LAZY, ADVICE_FREE, 2);
    shadow_mark_advised(&shadow, page, GO_PAGE_BYTES, ADVICE_NOHUGEPAGE, START_TICKS);
    expect_page(page, ORIGIN_GO, ORIGIN_GO, STATE_LAZY, ADVICE_NOHUGEPAGE, 2);
    /* harddecommit */
    shadow_mark_mapped(&shadow, page, GO_PAGE_BYTES, ORIGIN_GO, true, 0);
    expect_page(page, ORIGIN_GO, ORIGIN_GO, STATE_MAPPED, ADVICE_NOHUGEPAGE, 2);
    shadow_mark_mapped(&shadow, page, GO_PAGE_BYTES, ORIGIN_GO, false, 0);
    expect_page(page, ORIGIN_GO, ORIGIN_GO, STATE_RELEASED, ADVICE_NOHUGEPAGE, 2);
    shadow_mark_unmapped(&shadow, page, GO_PAGE_BYTES);
    expect_plain(page, ORIGIN_UNKNOWN);
}

Test(shadow, memory_that_c_maps_over_an_arena_is_c_memory)
{
    shadow_mark_arena(&shadow, ARENA, GO_ARENA_BYTES);
    shadow_mark_advised(&shadow, ARENA, GO_PAGE_BYTES, ADVICE_DONTNEED, START_TICKS);
    shadow_mark_mapped(&shadow, ARENA, GO_PAGE_BYTES, ORIGIN_C, true, 0);
    expect_plain(ARENA, ORIGIN_C);
    expect_page(ARENA + GO_PAGE_BYTES, ORIGIN_GO, ORIGIN_GO, STATE_RESERVED, ADVICE_NONE, 0);
}

Test(shadow, an_arena_begins_without_history)
{
    shadow_mark_mapped(&shadow, ARENA, GO_PAGE_BYTES, ORIGIN_C, true, 0);
    shadow_mark_advised(&shadow, ARENA, GO_PAGE_BYTES, ADVICE_DONTNEED, START_TICKS);
    shadow_mark_arena(&shadow, ARENA, GO_ARENA_BYTES);
    expect_page(ARENA, ORIGIN_GO, ORIGIN_GO, STATE_RESERVED, ADVICE_NONE, 0);
}

Test(shadow, advice_on_other_memory_is_kept_and_changes_no_state)
{
    shadow_mark_mapped(&shadow, ARENA, GO_PAGE_BYTES, ORIGIN_C, true, UINT16_MAX);
    shadow_mark_advised(&shadow, ARENA, GO_PAGE_BYTES, ADVICE_DONTNEED, START_TICKS);
    expect_page(ARENA, ORIGIN_C, ORIGIN_C, STATE_PLAIN, ADVICE_DONTNEED, 0);
    cr_expect_eq(shadow_look_up(&shadow, ARENA).site, UINT16_MAX);
    shadow_mark_mapped(&shadow, ARENA, GO_PAGE_BYTES, ORIGIN_C, true, 0);
    expect_plain(ARENA, ORIGIN_C);
}

Test(shadow, advice_on_unknown_memory_leaves_it_unknown)
{
    shadow_mark_advised(&shadow, ARENA, TIB, ADVICE_DONTNEED, START_TICKS);
    expect_plain(ARENA, ORIGIN_UNKNOWN);
    cr_expect_eq(leaves(), 0);
}

Test(shadow, every_advice_is_told_apart)
{
    shadow_mark_arena(&shadow, ARENA, GO_ARENA_BYTES);
    for (int advice = ADVICE_NONE + 1; advice < ADVICE_COUNT; advice++) {
        shadow_mark_advised(&shadow, ARENA, GO_PAGE_BYTES, (enum advice)advice, START_TICKS);
        cr_expect_eq(shadow_look_up(&shadow, ARENA).advice, (enum advice)advice);
    }
    cr_expect_eq(shadow_look_up(&shadow, ARENA).released_count, 2, "DONTNEED and FREE release, no other");
}

Test(shadow, half_pages_have_origins_of_their_own)
{
    const uintptr_t page = 0x7f0000002000;
    shadow_mark_mapped(&shadow, page, HALF_BYTES, ORIGIN_C, true, 0);
    expect_page(page, ORIGIN_C, ORIGIN_UNKNOWN, STATE_PLAIN, ADVICE_NONE, 0);
    shadow_mark_mapped(&shadow, page + HALF_BYTES, HALF_BYTES, ORIGIN_GO, true, 0);
    expect_page(page, ORIGIN_C, ORIGIN_GO, STATE_PLAIN, ADVICE_NONE, 0);
    shadow_mark_unmapped(&shadow, page, HALF_BYTES);
    expect_page(page, ORIGIN_UNKNOWN, ORIGIN_GO, STATE_PLAIN, ADVICE_NONE, 0);
    shadow_mark_mapped(&shadow, page - HALF_BYTES, 3 * HALF_BYTES - 1, ORIGIN_LOADER, true, 0); /* rounded up */
    expect_page(page - GO_PAGE_BYTES, ORIGIN_UNKNOWN, ORIGIN_LOADER, STATE_PLAIN, ADVICE_NONE, 0);
    expect_page(page, ORIGIN_LOADER, ORIGIN_LOADER, STATE_PLAIN, ADVICE_NONE, 0);
    shadow_mark_unmapped(&shadow, page + HALF_BYTES, 1);
    expect_page(page, ORIGIN_LOADER, ORIGIN_UNKNOWN, STATE_PLAIN, ADVICE_NONE, 0);
}

Test(shadow, the_count_of_releases_stops_at_its_limit)
{
    shadow_mark_arena(&shadow, ARENA, GO_ARENA_BYTES);
    for (uint32_t i = 1; i <= 70000; i++) {
        shadow_mark_advised(&shadow, ARENA, GO_PAGE_BYTES, ADVICE_DONTNEED, START_TICKS);
        if (i == 65534 || i == 65535 || i == 65536)
            expect_page(ARENA, ORIGIN_GO, ORIGIN_GO, STATE_RELEASED, ADVICE_DONTNEED, i > 65535 ? 65535 : i);
    }
    expect_page(ARENA, ORIGIN_GO, ORIGIN_GO, STATE_RELEASED, ADVICE_DONTNEED, 65535);
}

Test(shadow, the_time_of_an_advice_is_kept_in_its_unit)
{
    const uint64_t unit = 1ull << 24;
    static const struct {
        uint64_t ticks, units;
    } CASES[] = {{0, 1}, {1ull << 23, 1}, {1ull << 24, 1}, {3ull << 24, 3}, {UINT64_MAX - START_TICKS, 0xffffffff}};
    shadow_mark_arena(&shadow, ARENA, GO_ARENA_BYTES);
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        shadow_mark_advised(&shadow, ARENA, GO_PAGE_BYTES, ADVICE_COLD, START_TICKS + CASES[i].ticks);
        cr_expect_eq(shadow_look_up(&shadow, ARENA).last_ticks, CASES[i].units * unit, "case %u", i);
    }
    shadow_mark_advised(&shadow, ARENA, GO_PAGE_BYTES, ADVICE_COLD, START_TICKS - 1);
    cr_expect_eq(shadow_look_up(&shadow, ARENA).last_ticks, unit, "by a core whose clock lags behind");
    shadow_mark_arena(&shadow, ARENA, GO_ARENA_BYTES);
    cr_expect_eq(shadow_look_up(&shadow, ARENA).last_ticks, 0);
}

Test(shadow, huge_ranges_need_no_leaves)
{
    shadow_mark_mapped(&shadow, TIB, TIB, ORIGIN_C, true, 0);
    expect_plain(TIB, ORIGIN_C);
    expect_plain(2 * TIB - 1, ORIGIN_C);
    expect_plain(2 * TIB, ORIGIN_UNKNOWN);
    shadow_mark_arena(&shadow, TIB, TIB);
    expect_page(TIB + TIB / 2, ORIGIN_GO, ORIGIN_GO, STATE_RESERVED, ADVICE_NONE, 0);
    shadow_mark_mapped(&shadow, TIB, TIB, ORIGIN_GO, true, 0);
    expect_page(TIB + TIB / 2, ORIGIN_GO, ORIGIN_GO, STATE_MAPPED, ADVICE_NONE, 0);
    shadow_mark_unmapped(&shadow, 0, TABLE_END);
    expect_plain(TIB, ORIGIN_UNKNOWN);
    cr_expect_eq(leaves(), 0);
    cr_expect_eq(atomic_load(&shadow.ranges_untracked), 0);
}

Test(shadow, a_uniform_slot_is_split_when_a_part_of_it_changes)
{
    shadow_mark_mapped(&shadow, ARENA, 3ull * GO_ARENA_BYTES, ORIGIN_C, true, 0);
    shadow_mark_unmapped(&shadow, ARENA + GO_ARENA_BYTES + HALF_BYTES, HALF_BYTES);
    cr_expect_eq(leaves(), 1);
    expect_plain(ARENA + GO_ARENA_BYTES - 1, ORIGIN_C);
    expect_page(ARENA + GO_ARENA_BYTES, ORIGIN_C, ORIGIN_UNKNOWN, STATE_PLAIN, ADVICE_NONE, 0);
    expect_plain(ARENA + GO_ARENA_BYTES + GO_PAGE_BYTES, ORIGIN_C);
    expect_plain(ARENA + 2ull * GO_ARENA_BYTES - 1, ORIGIN_C);
    expect_plain(ARENA + 2ull * GO_ARENA_BYTES, ORIGIN_C);
    /* A leaf stays, and whole slots still change as one. */
    shadow_mark_unmapped(&shadow, ARENA, 3ull * GO_ARENA_BYTES);
    expect_plain(ARENA + GO_ARENA_BYTES, ORIGIN_UNKNOWN);
    expect_plain(ARENA + 2ull * GO_ARENA_BYTES - 1, ORIGIN_UNKNOWN);
    shadow_mark_mapped(&shadow, ARENA + GO_ARENA_BYTES, GO_PAGE_BYTES, ORIGIN_GO, true, 0);
    cr_expect_eq(leaves(), 1, "and is used again");
}

Test(shadow, a_range_may_begin_and_end_inside_of_slots)
{
    const uintptr_t start = ARENA + GO_ARENA_BYTES - GO_PAGE_BYTES - HALF_BYTES;
    const uint64_t bytes = GO_ARENA_BYTES + 2ull * GO_PAGE_BYTES + 2 * HALF_BYTES;
    shadow_mark_mapped(&shadow, start, bytes, ORIGIN_C, true, 0);
    expect_page(start, ORIGIN_UNKNOWN, ORIGIN_C, STATE_PLAIN, ADVICE_NONE, 0);
    expect_plain(start + HALF_BYTES, ORIGIN_C);
    expect_plain(ARENA + GO_ARENA_BYTES, ORIGIN_C);
    expect_plain(ARENA + 2ull * GO_ARENA_BYTES - 1, ORIGIN_C);
    expect_page(start + bytes - 1, ORIGIN_C, ORIGIN_UNKNOWN, STATE_PLAIN, ADVICE_NONE, 0);
    expect_plain(start + bytes + HALF_BYTES, ORIGIN_UNKNOWN);
    cr_expect_eq(leaves(), 2, "the slot between them is uniform");
}

Test(shadow, ranges_beyond_the_table_are_counted_and_change_nothing)
{
    static const struct {
        uintptr_t start;
        uint64_t bytes;
    } CASES[] = {{TABLE_END, 4096},   {TABLE_END - 4096, 8192}, {UINT64_MAX - 4095, 4096}, {0, UINT64_MAX},
                 {ARENA, UINT64_MAX}, {1ull << 63, 1ull << 62}, {4096, TABLE_END}};
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        shadow_mark_mapped(&shadow, CASES[i].start, CASES[i].bytes, ORIGIN_C, true, 0);
        cr_expect_eq(atomic_load(&shadow.ranges_untracked), i + 1, "case %u", i);
    }
    expect_plain(ARENA, ORIGIN_UNKNOWN);
    shadow_mark_mapped(&shadow, TABLE_END - 4096, 4096, ORIGIN_C, true, 0);
    expect_page(TABLE_END - 1, ORIGIN_UNKNOWN, ORIGIN_C, STATE_PLAIN, ADVICE_NONE, 0);
    cr_expect_eq(atomic_load(&shadow.ranges_untracked), sizeof CASES / sizeof CASES[0]);
}

Test(shadow, an_empty_range_changes_nothing)
{
    shadow_mark_mapped(&shadow, ARENA, 0, ORIGIN_C, true, 0);
    expect_plain(ARENA, ORIGIN_UNKNOWN);
    cr_expect_eq(leaves(), 0);
    cr_expect_eq(atomic_load(&shadow.ranges_untracked), 0);
}

Test(shadow, ranges_without_memory_for_a_leaf_are_counted)
{
    struct region small = {0};
    struct shadow tight = {0};
    cr_assert(region_open(&small, shadow.slots_count * 8 + LEAF_BYTES));
    cr_assert(shadow_open(&tight, &small, START_TICKS));
    shadow_mark_mapped(&tight, ARENA, GO_PAGE_BYTES, ORIGIN_C, true, 0);
    cr_expect_eq(atomic_load(&tight.ranges_untracked), 0);
    shadow_mark_mapped(&tight, ARENA + GO_ARENA_BYTES, GO_PAGE_BYTES, ORIGIN_C, true, 0);
    cr_expect_eq(atomic_load(&tight.ranges_untracked), 1);
    cr_expect_eq(shadow_look_up(&tight, ARENA).origin[0], ORIGIN_C);
    cr_expect_eq(shadow_look_up(&tight, ARENA + GO_ARENA_BYTES).origin[0], ORIGIN_UNKNOWN);
    /* What needs no leaf still works. */
    shadow_mark_mapped(&tight, TIB, TIB, ORIGIN_GO, true, 0);
    cr_expect_eq(shadow_look_up(&tight, TIB + TIB / 2).origin[0], ORIGIN_GO);
    cr_expect_eq(atomic_load(&tight.ranges_untracked), 1);
}

Test(shadow, without_memory_for_the_table_it_is_not_opened)
{
    struct region small = {0};
    struct shadow none = {0};
    cr_assert(region_open(&small, 1 << 20));
    cr_expect_not(shadow_open(&none, &small, START_TICKS));
    shadow_mark_mapped(&none, ARENA, GO_PAGE_BYTES, ORIGIN_C, true, 0);
    cr_expect_eq(shadow_look_up(&none, ARENA).origin[0], ORIGIN_UNKNOWN);
    cr_expect_eq(atomic_load(&none.ranges_untracked), 1);
}
