/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of formats.
 */
#include "harness/export_format.h"

#include <stddef.h>
#include <string.h>

const struct export_format EXPORT_FORMATS[] = {
    {
        .name = "pprof",
        .summary = "a profile for 'go tool pprof' (gzip); one dump",
        .next = "go tool pprof -top",
        .dumps = EXPORT_ONE_DUMP,
        .is_binary = true,
        .has_stacks = true,
        .write = export_pprof_write,
    },
    {
        .name = "prometheus",
        .summary = "metrics as text, for node-exporter's textfile collector; a dump a process",
        .next = "promtool check metrics <",
        .dumps = EXPORT_DUMPS_TOGETHER,
        .is_for_all = true,
        .write = export_prometheus_write,
    },
    {
        .name = "openmetrics",
        .summary = "the same metrics as OpenMetrics 1.0",
        .dumps = EXPORT_DUMPS_TOGETHER,
        .is_for_all = true,
        .write = export_openmetrics_write,
    },
    {
        .name = "gobench",
        .summary = "Go benchmark results, for benchstat; each dump is a sample",
        .next = "benchstat",
        .dumps = EXPORT_DUMP_BY_DUMP,
        .write = export_gobench_write,
    },
    {
        .name = "ndjson",
        .summary = "a JSON object a line for each class and size class, for databases",
        .dumps = EXPORT_DUMP_BY_DUMP,
        .write = export_ndjson_write,
    },
    {
        .name = "folded",
        .summary = "stacks and bytes, for flame graphs; one dump",
        .next = "flamegraph.pl --countname bytes",
        .dumps = EXPORT_ONE_DUMP,
        .has_stacks = true,
        .write = export_folded_write,
    },
    {
        .name = "perfetto",
        .summary = "a time line for ui.perfetto.dev: classes by dump, calls of the last; of one process",
        .dumps = EXPORT_DUMPS_TOGETHER,
        .has_events = true,
        .has_stacks = true,
        .write = export_perfetto_write,
    },
};

const uint32_t EXPORT_FORMATS_COUNT = sizeof EXPORT_FORMATS / sizeof EXPORT_FORMATS[0];

const struct export_format *export_format_find(const char *name)
{
    for (uint32_t i = 0; i < EXPORT_FORMATS_COUNT; i++) {
        if (strcmp(EXPORT_FORMATS[i].name, name) == 0)
            return &EXPORT_FORMATS[i];
    }
    return NULL;
}
