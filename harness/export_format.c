/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of formats.
 */
#include "harness/export_format.h"

#include <stddef.h>
#include <string.h>

const struct export_format EXPORT_FORMATS[] = {
    {"pprof", "a profile for 'go tool pprof' (gzip); one dump", EXPORT_ONE_DUMP, true, false, export_pprof_write},
    {"prometheus", "metrics as text, for node-exporter's textfile collector; a dump a process", EXPORT_DUMPS_TOGETHER,
     false, true, export_prometheus_write},
    {"openmetrics", "the same metrics as OpenMetrics 1.0", EXPORT_DUMPS_TOGETHER, false, true,
     export_openmetrics_write},
    {"gobench", "Go benchmark results, for benchstat; each dump is a sample", EXPORT_DUMP_BY_DUMP, false, false,
     export_gobench_write},
    {"ndjson", "a JSON object a line for each class and size class, for databases", EXPORT_DUMP_BY_DUMP, false, false,
     export_ndjson_write},
    {"folded", "stacks and bytes, for flame graphs; one dump", EXPORT_ONE_DUMP, false, false, export_folded_write},
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
