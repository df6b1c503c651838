/* SPDX-License-Identifier: Apache-2.0
 *
 * The conversions: alignment at the ends of the number range, where they could wrap.
 */
#include "memory/units.h"

#include <criterion/criterion.h>

Test(units, align_without_wrapping)
{
    static const struct {
        uint64_t value, align, down, up;
    } CASES[] = {
        {0, 4096, 0, 0},
        {1, 4096, 0, 4096},
        {4095, 4096, 0, 4096},
        {4096, 4096, 4096, 4096},
        {4097, 1, 4097, 4097},
        {0xc000000001, GO_ARENA_BYTES, 0xc000000000, 0xc004000000},
        {UINT64_MAX, 4096, ~4095ull, ~4095ull},
        {~4095ull, 4096, ~4095ull, ~4095ull},
        {~4094ull, 4096, ~4095ull, ~4095ull},
        {UINT64_MAX, 1, UINT64_MAX, UINT64_MAX},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        cr_expect_eq(align_down(CASES[i].value, CASES[i].align), CASES[i].down, "case %u", i);
        cr_expect_eq(align_up(CASES[i].value, CASES[i].align), CASES[i].up, "case %u", i);
    }
}

Test(units, smaller_and_larger)
{
    cr_expect_eq(min_u64(0, UINT64_MAX), 0);
    cr_expect_eq(max_u64(0, UINT64_MAX), UINT64_MAX);
    cr_expect_eq(min_u64(7, 7), 7);
    cr_expect_eq(GO_ARENA_PAGES * GO_PAGE_BYTES, GO_ARENA_BYTES);
}
