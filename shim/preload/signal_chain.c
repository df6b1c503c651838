/* SPDX-License-Identifier: Apache-2.0
 *
 * The signal handler and the interposed sigaction, signal and __sysv_signal.
 *
 * The real calls are libc's other names for the same functions (__sigaction, bsd_signal), so nothing has to be looked
 * up.
 */
#include "preload/signal_chain.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "memory/raw.h"
#include "preload/dumper.h"
#include "preload/shim.h"

#define INTERPOSED __attribute__((visibility("default")))

enum { KERNEL_MASK_BYTES = 8, KERNEL_SA_RESTORER = 0x04000000 /* asm/signal.h */ };

extern int __sigaction(int signal, const struct sigaction *action, struct sigaction *old);
extern sighandler_t bsd_signal(int signal, sighandler_t handler);

static void read_action(struct signal_chain *chain, struct sigaction *action)
{
    uint32_t ticket;
    do {
        ticket = atomic_load_explicit(&chain->current_ticket, memory_order_acquire);
        *action = chain->actions[ticket % ACTIONS_COUNT];
        atomic_thread_fence(memory_order_acquire);
    } while (atomic_load_explicit(&chain->next_ticket, memory_order_relaxed) - ticket >= ACTIONS_COUNT);
}

static void write_action(struct signal_chain *chain, const struct sigaction *action, struct sigaction *old)
{
    uint32_t ticket = atomic_fetch_add_explicit(&chain->next_ticket, 1, memory_order_relaxed) + 1;
    /* Whoever reads a part of this action sees that its place was taken. */
    atomic_thread_fence(memory_order_release);
    struct sigaction *place = &chain->actions[ticket % ACTIONS_COUNT];
    *place = *action;
    uint32_t before = atomic_exchange_explicit(&chain->current_ticket, ticket, memory_order_acq_rel);
    *old = chain->actions[before % ACTIONS_COUNT];
}

/* A child of vfork, posix_spawn or a raw clone has handlers of its own, and the chain of its parent: that is only read.
 * A child of fork gives the chain up at once (signal_chain_remove). */
static bool is_own(const struct signal_chain *chain)
{
    return chain->pid == raw_getpid();
}

static bool is_function(const struct sigaction *action)
{
    return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* Only the signals that the program asked to be blocked stay blocked while its handler runs. */
static void set_mask_of(const struct sigaction *action, int signal, const ucontext_t *interrupted)
{
    uint64_t before, wanted;
    memcpy(&before, &interrupted->uc_sigmask, sizeof before);
    memcpy(&wanted, &action->sa_mask, sizeof wanted);
    wanted |= before;
    if (!(action->sa_flags & SA_NODEFER))
        wanted |= 1ull << (signal - 1);
    raw_syscall6(SYS_rt_sigprocmask, SIG_SETMASK, (long)&wanted, 0, KERNEL_MASK_BYTES, 0, 0);
}

static void on_signal(int signal, siginfo_t *info, void *context);

/* A program that wants its system calls interrupted gets them interrupted, and a handler that was written for the
 * thread's own stack is not put on an alternate one, which may be too small for it. Go's have SA_ONSTACK always
 * (runtime/os_linux.go:setsig). */
static int install_in_kernel(int signal, const struct sigaction *action)
{
    const int kept = SA_RESTART | SA_ONSTACK;
    struct sigaction ours = {
        .sa_sigaction = on_signal,
        .sa_flags = SA_SIGINFO | (is_function(action) ? action->sa_flags & kept : kept),
    };
    sigfillset(&ours.sa_mask);
    return __sigaction(signal, &ours, NULL);
}

/* For the action that is current when it returns, also beside another call. */
static void install_current(struct signal_chain *chain, int signal)
{
    struct sigaction action;
    uint32_t ticket;
    do {
        ticket = atomic_load_explicit(&chain->current_ticket, memory_order_acquire);
        read_action(chain, &action);
        install_in_kernel(signal, &action);
    } while (atomic_load_explicit(&chain->current_ticket, memory_order_acquire) != ticket);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    struct signal_chain *chain = &gpw_shim.signals;
    struct sigaction action, ignored;
    /* First, as the kernel does at delivery: whoever sees the dump may install another action at once. */
    read_action(chain, &action);
    if (is_function(&action) && action.sa_flags & (int)SA_RESETHAND) {
        const struct sigaction standard = {.sa_handler = SIG_DFL};
        if (is_own(chain)) {
            write_action(chain, &standard, &ignored);
            install_current(chain, signal);
        } else {
            __sigaction(signal, &standard, NULL);
        }
    }
    dumper_ask(&gpw_shim.dumper, REASON_SIGNAL);
    if (!is_function(&action))
        return;
    set_mask_of(&action, signal, context);
    if (action.sa_flags & SA_SIGINFO)
        action.sa_sigaction(signal, info, context);
    else
        action.sa_handler(signal);
}

int signal_chain_install(struct signal_chain *chain, int signal)
{
    struct sigaction before;
    if (__sigaction(signal, NULL, &before) != 0)
        return -errno;
    chain->actions[0] = before;
    struct sigaction installed;
    if (install_in_kernel(signal, &before) != 0 || __sigaction(signal, NULL, &installed) != 0)
        return -errno;
    chain->libc_flags = installed.sa_flags & KERNEL_SA_RESTORER;
    chain->libc_restorer = installed.sa_restorer;
    chain->pid = raw_getpid();
    atomic_store_explicit(&chain->signal, signal, memory_order_release);
    return 0;
}

void signal_chain_remove(struct signal_chain *chain)
{
    struct sigaction action;
    int signal = atomic_exchange_explicit(&chain->signal, 0, memory_order_acq_rel);
    if (signal == 0)
        return;
    read_action(chain, &action);
    __sigaction(signal, &action, NULL);
}

static bool is_ours(int signal)
{
    return signal != 0 && signal == atomic_load_explicit(&gpw_shim.signals.signal, memory_order_acquire);
}

/* In a child that shares the chain. Our handler stands for the program's there too, until the child installs another.
 */
static int sigaction_of_child(int signal, const struct sigaction *action, struct sigaction *old)
{
    int result = __sigaction(signal, action, old);
    if (result == 0 && old != NULL && old->sa_sigaction == on_signal)
        read_action(&gpw_shim.signals, old);
    return result;
}

INTERPOSED int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
    struct signal_chain *chain = &gpw_shim.signals;
    struct sigaction before;
    if (!is_ours(signal))
        return __sigaction(signal, action, old);
    if (!is_own(chain))
        return sigaction_of_child(signal, action, old);
    if (action == NULL) {
        read_action(chain, &before);
    } else {
        struct sigaction wanted = *action; /* `action` and `old` may be the same */
        wanted.sa_flags |= chain->libc_flags;
        wanted.sa_restorer = chain->libc_restorer;
        write_action(chain, &wanted, &before);
        install_current(chain, signal);
    }
    if (old != NULL)
        *old = before;
    return 0;
}

static sighandler_t set_handler(int signal, sighandler_t handler, int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    struct sigaction old;
    sigemptyset(&action.sa_mask);
    if (!(flags & SA_NODEFER))
        sigaddset(&action.sa_mask, signal);
    return sigaction(signal, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

INTERPOSED sighandler_t signal(int signal, sighandler_t handler)
{
    return is_ours(signal) ? set_handler(signal, handler, SA_RESTART) : bsd_signal(signal, handler);
}

/* signal() as programs get it that ask for the System V manner (glibc: sysv_signal.c). */
INTERPOSED sighandler_t __sysv_signal(int signal, sighandler_t handler)
{
    if (handler == SIG_ERR || signal < 1 || signal >= NSIG) {
        errno = EINVAL;
        return SIG_ERR;
    }
    return set_handler(signal, handler, (int)(SA_RESETHAND | SA_NODEFER));
}
