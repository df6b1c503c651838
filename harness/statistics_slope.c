/* SPDX-License-Identifier: Apache-2.0
 *
 * Theil and Sen's slope: the median of the slopes between all pairs of a series, which a quarter of wild values cannot
 * move far; and Sen's interval, whose ends are slopes as many places from the middle as Kendall's sum may be by chance.
 */
#include <math.h>
#include <stdlib.h>

#include "harness/statistics.h"
#include "harness/statistics_parts.h"

static bool find_slopes(const double *series, const double *sorted, size_t count, double confidence,
                        struct statistics_slope *result)
{
    uint64_t pairs = (uint64_t)count * (count - 1) / 2;
    double around = statistics_normal_quantile((1 - confidence) / 2) * sqrt(statistics_trend_variance(sorted, count));
    double low = fmax(rint(((double)pairs - around) / 2) - 1, 0);
    double high = fmin(rint(((double)pairs + around) / 2), (double)(pairs - 1));
    const uint64_t orders[] = {(uint64_t)low, (pairs - 1) / 2, pairs / 2, (uint64_t)high};
    double slopes[4];
    if (!statistics_select_slopes(series, count, orders, 4, slopes))
        return false;
    result->low = slopes[0];
    result->slope = statistics_mean(slopes[1], slopes[2]);
    result->high = slopes[3];
    return true;
}

enum statistics_outcome statistics_slope(const double *series, size_t count, double confidence,
                                         struct statistics_slope *result)
{
    if (count < 2)
        return STATISTICS_TOO_FEW;
    if (count > STATISTICS_VALUES_MAX)
        return STATISTICS_TOO_MANY;
    double *sorted = statistics_sorted(series, count);
    if (sorted == NULL)
        return STATISTICS_NO_MEMORY;

    struct statistics_slope slope;
    enum statistics_outcome outcome = statistics_trend(series, sorted, count, &slope);
    if (outcome == STATISTICS_OK && !find_slopes(series, sorted, count, confidence, &slope))
        outcome = STATISTICS_NO_MEMORY;
    if (outcome == STATISTICS_OK)
        *result = slope;
    free(sorted);
    return outcome;
}
