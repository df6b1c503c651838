/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch run --samples` and `--check`: how a program is run, what counts of it, and whose status it is.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/temp_dir.h"

struct expectation {
    int code;
    const char *text; /* on either stream */
    const char *line; /* $G the command, $A the directory of the test programs */
};

static void expect(const struct temp_dir *dir, const struct toolchain *toolchain, const struct expectation *expected)
{
    char apps[PATH_MAX], line[PATH_MAX + 2048];
    snprintf(apps, sizeof apps, "%s", app_path(toolchain, "mapdemo"));
    *strrchr(apps, '/') = '\0';
    int length = snprintf(line, sizeof line, "A=%s; export TMPDIR=$PWD/tmp; mkdir -p tmp; %s", apps, expected->line);
    must(length < (int)sizeof line, "a line that fits");
    struct program *program = gopagewatch_shell(dir->path, line);
    int code = program_await_end(program);
    const char *output = program_output(program), *errors = program_errors(program);
    if (code != expected->code || (strstr(output, expected->text) == NULL && strstr(errors, expected->text) == NULL))
        fail("'%s': status %d, \"%s\" expected:\n%s%s", expected->line, code, expected->text, output, errors);
    program_free(program);
}

static void expect_all(const struct expectation *expectations, size_t count)
{
    struct toolchain toolchain = toolchain_oldest();
    struct temp_dir dir = temp_dir_make();
    for (size_t i = 0; i < count; i++)
        expect(&dir, &toolchain, &expectations[i]);
    /* Whatever it was, nothing is left behind. */
    expect(&dir, &toolchain, &(struct expectation){0, "nothing", "rmdir tmp && echo nothing"});
}

#define EXPECT_ALL(expectations) expect_all(expectations, sizeof(expectations) / sizeof(expectations)[0])

Test(run_check, samples_are_runs_of_the_program, .timeout = 300)
{
    static const struct expectation CASES[] = {
        {0, "3 samples in ", "$G run --samples 3 --keep k -- $A/planted none && ls k | wc -l"},
        /* planted makes one itself, and there is one at the end of each run. */
        {0, "1.1 1.2 2.1 2.2 3.1 3.2 ", "ls k | sort | cut -d . -f 1,3 | tr '\\n' ' '"},
        {4, "is no empty directory", "$G run --samples 3 --keep k -- $A/planted none"},
        {0, "\"reason\":\"exit\"", "head -c 60 k/1.*.2.json"},
        {0, "pass: 1 metric", "$G run --check --limit rss.total=1GiB -- $A/planted none"},
        {1, "1 of 1 samples are above", "$G run --check --limit rss.total=1MiB -- $A/planted none"},
        /* By the label that the program gives, and by its phase. */
        {1, "12 of 12 samples", "$G run --check --label step --limit rss.total=1MiB -- $A/planted leak"},
        {1, "2 of 2 samples", "$G run --samples 2 --check --label step --limit rss.total=1MiB -- $A/planted leak"},
        {4, "left no dump in run 1 with that label",
         "$G run --check --label nothing --limit rss.total=1MiB -- $A/planted none"},
        /* A script that ends in the program, and one that starts it among others. */
        {0, "pass: 1 metric",
         "printf '#!/bin/sh\\nexec \"$@\"\\n' >s; chmod +x s; "
         "$G run --check --limit rss.total=1GiB -- ./s $A/planted none"},
        {0, "pass: 1 metric",
         "printf '#!/bin/sh\\ntrue\\n\"$@\"\\ntrue\\n' >t; chmod +x t; "
         "$G run --check --limit rss.total=1GiB -- ./t $A/planted none"},
        {4, "started several",
         "printf '#!/bin/sh\\n\"$@\"\\n\"$@\"\\n' >u; chmod +x u; "
         "$G run --check --limit rss.total=1GiB -- ./u $A/planted none"},
        /* Where its name holds what a pattern would take for a variable. */
        {0, "1 samples in ", "$G run --samples 1 --keep 'a%p%n' -- $A/planted none && ls 'a%p%n'"},
    };
    EXPECT_ALL(CASES);
}

/* mapdemo waits for a line that never comes. */
#define WAITS "test -p fifo || mkfifo fifo; exec 3<>fifo; "

Test(run_check, a_series_is_one_run, .timeout = 300)
{
    static const struct expectation CASES[] = {
        /* It would wait for ever, and is ended after six dumps. */
        {1, "6 of 6 samples are above",
         WAITS "$G run --every 100ms --samples 6 --check --limit rss.total=1MiB --format json=j --format text "
               "-- $A/mapdemo -heap 4 <&3"},
        /* At rest long before the first. */
        {0, "pass", WAITS "$G run --every 500ms --samples 6 --check --slope rss.total=1MiB -- $A/mapdemo -heap 4 <&3"},
    };
    EXPECT_ALL(CASES);
}

Test(run_check, a_program_that_does_not_end_is_sampled_at_rest, .timeout = 300)
{
    static const struct expectation CASES[] = {
        {0, "4 samples in ", WAITS "$G run --samples 4 --settle 2s --keep k -- $A/mapdemo -heap 4 <&3 && ls k"},
        {0, "request 4", "printf 'request '; grep -l '\"reason\":\"request\"' k/*.json | wc -l"},
        {0, "pass: 1 metric",
         WAITS "$G run --samples 4 --settle 2s --check --baseline k/*.1.json --growth rss.total=5%,1MiB "
               "-- $A/mapdemo -heap 4 <&3"},
        /* The dump at its end, which would fail as well, does not hide why. */
        {4, "it made no dump: ",
         WAITS "printf '#!/bin/sh\\nrmdir f; exec \"$@\"\\n' >r; chmod +x r; "
               "$G run --settle 2s --keep f -- ./r $A/mapdemo -heap 4 <&3"},
        {4, "left no dump at rest in run 1", WAITS "$G run --settle 2s --keep f -- ./r $A/mapdemo -heap 4 <&3"},
        /* One that ends before it was at rest leaves the dump of its end. */
        {0, "pass: 1 metric", "$G run --settle 100s --check --limit rss.total=1GiB -- $A/planted none"},
    };
    EXPECT_ALL(CASES);
}

Test(run_check, the_status_is_the_gates_or_that_of_a_program_that_failed, .timeout = 300)
{
    static const struct expectation CASES[] = {
        {7, "ended with status 7 in run 1; nothing was judged",
         "$G run --samples 3 --check --limit rss.total=1GiB -- sh -c 'exit 7'"},
        {128 + SIGKILL, "was ended by signal 9 (Killed) in run 1",
         "$G run --check --limit rss.total=1GiB -- sh -c 'kill -KILL $$'"},
        {4, "is not in PATH", "$G run --check --limit rss.total=1GiB -- no-such-program"},
        {4, "static", "$G run --check --limit rss.total=1GiB -- $A/identity.static"},
        {4, "left no dump in run 1", "$G run --check --limit rss.total=1GiB -- true"},
        {2, "behind that", "$G run --check --limit rss.total=1GiB $A/planted none"},
        {2, "behind that", "$G run --check --limit rss.total=1GiB --"},
        {2, "there is no rule", "$G run --check -- $A/planted none"},
        {2, "no metric is called", "$G run --check --limit rss.totl=1GiB -- $A/planted none"},
        {2, "--current has no place", "$G run --check --current x --limit rss.total=1GiB -- $A/planted none"},
        {2, "--keep DIR", "$G run --samples 3 -- $A/planted none"},
        {2, "--output has no place", "$G run -o x --samples 3 --keep k -- $A/planted none"},
        {2, "give one of them", "$G run --every 1s --settle 1s --keep k -- $A/planted none"},
        {2, "whole number from 1 on, not '0'", "$G run --samples 0 --keep k -- $A/planted none"},
        {2, "--settle 'soon'", "$G run --settle soon --keep k -- $A/planted none"},
        {4, "missing.ini", "$G run --check --config missing.ini -- $A/planted none"},
        {0, "gopagewatch check [", "$G run --check --help -- x"},
    };
    EXPECT_ALL(CASES);
}

/* Ended from outside it ends the program, and tidies up. */
Test(run_check, passes_on_what_asks_it_to_stop, .timeout = 300)
{
    struct toolchain toolchain = toolchain_oldest();
    struct temp_dir dir = temp_dir_make();
    char temporary[PATH_MAX];
    snprintf(temporary, sizeof temporary, "TMPDIR=%s", dir.path);
    struct program_setup setup = {
        .arguments = (const char *[]){built_path("gopagewatch"), "run", "--samples", "3", "--check", "--limit",
                                      "rss.total=1GiB", "--", app_path(&toolchain, "mapdemo"), "-heap", "4", NULL},
        .environment = (const char *[]){temporary, NULL},
    };
    struct program *run = program_start(&setup);
    program_await_phase(run, "full");
    program_signal(run, SIGTERM);
    cr_expect_eq(program_await_end(run), 128 + SIGTERM, "%s", program_errors(run));
    expect(&dir, &toolchain, &(struct expectation){0, "empty", "rmdir tmp; test -z \"$(ls)\" && echo empty"});
    program_free(run);
}

/* `go test -exec`: the gate's verdict is the package's. The line is for $GO, $CACHE and $SOURCES. */
ENDS_TEST(run_check, gates_the_tests_of_a_go_package, .timeout = 600)
{
    static const char LINE[] =
        "cp $SOURCES/go.mod . && export GOFLAGS=\"-mod=mod -modfile=$PWD/go.mod\" GOTOOLCHAIN=local GOENV=off "
        "GOPROXY=off GOCACHE=$CACHE HOME=$PWD TMPDIR=$PWD && cd $SOURCES && "
        "$GO test -count=1 -exec \"$G run --check --label filled --limit rss.total=$LIMIT --\" ./gated";
    static const struct {
        int code;
        const char *limit, *text;
    } CASES[] = {{0, "1GiB", "ok"}, {1, "1MiB", "regression: 1 of 1 metric"}};
    char go[PATH_MAX + 64], cache[PATH_MAX + 64], sources[PATH_MAX], name[64], command[PATH_MAX + 64];
    struct temp_dir dir = temp_dir_make();
    snprintf(name, sizeof name, "go/%s/bin/go", toolchain->version);
    snprintf(go, sizeof go, "GO=%s", built_path(name));
    snprintf(name, sizeof name, "gocache/%s", toolchain->version);
    snprintf(cache, sizeof cache, "CACHE=%s/packages", built_path(name));
    snprintf(command, sizeof command, "G=%s", built_path("gopagewatch"));
    must(realpath("tests/apps", sources) != NULL, "tests/apps");
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char source_variable[PATH_MAX + 16], limit[32];
        snprintf(source_variable, sizeof source_variable, "SOURCES=%s", sources);
        snprintf(limit, sizeof limit, "LIMIT=%s", CASES[i].limit);
        struct program *program = program_run(&(struct program_setup){
            .arguments = (const char *[]){"/bin/sh", "-c", LINE, NULL},
            .environment = (const char *[]){go, cache, command, source_variable, limit, NULL},
            .directory = dir.path,
        });
        int code = program_await_end(program);
        cr_expect_eq(code, CASES[i].code, "%s%s", program_output(program), program_errors(program));
        cr_expect(strstr(program_output(program), CASES[i].text) != NULL ||
                      strstr(program_errors(program), CASES[i].text) != NULL,
                  "%s%s", program_output(program), program_errors(program));
        program_free(program);
    }
}
