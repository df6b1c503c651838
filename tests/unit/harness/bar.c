/* SPDX-License-Identifier: Apache-2.0
 *
 * Bars show the share that they stand for, and all of them together the whole.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/bar.h"
#include "harness/table.h"

enum { COLUMNS = 20, EIGHTHS = 8 };

/* How many eighths of a column a bar fills, by the code points of its characters (U+2588: all, U+258f: one). */
static uint32_t eighths_of(const char *bar)
{
    uint32_t eighths = 0;
    for (; *bar != '\0'; bar += 3) {
        cr_assert_eq((unsigned char)bar[0], 0xe2);
        cr_assert_eq((unsigned char)bar[1], 0x96);
        cr_assert((unsigned char)bar[2] >= 0x88 && (unsigned char)bar[2] <= 0x8f);
        eighths += EIGHTHS - ((unsigned char)bar[2] - 0x88u);
    }
    return eighths;
}

Test(bar, length_is_the_share_rounded_to_the_nearest_step)
{
    for (uint64_t part = 0; part <= 1000; part++) {
        double share = (double)part / 1000;
        double eighths = eighths_of(bar_of_share(part, 1000, COLUMNS, true).text);
        double columns = (double)strlen(bar_of_share(part, 1000, COLUMNS, false).text);
        cr_assert_leq(eighths - share * COLUMNS * EIGHTHS, 0.5001, "%d", (int)part);
        cr_assert_geq(eighths - share * COLUMNS * EIGHTHS, -0.5001, "%d", (int)part);
        cr_assert_leq(columns - share * COLUMNS, 0.5001, "%d", (int)part);
        cr_assert_geq(columns - share * COLUMNS, -0.5001, "%d", (int)part);
    }
}

Test(bar, bars_of_all_parts_add_up_to_the_whole)
{
    static const uint64_t PARTS[] = {47616, 21094, 6144, 1935, 1720, 1618, 376, 257, 168, 108, 91};
    enum { PARTS_COUNT = sizeof PARTS / sizeof PARTS[0] };
    uint64_t whole = 0;
    uint32_t eighths = 0;
    for (size_t i = 0; i < PARTS_COUNT; i++)
        whole += PARTS[i];
    for (size_t i = 0; i < PARTS_COUNT; i++)
        eighths += eighths_of(bar_of_share(PARTS[i], whole, COLUMNS, true).text);
    cr_expect_leq(eighths, COLUMNS * EIGHTHS + PARTS_COUNT / 2);
    cr_expect_geq(eighths, COLUMNS * EIGHTHS - PARTS_COUNT / 2);
}

Test(bar, extremes)
{
    cr_expect_str_empty(bar_of_share(5, 0, COLUMNS, true).text);
    cr_expect_str_empty(bar_of_share(0, 5, COLUMNS, false).text);
    cr_expect_str_eq(bar_of_share(9, 5, 4, false).text, "####");
    cr_expect_eq(eighths_of(bar_of_share(UINT64_MAX, UINT64_MAX, BAR_COLUMNS_MAX, true).text), BAR_COLUMNS_MAX * 8);
    cr_expect_eq(eighths_of(bar_of_share(UINT64_MAX / 2, UINT64_MAX, BAR_COLUMNS_MAX, true).text), BAR_COLUMNS_MAX * 4);
}

Test(bar, distribution_is_relative_to_its_largest_value)
{
    static const uint64_t VALUES[] = {0, 1, 50, 100, 12, 13, 88, UINT64_MAX};
    cr_expect_str_eq(bar_of_distribution(VALUES, 7, true).text, ".▁▄█▁▂█");
    cr_expect_str_eq(bar_of_distribution(VALUES, 7, false).text, ".-+#--#");
    cr_expect_str_eq(bar_of_distribution(VALUES, 8, false).text, ".------#");
    cr_expect_str_eq(bar_of_distribution(VALUES, 1, true).text, ".");
    cr_expect_str_empty(bar_of_distribution(VALUES, 0, true).text);
}
