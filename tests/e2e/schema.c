/* SPDX-License-Identifier: Apache-2.0
 *
 * Real dumps against docs/dump.schema.json, by a parser and a validator of others (Debian's python3-jsonschema).
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/core.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/temp_dir.h"

static void expect_valid(const char *path)
{
    struct program_setup setup = {.arguments =
                                      (const char *[]){"/usr/bin/python3", "tests/unit/support/validate_schema.py",
                                                       "docs/dump.schema.json", path, NULL}};
    struct program *program = program_run(&setup);
    cr_expect_eq(program_await_end(program), 0, "%s%s", program_output(program), program_errors(program));
    program_free(program);
}

static void expect_valid_dump(const struct program_setup *setup, const char *phase)
{
    struct watched *watched = watched_start(setup);
    program_await_phase(watched->program, phase);
    program_signal(watched->program, SIGUSR2);
    expect_valid(outbox_await(&watched->outbox, watched->program));
    watched_end(watched);
}

TOOLCHAIN_TEST(schema, dump_of_a_program_that_gave_back_memory_is_valid, .timeout = 180)
{
    struct program_setup setup = {.arguments =
                                      (const char *[]){app_path(toolchain, "freeloop"), "-n", "3", "-wait", NULL}};
    expect_valid_dump(&setup, "done");
}

TOOLCHAIN_TEST(schema, dump_of_every_kind_of_memory_is_valid, .timeout = 180)
{
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "mapdemo"), NULL},
        .environment = (const char *[]){"GODEBUG=madvdontneed=0", "GOGC=50", "GOMEMLIMIT=1GiB", "GOMAXPROCS=2", NULL},
    };
    expect_valid_dump(&setup, "full");
}

TOOLCHAIN_TEST(schema, dump_of_a_core_is_valid, .timeout = 180)
{
    if (!has_plain_cores())
        cr_skip_test("this system does not leave cores beside the process (kernel.core_pattern)");
    char path[PATH_MAX];
    struct temp_dir dir = temp_dir_make();
    struct program *program = program_start(&(struct program_setup){
        .arguments = (const char *[]){app_path(toolchain, "mapdemo"), NULL},
        .environment = (const char *[]){"GOTRACEBACK=crash", NULL},
        .directory = dir.path,
        .before_exec = allow_core,
    });
    program_await_phase(program, "full");
    program_signal(program, SIGABRT);
    cr_assert_eq(program_await_end(program), -SIGABRT, "%s", program_errors(program));
    json_t *core = core_dump(app_path(toolchain, "mapdemo"), dir.path);
    snprintf(path, sizeof path, "%s/core.json", dir.path);
    must(json_dump_file(core, path, JSON_COMPACT) == 0, "%s", path);
    expect_valid(path);
    json_decref(core);
    program_free(program);
    temp_dir_remove(&dir);
}
