/* SPDX-License-Identifier: Apache-2.0
 *
 * What daemons do after their start takes nothing from a dump: they give up root, close all descriptors, run at a
 * real-time priority.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"

static struct watched *watch_daemon(const struct toolchain *toolchain, void (*before_exec)(void))
{
    struct program_setup setup = {.arguments = (const char *[]){app_path(toolchain, "daemon"), NULL},
                                  .before_exec = before_exec};
    struct watched *watched = watched_start(&setup);
    must(chmod(watched->dir.path, 0777) == 0, "%s", watched->dir.path); /* whoever it becomes */
    program_await_phase(watched->program, "daemon");
    return watched;
}

static void tell(struct watched *watched, const char *command)
{
    char ready[64];
    snprintf(ready, sizeof ready, "ready %s", command);
    program_send(watched->program, command);
    program_await_line(watched->program, ready);
}

static json_t *dump_now(struct watched *watched)
{
    program_signal(watched->program, SIGUSR2);
    return dump_load(outbox_await(&watched->outbox, watched->program));
}

static void expect_whole(struct watched *watched)
{
    json_t *dump = dump_now(watched);
    cr_expect_str_neq(dump_text(dump, "books/pagemap/how"), "none");
    cr_expect_gt(dump_number(dump, "rss/explained"), dump_number(dump, "rss/total") / 10 * 9);
    cr_expect_gt(dump_number(dump, "rss/classes/go.image/resident"), 0u);
    json_decref(dump);
}

static void expect_good_end(struct watched *watched)
{
    program_send(watched->program, "quit");
    cr_expect_eq(program_await_end(watched->program), 0);
    cr_expect_str_empty(program_errors(watched->program));
    watched_end(watched);
}

/* /proc/self/pagemap is root's from then on. */
TOOLCHAIN_TEST(daemon, that_gave_up_root_is_dumped, .timeout = 180)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give up root");
    struct watched *watched = watch_daemon(toolchain, NULL);
    tell(watched, "setuid");
    expect_whole(watched);
    expect_whole(watched);
    expect_good_end(watched);
}

TOOLCHAIN_TEST(daemon, that_closes_all_descriptors_is_dumped, .timeout = 180)
{
    struct watched *watched = watch_daemon(toolchain, NULL);
    expect_whole(watched);
    tell(watched, "close");
    expect_whole(watched);
    expect_good_end(watched);
}

/* Nobody can open pagemap any more: the other books stand, and the dump says what is missing. */
TOOLCHAIN_TEST(daemon, that_did_both_has_a_dump_that_says_why_nothing_is_resident, .timeout = 180)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give up root");
    struct watched *watched = watch_daemon(toolchain, NULL);
    tell(watched, "setuid");
    tell(watched, "close");
    json_t *dump = dump_now(watched);
    cr_expect_str_eq(dump_text(dump, "books/pagemap/how"), "none");
    cr_expect_str_eq(dump_text(dump, "books/pagemap/missing/0/what"), "what is resident");
    cr_expect(strstr(dump_text(dump, "books/pagemap/missing/0/why"), "setuid") != NULL);
    cr_expect_gt(dump_number(dump, "rss/total"), 0u);
    cr_expect_gt(dump_number(dump, "rss/classes/go.objects/mapped"), 0u);
    cr_expect_eq(dump_number(dump, "rss/classes/go.objects/huge"), 0u);
    cr_expect_eq(json_array_size(dump_at(dump, "findings")), 0u);
    json_decref(dump);
    expect_good_end(watched);
}

static void become_real_time(void)
{
    const struct sched_param param = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO, &param) != 0)
        _exit(77);
}

/* The thread of that name in the process, or 0. */
static pid_t thread_called(pid_t pid, const char *name)
{
    char path[64];
    pid_t found = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    must(threads != NULL, "%s", path);
    for (const struct dirent *entry = readdir(threads); entry != NULL; entry = readdir(threads)) {
        char comm[32] = "";
        snprintf(path, sizeof path, "/proc/%d/task/%.16s/comm", (int)pid, entry->d_name);
        FILE *file = fopen(path, "re");
        if (file != NULL && fscanf(file, "%31s", comm) == 1 && strcmp(comm, name) == 0)
            found = (pid_t)strtol(entry->d_name, NULL, 10);
        if (file != NULL)
            fclose(file);
    }
    closedir(threads);
    return found;
}

/* There it would keep its CPU from all who have none: sched_yield lets only its equals go first. */
TOOLCHAIN_TEST(daemon, of_a_real_time_priority_has_a_dumper_of_none, .timeout = 180)
{
    struct sched_param param = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO, &param) != 0)
        cr_skip_test("real-time priorities are not permitted here");
    param.sched_priority = 0;
    must(sched_setscheduler(0, SCHED_OTHER, &param) == 0, "SCHED_OTHER");
    struct watched *watched = watch_daemon(toolchain, become_real_time);
    expect_whole(watched);
    pid_t pid = program_pid(watched->program), dumper = thread_called(pid, "gopagewatch");
    cr_assert_gt(dumper, 0);
    cr_expect_eq(sched_getscheduler(pid), SCHED_FIFO);
    cr_expect_eq(sched_getscheduler(dumper), SCHED_OTHER);
    expect_good_end(watched);
}
