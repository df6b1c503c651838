/* SPDX-License-Identifier: Apache-2.0
 *
 * The block of one dump: its sections in their order, and what they share.
 *
 * What answers the question comes first (how much, what of, why), then what tells more (size classes, ranges, arenas),
 * last what limits all of it. By default each list shows a few rows, so that an ordinary dump fits a screen.
 */
#include <stdint.h>
#include <string.h>

#include "harness/report_parts.h"
#include "memory/units.h"

uint32_t report_sentence_columns(const struct report_options *options)
{
    return (uint32_t)min_u64(options->width_columns, REPORT_SENTENCE_COLUMNS);
}

uint64_t report_rows_shown(const struct report_options *options, uint64_t count, uint32_t few)
{
    return min_u64(count, options->top_rows != 0 ? options->top_rows : few);
}

const char *report_top_hint(const struct report_options *options, uint32_t rows_max)
{
    return options->top_rows < rows_max ? " (--top N)" : "";
}

const char *report_why_missing(const struct dump *dump, const char *book)
{
    for (uint64_t i = 0; i < dump->missing_count; i++) {
        if (strcmp(dump->missing[i].book, book) == 0)
            return dump->missing[i].why;
    }
    return NULL;
}

void report_write_nameless(const struct report *report)
{
    for (uint64_t i = 0; report->symbols != NULL && i < report->dump->modules_count; i++) {
        struct wrap wrap = {
            .out = report->out, .width_columns = report_sentence_columns(report->options), .hang_columns = 2};
        const char *why = symbols_module_why(report->symbols, i);
        if (why == NULL)
            continue;
        wrap_format(&wrap, "without names: %s", why);
        wrap_end(&wrap);
    }
}

static void write_sections(const struct report *report)
{
    report_write_headline(report);
    report_write_classes(report);
    report_write_findings(report);
    report_write_size_classes(report);
    report_write_maps(report);
    report_write_keepers(report);
    report_write_sites(report);
    report_write_nameless(report);
    report_write_threads(report);
    report_write_reinflated(report);
    report_write_arenas(report);
    report_write_limits(report);
    report_write_advices(report);
}

void report_write_dump(FILE *out, const struct dump *dump, const char *title, const struct report_options *options)
{
    struct symbols symbols;
    struct error error;
    bool has_symbols = symbols_open(&symbols, dump->modules, dump->modules_count, &options->symbols, &error);
    const struct dump_book *pagemap = dump_find_book(dump, "pagemap");
    const struct report report = {
        .out = out,
        .dump = dump,
        .options = options,
        .knows_residency = pagemap == NULL || strcmp(pagemap->how, "none") != 0,
        .symbols = has_symbols ? &symbols : NULL,
    };
    style_begin(out, &options->style, STYLE_HEADING, STYLE_TEXT);
    fputs(title, out);
    style_end(out, &options->style, STYLE_HEADING);
    fputc('\n', out);
    write_sections(&report);
    if (has_symbols)
        symbols_close(&symbols);
}
