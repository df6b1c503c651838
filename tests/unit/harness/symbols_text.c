/* SPDX-License-Identifier: Apache-2.0
 *
 * Names from a file that may hold anything become text for a terminal and for JSON.
 */
#include "harness/symbols_text.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "tests/unit/support/random.h"

static struct bump bump;

static void open_bump(void)
{
    cr_assert_eq(bump_open(&bump, 1 << 26), 0);
}

TestSuite(symbols_text, .init = open_bump);

static const struct {
    const char *text, *copy;
} CASES[] = {
    {"main.main", "main.main"},
    {"main.größe·f", "main.größe·f"},
    {"main.\xf0\x9f\x90\xb9", "main.\xf0\x9f\x90\xb9"},
    {"\x1b[2Jx\n\x7f", "?[2Jx??"},
    {"\xc2\x9b"
     "2J",
     "??2J"},
    {"\xff\xc0\xaf", "???"},
    {"\xed\xa0\x80", "???"},
    {"\xf4\x90\x80\x80", "????"},
    {"cut\xe2\x82", "cut??"},
    {"", ""},
};

Test(symbols_text, what_is_no_text_becomes_question_marks)
{
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_str_eq(symbol_text_copy(&bump, CASES[i].text), CASES[i].copy, "case %u", i);
    cr_expect_null(symbol_text_copy(&bump, NULL));
}

Test(symbols_text, every_copy_is_valid_json)
{
    struct random random = {7};
    for (unsigned round = 0; round < 20000; round++) {
        char text[12] = "";
        for (unsigned i = 0; i < sizeof text - 1; i++)
            text[i] = (char)random_next(&random);
        json_t *string = json_string(symbol_text_copy(&bump, text));
        cr_assert_not_null(string, "round %u", round);
        json_decref(string);
    }
}

Test(symbols_text, a_long_one_is_cut_and_without_memory_there_is_none)
{
    static char text[3 * PATH_MAX];
    memset(text, 'x', sizeof text - 1);
    cr_expect_eq(strlen(symbol_text_copy(&bump, text)), PATH_MAX);
    bump.used_bytes = bump.reserved_bytes;
    cr_expect_null(symbol_text_copy(&bump, text));
}
