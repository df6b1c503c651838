/* SPDX-License-Identifier: Apache-2.0
 *
 * A gate that cannot fail, or fails for nothing, is told; the others are shown to fail.
 */
#include "harness/check_self_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "gate_fixture.h"

/* What it writes, for free(). */
static char *self_test(struct gate *gate, enum exit_code *code)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    *code = check_self_test(out, &gate->samples, &gate->settings, "check");
    fclose(out);
    return text;
}

static void expect(struct gate *gate, enum exit_code code, const char *const *said)
{
    enum exit_code got;
    char *text = self_test(gate, &got);
    cr_expect_eq(got, code, "%d: %s", got, text);
    for (; *said != NULL; said++)
        cr_expect_not_null(strstr(text, *said), "%s\ndoes not say \"%s\"", text, *said);
    free(text);
    gate_close(gate);
}

#define EXPECT(gate, code, ...) expect(gate, code, (const char *const[]){__VA_ARGS__, NULL})

static const char PROVED[] = "the gate can fail, and does not fail for nothing\n";
static const char PROVED_NOTHING[] = "this gate proves nothing: mend what is MISSED or raises an ALARM\n";

Test(check_self_test, without_rules_one_of_each_kind_is_tried)
{
    struct gate gate;
    gate_open(&gate);
    EXPECT(&gate, EXIT_CODE_OK, "passed    nothing planted\n", "caught    limit of rss.total (metrics: 1)\n",
           "caught    growth of rss.*.resident (metrics: 17)\n", "caught    slope of rss.total (metrics: 1)\n",
           "caught    exact of go.sizeclass.64.objects (metrics: 1)\n", PROVED);
}

Test(check_self_test, rules_are_caught_on_made_up_values)
{
    static const struct {
        enum check_kind kind;
        const char *rule;
    } RULES[] = {
        {CHECK_LIMIT, "peak.rss=0"},
        {CHECK_LIMIT, "process.threads=64"},
        {CHECK_GROWTH, "rss.total=5%,8MiB"},
        {CHECK_GROWTH, "rss.total=0"},
        {CHECK_GROWTH, "go.large.resident=400%"},
        {CHECK_GROWTH, "go.sizeclass.24.objects=3%,5"},
        {CHECK_GROWTH, "go.heaps.1.objects=3%,5"},
        {CHECK_SLOPE, "rss.total=64KiB/dump"},
        {CHECK_SLOPE, "go.advice.c.COLLAPSE.calls=0"},
        {CHECK_EXACT, "findings.sparse-spans.bytes"},
    };
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
        struct gate gate;
        gate_open(&gate);
        gate_rule(&gate, RULES[i].kind, RULES[i].rule);
        EXPECT(&gate, EXIT_CODE_OK, "caught    ", PROVED);
    }
}

Test(check_self_test, values_are_the_baselines_where_there_is_one)
{
    struct gate gate;
    gate_open(&gate);
    for (uint64_t i = 0; i < 6; i++) {
        struct sample_origin origin = gate_origin(i);
        origin.pid += i; /* of six runs: a slope must be planted all the same */
        gate_add_one(&gate, SAMPLES_BASELINE, &origin);
    }
    gate_put_around(&gate, SAMPLES_BASELINE, "rss.mine.resident", 64 * MIB, 6);
    gate_rule(&gate, CHECK_GROWTH, "rss.mine.resident=5%,8MiB");
    gate_rule(&gate, CHECK_SLOPE, "rss.mine.resident=64KiB/dump");
    gate_rule(&gate, CHECK_LIMIT, "rss.mine.resident=1MiB"); /* which the baseline passes already */
    EXPECT(&gate, EXIT_CODE_OK, "passed    nothing planted\n", "caught    growth of rss.mine.resident",
           "caught    slope of rss.mine.resident", "caught    limit of rss.mine.resident", PROVED);
}

static void put_baseline(struct gate *gate, uint64_t count, const char *name)
{
    gate_open(gate);
    gate_add(gate, SAMPLES_BASELINE, count);
    gate_put_around(gate, SAMPLES_BASELINE, name, 64 * MIB, count);
}

Test(check_self_test, gate_that_cannot_fail_is_told)
{
    struct gate gate;
    put_baseline(&gate, 3, "rss.total");
    gate_rule(&gate, CHECK_GROWTH, "rss.total=8MiB");
    EXPECT(&gate, EXIT_CODE_INCONCLUSIVE,
           "MISSED    growth of rss.total: rss.total: there are 3 samples in the baseline and 3 now", PROVED_NOTHING);

    put_baseline(&gate, 4, "rss.total");
    gate.settings.alpha = 0.01;
    gate_rule(&gate, CHECK_GROWTH, "rss.total=8MiB");
    EXPECT(&gate, EXIT_CODE_INCONCLUSIVE,
           "MISSED    growth of rss.total: rss.total: it grew by more than is allowed, and "
           "so few samples cannot prove it",
           PROVED_NOTHING);

    gate_open(&gate);
    gate_rule(&gate, CHECK_LIMIT, "rss.total=18446744073709551615");
    EXPECT(&gate, EXIT_CODE_INCONCLUSIVE, "MISSED    limit of rss.total: rss.total: ", PROVED_NOTHING);

    gate_open(&gate);
    gate_rule(&gate, CHECK_LIMIT, "rss.total=1GiB");
    gate_rule(&gate, CHECK_LIMIT, "rss.*=2GiB");
    EXPECT(&gate, EXIT_CODE_INCONCLUSIVE, "MISSED    limit of rss.total: -: later rules take its place",
           "caught    limit of rss.*", PROVED_NOTHING);
}

/* A baseline that knows a metric in no sample. */
Test(check_self_test, metric_that_the_baseline_does_not_know_is_missed)
{
    struct gate gate;
    const uint64_t unknown[6] = {DUMP_NOT_KNOWN, DUMP_NOT_KNOWN, DUMP_NOT_KNOWN,
                                 DUMP_NOT_KNOWN, DUMP_NOT_KNOWN, DUMP_NOT_KNOWN};
    put_baseline(&gate, 6, "rss.total");
    gate_put(&gate, SAMPLES_BASELINE, "peak.rss", METRIC_BYTES, unknown, 6);
    gate_rule(&gate, CHECK_GROWTH, "peak.rss=1MiB");
    EXPECT(&gate, EXIT_CODE_INCONCLUSIVE, "MISSED    growth of peak.rss: peak.rss: the baseline does not know it",
           PROVED_NOTHING);
}

/* A baseline that is a leak itself, of 30 dumps: turned by one it still rises. */
Test(check_self_test, gate_that_fails_for_nothing_is_told)
{
    struct gate gate;
    gate_open(&gate);
    gate_add(&gate, SAMPLES_BASELINE, 30);
    for (uint64_t i = 0; i < 30; i++) {
        struct metric metric = {"rss.total", METRIC_BYTES, (64 + i) * MIB};
        cr_assert(samples_put(&gate.samples, SAMPLES_BASELINE, i, &metric, &gate.error));
    }
    gate_rule(&gate, CHECK_SLOPE, "rss.total=64KiB/dump");
    EXPECT(&gate, EXIT_CODE_INCONCLUSIVE, "ALARM     nothing planted, and yet a regression: rss.total",
           "caught    slope", PROVED_NOTHING);
}

Test(check_self_test, parts_beyond_all_numbers_are_no_crash)
{
    struct gate gate;
    enum exit_code code;
    put_baseline(&gate, 6, "rss.total");
    gate_rule(&gate, CHECK_GROWTH, "rss.total=99999999999999999999999999999999999999999999999999%");
    char *text = self_test(&gate, &code);
    cr_expect_eq(code, EXIT_CODE_INCONCLUSIVE, "%s", text);
    free(text);
    gate_close(&gate);
}
