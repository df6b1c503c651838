/* SPDX-License-Identifier: Apache-2.0
 *
 * The page string: what an arena's pages become, and that everything that is no page string is refused.
 */
#include "dump/page_string.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/random.h"

enum { LETTERS_MAX = 9000 };

static uint8_t letters[LETTERS_MAX], decoded[LETTERS_MAX + 1];
static char text[LETTERS_MAX + 1];

static void expect_text(const char *pages, const char *expected)
{
    uint64_t bytes = page_string_encode((const uint8_t *)pages, strlen(pages), text);
    cr_expect_str_eq(text, expected, "%s", pages);
    cr_expect_eq(bytes, strlen(expected));
}

Test(page_string, codes_runs)
{
    expect_text("", "");
    expect_text("o", "o");
    expect_text("oo", "o2");
    expect_text("oO", "oO");
    expect_text("ooOOOx", "o2O3x");
    expect_text("HHHHHHHHHHHHx", "H12x");
    memset(letters, 'x', 8192);
    cr_expect_eq(page_string_encode(letters, 8192, text), 5);
    cr_expect_str_eq(text, "x8192");
}

Test(page_string, decodes_what_it_coded)
{
    static const char ALPHABET[] = "ousfrxhOUSFRXH";
    struct random random = {9};
    for (int round = 0; round < 500; round++) {
        uint64_t count = random_below(&random, 8193), filled = 0;
        while (filled < count) {
            uint64_t run = 1 + random_below(&random, 1 + random_below(&random, count - filled));
            memset(letters + filled, ALPHABET[random_below(&random, sizeof ALPHABET - 1)], run);
            filled += run;
        }
        /* As large as the header asks for, so that a tool sees an overrun. */
        char *room = malloc(count + 1);
        uint64_t bytes = page_string_encode(letters, count, room);
        cr_assert_eq(strlen(room), bytes);
        cr_assert_leq(bytes, count);
        cr_assert_eq(page_string_decode(room, decoded, count), (int64_t)count);
        cr_assert_arr_eq(decoded, letters, count);
        if (count > 0)
            cr_assert_eq(page_string_decode(room, decoded, count - 1), -1, "no room for the last letter");
        free(room);
    }
}

Test(page_string, refuses_what_is_malformed)
{
    static const char *const TEXTS[] = {
        "2o",
        "o0",
        "o1",
        "o-2",
        "o+2",
        " o",
        "o 2",
        "o2 ",
        "o2\n",
        "o2.5",
        "o2,",
        "o99999999999999999999999",
        "o101",
        "o60o60",
        "o18446744073709551615",
        "o18446744073709551616",
        "1",
        "\xc3\xb6",
        "o2\x80",
        "[",
        "`",
        "{",
        "@",
    };
    for (unsigned i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
        cr_expect_eq(page_string_decode(TEXTS[i], decoded, 100), -1, "\"%s\"", TEXTS[i]);
}

Test(page_string, stays_within_the_room_that_it_is_given)
{
    memset(decoded, '?', sizeof decoded);
    cr_expect_eq(page_string_decode("o100", decoded, 100), 100);
    cr_expect_eq(decoded[99], 'o');
    cr_expect_eq(decoded[100], '?');
    cr_expect_eq(page_string_decode("x99O2", decoded, 100), -1);
    cr_expect_eq(decoded[100], '?');
    cr_expect_eq(page_string_decode("", decoded, 0), 0);
    cr_expect_eq(page_string_decode("o", decoded, 0), -1);
}
