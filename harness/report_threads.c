/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose stacks they are: the threads with most resident stack, when all stacks together are worth it.
 */
#include <inttypes.h>

#include "harness/human.h"
#include "harness/report_parts.h"
#include "harness/table.h"
#include "memory/units.h"

/* Together, of the RSS. */
enum { WORTH_RSS_PART = 100, FEW_ROWS = 5, ROWS_MAX = 100 };

struct ranking {
    const struct dump_thread *rows[ROWS_MAX]; /* most resident first */
    uint64_t count, capacity;
};

static void insert(struct ranking *ranking, const struct dump_thread *thread)
{
    uint64_t at = ranking->count;
    while (at > 0 && ranking->rows[at - 1]->resident_bytes < thread->resident_bytes)
        at--;
    if (at == ranking->capacity)
        return;
    if (ranking->count < ranking->capacity)
        ranking->count++;
    for (uint64_t i = ranking->count - 1; i > at; i--)
        ranking->rows[i] = ranking->rows[i - 1];
    ranking->rows[at] = thread;
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
    struct ranking ranking = {.capacity = min_u64(report_rows_shown(report->options, ROWS_MAX, FEW_ROWS), ROWS_MAX)};
    struct table table;
    if (dump->threads_count == 0 ||
        dump->rss.classes[CLASS_THREAD_STACKS].sizes.resident_bytes < dump->rss.total_bytes / WORTH_RSS_PART)
        return;
    for (uint64_t i = 0; i < dump->threads_count; i++)
        insert(&ranking, &dump->threads[i]);
    style_write_heading(report->out, &report->options->style,
                        "thread.stacks by thread; below sp: used by calls that have returned");
    table_clear(&table);
    table.is_text[0] = false;
    add_head(&table);
    for (uint64_t i = 0; i < ranking.count; i++)
        add_row(&table, ranking.rows[i]);
    table_print_styled(&table, report->out, &report->options->style);
    if (dump->threads_count > ranking.count)
        fprintf(report->out, "... %" PRIu64 " more stacks (--top N)\n", dump->threads_count - ranking.count);
}
