/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that Go gave back and that is resident all the same: put there by MADV_COLLAPSE, and by khugepaged.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/deadline.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/kernel_truth.h"
#include "tests/e2e/support/rest.h"
#include "tests/e2e/support/setting.h"
#include "tests/e2e/support/text.h"

#define HUGE_PAGES "/sys/kernel/mm/transparent_hugepage/"

enum { HUGE_BYTES = 2 << 20 };

static void expect_within(uint64_t number, uint64_t expected, uint64_t bytes, const char *what)
{
    uint64_t difference = number > expected ? number - expected : expected - number;
    cr_expect_leq(difference, bytes, "%s: %" PRIu64 ", not %" PRIu64 " within %" PRIu64, what, number, expected, bytes);
}

/* The ranges lie apart, the largest is first, and together they are no more than the whole. */
static void check_ranges(const json_t *dump)
{
    uint64_t sum = 0, before = UINT64_MAX;
    const json_t *ranges = dump_at(dump, "go/reinflated/ranges");
    for (size_t i = 0; i < json_array_size(ranges); i++) {
        uint64_t bytes = dump_number(json_array_get(ranges, i), "bytes");
        cr_expect_leq(bytes, before);
        before = bytes;
        sum += bytes;
    }
    cr_expect_leq(sum, dump_number(dump, "go/reinflated/resident"));
}

/* Skips the test, with the reason, when the kernel would not do it. */
static bool has_collapsed(const char *truth)
{
    uint64_t number = text_number(truth, "errno");
    if (number == 0)
        return true;
    cr_skip_test("MADV_COLLAPSE: %s", strerror((int)number));
    return false;
}

TOOLCHAIN_TEST(reinflation, what_collapse_brings_back_is_found, .timeout = 300)
{
    struct watched *watched = watch_app(toolchain, "reinflate", NULL);
    program_await_phase(watched->program, "full");
    program_go_on(watched->program);
    struct rest rest = rest_dump(watched, "returned");
    cr_expect_eq(dump_class(rest.dump, "go.released", "mapped"), rest.truth.released);
    cr_expect_leq(dump_number(rest.dump, "go/reinflated/resident"), HUGE_BYTES);
    cr_expect_null(dump_finding(rest.dump, "released-resident"));
    rest_free(&rest);
    program_go_on(watched->program);

    rest = rest_dump(watched, "inflated");
    if (!has_collapsed(rest.line))
        return;
    uint64_t collapsed = text_number(rest.line, "collapsed");
    check_classes_add_up(rest.dump, rest.rss_bytes, "collapsed");
    expect_within(dump_number(rest.dump, "go/reinflated/resident"), collapsed, HUGE_BYTES, "resident");
    expect_within(dump_number(rest.dump, "go/reinflated/huge"), collapsed, HUGE_BYTES, "huge");
    expect_within(dump_class_resident(rest.dump, "go.released"), collapsed, HUGE_BYTES, "go.released");
    cr_expect_eq(dump_class(rest.dump, "go.released", "mapped"), rest.truth.released);
    const json_t *finding = dump_finding(rest.dump, "released-resident");
    cr_assert_not_null(finding);
    expect_within(dump_number(finding, "bytes"), collapsed, HUGE_BYTES, "the finding");
    cr_expect_eq(dump_at(rest.dump, "findings/0"), finding, "it is the largest");
    expect_within(dump_number(rest.dump, "go/reinflated/ranges/0/bytes"), collapsed, HUGE_BYTES, "the largest range");
    cr_expect_geq(dump_number(rest.dump, "go/reinflated/ranges/0/released_count"), 1u);
    cr_expect_gt(dump_number(rest.dump, "go/reinflated/ranges/0/released_since_start_ns"), 0u);
    cr_expect_leq(dump_number(rest.dump, "go/reinflated/ranges/0/released_since_start_ns"),
                  dump_number(rest.dump, "time/since_start_ns"));
    check_ranges(rest.dump);
    rest_free(&rest);
    watched_end(watched);
}

/* Waits until khugepaged has passed over everything twice and left it as it was. */
static void await_khugepaged(pid_t pid)
{
    struct deadline deadline = deadline_usual();
    uint64_t huge_bytes = 0, scans = 0, seen_at = 0;
    do {
        struct text text = text_of_file(HUGE_PAGES "khugepaged/full_scans");
        uint64_t now = smaps_sum(pid, NULL).huge_bytes;
        scans = strtoull(text_string(&text), NULL, 10);
        text_free(&text);
        if (now != huge_bytes || seen_at == 0)
            seen_at = scans;
        huge_bytes = now;
        if (deadline_left_ms(deadline) == 0)
            fail("khugepaged never comes to an end");
    } while (scans < seen_at + 3 || huge_bytes == 0);
}

static bool hurry_khugepaged(struct setting settings[])
{
    static const char *const VALUES[][2] = {
        {HUGE_PAGES "khugepaged/scan_sleep_millisecs", "10"},
        {HUGE_PAGES "khugepaged/alloc_sleep_millisecs", "10"},
        {HUGE_PAGES "khugepaged/pages_to_scan", "1000000"},
        {HUGE_PAGES "khugepaged/max_ptes_none", "511"},
        {HUGE_PAGES "khugepaged/defrag", "1"},
        {HUGE_PAGES "enabled", "always"},
    };
    bool is_changed = true;
    for (unsigned i = 0; i < sizeof VALUES / sizeof VALUES[0] && is_changed; i++)
        is_changed = setting_change(&settings[i], VALUES[i][0], VALUES[i][1]);
    return is_changed;
}

/* It changes a setting of the whole machine, so `make e2e` runs it when nothing else runs. */
Test(alone, what_khugepaged_brings_back_is_found, .timeout = 180)
{
    static struct setting settings[6];
    struct toolchain found[TOOLCHAINS_MAX];
    size_t count = toolchains_find(found);
    if (getenv("GPW_ALONE") == NULL) {
        cr_skip_test("it needs the machine alone (GPW_ALONE=1)");
        return;
    }
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(&found[count - 1], "reinflate"), "-by", "khugepaged", NULL}};
    struct watched *watched = watched_start(&setup);
    program_await_phase(watched->program, "full");
    program_go_on(watched->program);
    struct rest rest = rest_dump(watched, "returned");
    uint64_t huge_before = smaps_sum(program_pid(watched->program), NULL).huge_bytes;
    uint64_t rss_before = rest.rss_bytes;
    uint64_t resident_before = dump_number(rest.dump, "go/reinflated/resident");
    rest_free(&rest);

    if (!hurry_khugepaged(settings)) {
        cr_skip_test("the settings of huge pages may not be changed here");
        return;
    }
    await_khugepaged(program_pid(watched->program));
    program_send(watched->program, "again");
    rest = rest_dump(watched, "returned");
    for (unsigned i = 0; i < sizeof settings / sizeof settings[0]; i++)
        setting_restore(&settings[i]);

    struct smaps_sums sums = smaps_sum(program_pid(watched->program), NULL);
    uint64_t resident = dump_number(rest.dump, "go/reinflated/resident") - resident_before;
    uint64_t grown = rest.rss_bytes - rss_before;
    check_classes_add_up(rest.dump, rest.rss_bytes, "khugepaged");
    cr_expect_geq(grown, 128u << 20, "khugepaged brought back %" PRIu64, grown);
    /* What it added is what was released, but for the rest of the heap and other memory: a few huge pages. */
    expect_within(resident, grown, 8 * HUGE_BYTES, "resident");
    expect_within(dump_number(rest.dump, "go/reinflated/huge"), resident, HUGE_BYTES, "huge");
    cr_expect_leq(dump_number(rest.dump, "go/reinflated/huge"), sums.huge_bytes - huge_before);
    const json_t *finding = dump_finding(rest.dump, "released-resident");
    cr_assert_not_null(finding);
    expect_within(dump_number(finding, "bytes"), resident + resident_before, HUGE_BYTES, "the finding");
    const json_t *setting = json_object_get(dump_at(finding, "evidence"), "transparent_hugepage/enabled");
    cr_expect_str_eq(json_string_value(setting), "always");
    rest_free(&rest);
    watched_end(watched);
}
