/* SPDX-License-Identifier: Apache-2.0
 *
 * Mann and Whitney's test against the definition (all choices, one by one), at its edges, and as a gate: how often does
 * it cry wolf?
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "harness/statistics.h"
#include "statistics_fixture.h"

static struct statistics_rank_test test_of(const double *baseline, size_t baseline_count, const double *current,
                                           size_t current_count)
{
    struct statistics_rank_test test;
    cr_assert_eq(statistics_rank_test(baseline, baseline_count, current, current_count, &test), STATISTICS_OK);
    cr_expect(test.p >= test.smallest_p && test.p <= 1 && test.smallest_p >= 0, "p %g, smallest %g", test.p,
              test.smallest_p);
    return test;
}

/* Twice the pairs (chosen, not chosen) with the chosen one larger; equal ones count 1. */
static int twice_u(const double *values, size_t count, unsigned chosen)
{
    int twice = 0;
    for (size_t c = 0; c < count; c++) {
        for (size_t b = 0; b < count; b++) {
            if ((chosen >> c & 1) == 1 && (chosen >> b & 1) == 0)
                twice += values[c] > values[b] ? 2 : values[c] == values[b];
        }
    }
    return twice;
}

/* The last `current_count` values are the current ones. */
static void expect_definition(const double *values, size_t count, size_t current_count)
{
    size_t baseline_count = count - current_count;
    int seen = twice_u(values, count, ((1u << current_count) - 1) << baseline_count), largest = 0;
    unsigned all = 0, extreme = 0, at_largest = 0;
    for (unsigned chosen = 0; chosen < 1u << count; chosen++) {
        if ((size_t)__builtin_popcount(chosen) != current_count)
            continue;
        int twice = twice_u(values, count, chosen);
        all++;
        extreme += twice >= seen;
        at_largest = twice > largest ? 1 : at_largest + (twice == largest);
        largest = twice > largest ? twice : largest;
    }
    struct statistics_rank_test test = test_of(values, baseline_count, values + baseline_count, current_count);
    cr_expect(test.is_exact);
    cr_expect_eq(test.u, seen / 2.0, "u %g", test.u);
    cr_expect(fabs(test.p - (double)extreme / all) < 1e-14, "%zu of %zu: p %g, not %u/%u", current_count, count, test.p,
              extreme, all);
    cr_expect(fabs(test.smallest_p - (double)at_largest / all) < 1e-14, "%zu of %zu: smallest p %g, not %u/%u",
              current_count, count, test.smallest_p, at_largest, all);
}

Test(statistics_rank, exact_p_is_the_share_of_all_choices)
{
    uint64_t state = 11;
    for (int round = 0; round < 300; round++) {
        size_t count = 2 + (size_t)(random_share(&state) * 10), current_count = 1 + (size_t)round % (count - 1);
        int kinds = 1 + round % 12; /* from all equal to hardly any tie */
        double values[11];
        for (size_t i = 0; i < count; i++)
            values[i] = floor(random_share(&state) * kinds) * 4096;
        expect_definition(values, count, current_count);
    }
}

Test(statistics_rank, one_empty_side_cannot_be_compared)
{
    const double value = 1;
    struct statistics_rank_test test = {.p = 7};
    cr_expect_eq(statistics_rank_test(NULL, 0, &value, 1, &test), STATISTICS_TOO_FEW);
    cr_expect_eq(statistics_rank_test(&value, 1, NULL, 0, &test), STATISTICS_TOO_FEW);
    cr_expect_eq(test.p, 7, "the result was touched");
}

Test(statistics_rank, few_samples_say_that_nothing_can_be_significant)
{
    const double low[] = {1, 2, 3, 4}, high[] = {11, 12, 13, 14};
    cr_expect_eq(test_of(low, 1, high, 1).p, 0.5);
    struct statistics_rank_test test = test_of(low, 3, high, 3);
    cr_expect_eq(test.p, 0.05);
    cr_expect_eq(test.smallest_p, 0.05);
    cr_expect_eq(test_of(high, 3, low, 3).p, 1);
    cr_expect_eq(test_of(high, 3, low, 3).smallest_p, 0.05);
    cr_expect(fabs(test_of(low, 4, high, 4).p - 1.0 / 70) < 1e-16);
}

/* 100 and 100 go by the normal distribution, whose deviation is 0 here. */
Test(statistics_rank, equal_values_are_no_growth)
{
    double values[200];
    for (size_t i = 0; i < 200; i++)
        values[i] = 8192;
    static const size_t COUNTS[] = {1, 3, 6, 50, 100};
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        struct statistics_rank_test test = test_of(values, COUNTS[i], values, COUNTS[i]);
        cr_expect_eq(test.p, 1);
        cr_expect_eq(test.smallest_p, 1);
        cr_expect_eq(test.u, (double)(COUNTS[i] * COUNTS[i]) / 2);
    }
}

Test(statistics_rank, all_ties_but_one_value)
{
    double values[240];
    for (size_t i = 0; i < 240; i++)
        values[i] = 8192;
    values[239] = 8193;
    /* The one is among the current ones: half of all choices. */
    cr_expect_eq(test_of(values, 6, values + 234, 6).p, 0.5);
    struct statistics_rank_test large = test_of(values, 120, values + 120, 120);
    cr_expect(!large.is_exact);
    /* (7260 - 7200 - 0.5) / sqrt(14400 / 12 * (241 - (239^3 - 239) / (240 * 239))) */
    cr_expect(fabs(large.p - erfc(59.5 / 60 / sqrt(2)) / 2) < 1e-12, "p %g", large.p);
}

Test(statistics_rank, only_the_order_of_values_counts)
{
    const double plain[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const double wild[] = {-DBL_MAX, -1, -DBL_TRUE_MIN, 0, DBL_TRUE_MIN, DBL_MIN, 9007199254740992.0, DBL_MAX};
    for (size_t split = 1; split < 8; split++) {
        struct statistics_rank_test a = test_of(plain, split, plain + split, 8 - split),
                                    b = test_of(wild, split, wild + split, 8 - split);
        cr_expect_eq(a.p, b.p);
        cr_expect_eq(a.u, b.u);
    }
    const double zeros[] = {0.0, -0.0, 0.0, -0.0};
    cr_expect_eq(test_of(zeros, 2, zeros + 2, 2).p, 1, "the two zeros differ");
}

/* Where counting ends and the normal distribution begins there is no step. */
Test(statistics_rank, both_methods_meet)
{
    uint64_t state = 5;
    double baseline[57], current[57];
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < 57; i++) {
            baseline[i] = floor(random_share(&state) * (round % 2 == 0 ? 1e9 : 20));
            current[i] = floor(random_share(&state) * (round % 2 == 0 ? 1.1e9 : 22));
        }
        struct statistics_rank_test exact = test_of(baseline, 56, current, 56),
                                    normal = test_of(baseline, 57, current, 57);
        cr_expect(exact.is_exact && !normal.is_exact);
        double same = erfc((exact.u - 56 * 56 / 2.0 - 0.5) / sqrt(56.0 * 56 * 113 / 12) / sqrt(2)) / 2;
        cr_expect(fabs(exact.p - same) < 0.004, "exact %g, normal %g", exact.p, same);
    }
}

Test(statistics_rank, a_hundred_thousand_samples_a_side_are_no_matter, .timeout = 20)
{
    enum { COUNT = 100000 };
    double *values = calloc(2 * COUNT, sizeof *values);
    cr_assert_not_null(values);
    uint64_t state = 3;
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = floor(random_share(&state) * 1e5) * 4096;
        values[COUNT + i] = values[i] + 4096;
    }
    /* Larger than its own origin, which counts 1/2 more than a tie; and than one other in the mean, 1 more. */
    struct statistics_rank_test test = test_of(values, COUNT, values + COUNT, COUNT);
    cr_expect(fabs(test.u - 5e9 - 1.5 * COUNT) < COUNT / 100.0, "u %.17g", test.u);
    cr_expect(!test.is_exact && test.p > 0.49 && test.p < 0.5, "p %g", test.p);
    test = test_of(values, 1, values + COUNT, COUNT);
    cr_expect(isfinite(test.p) && test.smallest_p > 0);
    free(values);
}

/* No change, 10,000 times: at alpha 0.05, at most 5 % and three deviations of that. */
static double share_of_false_alarms(size_t count, double grain, uint64_t *state)
{
    enum { EXPERIMENTS = 10000 };
    int alarms = 0;
    for (int experiment = 0; experiment < EXPERIMENTS; experiment++) {
        double baseline[16], current[16];
        for (size_t i = 0; i < count; i++) {
            baseline[i] = floor(random_share(state) * grain);
            current[i] = floor(random_share(state) * grain);
        }
        alarms += test_of(baseline, count, current, count).p <= 0.05;
    }
    return (double)alarms / EXPERIMENTS;
}

Test(statistics_rank, false_alarms_are_as_rare_as_alpha_says)
{
    uint64_t state = 1;
    const double limit = 0.05 + 3 * sqrt(0.05 * 0.95 / 10000);
    static const struct {
        size_t count;
        double grain, least;
    } CASES[] = {{4, 1e9, 0.005}, {6, 1e9, 0.02}, {10, 1e9, 0.03}, {6, 3, 0.01}, {12, 8, 0.03}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        double share = share_of_false_alarms(CASES[i].count, CASES[i].grain, &state);
        cr_expect(share <= limit, "%zu samples, grain %g: %.4f", CASES[i].count, CASES[i].grain, share);
        cr_expect(share >= CASES[i].least, "%zu samples, grain %g: only %.4f, it is blind", CASES[i].count,
                  CASES[i].grain, share);
    }
}
