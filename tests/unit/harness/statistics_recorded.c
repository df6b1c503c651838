/* SPDX-License-Identifier: Apache-2.0
 *
 * What scipy and benchstat say of the same data, recorded in tests/data/statistics (make.py says how).
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/statistics.h"

#define EXPECTED "tests/data/statistics/expected.json"
#define BENCHSTAT "tests/data/statistics/benchstat.json"

static json_t *load(const char *path)
{
    json_error_t error;
    json_t *document = json_load_file(path, 0, &error);
    cr_assert_not_null(document, "%s: %s", path, error.text);
    return document;
}

static double number(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    cr_assert(json_is_number(value), "no number %s", key);
    return json_number_value(value);
}

static const char *name_of(const json_t *row)
{
    return json_string_value(json_object_get(row, "name"));
}

struct numbers {
    double *values;
    size_t count;
};

static struct numbers numbers_of(const json_t *row, const char *key)
{
    const json_t *list = json_object_get(row, key);
    cr_assert(json_array_size(list) > 0, "no numbers %s", key);
    struct numbers numbers = {calloc(json_array_size(list), sizeof(double)), json_array_size(list)};
    cr_assert_not_null(numbers.values);
    for (size_t i = 0; i < numbers.count; i++)
        numbers.values[i] = json_number_value(json_array_get(list, i));
    return numbers;
}

/* Both count in another order: some roundings between them. */
static void expect_probability(double ours, double theirs, const char *name, const char *what)
{
    cr_expect(fabs(ours - theirs) <= 1e-10 * theirs, "%s: %s is %.17g, not %.17g", name, what, ours, theirs);
}

static struct statistics_rank_test rank_test_of(const json_t *row)
{
    struct numbers baseline = numbers_of(row, "baseline"), current = numbers_of(row, "current");
    struct statistics_rank_test test;
    cr_assert_eq(statistics_rank_test(baseline.values, baseline.count, current.values, current.count, &test),
                 STATISTICS_OK);
    free(baseline.values);
    free(current.values);
    return test;
}

static struct statistics_median median_of(const json_t *row)
{
    struct numbers values = numbers_of(row, "values");
    struct statistics_median median;
    cr_assert_eq(statistics_median(values.values, values.count, number(row, "confidence"), &median), STATISTICS_OK);
    free(values.values);
    return median;
}

static const json_t *find(const json_t *rows, const char *name)
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (strcmp(name_of(row), name) == 0)
            return row;
    }
    cr_assert(false, "no case %s", name);
    return NULL;
}

Test(statistics_recorded, rank_tests_are_those_of_scipy)
{
    json_t *document = load(EXPECTED);
    size_t i, exact = 0;
    json_t *row;
    json_array_foreach(json_object_get(document, "rank_tests"), i, row)
    {
        struct statistics_rank_test test = rank_test_of(row);
        cr_expect_eq(test.u, number(row, "u"), "%s: u is %g", name_of(row), test.u);
        cr_expect_eq(test.is_exact, json_is_true(json_object_get(row, "is_exact")), "%s: exact or not", name_of(row));
        expect_probability(test.p, number(row, "p"), name_of(row), "p");
        expect_probability(test.smallest_p, number(row, "smallest_p"), name_of(row), "smallest_p");
        exact += test.is_exact;
    }
    cr_expect(exact >= 30 && i - exact >= 12, "%zu cases, %zu of them exact", i, exact);
    json_decref(document);
}

Test(statistics_recorded, medians_have_the_intervals_of_scipy)
{
    json_t *document = load(EXPECTED);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(document, "medians"), i, row)
    {
        struct statistics_median median = median_of(row);
        cr_expect_eq(median.median, number(row, "median"), "%s: median", name_of(row));
        cr_expect_eq(median.low, number(row, "low"), "%s: low", name_of(row));
        cr_expect_eq(median.high, number(row, "high"), "%s: high", name_of(row));
        cr_expect_eq(median.is_wide_enough, json_is_true(json_object_get(row, "is_wide_enough")), "%s: wide enough",
                     name_of(row));
        expect_probability(median.coverage, number(row, "coverage"), name_of(row), "coverage");
    }
    cr_expect(i >= 50, "%zu cases", i);
    json_decref(document);
}

Test(statistics_recorded, slopes_and_trends_are_those_of_scipy)
{
    json_t *document = load(EXPECTED);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(document, "slopes"), i, row)
    {
        struct numbers series = numbers_of(row, "series");
        struct statistics_slope slope;
        cr_assert_eq(statistics_slope(series.values, series.count, number(row, "confidence"), &slope), STATISTICS_OK);
        cr_expect_eq(slope.slope, number(row, "slope"), "%s: slope", name_of(row));
        cr_expect_eq(slope.low, number(row, "low"), "%s: low", name_of(row));
        cr_expect_eq(slope.high, number(row, "high"), "%s: high", name_of(row));
        cr_expect_eq(slope.is_exact, json_is_true(json_object_get(row, "is_exact")), "%s: exact or not", name_of(row));
        expect_probability(slope.p, number(row, "p"), name_of(row), "p");
        expect_probability(slope.smallest_p, number(row, "smallest_p"), name_of(row), "smallest_p");
        free(series.values);
    }
    cr_expect(i >= 60, "%zu cases", i);
    json_decref(document);
}

Test(statistics_recorded, holm_is_that_of_statsmodels)
{
    json_t *document = load(EXPECTED);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(document, "holm"), i, row)
    {
        struct numbers p = numbers_of(row, "p"), theirs = numbers_of(row, "adjusted");
        cr_assert_eq(statistics_holm(p.values, p.count, p.values), STATISTICS_OK);
        for (size_t test = 0; test < p.count; test++)
            expect_probability(p.values[test], theirs.values[test], "holm", "adjusted");
        free(p.values);
        free(theirs.values);
    }
    cr_expect(i >= 5, "%zu cases", i);
    json_decref(document);
}

Test(statistics_recorded, rank_tests_are_half_of_the_two_sided_ones_of_benchstat)
{
    json_t *document = load(EXPECTED), *benchstat = load(BENCHSTAT);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(benchstat, "rank_tests"), i, row)
    {
        struct statistics_rank_test test = rank_test_of(find(json_object_get(document, "rank_tests"), name_of(row)));
        expect_probability(test.p, number(row, "p_two_sided") / 2, name_of(row), "p");
    }
    cr_expect(i >= 30, "%zu cases", i);
    json_decref(document);
    json_decref(benchstat);
}

static size_t places_between(const struct numbers *values, double low, double high)
{
    size_t places = 0;
    for (size_t i = 0; i < values->count; i++)
        places += values->values[i] > low && values->values[i] <= high;
    return places;
}

/* Benchstat drops one end where what is left is enough, and goes by the normal distribution from 31 values on. */
Test(statistics_recorded, medians_have_the_intervals_of_benchstat_or_one_place_more)
{
    json_t *document = load(EXPECTED), *benchstat = load(BENCHSTAT);
    size_t i, equal = 0;
    json_t *row;
    json_array_foreach(json_object_get(benchstat, "medians"), i, row)
    {
        const json_t *expected = find(json_object_get(document, "medians"), name_of(row));
        struct statistics_median ours = median_of(expected);
        struct numbers values = numbers_of(expected, "values");
        double low = number(row, "low"), high = number(row, "high");
        cr_expect_eq(ours.median, number(row, "median"), "%s: median", name_of(row));
        cr_expect(ours.low <= low && ours.high >= high, "%s: ours is narrower", name_of(row));
        cr_expect(places_between(&values, ours.low, low) + places_between(&values, high, ours.high) <= 1,
                  "%s: ours is wider by more than a place", name_of(row));
        if (ours.low == low && ours.high == high) {
            equal++;
            if (values.count <= 30)
                expect_probability(ours.coverage, number(row, "coverage"), name_of(row), "coverage");
        }
        free(values.values);
    }
    cr_expect(equal >= 25, "%zu of %zu are the same", equal, i);
    json_decref(document);
    json_decref(benchstat);
}
