/* SPDX-License-Identifier: Apache-2.0
 *
 * The dumper thread.
 */
#include "preload/dumper.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <signal.h>
#include <sys/prctl.h>

#include "memory/proc_status.h"
#include "memory/raw.h"
#include "memory/units.h"
#include "preload/make_dump.h"
#include "preload/old_libc.h"
#include "preload/shim.h"

enum { KERNEL_MASK_BYTES = 8, REARM_PART = 10 };

#define NS_PER_SECOND 1000000000ull
#define RSS_INTERVAL_NS (NS_PER_SECOND / 10)
#define NEVER UINT64_MAX

static const char *const WORDS[] = {
#define X(id, word) [REASON_##id] = (word),
    GPW_DUMP_REASONS(X)
#undef X
};

/* The word of the last in the list of those that were asked for: a request by the control page sets no bit. */
static const char *word_of(uint32_t reasons, bool has_request)
{
    reasons |= has_request ? 1u << REASON_REQUEST : 0;
    for (int i = REASON_COUNT - 1; i > 0; i--) {
        if ((reasons >> i & 1) != 0)
            return WORDS[i];
    }
    return WORDS[0];
}

/* A caller of gpw_dump gets a dump of its own. One more serves all others, with the label of the request by the control
 * page if there is one. None at all when the dump before has served an asker that had not added itself to `asked` yet.
 */
static void serve(struct dumper *dumper)
{
    struct control *control = &gpw_shim.control;
    struct client *client = &gpw_shim.client;
    uint32_t asked = atomic_load_explicit(dumper->asked, memory_order_acquire);
    uint32_t reasons = atomic_exchange_explicit(&dumper->reasons, 0, memory_order_acquire) & ~(1u << REASON_PROGRAM);
    bool is_end = (reasons & (1u << REASON_NO_DUMP | 1u << REASON_EXIT)) != 0;
    reasons &= ~(1u << REASON_NO_DUMP);
    control_take(control);
    bool has_caller = client_is_asked(client), has_others = reasons != 0 || control->has_request;
    uint32_t askers = asked - dumper->handled, dumps = (uint32_t)has_caller + (uint32_t)has_others;
    dumper->coalesced += askers > dumps ? askers - dumps : 0;
    dumper->handled = asked;
    if (has_others) {
        struct dump_outcome outcome = make_dump(word_of(reasons, control->has_request), control->label);
        control_answer(control, &outcome);
    }
    if (has_caller)
        client_answer(client, make_dump(WORDS[REASON_PROGRAM], client->label).error);
    if (is_end)
        event_stream_take_last(&gpw_shim.event_stream, &gpw_shim.events);
    atomic_store_explicit(&dumper->finished, asked, memory_order_release);
    raw_syscall6(SYS_futex, (long)&dumper->finished, FUTEX_WAKE_PRIVATE, INT_MAX, 0, 0, 0);
}

/* What was asked for and not handled. Woken by whom ever. */
static bool is_asked(const struct dumper *dumper)
{
    return atomic_load_explicit(dumper->asked, memory_order_acquire) != dumper->handled;
}

static void remember(struct dumper *dumper, enum dump_reason reason)
{
    atomic_fetch_or_explicit(&dumper->reasons, 1u << reason, memory_order_relaxed);
}

/* Is it time by the clock? A dump that was missed, the process having slept, is not made up for. */
static bool is_time(struct dumper *dumper, uint64_t now_ns)
{
    if (dumper->every_ns == 0 || now_ns < dumper->next_every_ns)
        return false;
    uint64_t late_ns = now_ns - dumper->next_every_ns;
    dumper->next_every_ns += (late_ns / dumper->every_ns + 1) * dumper->every_ns;
    remember(dumper, REASON_EVERY);
    return true;
}

/* Did the resident memory pass the mark, for the first time since it was well below it? */
static bool has_passed_mark(struct dumper *dumper)
{
    struct proc_status status;
    if (dumper->rss_bytes == 0 || proc_status_read(&status, "/proc/self/status") != 0)
        return false;
    if (dumper->is_above_mark) {
        dumper->is_above_mark = status.resident_bytes > dumper->rss_bytes - dumper->rss_bytes / REARM_PART;
        return false;
    }
    dumper->is_above_mark = status.resident_bytes > dumper->rss_bytes;
    if (dumper->is_above_mark)
        remember(dumper, REASON_RSS);
    return dumper->is_above_mark;
}

/* Until somebody asks, or there is something to look at. */
static void wait(const struct dumper *dumper, uint64_t now_ns)
{
    uint64_t until_ns = dumper->rss_bytes == 0 ? NEVER : now_ns + RSS_INTERVAL_NS;
    if (dumper->every_ns != 0)
        until_ns = min_u64(until_ns, dumper->next_every_ns);
    if (gpw_shim.event_stream.records != NULL)
        until_ns = min_u64(until_ns, now_ns + EVENT_STREAM_INTERVAL_NS);
    uint64_t rest_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct timespec rest = {(time_t)(rest_ns / NS_PER_SECOND), (long)(rest_ns % NS_PER_SECOND)};
    raw_syscall6(SYS_futex, (long)dumper->asked, FUTEX_WAIT, (long)dumper->handled, until_ns == NEVER ? 0 : (long)&rest,
                 0, 0);
}

/* The thread that starts this one may be one of a real time (chrt -f): there sched_yield lets only threads of the same
 * priority go first. Others stay what they are, also SCHED_IDLE. */
static void leave_real_time(void)
{
    const struct sched_param lowest = {0};
    long policy = raw_syscall6(SYS_sched_getscheduler, 0, 0, 0, 0, 0, 0);
    if (policy == SCHED_FIFO || policy == SCHED_RR)
        raw_syscall6(SYS_sched_setscheduler, 0, SCHED_OTHER, (long)&lowest, 0, 0, 0);
}

static void *run(void *argument)
{
    struct dumper *dumper = argument;
    raw_syscall6(SYS_prctl, PR_SET_NAME, (long)"gopagewatch", 0, 0, 0, 0);
    leave_real_time();
    own_pagemap_get(&gpw_shim.pagemap); /* early: later it may not be permitted any more */
    /* Before the unwinder, which walks no stack of the program's malloc. */
    malloc_asker_open(&gpw_shim.malloc_asker);
    stacks_prepare(&gpw_shim.stacks);
    event_stream_begin(&gpw_shim.event_stream, &gpw_shim.events, &gpw_shim.region,
                       (struct event_stream_start){gpw_shim.start_ticks, gpw_shim.start_monotonic_ns}, dumper->asked);
    for (;;) {
        event_stream_take(&gpw_shim.event_stream, &gpw_shim.events);
        uint64_t now_ns = raw_clock_ns(CLOCK_MONOTONIC);
        /* All of them, so that one dump serves all. */
        bool is_wanted = is_asked(dumper);
        is_wanted |= is_time(dumper, now_ns);
        is_wanted |= has_passed_mark(dumper);
        if (is_wanted)
            serve(dumper);
        else
            wait(dumper, now_ns);
    }
    return NULL;
}

static uint32_t ask(struct dumper *dumper, enum dump_reason reason)
{
    remember(dumper, reason);
    uint32_t asked = atomic_fetch_add_explicit(dumper->asked, 1, memory_order_release) + 1;
    raw_syscall6(SYS_futex, (long)dumper->asked, FUTEX_WAKE, 1, 0, 0, 0);
    return asked;
}

bool dumper_is_here(const struct dumper *dumper)
{
    return atomic_load_explicit(&dumper->is_started, memory_order_acquire) && dumper->pid == (uint32_t)raw_getpid();
}

void dumper_ask(struct dumper *dumper, enum dump_reason reason)
{
    if (dumper_is_here(dumper))
        ask(dumper, reason);
}

void dumper_ask_and_wait(struct dumper *dumper, enum dump_reason reason, uint64_t wait_ns)
{
    if (!dumper_is_here(dumper))
        return;
    uint32_t mine = ask(dumper, reason);
    uint64_t end_ns = raw_clock_ns(CLOCK_MONOTONIC) + wait_ns, now_ns;
    for (;;) {
        uint32_t finished = atomic_load_explicit(&dumper->finished, memory_order_acquire);
        now_ns = raw_clock_ns(CLOCK_MONOTONIC);
        if ((int32_t)(finished - mine) >= 0 || now_ns >= end_ns)
            return;
        uint64_t rest_ns = end_ns - now_ns;
        struct timespec rest = {(time_t)(rest_ns / NS_PER_SECOND), (long)(rest_ns % NS_PER_SECOND)};
        raw_syscall6(SYS_futex, (long)&dumper->finished, FUTEX_WAIT_PRIVATE, (long)finished, (long)&rest, 0, 0);
    }
}

/* The thread inherits the mask: with the signals blocked no handler of the program ever runs on it. 32 and 33 are
 * libc's own: setuid() waits until every thread has answered one. */
static int create_with_signals_blocked(pthread_t *thread, const pthread_attr_t *attributes, struct dumper *dumper)
{
    uint64_t all = ~(1ull << (32 - 1) | 1ull << (33 - 1)), before = 0;
    raw_syscall6(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, KERNEL_MASK_BYTES, 0, 0);
    int error = pthread_create(thread, attributes, run, dumper);
    raw_syscall6(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, KERNEL_MASK_BYTES, 0, 0);
    return -error;
}

int dumper_start(struct dumper *dumper, _Atomic uint32_t *asked, const struct options *options)
{
    pthread_t thread;
    pthread_attr_t attributes;
    if (pthread_create == NULL)
        return -ENOSYS;
    void *stack = region_take_stacks(&gpw_shim.region, DUMPER_STACK_BYTES, 1);
    if (stack == NULL)
        return -ENOMEM;
    dumper->pid = (uint32_t)raw_getpid();
    dumper->every_ns = options->every_ns;
    dumper->rss_bytes = options->rss_bytes;
    dumper->next_every_ns = raw_clock_ns(CLOCK_MONOTONIC) + options->every_ns;
    dumper->asked = asked != NULL ? asked : &dumper->own_asked;
    dumper->stack_start = (uintptr_t)stack;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstack(&attributes, stack, DUMPER_STACK_BYTES);
    int error = create_with_signals_blocked(&thread, &attributes, dumper);
    pthread_attr_destroy(&attributes);
    atomic_store_explicit(&dumper->is_started, error == 0, memory_order_release);
    return error;
}
