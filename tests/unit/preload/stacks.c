/* SPDX-License-Identifier: Apache-2.0
 *
 * Stacks of calls of C beside an unwinder that has locks: one made up, which does in the middle of a walk what the test
 * wants.
 */
#include "preload/stacks.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/record.h"
#include "tests/unit/support/watching.h"

#define ELSEWHERE UINT64_C(0x7f0000000000)

enum { IN_C = 0x700000, CALLER_OF_C = 0x710000, IN_UNWINDER = 0x720000, UNWINDER_BYTES = 0x1000, REGISTER_PC = 16 };

static void (*in_the_middle)(void);
static unsigned walks_begun;

/* The frames of each walk: the caller of mmap, and its caller. */
static int steps;

static int get_context(void *context)
{
    (void)context;
    walks_begun++;
    steps = 0;
    return 0;
}

static int init_local(void *cursor, void *context)
{
    (void)cursor, (void)context;
    return 0;
}

static int step(void *cursor)
{
    (void)cursor;
    if (steps == 0 && in_the_middle != NULL)
        in_the_middle();
    return ++steps <= 2;
}

static int get_register(void *cursor, int number, uint64_t *value)
{
    (void)cursor;
    *value = number != REGISTER_PC ? 0 : steps == 1 ? IN_C : CALLER_OF_C;
    return 0;
}

static void watch_with_an_unwinder(void)
{
    struct shim *shim = &gpw_shim;
    watching_begin();
    shim->options.stacks = STACKS_ALL;
    cr_assert(callsites_open(&shim->callsites, &shim->region));
    cr_assert(stacks_open(&shim->stacks, &shim->region, true));
    struct unwinder *unwinder = &shim->stacks.unwinder;
    unwinder->get_context = get_context;
    unwinder->init_local = init_local;
    unwinder->step = step;
    unwinder->get_register = get_register;
    unwinder->start = IN_UNWINDER;
    unwinder->end = IN_UNWINDER + UNWINDER_BYTES;
    atomic_store(&unwinder->is_ready, true);
}

TestSuite(stacks, .init = watch_with_an_unwinder, .timeout = 60);

static struct shadow_entry map(uintptr_t caller, unsigned page)
{
    uintptr_t frame[2] = {0, 0}, start = ELSEWHERE + (uintptr_t)page * GO_PAGE_BYTES;
    const struct mmap_call call = {.bytes = GO_PAGE_BYTES,
                                   .protection = PROT_READ | PROT_WRITE,
                                   .flags = MAP_PRIVATE | MAP_ANONYMOUS,
                                   .fd = -1,
                                   .caller = caller,
                                   .stack_pointer = (uintptr_t)frame};
    record_mmap(&call, (long)start);
    return shadow_look_up(&gpw_shim.shadow, start);
}

static const struct callsite *site_of(struct shadow_entry entry)
{
    cr_assert(entry.site > CALLSITE_LOST);
    return &gpw_shim.callsites.rows[entry.site];
}

static bool is_all_free(void)
{
    const struct stack_slot *slots = atomic_load(&gpw_shim.stacks.slots);
    for (int i = 0; i < STACK_SLOTS; i++) {
        if (atomic_load(&slots[i].is_taken) != 0)
            return false;
    }
    return atomic_load(&gpw_shim.stacks.unwinder.walker) == 0;
}

static uint64_t skipped(void)
{
    return atomic_load(&gpw_shim.stacks.unwinder.skipped);
}

Test(stacks, a_call_of_c_has_its_callers)
{
    const struct callsite *site = site_of(map(IN_C, 0));
    cr_expect_eq(site->frames_count, 2);
    cr_expect_eq(site->frames[0], IN_C);
    cr_expect_eq(site->frames[1], CALLER_OF_C);
    cr_expect(is_all_free());
}

static sem_t is_walking, may_go_on;

static void wait_in_the_middle(void)
{
    in_the_middle = NULL;
    sem_post(&is_walking);
    sem_wait(&may_go_on);
}

static void *map_on_a_thread(void *result)
{
    *(struct shadow_entry *)result = map(IN_C, 0);
    return NULL;
}

Test(stacks, nobody_waits_for_another_threads_walk)
{
    pthread_t thread;
    struct shadow_entry first;
    sem_init(&is_walking, 0, 0);
    sem_init(&may_go_on, 0, 0);
    in_the_middle = wait_in_the_middle;
    cr_assert_eq(pthread_create(&thread, NULL, map_on_a_thread, &first), 0);
    sem_wait(&is_walking);
    const struct callsite *site = site_of(map(IN_C, 1));
    cr_expect_eq(site->frames_count, 1);
    cr_expect_eq(site->frames[0], IN_C);
    cr_expect_eq(walks_begun, 1);
    cr_expect_eq(skipped(), 1);
    sem_post(&may_go_on);
    pthread_join(thread, NULL);
    cr_expect_eq(site_of(first)->frames_count, 2, "the other one is not disturbed");
    cr_expect_eq(site_of(map(IN_C, 2))->frames_count, 2);
    cr_expect(is_all_free());
}

static void map_in_the_unwinder(void)
{
    struct shadow_entry entry = map(IN_UNWINDER + 8, 5);
    cr_expect_eq(entry.origin[0], ORIGIN_SHIM);
    cr_expect_eq(atomic_load(&gpw_shim.events.next), 0);
}

Test(stacks, what_the_unwinder_maps_for_a_walk_is_the_shims)
{
    in_the_middle = map_in_the_unwinder;
    cr_expect_eq(site_of(map(IN_C, 0))->frames_count, 2);
    cr_expect_eq(walks_begun, 1);
    cr_expect_null(atomic_load(&gpw_shim.stacks.why_no_c));
}

/* It may hold the unwinder's locks at any call from then on. */
Test(stacks, nothing_is_walked_once_the_program_is_seen_to_use_the_unwinder_itself)
{
    struct shadow_entry entry = map(IN_UNWINDER + 8, 0);
    cr_expect_eq(entry.origin[0], ORIGIN_C);
    cr_expect_eq(site_of(entry)->frames_count, 1);
    cr_expect_eq(site_of(map(IN_C, 1))->frames_count, 1);
    cr_expect_eq(walks_begun, 0);
    cr_expect_not_null(atomic_load(&gpw_shim.stacks.why_no_c));
}

static void *share_the_unwinder(void *unused)
{
    map(IN_UNWINDER + 8, 5);
    return unused;
}

static void share_on_a_thread(void)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, share_the_unwinder, NULL), 0);
    pthread_join(thread, NULL);
}

Test(stacks, that_is_seen_in_the_middle_of_a_walk_too)
{
    in_the_middle = share_on_a_thread;
    map(IN_C, 0);
    cr_expect_eq(shadow_look_up(&gpw_shim.shadow, ELSEWHERE + UINT64_C(5) * GO_PAGE_BYTES).origin[0], ORIGIN_C);
    cr_expect_not_null(atomic_load(&gpw_shim.stacks.why_no_c));
    cr_expect(is_all_free());
}

static sigjmp_buf back;

static void leave(int number)
{
    (void)number;
    siglongjmp(back, 1);
}

static void raise_usr1(void)
{
    raise(SIGUSR1);
}

static void fault(void)
{
    in_the_middle = NULL;
    raise(SIGSEGV);
}

Test(stacks, a_handler_that_leaves_by_siglongjmp_finds_the_walk_done)
{
    signal(SIGUSR1, leave);
    in_the_middle = raise_usr1;
    if (sigsetjmp(back, 1) == 0) {
        map(IN_C, 0);
        cr_assert_fail("the signal never came");
    }
    cr_expect(is_all_free());
    cr_expect_eq(walks_begun, 1);
    in_the_middle = NULL;
    cr_expect_eq(site_of(map(IN_C, 1))->frames_count, 2);
}

Test(stacks, a_thread_that_left_a_walk_by_a_faults_handler_still_has_stacks)
{
    signal(SIGSEGV, leave);
    in_the_middle = fault;
    if (sigsetjmp(back, 1) == 0) {
        map(IN_C, 0);
        cr_assert_fail("the signal never came");
    }
    for (unsigned i = 1; i < 3; i++) {
        struct shadow_entry entry = map(IN_C, i);
        cr_expect_eq(entry.origin[0], ORIGIN_C);
        cr_expect_eq(site_of(entry)->frames_count, 2);
    }
    cr_expect_eq(atomic_load(&gpw_shim.stacks.unwinder.walker), 0);
    cr_expect_eq(skipped(), 0);
}

static sigset_t mask_in_the_middle;

static void keep_mask(void)
{
    pthread_sigmask(SIG_SETMASK, NULL, &mask_in_the_middle);
}

Test(stacks, signals_wait_but_for_faults_and_the_mask_is_kept)
{
    static const int OPEN[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t before, after;
    sigemptyset(&before);
    sigaddset(&before, SIGWINCH);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    in_the_middle = keep_mask;
    map(IN_C, 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    cr_expect_eq(sigismember(&mask_in_the_middle, SIGPROF), 1);
    cr_expect_eq(sigismember(&mask_in_the_middle, SIGRTMAX), 1);
    for (unsigned i = 0; i < sizeof OPEN / sizeof OPEN[0]; i++)
        cr_expect_eq(sigismember(&mask_in_the_middle, OPEN[i]), 0, "%d", OPEN[i]);
    for (int i = 1; i <= SIGRTMAX; i++)
        cr_expect_eq(sigismember(&after, i), sigismember(&before, i), "%d", i);
}

Test(stacks, nothing_is_walked_in_a_program_that_malloc_is_linked_into)
{
    struct malloc_asker *asker = &gpw_shim.malloc_asker;
    asker->is_hook_in_program = true;
    atomic_store(&asker->hook_end, IN_C + 0x100);
    atomic_store(&asker->hook_start, IN_C);
    const struct callsite *site = site_of(map(IN_C, 0));
    cr_expect_eq(site->frames_count, 1);
    cr_expect_eq(site->frames[0], IN_C);
    cr_expect_eq(walks_begun, 0);
    cr_expect_eq(skipped(), 0);
    map(IN_C + 0x100, 1);
    cr_expect_eq(walks_begun, 1, "code of C elsewhere is walked");
}
