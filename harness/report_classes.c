/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the RSS went: the table of classes with a bar for each, and notes where it does not add up to the RSS.
 */
#include <inttypes.h>

#include "harness/bar.h"
#include "harness/class_table.h"
#include "harness/human.h"
#include "harness/report_parts.h"
#include "harness/wrap.h"

enum { BAR_COLUMNS = 20, BAR_COLUMNS_MIN = 10, MEANING_COLUMNS = 60, MEANING_COLUMNS_MIN = 35 };

_Static_assert((int)BAR_COLUMNS <= (int)BAR_COLUMNS_MAX, "a bar has room");

/* With everything where there is room for it; then with shorter bars and explanations, without explanations, without
 * bars. */
static void fill_within(struct table *table, const struct dump_rss *rss, const struct report_options *options)
{
    static const struct {
        bool has_meanings;
        uint32_t bar_columns, meaning_columns_min;
    } LOOKS[] = {{true, BAR_COLUMNS, MEANING_COLUMNS},
                 {true, BAR_COLUMNS_MIN, MEANING_COLUMNS_MIN},
                 {false, BAR_COLUMNS, 0},
                 {false, BAR_COLUMNS_MIN, 0},
                 {false, 0, 0}};
    for (size_t i = 0; i < sizeof LOOKS / sizeof LOOKS[0]; i++) {
        class_table_fill_bars(table, rss, LOOKS[i].has_meanings, LOOKS[i].bar_columns, options->style.has_unicode);
        if (table_width_columns(table) <= options->width_columns)
            return;
        if (LOOKS[i].has_meanings && table_cut_to(table, options->width_columns, LOOKS[i].meaning_columns_min))
            return;
    }
}

static void fill_mapped_within(struct table *table, const struct dump_rss *rss, const struct report_options *options)
{
    class_table_fill_mapped(table, rss, true);
    if (!table_cut_to(table, options->width_columns, MEANING_COLUMNS_MIN))
        class_table_fill_mapped(table, rss, false);
}

static void write_note(const struct report *report, const char *note)
{
    struct wrap wrap = {.out = report->out, .width_columns = report_sentence_columns(report->options)};
    wrap_text(&wrap, note);
    wrap_end(&wrap);
}

static void write_notes(const struct report *report)
{
    const struct dump_rss *rss = &report->dump->rss;
    char note[256];
    bool is_more = rss->sum.resident_bytes > rss->total_bytes;
    uint64_t difference_bytes =
        is_more ? rss->sum.resident_bytes - rss->total_bytes : rss->total_bytes - rss->sum.resident_bytes;
    if (difference_bytes > 0) {
        snprintf(note, sizeof note,
                 "note: the total is %s %s than RSS: the kernel's counter and the pages were not read at one instant",
                 human_bytes(difference_bytes).text, is_more ? "more" : "less");
        write_note(report, note);
    }
    if (rss->stated_explained_bytes != rss->explained_bytes) {
        snprintf(note, sizeof note, "warning: the dump says that %s are explained, its classes add up to %s",
                 human_bytes(rss->stated_explained_bytes).text, human_bytes(rss->explained_bytes).text);
        write_note(report, note);
    }
    if (rss->classes_count > CLASS_COUNT) {
        snprintf(
            note, sizeof note,
            "warning: classes that this version does not know: %u, counted as explained (a newer gopagewatch tells "
            "more)",
            rss->classes_count - CLASS_COUNT);
        write_note(report, note);
    }
}

void report_write_classes(const struct report *report)
{
    struct table table;
    style_write_heading(report->out, &report->options->style,
                        report->knows_residency ? "where the RSS went" : "what is mapped");
    if (report->knows_residency)
        fill_within(&table, &report->dump->rss, report->options);
    else
        fill_mapped_within(&table, &report->dump->rss, report->options);
    table_print_styled(&table, report->out, &report->options->style);
    write_notes(report);
}
