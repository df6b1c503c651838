/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of call sites: the same stack and kind of call have the same row, from however many threads.
 */
#include "preload/callsites.h"

#include <criterion/criterion.h>
#include <pthread.h>

#include "tests/unit/support/random.h"

enum { THREADS = 8, STACKS = 200, ROUNDS = 20000, TOO_MANY = 2 * CALLSITES_MAX };

static struct region region;
static struct callsites sites;

static void open_sites(void)
{
    cr_assert(region_open(&region, 64 << 20));
    cr_assert(callsites_open(&sites, &region));
}

TestSuite(callsites, .init = open_sites);

static const struct call_kind MMAP = {0, 1, 3};

static uint16_t intern(uint64_t number, uint32_t frames_count)
{
    uintptr_t frames[CALLSITE_FRAMES_MAX + 8] = {0};
    for (uint32_t i = 0; i < frames_count; i++)
        frames[i] = 0x400000 + number * 0x1000 + i;
    return callsites_intern(&sites, &MMAP, frames, frames_count);
}

Test(callsites, a_stack_has_one_row)
{
    uint16_t first = intern(1, 10), second = intern(2, 10), shorter = intern(1, 9);
    cr_expect(first > CALLSITE_LOST && second > CALLSITE_LOST && shorter > CALLSITE_LOST);
    cr_expect(first != second && first != shorter && second != shorter);
    cr_expect_eq(intern(1, 10), first);
    cr_expect_eq(intern(2, 10), second);
    cr_expect_eq(sites.rows[first].frames_count, 10u);
    cr_expect_eq(sites.rows[first].frames[9], 0x401009u);
}

Test(callsites, another_kind_of_call_has_another_row)
{
    static const struct call_kind KINDS[] = {{0, 1, 3}, {1, 1, 3}, {0, 2, 3}, {0, 1, 1}};
    uintptr_t frames[] = {0x401000, 0x402000};
    uint16_t rows[4];
    for (int i = 0; i < 4; i++) {
        rows[i] = callsites_intern(&sites, &KINDS[i], frames, 2);
        for (int k = 0; k < i; k++)
            cr_expect_neq(rows[i], rows[k]);
    }
    cr_expect_eq(sites.rows[rows[2]].kind.by, 2);
}

Test(callsites, an_empty_stack_is_a_stack)
{
    cr_expect_gt(intern(0, 0), CALLSITE_LOST);
    cr_expect_eq(intern(7, 0), intern(0, 0));
}

Test(callsites, what_is_too_deep_is_cut)
{
    uint16_t row = intern(1, CALLSITE_FRAMES_MAX + 8);
    cr_expect_eq(sites.rows[row].frames_count, (uint32_t)CALLSITE_FRAMES_MAX);
    cr_expect_eq(intern(1, CALLSITE_FRAMES_MAX), row);
}

Test(callsites, what_finds_no_room_is_counted_together)
{
    uint64_t lost = 0;
    for (uint64_t i = 0; i < TOO_MANY; i++) {
        uint16_t row = intern(i, 3);
        lost += row == CALLSITE_LOST;
        callsites_count(&sites, row, 1, 0, 1);
    }
    cr_expect_geq(lost, (uint64_t)TOO_MANY - CALLSITES_MAX);
    cr_expect_eq(atomic_load(&sites.rows[CALLSITE_LOST].calls), lost);
    cr_expect_eq(callsites_count_rows(&sites), (uint32_t)CALLSITES_MAX - 1);
    cr_expect_gt(intern(0, 3), CALLSITE_LOST, "those that came first keep their rows");
}

Test(callsites, calls_are_counted)
{
    uint16_t row = intern(1, 4);
    callsites_count(&sites, row, 4096, 0, 100);
    callsites_count(&sites, row, 8192, 12, 200);
    callsites_count(&sites, row, 4096, 0, 300);
    callsites_count_unmapped(&sites, row, 4096);
    callsites_count(&sites, CALLSITE_NONE, 4096, 0, 400);
    callsites_count_unmapped(&sites, CALLSITE_NONE, 4096);
    const struct callsite *site = &sites.rows[row];
    cr_expect_eq(site->calls, 3u);
    cr_expect_eq(site->errors, 1u);
    cr_expect_eq(site->bytes, 8192u);
    cr_expect_eq(site->unmapped_bytes, 4096u);
    cr_expect_eq(site->first_ticks, 100u);
    cr_expect_eq(site->last_ticks, 300u);
}

Test(callsites, without_memory_there_are_none)
{
    struct callsites none = {0};
    cr_expect_eq(callsites_intern(&none, &MMAP, (uintptr_t[]){1}, 1), CALLSITE_NONE);
    cr_expect_eq(callsites_count_rows(&none), 0u);
}

static pthread_barrier_t start_line;

static void *intern_and_count(void *argument)
{
    struct random random = {(uint64_t)(uintptr_t)argument + 1};
    pthread_barrier_wait(&start_line);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t number = random_below(&random, STACKS);
        callsites_count(&sites, intern(number, 5 + number % 20), number, 0, 1);
    }
    return NULL;
}

Test(callsites, threads_share_rows_and_lose_no_call)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&start_line, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, intern_and_count, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    uint64_t calls = 0, used = 0;
    for (uint32_t row = CALLSITE_LOST; row <= callsites_count_rows(&sites); row++) {
        calls += sites.rows[row].calls;
        used += sites.rows[row].calls != 0;
        cr_expect_eq(sites.rows[row].bytes, sites.rows[row].calls * ((sites.rows[row].frames[0] - 0x400000) / 0x1000));
    }
    cr_expect_eq(calls, (uint64_t)THREADS * ROUNDS);
    cr_expect_eq(used, (uint64_t)STACKS, "a row each: %lu", used);
}
