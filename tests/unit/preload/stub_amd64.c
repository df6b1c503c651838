/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands for runtime.madvise: the call's result is the kernel's, the caller sees no other change than from the
 * original, and the call is in the books.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "memory/raw.h"
#include "preload/hook_stacks.h"
#include "tests/unit/support/abi0_call.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/watching.h"

extern void gpw_madvise_stub(void);

enum { PAGE_BYTES = 4096, STACK_BYTES = 1024, THREADS = 24, CALLS = 8000, CANARY = 0x5a };

TestSuite(stub, .init = watching_begin);

struct call {
    struct abi0_frame frame;
    struct abi0_registers before, after;
    _Alignas(16) uint8_t stack[STACK_BYTES];
};

/* Other values for each call, so that those of another thread show. */
static void fill_registers(struct call *call)
{
    uint64_t *words = (uint64_t *)&call->before;
    for (uint64_t i = 0; i < sizeof call->before / sizeof words[0]; i++)
        words[i] = 0x1111111111111111u * (i % 15 + 1) + i + (uintptr_t)call;
}

/* Calls the stub on a stack of its own and gives its result. */
static int32_t call_stub(struct call *call, const void *address, uint64_t bytes, int32_t advice)
{
    call->frame = (struct abi0_frame){(uintptr_t)address, bytes, advice, 0x7f7f7f7f, 0x55555555, 0x66666666};
    fill_registers(call);
    call->after = call->before;
    memset(call->stack, CANARY, sizeof call->stack);
    abi0_call((void *)gpw_madvise_stub, &call->frame, &call->after, call->stack + STACK_BYTES);
    return call->frame.result;
}

static void *map(uint64_t bytes)
{
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(start, MAP_FAILED);
    memset(start, 1, bytes);
    return start;
}

Test(stub, gives_the_result_of_the_system_call_and_does_it)
{
    static struct call call;
    uint8_t *start = map(4 * PAGE_BYTES);
    const struct {
        void *address;
        uint64_t bytes;
        int32_t advice;
    } CASES[] = {
        {start, PAGE_BYTES, MADV_DONTNEED},
        {start, PAGE_BYTES, MADV_HUGEPAGE},
        {start, 0, MADV_DONTNEED},
        {start + 1, PAGE_BYTES, MADV_DONTNEED},
        {start, PAGE_BYTES, 12345},
        {start, PAGE_BYTES, -1},
        {start, UINT64_MAX, MADV_DONTNEED},
        {NULL, PAGE_BYTES, MADV_DONTNEED},
        {(void *)(1ull << 63), PAGE_BYTES, MADV_DONTNEED},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        long expected = raw_madvise(CASES[i].address, CASES[i].bytes, CASES[i].advice);
        cr_expect_eq(call_stub(&call, CASES[i].address, CASES[i].bytes, CASES[i].advice), expected, "case %u", i);
    }
    start[PAGE_BYTES] = 1;
    call_stub(&call, start + PAGE_BYTES, PAGE_BYTES, MADV_DONTNEED);
    cr_expect_eq(start[PAGE_BYTES], 0, "the memory was given back");
    cr_expect_eq(start[2 * PAGE_BYTES], 1, "and no more");
}

static void expect_only_the_originals_registers_changed(const struct call *call)
{
    const struct abi0_registers *before = &call->before, *after = &call->after;
#define KEPT(name) cr_expect_eq(after->name, before->name, #name " is %lx, was %lx", after->name, before->name)
    KEPT(rbx);
    KEPT(rbp);
    KEPT(r8);
    KEPT(r9);
    KEPT(r10);
    KEPT(r12);
    KEPT(r13);
    KEPT(r14);
    KEPT(r15);
#undef KEPT
    for (int i = 0; i < 16; i++)
        cr_expect_arr_eq(after->xmm[i], before->xmm[i], 16, "xmm%d", i);
}

/* A goroutine may have 800 bytes left; the stub takes none of them. */
static void expect_stack_untouched(const struct call *call)
{
    for (int i = 0; i < STACK_BYTES - ABI0_CALL_STACK_BYTES; i++)
        cr_assert_eq(call->stack[i], CANARY, "%d bytes below the return address", STACK_BYTES - 56 - i);
}

static void expect_arguments_untouched(const struct call *call, const void *address)
{
    cr_expect_eq(call->frame.address, (uintptr_t)address);
    cr_expect_eq(call->frame.bytes, PAGE_BYTES);
    cr_expect_eq(call->frame.advice, MADV_DONTNEED);
    cr_expect_eq(call->frame.advice_padding, 0x7f7f7f7f);
    cr_expect_eq(call->frame.result_padding, 0x66666666, "the result has four bytes");
}

Test(stub, changes_no_register_that_the_original_keeps)
{
    static struct call call;
    void *start = map(PAGE_BYTES);
    cr_assert_eq(call_stub(&call, start, PAGE_BYTES, MADV_DONTNEED), 0);
    expect_only_the_originals_registers_changed(&call);
    expect_stack_untouched(&call);
    expect_arguments_untouched(&call, start);
    /* Nor when there is no stack to record the call on, nor when the shim is off. */
    for (int i = 0; i < HOOK_STACKS_COUNT; i++)
        atomic_store(&gpw_hook_stacks.taken[i], 1);
    cr_assert_eq(call_stub(&call, start, PAGE_BYTES, MADV_DONTNEED), 0);
    expect_only_the_originals_registers_changed(&call);
    expect_stack_untouched(&call);
    expect_arguments_untouched(&call, start);
    for (int i = 0; i < HOOK_STACKS_COUNT; i++)
        atomic_store(&gpw_hook_stacks.taken[i], 0);
    atomic_store(&gpw_shim.state, SHIM_OFF);
    cr_assert_eq(call_stub(&call, start, PAGE_BYTES, MADV_DONTNEED), 0);
    expect_only_the_originals_registers_changed(&call);
    expect_stack_untouched(&call);
}

Test(stub, puts_the_call_into_the_books)
{
    static struct call call;
    uint8_t *start = map(4 * GO_PAGE_BYTES);
    uint8_t *page = (uint8_t *)align_up((uintptr_t)start, GO_PAGE_BYTES);
    shadow_mark_arena(&gpw_shim.shadow, (uintptr_t)page, 2 * GO_PAGE_BYTES);
    cr_assert_eq(call_stub(&call, page, GO_PAGE_BYTES, MADV_DONTNEED), 0);
    cr_assert_eq(atomic_load(&gpw_shim.events.next), 1);
    struct event event = watching_last_event();
    cr_expect_eq(event.operation, EVENT_MADVISE);
    cr_expect_eq(event.by, ORIGIN_GO);
    cr_expect_eq(event.start, (uintptr_t)page);
    cr_expect_eq(event.bytes, GO_PAGE_BYTES);
    cr_expect_eq(event.detail, ADVICE_DONTNEED);
    cr_expect_eq(event.error, 0);
    cr_expect_eq(event.stack_pointer, (uintptr_t)call.stack + STACK_BYTES - 56, "the caller's, not the shim's");
    cr_expect_eq(shadow_look_up(&gpw_shim.shadow, (uintptr_t)page).state, STATE_RELEASED);
    cr_expect_eq(shadow_look_up(&gpw_shim.shadow, (uintptr_t)page + GO_PAGE_BYTES).state, STATE_RESERVED);

    cr_assert_eq(call_stub(&call, page + 1, GO_PAGE_BYTES, MADV_FREE), -EINVAL);
    event = watching_last_event();
    cr_expect_eq(event.error, EINVAL);
    cr_expect_eq(event.detail, ADVICE_FREE);
    cr_expect_eq(shadow_look_up(&gpw_shim.shadow, (uintptr_t)page).state, STATE_RELEASED,
                 "a failed call changes nothing");
    const struct advice_counter *counters = gpw_shim.advices[CALLER_GO];
    cr_expect_eq(atomic_load(&counters[ADVICE_DONTNEED].calls), 1);
    cr_expect_eq(atomic_load(&counters[ADVICE_DONTNEED].bytes), GO_PAGE_BYTES);
    cr_expect_eq(atomic_load(&counters[ADVICE_DONTNEED].errors), 0);
    cr_expect_eq(atomic_load(&counters[ADVICE_FREE].calls), 1);
    cr_expect_eq(atomic_load(&counters[ADVICE_FREE].bytes), 0);
    cr_expect_eq(atomic_load(&counters[ADVICE_FREE].errors), 1);
    cr_expect_eq(atomic_load(&gpw_shim.advices[CALLER_C][ADVICE_DONTNEED].calls), 0);
}

Test(stub, records_nothing_when_nobody_watches)
{
    static struct call call;
    void *start = map(PAGE_BYTES);
    static const int STATES[] = {SHIM_IDLE, SHIM_OPENING, SHIM_OFF};
    for (int i = 0; i < 3; i++) {
        atomic_store(&gpw_shim.state, STATES[i]);
        cr_expect_eq(call_stub(&call, start, PAGE_BYTES, MADV_DONTNEED), 0);
    }
    cr_expect_eq(atomic_load(&gpw_shim.events.next), 0);
    cr_expect_eq(atomic_load(&gpw_shim.advices[CALLER_GO][ADVICE_DONTNEED].calls), 0);
}

Test(stub, takes_the_lowest_free_stack_and_gives_it_back)
{
    static struct call call;
    void *start = map(PAGE_BYTES);
    for (int busy = 0; busy < HOOK_STACKS_COUNT; busy++) {
        for (int i = 0; i < HOOK_STACKS_COUNT; i++) {
            uint8_t *guard = (uint8_t *)gpw_hook_stacks.base + ((uint64_t)i << HOOK_STACK_SHIFT);
            memset(guard + REGION_GUARD_BYTES, CANARY, HOOK_STACK_BYTES);
            atomic_store(&gpw_hook_stacks.taken[i], i < busy);
        }
        cr_assert_eq(call_stub(&call, start, PAGE_BYTES, MADV_DONTNEED), 0);
        for (int i = 0; i < HOOK_STACKS_COUNT; i++) {
            const uint8_t *top = (uint8_t *)gpw_hook_stacks.base + ((uint64_t)(i + 1) << HOOK_STACK_SHIFT);
            bool is_used = memcmp(top - 48, top - 96, 48) != 0;
            cr_expect_eq(is_used, i == busy, "%d busy, stack %d", busy, i);
            cr_expect_eq(atomic_load(&gpw_hook_stacks.taken[i]), i < busy);
        }
    }
    cr_expect_eq(atomic_load(&gpw_hook_stacks.unrecorded), 0);
    cr_expect_eq(atomic_load(&gpw_shim.events.next), HOOK_STACKS_COUNT);
}

Test(stub, with_all_stacks_busy_the_call_is_made_and_counted_as_unrecorded)
{
    static struct call call;
    uint8_t *start = map(PAGE_BYTES);
    for (int i = 0; i < HOOK_STACKS_COUNT; i++)
        atomic_store(&gpw_hook_stacks.taken[i], 1);
    for (uint64_t i = 1; i <= 3; i++) {
        *start = 1;
        cr_assert_eq(call_stub(&call, start, PAGE_BYTES, MADV_DONTNEED), 0);
        cr_expect_eq(*start, 0);
        cr_expect_eq(atomic_load(&gpw_hook_stacks.unrecorded), i);
    }
    cr_expect_eq(call_stub(&call, start + 1, PAGE_BYTES, MADV_DONTNEED), -EINVAL);
    cr_expect_eq(atomic_load(&gpw_shim.events.next), 0);
    for (int i = 0; i < HOOK_STACKS_COUNT; i++)
        cr_expect_eq(atomic_load(&gpw_hook_stacks.taken[i]), 1, "another's stack is not given back");
}

static pthread_barrier_t start_line;
static _Atomic uint64_t wrong;
static _Atomic int is_done;

/* Claims the first stack as the stub does, leaves a mark at its top, and sees that the mark stays while it holds it. */
static void *hold_the_first_stack(void *argument)
{
    volatile uint64_t *top = (uint64_t *)(gpw_hook_stacks.base + (1 << HOOK_STACK_SHIFT));
    struct random random = {1};
    pthread_barrier_wait(&start_line);
    while (!atomic_load(&is_done)) {
        if (atomic_exchange(&gpw_hook_stacks.taken[0], 1) != 0)
            continue;
        top[-1] = top[-2] = CANARY;
        for (int look = 0; look < 30; look++) {
            if (top[-1] != CANARY || top[-2] != CANARY)
                atomic_fetch_add(&wrong, 1);
        }
        atomic_store(&gpw_hook_stacks.taken[0], 0);
        for (volatile unsigned pause = random_below(&random, 60); pause > 0; pause--)
            ;
    }
    return argument;
}

Test(stub, never_uses_a_stack_that_another_has_claimed)
{
    enum { MANY_CALLS = 200000 };
    static struct call call;
    pthread_t thread;
    pthread_barrier_init(&start_line, NULL, 2);
    cr_assert_eq(pthread_create(&thread, NULL, hold_the_first_stack, NULL), 0);
    pthread_barrier_wait(&start_line);
    call.frame = (struct abi0_frame){.advice = MADV_DONTNEED};
    for (int i = 0; i < MANY_CALLS; i++)
        abi0_call((void *)gpw_madvise_stub, &call.frame, &call.after, call.stack + STACK_BYTES);
    atomic_store(&is_done, 1);
    pthread_join(thread, NULL);
    cr_expect_eq(atomic_load(&wrong), 0);
    cr_expect_eq(atomic_load(&gpw_hook_stacks.unrecorded), 0);
    cr_expect_eq(atomic_load(&gpw_shim.events.next), MANY_CALLS);
}

/* Calls that fail and calls of no bytes: a short way through the kernel, so that threads meet in the stub. */
static void *call_often(void *argument)
{
    static struct call calls[THREADS];
    struct call *call = &calls[(uintptr_t)argument];
    uint8_t *start = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_barrier_wait(&start_line);
    for (uint64_t i = 0; i < CALLS; i++) {
        bool fails = i % 4 == 3;
        int32_t result = call_stub(call, start + fails, 0, MADV_DONTNEED);
        bool is_right = result == (fails ? -EINVAL : 0) && call->after.rbx == call->before.rbx &&
                        call->after.rbp == call->before.rbp && call->after.r8 == call->before.r8 &&
                        call->after.r9 == call->before.r9 && call->after.r10 == call->before.r10 &&
                        call->after.r12 == call->before.r12 && call->after.r15 == call->before.r15 &&
                        memcmp(call->after.xmm, call->before.xmm, sizeof call->after.xmm) == 0;
        if (!is_right)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

Test(stub, is_right_from_more_threads_than_there_are_stacks)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&start_line, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, call_often, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(atomic_load(&wrong), 0);
    const struct advice_counter *counter = &gpw_shim.advices[CALLER_GO][ADVICE_DONTNEED];
    uint64_t unrecorded = atomic_load(&gpw_hook_stacks.unrecorded), recorded = atomic_load(&counter->calls);
    cr_expect_eq(recorded + unrecorded, (uint64_t)THREADS * CALLS, "every call is recorded or counted");
    cr_expect_eq(atomic_load(&gpw_shim.events.next), recorded);
    cr_expect_leq(atomic_load(&counter->errors), (uint64_t)THREADS * CALLS / 4);
    cr_expect_geq(atomic_load(&counter->errors) + unrecorded, (uint64_t)THREADS * CALLS / 4);
    cr_expect_eq(atomic_load(&counter->bytes), 0);
    for (int i = 0; i < HOOK_STACKS_COUNT; i++)
        cr_expect_eq(atomic_load(&gpw_hook_stacks.taken[i]), 0);
}
