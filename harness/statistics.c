/* SPDX-License-Identifier: Apache-2.0
 *
 * The statistics of check: medians, many tests at once, and what the tests (statistics_rank.c, statistics_slope.c) are
 * made of: tails of the normal distribution and numbers of arrangements.
 *
 * Probabilities are sums of positive numbers, never 1 minus something: so small ones are as exact as large ones.
 */
#include "harness/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/statistics_parts.h"

int statistics_compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double *statistics_sorted(const double *values, size_t count)
{
    double *sorted = malloc(count * sizeof *sorted);
    if (sorted == NULL)
        return NULL;
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, statistics_compare_doubles);
    return sorted;
}

size_t statistics_equal_values(const double *sorted, size_t count)
{
    size_t equal = 1;
    while (equal < count && sorted[equal] == sorted[0])
        equal++;
    return equal;
}

double statistics_mean(double a, double b)
{
    double sum = a + b;
    return isfinite(sum) ? sum / 2 : a / 2 + b / 2;
}

double statistics_normal_tail(double z)
{
    return erfc(z / sqrt(2)) / 2;
}

/* libm has erfc but not its inverse. Halving an interval 100 times leaves neighbouring doubles. */
double statistics_normal_quantile(double share)
{
    double low = 0, high = 40; /* no double is left of the tail there */
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (statistics_normal_tail(middle) > share)
            low = middle;
        else
            high = middle;
    }
    return high;
}

double statistics_binomial(size_t n, size_t k)
{
    double ways = 1;
    for (size_t i = 1; i <= k; i++)
        ways = ways * (double)(n - k + i) / (double)i;
    return ways;
}

/* Rank after rank, `ways[taken][sum]` grows by the ways that take it. Downwards in `taken`, so that no rank is taken
 * twice. Rows go from `chosen` to 0: the one that is asked for comes first. */
double *statistics_count_choices(const uint32_t *ranks, size_t count, size_t chosen, size_t sum_max)
{
    size_t row_length = sum_max + 1;
    double *rows = calloc((chosen + 1) * row_length, sizeof *rows);
    if (rows == NULL)
        return NULL;
    rows[chosen * row_length] = 1;
    for (size_t i = 0; i < count; i++) {
        for (size_t taken = i + 1 < chosen ? i + 1 : chosen; taken > 0; taken--) {
            double *with = rows + (chosen - taken) * row_length;
            const double *without = with + row_length;
            for (size_t sum = ranks[i]; sum <= sum_max; sum++)
                with[sum] += without[sum - ranks[i]];
        }
    }
    return rows;
}

/* The median lies between the values at `place` and `count + 1 - place` (from 1, in order) unless fewer than `place` of
 * all values fall on one side of it. How many fall below is binomial, with probability 1/2. So: from the middle
 * outwards, until that is sure enough. */
static size_t find_place(size_t count, double confidence, double *coverage)
{
    size_t place = (count + 1) / 2;
    double probability = 1; /* that `place` values fall below */
    for (size_t i = 1; i <= place; i++)
        probability *= (double)(2 * i - 1) / (double)(2 * i);

    *coverage = count % 2 == 0 ? probability : 0;
    while (*coverage < confidence && place > 1) {
        probability *= (double)place / (double)(count - place + 1);
        place--;
        *coverage += 2 * probability;
    }
    return place;
}

enum statistics_outcome statistics_median(const double *values, size_t count, double confidence,
                                          struct statistics_median *result)
{
    if (count == 0)
        return STATISTICS_TOO_FEW;
    if (count > STATISTICS_VALUES_MAX)
        return STATISTICS_TOO_MANY;
    double *sorted = statistics_sorted(values, count);
    if (sorted == NULL)
        return STATISTICS_NO_MEMORY;

    double coverage;
    size_t place = find_place(count, confidence, &coverage);
    *result = (struct statistics_median){
        .median = statistics_mean(sorted[(count - 1) / 2], sorted[count / 2]),
        .low = sorted[place - 1],
        .high = sorted[count - place],
        .coverage = fmin(coverage, 1),
        .is_wide_enough = coverage >= confidence,
    };
    free(sorted);
    return STATISTICS_OK;
}

struct adjusted_p {
    double p;
    size_t place;
};

static int compare_p(const void *left, const void *right)
{
    const struct adjusted_p *a = left, *b = right;
    return (a->p > b->p) - (a->p < b->p);
}

/* The smallest p counts for all tests, the next for all but one, and so on; none gets ahead of a smaller one. */
enum statistics_outcome statistics_holm(const double *p, size_t count, double *adjusted)
{
    if (count == 0)
        return STATISTICS_OK;
    struct adjusted_p *tests = calloc(count, sizeof *tests);
    if (tests == NULL)
        return STATISTICS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct adjusted_p){p[i], i};
    qsort(tests, count, sizeof *tests, compare_p);

    double least = 0;
    for (size_t i = 0; i < count; i++) {
        least = fmax(least, fmin((double)(count - i) * tests[i].p, 1));
        adjusted[tests[i].place] = least;
    }
    free(tests);
    return STATISTICS_OK;
}
