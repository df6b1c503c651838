/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring of memory events. Hook path.
 */
#include "preload/events.h"

#include <linux/futex.h>
#include <stddef.h>

#include "memory/raw.h"

_Static_assert((EVENTS_CAPACITY & (EVENTS_CAPACITY - 1)) == 0, "a number is turned into a slot by a mask");

static void lose(struct events *events)
{
    atomic_fetch_add_explicit(&events->lost, 1, memory_order_relaxed);
}

static void wake_taker(struct events *events)
{
    _Atomic uint32_t *taker = atomic_load_explicit(&events->taker, memory_order_acquire);
    if (taker != NULL)
        raw_syscall6(SYS_futex, (long)taker, FUTEX_WAKE, 1, 0, 0, 0);
}

bool events_open(struct events *events, struct region *region)
{
    events->slots = region_take(region, EVENTS_CAPACITY * sizeof events->slots[0]);
    return events->slots != NULL;
}

void event_write(struct events *events, const struct event *event)
{
    uint64_t number = atomic_fetch_add_explicit(&events->next, 1, memory_order_relaxed);
    if (events->slots == NULL) {
        lose(events);
        return;
    }
    struct event_slot *slot = &events->slots[number & (EVENTS_CAPACITY - 1)];
    uint64_t complete = 2 * (number + 1);
    uint64_t seen = atomic_load_explicit(&slot->sequence, memory_order_relaxed);
    /* seen > complete: a later lap was faster; its event is the one to keep. */
    if ((seen & 1) != 0 || seen > complete ||
        !atomic_compare_exchange_strong_explicit(&slot->sequence, &seen, complete | 1, memory_order_acquire,
                                                 memory_order_relaxed)) {
        lose(events);
        return;
    }
    /* The claim must be seen before the new content is (amd64 keeps the order; others need the fence). */
    atomic_thread_fence(memory_order_release);
    slot->event = *event;
    atomic_store_explicit(&slot->sequence, complete, memory_order_release);
    if (number % EVENTS_WAKE == 0)
        wake_taker(events);
}

void events_wake(struct events *events, _Atomic uint32_t *taker)
{
    atomic_store_explicit(&events->taker, taker, memory_order_release);
}

bool event_read(const struct events *events, uint64_t number, struct event *event)
{
    if (events->slots == NULL)
        return false;
    const struct event_slot *slot = &events->slots[number & (EVENTS_CAPACITY - 1)];
    uint64_t complete = 2 * (number + 1);
    if (atomic_load_explicit(&slot->sequence, memory_order_acquire) != complete)
        return false;
    *event = slot->event;
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&slot->sequence, memory_order_relaxed) == complete;
}
