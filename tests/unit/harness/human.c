/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers for people, at the edges where digits and units change.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/human.h"

Test(human, bytes_keep_three_digits_and_their_unit)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } CASES[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1 KiB"},
        {1536, "1.50 KiB"},
        {4096, "4 KiB"},
        {1023u << 10, "1023 KiB"},
        {(1u << 20) - 1, "1.00 MiB"},
        {1u << 20, "1.00 MiB"},
        {(10u << 20) - 1, "10.0 MiB"},
        {64282624, "61.3 MiB"},
        {(100u << 20) - 1, "100 MiB"},
        {(1ull << 30) - 1, "1.00 GiB"},
        {1023ull << 20, "1023 MiB"},
        {5ull << 40, "5.00 TiB"},
        {UINT64_MAX, "16.0 EiB"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_str_eq(human_bytes(CASES[i].bytes).text, CASES[i].text);
}

Test(human, counts_have_a_comma_at_each_thousand)
{
    static const struct {
        uint64_t count;
        const char *text;
    } CASES[] = {
        {0, "0"},
        {999, "999"},
        {1000, "1,000"},
        {1050007, "1,050,007"},
        {100000, "100,000"},
        {UINT64_MAX, "18,446,744,073,709,551,615"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_str_eq(human_count(CASES[i].count).text, CASES[i].text);
}

Test(human, percent_never_hides_a_part_or_claims_the_whole)
{
    static const struct {
        uint64_t part, whole;
        const char *rounded, *floored;
    } CASES[] = {
        {0, 0, "-", "-"},
        {5, 0, "-", "-"},
        {0, 7, "0", "0.00"},
        {1, 1000000, "<0.1", "0.00"},
        {1, 2000, "0.1", "0.05"},
        {1, 3, "33.3", "33.33"},
        {2, 3, "66.7", "66.66"},
        {999999, 1000000, "100.0", "99.99"},
        {7, 7, "100.0", "100.00"},
        {8, 7, "114.3", "114.28"},
        {UINT64_MAX, UINT64_MAX, "100.0", "100.00"},
        {UINT64_MAX - 1, UINT64_MAX, "100.0", "99.99"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        cr_expect_str_eq(human_percent(CASES[i].part, CASES[i].whole).text, CASES[i].rounded);
        cr_expect_str_eq(human_percent_floor(CASES[i].part, CASES[i].whole).text, CASES[i].floored);
    }
}

Test(human, duration_in_the_unit_that_people_would_use)
{
    static const struct {
        uint64_t ns;
        const char *text;
    } CASES[] = {
        {0, "0 ms"},
        {999999, "0 ms"},
        {999999999, "999 ms"},
        {1000000000, "1.0 s"},
        {59999999999, "59.9 s"},
        {60000000000, "1 min 0 s"},
        {3599999999999, "59 min 59 s"},
        {3600000000000, "1 h 0 min"},
        {86399999999999, "23 h 59 min"},
        {183600000000000, "2 d 3 h"},
        {UINT64_MAX, "213503 d 23 h"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_str_eq(human_duration(CASES[i].ns).text, CASES[i].text);
}
