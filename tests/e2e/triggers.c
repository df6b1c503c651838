/* SPDX-License-Identifier: Apache-2.0
 *
 * What brings a dump about beside the signal: the end of the program, the clock, its size, and `gopagewatch dump`.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/etcd.h"
#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/dump.h"

enum { PATH_BYTES = 512, TEXT_BYTES = 64 };

/* ---- at exit ---- */

static const struct {
    const char *end;
    int status;
    bool has_dump;
} ENDS[] = {
    {"return", 0, true}, {"exit7", 7, true}, {"panic", 2, true}, {"nil", 3, true}, {"sigkill", -SIGKILL, false},
};

TOOLCHAIN_TEST(triggers, a_program_that_ends_by_itself_leaves_a_dump_and_its_status, .timeout = 300)
{
    for (unsigned i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        struct program_setup setup = {
            .arguments = (const char *[]){app_path(toolchain, "identity"), "-end", ENDS[i].end, NULL},
            .environment = (const char *[]){"GOPAGEWATCH_AT_EXIT=1", NULL},
        };
        struct watched *watched = watched_start(&setup);
        program_close_input(watched->program);
        cr_expect_eq(program_await_end(watched->program), ENDS[i].status, "%s: %s", ENDS[i].end,
                     program_errors(watched->program));
        const char *path = outbox_next(&watched->outbox);
        cr_assert_eq(path != NULL, ENDS[i].has_dump, "%s", ENDS[i].end);
        if (path != NULL) {
            json_t *dump = dump_load(path);
            cr_expect_str_eq(dump_text(dump, "reason"), "exit", "%s", ENDS[i].end);
            cr_expect_eq(dump_number(dump, "seq"), 1u);
            json_decref(dump);
        }
        watched_end(watched);
    }
}

TOOLCHAIN_TEST(triggers, a_c_program_with_a_go_library_leaves_a_dump_too, .timeout = 180)
{
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "chost.linked"), NULL},
        .environment = (const char *[]){"GOPAGEWATCH_AT_EXIT=1", NULL},
    };
    struct watched *watched = watched_start(&setup);
    for (int i = 0; i < 3; i++)
        program_go_on(watched->program);
    program_close_input(watched->program);
    cr_expect_eq(program_await_end(watched->program), 0, "%s", program_errors(watched->program));
    const char *path = outbox_next(&watched->outbox);
    cr_assert_not_null(path);
    json_t *dump = dump_load(path);
    cr_expect_str_eq(dump_text(dump, "reason"), "exit");
    json_decref(dump);
    watched_end(watched);
}

/* Children of every kind end by the same function or by libc's, and are no business of the parent's. */
Test(triggers, forked_children_end_at_once_and_leave_nothing, .timeout = 180)
{
    struct toolchain found[TOOLCHAINS_MAX];
    cr_assert_gt(toolchains_find(found), 0u);
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(&found[0], "forker"), NULL},
        .environment = (const char *[]){"GOPAGEWATCH_AT_EXIT=1", "GOPAGEWATCH_FOLLOW=0", NULL},
    };
    struct watched *watched = watched_start(&setup);
    program_await_phase(watched->program, "forked");
    program_close_input(watched->program);
    cr_expect_eq(program_await_end(watched->program), 0, "%s", program_errors(watched->program));
    cr_assert_not_null(outbox_next(&watched->outbox), "the parent's own");
    cr_expect_null(outbox_next(&watched->outbox));
    cr_expect_eq(outbox_count_files(&watched->outbox), 1u);
    watched_end(watched);
}

/* ---- by the clock and by size ---- */

TOOLCHAIN_TEST(triggers, dumps_come_by_the_clock, .timeout = 180)
{
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "heapstats"), NULL},
        .environment = (const char *[]){"GOPAGEWATCH_EVERY=150ms", NULL},
    };
    struct watched *watched = watched_start(&setup);
    uint64_t before_ns = 0;
    program_await_phase(watched->program, "full");
    for (unsigned i = 1; i <= 4; i++) {
        json_t *dump = dump_load(outbox_await(&watched->outbox, watched->program));
        uint64_t now_ns = dump_number(dump, "time/since_start_ns");
        cr_expect_str_eq(dump_text(dump, "reason"), "every");
        cr_expect_eq(dump_number(dump, "seq"), i);
        /* Later than the one before by no less than a dump could be late itself. */
        cr_expect_gt(now_ns, before_ns);
        before_ns = now_ns;
        json_decref(dump);
    }
    cr_expect_geq(before_ns, 3 * 150000000ull, "four dumps take at least three intervals");
    watched_end(watched);
}

/* The heap of mapdemo grows to what it says, is dropped and grows no more. */
TOOLCHAIN_TEST(triggers, a_dump_comes_when_the_size_passes_the_mark_and_not_again_above_it, .timeout = 180)
{
    enum { MARK_BYTES = 40 << 20 };
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "mapdemo"), NULL},
        .environment = (const char *[]){"GOPAGEWATCH_RSS=40MiB", NULL},
    };
    struct watched *watched = watched_start(&setup);
    json_t *dump = dump_load(outbox_await(&watched->outbox, watched->program));
    cr_expect_str_eq(dump_text(dump, "reason"), "rss");
    cr_expect_gt(dump_number(dump, "rss/total"), (uint64_t)MARK_BYTES);
    json_decref(dump);
    program_await_phase(watched->program, "full");
    /* One more on demand proves that the dumper was round again, and that it is the second. */
    dump = watched_dump(watched);
    cr_expect_str_eq(dump_text(dump, "reason"), "signal");
    cr_expect_eq(dump_number(dump, "seq"), 2u);
    json_decref(dump);
    watched_end(watched);
}

/* ---- on request ---- */

static struct program *run_command(const char *const *arguments)
{
    struct program_setup setup = {.arguments = arguments};
    struct program *command = program_run(&setup);
    program_await_end(command);
    return command;
}

static void ask(struct watched *watched, const char *label)
{
    char pid[16], path[PATH_BYTES];
    snprintf(pid, sizeof pid, "%d", (int)program_pid(watched->program));
    struct program *command =
        run_command((const char *[]){built_path("gopagewatch"), "dump", pid, "--label", label, NULL});
    cr_assert_eq(program_await_end(command), 0, "%s", program_errors(command));
    snprintf(path, sizeof path, "%s", program_output(command));
    path[strcspn(path, "\n")] = '\0';
    program_free(command);
    json_t *dump = dump_load(path);
    cr_expect_str_eq(dump_text(dump, "reason"), "request");
    cr_expect_str_eq(dump_text(dump, "label"), label);
    json_decref(dump);
    cr_expect_str_eq(outbox_await(&watched->outbox, watched->program), path);
}

/* The page cannot be made shorter by whoever may open it: the program's next look would be its end. */
Test(triggers, page_that_is_shared_cannot_be_cut, .timeout = 180)
{
    struct toolchain found[TOOLCHAINS_MAX];
    char command[PATH_BYTES];
    cr_assert_gt(toolchains_find(found), 0u);
    struct watched *watched = watch_app(&found[0], "heapstats", NULL);
    program_await_phase(watched->program, "full");
    snprintf(command, sizeof command,
             "for fd in /proc/%d/fd/*; do case $(readlink $fd) in /memfd:gopagewatch*) echo found; truncate -s 0 $fd "
             "2>/dev/null && echo cut; esac; done",
             (int)program_pid(watched->program));
    struct program *shell = run_command((const char *[]){"sh", "-c", command, NULL});
    cr_expect_str_eq(program_output(shell), "found\n", "%s", program_output(shell));
    program_free(shell);
    ask(watched, "after");
    watched_end(watched);
}

/* Also of a program that is busy, and where no signal asks for dumps. */
TOOLCHAIN_TEST(triggers, dump_asks_and_names_the_file, .timeout = 300)
{
    static const char *const SIGNALS[] = {"GOPAGEWATCH_SIGNAL=USR2", "GOPAGEWATCH_SIGNAL=none"};
    for (unsigned i = 0; i < 2; i++) {
        struct program_setup setup = {
            .arguments = (const char *[]){app_path(toolchain, "busy"), NULL},
            .environment = (const char *[]){SIGNALS[i], NULL},
        };
        struct watched *watched = watched_start(&setup);
        program_await_phase(watched->program, "busy");
        for (unsigned k = 0; k < 5; k++) {
            char label[TEXT_BYTES];
            snprintf(label, sizeof label, "label %u", k);
            ask(watched, label);
        }
        program_close_input(watched->program);
        cr_expect_eq(program_await_end(watched->program), 0, "%s", program_errors(watched->program));
        watched_end(watched);
    }
}

static void expect_refusal(const char *const *arguments, int status, const char *said)
{
    struct program *command = run_command(arguments);
    cr_expect_eq(program_await_end(command), status, "%s", program_errors(command));
    cr_expect_not_null(strstr(program_errors(command), said), "\"%s\" does not say \"%s\"", program_errors(command),
                       said);
    const char *newline = strchr(program_errors(command), '\n');
    cr_expect(newline != NULL && newline[1] == '\0', "one line: %s", program_errors(command));
    program_free(command);
}

/* SIGUSR2 would end `cat`. */
Test(triggers, dump_does_not_touch_a_process_without_the_shim, .timeout = 180)
{
    char pid[16];
    struct program_setup setup = {.arguments = (const char *[]){"cat", NULL}};
    struct program *cat = program_start(&setup);
    program_send(cat, "there");
    program_await_line(cat, "there");
    snprintf(pid, sizeof pid, "%d", (int)program_pid(cat));
    expect_refusal((const char *[]){built_path("gopagewatch"), "dump", pid, NULL}, 4, "there is no shim in it");
    program_send(cat, "still there");
    program_await_line(cat, "still there");
    program_free(cat);
}

Test(triggers, dump_says_why_none_comes, .timeout = 180)
{
    struct toolchain found[TOOLCHAINS_MAX];
    char pid[16];
    cr_assert_gt(toolchains_find(found), 0u);
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(&found[0], "heapstats"), NULL},
        .environment = (const char *[]){"GOPAGEWATCH_OUT=/proc/nowhere/%n.json", "GOPAGEWATCH_LOG=quiet", NULL},
    };
    struct watched *watched = watched_start(&setup);
    program_await_phase(watched->program, "full");
    snprintf(pid, sizeof pid, "%d", (int)program_pid(watched->program));
    const char *command = built_path("gopagewatch");
    expect_refusal((const char *[]){command, "dump", pid, NULL}, 4, "cannot create /proc/nowhere/1.json");
    program_signal(watched->program, SIGSTOP);
    expect_refusal((const char *[]){command, "dump", pid, "--timeout", "200ms", NULL}, 4,
                   "within the time: it is stopped");
    program_signal(watched->program, SIGCONT);
    expect_refusal((const char *[]){command, "dump", "1073741824", NULL}, 4, "no such process");
    expect_refusal((const char *[]){command, "dump", "-3", NULL}, 2, "option '-3' is unknown");
    expect_refusal((const char *[]){command, "dump", "three", NULL}, 2, "is no process id");
    expect_refusal((const char *[]){command, "dump", NULL}, 2, "no process was named");
    expect_refusal((const char *[]){command, "dump", pid, "--timeout", "5", NULL}, 2, "is no time");
    watched_end(watched);
}

/* ---- run ---- */

TOOLCHAIN_TEST(triggers, run_is_the_program_under_the_shim, .timeout = 180)
{
    struct temp_dir dir = temp_dir_make();
    char pattern[PATH_BYTES], path[2 * PATH_BYTES + TEXT_BYTES];
    snprintf(pattern, sizeof pattern, "%s/%%e.%%n.json", dir.path);
    const char *const arguments[] = {built_path("gopagewatch"),       "run",  "-o",    pattern, "--at-exit", "--",
                                     app_path(toolchain, "identity"), "-end", "exit7", NULL};
    struct program *program = run_command(arguments);
    cr_expect_eq(program_await_end(program), 7, "%s", program_errors(program));
    struct program *plain = run_command(arguments + 6);
    cr_expect_str_eq(program_output(program), program_output(plain));
    /* Before it begins it is told where the dump will be. */
    snprintf(path, sizeof path, "gopagewatch: run: dumps go to %s; next: gopagewatch report %s/*.*.json\n", pattern,
             dir.path);
    cr_expect_eq(strncmp(program_errors(program), path, strlen(path)), 0, "%s", program_errors(program));
    cr_expect_str_eq(program_errors(program) + strlen(path), program_errors(plain));
    snprintf(path, sizeof path, "%s/identity.1.json", dir.path);
    json_t *dump = dump_load(path);
    cr_expect_str_eq(dump_text(dump, "reason"), "exit");
    json_decref(dump);
    program_free(program);
    program_free(plain);
    temp_dir_remove(&dir);
}

TOOLCHAIN_TEST(triggers, run_refuses_what_would_not_load_the_shim, .timeout = 180)
{
    const char *command = built_path("gopagewatch");
    expect_refusal((const char *[]){command, "run", app_path(toolchain, "identity.static"), NULL}, 4,
                   "gopagewatch attach PID");
    expect_refusal((const char *[]){command, "run", app_path(toolchain, "identity.static-pie"), NULL}, 4,
                   "CGO_ENABLED=0");
    expect_refusal((const char *[]){command, "run", "/nonexistent/program", NULL}, 4, "No such file");
    expect_refusal(
        (const char *[]){command, "run", "-o", "/nonexistent/%p.json", app_path(toolchain, "identity"), NULL}, 4,
        "no dump can be made in /nonexistent: No such file or directory; make it");
    expect_refusal((const char *[]){command, "run", "nonexistent-program", NULL}, 4, "not in PATH");
    expect_refusal((const char *[]){command, "run", "/", NULL}, 4, "is a directory");
    expect_refusal((const char *[]){command, "run", "/etc/passwd", NULL}, 4, "may not be executed");
    expect_refusal((const char *[]){command, "run", "--every", "0s", "true", NULL}, 2, "100ms");
    expect_refusal((const char *[]){command, "run", "--when-rss", "much", "true", NULL}, 2, "512MiB");
    expect_refusal((const char *[]){command, "run", NULL}, 2, "no program");
}

/* ---- the whole way ---- */

/* What somebody does who has read nothing but the first page: three commands. */
Test(triggers, three_commands_explain_etcd, .timeout = 300)
{
    char pid[16], path[PATH_BYTES];
    double percent = 0;
    struct etcd *etcd = etcd_start(ETCD_BY_RUN);
    etcd_put_and_get(etcd, 1, 500, 4096);
    snprintf(pid, sizeof pid, "%d", (int)program_pid(etcd_watched(etcd)->program));
    struct program *dump = run_command((const char *[]){built_path("gopagewatch"), "dump", pid, NULL});
    cr_assert_eq(program_await_end(dump), 0, "%s", program_errors(dump));
    snprintf(path, sizeof path, "%s", program_output(dump));
    path[strcspn(path, "\n")] = '\0';
    struct program *report = run_command((const char *[]){built_path("gopagewatch"), "report", path, NULL});
    cr_assert_eq(program_await_end(report), 0, "%s", program_errors(report));
    const char *explained = strstr(program_output(report), "explained ");
    cr_assert_not_null(explained, "%s", program_output(report));
    cr_assert_eq(sscanf(explained, "explained %lf", &percent), 1, "%.40s", explained);
    cr_expect_geq(percent, 99.9, "%s", program_output(report));
    program_free(dump);
    program_free(report);
    etcd_stop(etcd);
}
