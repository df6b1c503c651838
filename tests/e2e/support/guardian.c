/* SPDX-License-Identifier: Apache-2.0
 *
 * The guardian ignores what a terminal sends: when a person stops the test run, it is the one that still has work to
 * do.
 */
#include "tests/e2e/support/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/support/fail.h"

static void await_test(int pipe_end)
{
    char byte;
    while (read(pipe_end, &byte, 1) < 0 && errno == EINTR) {
    }
}

static __attribute__((noreturn)) void be_guardian(const int ends[2], void (*duty)(const void *what), const void *what)
{
    static const int FROM_TERMINAL[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGPIPE};
    for (unsigned i = 0; i < sizeof FROM_TERMINAL / sizeof FROM_TERMINAL[0]; i++)
        signal(FROM_TERMINAL[i], SIG_IGN);
    prctl(PR_SET_NAME, "test-guardian");
    close(ends[1]);
    await_test(ends[0]);
    duty(what);
    _exit(0);
}

struct guardian guardian_start(void (*duty)(const void *what), const void *what)
{
    int ends[2];
    must(pipe2(ends, O_CLOEXEC) == 0, "pipe of a guardian");
    pid_t pid = fork();
    must(pid >= 0, "fork of a guardian");
    if (pid == 0) {
        setpgid(0, 0);
        be_guardian(ends, duty, what);
    }
    /* Both sides do it, so that it is done before either goes on. */
    setpgid(pid, pid);
    close(ends[0]);
    return (struct guardian){pid, ends[1]};
}

void guardian_act(struct guardian *guardian)
{
    if (guardian->pid <= 0)
        return;
    if (write(guardian->pipe_end, "!", 1) != 1 && errno != EPIPE)
        fail_with_errno("a guardian cannot be told to act");
    close(guardian->pipe_end);
    while (waitpid(guardian->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    guardian->pid = 0;
}
