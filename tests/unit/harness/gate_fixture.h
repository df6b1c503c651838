/* SPDX-License-Identifier: Apache-2.0
 *
 * A gate put together by a test: samples by their numbers, rules as one types them, and the result.
 *
 * Samples are a series of one process with a walked heap, a second apart, in one environment; a test changes what it
 * is about.
 */
#ifndef GPW_TESTS_GATE_FIXTURE_H
#define GPW_TESTS_GATE_FIXTURE_H

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "harness/check_judge.h"

#define MIB ((uint64_t)1 << 20)
#define GATE_NS_PER_SECOND 1000000000ull

struct gate {
    struct samples samples;
    struct check_settings settings;
    struct bump bump; /* of the rules and the result */
    struct dump_environment environment;
    struct check_result result;
    enum check_outcome outcome;
    struct error error;
};

static inline void gate_open(struct gate *gate)
{
    *gate = (struct gate){.settings = {.alpha = 0.05, .min_samples = 4, .top_rows = 10},
                          .environment = {.kernel = "6.18.0",
                                          .machine = "x86_64",
                                          .go_version = "go1.26.10",
                                          .cpus = 4,
                                          .os_page_bytes = 4096,
                                          .khugepaged_max_ptes_none = 511,
                                          .cgroup_memory_max_bytes = DUMP_NOT_KNOWN}};
    cr_assert(samples_open(&gate->samples, &gate->error));
    cr_assert_eq(bump_open(&gate->bump, (uint64_t)64 << 20), 0);
    gate->settings.rules.bump = &gate->bump;
}

static inline void gate_close(struct gate *gate)
{
    check_rules_free(&gate->settings.rules);
    samples_close(&gate->samples);
    bump_close(&gate->bump);
}

static inline struct sample_origin gate_origin(uint64_t sample)
{
    return (struct sample_origin){.pid = 4711,
                                  .seq = sample + 1,
                                  .unix_ns = (1000 + sample) * GATE_NS_PER_SECOND,
                                  .since_start_ns = (1 + sample) * GATE_NS_PER_SECOND,
                                  .host = "web-3",
                                  .has_heap = true};
}

static inline void gate_add_one(struct gate *gate, enum samples_side side, const struct sample_origin *origin)
{
    cr_assert(samples_add(&gate->samples, side, origin, "shop", &gate->environment, &gate->error));
}

static inline void gate_add(struct gate *gate, enum samples_side side, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct sample_origin origin = gate_origin(i);
        gate_add_one(gate, side, &origin);
    }
}

/* A value for each of the first `count` samples of the side. */
static inline void gate_put(struct gate *gate, enum samples_side side, const char *name, enum metric_unit unit,
                            const uint64_t *values, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct metric metric = {name, unit, values[i]};
        cr_assert(samples_put(&gate->samples, side, i, &metric, &gate->error));
    }
}

/* `count` samples around `base`, each another number. */
static inline void gate_put_around(struct gate *gate, enum samples_side side, const char *name, uint64_t base,
                                   uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct metric metric = {name, METRIC_BYTES, base + i * 37 % 11 * 4096};
        cr_assert(samples_put(&gate->samples, side, i, &metric, &gate->error));
    }
}

static inline void gate_rule(struct gate *gate, enum check_kind kind, const char *text)
{
    cr_assert(check_rules_add(&gate->settings.rules, kind, text, &gate->error), "%s", gate->error.text);
}

/* What holds for every result. */
static inline void gate_expect_sane(const struct gate *gate)
{
    const struct check_result *result = &gate->result;
    uint64_t rows[CHECK_VERDICT_COUNT] = {0};
    enum check_verdict worst = CHECK_PASS;
    cr_expect_gt(result->rows_count, 0u, "rules, and no row");
    for (uint64_t i = 0; i < result->rows_count; i++) {
        const struct check_row *row = &result->rows[i];
        rows[row->verdict]++;
        worst = row->verdict > worst ? row->verdict : worst;
        cr_expect(isfinite(row->change) && isfinite(row->p) && row->p >= 0 && row->p <= 1, "%s", row->metric);
        cr_expect(isfinite(row->baseline.median) && isfinite(row->current.median), "%s", row->metric);
        cr_expect(strlen(row->why) > 0 && strlen(row->bound) > 0, "%s", row->metric);
        cr_expect(i == 0 || row[-1].verdict >= row->verdict, "the worst is not first");
    }
    cr_expect_eq(worst, result->verdict);
    cr_expect_arr_eq(rows, result->verdict_rows, sizeof rows);
}

static inline void gate_judge(struct gate *gate)
{
    gate->outcome = check_judge(&gate->result, &gate->samples, &gate->settings, &gate->bump, &gate->error);
    if (gate->outcome == CHECK_JUDGED)
        gate_expect_sane(gate);
}

static inline const struct check_row *gate_row(const struct gate *gate, enum check_kind kind, const char *metric)
{
    cr_assert_eq(gate->outcome, CHECK_JUDGED, "%s", gate->error.text);
    for (uint64_t i = 0; i < gate->result.rows_count; i++) {
        if (gate->result.rows[i].kind == kind && strcmp(gate->result.rows[i].metric, metric) == 0)
            return &gate->result.rows[i];
    }
    cr_assert(false, "there is no row %s of %s", check_kind_name(kind), metric);
    return NULL;
}

static inline void gate_expect(const struct gate *gate, enum check_kind kind, const char *metric,
                               enum check_verdict verdict, const char *words)
{
    const struct check_row *row = gate_row(gate, kind, metric);
    cr_expect_eq(row->verdict, verdict, "%s of %s: %s, p %g: %s", check_kind_name(kind), metric,
                 check_verdict_name(row->verdict), row->p, row->why);
    cr_expect_not_null(strstr(row->why, words), "\"%s\" does not say \"%s\"", row->why, words);
}

static inline bool gate_has_note(const struct gate *gate, const char *words)
{
    for (uint64_t i = 0; i < gate->result.notes_count; i++) {
        if (strstr(gate->result.notes[i], words) != NULL)
            return true;
    }
    return false;
}

#endif
