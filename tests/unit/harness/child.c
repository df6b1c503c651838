/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that is started, waited for and ended. Shells say through a pipe how far they are.
 */
#include "harness/child.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NS_PER_SECOND 1000000000ull
#define NS_PER_MS 1000000ull

/* Runs `script`; what it prints can be read from the descriptor that comes back. */
static int start_shell(struct child *child, const char *script)
{
    int ends[2], before;
    struct error error;
    char *arguments[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
    fflush(stdout);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_geq(before = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0), 0);
    cr_assert_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    close(ends[1]);
    bool is_started = child_start(child, "/bin/sh", arguments, &error);
    cr_assert_eq(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
    close(before);
    cr_assert(is_started, "%s", error.text);
    return ends[0];
}

/* Until it has written a byte. */
static void await_byte(struct child *child, int report)
{
    char byte;
    child_wait(child, report, UINT64_MAX);
    cr_assert_not(child->has_ended, "it ended before it was ready");
    cr_assert_eq(read(report, &byte, 1), 1);
}

Test(child, status_is_that_of_the_program, .timeout = 20)
{
    static const struct {
        const char *script;
        int code, signal_number;
    } CASES[] = {{"exit 0", 0, 0}, {"exit 7", 7, 0}, {"kill -9 $$", 0, SIGKILL}, {"kill -TERM $$", 0, SIGTERM}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct child child;
        int report = start_shell(&child, CASES[i].script);
        child_wait(&child, -1, UINT64_MAX);
        cr_assert(child.has_ended);
        if (CASES[i].signal_number == 0)
            cr_expect(WIFEXITED(child.status) && WEXITSTATUS(child.status) == CASES[i].code, "%s", CASES[i].script);
        else
            cr_expect(WIFSIGNALED(child.status) && WTERMSIG(child.status) == CASES[i].signal_number, "%s",
                      CASES[i].script);
        cr_expect_eq(child.pidfd, -1);
        child_wait(&child, -1, UINT64_MAX); /* again: at once */
        child_end(&child, 0);
        close(report);
    }
    cr_expect_eq(child_stop_signal(), 0);
}

Test(child, arguments_and_environment_arrive, .timeout = 20)
{
    struct child child;
    setenv("GPW_TEST", "here", 1);
    int report = start_shell(&child, "test \"$GPW_TEST\" = here");
    child_wait(&child, -1, UINT64_MAX);
    cr_expect(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 0);
    close(report);
}

Test(child, what_cannot_be_started_says_why, .timeout = 20)
{
    static const struct {
        const char *program, *said;
    } CASES[] = {{"/no/such/program", "cannot be started: No such file or directory"},
                 {"/etc", "cannot be started: Permission denied"},
                 {"/etc/passwd", "cannot be started: Permission denied"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct child child;
        struct error error;
        cr_expect_not(child_start(&child, CASES[i].program, (char *[]){(char *)"x", NULL}, &error));
        cr_expect_str_eq(error.text, CASES[i].said);
        cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
    }
}

Test(child, wait_ends_when_the_time_is_up, .timeout = 20)
{
    struct child child;
    int report = start_shell(&child, "echo x; exec sleep 1000");
    await_byte(&child, report);
    uint64_t begin_ns = child_now_ns(), until_ns = begin_ns + 50 * NS_PER_MS;
    child_wait(&child, -1, until_ns);
    cr_expect_not(child.has_ended);
    cr_expect_geq(child_now_ns(), until_ns);
    child_wait(&child, -1, 0);
    cr_expect_not(child.has_ended);
    child_end(&child, 10 * NS_PER_SECOND);
    cr_expect(child.has_ended && WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGTERM);
    close(report);
}

Test(child, sigterm_is_asked_with_first, .timeout = 20)
{
    struct child child;
    int report = start_shell(&child, "trap 'exit 3' TERM; echo x; while :; do sleep 0.01; done");
    await_byte(&child, report);
    child_end(&child, 15 * NS_PER_SECOND);
    cr_expect(child.has_ended && WIFEXITED(child.status) && WEXITSTATUS(child.status) == 3, "%x", child.status);
    close(report);
}

Test(child, sigkill_ends_what_ignores_sigterm, .timeout = 20)
{
    struct child child;
    int report = start_shell(&child, "trap '' TERM; echo x; exec sleep 1000");
    await_byte(&child, report);
    uint64_t begin_ns = child_now_ns();
    child_end(&child, 50 * NS_PER_MS);
    cr_expect(child.has_ended && WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGKILL, "%x", child.status);
    cr_expect_geq(child_now_ns() - begin_ns, 50 * NS_PER_MS);
    close(report);
}

/* What is sent to the command, wherever it is in starting its child, ends the child. */
Test(child, stop_is_passed_on, .timeout = 20)
{
    struct child child;
    int report = start_shell(&child, "echo x; exec sleep 1000");
    await_byte(&child, report);
    raise(SIGTERM);
    cr_expect_eq(child_stop_signal(), SIGTERM);
    child_wait(&child, -1, UINT64_MAX);
    cr_expect(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGTERM);
    close(report);
}
