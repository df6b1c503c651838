/* SPDX-License-Identifier: Apache-2.0
 *
 * Names that are found from a dump, held against what the Go runtime in the program says of the same addresses
 * (tests/apps/frames): function, file, line and inlined calls must be equal, in every form of a program.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/text.h"

enum { ADDRESSES_MIN = 3000, INLINED_MIN = 500, COMMAND_BYTES = 8192 };

/* What the program said, and the names that were found. */
struct names {
    struct temp_dir dir;
    struct text said, found;
    char dump[PATH_MAX];
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    must(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0, "%s cannot be written", path);
}

/* The lines of the program's output that are about addresses; into DIR/said, and the addresses into DIR/addresses. */
static void keep_said(struct names *names, struct program *program)
{
    char path[PATH_MAX];
    struct text addresses = {0};
    const char *line = program_output(program);
    for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        const char *at = strncmp(line, "pc ", 3) == 0 ? line + 3 : strncmp(line, "c ", 2) == 0 ? line + 2 : NULL;
        if (at == NULL || at > end)
            continue;
        text_append(&names->said, line, (size_t)(end + 1 - line));
        text_append(&addresses, at, strcspn(at, " \n"));
        text_append(&addresses, "\n", 1);
    }
    snprintf(path, sizeof path, "%s/addresses", names->dir.path);
    write_file(path, text_string(&addresses));
    text_free(&addresses);
}

/* Takes a dump from outside, so that static programs have one too. */
static void start(struct names *names, const char *const *arguments)
{
    char pid[16];
    *names = (struct names){.dir = temp_dir_make()};
    struct program *program = program_start(&(struct program_setup){.arguments = arguments});
    program_await_phase(program, "ready");
    keep_said(names, program);
    snprintf(names->dump, sizeof names->dump, "%s/dump.json", names->dir.path);
    snprintf(pid, sizeof pid, "%d", (int)program_pid(program));
    struct program *attach = gopagewatch_run((const char *[]){"attach", pid, "-o", names->dump, NULL});
    cr_assert_eq(program_await_end(attach), 0, "%s", program_errors(attach));
    program_free(attach);
    program_free(program);
}

/* Long after: the program has ended. */
static void find(struct names *names, const char *directory)
{
    char command[COMMAND_BYTES];
    snprintf(command, sizeof command, "%s '%s' '%s' <'%s/addresses'", built_path("tests/symbolize"), names->dump,
             directory, names->dir.path);
    struct program *program =
        program_run(&(struct program_setup){.arguments = (const char *[]){"/bin/sh", "-c", command, NULL}});
    cr_assert_eq(program_await_end(program), 0, "%s", program_errors(program));
    text_free(&names->found);
    names->found = (struct text){0};
    text_append(&names->found, program_output(program), strlen(program_output(program)));
    program_free(program);
}

static void end(struct names *names)
{
    text_free(&names->said);
    text_free(&names->found);
    temp_dir_remove(&names->dir);
}

static const char *next_line(const char **at)
{
    static char line[2][65536];
    static unsigned which;
    size_t length = strcspn(*at, "\n");
    char *copy = line[which++ % 2];
    must(length < sizeof line[0], "a line is too long");
    memcpy(copy, *at, length);
    copy[length] = '\0';
    *at += length + ((*at)[length] == '\n');
    return copy;
}

/* Up to go1.20 the runtime leaves a wrapper that something was inlined into to those who print tracebacks. */
static bool is_without_wrapper(const struct toolchain *toolchain, const char *said, const char *found)
{
    size_t bytes = strlen(found);
    return toolchain_minor(toolchain) <= 20 && strncmp(said, found, bytes) == 0 && said[bytes] == ' ' &&
           strchr(said + bytes + 1, ' ') == NULL;
}

/* The function whose name is the first in the table has none for the runtime (symtab.go:funcName). */
static bool has_name(const char *frames)
{
    return strstr(frames, " |") == NULL;
}

static void expect_equal(const struct names *names, const struct toolchain *toolchain, const char *form)
{
    const char *said_at = text_string(&names->said), *found_at = text_string(&names->found);
    unsigned all = 0, inlined = 0, wrappers = 0, wrong = 0;
    while (*said_at != '\0') {
        const char *said = next_line(&said_at), *found = next_line(&found_at);
        if (strncmp(said, "pc ", 3) != 0 || !has_name(said + 3))
            continue;
        const char *frames = strchr(said + 3, ' ');
        all++;
        inlined += frames != NULL && strchr(frames + 1, ' ') != NULL;
        bool is_wrapper = is_without_wrapper(toolchain, said + 3, found);
        wrappers += is_wrapper;
        if (is_wrapper || strcmp(said + 3, found) == 0)
            continue;
        if (wrong++ < 5)
            cr_log_error("go%s %s: the runtime says %s, found is %s", toolchain->version, form, said + 3, found);
    }
    cr_expect_eq(wrong, 0, "go%s %s: %u of %u", toolchain->version, form, wrong, all);
    cr_expect_geq(all, ADDRESSES_MIN, "go%s %s: %u addresses", toolchain->version, form, all);
    cr_expect_geq(inlined, INLINED_MIN, "go%s %s: %u with inlined calls", toolchain->version, form, inlined);
    cr_expect_lt(wrappers, all / 100, "go%s %s: %u wrappers", toolchain->version, form, wrappers);
}

/* The frames of the program's place in C as they were found: function|file|line ... */
static const char *find_place_in_c(const struct names *names, const char **said)
{
    const char *said_at = text_string(&names->said), *found_at = text_string(&names->found);
    while (*said_at != '\0') {
        *said = next_line(&said_at);
        const char *found = next_line(&found_at);
        if (strncmp(*said, "c ", 2) == 0) {
            *said = strchr(*said + 2, ' ');
            return strchr(found, ' ');
        }
    }
    fail("the program has no place in C");
}

/* " function|place.c|line" of each, the file by its end. */
static void expect_place_in_c(const struct names *names, const char *form)
{
    const char *said, *found = find_place_in_c(names, &said);
    char inner[64], outer[64], inner_line[16], outer_line[16];
    cr_assert_eq(sscanf(said, " %63[^|]|place.c|%15s %63[^|]|place.c|%15s", inner, inner_line, outer, outer_line), 4);
    char begin[80], middle[160], last[32];
    snprintf(begin, sizeof begin, " %s|/", inner);
    snprintf(middle, sizeof middle, "/place.c|%s %s|/", inner_line, outer);
    snprintf(last, sizeof last, "/place.c|%s", outer_line);
    size_t bytes = strlen(found);
    cr_expect(strncmp(found, begin, strlen(begin)) == 0 && strstr(found, middle) != NULL && bytes > strlen(last) &&
                  strcmp(found + bytes - strlen(last), last) == 0,
              "%s: the program says%s, found is%s", form, said, found);
}

TOOLCHAIN_TEST(symbols, go_code_has_the_names_and_lines_that_its_runtime_knows, .timeout = 300)
{
    static const char *const FORMS[] = {"frames",          "frames.pie",          "frames.internal",
                                        "frames.stripped", "frames.pie.stripped", "frames.static",
                                        "frames.race"};
    for (size_t i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        if (!app_exists(toolchain, FORMS[i]))
            continue;
        struct names names;
        start(&names, (const char *[]){app_path(toolchain, FORMS[i]), NULL});
        find(&names, "/nonexistent");
        expect_equal(&names, toolchain, FORMS[i]);
        cr_expect_null(strstr(text_string(&names.found), "why "), "%s", text_string(&names.found));
        if (strcmp(FORMS[i], "frames") == 0 || strcmp(FORMS[i], "frames.pie") == 0)
            expect_place_in_c(&names, FORMS[i]);
        end(&names);
    }
}

TOOLCHAIN_TEST(symbols, a_shared_library_in_a_c_program_has_the_same, .timeout = 180)
{
    struct names names;
    start(&names, (const char *[]){app_path(toolchain, "runhost"), app_path(toolchain, "libframes.so"), NULL});
    find(&names, "/nonexistent");
    expect_equal(&names, toolchain, "libframes.so");
    expect_place_in_c(&names, "libframes.so");
    end(&names);
}

static void shell(const char *format, const char *first, const char *second)
{
    char command[COMMAND_BYTES];
    snprintf(command, sizeof command, format, first, second);
    struct program *program =
        program_run(&(struct program_setup){.arguments = (const char *[]){"/bin/sh", "-ec", command, NULL}});
    cr_assert_eq(program_await_end(program), 0, "%s: %s", command, program_errors(program));
    program_free(program);
}

/* On another machine: the path leads to nothing there, or to another program. */
TOOLCHAIN_TEST(symbols, files_are_found_by_build_id_where_they_were_put, .timeout = 180)
{
    char program[PATH_MAX];
    struct names names;
    struct temp_dir dir = temp_dir_make(), kept = temp_dir_make();
    snprintf(program, sizeof program, "%s/frames", dir.path);
    shell("cp '%s' '%s'", app_path(toolchain, "frames"), program);
    start(&names, (const char *[]){program, NULL});
    shell("cp '%s' '%s/frames'", program, kept.path);
    shell("rm '%s'; cp /bin/true '%s'", program, program);
    find(&names, kept.path);
    expect_equal(&names, toolchain, "kept elsewhere");
    expect_place_in_c(&names, "kept elsewhere");
    end(&names);
    temp_dir_remove(&dir);
    temp_dir_remove(&kept);
}

/* As distributions do it: DIR/.build-id/xx/yyyy.debug. */
TOOLCHAIN_TEST(symbols, debug_information_apart_serves_a_stripped_program, .timeout = 180)
{
    char kept[PATH_MAX], program[PATH_MAX];
    struct names names;
    struct temp_dir dir = temp_dir_make();
    snprintf(program, sizeof program, "%s/frames", dir.path);
    snprintf(kept, sizeof kept, "%s/kept", dir.path);
    shell("cp '%s' '%s'", app_path(toolchain, "frames"), program);
    shell("program='%s'; id=$(readelf -n $program | sed -n 's/ *Build ID: //p' | head -n 1); "
          "rest=${id#??}; directory='%s'/.build-id/${id%%$rest}; mkdir -p $directory; "
          "objcopy --only-keep-debug $program $directory/$rest.debug; strip $program",
          program, kept);
    start(&names, (const char *[]){program, NULL});
    find(&names, kept);
    expect_equal(&names, toolchain, "debug information apart");
    expect_place_in_c(&names, "debug information apart");
    end(&names);
    temp_dir_remove(&dir);
}

TOOLCHAIN_TEST(symbols, a_program_that_was_replaced_gives_no_names_but_says_why, .timeout = 180)
{
    char program[PATH_MAX];
    struct names names;
    struct temp_dir dir = temp_dir_make();
    snprintf(program, sizeof program, "%s/frames", dir.path);
    shell("cp '%s' '%s'", app_path(toolchain, "frames"), program);
    start(&names, (const char *[]){program, NULL});
    shell("rm '%s'; cp /bin/true '%s'", program, program);
    find(&names, "/nonexistent");
    const char *found = text_string(&names.found), *why = strstr(found, "\nwhy ");
    cr_assert_not_null(why);
    cr_expect_null(strstr(found, "main.main|"));
    cr_expect_not_null(strstr(why, "the file is not the one that ran: it has build id"), "%s", why);
    cr_expect_null(strstr(why + 1, "\nwhy "), "it is said once");
    end(&names);
    temp_dir_remove(&dir);
}
