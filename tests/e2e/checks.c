/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared checks.
 */
#include "tests/e2e/checks.h"

#include <criterion/criterion.h>
#include <math.h>
#include <sys/prctl.h>

#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/kernel_truth.h"

enum { ATTEMPTS = 50 };

json_t *dump_at_rest(struct watched *watched, uint64_t *rss_bytes)
{
    pid_t pid = program_pid(watched->program);
    /* The first dump maps pages of the library that stay: it is none at rest. */
    json_decref(watched_dump(watched));
    for (int i = 0; i < ATTEMPTS; i++) {
        struct smaps_sums before = smaps_sum(pid, NULL);
        json_t *dump = watched_dump(watched);
        struct smaps_sums after = smaps_sum(pid, NULL);
        *rss_bytes = after.rss_bytes;
        /* khugepaged may make small pages huge meanwhile, which leaves the RSS as it is. */
        if (before.rss_bytes == after.rss_bytes && before.lazyfree_bytes == after.lazyfree_bytes &&
            before.huge_bytes == after.huge_bytes)
            return dump;
        json_decref(dump);
    }
    fail("the program never rests: its RSS changed around each of %d dumps", ATTEMPTS);
}

void check_classes_add_up(const json_t *dump, uint64_t rss_bytes, const char *what)
{
    double sum = (double)dump_resident_sum(dump), rss = (double)rss_bytes;
    double other = (double)dump_class_resident(dump, "other");
    cr_expect(fabs(sum - rss) <= 0.005 * rss, "%s: the classes add up to %.0f, smaps says %.0f", what, sum, rss);
    cr_expect(other <= 0.005 * rss, "%s: other is %.0f of %.0f", what, other, rss);
    cr_expect_eq(dump_number(dump, "books/pagemap/untrusted"), 0, "%s: untrusted reads", what);
}

void forbid_huge_pages(void)
{
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

struct watched *watch_app(const struct toolchain *toolchain, const char *app, const char *const *environment)
{
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, app), NULL},
        .environment = environment,
    };
    return watched_start(&setup);
}
