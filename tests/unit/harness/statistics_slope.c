/* SPDX-License-Identifier: Apache-2.0
 *
 * Theil and Sen's slope against all pairs sorted, Kendall's test against all orders, and both at their edges.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/statistics.h"
#include "harness/statistics_parts.h"
#include "statistics_fixture.h"

static struct statistics_slope slope_of(const double *series, size_t count)
{
    struct statistics_slope slope;
    cr_assert_eq(statistics_slope(series, count, 0.95, &slope), STATISTICS_OK);
    cr_expect(isfinite(slope.slope) && slope.low <= slope.slope && slope.slope <= slope.high, "%g in [%g, %g]",
              slope.slope, slope.low, slope.high);
    cr_expect(slope.p >= slope.smallest_p && slope.p <= 1 && slope.smallest_p >= 0, "p %g, smallest %g", slope.p,
              slope.smallest_p);
    return slope;
}

static double *all_slopes(const double *series, size_t count, size_t *slopes_count)
{
    double *slopes = calloc(count * (count - 1) / 2, sizeof *slopes);
    cr_assert_not_null(slopes);
    *slopes_count = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++)
            slopes[(*slopes_count)++] = (series[j] - series[i]) / (double)(j - i);
    }
    qsort(slopes, *slopes_count, sizeof *slopes, statistics_compare_doubles);
    return slopes;
}

/* The median, and every other place among the slopes as well. */
static void expect_all_pairs(const double *series, size_t count, int kind)
{
    size_t slopes_count, wrong = 0;
    double *slopes = all_slopes(series, count, &slopes_count);
    double median = (slopes[(slopes_count - 1) / 2] + slopes[slopes_count / 2]) / 2;
    struct statistics_slope slope = slope_of(series, count);
    cr_expect_eq(slope.slope, median, "kind %d, %zu: %.17g, not %.17g", kind, count, slope.slope, median);

    uint64_t *orders = calloc(slopes_count, sizeof *orders);
    double *selected = calloc(slopes_count, sizeof *selected);
    cr_assert(orders != NULL && selected != NULL);
    for (size_t i = 0; i < slopes_count; i++)
        orders[i] = i;
    cr_assert(statistics_select_slopes(series, count, orders, slopes_count, selected));
    for (size_t i = 0; i < slopes_count; i++)
        wrong += selected[i] != slopes[i];
    cr_expect_eq(wrong, 0, "kind %d, %zu: %zu of %zu slopes differ", kind, count, wrong, slopes_count);
    free(slopes);
    free(orders);
    free(selected);
}

/* Kinds of series, by what is hard about them. */
static double value_of(int kind, size_t i, size_t count, uint64_t *state)
{
    double chance = random_share(state);
    switch (kind) {
    case 0: /* bytes */
        return floor(chance * 1e9);
    case 1: /* pages, with many ties */
        return floor(chance * 8) * 4096;
    case 2: /* a leak, exactly even but for some values */
        return 65536.0 * (double)i + (chance < 0.05 ? 1e7 : 0);
    case 3: /* a step */
        return i < count / 2 ? 5e8 : 6e8;
    case 4: /* parts of bytes */
        return chance * 1e-3;
    case 5: /* some values beyond all others */
        return chance < 0.01 ? 9e15 : floor(chance * 1000);
    default: /* flat but for one */
        return i == count / 3 ? 4096 : 0;
    }
}

enum { KINDS = 7, SERIES_MAX = 1500 };

static void fill(double *series, size_t count, int kind, uint64_t *state)
{
    for (size_t i = 0; i < count; i++)
        series[i] = value_of(kind, i, count, state);
}

Test(statistics_slope, is_the_median_of_all_pairs)
{
    uint64_t state = 17;
    double series[300];
    for (int round = 0; round < 60; round++) {
        size_t count = round < 20 ? 2 + (size_t)round : 2 + (size_t)(random_share(&state) * 299);
        fill(series, count, round % KINDS, &state);
        expect_all_pairs(series, count, round % KINDS);
    }
}

/* From 363 values on there are more pairs than are ever made at once. */
Test(statistics_slope, is_the_median_of_all_pairs_also_when_they_are_not_made)
{
    uint64_t state = 23;
    double series[SERIES_MAX];
    static const size_t COUNTS[] = {362, 363, 700, SERIES_MAX};
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        for (int kind = 0; kind < KINDS; kind++) {
            fill(series, COUNTS[i], kind, &state);
            expect_all_pairs(series, COUNTS[i], kind);
        }
    }
}

static unsigned falling_pairs(const double *series, size_t count)
{
    unsigned falling = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++)
            falling += series[i] > series[j];
    }
    return falling;
}

struct orders {
    double values[7];
    size_t count;
    unsigned limit, all, extreme, rising;
};

/* All orders of the values from `from` on. */
static void count_orders(struct orders *orders, size_t from)
{
    if (from == orders->count) {
        unsigned falling = falling_pairs(orders->values, orders->count);
        orders->all++;
        orders->extreme += falling <= orders->limit;
        orders->rising += falling == 0;
        return;
    }
    for (size_t i = from; i < orders->count; i++) {
        for (int turn = 0; turn < 2; turn++) {
            double value = orders->values[i];
            orders->values[i] = orders->values[from];
            orders->values[from] = value;
            if (turn == 0)
                count_orders(orders, from + 1);
        }
    }
}

Test(statistics_slope, exact_p_is_the_share_of_all_orders)
{
    uint64_t state = 29;
    for (int round = 0; round < 60; round++) {
        struct orders orders = {.count = 2 + (size_t)round % 6};
        double series[7];
        for (size_t i = 0; i < orders.count; i++)
            series[i] = floor(random_share(&state) * (1 + round % 9));
        memcpy(orders.values, series, sizeof series);
        orders.limit = falling_pairs(series, orders.count);
        count_orders(&orders, 0);
        struct statistics_slope slope = slope_of(series, orders.count);
        cr_expect(slope.is_exact);
        cr_expect(fabs(slope.p - (double)orders.extreme / orders.all) < 1e-14, "p %g, not %u/%u", slope.p,
                  orders.extreme, orders.all);
        cr_expect(fabs(slope.smallest_p - (double)orders.rising / orders.all) < 1e-14, "smallest p %g, not %u/%u",
                  slope.smallest_p, orders.rising, orders.all);
    }
}

Test(statistics_slope, less_than_two_values_have_none)
{
    const double value = 1;
    struct statistics_slope slope = {.slope = 7};
    cr_expect_eq(statistics_slope(NULL, 0, 0.95, &slope), STATISTICS_TOO_FEW);
    cr_expect_eq(statistics_slope(&value, 1, 0.95, &slope), STATISTICS_TOO_FEW);
    cr_expect_eq(slope.slope, 7, "the result was touched");
}

Test(statistics_slope, equal_values_have_no_slope)
{
    static double series[2000];
    for (size_t i = 0; i < 2000; i++)
        series[i] = 628e6;
    static const size_t COUNTS[] = {2, 3, 33, 34, 2000};
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        struct statistics_slope slope = slope_of(series, COUNTS[i]);
        cr_expect_eq(slope.slope, 0);
        cr_expect_eq(slope.low, 0);
        cr_expect_eq(slope.high, 0);
        cr_expect_eq(slope.p, 1);
        cr_expect_eq(slope.smallest_p, 1);
        cr_expect(slope.is_exact);
    }
}

Test(statistics_slope, signs_of_values_do_not_matter_to_the_trend)
{
    double series[40], lower[40];
    uint64_t state = 43;
    for (size_t i = 0; i < 40; i++) {
        series[i] = floor(random_share(&state) * 20) * 4096 + 4096.0 * (double)(i / 4);
        lower[i] = series[i] - 65536;
    }
    static const size_t COUNTS[] = {8, 40};
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        struct statistics_slope slope = slope_of(series, COUNTS[i]), same = slope_of(lower, COUNTS[i]);
        cr_expect_eq(slope.p, same.p);
        cr_expect_eq(slope.slope, same.slope);
    }
    const double zeros[] = {-0.0, 0.0, -0.0};
    cr_expect_eq(slope_of(zeros, 3).p, 1, "the two zeros differ");
}

Test(statistics_slope, an_even_leak_is_found_to_the_byte)
{
    static double series[5000];
    for (size_t i = 0; i < 5000; i++)
        series[i] = 628e6 + 65537.0 * (double)i;
    static const size_t COUNTS[] = {2, 6, 33, 34, 5000};
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        struct statistics_slope slope = slope_of(series, COUNTS[i]);
        cr_expect_eq(slope.slope, 65537);
        cr_expect_eq(slope.low, 65537);
        cr_expect_eq(slope.high, 65537);
        cr_expect_eq(slope.p, slope.smallest_p);
    }
    double factorial = 1;
    for (int i = 2; i <= 33; i++)
        factorial *= i;
    double p = slope_of(series, 33).p;
    cr_expect(fabs(p * factorial - 1) < 1e-12, "p %g", p);
}

/* Where counting ends, the normal distribution is near enough to go on with. */
Test(statistics_slope, both_methods_meet)
{
    uint64_t state = 31;
    double series[34];
    for (int round = 0; round < 30; round++) {
        for (size_t i = 0; i < 34; i++)
            series[i] = floor(random_share(&state) * 1e12) + 1e10 * (double)i;
        cr_expect(!slope_of(series, 34).is_exact);
        struct statistics_slope slope = slope_of(series, 33);
        cr_expect(slope.is_exact);
        double sum = 33 * 16 - 2.0 * falling_pairs(series, 33);
        double normal = statistics_normal_tail((sum - 1) / sqrt(33 * 32 * 71 / 18.0));
        cr_expect(fabs(slope.p - normal) < 0.003, "exact %g, normal %g", slope.p, normal);
    }
}

Test(statistics_slope, values_at_both_ends_of_double_stay_finite)
{
    static double series[1000];
    const double tiny[] = {0, DBL_TRUE_MIN, 2 * DBL_TRUE_MIN}, steps[] = {-DBL_MAX, DBL_MAX};
    cr_expect_eq(slope_of(tiny, 3).slope, DBL_TRUE_MIN);
    cr_expect_eq(slope_of(steps, 2).slope, DBL_MAX);
    const double bytes[] = {0, 9223372036854775808.0};
    cr_expect_eq(slope_of(bytes, 2).slope, 9223372036854775808.0);
    for (int kind = 0; kind < 3; kind++) {
        const double scale[] = {DBL_MAX, DBL_TRUE_MIN * 1e6, 9223372036854775808.0};
        uint64_t state = 37;
        for (size_t i = 0; i < 1000; i++)
            series[i] = (random_share(&state) * 2 - 1) * scale[kind];
        struct statistics_slope slope = slope_of(series, 1000);
        cr_expect(slope.p > 0 && slope.p < 1, "p %g", slope.p);
    }
}

static double seconds_of(size_t count, int kind)
{
    double *series = calloc(count, sizeof *series);
    cr_assert_not_null(series);
    uint64_t state = 41;
    fill(series, count, kind, &state);
    struct timespec start, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    slope_of(series, count);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    free(series);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

/* 16 times the values: n log n takes about 20 times as long, all pairs 256 times. */
Test(statistics_slope, time_grows_with_the_values_and_not_with_the_pairs, .timeout = 60)
{
    for (int kind = 0; kind < KINDS; kind++) {
        double few = seconds_of(2500, kind), many = seconds_of(40000, kind);
        cr_expect(many < 100 * few, "kind %d: %g s and %g s", kind, few, many);
    }
}

Test(statistics_slope, too_many_values_are_told)
{
    const double *series = calloc((size_t)STATISTICS_VALUES_MAX + 1, sizeof *series);
    cr_assert_not_null(series);
    struct statistics_slope slope;
    cr_expect_eq(statistics_slope(series, (size_t)STATISTICS_VALUES_MAX + 1, 0.95, &slope), STATISTICS_TOO_MANY);
    cr_expect_eq(statistics_slope(series, STATISTICS_VALUES_MAX, 0.95, &slope), STATISTICS_OK);
    cr_expect_eq(slope.slope, 0);
    free((void *)series);
}
