/* SPDX-License-Identifier: Apache-2.0
 *
 * Prometheus' text format, version 0.0.4. It knows counters and gauges by the whole name of their samples; an info is a
 * gauge there.
 */
#include "harness/export_format.h"
#include "harness/export_metrics.h"

static void introduce(FILE *out, const struct metric_family *family)
{
    const char *suffix = metric_suffix(family->kind);
    fprintf(out, "# HELP %s%s %s\n", family->name, suffix, family->help);
    fprintf(out, "# TYPE %s%s %s\n", family->name, suffix, family->kind == METRIC_COUNTER ? "counter" : "gauge");
}

bool export_prometheus_write(FILE *out, const struct export_input *input, struct error *error)
{
    return export_metrics_write(out, input->dumps, input->dumps_count, introduce, error);
}
