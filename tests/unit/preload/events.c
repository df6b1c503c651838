/* SPDX-License-Identifier: Apache-2.0
 *
 * The event ring: order, wrap, loss that is counted, and that under many writers every event that is read is one that
 * was written.
 */
#include "preload/events.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stddef.h>

#include "tests/unit/support/random.h"

enum { THREADS = 8 };

static struct region region;
static struct events events;

static void open_events(void)
{
    cr_assert(region_open(&region, 16 << 20));
    cr_assert(events_open(&events, &region));
}

TestSuite(events, .init = open_events);

/* Every field follows from one number, so that a mix of two events shows. */
static struct event event_of(uint64_t number)
{
    struct random random = {number + 1};
    struct event event = {.ticks = number, .stack_pointer = random_next(&random), .start = random_next(&random)};
    event.bytes = random_next(&random);
    event.error = (int32_t)random_next(&random);
    event.operation = (uint8_t)random_next(&random);
    event.by = (uint8_t)random_next(&random);
    event.detail = (uint8_t)random_next(&random);
    event.site = (uint16_t)random_next(&random);
    return event;
}

static bool is_whole(const struct event *event)
{
    struct event wanted = event_of(event->ticks);
    return event->stack_pointer == wanted.stack_pointer && event->start == wanted.start &&
           event->bytes == wanted.bytes && event->error == wanted.error && event->operation == wanted.operation &&
           event->by == wanted.by && event->detail == wanted.detail && event->site == wanted.site;
}

static void write_number(uint64_t number)
{
    struct event event = event_of(number);
    event_write(&events, &event);
}

static uint64_t count_readable(uint64_t first, uint64_t end)
{
    uint64_t count = 0;
    for (uint64_t number = first; number < end; number++) {
        struct event event;
        if (!event_read(&events, number, &event))
            continue;
        cr_assert(is_whole(&event), "event %lu", number);
        count++;
    }
    return count;
}

Test(events, come_back_in_the_order_they_were_written)
{
    struct event event;
    cr_expect_not(event_read(&events, 0, &event), "nothing was written yet");
    for (uint64_t i = 0; i < 100; i++)
        write_number(1000 + i);
    for (uint64_t i = 0; i < 100; i++) {
        cr_assert(event_read(&events, i, &event));
        cr_assert_eq(event.ticks, 1000 + i);
        cr_assert(is_whole(&event));
    }
    cr_expect_not(event_read(&events, 100, &event));
    cr_expect_not(event_read(&events, EVENTS_CAPACITY, &event), "the same slot, a lap later");
    cr_expect_eq(atomic_load(&events.next), 100);
    cr_expect_eq(atomic_load(&events.lost), 0);
}

Test(events, the_ring_keeps_the_last_ones)
{
    enum { WRITTEN = 2 * EVENTS_CAPACITY + 5 };
    struct event event;
    for (uint64_t i = 0; i < WRITTEN; i++)
        write_number(i);
    cr_expect_not(event_read(&events, 0, &event));
    cr_expect_not(event_read(&events, WRITTEN - EVENTS_CAPACITY - 1, &event));
    cr_expect(event_read(&events, WRITTEN - EVENTS_CAPACITY, &event));
    cr_expect_eq(event.ticks, WRITTEN - EVENTS_CAPACITY);
    cr_expect_eq(count_readable(0, WRITTEN), EVENTS_CAPACITY);
    cr_expect_eq(atomic_load(&events.lost), 0);
}

Test(events, without_memory_every_event_is_lost_and_counted)
{
    struct region small = {0};
    struct events none = {0};
    struct event event = event_of(1);
    cr_assert(region_open(&small, 64 << 10));
    cr_expect_not(events_open(&none, &small));
    for (int i = 0; i < 3; i++)
        event_write(&none, &event);
    cr_expect_not(event_read(&none, 0, &event));
    cr_expect_eq(atomic_load(&none.next), 3);
    cr_expect_eq(atomic_load(&none.lost), 3);
}

/* A writer that is stopped in the middle of its event: the slot of the next lap is claimed, the event is lost. */
Test(events, a_slot_that_is_being_written_is_left_alone)
{
    struct event event;
    for (uint64_t i = 0; i < EVENTS_CAPACITY; i++)
        write_number(i);
    _Atomic uint64_t *sequence = &events.slots[7].sequence;
    uint64_t complete = atomic_load(sequence);
    atomic_store(sequence, complete | 1);
    cr_expect_not(event_read(&events, 7, &event), "incomplete");
    for (uint64_t i = 0; i < 10; i++)
        write_number(EVENTS_CAPACITY + i);
    cr_expect_eq(atomic_load(&events.lost), 1);
    cr_expect_not(event_read(&events, EVENTS_CAPACITY + 7, &event));
    atomic_store(sequence, complete);
    cr_expect(event_read(&events, 7, &event));
    cr_expect_eq(event.ticks, 7);
}

/* A writer so late that the slot has gone on to a later lap keeps off it. */
Test(events, a_late_writer_does_not_overwrite_a_later_event)
{
    struct event event;
    for (uint64_t i = 0; i < EVENTS_CAPACITY + 1; i++)
        write_number(i);
    atomic_store(&events.next, 0);
    write_number(99);
    cr_expect_eq(atomic_load(&events.lost), 1);
    cr_assert(event_read(&events, EVENTS_CAPACITY, &event));
    cr_expect_eq(event.ticks, EVENTS_CAPACITY);
}

struct writers {
    pthread_barrier_t start_line;
    uint64_t each;
    _Atomic int left;
    _Atomic int reads, mixed;
};

static struct writers writers;

static void *write_many(void *argument)
{
    uint64_t first = (uint64_t)(uintptr_t)argument * writers.each;
    pthread_barrier_wait(&writers.start_line);
    for (uint64_t i = 0; i < writers.each; i++)
        write_number(first + i);
    atomic_fetch_sub(&writers.left, 1);
    return NULL;
}

/* Reads the event that is being written at that very moment, and the one that it overwrites. Goes on until it has read
 * something. */
static void *read_along(void *argument)
{
    struct random random = {3};
    pthread_barrier_wait(&writers.start_line);
    do {
        struct event event;
        uint64_t choice = random_below(&random, 4);
        uint64_t next = atomic_load(&events.next);
        uint64_t number = next - (next > 0 && choice % 2 == 0);
        if (choice >= 2 && number >= EVENTS_CAPACITY)
            number -= EVENTS_CAPACITY;
        if (!event_read(&events, number, &event))
            continue;
        atomic_fetch_add(&writers.reads, 1);
        if (!is_whole(&event))
            atomic_fetch_add(&writers.mixed, 1);
    } while (atomic_load(&writers.left) > 0 || atomic_load(&writers.reads) == 0);
    return argument;
}

static void write_from_threads(uint64_t each)
{
    pthread_t threads[THREADS + 1];
    writers.each = each;
    atomic_store(&writers.left, THREADS);
    pthread_barrier_init(&writers.start_line, NULL, THREADS + 1);
    for (uintptr_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, write_many, (void *)i), 0);
    cr_assert_eq(pthread_create(&threads[THREADS], NULL, read_along, NULL), 0);
    for (int i = 0; i <= THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(atomic_load(&events.next), THREADS * each);
    cr_expect_eq(atomic_load(&writers.mixed), 0, "of %d reads", atomic_load(&writers.reads));
}

Test(events, of_many_writers_are_all_read_or_lost)
{
    enum { EACH = EVENTS_CAPACITY / THREADS };
    static bool is_seen[THREADS * EACH];
    write_from_threads(EACH);
    uint64_t read = count_readable(0, EVENTS_CAPACITY);
    cr_expect_eq(read + atomic_load(&events.lost), EVENTS_CAPACITY);
    for (uint64_t i = 0; i < EVENTS_CAPACITY; i++) {
        struct event event;
        if (!event_read(&events, i, &event))
            continue;
        cr_assert_not(is_seen[event.ticks], "event %lu is there twice", event.ticks);
        is_seen[event.ticks] = true;
    }
}

/* Many laps: what is not there was overwritten or is counted as lost. */
Test(events, of_many_writers_over_many_laps_are_whole)
{
    enum { EACH = 20 * EVENTS_CAPACITY };
    write_from_threads(EACH);
    uint64_t written = (uint64_t)THREADS * EACH;
    uint64_t read = count_readable(written - EVENTS_CAPACITY, written);
    cr_expect_leq(read, EVENTS_CAPACITY);
    cr_expect_geq(read + atomic_load(&events.lost), EVENTS_CAPACITY);
    cr_expect_leq(count_readable(0, written - EVENTS_CAPACITY), atomic_load(&events.lost),
                  "an older event is still there only where a newer one was lost");
}
