/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes wrong around the shim costs one clear line and never the program: it goes on and ends well.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

/* mapdemo at rest in its first phase, under these circumstances. */
static struct watched *watch_oldest(const char *const *environment, void (*before_exec)(void))
{
    struct toolchain found[TOOLCHAINS_MAX];
    toolchains_find(found);
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(&found[0], "mapdemo"), "-heap", "4", NULL},
        .environment = environment,
        .before_exec = before_exec,
    };
    struct watched *watched = watched_start(&setup);
    program_await_phase(watched->program, "full");
    return watched;
}

static void expect_complaint(struct watched *watched, const char *expected)
{
    program_signal(watched->program, SIGUSR2);
    program_await_error(watched->program, expected);
}

/* The program ends well; there was that one line of ours, and no file is left. */
static void expect_unharmed(struct watched *watched)
{
    for (int i = 0; i < 3; i++)
        program_go_on(watched->program);
    cr_expect_eq(program_await_end(watched->program), 0);
    cr_expect_eq(count_lines(program_errors(watched->program)), 1u, "%s", program_errors(watched->program));
    cr_expect_eq(strncmp(program_errors(watched->program), "gopagewatch: ", 13), 0);
    cr_expect_eq(outbox_count_files(&watched->outbox), 0u, "a file was left");
    watched_end(watched);
}

static void expect_no_dump(struct watched *watched, const char *expected)
{
    expect_complaint(watched, expected);
    expect_unharmed(watched);
}

Test(bad_input, missing_directory, .timeout = 180)
{
    struct watched *watched = watch_oldest((const char *[]){"GOPAGEWATCH_OUT=/nonexistent/%n.json", NULL}, NULL);
    expect_no_dump(watched, "cannot create /nonexistent/1.json: no such file or directory (ENOENT)");
}

Test(bad_input, place_that_cannot_be_written, .timeout = 180)
{
    struct watched *watched = watch_oldest((const char *[]){"GOPAGEWATCH_OUT=/proc/%n.json", NULL}, NULL);
    expect_no_dump(watched, "cannot create /proc/1.json: ");
}

static void limit_file_size(void)
{
    struct rlimit limit = {8192, 8192};
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_IGN);
}

/* Like a full disk, but without being root: the file may not grow beyond 8 KiB. */
Test(bad_input, disk_that_is_full_halfway, .timeout = 180)
{
    struct watched *watched = watch_oldest(NULL, limit_file_size);
    expect_no_dump(watched, "file too large (EFBIG)");
}

static void allow_no_file(void)
{
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, 0});
}

/* Not even the page by which the shim is asked, and the signal of such a limit ends who does not ignore it. */
Test(bad_input, process_that_may_write_no_file_lives_on, .timeout = 180)
{
    struct watched *watched = watch_oldest(NULL, allow_no_file);
    expect_no_dump(watched, "file too large (EFBIG)");
}

static void mount_small_disk(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", "/mnt", "tmpfs", 0, "size=8k") != 0)
        _exit(77);
}

static void hide_proc(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", "/proc", "tmpfs", 0, NULL) != 0)
        _exit(77);
}

/* Skips, with the reason, where mounts are not permitted. */
static bool may_mount(void)
{
    pid_t child = fork();
    if (child == 0) {
        hide_proc();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    cr_skip_test("mounting is not permitted here");
    return false;
}

Test(bad_input, full_disk, .timeout = 180)
{
    if (!may_mount())
        return;
    struct watched *watched = watch_oldest((const char *[]){"GOPAGEWATCH_OUT=/mnt/%n.json", NULL}, mount_small_disk);
    expect_no_dump(watched, "cannot write /mnt/1.json: no space left on device (ENOSPC)");
}

Test(bad_input, no_proc, .timeout = 180)
{
    if (!may_mount())
        return;
    struct watched *watched = watch_oldest(NULL, hide_proc);
    expect_no_dump(watched, "cannot read /proc/self/pagemap: no such file or directory (ENOENT)");
}

/* The limit comes when the program rests, and goes before it needs a descriptor itself (the runtime's epoll). */
Test(bad_input, no_descriptor_left, .timeout = 180)
{
    struct watched *watched = watch_oldest(NULL, NULL);
    struct rlimit none = {3, 0}, before;
    must(prlimit(program_pid(watched->program), RLIMIT_NOFILE, NULL, &before) == 0, "prlimit");
    none.rlim_max = before.rlim_max;
    must(prlimit(program_pid(watched->program), RLIMIT_NOFILE, &none, NULL) == 0, "prlimit");
    expect_complaint(watched, "no file descriptor left (EMFILE)");
    must(prlimit(program_pid(watched->program), RLIMIT_NOFILE, &before, NULL) == 0, "prlimit");
    expect_unharmed(watched);
}

/* A failed dump is counted in the next one. */
Test(bad_input, failed_dump_is_counted_in_the_next, .timeout = 180)
{
    struct temp_dir dir = temp_dir_make();
    char missing[200], out[256];
    snprintf(missing, sizeof missing, "%s/later", dir.path);
    snprintf(out, sizeof out, "GOPAGEWATCH_OUT=%s/%%n.json", missing);
    struct watched *watched = watch_oldest((const char *[]){out, NULL}, NULL);
    program_signal(watched->program, SIGUSR2);
    program_await_error(watched->program, "no dump");
    must(mkdir(missing, 0700) == 0, "%s", missing);
    struct outbox outbox;
    outbox_open(&outbox, missing);
    program_signal(watched->program, SIGUSR2);
    json_t *dump = dump_load(outbox_await(&outbox, watched->program));
    cr_expect_eq(dump_number(dump, "books/shim/counters/dumps_failed"), 1u);
    json_decref(dump);
    outbox_close(&outbox);
    watched_end(watched);
}

static const struct {
    const char *setting, *complaint;
} WRONG_VALUES[] = {
    {"GOPAGEWATCH_SIGNAL=KILL", "GOPAGEWATCH_SIGNAL=\"KILL\" is not accepted: give USR1, USR2, "},
    {"GOPAGEWATCH_SIGNAL=RTMIN+31", "GOPAGEWATCH_SIGNAL=\"RTMIN+31\" is not accepted: "},
    {"GOPAGEWATCH_SIGNAL=", "GOPAGEWATCH_SIGNAL=\"\" is not accepted: "},
    {"GOPAGEWATCH_FOLLOW=yes", "GOPAGEWATCH_FOLLOW=\"yes\" is not accepted: give 0 or 1; using 1"},
    {"GOPAGEWATCH_LOG=loud", "GOPAGEWATCH_LOG=\"loud\" is not accepted: give quiet, error, info or debug; using error"},
    {"GOPAGEWATCH_OUT=%z", "GOPAGEWATCH_OUT=\"%z\" is not accepted: give a path"},
    {"GOPAGEWATCH_TYPO=1", "GOPAGEWATCH_TYPO=\"1\" has no effect: known in version"},
};

Test(bad_input, wrong_value_costs_one_line_and_the_default_is_used, .timeout = 300)
{
    for (unsigned i = 0; i < sizeof WRONG_VALUES / sizeof WRONG_VALUES[0]; i++) {
        struct temp_dir dir = temp_dir_make();
        struct toolchain found[TOOLCHAINS_MAX];
        toolchains_find(found);
        struct program_setup setup = {
            .arguments = (const char *[]){app_path(&found[0], "mapdemo"), "-heap", "4", NULL},
            .environment = (const char *[]){WRONG_VALUES[i].setting, NULL},
            .directory = dir.path, /* where a dump by the default pattern goes */
        };
        struct watched *watched = watched_start(&setup);
        struct outbox outbox;
        outbox_open(&outbox, dir.path);
        program_await_phase(watched->program, "full");
        program_signal(watched->program, SIGUSR2);
        bool is_default_place = strncmp(WRONG_VALUES[i].setting, "GOPAGEWATCH_OUT", 15) == 0;
        json_decref(dump_load(outbox_await(is_default_place ? &outbox : &watched->outbox, watched->program)));
        for (int k = 0; k < 3; k++)
            program_go_on(watched->program);
        cr_expect_eq(program_await_end(watched->program), 0);
        const char *errors = program_errors(watched->program);
        cr_expect(strstr(errors, WRONG_VALUES[i].complaint) != NULL, "%s: %s", WRONG_VALUES[i].setting, errors);
        cr_expect_eq(count_lines(errors), 1u, "%s: %s", WRONG_VALUES[i].setting, errors);
        outbox_close(&outbox);
        watched_end(watched);
        temp_dir_remove(&dir);
    }
}

Test(bad_input, debug_tells_how_long_the_steps_of_a_dump_took, .timeout = 180)
{
    struct watched *watched = watch_oldest((const char *[]){"GOPAGEWATCH_LOG=debug", NULL}, NULL);
    program_signal(watched->program, SIGUSR2);
    program_await_error(watched->program, "dump written: ");
    program_await_error(watched->program, "dump: read in ");
    watched_end(watched);
}

Test(bad_input, quiet_says_nothing, .timeout = 180)
{
    struct watched *watched = watch_oldest(
        (const char *[]){"GOPAGEWATCH_LOG=quiet", "GOPAGEWATCH_SIGNAL=KILL", "GOPAGEWATCH_OUT=/nonexistent/x", NULL},
        NULL);
    program_signal(watched->program, SIGUSR2);
    for (int i = 0; i < 3; i++)
        program_go_on(watched->program);
    cr_expect_eq(program_await_end(watched->program), 0);
    cr_expect_str_empty(program_errors(watched->program));
    watched_end(watched);
}
