/* SPDX-License-Identifier: Apache-2.0
 *
 * The support library tests itself, without the shim: what it promises about programs, directories and dumps must hold
 * before a test that stands on it says anything about the shim. Failing tests cannot be tests of this run, so those of
 * them that matter run in a process of their own that is killed.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/deadline.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/environment.h"
#include "tests/e2e/support/guardian.h"
#include "tests/e2e/support/kernel_truth.h"
#include "tests/e2e/support/outbox.h"
#include "tests/e2e/support/program.h"
#include "tests/e2e/support/scavtrace.h"
#include "tests/e2e/support/setting.h"
#include "tests/e2e/support/temp_dir.h"
#include "tests/e2e/support/text.h"

static struct program *start_shell(const char *script)
{
    const char *arguments[] = {"sh", "-c", script, NULL};
    return program_start(&(struct program_setup){.arguments = arguments});
}

static bool is_alive(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return false;
    /* A zombie is dead: its pidfd is readable. */
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    bool has_ended = poll(&end, 1, 0) == 1;
    close(pidfd);
    return !has_ended;
}

/* A killed process closes its files, which is what others see of it, some time before it is dead. */
static bool comes_to_its_end(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return errno == ESRCH;
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    bool has_ended = poll(&end, 1, deadline_left_ms(deadline_usual())) == 1;
    close(pidfd);
    return has_ended;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static bool holds(const char *path, const char *expected)
{
    struct text text = text_of_file(path);
    bool is_same = strcmp(text_string(&text), expected) == 0;
    text_free(&text);
    return is_same;
}

/* ---- programs ---- */

Test(support, lines_are_awaited_by_their_beginning)
{
    struct program *program = start_shell("echo noise; echo 'truth one a=1 b=0x10'; echo 'ready one'; read x; "
                                          "echo \"got $x\"; echo bad >&2; read y; echo \"got $y\"");
    const char *truth = program_await_phase(program, "one");
    cr_expect_eq(text_number(truth, "a"), 1);
    cr_expect_eq(text_number(truth, "b"), 16);
    program_send(program, "word");
    cr_expect_str_eq(program_await_line(program, "got"), "got word");
    program_go_on(program);
    cr_expect_str_eq(program_await_line(program, "got"), "got ");
    cr_expect_eq(program_await_end(program), 0);
    cr_expect_str_eq(program_errors(program), "bad\n");
    program_free(program);
}

Test(support, ends_are_told_as_status_or_signal)
{
    struct program *program = start_shell("exit 7");
    cr_expect_eq(program_await_end(program), 7);
    cr_expect_eq(program_await_end(program), 7);
    program_free(program);

    program = start_shell("echo ready; read x");
    program_await_line(program, "ready");
    cr_expect_not(program_has_ended(program));
    program_signal(program, SIGTERM);
    cr_expect_eq(program_await_end(program), -SIGTERM);
    program_free(program);

    program = start_shell("cat");
    program_send(program, "through");
    program_close_input(program);
    cr_expect_eq(program_await_end(program), 0);
    cr_expect_str_eq(program_output(program), "through\n");
    program_free(program);
}

Test(support, much_output_does_not_stop_a_program)
{
    struct program *program =
        start_shell("i=0; while [ $i -lt 20000 ]; do echo 0123456789012345678901234567890123456789; "
                    "i=$((i+1)); done; seq 200000 >&2; echo last");
    program_await_line(program, "last");
    cr_expect_eq(program_await_end(program), 0);
    cr_expect_gt(strlen(program_output(program)), 800000);
    cr_expect_gt(strlen(program_errors(program)), 1000000);
    program_free(program);
}

static void allow_no_files(void)
{
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){4242, 4242});
}

Test(support, setup_changes_environment_directory_and_limits)
{
    setenv("GOPAGEWATCH_LOG", "debug", 1);
    setenv("GODEBUG", "efence=1", 1);
    setenv("SUPPORT_TAKEN_AWAY", "1", 1);
    setenv("SUPPORT_REPLACED", "before", 1);
    const char *script =
        "echo \"$GOPAGEWATCH_LOG,$GODEBUG,$SUPPORT_TAKEN_AWAY,$SUPPORT_REPLACED,$LC_ALL,$PWD\"; ulimit -f";
    const char *arguments[] = {"sh", "-c", script, NULL};
    const char *environment[] = {"SUPPORT_TAKEN_AWAY", "SUPPORT_REPLACED=once", "SUPPORT_REPLACED=after", NULL};
    struct program *program = program_run(&(struct program_setup){
        .arguments = arguments, .environment = environment, .directory = "/proc", .before_exec = allow_no_files});
    cr_expect_str_eq(program_output(program), ",,,after,C,/proc\n8\n");
    program_free(program);
}

Test(support, environment_leaves_the_tests_own_as_it_is)
{
    const char *const changes[] = {"SUPPORT_NEW=1", "PATH", NULL};
    char **environment = environment_make(changes);
    bool has_new = false, has_path = false;
    for (char **variable = environment; *variable != NULL; variable++) {
        has_new |= strcmp(*variable, "SUPPORT_NEW=1") == 0;
        has_path |= strncmp(*variable, "PATH=", 5) == 0;
    }
    cr_expect(has_new);
    cr_expect_not(has_path);
    cr_expect_not_null(getenv("PATH"));
    environment_free(environment);
}

Test(support, free_kills_the_program_and_its_children)
{
    struct program *program = start_shell("sleep 1000 & echo child $!; wait");
    pid_t child = atoi(program_await_line(program, "child ") + strlen("child "));
    pid_t pid = program_pid(program);
    cr_assert(is_alive(child) && is_alive(pid));
    program_free(program);
    cr_expect_not(is_alive(pid));
    cr_expect_not(is_alive(child));
}

Test(support, what_a_program_leaves_behind_is_killed_at_its_end)
{
    struct program *program = start_shell("sleep 1000 >/dev/null 2>&1 & echo child $!");
    pid_t child = atoi(program_await_line(program, "child ") + strlen("child "));
    cr_expect_eq(program_await_end(program), 0);
    cr_expect_not(is_alive(child));
    program_free(program);
}

/* ---- the end of a test that does not come to its end ---- */

/* What a crashed test leaves: a program with a child, and a directory with something in it. */
static __attribute__((noreturn)) void be_a_crashing_test(int report)
{
    struct temp_dir dir = temp_dir_make();
    const char *arguments[] = {
        "sh", "-c", "mkdir -p deep/er; echo x >deep/er/file; chmod 0 deep/er; sleep 1000 & echo child $!; wait", NULL};
    struct program *program = program_start(&(struct program_setup){.arguments = arguments, .directory = dir.path});
    int child = atoi(program_await_line(program, "child ") + strlen("child "));
    dprintf(report, "pid=%d child=%d guardian=%d\n%s\n", (int)program_pid(program), child, (int)dir.guardian.pid,
            dir.path);
    raise(SIGKILL);
    _exit(1);
}

Test(support, a_killed_test_leaves_nothing_behind)
{
    int report[2];
    cr_assert_eq(pipe(report), 0);
    pid_t test = fork();
    if (test == 0)
        be_a_crashing_test(report[1]);
    close(report[1]);
    cr_assert_eq(waitpid(test, NULL, 0), test);

    /* The guardians hold the other end too: it closes when the last of them has done its duty. */
    struct text told = {NULL, 0, 0};
    char piece[256];
    ssize_t got;
    while ((got = read(report[0], piece, sizeof piece)) > 0)
        text_append(&told, piece, (size_t)got);
    cr_assert_eq(got, 0);
    cr_assert_gt(told.length, 0);
    const char *line = text_string(&told);
    cr_expect(comes_to_its_end((pid_t)text_number(line, "pid")));
    cr_expect(comes_to_its_end((pid_t)text_number(line, "child")));
    char *path = strchr(told.bytes, '\n') + 1;
    path[strcspn(path, "\n")] = '\0';
    cr_expect_neq(access(path, F_OK), 0, "%s is still there", path);
    text_free(&told);
}

/* ---- dumps ---- */

static const char DUMP[] =
    "{\"schema\": \"gopagewatch.dump/1\", \"seq\": 1, \"go\": {\"arenas\": [{\"start\": \"0xc000000000\"}], "
    "\"advice\": [{\"by\": \"go\", \"advice\": \"DONTNEED\", \"calls\": 2, \"bytes\": 8192, \"errors\": 0}]}, "
    "\"rss\": {\"classes\": {\"go.heap\": {\"mapped\": 5, \"resident\": 4}, \"other\": {\"mapped\": 3, "
    "\"resident\": 1}}}}";

Test(support, a_setting_is_put_back_also_by_a_killed_test)
{
    struct temp_dir dir = temp_dir_make();
    char path[160];
    int report[2];
    snprintf(path, sizeof path, "%s/setting", dir.path);
    write_text(path, "60000\n");
    cr_assert_eq(pipe(report), 0);
    pid_t test = fork();
    if (test == 0) {
        struct setting setting;
        bool is_changed = setting_change(&setting, path, "10000") && holds(path, "10000\n");
        if (write(report[1], is_changed ? "y" : "n", 1) == 1)
            raise(SIGKILL);
        _exit(1);
    }
    close(report[1]);
    cr_assert_eq(waitpid(test, NULL, 0), test);
    char told[2] = {0};
    cr_expect_eq(read(report[0], told, 1), 1);
    cr_expect_eq(told[0], 'y');
    cr_expect_eq(read(report[0], told, 1), 0); /* the guardian has ended */
    cr_expect(holds(path, "60000\n"));
    close(report[0]);
    temp_dir_remove(&dir);
}

Test(support, the_chosen_word_of_a_setting_is_put_back)
{
    struct temp_dir dir = temp_dir_make();
    struct setting setting;
    char path[160];
    snprintf(path, sizeof path, "%s/setting", dir.path);
    write_text(path, "always [madvise] never\n");
    cr_assert(setting_change(&setting, path, "never"));
    cr_expect_str_eq(setting.value, "madvise");
    setting_restore(&setting);
    cr_expect(holds(path, "madvise[madvise] never\n")); /* in /sys each write is the whole value */
    cr_expect_not(setting_change(&setting, "/nonexistent/setting", "1"));
    temp_dir_remove(&dir);
}

Test(support, a_dump_is_there_when_it_has_its_name)
{
    struct temp_dir dir = temp_dir_make();
    struct outbox outbox;
    outbox_open(&outbox, dir.path);
    const char *script =
        "read json; for i in 1 2; do printf %s \"$json\" >$i.part; read x; mv $i.part $i.json; done; read x";
    const char *arguments[] = {"sh", "-c", script, NULL};
    struct program *program = program_start(&(struct program_setup){.arguments = arguments, .directory = dir.path});
    program_send(program, DUMP);
    cr_expect_null(outbox_next(&outbox));
    program_go_on(program);
    const char *path = outbox_await(&outbox, program);
    cr_expect_str_eq(strrchr(path, '/'), "/1.json");
    json_t *dump = dump_load(path);
    cr_expect_eq(dump_number(dump, "seq"), 1);
    cr_expect_eq(dump_class_resident(dump, "go.heap"), 4);
    cr_expect_eq(dump_class(dump, "other", "mapped"), 3);
    cr_expect_eq(dump_resident_sum(dump), 5);
    cr_expect_eq(dump_address(dump, "go/arenas/0/start"), 0xc000000000);
    cr_expect_eq(dump_advice(dump, "go", "DONTNEED").bytes, 8192);
    cr_expect_eq(dump_advice(dump, "c", "DONTNEED").calls, 0);
    cr_expect_null(dump_find(dump, "go/arenas/1/start"));
    cr_expect_null(dump_find(dump, "nothing/at/all"));
    json_decref(dump);

    program_go_on(program);
    cr_expect_str_eq(strrchr(outbox_await(&outbox, program), '/'), "/2.json");
    cr_expect_null(outbox_next(&outbox));
    cr_expect_eq(outbox_count_files(&outbox), 2);
    program_go_on(program);
    cr_expect_eq(program_await_end(program), 0);
}

/* ---- other sides of a comparison ---- */

Test(support, scavtrace_is_summed_in_both_forms)
{
    struct scavtrace old = scavtrace_sum("noise\nscav 512 KiB work, 5240 KiB total, 97% util\n"
                                         "scav 8 KiB work, 5248 KiB total, 1% util (forced)\nscavenger\n");
    cr_expect_eq(old.lines, 2);
    cr_expect_eq(old.forced_lines, 1);
    cr_expect_eq(old.background_bytes, 512 << 10);
    cr_expect_eq(old.forced_bytes, 8 << 10);
    cr_expect_eq(old.released_bytes, 520 << 10);

    struct scavtrace new =
        scavtrace_sum("scav 1 KiB work (bg), 2 KiB work (eager), 100 KiB now, 97% util [controller reset]\n"
                      "scav 0 KiB work (bg), 4 KiB work (eager), 104 KiB now, 97% util (forced)");
    cr_expect_eq(new.lines, 2);
    cr_expect_eq(new.background_bytes, 1 << 10);
    cr_expect_eq(new.eager_bytes, 2 << 10);
    cr_expect_eq(new.forced_bytes, 4 << 10);
    cr_expect_eq(new.released_bytes, 7 << 10);
    cr_expect_eq(scavtrace_sum("").lines, 0);
}

Test(support, words_are_found_whole)
{
    uint64_t number;
    cr_expect_not(text_word_number("heap_alloc=5", "alloc", &number));
    cr_expect(text_word_number("heap_alloc=5 alloc=6", "alloc", &number) && number == 6);
    cr_expect_not(text_word_number("alloc=", "alloc", &number));
    cr_expect_not(text_word_number("alloc=5x", "alloc", &number));
}

Test(support, kernel_truth_knows_this_process)
{
    struct smaps_sums all = smaps_sum(getpid(), NULL), libc = smaps_sum(getpid(), "/libc.so");
    cr_expect_gt(libc.mappings, 2);
    cr_expect_gt(libc.rss_bytes, 0);
    cr_expect_gt(all.rss_bytes, libc.rss_bytes);
    cr_expect_gt(all.anonymous_bytes, 0);
    cr_expect_gt(status_bytes(getpid(), "VmRSS"), 0);
    cr_expect_eq(status_number(getpid(), "Pid"), (uint64_t)getpid());
    signal(SIGUSR2, SIG_IGN);
    cr_expect(status_signals(getpid(), "SigIgn") & 1ull << (SIGUSR2 - 1));
}

/* ---- the programs, of every toolchain ---- */

TOOLCHAIN_TEST(support, freeloop_gives_back_what_scavtrace_says, .timeout = 300)
{
    const char *arguments[] = {app_path(toolchain, "freeloop"), "-n", "3", "-wait", NULL};
    const char *environment[] = {"GOGC=off", "GODEBUG=scavtrace=1", NULL};
    struct program *program =
        program_start(&(struct program_setup){.arguments = arguments, .environment = environment});
    const char *truth = program_await_phase(program, "done");
    struct scavtrace scavtrace = scavtrace_sum(program_errors(program));
    cr_expect_geq(scavtrace.forced_lines, 3, "go%s", toolchain->version);
    cr_expect_geq(scavtrace.released_bytes, text_number(truth, "dropped_bytes"), "go%s", toolchain->version);
    cr_expect_eq(scavtrace.released_bytes, scavtrace.forced_bytes, "go%s", toolchain->version);
    program_go_on(program);
    cr_expect_eq(program_await_end(program), 0);
    program_free(program);
}

TOOLCHAIN_TEST(support, mapdemo_holds_what_it_says, .timeout = 300)
{
    const char *arguments[] = {app_path(toolchain, "mapdemo"), NULL};
    struct program *program = program_start(&(struct program_setup){.arguments = arguments});
    const char *truth = program_await_phase(program, "full");
    uint64_t full = smaps_sum(program_pid(program), NULL).rss_bytes;
    uint64_t held = text_number(truth, "heap_alloc") + text_number(truth, "c_small_used") +
                    text_number(truth, "c_big") + text_number(truth, "c_mmap");
    cr_expect_gt(full, held, "go%s", toolchain->version);
    cr_expect_gt(text_number(truth, "heap_alloc"), 40 << 20, "go%s", toolchain->version);
    program_go_on(program);
    truth = program_await_phase(program, "dropped");
    cr_expect_lt(text_number(truth, "heap_alloc"), 1 << 20, "go%s", toolchain->version);
    cr_expect_gt(text_number(truth, "c_small_freed"), 4 << 20, "go%s", toolchain->version);
    program_go_on(program);
    program_await_phase(program, "returned");
    cr_expect_lt(smaps_sum(program_pid(program), NULL).rss_bytes + (40 << 20), full, "go%s", toolchain->version);
    program_go_on(program);
    cr_expect_eq(program_await_end(program), 0);
    program_free(program);
}
