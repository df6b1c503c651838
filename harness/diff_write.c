/* SPDX-License-Identifier: Apache-2.0
 *
 * A comparison as people read it: both dumps and what the RSS did, what makes them hard to compare, then a table each
 * by class, by size class, by watched map and by finding.
 */
#include <inttypes.h>
#include <string.h>

#include "harness/diff.h"
#include "harness/diff_environment.h"
#include "harness/diff_rows.h"
#include "harness/human.h"
#include "harness/report_parts.h"
#include "harness/table.h"
#include "memory/units.h"

/* With --all there is a row for each size class that Go has, and more than that is in no real dump. */
enum { USUAL_ROWS = 10, ROWS_MAX = 120, SIDE_COLUMNS = 5 };

_Static_assert((int)ROWS_MAX + 2 <= (int)TABLE_ROWS_MAX, "and a head and a total");

struct signed_text {
    char text[48];
};

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* "+45.4 MiB", "-3.00 MiB", "0". */
static struct signed_text change_text(uint64_t old_bytes, uint64_t new_bytes)
{
    struct signed_text text = {"0"};
    if (old_bytes != new_bytes)
        snprintf(text.text, sizeof text.text, "%c%s", new_bytes > old_bytes ? '+' : '-',
                 human_bytes(distance(old_bytes, new_bytes)).text);
    return text;
}

/* "+12.5", "-100.0", "+5810" (from ten times on without tenths), "new" where there was nothing before. */
static struct signed_text percent_text(uint64_t old_value, uint64_t new_value)
{
    enum { TIMES = 10 };
    struct signed_text text = {"0"};
    if (old_value == 0 && new_value != 0)
        return (struct signed_text){"new"};
    if (old_value == new_value)
        return text;
    struct human percent = human_percent(distance(old_value, new_value), old_value);
    bool is_long = distance(old_value, new_value) / old_value >= TIMES;
    int bytes = (int)(is_long ? strcspn(percent.text, ".") : strlen(percent.text));
    snprintf(text.text, sizeof text.text, "%c%.*s", new_value > old_value ? '+' : '-', bytes, percent.text);
    return text;
}

static enum style_role change_role(uint64_t old_value, uint64_t new_value)
{
    return new_value > old_value ? STYLE_GROWTH : new_value < old_value ? STYLE_SHRINKAGE : STYLE_PLAIN;
}

/* ---- the head ---- */

static void write_side(FILE *out, const char *label, const struct diff_side *side, const struct diff_options *options)
{
    const struct style *style = &options->style;
    struct wrap wrap = {.out = out, .width_columns = options->width_columns, .indent_columns = SIDE_COLUMNS};
    style_begin(out, style, STYLE_HEADING, STYLE_TEXT);
    fprintf(out, "%s  %s", label, side->path);
    style_end(out, style, STYLE_HEADING);
    fputc('\n', out);
    report_write_who(&wrap, side->dump);
}

static void write_rss(FILE *out, const struct dump *old_dump, const struct dump *new_dump, const struct style *style)
{
    uint64_t old_bytes = old_dump->rss.total_bytes, new_bytes = new_dump->rss.total_bytes;
    enum style_role role = change_role(old_bytes, new_bytes);
    fprintf(out, "RSS  %s -> %s, ", human_bytes(old_bytes).text, human_bytes(new_bytes).text);
    style_begin(out, style, role, STYLE_TEXT);
    fputs(change_text(old_bytes, new_bytes).text, out);
    style_end(out, style, role);
    if (old_bytes != 0)
        fprintf(out, " (%s %%)", percent_text(old_bytes, new_bytes).text);
    fprintf(out, " in %s\n", human_duration(distance(old_dump->time.unix_ns, new_dump->time.unix_ns)).text);
}

/* ---- tables ---- */

enum what { BY_CLASS, BY_SIZE_CLASS, BY_MAP, BY_FINDING };

static void add_head(struct table *table, enum what what)
{
    static const char *const FIRST[] = {
        [BY_CLASS] = "class", [BY_SIZE_CLASS] = "slot", [BY_MAP] = "map", [BY_FINDING] = "finding"};
    table_add_row(table);
    table_add_cell(table, "%s", FIRST[what]);
    table_add_cell(table, "old");
    table_add_cell(table, "new");
    table_add_cell(table, "change");
    table_add_cell(table, "%%");
    if (what == BY_SIZE_CLASS || what == BY_MAP) {
        table_add_cell(table, "%s", what == BY_MAP ? "entries" : "objects");
        table_add_cell(table, "change");
    }
}

static void add_name(struct table *table, const struct diff_row *row, enum what what)
{
    if (what != BY_SIZE_CLASS)
        table_add_cell(table, "%s", row->name);
    else if (row->slot_bytes == DIFF_LARGE_OBJECTS)
        table_add_cell(table, "large");
    else
        table_add_cell(table, "%s", human_bytes(row->slot_bytes).text);
}

static void add_numbers(struct table *table, uint64_t old_bytes, uint64_t new_bytes)
{
    enum style_role role = change_role(old_bytes, new_bytes);
    table_add_cell(table, "%s", old_bytes == 0 ? "0" : human_bytes(old_bytes).text);
    table_add_cell(table, "%s", new_bytes == 0 ? "0" : human_bytes(new_bytes).text);
    table_add_cell(table, "%s", change_text(old_bytes, new_bytes).text);
    table_style_cell(table, role);
    table_add_cell(table, "%s", percent_text(old_bytes, new_bytes).text);
    table_style_cell(table, role);
}

static void add_objects(struct table *table, uint64_t old_objects, uint64_t new_objects)
{
    table_add_cell(table, "%" PRIu64, new_objects);
    if (old_objects == new_objects)
        table_add_cell(table, "0");
    else
        table_add_cell(table, "%c%" PRIu64, new_objects > old_objects ? '+' : '-', distance(old_objects, new_objects));
    table_style_cell(table, change_role(old_objects, new_objects));
}

static const char *fate(const struct diff_row *row)
{
    if (!row->is_in_old)
        return "new";
    if (!row->is_in_new)
        return "gone";
    return row->new_bytes > row->old_bytes ? "grown" : row->new_bytes < row->old_bytes ? "shrunk" : "the same";
}

static void add_row(struct table *table, const struct diff_row *row, enum what what)
{
    table_add_row(table);
    add_name(table, row, what);
    add_numbers(table, row->old_bytes, row->new_bytes);
    if (what == BY_SIZE_CLASS || what == BY_MAP)
        add_objects(table, row->old_objects, row->new_objects);
    if (what == BY_FINDING) {
        table->is_text[table->cells_in_row] = true;
        table_add_cell(table, "%s", fate(row));
    }
}

static uint64_t rows_shown(const struct diff_rows *rows, const struct diff_options *options)
{
    uint64_t wanted = options->shows_all ? rows->count : rows->changed_count;
    if (options->top_rows != 0)
        wanted = min_u64(wanted, options->top_rows);
    else if (!options->shows_all)
        wanted = min_u64(wanted, USUAL_ROWS);
    return min_u64(wanted, ROWS_MAX);
}

static void write_rest(FILE *out, const struct diff_rows *rows, uint64_t shown, const struct diff_options *options)
{
    uint64_t more = rows->changed_count > shown ? rows->changed_count - shown : 0;
    uint64_t same = rows->count - shown - more;
    if (more > 0)
        fprintf(out, "... %" PRIu64 " more that changed%s\n", more, options->shows_all ? "" : " (--top N, --all)");
    if (shown == 0 && more == 0)
        fputs("no change\n", out);
    else if (same > 0)
        fprintf(out, "... %" PRIu64 " without change (--all)\n", same);
}

static void write_table(FILE *out, enum what what, const struct diff_rows *rows, const struct dump_rss *const totals[2],
                        const struct diff_options *options)
{
    static const char *const HEADINGS[] = {[BY_CLASS] = "by class, resident",
                                           [BY_SIZE_CLASS] = "by size class, resident of its spans",
                                           [BY_MAP] = "by watched map, resident of its pages",
                                           [BY_FINDING] = "by finding"};
    struct table table;
    uint64_t shown = rows_shown(rows, options);
    if (rows->count == 0)
        return;
    style_write_heading(out, &options->style, HEADINGS[what]);
    table_clear(&table);
    table.is_text[0] = what != BY_SIZE_CLASS;
    add_head(&table, what);
    for (uint64_t i = 0; i < shown; i++)
        add_row(&table, &rows->rows[i], what);
    if (what == BY_CLASS && shown > 0) {
        table_add_row(&table);
        table_add_cell(&table, "total");
        add_numbers(&table, totals[0]->sum.resident_bytes, totals[1]->sum.resident_bytes);
    }
    if (shown > 0)
        table_print_styled(&table, out, &options->style);
    write_rest(out, rows, shown, options);
}

bool diff_write(FILE *out, const struct diff_side *old_side, const struct diff_side *new_side,
                const struct diff_options *options, struct error *error)
{
    static bool (*const MAKE[])(struct diff_rows *, const struct dump *, const struct dump *) = {
        [BY_CLASS] = diff_rows_of_classes,
        [BY_SIZE_CLASS] = diff_rows_of_size_classes,
        [BY_MAP] = diff_rows_of_maps,
        [BY_FINDING] = diff_rows_of_findings,
    };
    const struct dump *old_dump = old_side->dump, *new_dump = new_side->dump;
    write_side(out, "old", old_side, options);
    write_side(out, "new", new_side, options);
    write_rss(out, old_dump, new_dump, &options->style);
    diff_write_notes(out, old_dump, new_dump, options);
    for (int what = BY_CLASS; what <= BY_FINDING; what++) {
        struct diff_rows rows;
        if (!MAKE[what](&rows, old_dump, new_dump))
            return error_set(error, "there is no memory to compare them in; free some or raise the limit (ulimit -v)");
        write_table(out, (enum what)what, &rows, (const struct dump_rss *[]){&old_dump->rss, &new_dump->rss}, options);
        diff_rows_free(&rows);
    }
    return true;
}
