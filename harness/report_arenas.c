/* SPDX-License-Identifier: Apache-2.0
 *
 * Where in the address space it is: released ranges that are resident again, and the page map of the arenas.
 *
 * By default the arenas with most idle memory are drawn (resident, but unused, free or released), 128 cells each, in
 * rows as long as the terminal has room for. When all are drawn they stand by address, as they do with --wide.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dump/page_string.h"
#include "gopagewatch/page_state.h"
#include "harness/human.h"
#include "harness/page_map.h"
#include "harness/report_parts.h"
#include "harness/table.h"
#include "memory/units.h"

enum {
    FEW_ARENAS = 3,
    FEW_RANGES = 3,
    RANGES_MAX = 100,
    CELLS = 128, /* of an arena, but with --wide */
    CELLS_MIN = 16,
    INDENT_COLUMNS = 2,
};

_Static_assert((int)RANGES_MAX < (int)TABLE_ROWS_MAX, "and a head");
_Static_assert(GO_ARENA_PAGES % CELLS == 0, "all cells stand for as many pages");

/* ---- released, resident all the same ---- */

static void add_range(struct table *table, const struct dump_reinflated_range *range)
{
    table_add_row(table);
    table_add_cell(table, "0x%" PRIx64, range->start);
    table_add_cell(table, "%s", human_bytes(range->bytes).text);
    table_add_cell(table, "%s", range->huge_bytes == 0 ? "0" : human_bytes(range->huge_bytes).text);
    if (range->released_count == DUMP_NOT_KNOWN || range->released_since_start_ns == DUMP_NOT_KNOWN)
        return;
    table_add_cell(table, "%" PRIu64, range->released_count);
    table_add_cell(table, "%s after the start", human_duration(range->released_since_start_ns).text);
}

void report_write_reinflated(const struct report *report)
{
    const struct dump_reinflated *reinflated = &report->dump->reinflated;
    const struct style *style = &report->options->style;
    struct table table;
    char heading[160];
    if (reinflated->resident_bytes == 0)
        return;
    snprintf(heading, sizeof heading, "released by Go, resident all the same: %s, %s of it in huge pages",
             human_bytes(reinflated->resident_bytes).text,
             reinflated->huge_bytes == 0 ? "none" : human_bytes(reinflated->huge_bytes).text);
    style_write_heading(report->out, style, heading);
    table_clear(&table);
    table_add_row(&table);
    table_add_cell(&table, "range at");
    table_add_cell(&table, "size");
    table_add_cell(&table, "huge");
    uint64_t shown = min_u64(report_rows_shown(report->options, reinflated->ranges_count, FEW_RANGES), RANGES_MAX);
    if (shown > 0 && reinflated->ranges[0].released_count != DUMP_NOT_KNOWN) {
        table_add_cell(&table, "released");
        table.is_text[table.cells_in_row] = true;
        table_add_cell(&table, "last");
    }
    for (uint64_t i = 0; i < shown; i++)
        add_range(&table, &reinflated->ranges[i]);
    if (shown > 0)
        table_print_styled(&table, report->out, style);
    if (reinflated->ranges_count > shown)
        fprintf(report->out, "... %" PRIu64 " more of the largest ranges (--top N)\n",
                reinflated->ranges_count - shown);
}

/* ---- arenas ---- */

struct ranked {
    const struct dump_arena *arena;
    uint32_t idle_pages;
};

/* Which arenas are drawn, in which order. */
struct drawn {
    struct ranked *ranked; /* NULL: in the order of the dump */
    uint64_t count;
};

/* A struct dump holds strings that were checked: all letters are there. */
static void decode(const struct dump_arena *arena, uint8_t letters[GO_ARENA_PAGES])
{
    memset(letters, PAGE_STATE_RESERVED, GO_ARENA_PAGES);
    page_string_decode(arena->pages, letters, GO_ARENA_PAGES);
}

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->idle_pages != b->idle_pages)
        return a->idle_pages < b->idle_pages ? 1 : -1;
    if (a->arena->resident_bytes != b->arena->resident_bytes)
        return a->arena->resident_bytes < b->arena->resident_bytes ? 1 : -1;
    return (a->arena->start > b->arena->start) - (a->arena->start < b->arena->start);
}

/* Without memory for it the order is that of the dump. */
static struct ranked *rank(const struct dump *dump)
{
    struct ranked *ranked = calloc(dump->arenas_count, sizeof *ranked);
    uint8_t letters[GO_ARENA_PAGES];
    if (ranked == NULL)
        return NULL;
    for (uint64_t i = 0; i < dump->arenas_count; i++) {
        decode(&dump->arenas[i], letters);
        ranked[i] = (struct ranked){&dump->arenas[i], page_map_count_idle(letters, GO_ARENA_PAGES)};
    }
    qsort(ranked, dump->arenas_count, sizeof *ranked, compare_ranked);
    return ranked;
}

static struct drawn choose(const struct dump *dump, const struct report_options *options)
{
    struct drawn drawn = {NULL, dump->arenas_count};
    if (!options->is_wide || options->top_rows != 0)
        drawn.count = report_rows_shown(options, dump->arenas_count, FEW_ARENAS);
    if (drawn.count < dump->arenas_count)
        drawn.ranked = rank(dump);
    return drawn;
}

/* What stands before the cells of an arena's only row: "0xc000000000  49.2 MiB  ". */
enum { WIDE_LABEL_BYTES = 64 };

static uint32_t format_wide_label(const struct report *report, const struct dump_arena *arena,
                                  char label[WIDE_LABEL_BYTES])
{
    return (uint32_t)snprintf(label, WIDE_LABEL_BYTES, "0x%-12" PRIx64 "%9s  ", arena->start,
                              report->knows_residency ? human_bytes(arena->resident_bytes).text : "");
}

static uint32_t pages_per_cell(const struct report *report)
{
    const struct dump *dump = report->dump;
    const struct report_options *options = report->options;
    char label[WIDE_LABEL_BYTES];
    if (!options->is_wide || options->width_columns == UINT32_MAX)
        return GO_ARENA_PAGES / CELLS;
    uint32_t label_columns = 0;
    for (uint64_t i = 0; i < dump->arenas_count; i++)
        label_columns = (uint32_t)max_u64(label_columns, format_wide_label(report, &dump->arenas[i], label));
    uint32_t cells = CELLS_MIN;
    if (options->width_columns > label_columns + CELLS_MIN)
        cells = (uint32_t)min_u64(options->width_columns - label_columns, GO_ARENA_PAGES);
    return (GO_ARENA_PAGES + cells - 1) / cells;
}

/* The longest row that divides the cells and fits. */
static uint32_t row_cells(const struct report_options *options)
{
    uint32_t cells = CELLS;
    while (cells > CELLS_MIN && cells + INDENT_COLUMNS > options->width_columns)
        cells /= 2;
    return cells;
}

static void draw_arena(const struct report *report, const struct dump_arena *arena, uint32_t cell_pages,
                       char shown[PAGE_MAP_SHOWN_BYTES])
{
    FILE *out = report->out;
    const struct report_options *options = report->options;
    uint8_t letters[GO_ARENA_PAGES];
    char cells[GO_ARENA_PAGES + 1], label[WIDE_LABEL_BYTES];
    decode(arena, letters);
    uint32_t cells_count = page_map_draw(letters, GO_ARENA_PAGES, cell_pages, cells);
    page_map_add_shown(shown, cells);
    if (options->is_wide) {
        format_wide_label(report, arena, label);
        fputs(label, out);
        page_map_write(out, &options->style, cells, cells_count);
        fputc('\n', out);
        return;
    }
    uint64_t idle_bytes = (uint64_t)page_map_count_idle(letters, GO_ARENA_PAGES) * GO_PAGE_BYTES;
    fprintf(out, "0x%" PRIx64, arena->start);
    if (report->knows_residency)
        fprintf(out, "  resident %s, idle %s", human_bytes(arena->resident_bytes).text,
                human_bytes(min_u64(idle_bytes, arena->resident_bytes)).text);
    fputc('\n', out);
    for (uint32_t at = 0; at < cells_count; at += row_cells(options)) {
        fprintf(out, "%*s", INDENT_COLUMNS, "");
        page_map_write(out, &options->style, cells + at, (uint32_t)min_u64(row_cells(options), cells_count - at));
        fputc('\n', out);
    }
}

static void write_rest(const struct report *report, uint64_t drawn_count)
{
    uint64_t rest = report->dump->arenas_count - drawn_count;
    if (rest > 0)
        fprintf(report->out, "... %" PRIu64 " more arena%s (--top N, or --wide: all of them, a row each)\n", rest,
                rest == 1 ? "" : "s");
}

void report_write_arenas(const struct report *report)
{
    const struct dump *dump = report->dump;
    const struct report_options *options = report->options;
    char heading[160], shown[PAGE_MAP_SHOWN_BYTES] = "";
    if (dump->arenas_count == 0)
        return;
    struct drawn drawn = choose(dump, options);
    uint32_t cell_pages = pages_per_cell(report);
    snprintf(heading, sizeof heading, "%" PRIu64 " arena%s of 64 MiB; a letter is %" PRIu32 " page%s (%s)%s",
             dump->arenas_count, dump->arenas_count == 1 ? "" : "s", cell_pages, cell_pages == 1 ? "" : "s",
             human_bytes((uint64_t)cell_pages * GO_PAGE_BYTES).text,
             report->knows_residency ? ", upper case: resident" : "");
    style_write_heading(report->out, &options->style, heading);
    for (uint64_t i = 0; i < drawn.count; i++)
        draw_arena(report, drawn.ranked != NULL ? drawn.ranked[i].arena : &dump->arenas[i], cell_pages, shown);
    write_rest(report, drawn.count);
    page_map_write_legend(report->out, &options->style, shown, options->width_columns);
    free(drawn.ranked);
}
