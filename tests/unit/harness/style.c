/* SPDX-License-Identifier: Apache-2.0
 *
 * Colours and block characters are there where the reader can see them and wants them, and nowhere else.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/style.h"

static void set(const char *name, const char *value)
{
    if (value == NULL)
        unsetenv(name);
    else
        setenv(name, value, 1);
}

static const struct {
    bool is_terminal;
    const char *term, *no_color, *lc_all, *lc_ctype, *lang;
    bool has_colour, has_unicode;
} CASES[] = {
    {true, "xterm", NULL, NULL, NULL, "en_US.UTF-8", true, true},
    {false, "xterm", NULL, NULL, NULL, "en_US.UTF-8", false, false},
    {true, "xterm", "1", NULL, NULL, "en_US.UTF-8", false, true},
    {true, "xterm", "", NULL, NULL, "en_US.UTF-8", true, true},
    {true, "dumb", NULL, NULL, NULL, "C.utf8", false, true},
    {true, NULL, NULL, NULL, NULL, "C.UTF-8", false, true},
    {true, "xterm", NULL, NULL, NULL, NULL, true, false},
    {true, "xterm", NULL, "C", "C.UTF-8", "C.UTF-8", true, false},
    {true, "xterm", NULL, "", "de_DE.utf8", "C", true, true},
    {true, "xterm", NULL, NULL, NULL, "de_DE.ISO-8859-1", true, false},
};

Test(style, choice_follows_terminal_and_environment)
{
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        set("TERM", CASES[i].term);
        set("NO_COLOR", CASES[i].no_color);
        set("LC_ALL", CASES[i].lc_all);
        set("LC_CTYPE", CASES[i].lc_ctype);
        set("LANG", CASES[i].lang);
        struct style style = style_choose(CASES[i].is_terminal);
        cr_expect_eq(style.has_colour, CASES[i].has_colour, "case %zu", i);
        cr_expect_eq(style.has_unicode, CASES[i].has_unicode, "case %zu", i);
    }
}

static char *write_in(const struct style *style, enum style_role role, enum style_look look)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    style_begin(out, style, role, look);
    fputs("x", out);
    style_end(out, style, role);
    fclose(out);
    return text;
}

Test(style, every_escape_is_taken_back)
{
    static const struct {
        bool has_colour;
        enum style_role role;
        enum style_look look;
        const char *text;
    } WRITTEN[] = {
        {true, STYLE_FREE, STYLE_TEXT, "\033[36mx\033[0m"},
        {true, STYLE_FREE, STYLE_FILLED, "\033[36;7mx\033[0m"},
        {true, STYLE_FREE, STYLE_DIMMED, "\033[36;2mx\033[0m"},
        {true, STYLE_PLAIN, STYLE_FILLED, "x"},
        {false, STYLE_FREE, STYLE_FILLED, "x"},
    };
    for (size_t i = 0; i < sizeof WRITTEN / sizeof WRITTEN[0]; i++) {
        char *text = write_in(&(struct style){.has_colour = WRITTEN[i].has_colour}, WRITTEN[i].role, WRITTEN[i].look);
        cr_expect_str_eq(text, WRITTEN[i].text);
        free(text);
    }
}
