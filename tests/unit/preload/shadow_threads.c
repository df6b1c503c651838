/* SPDX-License-Identifier: Apache-2.0
 *
 * The shadow table under eight threads: disjoint ranges come out exact, on the same range every entry is one that some
 * thread wrote, and a slot gets one leaf that everybody uses.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stddef.h>

#include "preload/shadow.h"
#include "tests/unit/support/random.h"

#define FIRST UINT64_C(0xc000000000)

enum { THREADS = 8, ROUNDS = 400, SAME_ROUNDS = 300000, SAME_PAGES = 2, START_TICKS = 0, UNIT_SHIFT = 24 };

static struct region region;
static struct shadow shadow;
static pthread_barrier_t start_line;
static _Atomic int writers_left;

static void open_shadow(void)
{
    cr_assert(region_open(&region, 512 << 20));
    cr_assert(shadow_open(&shadow, &region, START_TICKS));
}

TestSuite(shadow_threads, .init = open_shadow);

static void run_threads(void *(*run)(void *), unsigned count)
{
    pthread_t threads[THREADS + 1];
    pthread_barrier_init(&start_line, NULL, count);
    atomic_store(&writers_left, THREADS);
    for (uintptr_t i = 0; i < count; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, run, (void *)i), 0);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* Page n of every arena belongs to thread n modulo 8: neighbours in one leaf, never the same entry. */
static void *change_own_pages(void *argument)
{
    uint64_t number = (uint64_t)(uintptr_t)argument;
    struct random random = {number + 1};
    pthread_barrier_wait(&start_line);
    for (int round = 0; round < ROUNDS; round++) {
        for (uint64_t page = number; page < GO_ARENA_PAGES; page += THREADS * (1 + random_below(&random, 20)))
            shadow_mark_mapped(&shadow, FIRST + page * GO_PAGE_BYTES, GO_PAGE_BYTES, ORIGIN_C, true, 0);
    }
    for (uint64_t page = number; page < GO_ARENA_PAGES; page += THREADS) {
        uintptr_t start = FIRST + page * GO_PAGE_BYTES;
        shadow_mark_mapped(&shadow, start, GO_PAGE_BYTES, number % 2 == 0 ? ORIGIN_GO : ORIGIN_C, true,
                           (uint16_t)(number + 1));
        for (uint64_t i = 0; i <= number; i++)
            shadow_mark_advised(&shadow, start, GO_PAGE_BYTES, ADVICE_DONTNEED, (number + 1) << UNIT_SHIFT);
    }
    return NULL;
}

Test(shadow_threads, disjoint_pages_come_out_exact)
{
    uint64_t taken = atomic_load(&region.taken_bytes);
    run_threads(change_own_pages, THREADS);
    for (uint64_t page = 0; page < GO_ARENA_PAGES; page++) {
        uint64_t number = page % THREADS;
        struct shadow_entry entry = shadow_look_up(&shadow, FIRST + page * GO_PAGE_BYTES);
        enum shadow_origin origin = number % 2 == 0 ? ORIGIN_GO : ORIGIN_C;
        cr_assert(entry.origin[0] == origin && entry.origin[1] == origin, "page %lu", page);
        cr_assert_eq(entry.site, number + 1, "page %lu", page);
        cr_assert_eq(entry.last_ticks, (number + 1) << UNIT_SHIFT, "page %lu", page);
    }
    uint64_t leaves = (atomic_load(&region.taken_bytes) - taken) / (GO_ARENA_PAGES * 8);
    cr_expect_geq(leaves, 1);
    cr_expect_leq(leaves, (uint64_t)THREADS, "a thread that comes second loses its leaf, once");
}

/* Everybody makes the leaves of the same 256 slots at the same time, each for a page of its own. */
static void *touch_every_slot(void *argument)
{
    uint64_t number = (uint64_t)(uintptr_t)argument;
    pthread_barrier_wait(&start_line);
    for (uint64_t slot = 0; slot < 256; slot++)
        shadow_mark_mapped(&shadow, FIRST + slot * GO_ARENA_BYTES + number * GO_PAGE_BYTES, GO_PAGE_BYTES, ORIGIN_C,
                           true, 0);
    return NULL;
}

Test(shadow_threads, a_leaf_is_made_once_and_loses_no_change)
{
    /* A half of them uniform before, so that leaves are filled while they are published. */
    shadow_mark_mapped(&shadow, FIRST, 128ull * GO_ARENA_BYTES, ORIGIN_GO, true, 0);
    run_threads(touch_every_slot, THREADS);
    for (uint64_t slot = 0; slot < 256; slot++) {
        for (uint64_t page = 0; page < 2 * THREADS; page++) {
            struct shadow_entry entry = shadow_look_up(&shadow, FIRST + slot * GO_ARENA_BYTES + page * GO_PAGE_BYTES);
            enum shadow_origin around = slot < 128 ? ORIGIN_GO : ORIGIN_UNKNOWN;
            cr_assert_eq(entry.origin[0], page < THREADS ? ORIGIN_C : around, "slot %lu, page %lu", slot, page);
        }
    }
    cr_expect_eq(atomic_load(&shadow.ranges_untracked), 0);
}

/* Thread n writes advice n + 1 at time n + 1, both in one entry; a ninth thread looks on. */
static void *change_same_pages(void *argument)
{
    uint64_t number = (uint64_t)(uintptr_t)argument;
    uint64_t looked = 0;
    pthread_barrier_wait(&start_line);
    if (number < THREADS) {
        for (int round = 0; round < SAME_ROUNDS; round++)
            shadow_mark_advised(&shadow, FIRST, SAME_PAGES * GO_PAGE_BYTES, (enum advice)(number + 1),
                                (number + 1) << UNIT_SHIFT);
        atomic_fetch_sub(&writers_left, 1);
        return NULL;
    }
    while (atomic_load(&writers_left) > 0 || looked < SAME_PAGES) {
        struct shadow_entry entry = shadow_look_up(&shadow, FIRST + looked++ % SAME_PAGES * GO_PAGE_BYTES);
        bool is_before = entry.advice == ADVICE_NONE && entry.last_ticks == 0;
        if (!is_before && (uint64_t)entry.advice << UNIT_SHIFT != entry.last_ticks)
            return argument; /* torn */
    }
    return NULL;
}

Test(shadow_threads, on_the_same_pages_no_entry_is_torn)
{
    pthread_t threads[THREADS + 1];
    shadow_mark_arena(&shadow, FIRST, GO_ARENA_BYTES);
    pthread_barrier_init(&start_line, NULL, THREADS + 1);
    atomic_store(&writers_left, THREADS);
    for (uintptr_t i = 0; i <= THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, change_same_pages, (void *)i), 0);
    for (unsigned i = 0; i <= THREADS; i++) {
        void *torn;
        pthread_join(threads[i], &torn);
        cr_expect_null(torn, "the looker saw an advice with another one's time");
    }
    for (uint64_t page = 0; page < SAME_PAGES; page++) {
        struct shadow_entry entry = shadow_look_up(&shadow, FIRST + page * GO_PAGE_BYTES);
        cr_expect_eq((uint64_t)entry.advice << UNIT_SHIFT, entry.last_ticks);
        cr_expect(entry.origin[0] == ORIGIN_GO && entry.state != STATE_PLAIN);
    }
}

/* Whole slots flip between uniform and empty while others make leaves in them: no run is empty or goes backwards. */
static void *flip_slots_or_walk(void *argument)
{
    uint64_t number = (uint64_t)(uintptr_t)argument;
    const uintptr_t end = FIRST + 16ull * GO_ARENA_BYTES;
    pthread_barrier_wait(&start_line);
    if (number < THREADS) {
        for (int round = 0; round < 50; round++) {
            if (number % 2 == 0)
                shadow_mark_mapped(&shadow, FIRST, 16ull * GO_ARENA_BYTES, ORIGIN_C, true, 0);
            else
                shadow_mark_unmapped(&shadow, FIRST + number * GO_ARENA_BYTES, GO_ARENA_BYTES + 4096);
        }
        atomic_fetch_sub(&writers_left, 1);
        return NULL;
    }
    do {
        for (uintptr_t at = FIRST; at < end;) {
            struct shadow_entry entry;
            uintptr_t next = shadow_run(&shadow, at, end, &entry);
            if (next <= at || next > end || (entry.origin[0] != ORIGIN_C && entry.origin[0] != ORIGIN_UNKNOWN))
                return argument;
            at = next;
        }
    } while (atomic_load(&writers_left) > 0);
    return NULL;
}

Test(shadow_threads, a_walk_over_changing_slots_always_goes_on)
{
    pthread_t threads[THREADS + 1];
    pthread_barrier_init(&start_line, NULL, THREADS + 1);
    atomic_store(&writers_left, THREADS);
    for (uintptr_t i = 0; i <= THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, flip_slots_or_walk, (void *)i), 0);
    for (unsigned i = 0; i <= THREADS; i++) {
        void *stuck;
        pthread_join(threads[i], &stuck);
        cr_expect_null(stuck);
    }
}
