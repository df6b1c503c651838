/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting and waiting by pidfd.
 */
#include "harness/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND 1000000000ull
#define NS_PER_MS 1000000ull

static volatile sig_atomic_t stop_signal;
static volatile pid_t running; /* who is to know of it; 0: nobody */

uint64_t child_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

int child_stop_signal(void)
{
    return stop_signal;
}

static void pass_on(int signal_number)
{
    int before = errno;
    stop_signal = signal_number;
    if (running > 0)
        kill(running, signal_number);
    errno = before;
}

static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP};

#define SIGNALS_COUNT (sizeof SIGNALS / sizeof SIGNALS[0])

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = pass_on}, before;
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS_COUNT; i++) {
        /* nohup's SIGHUP stays ignored. */
        if (sigaction(SIGNALS[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(SIGNALS[i], &action, NULL);
    }
}

/* What is passed on. */
static sigset_t stop_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < SIGNALS_COUNT; i++)
        sigaddset(&set, SIGNALS[i]);
    return set;
}

/* In the child. The parent reads errno from the pipe, or its end when the program has taken our place. */
static void become(const char *program, char **arguments, int report, const sigset_t *mask)
{
    struct sigaction action;
    /* Not ours any more: one that came meanwhile is the program's. */
    for (size_t i = 0; i < SIGNALS_COUNT; i++) {
        if (sigaction(SIGNALS[i], NULL, &action) == 0 && action.sa_handler == pass_on)
            signal(SIGNALS[i], SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, mask, NULL);
    execv(program, arguments);
    int number = errno;
    if (write(report, &number, sizeof number) != sizeof number)
        _exit(126);
    _exit(127);
}

bool child_start(struct child *child, const char *program, char **arguments, struct error *error)
{
    int report[2], number = 0;
    *child = (struct child){.pidfd = -1};
    catch_signals();
    if (pipe2(report, O_CLOEXEC) != 0)
        return error_set(error, "cannot be started: %s", strerror(errno));
    fflush(NULL);
    /* Not lost between the fork and `running`. */
    sigset_t held = stop_signals(), before;
    sigprocmask(SIG_BLOCK, &held, &before);
    child->pid = fork();
    if (child->pid == 0)
        become(program, arguments, report[1], &before);
    number = child->pid < 0 ? errno : 0;
    running = child->pid > 0 ? child->pid : 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (number == 0 && read(report[0], &number, sizeof number) <= 0)
        number = 0;
    close(report[0]);
    if (number == 0) {
        child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
        if (child->pidfd >= 0)
            return true;
        number = errno;
        kill(child->pid, SIGKILL);
    }
    running = 0;
    if (child->pid > 0)
        waitpid(child->pid, NULL, 0);
    return error_set(error, "cannot be started: %s", strerror(number));
}

static bool collect(struct child *child)
{
    if (waitpid(child->pid, &child->status, WNOHANG) != child->pid)
        return false;
    running = 0;
    child->has_ended = true;
    close(child->pidfd);
    child->pidfd = -1;
    return true;
}

void child_wait(struct child *child, int fd, uint64_t until_ns)
{
    enum { WAIT_MS_MAX = 1000000 };
    while (!child->has_ended && !collect(child)) {
        uint64_t now_ns = child_now_ns();
        if (now_ns >= until_ns)
            return;
        uint64_t rest_ms = until_ns == UINT64_MAX ? WAIT_MS_MAX : (until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
        struct pollfd polled[] = {{.fd = child->pidfd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
        poll(polled, 2, rest_ms > WAIT_MS_MAX ? WAIT_MS_MAX : (int)rest_ms);
        if (polled[1].revents != 0)
            return;
    }
}

void child_end(struct child *child, uint64_t patience_ns)
{
    if (child->has_ended || collect(child))
        return;
    kill(child->pid, SIGTERM);
    child_wait(child, -1, child_now_ns() + patience_ns);
    if (!child->has_ended) {
        kill(child->pid, SIGKILL);
        child_wait(child, -1, UINT64_MAX);
    }
}
