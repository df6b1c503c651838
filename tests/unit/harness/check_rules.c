/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules as one types them.
 */
#include "harness/check_rules.h"

#include "gate_fixture.h"

static struct check_rule only_rule(struct gate *gate, enum check_kind kind, const char *text)
{
    gate_open(gate);
    gate_rule(gate, kind, text);
    cr_assert_eq(gate->settings.rules.count, 1u);
    return gate->settings.rules.rules[0];
}

Test(check_rules, bounds_that_are_accepted)
{
    static const struct {
        enum check_kind kind;
        const char *text, *pattern;
        uint64_t amount;
        double fraction;
    } CASES[] = {
        {CHECK_LIMIT, "rss.total=512MiB", "rss.total", 512 * MIB, 0},
        {CHECK_LIMIT, "process.threads=64", "process.threads", 64, 0},
        {CHECK_LIMIT, "rss.total=0", "rss.total", 0, 0},
        {CHECK_LIMIT, "rss.total=18446744073709551615", "rss.total", UINT64_MAX, 0},
        {CHECK_LIMIT, "a=b=1KiB", "a=b", 1024, 0},
        {CHECK_GROWTH, "rss.total=5%,8MiB", "rss.total", 8 * MIB, 0.05},
        {CHECK_GROWTH, "rss.total=5%, 8MiB", "rss.total", 8 * MIB, 0.05},
        {CHECK_GROWTH, "rss.total=8MiB,5%", "rss.total", 8 * MIB, 0.05},
        {CHECK_GROWTH, "rss.total=0.25%", "rss.total", 0, 0.0025},
        {CHECK_GROWTH, "rss.total=8MiB", "rss.total", 8 * MIB, 0},
        {CHECK_GROWTH, "rss.total=0", "rss.total", 0, 0},
        {CHECK_GROWTH, "rss.total=0%,0", "rss.total", 0, 0},
        {CHECK_GROWTH, "rss.total=200%", "rss.total", 0, 2},
        {CHECK_GROWTH, "rss.*.resident=10%,4MiB", "rss.*.resident", 4 * MIB, 0.1},
        {CHECK_SLOPE, "rss.total=64KiB/dump", "rss.total", 64 << 10, 0},
        {CHECK_SLOPE, "rss.total=64KiB", "rss.total", 64 << 10, 0},
        {CHECK_SLOPE, "go.heaps.0.objects=0/dump", "go.heaps.0.objects", 0, 0},
        {CHECK_EXACT, "go.sizeclass.64.objects", "go.sizeclass.64.objects", 0, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct gate gate;
        struct check_rule rule = only_rule(&gate, CASES[i].kind, CASES[i].text);
        cr_expect_eq(rule.kind, CASES[i].kind);
        cr_expect_str_eq(rule.pattern, CASES[i].pattern);
        cr_expect_eq(rule.amount, CASES[i].amount, "%s: %llu", CASES[i].text, (unsigned long long)rule.amount);
        cr_expect(fabs(rule.fraction - CASES[i].fraction) < 1e-12, "%s: %g", CASES[i].text, rule.fraction);
        gate_close(&gate);
    }
}

Test(check_rules, bounds_that_are_refused)
{
    static const struct {
        enum check_kind kind;
        const char *text, *said;
    } CASES[] = {
        {CHECK_LIMIT, "rss.total",
         "limit of 'rss.total': '' is not accepted; give a size or a number, as in rss.total=512MiB"},
        {CHECK_LIMIT, "rss.total=", "limit of 'rss.total': '' is not accepted"},
        {CHECK_LIMIT, "=5", "the limit '5' names no metric; give a size or a number"},
        {CHECK_LIMIT, "", "names no metric"},
        {CHECK_LIMIT, "rss.total=5%", "limit of 'rss.total': '5%' is not accepted"},
        {CHECK_LIMIT, "rss.total=-5", "limit of 'rss.total': '-5' is not accepted"},
        {CHECK_LIMIT, "rss.total=5.5MiB", "limit of 'rss.total': '5.5MiB' is not accepted"},
        {CHECK_LIMIT, "rss.total=5 MiB", "limit of 'rss.total': '5 MiB' is not accepted"},
        {CHECK_LIMIT, "rss.total=5mib", "limit of 'rss.total': '5mib' is not accepted"},
        {CHECK_LIMIT, "rss.total=18446744073709551616", "' is not accepted"},
        {CHECK_LIMIT, "rss.total=17179869184GiB", "' is not accepted"},
        {CHECK_LIMIT, "rss.total=64KiB/dump", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=5", NULL},
        {CHECK_GROWTH, "rss.total=%", "growth of 'rss.total': '%' is not accepted; give a part and a size"},
        {CHECK_GROWTH, "rss.total=.5%", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=5.%", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=1.2.3%", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=-5%", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=1e3%", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=nan%", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=inf%", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=0x5%", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=5%%", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=5%8MiB", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=5%,6%", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=5MiB,6MiB", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=5%,", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=,8MiB", "' is not accepted"},
        {CHECK_GROWTH, "rss.total=5%,8MiB,1", "' is not accepted"},
        {CHECK_SLOPE, "rss.total=/dump", "slope of 'rss.total': '/dump' is not accepted; give a size for each dump"},
        {CHECK_SLOPE, "rss.total=64KiB/s", "' is not accepted"},
        {CHECK_SLOPE, "rss.total=64KiB/dumps", "' is not accepted"},
        {CHECK_SLOPE, "rss.total=5%/dump", "' is not accepted"},
        {CHECK_EXACT, "", "the exact '' names no metric; give nothing but the metric"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct gate gate;
        gate_open(&gate);
        bool is_added = check_rules_add(&gate.settings.rules, CASES[i].kind, CASES[i].text, &gate.error);
        cr_expect_eq(is_added, CASES[i].said == NULL, "%s", CASES[i].text);
        if (CASES[i].said != NULL) {
            cr_expect_not_null(strstr(gate.error.text, CASES[i].said), "%s: \"%s\"", CASES[i].text, gate.error.text);
            cr_expect_eq(gate.settings.rules.count, 0u);
        }
        gate_close(&gate);
    }
}

Test(check_rules, long_texts_are_refused)
{
    struct gate gate;
    char text[1000];
    gate_open(&gate);
    memset(text, '9', sizeof text);
    text[sizeof text - 1] = '\0';
    for (int kind = 0; kind < CHECK_KIND_COUNT; kind++) {
        cr_expect_not(check_rules_add(&gate.settings.rules, (enum check_kind)kind, text, &gate.error));
        cr_expect_not_null(strstr(gate.error.text, "9...' is longer than any metric; "), "%s", gate.error.text);
    }
    memcpy(text, "m=", 2);
    cr_expect_not(check_rules_add(&gate.settings.rules, CHECK_LIMIT, text, &gate.error));
    text[sizeof text - 2] = '%';
    cr_expect_not(check_rules_add(&gate.settings.rules, CHECK_GROWTH, text, &gate.error));
    gate_close(&gate);
}

Test(check_rules, bound_of_exact_is_refused_where_one_can_stand)
{
    struct gate gate;
    gate_open(&gate);
    cr_expect_not(check_rules_add_parts(&gate.settings.rules, CHECK_EXACT, "rss.total", "5", &gate.error));
    cr_expect_not_null(
        strstr(gate.error.text, "exact of 'rss.total': '5' is not accepted; give nothing but the metric"), "%s",
        gate.error.text);
    cr_expect(check_rules_add_parts(&gate.settings.rules, CHECK_EXACT, "rss.total", "", &gate.error));
    gate_close(&gate);
}

Test(check_rules, stars_go_over_dots)
{
    static const struct {
        const char *pattern, *metric;
        bool is_pattern, matches;
    } CASES[] = {
        {"rss.total", "rss.total", false, true},
        {"rss.total", "rss.totals", false, false},
        {"rss.*.resident", "rss.go.unused.resident", true, true},
        {"rss.*.resident", "rss.total", true, false},
        {"*", "go.heaps.0.gc.live", true, true},
        {"go.heaps.?.objects", "go.heaps.3.objects", true, true},
        {"go.sizeclass.[46]*.bytes", "go.sizeclass.64.bytes", true, true},
        {"go.sizeclass.[46]*.bytes", "go.sizeclass.512.bytes", true, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct check_rule rule = {.pattern = CASES[i].pattern};
        cr_expect_eq(check_rule_is_pattern(&rule), CASES[i].is_pattern, "%s", CASES[i].pattern);
        cr_expect_eq(check_rule_matches(&rule, CASES[i].metric), CASES[i].matches, "%s", CASES[i].pattern);
    }
}

Test(check_rules, there_is_room_for_many)
{
    struct gate gate;
    gate_open(&gate);
    for (int i = 0; i < 1000; i++)
        gate_rule(&gate, CHECK_LIMIT, i % 2 == 0 ? "rss.total=1" : "peak.rss=2");
    cr_expect_eq(gate.settings.rules.count, 1000u);
    cr_expect_str_eq(gate.settings.rules.rules[998].pattern, "rss.total");
    cr_expect_eq(gate.settings.rules.rules[999].amount, 2u);
    gate_close(&gate);
}
