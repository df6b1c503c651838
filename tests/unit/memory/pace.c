/* SPDX-License-Identifier: Apache-2.0
 *
 * Giving way: when the CPU is offered, and when not. That a waiting thread gets it is measured by `make bench`.
 */
#include <criterion/criterion.h>

#include "memory/pace.h"

Test(pace, nobody_is_given_way_to_without_one)
{
    pace_give_way(NULL);
}

Test(pace, the_cpu_is_offered_at_first_and_not_again_at_once)
{
    struct pace pace = {0};
    pace_give_way(&pace);
    uint64_t since_ticks = pace.since_ticks;
    cr_expect_neq(since_ticks, 0u);
    cr_expect_geq(pace.stretch_ticks, CLOCK_TICKS_OF_WORK);
    pace.stretch_ticks = UINT64_MAX; /* however long this test is kept waiting */
    pace_give_way(&pace);
    cr_expect_eq(pace.since_ticks, since_ticks);
}

Test(pace, the_cpu_is_offered_after_a_stretch_of_work)
{
    struct pace pace = {0};
    pace_give_way(&pace);
    uint64_t since_ticks = pace.since_ticks;
    pace.stretch_ticks = CLOCK_TICKS_OF_WORK;
    while (clock_ticks() - since_ticks < CLOCK_TICKS_OF_WORK) {
    }
    pace_give_way(&pace);
    cr_expect_gt(pace.since_ticks, since_ticks + CLOCK_TICKS_OF_WORK);
}
