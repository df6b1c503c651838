/* SPDX-License-Identifier: Apache-2.0
 *
 * Who keeps it: the stacks of the program's own heap profile, those first whose objects alone keep most.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "harness/human.h"
#include "harness/keeper_rows.h"
#include "harness/report_parts.h"
#include "harness/stack_trace.h"
#include "harness/table.h"
#include "harness/wrap.h"

enum { FEW_ROWS = 5, ROWS_MAX = 100, CALLS_SHOWN = 3, WHO_BYTES = 256, WHO_COLUMNS_LEAST = 16 };

/* By default a row is shown for what pins at least this part of the RSS. */
enum { WORTH_RSS_PART = 1000 };

static void add_head(struct table *table)
{
    static const char *const HEADS[] = {"pinned", "resident", "objects", "of size"};
    table_add_row(table);
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++)
        table_add_cell(table, "%s", HEADS[i]);
    table->is_text[table->cells_in_row] = true;
    table_add_cell(table, "allocated by");
}

static void add_row(struct table *table, const struct keeper_row *row, const char *who)
{
    table_add_row(table);
    table_add_cell(table, "%s", human_bytes(row->estimate.pinned_bytes).text);
    table_style_cell(table, STYLE_UNUSED);
    table_add_cell(table, "%s", human_bytes(row->estimate.resident_bytes).text);
    table_style_cell(table, STYLE_OBJECTS);
    table_add_cell(table, "%" PRIu64, row->estimate.objects);
    table_add_cell(table, "%s", human_bytes(row->stack->object_bytes).text);
    table_add_cell(table, "%s", who);
}

static void write_table(const struct report *report, const struct keeper_row *rows, uint64_t count,
                        struct stack_trace *trace)
{
    struct table table;
    table_clear(&table);
    table.is_text[0] = false;
    add_head(&table);
    for (uint64_t i = 0; i < count; i++) {
        char who[WHO_BYTES];
        stack_trace_make(trace, report->symbols, report->dump, rows[i].stack);
        stack_trace_describe(trace, CALLS_SHOWN, who, sizeof who);
        add_row(&table, &rows[i], who);
    }
    table_cut_to(&table, report->options->width_columns, WHO_COLUMNS_LEAST);
    table_print_styled(&table, report->out, &report->options->style);
}

static void write_notes(const struct report *report)
{
    const struct dump_profile *profile = &report->dump->profile;
    struct wrap wrap = {
        .out = report->out, .width_columns = report_sentence_columns(report->options), .hang_columns = 2};
    if (profile_is_sampled(profile)) {
        wrap_format(&wrap,
                    "estimates: the program samples an object every %s (MemProfileRate); spans of several objects "
                    "count only where all of them were sampled",
                    human_bytes(profile->rate).text);
        wrap_end(&wrap);
    }
    if (profile->rate == DUMP_NOT_KNOWN) {
        wrap_format(&wrap, "of sampled objects only: MemProfileRate is not known");
        wrap_end(&wrap);
    }
}

void report_write_keepers(const struct report *report)
{
    struct keeper_row rows[ROWS_MAX];
    uint64_t worth_bytes = report->options->top_rows != 0 ? 0 : report->dump->rss.total_bytes / WORTH_RSS_PART;
    uint64_t count = keeper_rows_select(&report->dump->profile, worth_bytes, rows,
                                        report_rows_shown(report->options, ROWS_MAX, FEW_ROWS));
    if (count == 0 || report->symbols == NULL)
        return;
    struct stack_trace *trace = malloc(sizeof *trace);
    if (trace == NULL)
        return;
    style_write_heading(report->out, &report->options->style,
                        "who keeps it: resident spans whose objects all come from one stack");
    write_table(report, rows, count, trace);
    write_notes(report);
    free(trace);
}
