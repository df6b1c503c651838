/* SPDX-License-Identifier: Apache-2.0
 *
 * Rates between looks, and how often to look.
 */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "top_fixture.h"

static struct top_model model;

static void add(struct top_sample sample)
{
    top_model_add(&model, &sample);
}

Test(top_model, one_look_has_no_rate)
{
    top_model_open(&model, 1, SECONDS(1));
    add(fixture_sample());
    cr_expect_not(top_model_rate(&model, 0, 5).is_known);
    uint64_t cycles, elapsed_ns;
    cr_expect_not(top_model_cycles(&model, &cycles, &elapsed_ns));
}

Test(top_model, rate_is_by_the_second_and_signed)
{
    top_model_open(&model, 1, SECONDS(1));
    add(fixture_sample());
    add(fixture_sample_after(4));
    struct top_rate up = top_model_rate(&model, MIB(10), MIB(50)), down = top_model_rate(&model, MIB(50), MIB(10));
    cr_expect(up.is_known && !up.is_negative);
    cr_expect_eq(up.per_second, MIB(10));
    cr_expect(down.is_known && down.is_negative);
    cr_expect_eq(down.per_second, MIB(10));
    cr_expect_eq(top_model_rate(&model, 7, 7).per_second, 0u);
}

/* Two looks within one tick of the clock, and a process that grows by all there is. */
Test(top_model, rate_never_divides_by_zero_or_wraps)
{
    top_model_open(&model, 1, SECONDS(1));
    add(fixture_sample());
    add(fixture_sample());
    cr_expect_not(top_model_rate(&model, 0, 5).is_known);
    struct top_sample soon = fixture_sample();
    soon.at_ns++;
    add(soon);
    cr_expect_eq(top_model_rate(&model, 0, UINT64_MAX).per_second, UINT64_MAX);
}

Test(top_model, collections_are_counted_over_the_looks_that_are_remembered)
{
    uint64_t cycles, elapsed_ns;
    top_model_open(&model, 1, SECONDS(1));
    for (unsigned i = 0; i < 3 * TOP_CYCLES_MAX; i++) {
        struct top_sample sample = fixture_sample_after(i);
        sample.gc.cycles = 100 + 2 * (uint64_t)i;
        add(sample);
        uint64_t looks = i < TOP_CYCLES_MAX ? i : TOP_CYCLES_MAX - 1;
        cr_assert_eq(top_model_cycles(&model, &cycles, &elapsed_ns), i > 0);
        cr_assert(i == 0 || (cycles == 2 * looks && elapsed_ns == SECONDS(looks)), "look %u: %" PRIu64, i, cycles);
    }
}

Test(top_model, another_program_in_the_process_begins_anew)
{
    static const struct {
        const char *comm, *go_version;
        uint64_t cycles;
        bool is_another;
    } CASES[] = {
        {"shop", "go1.26.10", 12, false}, {"shop", "go1.26.10", 13, false}, {"till", "go1.26.10", 12, true},
        {"shop", "go1.27.1", 12, true},   {"shop", "go1.26.10", 11, true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        top_model_open(&model, 1, SECONDS(1));
        add(fixture_sample());
        struct top_sample next = fixture_sample_after(1);
        strcpy(next.comm, CASES[i].comm);
        strcpy(next.go_version, CASES[i].go_version);
        next.gc.cycles = CASES[i].cycles;
        add(next);
        cr_expect_eq(top_model_rate(&model, 0, 5).is_known, !CASES[i].is_another, "case %zu", i);
        uint64_t cycles, elapsed_ns;
        cr_expect_eq(top_model_cycles(&model, &cycles, &elapsed_ns), !CASES[i].is_another, "case %zu", i);
    }
}

Test(top_model, dear_looks_are_rarer_so_that_a_tenth_of_a_cpu_is_enough)
{
    static const struct {
        uint64_t cost_ms, asked_ms, interval_ms;
    } CASES[] = {
        {7, 1000, 1000}, {100, 1000, 1000}, {101, 1000, 1010}, {720, 1000, 7200}, {720, 60000, 60000}, {20, 100, 200},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        top_model_open(&model, 1, MILLISECONDS(CASES[i].asked_ms));
        cr_expect_eq(top_model_interval_ns(&model), MILLISECONDS(CASES[i].asked_ms));
        struct top_sample sample = fixture_sample();
        sample.cost_ns = MILLISECONDS(CASES[i].cost_ms);
        add(sample);
        cr_expect_eq(top_model_interval_ns(&model), MILLISECONDS(CASES[i].interval_ms), "case %zu", i);
        cr_expect_leq(sample.cost_ns * TOP_COST_PART, top_model_interval_ns(&model));
    }
}

Test(top_model, message_is_printable)
{
    top_model_open(&model, 1, SECONDS(1));
    top_model_say(&model, true, "dump: %s", "/tmp/\033[2Jx");
    cr_expect_str_eq(model.message, "dump: /tmp/?[2Jx");
    cr_expect(model.is_alert);
}
