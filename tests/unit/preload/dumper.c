/* SPDX-License-Identifier: Apache-2.0
 *
 * The dumper's counting, where no dump is made. What it makes is tested from outside (tests/e2e/triggers.c, client.c).
 */
#include "preload/dumper.h"

#include <criterion/criterion.h>
#include <linux/futex.h>
#include <sched.h>
#include <stddef.h>

#include "memory/raw.h"
#include "tests/unit/support/watching.h"

static struct dumper *const dumper = &gpw_shim.dumper;
static struct gpw_control page;

static void begin(void)
{
    static const struct options options;
    watching_begin();
    cr_expect_not(dumper_is_here(dumper));
    cr_assert_eq(dumper_start(dumper, &page.asked, &options), 0);
    cr_expect(dumper_is_here(dumper));
}

TestSuite(dumper, .init = begin, .timeout = 60);

/* An asker first leaves what it wants and then counts itself. A dump that was on its way may have taken the one before
 * the other: then what is counted has been served, and a dump that nobody wants would have no reason. */
Test(dumper, asker_that_was_served_already_gets_no_second_dump)
{
    enum { ASKERS = 5 };
    for (uint32_t i = 1; i <= ASKERS; i++) {
        atomic_fetch_add(&page.asked, 1);
        raw_syscall6(SYS_futex, (long)&page.asked, FUTEX_WAKE, 1, 0, 0, 0);
        while (atomic_load(&dumper->finished) != i)
            sched_yield();
    }
    cr_expect_eq(dumper->dumps + dumper->failed, 0u);
    cr_expect_eq(dumper->coalesced, (uint64_t)ASKERS);
}
