/* SPDX-License-Identifier: Apache-2.0
 *
 * Coming to rest: what flat is, and real processes that are at rest, never rest, end, or bring themselves to rest.
 */
#include "harness/settle.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ull
#define SECOND (1000 * MS)
#define MIB (1024 * 1024ull)

/* ---- what flat is ---- */

Test(settle, window_is_a_tenth_within_bounds)
{
    static const uint64_t CASES[][2] = {
        {0, 0},
        {50 * MS, 50 * MS},
        {SECOND, 200 * MS},
        {2 * SECOND, 200 * MS},
        {5 * SECOND, 500 * MS},
        {20 * SECOND, 2 * SECOND},
        {3600 * SECOND, 2 * SECOND},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_eq(settle_window_ns(CASES[i][0]), CASES[i][1], "%lu", CASES[i][0]);
}

/* A pause of ours must not make a window of one moment. */
Test(settle, what_was_missed_is_not_caught_up_with)
{
    cr_expect_eq(settle_next_ns(100 * MS, 101 * MS, 20 * MS), 120 * MS);
    cr_expect_eq(settle_next_ns(100 * MS, 115 * MS, 20 * MS), 125 * MS);
    uint64_t due_ns = settle_next_ns(100 * MS, 500 * MS, 20 * MS);
    cr_expect_eq(due_ns, 510 * MS);
    cr_expect_eq(settle_next_ns(due_ns, due_ns, 20 * MS), 530 * MS);
}

static struct settle_readings readings_of(uint64_t bytes)
{
    struct settle_readings readings = {.count = 0};
    for (int i = 0; i < SETTLE_READINGS; i++)
        settle_add_reading(&readings, bytes);
    return readings;
}

Test(settle, flat_is_a_whole_window_within_half_a_percent_or_256_kib)
{
    static const struct {
        uint64_t bytes, other_bytes;
        bool is_flat;
    } CASES[] = {
        {10 * MIB, 10 * MIB, true},
        {10 * MIB, 10 * MIB + 262144, true},
        {10 * MIB, 10 * MIB + 262145, false},
        {10 * MIB, 10 * MIB - 262144, true},
        {10 * MIB, 10 * MIB - 262145, false},
        {1000 * MIB, 1005 * MIB, true}, /* 0.5 % of the larger is a little more than 5 MiB */
        {1000 * MIB, 1006 * MIB, false},
        {1000 * MIB, 994 * MIB, false},
        {0, 0, true},
        {UINT64_MAX, UINT64_MAX, true},
        {0, UINT64_MAX, false},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        for (int at = 0; at < SETTLE_READINGS; at++) {
            struct settle_readings readings = readings_of(CASES[i].bytes);
            cr_expect(settle_is_flat(&readings));
            settle_add_reading(&readings, CASES[i].other_bytes);
            for (int k = 0; k < at; k++)
                settle_add_reading(&readings, CASES[i].bytes);
            cr_expect_eq(settle_is_flat(&readings), CASES[i].is_flat, "case %u, %d after it", i, at);
            for (int k = at; k < SETTLE_READINGS; k++)
                settle_add_reading(&readings, CASES[i].bytes);
            cr_expect(settle_is_flat(&readings), "case %u: the window has gone on", i);
        }
    }
    struct settle_readings few = {.count = 0};
    for (int i = 0; i < SETTLE_READINGS; i++) {
        cr_expect_not(settle_is_flat(&few), "after %d readings", i);
        settle_add_reading(&few, 7);
    }
    cr_expect(settle_is_flat(&few));
}

/* ---- processes without a listener ---- */

enum child_kind { CHILD_RESTS, CHILD_MOVES, CHILD_ENDS };

/* Never longer than its test. */
static pid_t start(enum child_kind kind)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    alarm(30);
    if (kind == CHILD_ENDS)
        _exit(0);
    if (kind == CHILD_RESTS)
        pause();
    for (;;) {
        size_t bytes = 16 * MIB;
        char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (memory == MAP_FAILED)
            _exit(1);
        munmap(memory, bytes);
    }
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

Test(settle, quiet_process_is_at_rest_after_one_window, .timeout = 60)
{
    pid_t pid = start(CHILD_RESTS);
    struct settle_outcome outcome = settle_process(pid, NULL, 20 * SECOND);
    cr_expect_eq(outcome.way, SETTLE_BY_RSS);
    cr_expect_eq(outcome.end, SETTLE_AT_REST);
    cr_expect_geq(outcome.took_ns, 2 * SECOND, "a whole window was seen");
    cr_expect_lt(outcome.took_ns, 20 * SECOND);
    stop(pid);
}

/* The readings are 30 ms apart and the child moves 16 MiB all the time: that eleven see it alike is out of the
 * question, but a reading of a child that the kernel does not let run would be. So it may be tried again. */
Test(settle, busy_process_is_given_up_when_the_time_is_over, .timeout = 120)
{
    pid_t pid = start(CHILD_MOVES);
    struct settle_outcome outcome = {.end = SETTLE_AT_REST};
    for (int i = 0; i < 10 && outcome.end == SETTLE_AT_REST; i++)
        outcome = settle_process(pid, NULL, 500 * MS);
    cr_expect_eq(outcome.way, SETTLE_BY_RSS);
    cr_expect_eq(outcome.end, SETTLE_TIMED_OUT);
    cr_expect_geq(outcome.took_ns, 500 * MS);
    stop(pid);
}

static void *end_child_soon(void *argument)
{
    nanosleep(&(struct timespec){.tv_nsec = 50 * MS},
              NULL); /* the wait below is to be under way; either way it holds */
    kill(*(pid_t *)argument, SIGKILL);
    return argument;
}

Test(settle, process_that_ends_is_said_to_have_ended, .timeout = 60)
{
    siginfo_t info;
    pthread_t thread;
    pid_t pid = start(CHILD_ENDS);
    cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    cr_expect_eq(settle_process(pid, NULL, 20 * SECOND).end, SETTLE_ENDED, "nobody has waited for it yet");
    waitpid(pid, NULL, 0);
    cr_expect_eq(settle_process(pid, NULL, 20 * SECOND).end, SETTLE_ENDED, "there is no such process");

    pid = start(CHILD_RESTS);
    cr_assert_eq(pthread_create(&thread, NULL, end_child_soon, &pid), 0);
    struct settle_outcome outcome = settle_process(pid, NULL, 20 * SECOND);
    cr_expect_eq(outcome.end, SETTLE_ENDED);
    cr_expect_lt(outcome.took_ns, 2 * SECOND, "at once, not after a window");
    pthread_join(thread, NULL);
    stop(pid);
}

/* ---- a program that listens ---- */

static struct control_page control;

static void open_page(void)
{
    control = (struct control_page){.fd = memfd_create("settle", MFD_CLOEXEC), .pid = getpid(), .pidfd = -1};
    cr_assert_eq(ftruncate(control.fd, GPW_CONTROL_BYTES), 0);
    control.page = mmap(NULL, GPW_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, control.fd, 0);
    cr_assert_neq(control.page, MAP_FAILED);
}

/* What gpw_settle_await does for a program: takes one request, and reports it. */
static void *serve_once(void *argument)
{
    struct gpw_control *page = control.page;
    uint32_t asked, before = *(uint32_t *)argument;
    while ((asked = atomic_load(&page->settle_asked)) == before)
        syscall(SYS_futex, &page->settle_asked, FUTEX_WAIT, before, NULL, NULL, 0);
    atomic_store(&page->settle_done, asked);
    syscall(SYS_futex, &page->settle_done, FUTEX_WAKE, 1, NULL, NULL, 0);
    return argument;
}

/* As another command has it: locks are told apart by that. */
static int open_again(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", control.fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

static bool is_unlocked(void)
{
    int fd = open_again();
    bool is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return is_free;
}

Test(settle, program_that_listens_is_asked_and_waited_for, .timeout = 60)
{
    static const uint32_t BEFORE[] = {0, 41, UINT32_MAX};
    open_page();
    for (unsigned i = 0; i < sizeof BEFORE / sizeof BEFORE[0]; i++) {
        pthread_t thread;
        uint32_t before = BEFORE[i];
        atomic_store(&control.page->settle_asked, before);
        atomic_store(&control.page->settle_done, before);
        atomic_store(&control.page->settle_listening, 1);
        cr_assert_eq(pthread_create(&thread, NULL, serve_once, &before), 0);
        struct settle_outcome outcome = settle_process(getpid(), &control, 20 * SECOND);
        pthread_join(thread, NULL);
        cr_expect_eq(outcome.way, SETTLE_BY_PROGRAM);
        cr_expect_eq(outcome.end, SETTLE_AT_REST);
        cr_expect_neq(atomic_load(&control.page->settle_asked), 0u, "0 is no request");
        cr_expect(is_unlocked());
    }
}

Test(settle, program_that_listens_and_does_nothing_is_given_up, .timeout = 60)
{
    open_page();
    atomic_store(&control.page->settle_listening, 1);
    struct settle_outcome outcome = settle_process(getpid(), &control, 300 * MS);
    cr_expect_eq(outcome.way, SETTLE_BY_PROGRAM);
    cr_expect_eq(outcome.end, SETTLE_TIMED_OUT);
    cr_expect_geq(outcome.took_ns, 300 * MS);
    cr_expect(is_unlocked());
    /* It may still be at work for us: the next one does not take it for a program that cannot. */
    atomic_store(&control.page->settle_listening, 0);
    cr_expect_eq(settle_process(getpid(), &control, 100 * MS).way, SETTLE_BY_PROGRAM);
    atomic_store(&control.page->settle_done, atomic_load(&control.page->settle_asked));
    cr_expect_eq(settle_process(getpid(), &control, 100 * MS).way, SETTLE_BY_RSS);
}

Test(settle, program_that_listens_and_ends_is_said_to_have_ended, .timeout = 60)
{
    pthread_t thread;
    open_page();
    atomic_store(&control.page->settle_listening, 1);
    pid_t pid = start(CHILD_RESTS);
    cr_assert_eq(pthread_create(&thread, NULL, end_child_soon, &pid), 0);
    struct settle_outcome outcome = settle_process(pid, &control, 20 * SECOND);
    cr_expect_eq(outcome.way, SETTLE_BY_PROGRAM);
    cr_expect_eq(outcome.end, SETTLE_ENDED);
    cr_expect_lt(outcome.took_ns, 10 * SECOND);
    pthread_join(thread, NULL);
    stop(pid);
    cr_expect(is_unlocked());
}

/* A command that asks for a dump at the moment has the page. */
Test(settle, other_command_is_waited_for, .timeout = 60)
{
    open_page();
    atomic_store(&control.page->settle_listening, 1);
    int other = open_again();
    cr_assert_eq(flock(other, LOCK_EX), 0);
    struct settle_outcome outcome = settle_process(getpid(), &control, 300 * MS);
    cr_expect_eq(outcome.end, SETTLE_TIMED_OUT);
    cr_expect_geq(outcome.took_ns, 300 * MS);
    cr_expect_eq(atomic_load(&control.page->settle_asked), 0u, "nobody was asked");
    close(other);
}

/* ---- a dump that does not come ---- */

static const char *ask_in_vain(pid_t pid, uint64_t wait_ns)
{
    static struct error error;
    struct control_answer answer;
    control.pid = pid;
    control.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    cr_assert_not(control_page_ask(&control, "", wait_ns, &answer, &error));
    cr_expect(is_unlocked());
    return error.text;
}

Test(settle, dump_that_does_not_come_is_told_by_its_reason, .timeout = 60)
{
    pthread_t thread;
    open_page();
    pid_t pid = start(CHILD_RESTS);
    cr_expect_not_null(strstr(ask_in_vain(pid, 50 * MS), "it may still come"));
    kill(pid, SIGSTOP);
    cr_assert_eq(waitpid(pid, NULL, WUNTRACED), pid);
    cr_expect_not_null(strstr(ask_in_vain(pid, 50 * MS), "it is stopped"));
    cr_assert_eq(pthread_create(&thread, NULL, end_child_soon, &pid), 0);
    cr_expect_not_null(strstr(ask_in_vain(pid, 3600 * SECOND), "it has ended before it made the dump"));
    pthread_join(thread, NULL);
    stop(pid);
}
