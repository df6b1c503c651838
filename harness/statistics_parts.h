/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of statistics.h share.
 */
#ifndef GPW_HARNESS_STATISTICS_PARTS_H
#define GPW_HARNESS_STATISTICS_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "harness/statistics.h"

/* For qsort; of finite doubles. */
int statistics_compare_doubles(const void *left, const void *right);

/* A sorted copy to free, or NULL. */
double *statistics_sorted(const double *values, size_t count);

/* How many of the `count` sorted values from the first on are equal to it. */
size_t statistics_equal_values(const double *sorted, size_t count);

/* The mean of two, which their sum may be too large for. */
double statistics_mean(double a, double b);

/* The share of a standard normal distribution at or above z. */
double statistics_normal_tail(double z);

/* The z with this share above it; 0 < share <= 0.5. */
double statistics_normal_quantile(double share);

/* "n choose k". */
double statistics_binomial(size_t n, size_t k);

/* In how many ways `chosen` of the `count` ranks add up to each sum, from 0 to `sum_max`: an array to free, or NULL.
 * Numbers that a double cannot hold are off by at most `count` roundings. */
double *statistics_count_choices(const uint32_t *ranks, size_t count, size_t chosen, size_t sum_max);

/* Kendall's test of a trend: `p`, `smallest_p` and `is_exact` of `result`. Two values or more; `sorted` are the same.
 */
enum statistics_outcome statistics_trend(const double *series, const double *sorted, size_t count,
                                         struct statistics_slope *result);

/* Of Kendall's sum (rising pairs less falling ones), were the order by chance. */
double statistics_trend_variance(const double *sorted, size_t count);

/* Pairs whose later value is not larger. False: there is no memory. */
bool statistics_count_not_rising(const double *series, size_t count, uint64_t *pairs);

/* The slopes between all pairs of a series of two values or more, sorted: those at the places `orders` (from 0,
 * ascending). False: there is no memory. */
bool statistics_select_slopes(const double *series, size_t count, const uint64_t *orders, size_t orders_count,
                              double *slopes);

#endif
