/* SPDX-License-Identifier: Apache-2.0
 *
 * A result for people, on a terminal or in the log of a CI job.
 *
 * A log is read from its end: so what stands there is what has to be known first. The table with the worst rows on top,
 * why they failed, what grew, what to keep in mind, and the verdict in the last line.
 */
#include <inttypes.h>
#include <string.h>

#include "harness/check_format.h"
#include "harness/check_words.h"
#include "harness/class_table.h"
#include "harness/table.h"
#include "harness/wrap.h"
#include "memory/units.h"

/* Pages that show logs break longer lines, and a broken table is none. */
enum { LOG_COLUMNS = 140, SENTENCE_COLUMNS = 110, REASONS_MAX = 20, GROWTHS_MAX = 100 };

struct text {
    FILE *out;
    const struct check_result *result;
    const struct style *style;
    uint32_t width_columns;
};

/* ---- the table ---- */

/* What the table does without, where it is too wide: the first that fits is taken, the last one otherwise. */
static const struct layout {
    bool has_intervals, has_spreads, has_bounds, has_kinds, has_percents, has_p;
} LAYOUTS[] = {
    {.has_intervals = true, .has_bounds = true, .has_kinds = true, .has_percents = true, .has_p = true},
    {.has_spreads = true, .has_bounds = true, .has_kinds = true, .has_percents = true, .has_p = true},
    {.has_bounds = true, .has_kinds = true, .has_percents = true, .has_p = true},
    {.has_bounds = true, .has_percents = true, .has_p = true}, /* which tells the rule, more or less */
    {.has_kinds = true, .has_percents = true, .has_p = true},
    {.has_percents = true, .has_p = true},
    {.has_p = true},
    {0},
};

enum { LAYOUT_COUNT = sizeof LAYOUTS / sizeof LAYOUTS[0] };

static enum style_role verdict_role(enum check_verdict verdict)
{
    static const enum style_role ROLES[] = {
        [CHECK_PASS] = STYLE_SHRINKAGE, [CHECK_INCONCLUSIVE] = STYLE_UNUSED, [CHECK_REGRESSION] = STYLE_WARNING};
    return ROLES[verdict];
}

static void add_text_head(struct table *table, const char *head)
{
    table->is_text[table->cells_in_row] = true;
    table_add_cell(table, "%s", head);
}

static void add_head(struct table *table, const struct layout *layout)
{
    table_add_row(table);
    table_add_cell(table, "metric");
    if (layout->has_kinds)
        add_text_head(table, "rule");
    table_add_cell(table, "baseline");
    table_add_cell(table, "current");
    table_add_cell(table, "change");
    if (layout->has_percents)
        table_add_cell(table, "%%");
    if (layout->has_p)
        table_add_cell(table, "p");
    add_text_head(table, "verdict");
    if (layout->has_bounds)
        add_text_head(table, "allowed");
}

static void add_side(struct table *table, const struct layout *layout, const struct check_side *side,
                     enum metric_unit unit)
{
    struct check_words spread = layout->has_spreads ? check_spread(side) : (struct check_words){""};
    if (layout->has_intervals)
        table_add_cell(table, "%s", check_median_interval(side, unit).text);
    else if (spread.text[0] != '\0')
        table_add_cell(table, "%s +-%s", check_median(side, unit).text, spread.text);
    else
        table_add_cell(table, "%s", check_median(side, unit).text);
}

/* Chance moves every metric: only what is held to be a regression gets a colour. */
static enum style_role change_role(const struct check_row *row)
{
    return row->verdict == CHECK_REGRESSION ? STYLE_GROWTH : STYLE_PLAIN;
}

static void add_row(struct table *table, const struct layout *layout, const struct check_row *row)
{
    table_add_row(table);
    table_add_cell(table, "%s", row->metric);
    if (layout->has_kinds)
        table_add_cell(table, "%s", check_kind_name(row->kind));
    add_side(table, layout, &row->baseline, row->unit);
    add_side(table, layout, &row->current, row->unit);
    table_add_cell(table, "%s", check_change(row).text);
    table_style_cell(table, change_role(row));
    if (layout->has_percents) {
        table_add_cell(table, "%s", check_change_percent(row).text);
        table_style_cell(table, change_role(row));
    }
    if (layout->has_p)
        table_add_cell(table, "%s", check_p(row).text);
    table_add_cell(table, "%s", check_verdict_name(row->verdict));
    table_style_cell(table, verdict_role(row->verdict));
    if (layout->has_bounds)
        table_add_cell(table, "%s", row->bound);
}

static void fill(struct table *table, const struct check_result *result, const struct layout *layout)
{
    table_clear(table);
    add_head(table, layout);
    for (uint64_t i = 0; i < result->rows_count; i++) {
        if (check_is_shown(result, i))
            add_row(table, layout, &result->rows[i]);
    }
}

/* The least that any interval is sure of, in percent; 100 where there are none. */
static double least_coverage(const struct check_result *result)
{
    double least = 1;
    for (uint64_t i = 0; i < result->rows_count; i++) {
        const struct check_side *const sides[] = {&result->rows[i].baseline, &result->rows[i].current};
        for (int side = 0; side < 2; side++) {
            if (check_is_shown(result, i) && check_has_interval(sides[side]) && sides[side]->coverage < least)
                least = sides[side]->coverage;
        }
    }
    return least * 100;
}

static void write_legend(const struct text *text, const struct layout *layout)
{
    double coverage = least_coverage(text->result);
    if (coverage >= 100 || !(layout->has_intervals || layout->has_spreads))
        return;
    style_begin(text->out, text->style, STYLE_FAINT, STYLE_TEXT);
    fprintf(text->out, "%s the true median, with a confidence of %.1f %% or more",
            layout->has_intervals ? "[low, high]: holds" : "+-: no farther away than that is", coverage);
    style_end(text->out, text->style, STYLE_FAINT);
    fputc('\n', text->out);
}

static void write_table(const struct text *text)
{
    struct table table;
    const struct layout *layout = &LAYOUTS[0];
    fill(&table, text->result, layout);
    while (table_width_columns(&table) > text->width_columns && layout < &LAYOUTS[LAYOUT_COUNT - 1])
        fill(&table, text->result, ++layout);
    fputc('\n', text->out);
    table_print_styled(&table, text->out, text->style);
    struct check_sentence not_shown = check_not_shown(text->result);
    if (not_shown.text[0] != '\0')
        fprintf(text->out, "... and %s (all: --format json)\n", not_shown.text);
    write_legend(text, layout);
}

/* ---- why ---- */

/* "rss.total, rss.go.unused.resident and 3 more (growth): ..." */
static void write_reason(const struct text *text, uint64_t row, uint64_t count)
{
    const struct check_row *first = &text->result->rows[row];
    enum style_role role = verdict_role(first->verdict);
    struct wrap wrap = {.out = text->out, .width_columns = text->width_columns, .hang_columns = 2};
    for (uint64_t i = 0; i < min_u64(count, CHECK_NAMES_MAX); i++) {
        if (i > 0)
            wrap_glue(&wrap, ",");
        style_begin(text->out, text->style, role, STYLE_TEXT);
        wrap_text(&wrap, first[i].metric);
        style_end(text->out, text->style, role);
    }
    if (count > CHECK_NAMES_MAX)
        wrap_format(&wrap, "and %" PRIu64 " more", count - CHECK_NAMES_MAX);
    wrap_format(&wrap, "(%s):", check_kind_name(first->kind));
    wrap_text(&wrap, first->why);
    wrap_end(&wrap);
}

static void write_reasons(const struct text *text)
{
    const struct check_result *result = text->result;
    uint64_t reasons = 0;
    for (uint64_t row = 0; row < result->rows_count && result->rows[row].verdict != CHECK_PASS;) {
        uint64_t count = check_is_shown(result, row) ? check_same_reason(result, row) : 1;
        if (reasons == 0)
            style_write_heading(text->out, text->style, "why");
        if (reasons++ < REASONS_MAX && check_is_shown(result, row))
            write_reason(text, row, count);
        row += count;
    }
}

/* ---- what grew ---- */

static void write_growths(const struct text *text, const char *heading, const char *head,
                          const struct check_growth *growths, uint64_t count)
{
    struct table table;
    if (count == 0)
        return;
    style_write_heading(text->out, text->style, heading);
    table_clear(&table);
    table_add_row(&table);
    table_add_cell(&table, "%s", head);
    table_add_cell(&table, "%s", check_growth_from(text->result));
    table_add_cell(&table, "%s", check_growth_to(text->result));
    table_add_cell(&table, "change");
    table_add_cell(&table, "%%");
    for (uint64_t i = 0; i < min_u64(count, GROWTHS_MAX); i++) {
        table_add_row(&table);
        table_add_cell(&table, "%s", growths[i].name);
        table_style_cell(&table, class_table_role(growths[i].name));
        table_add_cell(&table, "%s", check_value(growths[i].baseline_bytes, METRIC_BYTES).text);
        table_add_cell(&table, "%s", check_value(growths[i].current_bytes, METRIC_BYTES).text);
        table_add_cell(&table, "%s", check_growth_change(&growths[i]).text);
        table_add_cell(&table, "%s", check_growth_percent(&growths[i]).text);
    }
    table_print_styled(&table, text->out, text->style);
}

/* ---- all of it ---- */

static void write_notes(const struct text *text)
{
    for (uint64_t i = 0; i < text->result->notes_count; i++) {
        struct wrap wrap = {.out = text->out, .width_columns = text->width_columns, .hang_columns = 2};
        wrap_text(&wrap, "note:");
        wrap_text(&wrap, text->result->notes[i]);
        wrap_end(&wrap);
    }
}

bool check_text_write(FILE *out, const struct check_result *result, const struct check_view *view, struct error *error)
{
    (void)error;
    struct text text = {out, result, &view->style,
                        view->width_columns == UINT32_MAX ? LOG_COLUMNS : view->width_columns};
    style_begin(out, text.style, STYLE_HEADING, STYLE_TEXT);
    fputs(check_subject(result).text, out);
    style_end(out, text.style, STYLE_HEADING);
    fputc('\n', out);
    if (result->rows_count > 0)
        write_table(&text);
    text.width_columns = (uint32_t)min_u64(text.width_columns, SENTENCE_COLUMNS);
    write_reasons(&text);
    write_growths(&text, "what grew, resident, by class", "class", result->classes, result->classes_count);
    write_growths(&text, "what grew, resident, by size class", "slot bytes", result->size_classes,
                  result->size_classes_count);
    fputc('\n', out);
    write_notes(&text);
    style_begin(out, text.style, verdict_role(result->verdict), STYLE_TEXT);
    fputs(check_headline(result).text, out);
    style_end(out, text.style, verdict_role(result->verdict));
    fputc('\n', out);
    return true;
}
