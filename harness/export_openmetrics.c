/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenMetrics 1.0. A family's name has no suffix, units and infos are told, and an end mark says that all is there.
 */
#include "harness/export_format.h"
#include "harness/export_metrics.h"

static const char *kind_name(enum metric_kind kind)
{
    switch (kind) {
    case METRIC_GAUGE:
        return "gauge";
    case METRIC_COUNTER:
        return "counter";
    case METRIC_INFO:
        return "info";
    }
    return "unknown";
}

static void introduce(FILE *out, const struct metric_family *family)
{
    fprintf(out, "# TYPE %s %s\n", family->name, kind_name(family->kind));
    if (family->unit != NULL)
        fprintf(out, "# UNIT %s %s\n", family->name, family->unit);
    fprintf(out, "# HELP %s %s\n", family->name, family->help);
}

bool export_openmetrics_write(FILE *out, const struct export_input *input, struct error *error)
{
    if (!export_metrics_write(out, input->dumps, input->dumps_count, introduce, error))
        return false;
    fputs("# EOF\n", out);
    return true;
}
