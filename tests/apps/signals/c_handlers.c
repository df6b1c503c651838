/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler does nothing but count and write one byte. It keeps errno, as every handler must. It has SA_ONSTACK,
 * because it may interrupt a thread that runs on a goroutine's small stack; signal(2) cannot give that, so the plain
 * handler gets the flag the way Go's own documentation tells C code to: by sigaction(2) on what is installed.
 */
#include "c_handlers.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int pipe_ends[2];
static volatile sig_atomic_t sender, bad;
static struct sigaction before;
static int has_before;

int c_handlers_start(void)
{
    return pipe2(pipe_ends, O_CLOEXEC);
}

static void report(void)
{
    int kept_errno = errno;
    if (write(pipe_ends[1], "!", 1) != 1)
        bad++;
    errno = kept_errno;
}

static void handle_info(int number, siginfo_t *info, void *context)
{
    if (number != SIGUSR2 || info == NULL || info->si_signo != SIGUSR2 || context == NULL)
        bad++;
    else
        sender = info->si_pid;
    report();
}

static void handle_plain(int number)
{
    if (number != SIGUSR2)
        bad++;
    report();
}

static void check(int result)
{
    if (result != 0)
        abort();
}

static void install_plain(void)
{
    struct sigaction action;
    if (signal(SIGUSR2, handle_plain) == SIG_ERR)
        abort();
    check(sigaction(SIGUSR2, NULL, &action));
    action.sa_flags |= SA_ONSTACK;
    check(sigaction(SIGUSR2, &action, NULL));
}

void c_handlers_install(enum c_handler handler)
{
    struct sigaction action = {.sa_flags = SA_ONSTACK | SA_RESTART};
    if (!has_before) {
        check(sigaction(SIGUSR2, NULL, &before));
        has_before = 1;
    }
    switch (handler) {
    case HANDLER_INFO:
        action.sa_flags |= SA_SIGINFO;
        action.sa_sigaction = handle_info;
        break;
    case HANDLER_PLAIN:
        install_plain();
        return;
    case HANDLER_IGNORE:
        action.sa_handler = SIG_IGN;
        break;
    case HANDLER_DEFAULT:
        action.sa_handler = SIG_DFL;
        break;
    case HANDLER_BEFORE:
        action = before;
        break;
    }
    check(sigaction(SIGUSR2, &action, NULL));
}

const char *c_handlers_query(unsigned *flags)
{
    struct sigaction action;
    check(sigaction(SIGUSR2, NULL, &action));
    *flags = (unsigned)action.sa_flags;
    /* The flags say nothing about these two: Go installs SIG_IGN with SA_SIGINFO. */
    if (action.sa_handler == SIG_IGN)
        return "ignore";
    if (action.sa_handler == SIG_DFL)
        return "default";
    if ((action.sa_flags & SA_SIGINFO) != 0)
        return action.sa_sigaction == handle_info ? "info" : "other";
    return action.sa_handler == handle_plain ? "plain" : "other";
}

void c_handlers_vfork(void)
{
    int status;
    pid_t child = vfork();
    if (child == 0) {
        signal(SIGUSR2, SIG_DFL);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        abort();
}

static volatile sig_atomic_t is_on_alternate;

static void handle_stack(int number)
{
    stack_t stack;
    (void)number;
    is_on_alternate = sigaltstack(NULL, &stack) != 0 || (stack.ss_flags & SS_ONSTACK) != 0;
}

static void *interrupt_thread(void *unused)
{
    static char room[1 << 16];
    stack_t alternate = {.ss_sp = room, .ss_size = sizeof room}, none = {.ss_flags = SS_DISABLE};
    check(sigaltstack(&alternate, NULL));
    check(raise(SIGUSR2));
    check(sigaltstack(&none, NULL));
    return unused;
}

const char *c_handlers_stack(void)
{
    struct sigaction action = {.sa_handler = handle_stack}, kept;
    pthread_t thread;
    check(sigaction(SIGUSR2, &action, &kept));
    check(pthread_create(&thread, NULL, interrupt_thread, NULL));
    check(pthread_join(thread, NULL));
    check(sigaction(SIGUSR2, &kept, NULL));
    return is_on_alternate ? "alternate" : "own";
}

int c_handlers_await_one(void)
{
    char byte;
    ssize_t got;
    do {
        got = read(pipe_ends[0], &byte, 1);
    } while (got < 0 && errno == EINTR);
    return got == 1 ? 0 : -1;
}

int c_handlers_sender(void)
{
    return sender;
}

int c_handlers_bad(void)
{
    return bad;
}
