/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps that are found by the names of variables, held against what the program itself sees there
 * (tests/apps/variables): the map's header, the address of its type's descriptor and the type's name, in every form of
 * a program.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/program.h"
#include "tests/e2e/support/temp_dir.h"
#include "tests/e2e/support/text.h"

enum { MAPS_MIN = 30, WORD_BYTES = 512, LINE_BYTES = 4096, PID_BYTES = 16, COMMAND_BYTES = 3 * PATH_MAX };

/* ---- asking ---- */

struct asked {
    struct program *tool;
};

static struct asked ask_begin(const char *exe, pid_t pid, const char *directory)
{
    static char number[PID_BYTES];
    snprintf(number, sizeof number, "%d", (int)pid);
    const char *arguments[] = {built_path("tests/variable"), exe, number, directory, NULL};
    return (struct asked){program_start(&(struct program_setup){.arguments = arguments})};
}

/* The first line of the answer. */
static const char *ask(struct asked *asked, const char *name)
{
    program_send(asked->tool, name);
    return program_await_line(asked->tool, "");
}

static void ask_end(struct asked *asked)
{
    program_close_input(asked->tool);
    cr_expect_eq(program_await_end(asked->tool), 0, "%s", program_errors(asked->tool));
    program_free(asked->tool);
}

/* ---- what is found is what the program sees ---- */

/* "map NAME HEADER DESCRIPTOR TYPE" */
struct map_line {
    char name[WORD_BYTES], header[WORD_BYTES], descriptor[WORD_BYTES], type[WORD_BYTES];
};

static bool read_map_line(struct map_line *map, const char *line)
{
    return sscanf(line, "map %511s %511s %511s %511[^\n]", map->name, map->header, map->descriptor, map->type) == 4;
}

/* The program says "map[odd.Key]int" with a package's name and no spaces, debug information has the whole path. */
static bool is_same_type(const char *said, const char *found)
{
    return strncmp(said, "map[", 4) == 0 ? strncmp(found, "map[", 4) == 0 : strcmp(said, found) == 0;
}

static void expect_same(struct asked *asked, const char *said_line, const char *form)
{
    struct map_line said, found;
    char line[LINE_BYTES], by_type[LINE_BYTES];
    must(read_map_line(&said, said_line), "the program says %s", said_line);
    snprintf(line, sizeof line, "%s", ask(asked, said.name));
    if (!read_map_line(&found, line)) {
        cr_expect(false, "%s: %s: %s", form, said.name, line);
        return;
    }
    cr_expect_str_eq(found.header, said.header, "%s: the program says %s, found is %s", form, said_line, line);
    cr_expect_str_eq(found.descriptor, said.descriptor, "%s: the program says %s, found is %s", form, said_line, line);
    cr_expect(is_same_type(said.type, found.type), "%s: the program says %s, found is %s", form, said_line, line);
    /* The same map once more, by its type and its address. */
    snprintf(by_type, sizeof by_type, "type %s %s", found.type, said.header);
    snprintf(line, sizeof line, "map %s %s %s %s", said.header, said.header, said.descriptor, found.type);
    if (strcmp(said.header, "0x0") != 0)
        cr_expect_str_eq(ask(asked, by_type), line, "%s", form);
}

static void expect_all_found(const char *const *arguments, const char *exe, const char *form)
{
    unsigned maps = 0;
    struct program *program = program_start(&(struct program_setup){.arguments = arguments});
    program_await_phase(program, "ready");
    struct asked asked = ask_begin(exe, program_pid(program), NULL);
    char *said = strdup(program_output(program)), *next;
    for (char *line = said; (next = strchr(line, '\n')) != NULL; line = next + 1) {
        *next = '\0';
        if (strncmp(line, "map ", 4) != 0)
            continue;
        expect_same(&asked, line, form);
        maps++;
    }
    cr_expect_geq(maps, MAPS_MIN, "%s: %u maps", form, maps);
    free(said);
    ask_end(&asked);
    program_free(program);
}

TOOLCHAIN_TEST(variables, maps_are_found_in_every_form_of_a_program, .timeout = 300)
{
    static const char *const FORMS[] = {"variables",       "variables.pie",    "variables.internal",
                                        "variables.plain", "variables.static", "variables.static-pie"};
    for (size_t i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        const char *exe = app_path(toolchain, FORMS[i]);
        expect_all_found((const char *[]){exe, NULL}, exe, FORMS[i]);
    }
}

TOOLCHAIN_TEST(variables, maps_are_found_in_a_shared_library, .timeout = 180)
{
    const char *library = app_path(toolchain, "libvariables.so");
    expect_all_found((const char *[]){app_path(toolchain, "runhost"), library, NULL}, library, "libvariables.so");
}

/* ---- what cannot be found ---- */

static void expect_answer(struct asked *asked, const char *what, const char *answer)
{
    const char *line = ask(asked, what);
    cr_expect_str_eq(line, answer, "%s: %s", what, line);
}

TOOLCHAIN_TEST(variables, what_is_no_map_is_said_to_be_what_it_is, .timeout = 180)
{
    static const struct {
        const char *what, *answer;
    } CASES[] = {
        {"main.shrads[1]", "why there is no variable main.shrads; did you mean main.shards?"},
        {"stor.Cache", "why there is no package stor in it; did you mean store?"},
        {"store.Cahce", "why there is no variable store.Cahce; did you mean store.Cache?"},
        {"mian.plain", "why there is no package mian in it; did you mean main?"},
        {"plain", "why plain is no variable: its package comes first, as in main.cache"},
        {"main.srv.cach", "why main.srv is a main.Server, which has no field cach; did you mean main.srv.cache?"},
        {"main.srv.cache.x", "why main.srv.cache is a map[string]string, which has no fields"},
        {"main.srv.cache[1]",
         "why main.srv.cache is a map[string]string, whose elements are not found by number; leave "
         "[...] out for the map itself"},
        {"main.shards", "why main.shards is a [4]map[string]int, no map; its maps: main.shards[0], main.shards[1], "
                        "main.shards[2], main.shards[3]"},
        {"main.many", "why main.many is a [100]map[int16]bool, no map; its maps: main.many[0], main.many[1], "
                      "main.many[2], main.many[3], main.many[4] and 95 more"},
        {"main.anon.inner", "why main.anon.inner is a struct { main.m map[string][]uint8 }, no map; its maps: "
                            "main.anon.inner.m"},
        {"main.shards[4]", "why main.shards[4] is behind the array's end, it has 4 elements"},
        {"main.shards[x]", "why main.shards: [x] is no field (.name) and no element ([number])"},
        {"main.shards[1", "why main.shards: [1 is no field (.name) and no element ([number])"},
        {"main.list", "why main.list is a []main.shard, no map; give one of an element, as in "
                      "main.list[0].m"},
        {"os.Args", "why os.Args is a []string, no map, and has none in it"},
        {"main.number", "why main.number is an int, no map, and has none in it"},
        {"main.number.*", "why main.number has no maps in it"},
        {"main.whole", "why main.whole is an interface {}, no map; what it holds only the running program knows"},
        {"type map[string]strin 0x1", "why there is no map type map[string]strin; did you mean map[string]string?"},
        /* of the running program */
        {"main.list[2].m", "why main.list[2].m: the index is behind the slice's end"},
        {"main.lists[1][0].next", "why main.lists[1][0] is a main.shard, which has no field next"},
        {"main.srv.next.cache", "why main.srv.next.cache: a pointer on the way is nil"},
    };
    const char *exe = app_path(toolchain, "variables");
    struct program *program = program_start(&(struct program_setup){.arguments = (const char *[]){exe, NULL}});
    program_await_phase(program, "ready");
    struct asked asked = ask_begin(exe, program_pid(program), NULL);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        expect_answer(&asked, CASES[i].what, CASES[i].answer);
    const char *unused = ask(&asked, "main.unused");
    cr_expect(strncmp(unused, "why there is no variable main.unused: ", 38) == 0 &&
                  strstr(unused, "nothing uses is left out by the linker") != NULL &&
                  strstr(unused, "a local one has no fixed place") != NULL && strstr(unused, "plain, never, ") != NULL,
              "%s", unused);
    ask_end(&asked);
    program_free(program);
}

/* ---- several ---- */

static void expect_maps(const char *exe, const char *what, const char *const *names)
{
    struct asked asked = ask_begin(exe, 0, NULL);
    program_send(asked.tool, what);
    for (; *names != NULL; names++) {
        struct map_line map;
        const char *line = program_await_line(asked.tool, "");
        cr_expect(read_map_line(&map, line) && strcmp(map.name, *names) == 0, "%s: %s, not %s", what, line, *names);
    }
    ask_end(&asked);
}

TOOLCHAIN_TEST(variables, all_maps_of_a_package_or_a_variable_are_found, .timeout = 180)
{
    const char *exe = app_path(toolchain, "variables");
    expect_maps(exe, "main.srv.*",
                (const char *[]){"main.srv.cache", "main.srv.index.byHash", "main.srv.next.cache",
                                 "main.srv.next.index.byHash", "main.srv.next.Base.shared", "main.srv.Base.shared",
                                 "main.srv.Deep.hidden", "main.srv.holder.shared", NULL});
    expect_maps(exe, "gopagewatch.test/apps/variables/odd.v1.*",
                (const char *[]){"gopagewatch.test/apps/variables/odd.v1.Cache", NULL});

    /* In main there are more than there is room for: those of the long array come last, as many as are left. */
    struct asked asked = ask_begin(exe, 0, NULL);
    program_send(asked.tool, "main.*");
    const char *last = program_await_line(asked.tool, "more ");
    cr_expect_str_eq(last, "more 71");
    cr_expect_not_null(strstr(program_output(asked.tool), "map main.anon.inner.m "));
    cr_expect_not_null(strstr(program_output(asked.tool), "map main.psrv.cache "));
    cr_expect_null(strstr(program_output(asked.tool), "map main.many[63] "));
    ask_end(&asked);
}

/* ---- without debug information ---- */

static void shell(const char *directory, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void shell(const char *directory, const char *format, ...)
{
    char command[COMMAND_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    struct program *program = program_run(&(struct program_setup){
        .arguments = (const char *[]){"/bin/sh", "-ec", command, NULL}, .directory = directory});
    cr_assert_eq(program_await_end(program), 0, "%s: %s", command, program_errors(program));
    program_free(program);
}

static void expect_begin(const char *exe, const char *directory, const char *begin)
{
    struct asked asked = ask_begin(exe, 0, directory);
    const char *line = ask(&asked, "main.plain");
    cr_expect(strncmp(line, begin, strlen(begin)) == 0, "%s: %s", exe, line);
    ask_end(&asked);
}

TOOLCHAIN_TEST(variables, stripped_program_says_what_is_missing, .timeout = 180)
{
    static const char WHY[] =
        "why has no debug information (DWARF), without which variables and types have no names; built with "
        "-ldflags=-s or -w it must be built without and started anew (another build does not fit this one), "
        "stripped later name a directory with the unstripped program or its debug file (--symbols DIR)";
    expect_begin(app_path(toolchain, "variables.stripped"), NULL, WHY);
    expect_begin("/bin/true", NULL, "why is no Go program");
    expect_begin(shim_path(), NULL, "why is no Go program");
    expect_begin("/etc/passwd", NULL, "why is no ELF file");
    expect_begin("/", NULL, "why cannot be read: no regular file");
    expect_begin("/nonexistent", NULL, "why cannot be read: No such file or directory");
}

TOOLCHAIN_TEST(variables, copies_with_the_same_build_id_serve_a_stripped_program, .timeout = 180)
{
    struct temp_dir dir = temp_dir_make();
    char exe[PATH_MAX], copies[PATH_MAX], apart[PATH_MAX];
    snprintf(exe, sizeof exe, "%s/app", dir.path);
    snprintf(copies, sizeof copies, "%s/copies", dir.path);
    snprintf(apart, sizeof apart, "%s/apart", dir.path);
    shell(dir.path,
          "cp '%s' app; mkdir copies apart other; cp app copies/app; "
          "id=$(readelf -n app | sed -n 's/ *Build ID: //p' | head -n 1); rest=${id#??}; "
          "mkdir -p apart/.build-id/${id%%$rest}; "
          "objcopy --only-keep-debug app apart/.build-id/${id%%$rest}/$rest.debug; strip app",
          app_path(toolchain, "variables"));
    expect_begin(exe, NULL, "why has no debug information");
    expect_begin(exe, copies, "map main.plain 0x0 0x");
    expect_begin(exe, apart, "map main.plain 0x0 0x");
    shell(dir.path, "cp '%s' copies/app", app_path(toolchain, "variables.plain"));
    expect_begin(exe, copies, "why has no debug information");
    temp_dir_remove(&dir);
}
