/* SPDX-License-Identifier: Apache-2.0
 *
 * The dumper thread.
 */
#include "preload/dumper.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stddef.h>
#include <signal.h>
#include <sys/prctl.h>

#include "memory/raw.h"
#include "preload/make_dump.h"
#include "preload/old_libc.h"
#include "preload/shim.h"

enum { KERNEL_MASK_BYTES = 8 };

static void *run(void *argument)
{
    struct dumper *dumper = argument;
    raw_syscall6(SYS_prctl, PR_SET_NAME, (long)"gopagewatch", 0, 0, 0, 0);
    for (;;) {
        uint32_t asked = atomic_load_explicit(&dumper->asked, memory_order_acquire);
        if (asked == dumper->handled) {
            raw_syscall6(SYS_futex, (long)&dumper->asked, FUTEX_WAIT_PRIVATE, (long)asked, 0, 0, 0);
            continue;
        }
        dumper->coalesced += asked - dumper->handled - 1;
        dumper->handled = asked;
        make_dump("signal");
    }
    return NULL;
}

void dumper_ask(struct dumper *dumper)
{
    atomic_fetch_add_explicit(&dumper->asked, 1, memory_order_release);
    raw_syscall6(SYS_futex, (long)&dumper->asked, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
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

int dumper_start(struct dumper *dumper)
{
    pthread_t thread;
    pthread_attr_t attributes;
    if (pthread_create == NULL)
        return -ENOSYS;
    void *stack = region_take(&gpw_shim.region, DUMPER_STACK_BYTES);
    if (stack == NULL)
        return -ENOMEM;
    dumper->stack_start = (uintptr_t)stack;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstack(&attributes, stack, DUMPER_STACK_BYTES);
    int error = create_with_signals_blocked(&thread, &attributes, dumper);
    pthread_attr_destroy(&attributes);
    return error;
}
