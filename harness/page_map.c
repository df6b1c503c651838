/* SPDX-License-Identifier: Apache-2.0
 *
 * Counting pages into cells, and cells as coloured text.
 */
#include "harness/page_map.h"

#include <string.h>

#include "gopagewatch/page_state.h"
#include "harness/class_table.h"
#include "memory/units.h"

/* Of two that are as many in a cell the earlier one is shown. */
static const char BY_INTEREST[] = "RFUHOSMXrfuhosmx";

enum { LETTERS = 256 };

/* The class that a page's memory counts in. */
static const struct {
    char letter;
    const char *class_name;
} CLASSES[] = {
    {PAGE_STATE_OBJECT, "go.objects"},    {PAGE_STATE_UNUSED, "go.unused"},     {PAGE_STATE_STACK, "go.stacks"},
    {PAGE_STATE_FREE, "go.free"},         {PAGE_STATE_RELEASED, "go.released"}, {PAGE_STATE_RESERVED, "go.reserved"},
    {PAGE_STATE_METADATA, "go.metadata"}, {PAGE_STATE_HEAP, "go.heap"},
};

enum { CLASSES_COUNT = sizeof CLASSES / sizeof CLASSES[0] };

static char to_lower(char letter)
{
    return (char)(letter | ('a' ^ 'A'));
}

static bool is_resident(char letter)
{
    return letter != to_lower(letter);
}

static char most_of(const uint8_t *letters, uint32_t count)
{
    uint32_t counts[LETTERS] = {0};
    char most = BY_INTEREST[0];
    for (uint32_t i = 0; i < count; i++)
        counts[letters[i]]++;
    for (const char *letter = BY_INTEREST; *letter != '\0'; letter++) {
        if (counts[(uint8_t)*letter] > counts[(uint8_t)most])
            most = *letter;
    }
    return most;
}

uint32_t page_map_draw(const uint8_t *letters, uint32_t count, uint32_t pages_per_cell, char *cells)
{
    uint32_t cells_count = 0;
    for (uint32_t at = 0; at < count; at += pages_per_cell)
        cells[cells_count++] = most_of(letters + at, (uint32_t)min_u64(pages_per_cell, count - at));
    cells[cells_count] = '\0';
    return cells_count;
}

static const char *class_of(char letter)
{
    for (size_t i = 0; i < CLASSES_COUNT; i++) {
        if (CLASSES[i].letter == to_lower(letter))
            return CLASSES[i].class_name;
    }
    return "";
}

/* Cells that are alike share one escape sequence. */
void page_map_write(FILE *out, const struct style *style, const char *cells, uint32_t count)
{
    for (uint32_t at = 0, run; at < count; at += run) {
        for (run = 1; at + run < count && cells[at + run] == cells[at];)
            run++;
        enum style_role role = class_table_role(class_of(cells[at]));
        style_begin(out, style, role, is_resident(cells[at]) ? STYLE_FILLED : STYLE_DIMMED);
        fwrite(cells + at, 1, run, out);
        style_end(out, style, role);
    }
}

void page_map_add_shown(char shown[PAGE_MAP_SHOWN_BYTES], const char *cells)
{
    size_t shown_count = strlen(shown);
    for (; *cells != '\0'; cells++) {
        if (strchr(shown, to_lower(*cells)) == NULL && shown_count < PAGE_MAP_SHOWN_BYTES - 1) {
            shown[shown_count++] = to_lower(*cells);
            shown[shown_count] = '\0';
        }
    }
}

void page_map_write_legend(FILE *out, const struct style *style, const char *shown, uint32_t width_columns)
{
    uint32_t column = 0;
    for (size_t i = 0; i < CLASSES_COUNT; i++) {
        uint32_t columns = (uint32_t)strlen(CLASSES[i].class_name) + 2;
        if (strchr(shown, CLASSES[i].letter) == NULL)
            continue;
        if (column > 0 && column + 2 + columns > width_columns) {
            fputc('\n', out);
            column = 0;
        }
        column += columns + (column > 0 ? (uint32_t)fprintf(out, "  ") : 0);
        page_map_write(out, style, &CLASSES[i].letter, 1);
        fprintf(out, " %s", CLASSES[i].class_name);
    }
    if (column > 0)
        fputc('\n', out);
}

uint32_t page_map_count_idle(const uint8_t *letters, uint32_t count)
{
    static const bool IS_IDLE[LETTERS] = {['U'] = true, ['F'] = true, ['R'] = true};
    uint32_t idle = 0;
    for (uint32_t i = 0; i < count; i++)
        idle += IS_IDLE[letters[i]];
    return idle;
}
