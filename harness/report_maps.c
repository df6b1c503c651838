/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Go maps cost that the program was started to watch: a row each, and the doubts about them.
 */
#include <inttypes.h>

#include "harness/map_table.h"
#include "harness/report_parts.h"

enum { FEW_ROWS = 5 };

static uint64_t torn_maps(const struct dump *dump)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < dump->go_maps_count; i++)
        count += dump->go_maps[i].torn_reads != 0;
    return count;
}

static uint64_t cut_maps(const struct dump *dump)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < dump->go_maps_count; i++)
        count += (dump->go_maps[i].spent_bytes | dump->go_maps[i].unfollowed) != 0;
    return count;
}

void report_write_maps(const struct report *report)
{
    const struct dump *dump = report->dump;
    const struct report_options *options = report->options;
    const struct map_table_options table = {options->width_columns, report->knows_residency, options->style};
    uint64_t shown = report_rows_shown(options, dump->go_maps_count, FEW_ROWS);
    if (dump->go_maps_count == 0)
        return;
    style_write_heading(report->out, &options->style,
                        "maps that are watched; alone: resident of pages with nothing else");
    shown = map_table_write_summary(report->out, dump->go_maps, dump->go_maps_count, shown, &table);
    uint64_t rest = dump->go_maps_count - shown;
    if (rest > 0)
        fprintf(report->out, "... %" PRIu64 " more map%s%s\n", rest, rest == 1 ? "" : "s",
                report_top_hint(options, MAP_TABLE_ROWS_MAX));
    if (torn_maps(dump) > 0)
        fprintf(report->out, "%" PRIu64 " of them changed while they were read\n", torn_maps(dump));
    if (cut_maps(dump) > 0)
        fprintf(report->out, "%" PRIu64 " of them lead to more than was followed: gopagewatch map tells why\n",
                cut_maps(dump));
}
