/* SPDX-License-Identifier: Apache-2.0
 *
 * Who did it: whose C code mapped what is resident, what the runtime's own memory is for, who made the heap grow, and
 * why memory was given back.
 *
 * Names come from the program's files, if they are there; a dump may be read elsewhere.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/human.h"
#include "harness/report_parts.h"
#include "harness/stack_trace.h"
#include "harness/symbols.h"
#include "harness/table.h"

enum { ROWS_MAX = 25, CALLS_SHOWN = 4, WHO_BYTES = 256, WHO_COLUMNS_LEAST = 16 };

/* By default a row is shown for at least this part of the RSS. */
enum { WORTH_RSS_PART = 100 };

/* What rows are about: which call sites, by which of their numbers, and what they are added up by. */
struct subject {
    const char *what;
    bool (*holds)(const struct dump_callsite *site);
    uint64_t (*bytes)(const struct dump_callsite *site);
    bool is_by_purpose; /* else by stack */
    uint32_t few_rows;  /* that are shown by default: the whole report is to be one screen */
};

static bool is_called(const struct dump_callsite *site, const char *by, const char *operation)
{
    return strcmp(site->by, by) == 0 && (operation == NULL || strcmp(site->operation, operation) == 0);
}

static bool is_mapping_of_c(const struct dump_callsite *site)
{
    return (is_called(site, "c", "mmap") || is_called(site, "c", "mremap")) && site->purpose == NULL;
}

static bool is_metadata(const struct dump_callsite *site)
{
    return is_called(site, "go", "mmap") && site->purpose != NULL;
}

static bool is_growth(const struct dump_callsite *site)
{
    return is_metadata(site) && strcmp(site->purpose, "arenas") == 0 && strcmp(site->detail, "rw-") == 0 &&
           site->resident_bytes == 0;
}

static bool is_release(const struct dump_callsite *site)
{
    return is_called(site, "go", "madvise") && site->purpose != NULL &&
           (strcmp(site->detail, "DONTNEED") == 0 || strcmp(site->detail, "FREE") == 0);
}

static uint64_t resident_bytes(const struct dump_callsite *site)
{
    return site->resident_bytes;
}

static uint64_t bytes(const struct dump_callsite *site)
{
    return site->bytes;
}

static const struct subject SUBJECTS[] = {
    {"c.mmap, resident", is_mapping_of_c, resident_bytes, false, 2},
    {"go.metadata, resident", is_metadata, resident_bytes, true, 1},
    {"heap growth", is_growth, bytes, false, 1},
    {"given back", is_release, bytes, true, 1},
};

struct row {
    const struct dump_callsite *site; /* the first of those that are added up */
    uint64_t bytes, calls;
    char who[WHO_BYTES];
};

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static int most_first(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return (a->site->id > b->site->id) - (a->site->id < b->site->id);
}

static void describe(const struct subject *subject, const struct dump_callsite *site, struct symbols *symbols,
                     struct stack_trace *trace, char who[WHO_BYTES])
{
    if (subject->is_by_purpose) {
        snprintf(who, WHO_BYTES, "%s", site->purpose);
        return;
    }
    stack_trace_make_site(trace, symbols, site);
    stack_trace_describe(trace, CALLS_SHOWN, who, WHO_BYTES);
    if (who[0] == '\0')
        snprintf(who, WHO_BYTES, "not known");
}

/* What reads the same is one row. Returns how many there are. */
static uint64_t collect(const struct subject *subject, const struct dump *dump, struct symbols *symbols,
                        struct stack_trace *trace, struct row *rows)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < dump->callsites_count; i++) {
        const struct dump_callsite *site = &dump->callsites[i];
        uint64_t at = 0;
        if (!subject->holds(site) || subject->bytes(site) == 0)
            continue;
        struct row row = {.site = site, .bytes = subject->bytes(site), .calls = site->calls};
        describe(subject, site, symbols, trace, row.who);
        while (at < count && strcmp(rows[at].who, row.who) != 0)
            at++;
        if (at == count) {
            rows[count++] = row;
            continue;
        }
        rows[at].bytes = add_saturating(rows[at].bytes, row.bytes);
        rows[at].calls = add_saturating(rows[at].calls, row.calls);
    }
    qsort(rows, count, sizeof *rows, most_first);
    return count;
}

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

static void add_row(struct table *table, const struct subject *subject, const struct row *row)
{
    table_add_row(table);
    table_add_cell(table, "%s", human_bytes(row->bytes).text);
    table_add_cell(table, "%" PRIu64, row->calls);
    table_add_cell(table, "%s", subject->what);
    table_add_cell(table, "%s", row->who);
}

/* Returns how many are not shown. */
static uint64_t add_rows(const struct report *report, struct table *table, const struct subject *subject,
                         const struct row *rows, uint64_t count)
{
    const struct report_options *options = report->options;
    uint64_t worth_bytes = options->top_rows != 0 ? 0 : report->dump->rss.total_bytes / WORTH_RSS_PART;
    uint64_t room = report_rows_shown(options, count < ROWS_MAX ? count : ROWS_MAX, subject->few_rows), shown = 0;
    while (shown < room && rows[shown].bytes >= worth_bytes)
        add_row(table, subject, &rows[shown++]);
    return count - shown;
}

static void write_table(const struct report *report, struct symbols *symbols, struct stack_trace *trace,
                        struct row *rows)
{
    struct table table;
    uint64_t hidden = 0;
    add_head(&table);
    for (size_t i = 0; i < sizeof SUBJECTS / sizeof SUBJECTS[0]; i++) {
        uint64_t count = collect(&SUBJECTS[i], report->dump, symbols, trace, rows);
        hidden += add_rows(report, &table, &SUBJECTS[i], rows, count);
    }
    if (table.row_count == 1)
        return;
    style_write_heading(report->out, &report->options->style, "who did it");
    table_cut_to(&table, report->options->width_columns, WHO_COLUMNS_LEAST);
    table_print_styled(&table, report->out, &report->options->style);
    if (hidden > 0)
        fprintf(report->out, "... %" PRIu64 " more (--top N)\n", hidden);
}

void report_write_sites(const struct report *report)
{
    struct symbols symbols;
    struct error error;
    const struct dump *dump = report->dump;
    if (dump->callsites_count == 0 ||
        !symbols_open(&symbols, dump->modules, dump->modules_count, &report->options->symbols, &error))
        return;
    struct stack_trace *trace = malloc(sizeof *trace);
    struct row *rows = calloc(dump->callsites_count, sizeof *rows);
    if (trace != NULL && rows != NULL)
        write_table(report, &symbols, trace, rows);
    free(rows);
    free(trace);
    symbols_close(&symbols);
}
