/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables keep their columns whatever stands in the cells.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/table.h"
#include "harness/wrap.h"

static char *print_table(const struct table *table, bool has_colour)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    table_print_styled(table, out, &(struct style){.has_colour = has_colour});
    fclose(out);
    return text;
}

static void fill(struct table *table)
{
    table_clear(table);
    table->is_text[2] = true;
    table_add_row(table);
    table_add_cell(table, "a");
    table_add_cell(table, "7");
    table_add_cell(table, "▉▉▏");
    table_style_cell(table, STYLE_FREE);
    table_add_row(table);
    table_add_cell(table, "größe");
    table_add_cell(table, "100");
    table_add_cell(table, "some words");
}

Test(table, character_takes_one_column_whatever_its_bytes)
{
    struct table table;
    fill(&table);
    char *text = print_table(&table, false);
    cr_expect_str_eq(text, "a        7  ▉▉▏\n"
                           "größe  100  some words\n");
    cr_expect_eq(table_width_columns(&table), 22);
    free(text);
}

Test(table, colour_does_not_move_a_column)
{
    struct table table;
    fill(&table);
    char *text = print_table(&table, true);
    cr_expect_str_eq(text, "a        7  \033[36m▉▉▏\033[0m\n"
                           "größe  100  some words\n");
    free(text);
}

Test(table, long_cell_is_cut_between_characters)
{
    struct table table;
    char text[TABLE_CELL_BYTES * 2] = "";
    for (size_t bytes = 0; bytes + 2 < sizeof text; bytes += 2)
        strcpy(text + bytes, "ö");
    for (int shift = 0; shift < 2; shift++) {
        table_clear(&table);
        table_add_row(&table);
        table_add_cell(&table, "%.*s%s", shift, "x", text);
        size_t bytes = strlen(table.cells[0][0]);
        cr_expect_geq(bytes, (size_t)TABLE_CELL_BYTES - 3);
        cr_expect_eq((bytes - (size_t)shift) % 2, 0, "a character was cut");
    }
}

Test(table, last_column_is_cut_to_the_width)
{
    struct table table;
    char *text;
    fill(&table);
    cr_expect(table_cut_to(&table, 18, 4));
    cr_expect_eq(table_width_columns(&table), 18);
    text = print_table(&table, false);
    cr_expect_str_eq(text, "a        7  ▉▉▏\n"
                           "größe  100  some..\n");
    free(text);
    fill(&table);
    cr_expect_not(table_cut_to(&table, 18, 7));
    cr_expect_not(table_cut_to(&table, 5, 0));
    cr_expect_eq(table_width_columns(&table), 22);
}

static char *wrap_words(uint32_t width_columns, uint32_t indent_columns, uint32_t hang_columns, const char *words)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    struct wrap wrap = {out, width_columns, indent_columns, hang_columns, 0, 0};
    wrap_text(&wrap, words);
    wrap_glue(&wrap, ".");
    wrap_end(&wrap);
    fclose(out);
    return text;
}

Test(wrap, lines_are_broken_at_blanks)
{
    static const struct {
        uint32_t width, indent, hang;
        const char *words, *text;
    } CASES[] = {
        {80, 0, 0, "one two  three ", "one two three.\n"},
        {9, 0, 0, "one two three", "one two\nthree.\n"},
        {10, 2, 0, "one two three", "  one two\n  three.\n"},
        {9, 0, 3, "one two three", "one two\n   three.\n"},
        {3, 0, 0, "one enormous two", "one\nenormous\ntwo.\n"},
        {7, 0, 0, "größe größe", "größe\ngröße.\n"},
        {11, 0, 0, "größe größe", "größe\ngröße.\n"},
        {12, 0, 0, "größe größe", "größe größe.\n"},
        {UINT32_MAX, 0, 0, "one two three", "one two three.\n"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *text = wrap_words(CASES[i].width, CASES[i].indent, CASES[i].hang, CASES[i].words);
        cr_expect_str_eq(text, CASES[i].text, "case %zu: %s", i, text);
        free(text);
    }
}

Test(wrap, nothing_added_is_nothing_written)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    struct wrap wrap = {.out = out, .width_columns = 20};
    wrap_text(&wrap, "  ");
    wrap_end(&wrap);
    fclose(out);
    cr_expect_str_empty(text);
    free(text);
}
