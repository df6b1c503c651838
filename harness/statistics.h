/* SPDX-License-Identifier: Apache-2.0
 *
 * The statistics of `gopagewatch check`: is it larger than it was, does it grow from dump to dump?
 *
 * RSS is not normally distributed: it comes in steps, with outliers and many equal values. So everything here goes by
 * order and ranks: medians, Mann-Whitney's U, Kendall's tau, Theil and Sen's slope. Small samples get exact p-values,
 * ties or not: of all arrangements of these very values, the share that is as extreme as what was seen.
 *
 * Values are doubles and have to be finite; what comes out is finite too, and saturates at DBL_MAX. A double holds a
 * uint64_t exactly up to 2^53 (8 PiB). Beyond, neighbours may become the same number, never change places: ranks see at
 * most a tie more, and a slope is off by 2^-53 of the values.
 *
 * No function prints, keeps anything, or changes its input; the order of values matters to statistics_slope only.
 * Memory is a small multiple of the input plus some MiB, given back before they return.
 *
 * Allowed context: command.
 */
#ifndef GPW_HARNESS_STATISTICS_H
#define GPW_HARNESS_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

/* Anything but OK leaves the result as it was. */
enum statistics_outcome {
    STATISTICS_OK,
    STATISTICS_TOO_FEW,  /* there is nothing to compute it from */
    STATISTICS_TOO_MANY, /* more values than STATISTICS_VALUES_MAX */
    STATISTICS_NO_MEMORY,
};

/* Of one sample or series. */
enum { STATISTICS_VALUES_MAX = 1 << 20 };

struct statistics_median {
    double median;
    double low, high;    /* two of the values: the median of all that might have been sampled lies in [low, high] ... */
    double coverage;     /* ... with this probability */
    bool is_wide_enough; /* coverage >= confidence; if not, there are too few values and low, high are min and max */
};

/* The narrowest interval of the i-th smallest and the i-th largest value that holds the median with probability
 * `confidence` (below 1), by the binomial distribution. One value: [x, x], coverage 0. TOO_FEW: no values. */
enum statistics_outcome statistics_median(const double *values, size_t count, double confidence,
                                          struct statistics_median *result);

struct statistics_rank_test {
    double p;          /* of a U as large as this or larger, were both samples from one distribution */
    double smallest_p; /* the least that `p` can be with these sizes and ties: above alpha, the test cannot reject */
    double u;          /* pairs (current, baseline) with the current one larger, equal ones counted half */
    bool is_exact;     /* false: normal approximation with corrections for ties and continuity */
};

/* Mann and Whitney's U, one-sided: is `current` larger than `baseline`? All values equal: p = 1. TOO_FEW: one side has
 * no values. Exact where this takes at most some 10 ms: up to 50 + 50 values, 10 + 500, 2 + 2000; the sizes alone
 * decide it. */
enum statistics_outcome statistics_rank_test(const double *baseline, size_t baseline_count, const double *current,
                                             size_t current_count, struct statistics_rank_test *result);

struct statistics_slope {
    double slope;      /* Theil and Sen: the median of the slopes between all pairs, a step from value to value is 1 */
    double low, high;  /* Sen's interval, of normal approximation */
    double p;          /* of a Kendall's tau as large as this or larger, were the order by chance: is slope > 0? */
    double smallest_p; /* the least that `p` can be with this length and ties */
    bool is_exact;     /* of `p`; false: normal approximation with corrections for ties and continuity */
};

/* The trend of a series, oldest value first; `confidence` (below 1) is that of [low, high]. All values equal: slope 0,
 * p = 1. TOO_FEW: less than two values. `p` is exact up to 33 values. 10,000 values take some 50 ms. */
enum statistics_outcome statistics_slope(const double *series, size_t count, double confidence,
                                         struct statistics_slope *result);

/* Holm's adjustment for `count` tests at once, order kept: reject where adjusted[i] <= alpha, and the chance of any
 * false alarm among all of them is at most alpha. `adjusted` may be `p`. OK also when count is 0. */
enum statistics_outcome statistics_holm(const double *p, size_t count, double *adjusted);

#endif
