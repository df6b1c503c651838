/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk beside a program that never rests: eight goroutines allocate and drop while the collector runs all the time.
 */
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"

enum { DUMPS_MANY = 1000, DUMPS_SOME = 150 };

/* Most with the newest toolchain, when there are several (`make check` has one). */
static int dumps_for(const struct toolchain *toolchain)
{
    struct toolchain found[TOOLCHAINS_MAX];
    size_t count = toolchains_find(found);
    bool is_newest = toolchain_minor(toolchain) == toolchain_minor(&found[count - 1]);
    return count > 1 && is_newest ? DUMPS_MANY : DUMPS_SOME;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

struct deviation {
    double plain;   /* how far the classes are from the kernel's own count, as a part of it */
    double of_ours; /* without what the program itself changed while the dump looked */
};

/* The kernel's count is the middle of one before and one after. */
static struct deviation deviation(const json_t *dump)
{
    double total = (double)dump_number(dump, "rss/total");
    double distance = fabs((double)dump_resident_sum(dump) - total);
    double drift = (double)dump_number(dump, "books/pagemap/counters/drift_bytes") / 2;
    return (struct deviation){distance / total, fmax(distance - drift, 0) / total};
}

struct seen {
    uint64_t checked, untrusted;
    unsigned marks;                                /* dumps in the mark phase */
    unsigned lost;                                 /* dumps without a walk, or with arenas that could not be read */
    double plain[DUMPS_MANY], of_ours[DUMPS_MANY]; /* deviations */
};

static void look_at(struct seen *seen, int number, const json_t *dump)
{
    cr_assert_eq(dump_number(dump, "seq"), (uint64_t)number + 1);
    cr_expect_eq(dump_number(dump, "books/shim/counters/events_lost"), 0u);
    struct deviation off = deviation(dump);
    seen->plain[number] = off.plain;
    seen->of_ours[number] = off.of_ours;
    if (!json_is_string(dump_at(dump, "go/heaps/0/layout"))) {
        seen->lost++;
        return;
    }
    seen->checked += dump_number(dump, "go/heaps/0/checked");
    seen->untrusted += dump_number(dump, "go/heaps/0/untrusted");
    seen->lost += dump_number(dump, "go/heaps/0/arenas_unreadable") != 0;
    seen->marks += strcmp(dump_text(dump, "go/heaps/0/gc/phase"), "mark") == 0;
}

TOOLCHAIN_TEST(heap_load, walk_keeps_up_with_a_program_that_never_rests, .timeout = 900)
{
    static struct seen seen;
    int dumps = dumps_for(toolchain);
    struct watched *watched = watch_app(toolchain, "busy", NULL);
    program_await_phase(watched->program, "busy");
    for (int i = 0; i < dumps; i++) {
        json_t *dump = watched_dump(watched);
        look_at(&seen, i, dump);
        json_decref(dump);
        must(remove(watched->outbox.path) == 0, "%s", watched->outbox.path);
    }
    program_close_input(watched->program);
    cr_expect_eq(program_await_end(watched->program), 0, "%s", program_errors(watched->program));
    watched_end(watched);

    qsort(seen.plain, (size_t)dumps, sizeof seen.plain[0], compare);
    qsort(seen.of_ours, (size_t)dumps, sizeof seen.of_ours[0], compare);
    double median = seen.plain[dumps / 2], p99 = seen.of_ours[dumps * 99 / 100];
    cr_log_info("go%s: off by %.3f %% (median), %.3f %% (p99), %.3f %% (most); %.3f %% (p99) without what the program "
                "changed meanwhile",
                toolchain->version, median * 100, seen.plain[dumps * 99 / 100] * 100, seen.plain[dumps - 1] * 100,
                p99 * 100);
    cr_log_info("go%s: %" PRIu64 " of %" PRIu64 " spans not trusted, seen marking in %u dumps", toolchain->version,
                seen.untrusted, seen.checked, seen.marks);
    cr_expect_eq(seen.lost, 0u, "go%s: %u dumps without the whole heap", toolchain->version, seen.lost);
    cr_expect_gt(seen.checked, 0u);
    cr_expect_lt(seen.untrusted * 1000, seen.checked, "go%s: %" PRIu64 " of %" PRIu64 " spans are not trusted",
                 toolchain->version, seen.untrusted, seen.checked);
    cr_expect_gt(seen.marks, 0u, "go%s: the collector was never seen marking", toolchain->version);
    cr_expect_leq(median, 0.02, "go%s: the classes are off by %.2f %% (median)", toolchain->version, median * 100);
    cr_expect_leq(p99, 0.02, "go%s: the classes are off by %.2f %% (p99), the program's changes left out",
                  toolchain->version, p99 * 100);
}
