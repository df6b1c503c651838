/* SPDX-License-Identifier: Apache-2.0
 *
 * Discovery: several runtimes at once, strangers, and how little stack a search takes.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "preload/record.h"
#include "preload/shim.h"

enum { THREADS = 8, MODULE_BYTES = 0x1000, FIRST_MMAP_BYTES = 256 << 10 };

static pthread_barrier_t barrier;
static struct watched_runtime *watched[THREADS];

static void *watch_one(void *argument)
{
    uintptr_t number = (uintptr_t)argument;
    struct go_runtime found = {.madvise_not_found = "made up"};
    found.image_start = (1 + number / 2) * MODULE_BYTES; /* two threads find the same */
    found.image_end = found.image_start + MODULE_BYTES;
    pthread_barrier_wait(&barrier);
    watched[number] = shim_watch(&found, "module");
    return NULL;
}

Test(discover, runtimes_that_start_at_once_are_all_watched)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, watch_one, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (uintptr_t i = 0; i < THREADS; i++) {
        cr_assert_not_null(watched[i], "%lu", i);
        cr_expect_eq(watched[i]->found.image_start, (1 + i / 2) * MODULE_BYTES);
        cr_expect_eq(watched[i], watched[i ^ 1], "one entry for one module");
    }
    uint32_t at = 0, count = 0;
    while (shim_next_runtime(&at) != NULL)
        count++;
    cr_expect_eq(count, THREADS / 2);
}

Test(discover, there_is_room_for_so_many_and_no_more)
{
    for (uint32_t i = 0; i <= RUNTIMES_MAX; i++) {
        const struct go_runtime found = {.image_start = (i + 1) * MODULE_BYTES, .madvise_not_found = "made up"};
        cr_expect_eq(shim_watch(&found, "module") != NULL, i < RUNTIMES_MAX);
    }
}

/* A call of C code that looks like a runtime's first. */
static void first_mmap_from(uintptr_t caller)
{
    const struct mmap_call call = {.bytes = FIRST_MMAP_BYTES,
                                   .protection = PROT_READ | PROT_WRITE,
                                   .flags = MAP_PRIVATE | MAP_ANONYMOUS,
                                   .fd = -1,
                                   .caller = caller,
                                   .stack_pointer = (uintptr_t)__builtin_frame_address(0)};
    record_mmap(&call, 0x7f0000000000);
}

static uint32_t strangers(void)
{
    return atomic_load(&gpw_shim.strangers_count);
}

Test(discover, a_module_is_looked_at_once)
{
    first_mmap_from((uintptr_t)&malloc);
    cr_expect_eq(strangers(), 1);
    first_mmap_from((uintptr_t)&free);
    first_mmap_from((uintptr_t)&malloc);
    cr_expect_eq(strangers(), 1, "the same module");
    first_mmap_from((uintptr_t)&first_mmap_from);
    cr_expect_eq(strangers(), 2);
    gpw_shim.strangers[0].fingerprint++;
    first_mmap_from((uintptr_t)&malloc);
    cr_expect_eq(strangers(), 3, "another module in its place is looked at");
}

Test(discover, strangers_stay_when_the_table_is_full)
{
    first_mmap_from((uintptr_t)&malloc);
    atomic_store(&gpw_shim.strangers_count, STRANGERS_MAX);
    uintptr_t end = atomic_load(&gpw_shim.strangers[0].end);
    first_mmap_from((uintptr_t)&first_mmap_from);
    cr_expect_eq(strangers(), STRANGERS_MAX);
    cr_expect_eq(atomic_load(&gpw_shim.strangers[0].end), end);
    cr_expect_eq(atomic_load(&gpw_shim.strangers[1].end), 0);
}

/* ---- on a small stack ---- */

enum { SMALL_STACK_BYTES = 64 << 10, PAINT = 0xa5, BOUND_BYTES = 2 << 10 };

static _Alignas(4096) uint8_t small_stack[SMALL_STACK_BYTES];
static ucontext_t here, there;
static uintptr_t entered_at;

static void on_small_stack(void)
{
    entered_at = (uintptr_t)__builtin_frame_address(0);
    first_mmap_from((uintptr_t)&malloc);
}

static uint64_t untouched_bytes(void)
{
    uint64_t untouched = 0;
    while (untouched < sizeof small_stack && small_stack[untouched] == PAINT)
        untouched++;
    return untouched;
}

Test(discover, a_search_takes_less_than_two_kib_of_the_stack)
{
    first_mmap_from((uintptr_t)&malloc); /* binds the functions, which the shim has done before (-z now) */
    memset(gpw_shim.strangers, 0, sizeof gpw_shim.strangers);
    atomic_store(&gpw_shim.strangers_count, 0);
    memset(small_stack, PAINT, sizeof small_stack);
    cr_assert_eq(getcontext(&there), 0);
    there.uc_stack.ss_sp = small_stack;
    there.uc_stack.ss_size = sizeof small_stack;
    there.uc_link = &here;
    makecontext(&there, on_small_stack, 0);
    cr_assert_eq(swapcontext(&here, &there), 0);
    cr_assert_eq(strangers(), 1);
    uint64_t taken = entered_at - (uintptr_t)small_stack - untouched_bytes();
    cr_expect_leq(taken, BOUND_BYTES, "%lu bytes", taken);
}
