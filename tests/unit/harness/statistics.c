/* SPDX-License-Identifier: Apache-2.0
 *
 * Medians and the adjustment for many tests at their edges: few values, equal ones, huge ones.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/statistics.h"
#include "harness/statistics_parts.h"
#include "statistics_fixture.h"

Test(statistics, no_values_have_no_median)
{
    struct statistics_median median = {.median = 7};
    cr_expect_eq(statistics_median(NULL, 0, 0.95, &median), STATISTICS_TOO_FEW);
    cr_expect_eq(median.median, 7, "the result was touched");
}

Test(statistics, few_values_say_how_little_they_cover)
{
    static const struct {
        double values[6];
        size_t count;
        double median, low, high, coverage;
        bool is_wide_enough;
    } CASES[] = {
        {{42}, 1, 42, 42, 42, 0, false},
        {{9, 5}, 2, 7, 5, 9, 0.5, false},
        {{9, 5, 6}, 3, 6, 5, 9, 0.75, false},
        {{3, 1, 5, 2, 4}, 5, 3, 1, 5, 0.9375, false},
        {{3, 1, 5, 2, 4, 6}, 6, 3.5, 1, 6, 0.96875, true},
        {{8, 8, 8, 8, 8, 8}, 6, 8, 8, 8, 0.96875, true},
        {{-0.0, 0.0, -4, 4}, 4, 0, -4, 4, 0.875, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct statistics_median median;
        cr_assert_eq(statistics_median(CASES[i].values, CASES[i].count, 0.95, &median), STATISTICS_OK);
        cr_expect_eq(median.median, CASES[i].median, "case %zu: median %g", i, median.median);
        cr_expect_eq(median.low, CASES[i].low, "case %zu: low %g", i, median.low);
        cr_expect_eq(median.high, CASES[i].high, "case %zu: high %g", i, median.high);
        cr_expect_eq(median.coverage, CASES[i].coverage, "case %zu: coverage %g", i, median.coverage);
        cr_expect_eq(median.is_wide_enough, CASES[i].is_wide_enough, "case %zu", i);
    }
}

Test(statistics, median_of_values_at_both_ends_of_double)
{
    const double huge[] = {DBL_MAX, DBL_MAX}, tiny[] = {DBL_TRUE_MIN, DBL_TRUE_MIN},
                 bytes[] = {(double)((uint64_t)1 << 53), (double)(((uint64_t)1 << 53) - 2)};
    struct statistics_median median;
    cr_assert_eq(statistics_median(huge, 2, 0.95, &median), STATISTICS_OK);
    cr_expect_eq(median.median, DBL_MAX);
    cr_assert_eq(statistics_median(tiny, 2, 0.95, &median), STATISTICS_OK);
    cr_expect_eq(median.median, DBL_TRUE_MIN);
    cr_assert_eq(statistics_median(bytes, 2, 0.95, &median), STATISTICS_OK);
    cr_expect_eq(median.median, 9007199254740991.0);
}

/* By de Moivre and Laplace the places are sqrt(n) * 0.98 from the middle; 1e6 values multiply a million factors. */
Test(statistics, median_of_a_million_values_covers_what_it_says)
{
    enum { COUNT = 1000001 };
    double *values = calloc(COUNT, sizeof *values);
    cr_assert_not_null(values);
    for (size_t i = 0; i < COUNT; i++)
        values[i] = (double)(COUNT - i);
    struct statistics_median median;
    cr_assert_eq(statistics_median(values, COUNT, 0.95, &median), STATISTICS_OK);
    cr_expect_eq(median.median, 500001);
    cr_expect(fabs(median.low - (500001 - 979.98)) < 2, "low %.17g", median.low);
    cr_expect_eq(median.low + median.high, COUNT + 1, "it is not symmetric");
    cr_expect(median.coverage >= 0.95 && median.coverage < 0.9503, "coverage %.17g", median.coverage);
    cr_expect_eq(values[0], COUNT, "the values were sorted in place");
    cr_expect_eq(statistics_median(values, STATISTICS_VALUES_MAX + 1, 0.95, &median), STATISTICS_TOO_MANY);
    free(values);
}

Test(statistics, holm_keeps_order_and_never_exceeds_1)
{
    cr_expect_eq(statistics_holm(NULL, 0, NULL), STATISTICS_OK);
    const double p[] = {0.03, 0.01, 0.04, 0.5, 0.01, 1};
    /* 0.01 * 6 and * 5 (not below the one before), 0.03 * 4, 0.04 * 3 (the same), 0.5 * 2, 1 */
    const double expected[] = {0.12, 0.06, 0.12, 1, 0.06, 1};
    double adjusted[6];
    cr_assert_eq(statistics_holm(p, 6, adjusted), STATISTICS_OK);
    for (size_t i = 0; i < 6; i++)
        cr_expect(fabs(adjusted[i] - expected[i]) < 1e-15, "%zu: %.17g", i, adjusted[i]);
}

Test(statistics, normal_quantile_is_the_inverse_of_the_tail)
{
    /* What tables give as 1.96. */
    cr_expect(fabs(statistics_normal_quantile(0.025) - 1.959963984540054235524594) < 1e-15);
    cr_expect(fabs(statistics_normal_quantile(0.5)) < 1e-15);
    for (double share = 0.5; share > 1e-300; share /= 3) {
        double tail = statistics_normal_tail(statistics_normal_quantile(share));
        cr_expect(fabs(tail - share) < 1e-12 * share, "%g gives %g", share, tail);
    }
}

static rlim_t address_space_bytes(void)
{
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    cr_assert_not_null(statm);
    cr_assert_eq(fscanf(statm, "%lu", &pages), 1);
    fclose(statm);
    return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

enum { LIMITED_VALUES = 100000 };

/* With `more_bytes` of address space and no more. */
static enum statistics_outcome outcome_within(rlim_t more_bytes, int function, const double *values)
{
    struct statistics_median median = {.median = -7};
    struct statistics_rank_test rank_test = {.u = -7};
    struct statistics_slope slope = {.high = -7};
    double *adjusted = calloc(LIMITED_VALUES, sizeof *adjusted);
    cr_assert_not_null(adjusted);
    struct rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    setrlimit(RLIMIT_AS, &(struct rlimit){address_space_bytes() + more_bytes, limit.rlim_max});
    enum statistics_outcome outcome =
        function == 0   ? statistics_median(values, LIMITED_VALUES, 0.95, &median)
        : function == 1 ? statistics_rank_test(values, LIMITED_VALUES / 2, values + LIMITED_VALUES / 2,
                                               LIMITED_VALUES / 2, &rank_test)
        : function == 2 ? statistics_slope(values, LIMITED_VALUES, 0.95, &slope)
                        : statistics_holm(values, LIMITED_VALUES, adjusted);
    setrlimit(RLIMIT_AS, &limit);
    if (outcome != STATISTICS_OK)
        cr_expect(median.median == -7 && rank_test.u == -7 && slope.high == -7 && adjusted[0] == 0,
                  "the result was touched");
    free(adjusted);
    return outcome;
}

Test(statistics, too_little_memory_is_told_at_every_step)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 16); /* what is freed goes back to the kernel, not to the next to ask */
    double *values = calloc(LIMITED_VALUES, sizeof *values);
    cr_assert_not_null(values);
    uint64_t state = 47;
    for (size_t i = 0; i < LIMITED_VALUES; i++)
        values[i] = floor(random_share(&state) * 8);
    for (int function = 0; function < 4; function++) {
        enum statistics_outcome outcome = outcome_within(0, function, values);
        cr_expect_eq(outcome, STATISTICS_NO_MEMORY, "function %d needs no memory?", function);
        for (rlim_t mib = 1; mib <= 32 && outcome != STATISTICS_OK; mib++) {
            cr_expect_eq(outcome, STATISTICS_NO_MEMORY, "function %d, %d MiB: outcome %d", function, (int)mib, outcome);
            outcome = outcome_within(mib << 20, function, values);
        }
        cr_expect_eq(outcome, STATISTICS_OK, "function %d needs more than 32 MiB", function);
    }
    free(values);
}
