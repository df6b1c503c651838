/* SPDX-License-Identifier: Apache-2.0
 *
 * Who keeps it: the stacks of the program's own heap profile, those first whose objects alone keep most.
 *
 * Names come from the program's files, if they are there; a dump may be read elsewhere.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "harness/human.h"
#include "harness/profile.h"
#include "harness/report_parts.h"
#include "harness/stack_trace.h"
#include "harness/symbols.h"
#include "harness/table.h"
#include "harness/wrap.h"

enum { FEW_ROWS = 5, ROWS_MAX = 100, CALLS_SHOWN = 3, WHO_BYTES = 256, WHO_COLUMNS_LEAST = 16 };

/* By default a row is shown for what pins at least this part of the RSS. */
enum { WORTH_RSS_PART = 1000 };

struct keeper {
    const struct dump_profile_stack *stack;
    struct profile_estimate estimate;
};

struct keepers {
    struct keeper rows[ROWS_MAX]; /* most pinned first */
    uint64_t count, capacity;
};

/* Of equals the one that the dump has first stays in front. */
static void insert_row(struct keepers *keepers, struct keeper row)
{
    uint64_t at = keepers->count;
    while (at > 0 && keepers->rows[at - 1].estimate.pinned_bytes < row.estimate.pinned_bytes)
        at--;
    if (at == keepers->capacity)
        return;
    if (keepers->count < keepers->capacity)
        keepers->count++;
    for (uint64_t i = keepers->count - 1; i > at; i--)
        keepers->rows[i] = keepers->rows[i - 1];
    keepers->rows[at] = row;
}

static void select_rows(const struct report *report, struct keepers *keepers)
{
    const struct dump_profile *profile = &report->dump->profile;
    uint64_t worth_bytes = report->options->top_rows != 0 ? 1 : report->dump->rss.total_bytes / WORTH_RSS_PART;
    keepers->count = 0;
    keepers->capacity = report_rows_shown(report->options, ROWS_MAX, FEW_ROWS);
    for (uint64_t i = 0; i < profile->stacks_count; i++) {
        struct keeper row = {&profile->stacks[i], profile_estimate(profile, &profile->stacks[i])};
        if (row.estimate.pinned_bytes != 0 && row.estimate.pinned_bytes >= worth_bytes)
            insert_row(keepers, row);
    }
}

static void add_head(struct table *table)
{
    static const char *const HEADS[] = {"pinned", "resident", "objects", "of size"};
    table_add_row(table);
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++)
        table_add_cell(table, "%s", HEADS[i]);
    table->is_text[table->cells_in_row] = true;
    table_add_cell(table, "allocated by");
}

static void add_row(struct table *table, const struct keeper *row, const char *who)
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

static void write_table(const struct report *report, const struct keepers *keepers, struct symbols *symbols,
                        struct stack_trace *trace)
{
    struct table table;
    table_clear(&table);
    table.is_text[0] = false;
    add_head(&table);
    for (uint64_t i = 0; i < keepers->count; i++) {
        char who[WHO_BYTES];
        stack_trace_make(trace, symbols, report->dump, keepers->rows[i].stack);
        stack_trace_describe(trace, CALLS_SHOWN, who, sizeof who);
        add_row(&table, &keepers->rows[i], who);
    }
    table_cut_to(&table, report->options->width_columns, WHO_COLUMNS_LEAST);
    table_print_styled(&table, report->out, &report->options->style);
}

static void write_notes(const struct report *report, const struct symbols *symbols)
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
    for (uint64_t i = 0; i < report->dump->modules_count; i++) {
        const char *why = symbols_module_why(symbols, i);
        if (why == NULL)
            continue;
        wrap_format(&wrap, "without names: %s", why);
        wrap_end(&wrap);
    }
}

void report_write_keepers(const struct report *report)
{
    struct symbols symbols;
    struct error error;
    struct keepers keepers;
    select_rows(report, &keepers);
    if (keepers.count == 0 ||
        !symbols_open(&symbols, report->dump->modules, report->dump->modules_count, &report->options->symbols, &error))
        return;
    struct stack_trace *trace = malloc(sizeof *trace);
    if (trace != NULL) {
        style_write_heading(report->out, &report->options->style,
                            "who keeps it: resident spans whose objects all come from one stack");
        write_table(report, &keepers, &symbols, trace);
        write_notes(report, &symbols);
    }
    free(trace);
    symbols_close(&symbols);
}
