/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch map` and `run --watch` from end to end, with a map that every program has that takes options: the
 * package flag keeps them by their names. mapdemo has five, and none of them is set.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/core.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/program.h"
#include "tests/e2e/support/temp_dir.h"
#include "tests/e2e/support/watched.h"

static const char FLAGS[] = "flag.CommandLine.formal", FLAGS_SET[] = "flag.CommandLine.actual";

enum { FLAGS_COUNT = 5, UNREADABLE = 4, PATH_BYTES = 256, LINE_BYTES = 1024 };

struct running {
    struct program *program;
    char pid[16];
};

static struct running start(const char *path, const char *directory)
{
    struct running running;
    struct program_setup setup = {
        .arguments = (const char *[]){path, NULL},
        .environment = (const char *[]){"GOTRACEBACK=crash", NULL},
        .directory = directory,
        .before_exec = allow_core,
    };
    running.program = program_start(&setup);
    program_await_phase(running.program, "full");
    snprintf(running.pid, sizeof running.pid, "%d", (int)program_pid(running.program));
    return running;
}

/* The only row. For json_decref of the document. */
static json_t *map_json(const char *const *arguments)
{
    json_error_t problem;
    struct program *program = gopagewatch_run(arguments);
    cr_assert_eq(program_await_end(program), 0, "%s", program_errors(program));
    json_t *document = json_loads(program_output(program), JSON_REJECT_DUPLICATES, &problem);
    cr_assert_not_null(document, "%s: %s", problem.text, program_output(program));
    cr_expect_str_eq(dump_text(document, "schema"), "gopagewatch.maps/1");
    cr_assert_eq(json_array_size(dump_at(document, "maps")), 1u, "%s", program_output(program));
    program_free(program);
    return document;
}

static void expect_flags(const json_t *row, const char *what)
{
    cr_assert(json_is_null(dump_at(row, "why")), "%s", what);
    cr_expect_str_eq(dump_text(row, "name"), FLAGS, "%s", what);
    cr_expect_eq(dump_number(row, "entries"), FLAGS_COUNT, "%s", what);
    cr_expect_eq(dump_number(row, "count"), FLAGS_COUNT, "%s", what);
    cr_expect_geq(dump_number(row, "total/pages"), 1u, "%s", what);
    cr_expect_eq(dump_number(row, "key_bytes"), 16u, "%s", what);
    cr_expect_eq(dump_number(row, "element_bytes"), 8u, "%s", what);
}

static void expect_text(const char *const *arguments, const char *words)
{
    struct program *program = gopagewatch_run(arguments);
    cr_expect_eq(program_await_end(program), 0, "%s", program_errors(program));
    cr_expect_not_null(strstr(program_output(program), words), "'%s' is not in:\n%s", words, program_output(program));
    cr_expect_str_empty(program_errors(program));
    program_free(program);
}

TOOLCHAIN_TEST(map_command, a_map_by_its_name_and_by_its_address, .timeout = 180)
{
    struct running demo = start(app_path(toolchain, "mapdemo"), NULL);
    json_t *named = map_json((const char *[]){"map", FLAGS, demo.pid, "--json", NULL});
    expect_flags(dump_at(named, "maps/0"), toolchain->version);
    const char *address = dump_text(named, "maps/0/address"), *type = dump_text(named, "maps/0/type");
    json_t *pointed = map_json((const char *[]){"map", address, "--type", type, demo.pid, "--json", NULL});
    cr_expect_str_eq(dump_text(pointed, "maps/0/address"), address);
    cr_expect_eq(dump_number(pointed, "maps/0/entries"), FLAGS_COUNT);
    expect_text((const char *[]){"map", FLAGS, demo.pid, NULL}, "  5 entries -> ");
    expect_text((const char *[]){"map", FLAGS, demo.pid, "--deep", NULL}, "\ndeep ");
    expect_text((const char *[]){"map", FLAGS_SET, demo.pid, NULL}, "nil: it takes no memory\n");
    expect_refusal(gopagewatch_run((const char *[]){"map", "flag.NoSuchThing", demo.pid, NULL}), UNREADABLE,
                   "flag.NoSuchThing");
    json_decref(pointed);
    json_decref(named);
    program_free(demo.program);
}

/* More maps than the shim would watch, and more than the table shows: none of them is left out of the sums. */
TOOLCHAIN_TEST(map_command, many_maps_are_all_looked_at, .timeout = 180)
{
    struct program *program =
        program_start(&(struct program_setup){.arguments = (const char *[]){app_path(toolchain, "variables"), NULL}});
    char pid[16];
    program_await_phase(program, "ready");
    snprintf(pid, sizeof pid, "%d", (int)program_pid(program));
    struct program *command = gopagewatch_run((const char *[]){"map", "main.*", pid, NULL});
    cr_expect_eq(program_await_end(command), 0, "%s", program_errors(command));
    cr_expect_not_null(strstr(program_output(command), "\nall 135 maps: "), "%s", program_output(command));
    cr_expect_not_null(strstr(program_output(command), "; 35 rows are not shown"), "%s", program_output(command));
    cr_expect_null(strstr(program_errors(command), "not looked at"), "%s", program_errors(command));
    program_free(command);
    command = gopagewatch_run((const char *[]){"map", "main.many.*", pid, NULL});
    cr_expect_eq(program_await_end(command), 0, "%s", program_errors(command));
    cr_expect_not_null(strstr(program_output(command), "\nall 100 maps: 100 entries, "), "%s", program_output(command));
    program_free(command);
    program_free(program);
}

TOOLCHAIN_TEST(map_command, of_a_stripped_program_by_a_copy_that_is_not, .timeout = 180)
{
    struct running demo = start(app_path(toolchain, "mapdemo.pie.stripped"), NULL);
    const char *copy = app_path(toolchain, "mapdemo.pie");
    expect_refusal(gopagewatch_run((const char *[]){"map", FLAGS, demo.pid, NULL}), UNREADABLE,
                   "has no debug information");
    expect_refusal(
        gopagewatch_run((const char *[]){"map", FLAGS, demo.pid, "--exe", app_path(toolchain, "heapstats"), NULL}),
        UNREADABLE, "is not the program that runs: its build id is another one");
    json_t *named = map_json((const char *[]){"map", FLAGS, demo.pid, "--exe", copy, "--json", NULL});
    expect_flags(dump_at(named, "maps/0"), toolchain->version);
    json_decref(named);
    program_free(demo.program);
}

TOOLCHAIN_TEST(map_command, of_a_core, .timeout = 300)
{
    if (!has_plain_cores())
        cr_skip_test("this system does not leave cores beside the process (kernel.core_pattern)");
    struct temp_dir dir = temp_dir_make();
    const char *app = app_path(toolchain, "mapdemo");
    char core[PATH_BYTES];
    struct running demo = start(app, dir.path);
    json_t *alive = map_json((const char *[]){"map", FLAGS, demo.pid, "--json", NULL});
    program_signal(demo.program, SIGABRT);
    cr_assert_eq(program_await_end(demo.program), -SIGABRT, "%s", program_errors(demo.program));
    snprintf(core, sizeof core, "%s/core", dir.path);
    json_t *dead = map_json((const char *[]){"map", FLAGS, "--exe", app, "--core", core, "--json", NULL});
    expect_flags(dump_at(dead, "maps/0"), toolchain->version);
    cr_expect_str_eq(dump_text(dead, "maps/0/address"), dump_text(alive, "maps/0/address"));
    static const char *const SAME[] = {"total/allocated", "total/pages", "pages_resident", "capacity"};
    for (size_t i = 0; i < sizeof SAME / sizeof SAME[0]; i++) {
        char place[64];
        snprintf(place, sizeof place, "maps/0/%s", SAME[i]);
        cr_expect_eq(dump_number(dead, place), dump_number(alive, place), "%s", place);
    }
    json_decref(dead);
    json_decref(alive);
    temp_dir_remove(&dir);
}

TOOLCHAIN_TEST(map_command, a_watched_map_is_in_every_dump, .timeout = 180)
{
    struct temp_dir dir = temp_dir_make();
    char line[LINE_BYTES], path[PATH_BYTES];
    snprintf(line, sizeof line,
             "$G run --watch %s --watch %s --at-exit -o ran.json -- %s </dev/null && $G report ran.json && "
             "$G diff ran.json ran.json --all",
             FLAGS, FLAGS_SET, app_path(toolchain, "mapdemo"));
    struct program *program = gopagewatch_shell(dir.path, line);
    cr_assert_eq(program_await_end(program), 0, "%s", program_errors(program));
    cr_expect_not_null(strstr(program_output(program), "\nmaps that are watched"), "%s", program_output(program));
    cr_expect_not_null(strstr(program_output(program), "  flag.CommandLine.formal map["), "%s",
                       program_output(program));
    cr_expect_not_null(strstr(program_output(program), "\nby watched map"), "%s", program_output(program));
    snprintf(path, sizeof path, "%s/ran.json", dir.path);
    json_t *dump = dump_load(path);
    cr_assert_eq(json_array_size(dump_at(dump, "go/maps")), 2u);
    expect_flags(dump_at(dump, "go/maps/0"), toolchain->version);
    cr_expect_str_eq(dump_text(dump, "go/maps/1/address"), "0x0");
    json_decref(dump);
    program_free(program);
    temp_dir_remove(&dir);
}

/* A child that is another program inherits the variable. */
TOOLCHAIN_TEST(map_command, maps_of_another_program_are_not_looked_for, .timeout = 180)
{
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "mapdemo"), NULL},
        .environment = (const char *[]){"GOPAGEWATCH_WATCH=@00ff:main.m,map%5bint%5dint,0x400000,0x500000", NULL},
    };
    struct watched *watched = watched_start(&setup);
    program_await_phase(watched->program, "full");
    json_t *dump = watched_dump(watched);
    cr_expect_eq(json_array_size(dump_at(dump, "go/maps")), 0u);
    cr_expect_str_empty(program_errors(watched->program));
    json_decref(dump);
    watched_end(watched);
}

/* What stands there leads nowhere: each map has its reason, and the program its dump. */
TOOLCHAIN_TEST(map_command, a_way_to_no_map_is_said_in_the_dump, .timeout = 180)
{
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "mapdemo"), NULL},
        .environment = (const char *[]){"GOPAGEWATCH_WATCH=main.m,map%5bint%5dint,0x10,0x20", NULL},
    };
    struct watched *watched = watched_start(&setup);
    program_await_phase(watched->program, "full");
    json_t *dump = watched_dump(watched);
    cr_assert_eq(json_array_size(dump_at(dump, "go/maps")), 1u);
    cr_expect_str_eq(dump_text(dump, "go/maps/0/name"), "main.m");
    cr_expect_str_not_empty(dump_text(dump, "go/maps/0/why"));
    json_decref(dump);
    watched_end(watched);
}
