/* SPDX-License-Identifier: Apache-2.0
 *
 * Slopes and whose they are, other environments, what grew, and what a reader is told besides.
 */
#include <stdlib.h>

#include "gate_fixture.h"

enum { DUMPS = 8 };

static void put_rising(struct gate *gate, const char *name, uint64_t base, uint64_t step, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct metric metric = {name, METRIC_BYTES, base + i * step};
        cr_assert(samples_put(&gate->samples, SAMPLES_CURRENT, i, &metric, &gate->error));
    }
}

Test(check_judge_series, slope_is_what_a_series_may_rise_by)
{
    static const struct {
        const char *rule;
        uint64_t count, step;
        enum check_verdict verdict;
        const char *said;
    } CASES[] = {
        {"rss.total=64KiB/dump", DUMPS, 0, CHECK_PASS, "it does not rise"},
        {"rss.total=64KiB/dump", DUMPS, 65536, CHECK_PASS, "it rises by less than is allowed"},
        {"rss.total=64KiB/dump", DUMPS, 65537, CHECK_REGRESSION, "it rises by more than is allowed, and chance alone"},
        {"rss.total=0", DUMPS, 1, CHECK_REGRESSION, "it rises by more"},
        {"rss.total=64KiB/dump", 3, 1 << 20, CHECK_INCONCLUSIVE, "there are 3 samples; take at least 4"},
        {"rss.total=64KiB/dump", 1, 1 << 20, CHECK_INCONCLUSIVE, "there are 1 samples; take at least 4"},
        {"rss.total=64KiB/dump", 4, 1 << 20, CHECK_REGRESSION, "it rises by more"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct gate gate;
        gate_open(&gate);
        gate_add(&gate, SAMPLES_CURRENT, CASES[i].count);
        put_rising(&gate, "rss.total", 64 * MIB, CASES[i].step, CASES[i].count);
        gate_rule(&gate, CHECK_SLOPE, CASES[i].rule);
        gate_judge(&gate);
        gate_expect(&gate, CHECK_SLOPE, "rss.total", CASES[i].verdict, CASES[i].said);
        if (CASES[i].count >= 4)
            cr_expect_eq(gate_row(&gate, CHECK_SLOPE, "rss.total")->change, (double)CASES[i].step);
        gate_close(&gate);
    }
}

/* 4 dumps have p = 1/24 at best. */
Test(check_judge_series, slope_that_so_few_dumps_cannot_prove_is_inconclusive)
{
    struct gate gate;
    gate_open(&gate);
    gate.settings.alpha = 0.01;
    gate_add(&gate, SAMPLES_CURRENT, 4);
    put_rising(&gate, "rss.total", 64 * MIB, MIB, 4);
    gate_rule(&gate, CHECK_SLOPE, "rss.total=64KiB/dump");
    gate_judge(&gate);
    gate_expect(&gate, CHECK_SLOPE, "rss.total", CHECK_INCONCLUSIVE, "so few samples cannot prove it");
    gate_close(&gate);
}

/* Files come in the order of their names: 1.10.json before 1.9.json. */
Test(check_judge_series, series_is_by_time_and_not_by_the_order_of_files)
{
    struct gate gate;
    const uint64_t order[DUMPS] = {7, 0, 3, 1, 6, 2, 5, 4};
    gate_open(&gate);
    for (uint64_t i = 0; i < DUMPS; i++) {
        struct sample_origin origin = gate_origin(order[i]);
        struct metric metric = {"rss.total", METRIC_BYTES, 64 * MIB + order[i] * MIB};
        gate_add_one(&gate, SAMPLES_CURRENT, &origin);
        cr_assert(samples_put(&gate.samples, SAMPLES_CURRENT, i, &metric, &gate.error));
    }
    gate_rule(&gate, CHECK_SLOPE, "rss.total=64KiB/dump");
    gate_judge(&gate);
    gate_expect(&gate, CHECK_SLOPE, "rss.total", CHECK_REGRESSION, "it rises");
    const struct check_row *row = gate_row(&gate, CHECK_SLOPE, "rss.total");
    for (uint64_t i = 0; i < DUMPS; i++)
        cr_expect_eq(row->current.values[i], (64 + i) * MIB);
    cr_expect_eq(gate.result.classes_count, 0u, "rss.total is no class");
    gate_close(&gate);
}

/* What the fifth of eight dumps is. */
struct stranger {
    const char *what;
    void (*change)(struct sample_origin *origin);
    bool is_stranger;
};

static void as_it_is(struct sample_origin *origin)
{
    (void)origin;
}
static void other_pid(struct sample_origin *origin)
{
    origin->pid++;
}
static void other_host(struct sample_origin *origin)
{
    origin->host = "web-4";
}
static void no_host(struct sample_origin *origin)
{
    origin->host = NULL;
}
/* pid 1 of a container, begun anew: it counts from 1, and its clock from 0. */
static void restarted(struct sample_origin *origin)
{
    origin->seq = 1;
    origin->since_start_ns = GATE_NS_PER_SECOND / 2;
}
static void restarted_but_seq(struct sample_origin *origin)
{
    origin->since_start_ns = GATE_NS_PER_SECOND / 2;
}
static void numbers_go_back(struct sample_origin *origin)
{
    origin->seq = 1;
}
static void given_twice(struct sample_origin *origin)
{
    origin->seq--;
    origin->unix_ns -= GATE_NS_PER_SECOND;
    origin->since_start_ns -= GATE_NS_PER_SECOND;
}
static void no_start(struct sample_origin *origin)
{
    origin->since_start_ns = DUMP_NOT_KNOWN;
}
static void clock_was_set(struct sample_origin *origin)
{
    origin->unix_ns += 50000000;
}

Test(check_judge_series, slope_of_several_processes_is_inconclusive)
{
    static const struct stranger CASES[] = {
        {"as it is", as_it_is, false},
        {"another pid", other_pid, true},
        {"another host", other_host, true},
        {"no host", no_host, true},
        {"restarted", restarted, true},
        {"restarted, the same number", restarted_but_seq, true},
        {"numbers go back", numbers_go_back, true},
        {"given twice", given_twice, true},
        {"start not known", no_start, false},
        {"clock set", clock_was_set, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct gate gate;
        gate_open(&gate);
        for (uint64_t dump = 0; dump < DUMPS; dump++) {
            struct sample_origin origin = gate_origin(dump);
            if (dump == 4)
                CASES[i].change(&origin);
            gate_add_one(&gate, SAMPLES_CURRENT, &origin);
        }
        put_rising(&gate, "rss.total", 64 * MIB, MIB, DUMPS);
        gate_rule(&gate, CHECK_SLOPE, "rss.total=64KiB/dump");
        gate_rule(&gate, CHECK_LIMIT, "rss.total=1GiB");
        gate_judge(&gate);
        cr_expect_eq(gate_row(&gate, CHECK_SLOPE, "rss.total")->verdict,
                     CASES[i].is_stranger ? CHECK_INCONCLUSIVE : CHECK_REGRESSION, "%s", CASES[i].what);
        if (CASES[i].is_stranger)
            gate_expect(&gate, CHECK_SLOPE, "rss.total", CHECK_INCONCLUSIVE, "the dumps are of several processes");
        gate_expect(&gate, CHECK_LIMIT, "rss.total", CHECK_PASS, "the highest");
        gate_close(&gate);
    }
}

/* ---- environments ---- */

static void judge_in(struct gate *gate, bool needs_same, const char *kernel, const char *build_id, uint64_t now_mib)
{
    gate_open(gate);
    gate->settings.needs_same_environment = needs_same;
    gate_add(gate, SAMPLES_BASELINE, 6);
    gate->environment.kernel = kernel;
    gate->environment.build_id = build_id;
    gate_add(gate, SAMPLES_CURRENT, 6);
    gate_put_around(gate, SAMPLES_BASELINE, "rss.total", 64 * MIB, 6);
    gate_put_around(gate, SAMPLES_CURRENT, "rss.total", now_mib * MIB, 6);
    gate_rule(gate, CHECK_GROWTH, "rss.total=8MiB");
    gate_rule(gate, CHECK_EXACT, "rss.total");
    gate_rule(gate, CHECK_LIMIT, "rss.total=1GiB");
    gate_judge(gate);
}

Test(check_judge_series, other_environment_is_a_note_or_with_the_option_inconclusive)
{
    struct gate gate;
    judge_in(&gate, false, "6.19.0", NULL, 64);
    cr_expect_eq(gate.result.verdict, CHECK_PASS);
    cr_expect(gate_has_note(&gate, "the environment differs: kernel: 6.18.0 -> 6.19.0"));
    gate_close(&gate);
    for (uint64_t now_mib = 64; now_mib <= 80; now_mib += 16) {
        judge_in(&gate, true, "6.19.0", NULL, now_mib);
        gate_expect(&gate, CHECK_GROWTH, "rss.total", CHECK_INCONCLUSIVE, "taken in another environment");
        gate_expect(&gate, CHECK_EXACT, "rss.total", CHECK_INCONCLUSIVE, "taken in another environment");
        gate_expect(&gate, CHECK_LIMIT, "rss.total", CHECK_PASS, "the highest");
        gate_close(&gate);
    }
    /* another build is another program, which is the point */
    judge_in(&gate, true, "6.18.0", "00ff", 80);
    cr_expect_eq(gate.result.verdict, CHECK_REGRESSION);
    cr_expect_eq(gate.result.notes_count, 0u, "%s", gate.result.notes[0]);
    gate_close(&gate);
}

Test(check_judge_series, environments_that_differ_within_a_side_are_others_too)
{
    struct gate gate;
    gate_open(&gate);
    gate.settings.needs_same_environment = true;
    gate_add(&gate, SAMPLES_BASELINE, 6);
    gate_add(&gate, SAMPLES_CURRENT, 5);
    gate.environment.gogc = "200";
    struct sample_origin last = gate_origin(5);
    gate_add_one(&gate, SAMPLES_CURRENT, &last);
    gate_put_around(&gate, SAMPLES_BASELINE, "rss.total", 64 * MIB, 6);
    gate_put_around(&gate, SAMPLES_CURRENT, "rss.total", 64 * MIB, 6);
    gate_rule(&gate, CHECK_GROWTH, "rss.total=8MiB");
    gate_judge(&gate);
    gate_expect(&gate, CHECK_GROWTH, "rss.total", CHECK_INCONCLUSIVE, "another environment");
    cr_expect(gate_has_note(&gate, "1 of 6 current samples were taken in another environment than the first"));
    gate_close(&gate);
}

Test(check_judge_series, other_programs_are_told)
{
    struct gate gate;
    gate_open(&gate);
    gate_add(&gate, SAMPLES_BASELINE, 1);
    struct sample_origin origin = gate_origin(0);
    cr_assert(samples_add(&gate.samples, SAMPLES_CURRENT, &origin, "etcd", &gate.environment, &gate.error));
    cr_assert(samples_add(&gate.samples, SAMPLES_CURRENT, &origin, "shop", &gate.environment, &gate.error));
    gate_put_around(&gate, SAMPLES_CURRENT, "rss.total", 64 * MIB, 2);
    gate_rule(&gate, CHECK_LIMIT, "rss.total=1GiB");
    gate_judge(&gate);
    cr_expect(gate_has_note(&gate, "the baseline is of another program: shop -> etcd"));
    cr_expect(gate_has_note(&gate, "1 of 2 current samples are of another program than the first (etcd)"));
    cr_expect_str_eq(gate.result.program, "etcd");
    cr_expect_str_eq(gate.result.go_version, "go1.26.10");
    cr_expect_eq(gate.result.baseline_samples, 1u);
    cr_expect_eq(gate.result.current_samples, 2u);
    gate_close(&gate);
}

/* ---- what grew ---- */

static void put_both(struct gate *gate, const char *name, uint64_t before_mib, uint64_t now_mib)
{
    gate_put_around(gate, SAMPLES_BASELINE, name, before_mib * MIB, 6);
    gate_put_around(gate, SAMPLES_CURRENT, name, now_mib * MIB, 6);
}

static void fill_growth(struct gate *gate)
{
    gate_open(gate);
    gate_add(gate, SAMPLES_BASELINE, 6);
    gate_add(gate, SAMPLES_CURRENT, 6);
    put_both(gate, "rss.total", 64, 90);
    put_both(gate, "rss.go.unused.resident", 10, 14);
    put_both(gate, "rss.go.unused.mapped", 10, 900);
    put_both(gate, "rss.c.mmap.resident", 1, 21);
    put_both(gate, "rss.libs.resident", 2, 2);
    put_both(gate, "rss.files.resident", 3, 1);
    put_both(gate, "go.sizeclass.64.resident", 1, 2);
    put_both(gate, "go.sizeclass.4096.resident", 1, 4);
    put_both(gate, "go.large.resident", 1, 40);
    gate_put_around(gate, SAMPLES_CURRENT, "rss.new.resident", 50 * MIB, 6); /* whose baseline is not known */
}

Test(check_judge_series, what_grew_is_listed_by_growth)
{
    struct gate gate;
    fill_growth(&gate);
    gate_rule(&gate, CHECK_GROWTH, "rss.total=8MiB");
    gate_judge(&gate);
    cr_assert_eq(gate.result.classes_count, 2u);
    cr_expect_str_eq(gate.result.classes[0].name, "c.mmap");
    cr_expect_eq(gate.result.classes[0].current_bytes - gate.result.classes[0].baseline_bytes, 20.0 * (double)MIB);
    cr_expect_str_eq(gate.result.classes[1].name, "go.unused");
    cr_assert_eq(gate.result.size_classes_count, 2u);
    cr_expect_str_eq(gate.result.size_classes[0].name, "4096");
    cr_expect_str_eq(gate.result.size_classes[1].name, "64");
    gate_close(&gate);
}

Test(check_judge_series, what_grew_is_cut_at_top_and_left_out_without_a_regression)
{
    struct gate gate;
    fill_growth(&gate);
    gate.settings.top_rows = 1;
    gate_rule(&gate, CHECK_GROWTH, "rss.total=8MiB");
    gate_judge(&gate);
    cr_expect_eq(gate.result.classes_count, 1u);
    cr_expect_str_eq(gate.result.size_classes[0].name, "4096");
    gate_close(&gate);
    fill_growth(&gate);
    gate_rule(&gate, CHECK_GROWTH, "rss.total=1GiB");
    gate_judge(&gate);
    cr_expect_eq(gate.result.classes_count, 0u);
    cr_expect_eq(gate.result.size_classes_count, 0u);
    gate_close(&gate);
}

Test(check_judge_series, without_a_baseline_growth_is_from_the_first_to_the_last)
{
    struct gate gate;
    gate_open(&gate);
    gate_add(&gate, SAMPLES_CURRENT, DUMPS);
    put_rising(&gate, "rss.total", 64 * MIB, MIB, DUMPS);
    put_rising(&gate, "rss.c.mmap.resident", MIB, 3 * MIB, DUMPS);
    /* in all but the last dump: what it is now is not known */
    put_rising(&gate, "rss.new.resident", 50 * MIB, 0, DUMPS - 1);
    gate_rule(&gate, CHECK_SLOPE, "rss.total=64KiB/dump");
    gate_judge(&gate);
    cr_assert_eq(gate.result.classes_count, 1u);
    cr_expect_str_eq(gate.result.classes[0].name, "c.mmap");
    cr_expect_eq(gate.result.classes[0].baseline_bytes, (double)MIB);
    cr_expect_eq(gate.result.classes[0].current_bytes, 22.0 * (double)MIB);
    gate_close(&gate);
}
