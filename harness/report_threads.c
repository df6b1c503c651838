/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose stacks they are: the threads with most resident stack, when all stacks together are worth it.
 */
#include <inttypes.h>

#include "harness/human.h"
#include "harness/ranking.h"
#include "harness/report_parts.h"
#include "harness/table.h"

/* Together, of the RSS. */
enum { WORTH_RSS_PART = 100, FEW_ROWS = 5, ROWS_MAX = 100 };

static int most_resident_first(const void *left, const void *right)
{
    const struct dump_thread *a = *(const struct dump_thread *const *)left;
    const struct dump_thread *b = *(const struct dump_thread *const *)right;
    return (a->resident_bytes < b->resident_bytes) - (a->resident_bytes > b->resident_bytes);
}

static void add_head(struct table *table)
{
    static const char *const HEADS[] = {"resident", "below sp", "size"};
    table_add_row(table);
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++)
        table_add_cell(table, "%s", HEADS[i]);
    table->is_text[table->cells_in_row] = true;
    table_add_cell(table, "thread");
}

static void add_row(struct table *table, const struct dump_thread *thread)
{
    table_add_row(table);
    table_add_cell(table, "%s", human_bytes(thread->resident_bytes).text);
    table_add_cell(table, "%s", thread->below_bytes == DUMP_NOT_KNOWN ? "-" : human_bytes(thread->below_bytes).text);
    table_add_cell(table, "%s", human_bytes(thread->end - thread->start).text);
    if (thread->tid == DUMP_NOT_KNOWN)
        table_add_cell(table, "none: its thread has ended, libc keeps it");
    else
        table_add_cell(table, "%" PRIu64 " %s", thread->tid, thread->name == NULL ? "" : thread->name);
}

void report_write_threads(const struct report *report)
{
    const struct dump *dump = report->dump;
    const struct dump_thread *rows[ROWS_MAX];
    struct ranking ranking = {.rows = rows,
                              .row_bytes = sizeof rows[0],
                              .compare = most_resident_first,
                              .capacity = report_rows_shown(report->options, ROWS_MAX, FEW_ROWS)};
    struct table table;
    if (dump->threads_count == 0 || !report->knows_residency ||
        dump->rss.classes[CLASS_THREAD_STACKS].sizes.resident_bytes < dump->rss.total_bytes / WORTH_RSS_PART)
        return;
    for (uint64_t i = 0; i < dump->threads_count; i++)
        ranking_insert(&ranking, &(const struct dump_thread *){&dump->threads[i]});
    style_write_heading(report->out, &report->options->style,
                        "thread.stacks by thread; below sp: used by calls that have returned");
    table_clear(&table);
    table.is_text[0] = false;
    add_head(&table);
    for (uint64_t i = 0; i < ranking.count; i++)
        add_row(&table, rows[i]);
    table_print_styled(&table, report->out, &report->options->style);
    uint64_t rest = dump->threads_count - ranking.count;
    if (rest > 0)
        fprintf(report->out, "... %" PRIu64 " more stack%s%s\n", rest, rest == 1 ? "" : "s",
                report_top_hint(report->options, ROWS_MAX));
}
