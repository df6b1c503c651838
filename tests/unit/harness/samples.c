/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns of numbers: whatever comes when, each metric has a value for each sample in the end.
 */
#include "harness/samples.h"

#include <stdio.h>

#include "gate_fixture.h"

static const struct samples_metric *find(const struct gate *gate, const char *name)
{
    for (uint64_t i = 0; i < gate->samples.metrics_count; i++) {
        if (strcmp(gate->samples.metrics[i].name, name) == 0)
            return &gate->samples.metrics[i];
    }
    return NULL;
}

static void expect_values(const struct gate *gate, const char *name, enum samples_side side, const uint64_t *values,
                          uint64_t count)
{
    const struct samples_metric *metric = find(gate, name);
    cr_assert_not_null(metric, "%s", name);
    for (uint64_t i = 0; i < count; i++)
        cr_expect_eq(metric->values[side][i], values[i], "%s[%llu] is %llu", name, (unsigned long long)i,
                     (unsigned long long)metric->values[side][i]);
}

static void put(struct gate *gate, enum samples_side side, uint64_t sample, const char *name, uint64_t value)
{
    struct metric metric = {name, METRIC_BYTES, value};
    cr_assert(samples_put(&gate->samples, side, sample, &metric, &gate->error));
}

Test(samples, what_a_sample_lacks_is_zero_or_not_known)
{
    const uint64_t unknown = DUMP_NOT_KNOWN;
    struct gate gate;
    gate_open(&gate);
    for (uint64_t i = 0; i < 4; i++) {
        struct sample_origin origin = gate_origin(i);
        origin.has_heap = i != 1;
        gate_add_one(&gate, SAMPLES_CURRENT, &origin);
        /* from the third on, and not in the last */
        if (i == 2) {
            put(&gate, SAMPLES_CURRENT, i, "rss.gpu.resident", 7);
            put(&gate, SAMPLES_CURRENT, i, "go.sizeclass.64.resident", 8);
            put(&gate, SAMPLES_CURRENT, i, "findings.sparse-spans.bytes", 9);
            put(&gate, SAMPLES_CURRENT, i, "go.advice.c.FREE.bytes", 10);
        }
    }
    gate_add(&gate, SAMPLES_BASELINE, 2);
    cr_assert(samples_require(&gate.samples, "findings.lazyfree.bytes", METRIC_BYTES, &gate.error));
    cr_assert(samples_finish(&gate.samples, &gate.error));
    cr_expect_eq(gate.samples.metrics_count, 5u);
    expect_values(&gate, "rss.gpu.resident", SAMPLES_CURRENT, (uint64_t[]){unknown, unknown, 7, unknown}, 4);
    expect_values(&gate, "go.sizeclass.64.resident", SAMPLES_CURRENT, (uint64_t[]){0, unknown, 8, 0}, 4);
    expect_values(&gate, "findings.sparse-spans.bytes", SAMPLES_CURRENT, (uint64_t[]){0, unknown, 9, 0}, 4);
    expect_values(&gate, "findings.lazyfree.bytes", SAMPLES_CURRENT, (uint64_t[]){0, unknown, 0, 0}, 4);
    expect_values(&gate, "go.advice.c.FREE.bytes", SAMPLES_CURRENT, (uint64_t[]){0, 0, 10, 0}, 4);
    expect_values(&gate, "rss.gpu.resident", SAMPLES_BASELINE, (uint64_t[]){unknown, unknown}, 2);
    expect_values(&gate, "go.sizeclass.64.resident", SAMPLES_BASELINE, (uint64_t[]){0, 0}, 2);
    gate_close(&gate);
}

Test(samples, metrics_come_by_name)
{
    struct gate gate;
    gate_open(&gate);
    gate_add(&gate, SAMPLES_CURRENT, 1);
    for (unsigned i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "m.%u", i * 7919 % 1000);
        put(&gate, SAMPLES_CURRENT, 0, name, i);
    }
    cr_assert(samples_finish(&gate.samples, &gate.error));
    cr_expect_eq(gate.samples.metrics_count, 1000u);
    for (uint64_t i = 1; i < gate.samples.metrics_count; i++)
        cr_expect_lt(strcmp(gate.samples.metrics[i - 1].name, gate.samples.metrics[i].name), 0);
    expect_values(&gate, "m.919", SAMPLES_CURRENT, (uint64_t[]){1}, 1);
    gate_close(&gate);
}

Test(samples, none_at_all_can_be_finished)
{
    struct gate gate;
    gate_open(&gate);
    cr_assert(samples_finish(&gate.samples, &gate.error));
    cr_expect_eq(gate.samples.metrics_count, 0u);
    gate_close(&gate);
}

Test(samples, texts_are_copied)
{
    struct gate gate;
    gate_open(&gate);
    char host[] = "web-3", program[] = "shop", kernel[] = "6.18.0", name[] = "rss.total";
    struct sample_origin origin = gate_origin(0);
    origin.host = host;
    gate.environment.kernel = kernel;
    cr_assert(samples_add(&gate.samples, SAMPLES_CURRENT, &origin, program, &gate.environment, &gate.error));
    put(&gate, SAMPLES_CURRENT, 0, name, 1);
    host[0] = program[0] = kernel[0] = name[0] = '?';
    cr_assert(samples_finish(&gate.samples, &gate.error));
    const struct samples_of_side *side = &gate.samples.sides[SAMPLES_CURRENT];
    cr_expect_str_eq(side->origins[0].host, "web-3");
    cr_expect_str_eq(side->program, "shop");
    cr_expect_str_eq(side->environment.kernel, "6.18.0");
    cr_expect_not_null(find(&gate, "rss.total"));
    gate_close(&gate);
}

Test(samples, what_differs_from_the_first_is_counted)
{
    struct gate gate;
    gate_open(&gate);
    struct sample_origin origin = gate_origin(0);
    struct dump_environment other_kernel = gate.environment, other_build = gate.environment;
    other_kernel.kernel = "6.19.0";
    other_build.build_id = "00ff";
    const struct dump_environment *environments[] = {&gate.environment, &other_build, &other_kernel, &gate.environment};
    const char *programs[] = {"shop", NULL, "etcd", "shop"};
    for (uint64_t i = 0; i < 4; i++)
        cr_assert(samples_add(&gate.samples, SAMPLES_CURRENT, &origin, programs[i], environments[i], &gate.error));
    cr_expect_eq(gate.samples.sides[SAMPLES_CURRENT].environments_differ, 1u, "another build is no other environment");
    cr_expect_eq(gate.samples.sides[SAMPLES_CURRENT].programs_differ, 2u);
    cr_expect_eq(gate.samples.sides[SAMPLES_BASELINE].programs_differ, 0u);
    gate_close(&gate);
}
