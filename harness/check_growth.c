/* SPDX-License-Identifier: Apache-2.0
 *
 * From the medians of the baseline to those of now; without a baseline from the first sample to the last.
 */
#include "harness/check_growth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/statistics.h"

static const char RESIDENT[] = ".resident";

/* "go.unused" of "rss.go.unused.resident"; NULL: it is no such metric. */
static const char *name_between(const char *metric, const char *prefix, struct bump *bump)
{
    size_t bytes = strlen(metric), prefix_bytes = strlen(prefix), tail_bytes = sizeof RESIDENT - 1;
    if (bytes <= prefix_bytes + tail_bytes || strncmp(metric, prefix, prefix_bytes) != 0 ||
        strcmp(metric + bytes - tail_bytes, RESIDENT) != 0)
        return NULL;
    return bump_string(bump, metric + prefix_bytes, bytes - prefix_bytes - tail_bytes);
}

/* `*is_known` becomes false when no value is. */
static bool median_of(const uint64_t *values, uint64_t count, double *median, bool *is_known)
{
    struct statistics_median result = {0};
    double *doubles = malloc((count + 1) * sizeof *doubles);
    uint64_t known = 0;
    if (doubles == NULL)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (values[i] != DUMP_NOT_KNOWN)
            doubles[known++] = (double)values[i];
    }
    enum statistics_outcome outcome = statistics_median(doubles, known, 0.5, &result);
    free(doubles);
    *median = result.median;
    *is_known &= known > 0;
    return outcome == STATISTICS_OK || outcome == STATISTICS_TOO_FEW;
}

/* False: no memory. */
static bool measure(struct check_growth *growth, bool *is_known, const struct samples_metric *metric,
                    const struct row_context *context)
{
    const struct samples_of_side *sides = context->samples->sides;
    const uint64_t *current = metric->values[SAMPLES_CURRENT];
    uint64_t count = sides[SAMPLES_CURRENT].count;
    if (sides[SAMPLES_BASELINE].count > 0)
        return median_of(metric->values[SAMPLES_BASELINE], sides[SAMPLES_BASELINE].count, &growth->baseline_bytes,
                         is_known) &&
               median_of(current, count, &growth->current_bytes, is_known);
    uint64_t first = current[context->series_order[0]], last = current[context->series_order[count - 1]];
    *is_known = first != DUMP_NOT_KNOWN && last != DUMP_NOT_KNOWN;
    growth->baseline_bytes = (double)first;
    growth->current_bytes = (double)last;
    return true;
}

static int most_first(const void *left, const void *right)
{
    const struct check_growth *a = left, *b = right;
    double x = a->current_bytes - a->baseline_bytes, y = b->current_bytes - b->baseline_bytes;
    return x != y ? (x < y ? 1 : -1) : strcmp(a->name, b->name);
}

static bool make_list(const struct check_growth **list, uint64_t *list_count, const char *prefix,
                      const struct row_context *context)
{
    const struct samples *samples = context->samples;
    struct check_growth *rows = bump_take(context->bump, samples->metrics_count * sizeof *rows);
    uint64_t count = 0;
    if (rows == NULL)
        return false;
    for (uint64_t i = 0; i < samples->metrics_count; i++) {
        struct check_growth growth = {.name = name_between(samples->metrics[i].name, prefix, context->bump)};
        if (growth.name == NULL)
            continue;
        bool is_known = true;
        if (!measure(&growth, &is_known, &samples->metrics[i], context))
            return false;
        if (is_known && growth.current_bytes > growth.baseline_bytes)
            rows[count++] = growth;
    }
    qsort(rows, count, sizeof *rows, most_first);
    *list = rows;
    *list_count = count < context->settings->top_rows ? count : context->settings->top_rows;
    return true;
}

bool check_growth_make(struct check_result *result, const struct row_context *context, struct error *error)
{
    return (make_list(&result->classes, &result->classes_count, "rss.", context) &&
            make_list(&result->size_classes, &result->size_classes_count, "go.sizeclass.", context)) ||
           error_set(error, "there are more samples than fit into memory; give fewer");
}
