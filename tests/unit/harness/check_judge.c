/* SPDX-License-Identifier: Apache-2.0
 *
 * Verdicts: each kind of rule, what breaks it, what does not, and what cannot be told. Series and environments are in
 * check_judge_series.c.
 */
#include "harness/check_judge.h"

#include <stdio.h>

#include "gate_fixture.h"

enum { SAMPLES = 6 };

/* rss.total of 6 + 6 samples under a rule. */
static void compare(struct gate *gate, enum check_kind kind, const char *rule, uint64_t before, uint64_t now,
                    uint64_t before_count, uint64_t now_count)
{
    gate_add(gate, SAMPLES_BASELINE, before_count);
    gate_add(gate, SAMPLES_CURRENT, now_count);
    gate_put_around(gate, SAMPLES_BASELINE, "rss.total", before, before_count);
    gate_put_around(gate, SAMPLES_CURRENT, "rss.total", now, now_count);
    gate_rule(gate, kind, rule);
    gate_judge(gate);
}

/* The samples are up to 10 pages above their base. */
Test(check_judge, limit_is_what_no_sample_may_pass)
{
    static const struct {
        const char *rule;
        enum check_verdict verdict;
        const char *said;
    } CASES[] = {
        {"rss.total=65MiB", CHECK_PASS, "the highest sample is 64.0 MiB"},
        {"rss.total=67145728", CHECK_PASS, "the highest sample is"},
        {"rss.total=67145727", CHECK_REGRESSION, "1 of 6 samples are above the limit, the highest is 64.0 MiB"},
        {"rss.total=64MiB", CHECK_REGRESSION, "5 of 6 samples are above"},
        {"rss.total=0", CHECK_REGRESSION, "6 of 6 samples are above"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct gate gate;
        gate_open(&gate);
        compare(&gate, CHECK_LIMIT, CASES[i].rule, 0, 64 * MIB, 0, SAMPLES);
        gate_expect(&gate, CHECK_LIMIT, "rss.total", CASES[i].verdict, CASES[i].said);
        cr_expect_eq(gate_row(&gate, CHECK_LIMIT, "rss.total")->baseline.count, 0u);
        gate_close(&gate);
    }
}

Test(check_judge, one_sample_is_enough_for_a_limit)
{
    struct gate gate;
    gate_open(&gate);
    compare(&gate, CHECK_LIMIT, "rss.total=1GiB", 0, 64 * MIB, 0, 1);
    gate_expect(&gate, CHECK_LIMIT, "rss.total", CHECK_PASS, "the highest sample");
    cr_expect_eq(gate_row(&gate, CHECK_LIMIT, "rss.total")->current.coverage, 0);
    gate_close(&gate);
}

Test(check_judge, growth_has_two_floors_and_a_test)
{
    static const struct {
        const char *rule;
        uint64_t now_mib;
        enum check_verdict verdict;
        const char *said;
    } CASES[] = {
        {"rss.total=5%,8MiB", 64, CHECK_PASS, "it did not grow"},
        {"rss.total=5%,8MiB", 60, CHECK_PASS, "it did not grow"},
        {"rss.total=5%,8MiB", 80, CHECK_REGRESSION, "it grew by more than is allowed, and chance alone would hardly"},
        {"rss.total=50%,8MiB", 80, CHECK_PASS, "it grew by less than is allowed"},
        {"rss.total=5%,32MiB", 80, CHECK_PASS, "it grew by less than is allowed"},
        {"rss.total=5%", 80, CHECK_REGRESSION, "it grew by more"},
        {"rss.total=8MiB", 80, CHECK_REGRESSION, "it grew by more"},
        {"rss.total=16MiB", 80, CHECK_PASS, "it grew by less"},
        {"rss.total=0", 65, CHECK_REGRESSION, "it grew by more"},
        {"rss.total=18446744073709551615", 80, CHECK_PASS, "it grew by less"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct gate gate;
        gate_open(&gate);
        compare(&gate, CHECK_GROWTH, CASES[i].rule, 64 * MIB, CASES[i].now_mib * MIB, SAMPLES, SAMPLES);
        gate_expect(&gate, CHECK_GROWTH, "rss.total", CASES[i].verdict, CASES[i].said);
        const struct check_row *row = gate_row(&gate, CHECK_GROWTH, "rss.total");
        cr_expect_eq(row->change, ((double)CASES[i].now_mib - 64) * (double)MIB);
        cr_expect(row->has_p && row->has_change);
        gate_close(&gate);
    }
}

/* One outlier of six is no growth, three steps up that mix with the old values are none that is proven. */
Test(check_judge, growth_that_chance_explains_passes)
{
    const uint64_t before[] = {64 * MIB, 65 * MIB, 66 * MIB, 67 * MIB, 90 * MIB, 91 * MIB};
    const uint64_t now[] = {63 * MIB, 80 * MIB, 81 * MIB, 82 * MIB, 83 * MIB, 84 * MIB};
    struct gate gate;
    gate_open(&gate);
    gate_add(&gate, SAMPLES_BASELINE, SAMPLES);
    gate_add(&gate, SAMPLES_CURRENT, SAMPLES);
    gate_put(&gate, SAMPLES_BASELINE, "rss.total", METRIC_BYTES, before, SAMPLES);
    gate_put(&gate, SAMPLES_CURRENT, "rss.total", METRIC_BYTES, now, SAMPLES);
    gate_rule(&gate, CHECK_GROWTH, "rss.total=5%,8MiB");
    gate_judge(&gate);
    gate_expect(&gate, CHECK_GROWTH, "rss.total", CHECK_PASS, "it grew by more than is allowed, but chance alone may");
    cr_expect_gt(gate_row(&gate, CHECK_GROWTH, "rss.total")->p, 0.05);
    gate_close(&gate);
}

Test(check_judge, too_few_samples_on_either_side_are_inconclusive)
{
    static const struct {
        uint64_t before, now;
        enum check_verdict verdict;
        const char *said;
    } CASES[] = {
        {3, 6, CHECK_INCONCLUSIVE, "there are 3 samples in the baseline and 6 now; take at least 4"},
        {6, 3, CHECK_INCONCLUSIVE, "there are 6 samples in the baseline and 3 now; take at least 4"},
        {1, 1, CHECK_INCONCLUSIVE, "there are 1 samples in the baseline and 1 now; take at least 4"},
        {0, 6, CHECK_INCONCLUSIVE, "the baseline has no samples"},
        {4, 4, CHECK_REGRESSION, "it grew by more"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct gate gate;
        gate_open(&gate);
        compare(&gate, CHECK_GROWTH, "rss.total=8MiB", 64 * MIB, 80 * MIB, CASES[i].before, CASES[i].now);
        gate_expect(&gate, CHECK_GROWTH, "rss.total", CASES[i].verdict, CASES[i].said);
        gate_close(&gate);
    }
}

/* Three a side cannot reject at 0.05 beside anything else, or at 0.01 at all: that is said, it is no pass. */
Test(check_judge, gate_that_could_not_have_failed_is_inconclusive)
{
    static const struct {
        uint64_t count, metrics;
        double alpha;
        enum check_verdict verdict;
        const char *said;
    } CASES[] = {
        {3, 1, 0.05, CHECK_REGRESSION, "it grew"},
        {3, 2, 0.05, CHECK_INCONCLUSIVE, "so few samples cannot prove it with 2 metrics tested; take more samples or"},
        {3, 1, 0.01, CHECK_INCONCLUSIVE, "so few samples cannot prove it with 1 metric tested; take more samples"},
        {4, 3, 0.05, CHECK_REGRESSION, "it grew"},
        {4, 4, 0.05, CHECK_INCONCLUSIVE, "with 4 metrics tested"},
        {6, 46, 0.05, CHECK_REGRESSION, "it grew"},
        {6, 47, 0.05, CHECK_INCONCLUSIVE, "with 47 metrics tested"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct gate gate;
        gate_open(&gate);
        gate.settings.alpha = CASES[i].alpha;
        gate.settings.min_samples = 3;
        gate_add(&gate, SAMPLES_BASELINE, CASES[i].count);
        gate_add(&gate, SAMPLES_CURRENT, CASES[i].count);
        for (uint64_t metric = 0; metric < CASES[i].metrics; metric++) {
            char name[48];
            snprintf(name, sizeof name, "rss.%llu.resident", (unsigned long long)metric);
            gate_put_around(&gate, SAMPLES_BASELINE, name, 64 * MIB, CASES[i].count);
            /* the first one grew, the others by a byte: equal values would make tests that cannot reject */
            gate_put_around(&gate, SAMPLES_CURRENT, name, metric == 0 ? 80 * MIB : 64 * MIB + 1, CASES[i].count);
        }
        gate_rule(&gate, CHECK_GROWTH, "rss.*=8MiB");
        gate_judge(&gate);
        cr_expect_eq(gate.result.rows_count, CASES[i].metrics);
        gate_expect(&gate, CHECK_GROWTH, "rss.0.resident", CASES[i].verdict, CASES[i].said);
        cr_expect_eq(gate.result.verdict, CASES[i].verdict);
        gate_close(&gate);
    }
}

/* 6 + 6 apart have p = 1/924: times 3, 2 and 1 by Holm, and never less than the one before. A metric that is the same
 * in every sample could not have been rejected: it costs the others nothing. */
Test(check_judge, p_is_adjusted_over_the_metrics_that_were_tested)
{
    struct gate gate;
    const uint64_t same[] = {5, 5, 5, 5, 5, 5};
    gate_open(&gate);
    gate_add(&gate, SAMPLES_BASELINE, SAMPLES);
    gate_add(&gate, SAMPLES_CURRENT, SAMPLES);
    static const char *const NAMES[] = {"rss.a.resident", "rss.b.resident", "rss.c.resident"};
    for (size_t i = 0; i < 3; i++) {
        gate_put_around(&gate, SAMPLES_BASELINE, NAMES[i], 64 * MIB, SAMPLES);
        gate_put_around(&gate, SAMPLES_CURRENT, NAMES[i], (i == 2 ? 64 : 80) * MIB, SAMPLES);
    }
    for (int side = 0; side < SAMPLES_SIDE_COUNT; side++)
        gate_put(&gate, (enum samples_side)side, "rss.d.resident", METRIC_BYTES, same, SAMPLES);
    gate_rule(&gate, CHECK_GROWTH, "rss.*.resident=8MiB");
    gate_rule(&gate, CHECK_LIMIT, "rss.*.resident=1GiB");
    gate_judge(&gate);
    cr_expect(fabs(gate_row(&gate, CHECK_GROWTH, "rss.a.resident")->p - 3.0 / 924) < 1e-12, "%g",
              gate_row(&gate, CHECK_GROWTH, "rss.a.resident")->p);
    cr_expect(fabs(gate_row(&gate, CHECK_GROWTH, "rss.b.resident")->p - 3.0 / 924) < 1e-12);
    cr_expect_eq(gate_row(&gate, CHECK_GROWTH, "rss.d.resident")->p, 1);
    cr_expect_eq(gate.result.verdict_rows[CHECK_REGRESSION], 2u);
    cr_expect_eq(gate.result.verdict_rows[CHECK_PASS], 6u);
    cr_expect_str_eq(gate.result.rows[0].metric, "rss.a.resident");
    cr_expect_eq(gate.result.rows[2].kind, CHECK_LIMIT, "rows of a verdict are by kind");
    gate_close(&gate);
}

Test(check_judge, exact_allows_what_was_there_before)
{
    static const struct {
        uint64_t before[SAMPLES], now[SAMPLES];
        enum check_verdict verdict;
        const char *said;
    } CASES[] = {
        {{7, 7, 7, 7, 7, 7}, {7, 7, 7, 7, 7, 7}, CHECK_PASS, "no sample is above the highest of the baseline, 7"},
        {{7, 9, 7, 7, 7, 7}, {9, 9, 9, 9, 9, 9}, CHECK_PASS, "no sample is above the highest of the baseline, 9"},
        {{7, 7, 7, 7, 7, 7}, {0, 0, 0, 0, 0, 0}, CHECK_PASS, "no sample is above"},
        {{7, 7, 7, 7, 7, 7}, {7, 7, 8, 7, 7, 7}, CHECK_REGRESSION, "was 7 and is 8; no growth at all is allowed"},
        {{0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 1}, CHECK_REGRESSION, "was 0 and is 1"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct gate gate;
        gate_open(&gate);
        gate_add(&gate, SAMPLES_BASELINE, SAMPLES);
        gate_add(&gate, SAMPLES_CURRENT, SAMPLES);
        gate_put(&gate, SAMPLES_BASELINE, "go.heaps.0.objects", METRIC_COUNT, CASES[i].before, SAMPLES);
        gate_put(&gate, SAMPLES_CURRENT, "go.heaps.0.objects", METRIC_COUNT, CASES[i].now, SAMPLES);
        gate_rule(&gate, CHECK_EXACT, "go.heaps.0.objects");
        gate_judge(&gate);
        gate_expect(&gate, CHECK_EXACT, "go.heaps.0.objects", CASES[i].verdict, CASES[i].said);
        cr_expect_not(gate_row(&gate, CHECK_EXACT, "go.heaps.0.objects")->has_p);
        gate_close(&gate);
    }
}

Test(check_judge, last_rule_of_a_kind_holds)
{
    struct gate gate;
    gate_open(&gate);
    gate_add(&gate, SAMPLES_CURRENT, SAMPLES);
    gate_put_around(&gate, SAMPLES_CURRENT, "rss.a.resident", 64 * MIB, SAMPLES);
    gate_put_around(&gate, SAMPLES_CURRENT, "rss.b.resident", 64 * MIB, SAMPLES);
    gate_rule(&gate, CHECK_LIMIT, "rss.b.resident=1");
    gate_rule(&gate, CHECK_LIMIT, "rss.*=1GiB");
    gate_rule(&gate, CHECK_LIMIT, "rss.a.resident=1");
    gate_judge(&gate);
    cr_expect_eq(gate.result.rows_count, 2u);
    gate_expect(&gate, CHECK_LIMIT, "rss.a.resident", CHECK_REGRESSION, "above the limit");
    gate_expect(&gate, CHECK_LIMIT, "rss.b.resident", CHECK_PASS, "the highest sample");
    gate_close(&gate);
}

Test(check_judge, rule_that_matches_nothing_is_an_error)
{
    static const char *const RULES[] = {"rss.totl=1GiB", "rss.go.*.size=1", "go.sizeclass.4097.resident=1",
                                        "go.advice.go.DONTNED.bytes=1", "findings.nothing.bytes=1"};
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
        struct gate gate;
        gate_open(&gate);
        gate_add(&gate, SAMPLES_CURRENT, SAMPLES);
        gate_put_around(&gate, SAMPLES_CURRENT, "rss.total", 64 * MIB, SAMPLES);
        gate_rule(&gate, CHECK_LIMIT, "rss.total=1GiB");
        gate_rule(&gate, CHECK_LIMIT, RULES[i]);
        gate_judge(&gate);
        cr_expect_eq(gate.outcome, CHECK_REFUSED, "%s", RULES[i]);
        cr_expect_not_null(strstr(gate.error.text, "no metric is called '"), "%s", gate.error.text);
        cr_expect_not_null(strstr(gate.error.text, "--list"), "%s", gate.error.text);
        gate_close(&gate);
    }
}

/* ---- what is not known ---- */

static void judge_without_heap(struct gate *gate, enum check_kind kind, const char *rule, uint64_t walked)
{
    gate_open(gate);
    for (int side = 0; side < SAMPLES_SIDE_COUNT; side++) {
        for (uint64_t i = 0; i < SAMPLES; i++) {
            struct sample_origin origin = gate_origin(i);
            origin.has_heap = side == SAMPLES_BASELINE || i < walked;
            gate_add_one(gate, (enum samples_side)side, &origin);
        }
        gate_put_around(gate, (enum samples_side)side, "rss.total", 64 * MIB, SAMPLES);
    }
    gate_rule(gate, kind, rule);
    gate_judge(gate);
}

Test(check_judge, heap_that_was_not_walked_is_never_a_pass)
{
    static const struct {
        enum check_kind kind;
        const char *metric, *bound;
    } CASES[] = {
        {CHECK_LIMIT, "findings.lazyfree.bytes", "=1GiB"},  {CHECK_GROWTH, "findings.lazyfree.bytes", "=1GiB"},
        {CHECK_EXACT, "findings.lazyfree.bytes", ""},       {CHECK_SLOPE, "go.sizeclass.64.resident", "=1GiB"},
        {CHECK_LIMIT, "go.sizeclass.64.resident", "=1GiB"}, {CHECK_LIMIT, "go.large.resident", "=1GiB"},
        {CHECK_LIMIT, "go.reinflated.huge", "=1GiB"},       {CHECK_LIMIT, "go.heaps.0.objects", "=1000"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct gate gate;
        char rule[64];
        snprintf(rule, sizeof rule, "%s%s", CASES[i].metric, CASES[i].bound);
        judge_without_heap(&gate, CASES[i].kind, rule, 0);
        gate_expect(&gate, CASES[i].kind, CASES[i].metric, CHECK_INCONCLUSIVE, "no current sample knows it");
        cr_expect_eq(gate.result.verdict, CHECK_INCONCLUSIVE);
        gate_close(&gate);
    }
}

Test(check_judge, limit_and_exact_want_to_know_every_sample)
{
    struct gate gate;
    judge_without_heap(&gate, CHECK_LIMIT, "findings.lazyfree.bytes=1GiB", 5);
    gate_expect(&gate, CHECK_LIMIT, "findings.lazyfree.bytes", CHECK_INCONCLUSIVE, "1 of 6 samples do not know it");
    gate_close(&gate);
    judge_without_heap(&gate, CHECK_EXACT, "findings.lazyfree.bytes", 5);
    gate_expect(&gate, CHECK_EXACT, "findings.lazyfree.bytes", CHECK_INCONCLUSIVE, "1 of 6 samples do not know it");
    gate_close(&gate);
    /* ranks do with those that know it, if they are enough */
    judge_without_heap(&gate, CHECK_GROWTH, "findings.lazyfree.bytes=1GiB", 4);
    gate_expect(&gate, CHECK_GROWTH, "findings.lazyfree.bytes", CHECK_PASS, "it did not grow");
    gate_close(&gate);
    judge_without_heap(&gate, CHECK_GROWTH, "findings.lazyfree.bytes=1GiB", 3);
    gate_expect(&gate, CHECK_GROWTH, "findings.lazyfree.bytes", CHECK_INCONCLUSIVE,
                "6 samples in the baseline and 3 now");
    gate_close(&gate);
    judge_without_heap(&gate, CHECK_LIMIT, "findings.lazyfree.bytes=1GiB", 6);
    gate_expect(&gate, CHECK_LIMIT, "findings.lazyfree.bytes", CHECK_PASS, "the highest sample is 0 B");
    gate_close(&gate);
}

Test(check_judge, baseline_without_the_metric_is_inconclusive)
{
    struct gate gate;
    gate_open(&gate);
    gate_add(&gate, SAMPLES_BASELINE, SAMPLES);
    gate_add(&gate, SAMPLES_CURRENT, SAMPLES);
    gate_put_around(&gate, SAMPLES_CURRENT, "rss.new.resident", 64 * MIB, SAMPLES);
    gate_rule(&gate, CHECK_GROWTH, "rss.new.resident=1GiB");
    gate_rule(&gate, CHECK_EXACT, "rss.new.resident");
    gate_rule(&gate, CHECK_LIMIT, "rss.new.resident=1GiB");
    gate_judge(&gate);
    static const char SAID[] = "the baseline does not know it; make the baseline anew";
    gate_expect(&gate, CHECK_GROWTH, "rss.new.resident", CHECK_INCONCLUSIVE, SAID);
    gate_expect(&gate, CHECK_EXACT, "rss.new.resident", CHECK_INCONCLUSIVE, SAID);
    gate_expect(&gate, CHECK_LIMIT, "rss.new.resident", CHECK_PASS, "the highest");
    gate_close(&gate);
}

/* Sums and differences of what is near 2^63. */
Test(check_judge, huge_numbers_are_judged_and_stay_finite)
{
    const uint64_t huge[] = {INT64_MAX, INT64_MAX - 1, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}, none[SAMPLES] = {0};
    struct gate gate;
    gate_open(&gate);
    gate_add(&gate, SAMPLES_BASELINE, SAMPLES);
    gate_add(&gate, SAMPLES_CURRENT, SAMPLES);
    gate_put(&gate, SAMPLES_BASELINE, "rss.total", METRIC_BYTES, none, SAMPLES);
    gate_put(&gate, SAMPLES_CURRENT, "rss.total", METRIC_BYTES, huge, SAMPLES);
    gate_rule(&gate, CHECK_GROWTH, "rss.total=99999999999999999999999999999999999999999999999999%,1GiB");
    gate_rule(&gate, CHECK_EXACT, "rss.total");
    gate_rule(&gate, CHECK_SLOPE, "rss.total=1GiB");
    gate_rule(&gate, CHECK_LIMIT, "rss.total=9223372036854775807");
    gate_judge(&gate);
    gate_expect(&gate, CHECK_GROWTH, "rss.total", CHECK_REGRESSION, "it grew");
    gate_expect(&gate, CHECK_EXACT, "rss.total", CHECK_REGRESSION, "was 0 B and is");
    gate_expect(&gate, CHECK_LIMIT, "rss.total", CHECK_PASS, "the highest");
    gate_close(&gate);
}
