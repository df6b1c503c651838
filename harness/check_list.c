/* SPDX-License-Identifier: Apache-2.0
 *
 * A line for each metric.
 */
#include "harness/check_list.h"

#include <inttypes.h>

#include "harness/human.h"

static void write_value(FILE *out, uint64_t value, enum metric_unit unit)
{
    char text[32];
    if (unit == METRIC_BYTES)
        snprintf(text, sizeof text, "%s", human_bytes(value).text);
    else
        snprintf(text, sizeof text, "%" PRIu64, value);
    fprintf(out, " %12s", text);
}

bool check_list_write(FILE *out, struct samples *samples, struct error *error)
{
    if (!samples_finish(samples, error))
        return false;
    fprintf(out, "%-44s %12s %12s\n", "metric", "lowest", "highest");
    for (uint64_t i = 0; i < samples->metrics_count; i++) {
        const struct samples_metric *metric = &samples->metrics[i];
        uint64_t lowest = DUMP_NOT_KNOWN, highest = 0;
        for (uint64_t k = 0; k < samples->sides[SAMPLES_CURRENT].count; k++) {
            uint64_t value = metric->values[SAMPLES_CURRENT][k];
            if (value == DUMP_NOT_KNOWN)
                continue;
            lowest = value < lowest ? value : lowest;
            highest = value > highest ? value : highest;
        }
        if (lowest == DUMP_NOT_KNOWN)
            continue;
        fprintf(out, "%-44s", metric->name);
        write_value(out, lowest, metric->unit);
        write_value(out, highest, metric->unit);
        fputc('\n', out);
    }
    return true;
}
