/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose turn it is to walk. Hook path.
 */
#include "preload/unwinder.h"

#include "memory/raw.h"

/* Not libc's gettid, which keeps it in thread-local storage. */
static uint32_t thread_id(void)
{
    return (uint32_t)raw_syscall6(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

bool unwinder_take_turn(struct unwinder *unwinder)
{
    uint32_t walker = 0, self = thread_id();
    /* Acquire: the walk before has left libunwind's cache whole. */
    if (atomic_compare_exchange_strong_explicit(&unwinder->walker, &walker, self, memory_order_acquire,
                                                memory_order_relaxed) ||
        walker == self)
        return true;
    atomic_fetch_add_explicit(&unwinder->skipped, 1, memory_order_relaxed);
    return false;
}

void unwinder_end_turn(struct unwinder *unwinder)
{
    uint32_t self = thread_id();
    atomic_compare_exchange_strong_explicit(&unwinder->walker, &self, 0, memory_order_release, memory_order_relaxed);
}

bool unwinder_has_turn(const struct unwinder *unwinder)
{
    return atomic_load_explicit(&unwinder->walker, memory_order_relaxed) == thread_id();
}
