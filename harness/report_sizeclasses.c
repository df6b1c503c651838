/* SPDX-License-Identifier: Apache-2.0
 *
 * Size classes, those first that waste most, and the objects that have a span of their own.
 *
 * Wasted is what is resident of the spans less the bytes of all their objects. As far as objects lie on pages that are
 * not resident more than that is wasted, so it is at least this much; a dump has no closer number for a size class.
 */
#include <inttypes.h>
#include <stddef.h>

#include "harness/bar.h"
#include "harness/human.h"
#include "harness/ranking.h"
#include "harness/report_parts.h"
#include "harness/table.h"
#include "harness/wrap.h"
#include "memory/units.h"

/* Go has 68; a dump may say otherwise. */
enum { FEW_ROWS = 5, ROWS_MAX = 100 };

/* By default a row is shown for what wastes at least this part of the RSS. */
enum { WORTH_RSS_PART = 1000 };

_Static_assert((int)ROWS_MAX < (int)TABLE_ROWS_MAX, "and a head");

struct selection {
    const struct dump_size_class *rows[ROWS_MAX]; /* most wasted first */
    uint64_t count;
    /* All that waste anything, and how much. */
    uint64_t wasting_count, wasted_bytes;
};

static uint64_t wasted_bytes(const struct dump_size_class *row)
{
    return row->resident_bytes - min_u64(row->object_bytes, row->resident_bytes);
}

/* Of equals the smaller slots stay in front: they come first in the dump. */
static int most_wasted_first(const void *left, const void *right)
{
    uint64_t a = wasted_bytes(*(const struct dump_size_class *const *)left);
    uint64_t b = wasted_bytes(*(const struct dump_size_class *const *)right);
    return (a < b) - (a > b);
}

static void select_rows(struct selection *selection, const struct dump *dump, const struct report_options *options)
{
    *selection = (struct selection){0};
    struct ranking ranking = {.rows = selection->rows,
                              .row_bytes = sizeof selection->rows[0],
                              .compare = most_wasted_first,
                              .capacity = report_rows_shown(options, ROWS_MAX, FEW_ROWS)};
    uint64_t worth_bytes = options->top_rows != 0 ? 0 : dump->rss.total_bytes / WORTH_RSS_PART;
    for (uint64_t i = 0; i < dump->size_classes_count; i++) {
        uint64_t wasted = wasted_bytes(&dump->size_classes[i]);
        if (wasted == 0)
            continue;
        selection->wasting_count++;
        selection->wasted_bytes = add_saturating(selection->wasted_bytes, wasted);
        if (wasted >= worth_bytes)
            ranking_insert(&ranking, &(const struct dump_size_class *){&dump->size_classes[i]});
    }
    selection->count = ranking.count;
}

static void add_head(struct table *table)
{
    static const char *const HEADS[] = {"slot", "spans", "slots", "objects", "% full"};
    table_add_row(table);
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++)
        table_add_cell(table, "%s", HEADS[i]);
    table->is_text[table->cells_in_row] = true;
    table_add_cell(table, "0..100 %%");
    table_add_cell(table, "resident");
    table_add_cell(table, "wasted");
}

static void add_row(struct table *table, const struct dump_size_class *row, const struct style *style)
{
    table_add_row(table);
    table_add_cell(table, "%s", human_bytes(row->slot_bytes).text);
    table_add_cell(table, "%" PRIu64, row->spans);
    table_add_cell(table, "%" PRIu64, row->slots);
    table_add_cell(table, "%" PRIu64, row->objects);
    table_add_cell(table, "%s", human_percent(row->objects, row->slots).text);
    table_add_cell(table, "%s", bar_of_distribution(row->occupancy, DUMP_OCCUPANCY_TENTHS, style->has_unicode).text);
    table_style_cell(table, STYLE_OBJECTS);
    table_add_cell(table, "%s", human_bytes(row->resident_bytes).text);
    table_add_cell(table, "%s", human_bytes(wasted_bytes(row)).text);
    table_style_cell(table, STYLE_UNUSED);
}

static void write_rest(const struct report *report, const struct selection *selection)
{
    uint64_t rest_count = selection->wasting_count - selection->count, rest_bytes = selection->wasted_bytes;
    for (uint64_t i = 0; i < selection->count; i++)
        rest_bytes -= min_u64(rest_bytes, wasted_bytes(selection->rows[i]));
    if (rest_count > 0)
        fprintf(report->out, "%s%" PRIu64 "%s size class%s: %s wasted%s\n", selection->count > 0 ? "... " : "",
                rest_count, selection->count > 0 ? " more" : "", rest_count == 1 ? "" : "es",
                human_bytes(rest_bytes).text, report_top_hint(report->options, ROWS_MAX));
}

static void write_size_classes(const struct report *report)
{
    const struct style *style = &report->options->style;
    struct selection selection;
    struct table table;
    select_rows(&selection, report->dump, report->options);
    table_clear(&table);
    table.is_text[0] = false;
    add_head(&table);
    for (uint64_t i = 0; i < selection.count; i++)
        add_row(&table, selection.rows[i], style);
    if (selection.count > 0)
        table_print_styled(&table, report->out, style);
    write_rest(report, &selection);
}

static void write_large(const struct report *report)
{
    const struct dump_large *large = &report->dump->large;
    if (large->spans == 0)
        return;
    struct wrap wrap = {
        .out = report->out, .width_columns = report_sentence_columns(report->options), .hang_columns = 2};
    wrap_format(&wrap, "large objects: %" PRIu64 " of %s together", large->spans,
                human_bytes(large->object_bytes).text);
    if (report->knows_residency) {
        wrap_glue(&wrap, ",");
        wrap_format(&wrap, "resident %s", human_bytes(large->resident_bytes).text);
    }
    if (report->knows_residency && large->untouched_bytes > 0)
        wrap_format(&wrap, "(never touched %s)", human_bytes(large->untouched_bytes).text);
    wrap_end(&wrap);
}

void report_write_size_classes(const struct report *report)
{
    const struct dump *dump = report->dump;
    if (dump->size_classes_count == 0 && dump->large.spans == 0)
        return;
    if (report->knows_residency) {
        style_write_heading(report->out, &report->options->style,
                            "size classes, by resident bytes that hold no object");
        write_size_classes(report);
    } else {
        fputc('\n', report->out);
    }
    write_large(report);
}
