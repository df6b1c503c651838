/* SPDX-License-Identifier: Apache-2.0
 *
 * Kendall's test of a trend: do later values tend to be larger?
 *
 * It counts the pairs whose later value is larger, less those whose later value is smaller ("falling"). If the order
 * meant nothing, all orders of the same values would be equally likely; p is the share of those with at most as many
 * falling pairs as were seen (equal values make the same pairs in all orders).
 *
 * The number of orders by falling pairs grows from value to value, smallest first: values that are equal come as one
 * group of t into the n that are there, and choose t of n + t places. The pairs between the group and the others that
 * fall are those with an other behind it: with places counted from the end, their sum less what the group's own places
 * at the very end would make.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/statistics.h"
#include "harness/statistics_parts.h"

enum { EXACT_VALUES_MAX = 33, EXACT_PAIRS_MAX = EXACT_VALUES_MAX * (EXACT_VALUES_MAX - 1) / 2 };

double statistics_trend_variance(const double *sorted, size_t count)
{
    double n = (double)count, variance = n * (n - 1) * (2 * n + 5);
    for (size_t start = 0, equal; start < count; start += equal) {
        equal = statistics_equal_values(sorted + start, count - start);
        double t = (double)equal;
        variance -= t * (t - 1) * (2 * t + 5);
    }
    return variance / 18;
}

static uint64_t pairs_of(size_t count)
{
    return (uint64_t)count * (count - 1) / 2;
}

/* Multiplies `share`, the shares of orders of `before` values by falling pairs, by the ways to put in a group of
 * `equal`. */
static bool insert_group(double *share, size_t falling_max, size_t before, size_t equal)
{
    uint32_t places[EXACT_VALUES_MAX];
    for (uint32_t i = 0; i < before + equal; i++)
        places[i] = i;
    size_t least_sum = pairs_of(equal);
    double *choices = statistics_count_choices(places, before + equal, equal, least_sum + falling_max);
    if (choices == NULL)
        return false;
    double all = statistics_binomial(before + equal, equal), product[EXACT_PAIRS_MAX + 1] = {0};
    for (size_t falling = 0; falling <= falling_max; falling++) {
        for (size_t added = 0; added <= falling; added++)
            product[falling] += share[falling - added] * choices[least_sum + added] / all;
    }
    memcpy(share, product, (falling_max + 1) * sizeof *share);
    free(choices);
    return true;
}

static bool test_exactly(const double *sorted, size_t count, uint64_t falling_pairs, struct statistics_slope *result)
{
    double share[EXACT_PAIRS_MAX + 1] = {1};
    for (size_t start = 0, equal; start < count; start += equal) {
        equal = statistics_equal_values(sorted + start, count - start);
        if (!insert_group(share, falling_pairs, start, equal))
            return false;
    }
    double p = 0;
    for (size_t falling = 0; falling <= falling_pairs; falling++)
        p += share[falling];
    result->p = fmin(p, 1);
    result->smallest_p = share[0];
    result->is_exact = true;
    return true;
}

static void test_normally(const double *sorted, size_t count, uint64_t tied_pairs, uint64_t falling_pairs,
                          struct statistics_slope *result)
{
    double deviation = sqrt(statistics_trend_variance(sorted, count));
    double unequal = (double)(pairs_of(count) - tied_pairs);
    result->p = statistics_normal_tail((unequal - 2 * (double)falling_pairs - 1) / deviation);
    result->smallest_p = statistics_normal_tail((unequal - 1) / deviation);
    result->is_exact = false;
}

static uint64_t count_tied_pairs(const double *sorted, size_t count)
{
    uint64_t pairs = 0;
    for (size_t start = 0, equal; start < count; start += equal) {
        equal = statistics_equal_values(sorted + start, count - start);
        pairs += pairs_of(equal);
    }
    return pairs;
}

enum statistics_outcome statistics_trend(const double *series, const double *sorted, size_t count,
                                         struct statistics_slope *result)
{
    uint64_t falling_pairs, tied_pairs = count_tied_pairs(sorted, count);
    if (!statistics_count_not_rising(series, count, &falling_pairs))
        return STATISTICS_NO_MEMORY;
    falling_pairs -= tied_pairs;
    if (count <= EXACT_VALUES_MAX)
        return test_exactly(sorted, count, falling_pairs, result) ? STATISTICS_OK : STATISTICS_NO_MEMORY;
    if (tied_pairs == pairs_of(count)) {
        result->p = result->smallest_p = 1;
        result->is_exact = true;
    } else {
        test_normally(sorted, count, tied_pairs, falling_pairs, result);
    }
    return STATISTICS_OK;
}
