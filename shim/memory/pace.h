/* SPDX-License-Identifier: Apache-2.0
 *
 * Giving way to the program.
 *
 * A dump works for milliseconds. A thread of the program that wakes up on the same CPU meanwhile would wait for the
 * dumper's slice to end, which is the scheduler's next tick (4 ms at 250 Hz). So the dumper offers the CPU after each
 * stretch of work. That costs 0.3 us when nobody wants it. Where every CPU is wanted all the time, it is offered seldom
 * and the scheduler's slices share it out: a dump that takes long shows a heap that has changed meanwhile.
 *
 * SCHED_IDLE would need no code, but a program that uses all its CPUs would starve the dump, and without RLIMIT_NICE
 * a thread cannot leave it again (kernel/sched/syscalls.c:user_check_sched_setscheduler).
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_MEMORY_PACE_H
#define GPW_MEMORY_PACE_H

#include <stdint.h>

#include "memory/clock.h"
#include "memory/raw.h"
#include "memory/units.h"

/* So many times as long as the CPU was away the dumper works before it offers it again. */
enum { PACE_WORK_PER_LOSS = 8 };

struct pace {
    uint64_t since_ticks;     /* when the CPU came back */
    uint64_t stretch_ticks;   /* of work, before it is offered again */
    void (*meanwhile)(void);  /* what else the thread has to see to after each stretch, offered or not; or NULL */
    uint64_t meanwhile_ticks; /* when it did */
};

/* Between two pieces of work; NULL: nobody is to be given way to. */
static inline void pace_give_way(struct pace *pace)
{
    if (pace == NULL)
        return;
    uint64_t begin_ticks = clock_ticks();
    if (pace->meanwhile != NULL && begin_ticks - pace->meanwhile_ticks >= CLOCK_TICKS_OF_WORK) {
        pace->meanwhile();
        pace->meanwhile_ticks = begin_ticks;
    }
    if (begin_ticks - pace->since_ticks < pace->stretch_ticks)
        return;
    raw_syscall6(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
    pace->since_ticks = clock_ticks();
    pace->stretch_ticks = max_u64((pace->since_ticks - begin_ticks) * PACE_WORK_PER_LOSS, CLOCK_TICKS_OF_WORK);
}

#endif
