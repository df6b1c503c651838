/* SPDX-License-Identifier: Apache-2.0
 *
 * A program does the same with and without the shim: output, errors, exit status. Programs that are not Go, or that the
 * shim cannot watch, are left alone and nothing is said.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"

struct outcome {
    struct program *program;
    int status;
};

static struct outcome run(const char *const *arguments, const char *const *environment)
{
    struct program_setup setup = {.arguments = arguments, .environment = environment};
    struct outcome outcome = {.program = program_run(&setup)};
    outcome.status = program_await_end(outcome.program);
    return outcome;
}

/* Goroutine traces hold addresses: of a panic only the first line is compared. */
static size_t compared_bytes(const char *errors)
{
    const char *trace = strstr(errors, "\n\ngoroutine ");
    const char *registers = strstr(errors, "[signal ");
    const char *end = registers != NULL ? registers : trace;
    return end == NULL ? strlen(errors) + 1 : (size_t)(end - errors);
}

static void expect_same(const char *const *arguments)
{
    struct temp_dir dir = temp_dir_make();
    char preload[4200], out[256];
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", shim_path());
    snprintf(out, sizeof out, "GOPAGEWATCH_OUT=%s/%%n.json", dir.path);
    struct outcome without = run(arguments, NULL);
    struct outcome with = run(arguments, (const char *[]){preload, out, "GOPAGEWATCH_LOG=error", NULL});
    const char *what = arguments[1] == NULL ? "" : arguments[1];
    cr_expect_eq(with.status, without.status, "%s %s: %d and %d", arguments[0], what, with.status, without.status);
    cr_expect_str_eq(program_output(with.program), program_output(without.program), "%s %s: %s", arguments[0], what,
                     program_output(with.program));
    const char *errors = program_errors(without.program);
    cr_expect_eq(strncmp(program_errors(with.program), errors, compared_bytes(errors)), 0, "%s %s: %s", arguments[0],
                 what, program_errors(with.program));
    program_free(with.program);
    program_free(without.program);
    temp_dir_remove(&dir);
}

static const char *const ENDS[] = {"return", "exit7", "panic", "nil", "sigterm", "sigkill"};

TOOLCHAIN_TEST(same, program_ends_the_same_way, .timeout = 600)
{
    for (unsigned i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++)
        expect_same((const char *[]){app_path(toolchain, "identity"), "-end", ENDS[i], NULL});
}

TOOLCHAIN_TEST(same, programs_without_libc_are_left_alone, .timeout = 300)
{
    expect_same((const char *[]){app_path(toolchain, "identity.static"), "-end", "exit7", NULL});
    expect_same((const char *[]){app_path(toolchain, "identity.static-pie"), "-end", "exit7", NULL});
}

/* Children by clone, fork, spawn, system; setgid, which waits for every thread of the process. */
TOOLCHAIN_TEST(same, children_live_as_without, .timeout = 600)
{
    struct program_setup setup = {.arguments = (const char *[]){app_path(toolchain, "forker"), NULL}};
    struct program *without = program_start(&setup);
    program_await_phase(without, "forked");
    program_go_on(without);
    cr_expect_eq(program_await_end(without), 0);

    struct watched *with = watched_start(&setup);
    program_await_phase(with->program, "forked");
    json_t *dump = watched_dump(with);
    cr_expect_eq(dump_number(dump, "process/pid"), (uint64_t)program_pid(with->program));
    json_decref(dump);
    program_go_on(with->program);
    cr_expect_eq(program_await_end(with->program), 0);
    cr_expect_str_empty(program_errors(with->program), "%s", program_errors(with->program));

    /* Line by line, but for those of truth, which hold figures of memory. */
    const char *a = program_output(without), *b = program_output(with->program);
    while (*a != '\0' || *b != '\0') {
        size_t a_bytes = strcspn(a, "\n"), b_bytes = strcspn(b, "\n");
        bool is_truth = strncmp(a, "truth ", 6) == 0 && strncmp(b, "truth ", 6) == 0;
        cr_expect(is_truth || (a_bytes == b_bytes && memcmp(a, b, a_bytes) == 0), "%.*s | %.*s", (int)a_bytes, a,
                  (int)b_bytes, b);
        a += a_bytes + (a[a_bytes] != '\0');
        b += b_bytes + (b[b_bytes] != '\0');
    }
    watched_end(with);
    program_free(without);
}

TOOLCHAIN_TEST(same, children_are_watched_unless_follow_is_0, .timeout = 180)
{
    for (int follow = 0; follow <= 1; follow++) {
        struct program_setup setup = {
            .arguments = (const char *[]){app_path(toolchain, "forker"), "-environment", NULL},
            .environment = (const char *[]){follow ? "GOPAGEWATCH_FOLLOW=1" : "GOPAGEWATCH_FOLLOW=0", NULL},
        };
        struct watched *watched = watched_start(&setup);
        cr_expect_eq(program_await_end(watched->program), 0);
        bool sees = strstr(program_output(watched->program), "libgopagewatch") != NULL;
        cr_expect_eq(sees, follow == 1, "follow=%d: %s", follow, program_output(watched->program));
        watched_end(watched);
    }
}

Test(same, programs_that_are_not_go_are_left_alone, .timeout = 180)
{
    expect_same((const char *[]){"sh", "-c", "echo one; ls / | sort | head -2; exit 3", NULL});
    expect_same((const char *[]){
        "/usr/bin/python3", "-c",
        "import mmap,subprocess; m=mmap.mmap(-1,262144); m[0]=1; print(len(m), subprocess.call(['true']))", NULL});
    expect_same((const char *[]){"sh", "-c", "kill -USR2 $$", NULL});
    expect_same((const char *[]){"/bin/true", NULL});
}

/* timeout, env and sh are loaded into first and must pass the shim on. */
TOOLCHAIN_TEST(same, go_program_is_found_behind_timeout_and_sh, .timeout = 180)
{
    char command[8192];
    snprintf(command, sizeof command, "exec timeout 60 env A=b %s -n 1 -wait", app_path(toolchain, "freeloop"));
    struct program_setup setup = {
        .arguments = (const char *[]){"sh", "-c", command, NULL},
        .environment = (const char *[]){"GOPAGEWATCH_LOG=info", NULL},
    };
    struct watched *watched = watched_start(&setup);
    program_await_phase(watched->program, "done");
    cr_expect(strstr(program_errors(watched->program), "runtime.madvise patched") != NULL, "%s",
              program_errors(watched->program));
    program_go_on(watched->program);
    cr_expect_eq(program_await_end(watched->program), 0);
    watched_end(watched);
}
