/* SPDX-License-Identifier: Apache-2.0
 *
 * The bump allocator: pieces are zeroed, aligned and apart, and the end of the reserve is an answer, not a fault.
 */
#include "memory/bump.h"

#include <criterion/criterion.h>
#include <string.h>

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
