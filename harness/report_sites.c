/* SPDX-License-Identifier: Apache-2.0
 *
 * Who did it (site_rows.h), as a table.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "harness/human.h"
#include "harness/report_parts.h"
#include "harness/site_rows.h"
#include "harness/table.h"

enum { ROWS_MAX = 25, WHO_COLUMNS_LEAST = 16 };

_Static_assert(SITE_SUBJECTS_COUNT *ROWS_MAX < (int)TABLE_ROWS_MAX, "and a head");

/* By default a row is shown for at least this part of the RSS. */
enum { WORTH_RSS_PART = 100 };

static void add_head(struct table *table)
{
    static const char *const HEADS[] = {"bytes", "calls", "of", "by"};
    table_clear(table);
    table->is_text[0] = false;
    table->is_text[2] = table->is_text[3] = true;
    table_add_row(table);
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++)
        table_add_cell(table, "%s", HEADS[i]);
}

static void add_row(struct table *table, const struct site_subject *subject, const struct site_row *row)
{
    table_add_row(table);
    table_add_cell(table, "%s", human_bytes(row->bytes).text);
    table_add_cell(table, "%" PRIu64, row->calls);
    table_add_cell(table, "%s", subject->what);
    table_add_cell(table, "%s", row->who);
}

/* Returns how many are not shown. */
static uint64_t add_rows(const struct report *report, struct table *table, const struct site_subject *subject,
                         const struct site_row *rows, uint64_t count)
{
    const struct report_options *options = report->options;
    uint64_t worth_bytes = options->top_rows != 0 ? 0 : report->dump->rss.total_bytes / WORTH_RSS_PART;
    uint64_t room = report_rows_shown(options, count < ROWS_MAX ? count : ROWS_MAX, subject->few_rows), shown = 0;
    while (shown < room && rows[shown].bytes >= worth_bytes)
        add_row(table, subject, &rows[shown++]);
    return count - shown;
}

static void write_table(const struct report *report, struct stack_trace *trace, struct site_row *rows)
{
    struct table table;
    uint64_t hidden = 0;
    add_head(&table);
    for (size_t i = 0; i < SITE_SUBJECTS_COUNT; i++) {
        uint64_t count = site_rows_collect(&SITE_SUBJECTS[i], report->dump, report->symbols, trace, rows);
        hidden += add_rows(report, &table, &SITE_SUBJECTS[i], rows, count);
    }
    if (table.row_count == 1)
        return;
    style_write_heading(report->out, &report->options->style, "who did it");
    table_cut_to(&table, report->options->width_columns, WHO_COLUMNS_LEAST);
    table_print_styled(&table, report->out, &report->options->style);
    if (hidden > 0)
        fprintf(report->out, "... %" PRIu64 " more%s\n", hidden, report_top_hint(report->options, ROWS_MAX));
}

void report_write_sites(const struct report *report)
{
    const struct dump *dump = report->dump;
    if (dump->callsites_count == 0 || report->symbols == NULL)
        return;
    struct stack_trace *trace = malloc(sizeof *trace);
    struct site_row *rows = calloc(dump->callsites_count, sizeof *rows);
    if (trace != NULL && rows != NULL)
        write_table(report, trace, rows);
    free(rows);
    free(trace);
}
