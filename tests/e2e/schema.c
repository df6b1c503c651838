/* SPDX-License-Identifier: Apache-2.0
 *
 * Real dumps against docs/dump.schema.json, by a parser and a validator of others (Debian's python3-jsonschema).
 */
#include <criterion/criterion.h>
#include <signal.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"

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
