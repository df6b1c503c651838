/* SPDX-License-Identifier: Apache-2.0
 *
 * The command under AddressSanitizer (support/gopagewatch.h) does what it does without: of files it says the same, byte
 * for byte, and of processes it has nothing more to say on stderr. What it refuses is command_input.c's business.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/export.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/screen.h"

enum { ASSIGNMENT_BYTES = PATH_MAX + 16, LIST_MAX = 8 };

/* A line for the shell; $G is the command in this form. `variables` may be NULL. */
static struct program *run_line(const char *form, const char *directory, const char *line, const char *const *variables)
{
    char command[ASSIGNMENT_BYTES];
    const char *environment[LIST_MAX + 2] = {command};
    snprintf(command, sizeof command, "G=%s", built_path(form));
    for (size_t i = 0; variables != NULL && variables[i] != NULL; i++) {
        must(i < LIST_MAX, "more than %d variables", LIST_MAX);
        environment[i + 1] = variables[i];
    }
    struct program *program =
        program_run(&(struct program_setup){.arguments = (const char *[]){"/bin/sh", "-ec", line, NULL},
                                            .environment = environment,
                                            .directory = directory});
    cr_expect_eq(program_await_end(program), 0, "%s: %s: exit status %d, %s", form, line, program_await_end(program),
                 program_errors(program));
    return program;
}

/* ---- files ---- */

/* In a directory with full.json and returned.json. */
static const char *const OF_FILES[] = {
    "$G report full.json",
    "$G report --top 1000 --wide full.json returned.json",
    "$G report --html - full.json returned.json",
    "$G diff full.json returned.json",
    "$G diff --all returned.json full.json",
    "$G export pprof full.json -o out; base64 out; rm out",
    "$G export prometheus returned.json",
    "$G export openmetrics full.json",
    "$G export gobench full.json returned.json",
    "$G export ndjson full.json returned.json",
    "$G export folded returned.json",
    "$G export perfetto full.json returned.json",
    "$G export folded --symbols . full.json",
    "$G report --symbols . returned.json",
    "$G --version",
    "$G help",
    "$G help report",
    "$G help --man",
    "$G help --completion bash",
    "$G doctor",
};

static void expect_same(const char *directory, const char *line)
{
    struct program *usual = run_line("gopagewatch", directory, line, NULL);
    struct program *sanitized = run_line("asan/gopagewatch", directory, line, NULL);
    cr_expect_str_not_empty(program_output(usual), "%s", line);
    cr_expect_str_eq(program_output(sanitized), program_output(usual), "%s", line);
    cr_expect_str_eq(program_errors(sanitized), program_errors(usual), "%s", line);
    program_free(sanitized);
    program_free(usual);
}

static void check_files(const struct toolchain *toolchain)
{
    struct phase_dumps dumps = phase_dumps_make(toolchain);
    for (size_t i = 0; i < sizeof OF_FILES / sizeof OF_FILES[0]; i++)
        expect_same(dumps.dir.path, OF_FILES[i]);
    phase_dumps_free(&dumps);
}

Test(sanitized, says_the_same_of_dumps_of_the_oldest_toolchain, .timeout = 300)
{
    struct toolchain toolchain = toolchain_oldest();
    check_files(&toolchain);
}

Test(sanitized, says_the_same_of_dumps_of_the_newest_toolchain, .timeout = 300)
{
    struct toolchain toolchain = toolchain_newest();
    check_files(&toolchain);
}

/* ---- processes ---- */

/* $PID is a program under the shim at rest, $ADDRESS in its heap, $APP its file. */
static const char *const OF_PROCESSES[] = {
    "$G attach $PID -o attached.json",
    "$G attach $PID -o - >attached.json",
    "$G report attached.json",
    "$G dump $PID --label asked",
    "$G page $ADDRESS $PID",
    "$G page $ADDRESS $PID --json",
    "$G page --pfn 1 $PID || test $? -eq 4", /* nobody's, or hidden from this user: that is told in a line */
    "$G map flag.CommandLine.formal $PID --deep",
    "$G map 'flag.*' $PID --verbose --json",
    "$G map flag.NoSuchThing $PID || test $? -eq 4",
    "$G doctor $PID",
    "$G doctor $APP",
    "$G doctor /bin/true || test $? -eq 4",
    "$G run --watch 'flag.*' --at-exit -o ran.json -- $APP </dev/null && $G report ran.json",
};

static void check_top(const struct program *app)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)program_pid(app));
    struct program_setup setup = {.arguments = (const char *[]){built_path("asan/gopagewatch"), "top", pid, NULL},
                                  .environment = (const char *[]){"TERM=vt100", NULL}};
    struct screen *screen = screen_start(&setup, 120, 40);
    screen_await(screen, "go.objects");
    screen_press(screen, "?");
    screen_await(screen, "go.metadata ");
    screen_press(screen, "q");
    cr_expect_eq(program_await_end(screen_program(screen)), 0, "%s", screen_text(screen));
    screen_free(screen);
}

static void check_processes(const struct toolchain *toolchain)
{
    char pid[32], address[64], app[ASSIGNMENT_BYTES];
    struct watched *watched = watch_app(toolchain, "mapdemo", NULL);
    program_await_phase(watched->program, "full");
    json_t *dump = watched_dump(watched);
    snprintf(pid, sizeof pid, "PID=%d", (int)program_pid(watched->program));
    snprintf(address, sizeof address, "ADDRESS=%s", dump_text(dump, "go/arenas/0/start"));
    snprintf(app, sizeof app, "APP=%s", app_path(toolchain, "mapdemo"));
    json_decref(dump);
    struct temp_dir dir = temp_dir_make();
    for (size_t i = 0; i < sizeof OF_PROCESSES / sizeof OF_PROCESSES[0]; i++) {
        struct program *program =
            run_line("asan/gopagewatch", dir.path, OF_PROCESSES[i], (const char *[]){pid, address, app, NULL});
        cr_expect_null(strstr(program_errors(program), "Sanitizer"), "%s: %s", OF_PROCESSES[i],
                       program_errors(program));
        program_free(program);
    }
    check_top(watched->program);
    temp_dir_remove(&dir);
    watched_end(watched);
}

Test(sanitized, looks_at_processes_of_the_oldest_toolchain, .timeout = 300)
{
    struct toolchain toolchain = toolchain_oldest();
    check_processes(&toolchain);
}

Test(sanitized, looks_at_processes_of_the_newest_toolchain, .timeout = 300)
{
    struct toolchain toolchain = toolchain_newest();
    check_processes(&toolchain);
}
