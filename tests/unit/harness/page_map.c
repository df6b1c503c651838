/* SPDX-License-Identifier: Apache-2.0
 *
 * Cells show what most of their pages are.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/page_map.h"

static const struct {
    const char *letters;
    uint32_t pages_per_cell;
    const char *cells;
} CASES[] = {
    {"OOOOxxxx", 4, "Ox"}, {"OOOOxxxx", 8, "O"}, /* as many: the resident one */
    {"OOOxxxxx", 8, "x"},  {"ooooOOOO", 8, "O"}, {"RFUHOSMXrfuhosmx", 16, "R"}, {"FFOORxxx", 8, "x"}, {"FFOOR", 5, "F"},
    {"OOFFR", 5, "F"},     {"Orx", 1, "Orx"},    {"OOOOO", 2, "OOO"}, /* the last cell is shorter */
    {"OOOOr", 2, "OOr"},   {"", 4, ""},
};

Test(page_map, cell_shows_what_most_of_its_pages_are)
{
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char cells[32];
        uint32_t count = page_map_draw((const uint8_t *)CASES[i].letters, (uint32_t)strlen(CASES[i].letters),
                                       CASES[i].pages_per_cell, cells);
        cr_expect_str_eq(cells, CASES[i].cells, "%s by %u: %s", CASES[i].letters, CASES[i].pages_per_cell, cells);
        cr_expect_eq(count, strlen(CASES[i].cells));
    }
}

static char *write_map(const char *cells, bool has_colour)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    page_map_write(out, &(struct style){.has_colour = has_colour}, cells, (uint32_t)strlen(cells));
    fclose(out);
    return text;
}

Test(page_map, resident_cells_are_filled_and_runs_share_an_escape)
{
    char *plain = write_map("OOOofffRRx", false), *coloured = write_map("OOOofffRRx", true);
    cr_expect_str_eq(plain, "OOOofffRRx");
    cr_expect_str_eq(coloured, "\033[32;7mOOO\033[0m"
                               "\033[32;2mo\033[0m"
                               "\033[36;2mfff\033[0m"
                               "\033[31;7mRR\033[0m"
                               "\033[2;2mx\033[0m");
    free(plain);
    free(coloured);
}

static char *write_legend(const char *cells, uint32_t width_columns)
{
    char *text = NULL, shown[PAGE_MAP_SHOWN_BYTES] = "";
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    page_map_add_shown(shown, cells);
    page_map_write_legend(out, &(struct style){0}, shown, width_columns);
    fclose(out);
    return text;
}

Test(page_map, legend_names_what_is_shown_and_no_more)
{
    char *some = write_legend("OOOfoRRF", 80), *none = write_legend("", 80), *narrow = write_legend("OOOfoRRF", 30);
    cr_expect_str_eq(some, "o go.objects  f go.free  r go.released\n");
    cr_expect_str_empty(none);
    cr_expect_str_eq(narrow, "o go.objects  f go.free\nr go.released\n");
    free(some);
    free(none);
    free(narrow);
}

Test(page_map, idle_is_resident_without_objects)
{
    cr_expect_eq(page_map_count_idle((const uint8_t *)"OoUuFfRrSsMmHhXx", 16), 3);
}
