/* SPDX-License-Identifier: Apache-2.0
 *
 * The bump allocator: pieces are zeroed, aligned and apart, and the end of the reserve is an answer, not a fault.
 */
#include "memory/bump.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "memory/limits.h"
#include "memory/proc_status.h"
#include "tests/unit/support/random.h"

static bool is_zero(const uint8_t *bytes, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

Test(bump, pieces_are_zeroed_aligned_and_apart)
{
    struct bump bump;
    struct random random = {3};
    cr_assert_eq(bump_open(&bump, 1 << 20), 0);
    uint8_t *before_end = bump.start;
    for (int i = 0; i < 500; i++) {
        uint64_t bytes = random_below(&random, 300);
        uint8_t *piece = bump_take(&bump, bytes);
        cr_assert_not_null(piece);
        cr_expect_eq((uintptr_t)piece % 16, 0);
        cr_expect_geq(piece, before_end);
        cr_expect(is_zero(piece, bytes));
        memset(piece, 0xff, bytes);
        before_end = piece + bytes;
    }
    cr_expect_leq(before_end, bump.start + bump.used_bytes);
    bump_close(&bump);
    cr_expect_null(bump.start);
    bump_close(&bump); /* harmless */
}

Test(bump, is_used_up_to_the_last_byte_and_not_beyond)
{
    struct bump bump;
    cr_assert_eq(bump_open(&bump, 8192), 0);
    cr_expect_null(bump_take(&bump, 8193));
    cr_expect_null(bump_take(&bump, UINT64_MAX));
    cr_expect_null(bump_take(&bump, UINT64_MAX - 15));
    uint8_t *all = bump_take(&bump, 8192);
    cr_assert_not_null(all);
    all[8191] = 1;
    cr_expect_null(bump_take(&bump, 1));
    cr_expect_not_null(bump_take(&bump, 0));
    cr_expect_str_eq(bump_string(&bump, "text", 4), "");
    bump_close(&bump);
}

Test(bump, copies_strings_with_a_zero_behind)
{
    struct bump bump;
    cr_assert_eq(bump_open(&bump, 4096), 0);
    const char *copy = bump_string(&bump, "abcdef", 3);
    cr_expect_str_eq(copy, "abc");
    cr_expect_str_eq(bump_string(&bump, "", 0), "");
    cr_expect_str_eq(copy, "abc");
    bump_close(&bump);
}

Test(bump, a_reserve_that_the_kernel_refuses_is_an_error)
{
    struct bump bump;
    cr_expect_lt(bump_open(&bump, 1ull << 60), 0);
    cr_expect_null(bump.start);
}

Test(bump, a_room_grows_at_its_place_and_ends)
{
    enum { MOST = 1 << 20 };
    struct bump bump;
    struct bump_room room;
    cr_assert_eq(bump_open(&bump, 4 << 20), 0);
    cr_assert_not_null(bump_take(&bump, 100));
    cr_expect_not(bump_take_room(&bump, &room, 4 << 20));
    cr_assert(bump_take_room(&bump, &room, MOST));
    uint8_t *behind = bump_take(&bump, 100);
    cr_assert_geq(behind, room.start + MOST);
    for (uint64_t bytes = 1; bytes <= MOST; bytes = bytes < 300 ? bytes + 1 : 2 * bytes + 1) {
        cr_assert(bump_room_open(&room, bytes));
        cr_expect_eq(room.start[bytes - 1], 0);
        room.start[bytes - 1] = 0xff;
    }
    cr_expect(bump_room_open(&room, MOST));
    room.start[MOST - 1] = 0xff;
    cr_expect_not(bump_room_open(&room, MOST + 1));
    cr_expect_not(bump_room_open(&room, UINT64_MAX));
    cr_expect(is_zero(behind, 100));
    bump_close(&bump);
}

static uint64_t data_bytes(void)
{
    struct proc_status status;
    cr_assert_eq(proc_status_read(&status, "/proc/self/status"), 0);
    return status.data_bytes;
}

Test(bump, holds_no_more_of_what_is_limited_than_it_hands_out)
{
    enum { MIB = 1 << 20 };
    struct bump bump;
    struct rlimit limit;
    uint64_t before = data_bytes();
    cr_assert_eq(bump_open(&bump, 1ull << 30), 0);
    cr_expect_eq(data_bytes(), before, "address space is no data");
    cr_assert_not_null(bump_take(&bump, 2 * MIB));
    cr_expect_leq(data_bytes() - before, 3 * MIB);
    getrlimit(RLIMIT_DATA, &limit);
    limit.rlim_cur = data_bytes() + 2 * MIB;
    cr_assert_eq(setrlimit(RLIMIT_DATA, &limit), 0);
    cr_expect_null(bump_take(&bump, 16 * MIB), "the reserve has it, the limit has not");
    uint8_t *piece = bump_take(&bump, MIB);
    cr_assert_not_null(piece);
    piece[MIB - 1] = 1;
    cr_expect_neq(mmap(NULL, MIB / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MAP_FAILED);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_DATA, &limit);
    bump_close(&bump);
}

Test(bump, knows_what_is_resident_of_it)
{
    struct bump bump;
    cr_assert_eq(bump_open(&bump, 64 << 20), 0);
    cr_expect_eq(bump_resident_bytes(&bump), 0);
    uint8_t *piece = bump_take(&bump, 16 << 20);
    for (uint64_t at = 0; at < 16 << 20; at += 1 << 20)
        piece[at] = 1;
    cr_expect_eq(bump_resident_bytes(&bump), 16 * 4096);
    bump_close(&bump);
}

Test(limits, leave_the_program_three_quarters)
{
    enum { MIB = 1 << 20 };
    static const int RESOURCES[] = {RLIMIT_AS, RLIMIT_DATA};
    cr_expect_eq(limits_share_bytes(MIB), MIB);
    for (unsigned i = 0; i < 2; i++) {
        struct proc_status status;
        struct rlimit limit;
        getrlimit(RESOURCES[i], &limit);
        cr_assert_eq(proc_status_read(&status, "/proc/self/status"), 0);
        uint64_t taken = RESOURCES[i] == RLIMIT_AS ? status.mapped_bytes : status.data_bytes;
        limit.rlim_cur = taken + 400 * MIB;
        cr_assert_eq(setrlimit(RESOURCES[i], &limit), 0);
        uint64_t share = limits_share_bytes(UINT64_MAX);
        cr_expect(share >= 98 * MIB && share <= 100 * MIB, "%lu", share);
        cr_expect_eq(limits_share_bytes(MIB), MIB);
        limit.rlim_cur = 1;
        cr_assert_eq(setrlimit(RESOURCES[i], &limit), 0);
        cr_expect_eq(limits_share_bytes(MIB), 0);
        limit.rlim_cur = limit.rlim_max;
        cr_assert_eq(setrlimit(RESOURCES[i], &limit), 0);
    }
}
