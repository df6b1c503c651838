/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever the commands that read dumps are given, there is one line that names the thing and the mend, and the right
 * exit status: 2 for wrong use, 4 for a file that is no dump. And every command has a page with an example. All of it
 * under AddressSanitizer too.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/program.h"
#include "tests/e2e/support/temp_dir.h"
#include "tests/e2e/support/text.h"

enum { WRONG_USE = 2, UNREADABLE = 4, ARGUMENTS_MAX = 8, LARGE_BYTES = 100 << 20 };

/* One line on standard error that begins as all do, with these words in it. */
static void expect_refused(const struct command_form *command, const char *directory, const char *const *arguments,
                           int status, const char *words)
{
    const char *all[ARGUMENTS_MAX + 2] = {built_path(command->name)};
    for (size_t i = 0; arguments[i] != NULL; i++)
        all[i + 1] = arguments[i];
    struct program *program = program_run(&(struct program_setup){.arguments = all, .directory = directory});
    const char *errors = program_errors(program);
    cr_expect_eq(program_await_end(program), status, "%s %s: exit status %d, %s", arguments[0], arguments[1],
                 program_await_end(program), errors);
    char begin[64];
    snprintf(begin, sizeof begin, "gopagewatch: %s: ", arguments[0]);
    cr_expect_eq(strncmp(errors, begin, strlen(begin)), 0, "%s", errors);
    cr_expect_not_null(strstr(errors, words), "%s %s does not say \"%s\": %s", arguments[0], arguments[1], words,
                       errors);
    cr_expect_eq(strchr(errors, '\n'), errors + strlen(errors) - 1, "not one line: %s", errors);
    cr_expect_leq(strlen(errors), 400u);
    program_free(program);
}

static const struct {
    const char *arguments[ARGUMENTS_MAX];
    const char *words;
} WRONG[] = {
    {{"report"}, "no dump was named; 'gopagewatch report --help' shows the use"},
    {{"report", "--colour", "good"}, "option '--colour' is unknown"},
    {{"report", "-x", "good"}, "option '-x' is unknown"},
    {{"report", "good", "--top"}, "option '--top' needs a value"},
    {{"report", "--top", "0", "good"}, "--top takes a number of rows from 1 on, not '0'"},
    {{"report", "--top", "-1", "good"}, "not '-1'"},
    {{"report", "--top", "99999999999", "good"}, "not '99999999999'"},
    {{"report", "--top", "3x", "good"}, "not '3x'"},
    {{"report", "good", "--symbols"}, "option '--symbols' needs a value"},
    {{"diff"}, "two dumps are compared, OLD and NEW, not 0"},
    {{"diff", "good"}, "two dumps are compared, OLD and NEW, not 1"},
    {{"diff", "good", "good", "good"}, "two dumps are compared, OLD and NEW, not 3"},
    {{"diff", "--html", "good", "good"}, "option '--html' is unknown"},
    {{"diff", "--top", "", "good", "good"}, "not ''"},
    {{"export"}, "no format was named"},
    {{"export", "html", "good"}, "'html' is no format"},
    {{"export", "pprof"}, "no dump was named"},
    {{"export", "--symbols", "directory", "gobench", "good"}, "gobench has no stacks, so --symbols is of no use to it"},
    {{"run"}, "no program was named"},
    {{"run", "--every", "0s", "true"}, "100ms"},
    {{"dump", "good"}, "'good' is no process id"},
    {{"dump", "1", "--timeout", "5"}, "is no time"},
    {{"attach"}, "no process was named"},
    {{"attach", "-o"}, "option '-o' needs a value"},
    {{"attach", "good"}, "'good' is no process id"},
    {{"core", "good"}, "no core file was named"},
    {{"page", "1000"}, "no process was named"},
    {{"page", "good", "1"}, "'good' is no address"},
    {{"page", "1000", "good"}, "'good' is no process id"},
    {{"page", "--pfn", "good", "1"}, "'good' is no frame number"},
    {{"map"}, "no map was named"},
    {{"map", "main.cache"}, "no process was named"},
    {{"map", "main.cache", "good"}, "'good' is no process id; the map comes first"},
    {{"map", "main.cache", "1", "2"}, "not '2' as well"},
    {{"map", "main.cache", "--core", "good"}, "--core needs the program that left it too: --exe EXE"},
    {{"map", "main.cache", "--core", "good", "--exe", "good", "1"}, "one core file, not '1' as well"},
    {{"map", "0xc000123000", "1"}, "of which type is the map at 0xc000123000? Give --type"},
    {{"map", "main.cache", "--type", "map[int]int", "1"}, "--type goes with an address like 0xc000123000, not with"},
    {{"map", "0x", "--type", "map[int]int", "1"}, "--type goes with an address"},
    {{"map", "0x0", "--type", "map[int]int", "1"}, "--type goes with an address"},
    {{"map", "main.cache", "1", "--colour"}, "option '--colour' is unknown"},
    {{"map", "main.cache", "--core"}, "option '--core' needs a value"},
    {{"top", "good"}, "'good' is no process id"},
    {{"top", "--interval", "1ms", "1"}, "'1ms' is no interval"},
    {{"doctor", "good", "good"}, "not 'good' as well"},
    {{"help", "--completion", "zsh"}, "no completion is known for 'zsh'"},
    {{"check", "--limit", "rss.total=1GiB"}, "no dump was named; give --current DUMP..."},
    {{"check", "good"}, "'good': say whether it is --baseline or --current"},
    {{"check", "--current", "good"}, "there is no rule; give --growth, --limit, --slope, --exact or --config"},
    {{"check", "--current", "good", "--growth", "rss.total=5%"}, "--growth rss.total needs something to compare with"},
    {{"check", "--current", "good", "--exact", "rss.total"}, "give --baseline"},
    {{"check", "--current", "good", "--limit", "rss.total=5%"}, "limit of 'rss.total': '5%' is not accepted; give a"},
    {{"check", "--current", "good", "--limit", "rss.totl=1GiB"}, "no metric is called 'rss.totl'; 'gopagewatch check"},
    {{"check", "--current", "good", "--limit", "x.*=1GiB"}, "no metric is called 'x.*'"},
    {{"check", "--current", "good", "--alpha", "5%"}, "alpha '5%': give a chance between 0 and 0.5"},
    {{"check", "--current", "good", "--format", "pdf"}, "format 'pdf': give text, json, "},
    {{"check", "--current", "good", "--config", "garbage"}, "garbage: line 1: bytes that are no text"},
    {{"check", "--current", "good", "--config", "good"}, "good: line 1: longer than 198 bytes; "},
    {{"check", "--current", "good", "--config", "other"},
     "other: line 1: '{\"a\"' stands above all sections; put [check] or"},
    {{"check", "--current", "good", "--config", "empty"}, "there is no rule; give "},
    {{"check", "--self-test", "--limit", "rss.totl=1GiB"}, "no metric is called 'rss.totl'"},
};

#define NO_CORE "is no core file: it does not begin with an ELF header"

static const struct {
    const char *name, *words, *words_of_core;
} UNREADABLE_FILES[] = {
    {"missing", "missing: No such file or directory; check the path", "missing: cannot be opened: No such file"},
    {"directory", "directory: Is a directory; name a dump in it", "directory: is no regular file"},
    {"empty", "empty: is empty; copy it again or take another dump", "empty: " NO_CORE},
    {"truncated", "truncated: ends in the middle, after ", "truncated: " NO_CORE},
    {"newer", "newer: has schema gopagewatch.dump/2, and gopagewatch ", "newer: " NO_CORE},
    {"garbage", "garbage: is not JSON (line 1, ", "garbage: " NO_CORE},
    {"blanks", "blanks: ", "blanks: " NO_CORE},
    {"other", "other: is JSON but no dump (it has no \"schema\")", "other: " NO_CORE},
};

/* Those of a gate alone. */
static const struct {
    const char *arguments[ARGUMENTS_MAX];
    const char *words;
} UNREADABLE_GATES[] = {
    {{"check", "--current", "good", "--config", "missing"}, "missing: No such file or directory; name a file like"},
    {{"check", "--current", "good", "--config", "directory"}, "directory: Is a directory; name a file like"},
    {{"check", "--baseline", "future", "--current", "good", "--growth", "rss.total=5%"},
     "future: has schema \"gopagewatch.baseline/2\", and gopagewatch "},
    {{"check", "--baseline", "broken", "--current", "good", "--growth", "rss.total=5%"},
     "broken: program is missing; the baseline is damaged: "},
    {{"check", "--current", "broken", "--limit", "rss.total=1GiB"}, "broken: is a baseline; name the dumps to compare"},
    {{"check", "--current", "good", "--update-baseline", "missing/file"}, "missing/file: "},
    {{"check", "--current", "good", "--limit", "rss.total=512GiB", "--format", "json=missing/file"}, "missing/file: "},
};

/* Of maps alone. */
static const struct {
    const char *arguments[ARGUMENTS_MAX];
    const char *words;
} UNREADABLE_MAPS[] = {
    {{"map", "main.m", "--symbols", "missing", "1"}, "missing: No such file or directory; --symbols takes a directory"},
    {{"map", "main.m", "--exe", "missing", "--core", "good"}, "good: " NO_CORE},
    {{"map", "main.m", "999999999"}, "999999999: "},
    {{"run", "--watch", "main.m", "--", "./good"}, "./good: is no program of its own (a script?)"},
    {{"run", "--watch", "main.m", "--", "./missing"}, "./missing: cannot be opened: No such file or directory"},
    {{"run", "--symbols", "missing", "--watch", "main.m", "--", "./good"}, "missing: No such file or directory; "},
};

static void write_file(const char *directory, const char *name, const char *bytes, size_t length)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    must(file != NULL && fwrite(bytes, 1, length, file) == length && fclose(file) == 0, "%s", path);
}

static const char FUTURE[] = "{\"schema\":\"gopagewatch.baseline/2\",\"program\":null}";
static const char BROKEN[] = "{\"schema\":\"gopagewatch.baseline/1\"}";

/* All the files that the cases name, from a real dump. */
static void make_files(const char *directory)
{
    struct toolchain found[TOOLCHAINS_MAX];
    toolchains_find(found);
    struct watched *watched = watch_app(&found[0], "mapdemo", NULL);
    program_await_phase(watched->program, "full");
    json_t *dump = watched_dump(watched);
    char *good = json_dumps(dump, JSON_COMPACT), path[256];
    write_file(directory, "good", good, strlen(good));
    write_file(directory, "truncated", good, strlen(good) / 2);
    json_object_set_new(dump, "schema", json_string("gopagewatch.dump/2"));
    char *newer = json_dumps(dump, JSON_COMPACT);
    write_file(directory, "newer", newer, strlen(newer));
    write_file(directory, "empty", "", 0);
    write_file(directory, "other", "{\"a\":1}", 7);
    write_file(directory, "future", FUTURE, strlen(FUTURE));
    write_file(directory, "broken", BROKEN, strlen(BROKEN));
    char *large = malloc(LARGE_BYTES);
    must(large != NULL, "memory");
    memset(large, ' ', LARGE_BYTES);
    write_file(directory, "blanks", large, LARGE_BYTES);
    for (size_t i = 0, state = 1; i < LARGE_BYTES; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        large[i] = (char)(state >> 56);
    }
    write_file(directory, "garbage", large, LARGE_BYTES);
    snprintf(path, sizeof path, "%s/directory", directory);
    must(mkdir(path, 0700) == 0, "%s", path);
    free(large);
    free(newer);
    free(good);
    json_decref(dump);
    watched_end(watched);
}

COMMAND_TEST(command_input, wrong_input_costs_one_line, .timeout = 600)
{
    struct temp_dir dir = temp_dir_make();
    make_files(dir.path);
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++)
        expect_refused(command, dir.path, WRONG[i].arguments, WRONG_USE, WRONG[i].words);
    for (size_t i = 0; i < sizeof UNREADABLE_GATES / sizeof UNREADABLE_GATES[0]; i++)
        expect_refused(command, dir.path, UNREADABLE_GATES[i].arguments, UNREADABLE, UNREADABLE_GATES[i].words);
    for (size_t i = 0; i < sizeof UNREADABLE_MAPS / sizeof UNREADABLE_MAPS[0]; i++)
        expect_refused(command, dir.path, UNREADABLE_MAPS[i].arguments, UNREADABLE, UNREADABLE_MAPS[i].words);
    for (size_t i = 0; i < sizeof UNREADABLE_FILES / sizeof UNREADABLE_FILES[0]; i++) {
        const char *name = UNREADABLE_FILES[i].name, *words = UNREADABLE_FILES[i].words;
        expect_refused(command, dir.path, (const char *[]){"report", name, NULL}, UNREADABLE, words);
        expect_refused(command, dir.path, (const char *[]){"diff", name, "good", NULL}, UNREADABLE, words);
        expect_refused(command, dir.path, (const char *[]){"diff", "good", name, NULL}, UNREADABLE, words);
        expect_refused(command, dir.path, (const char *[]){"report", "--html", "page.html", name, NULL}, UNREADABLE,
                       words);
        expect_refused(command, dir.path, (const char *[]){"export", "pprof", name, "-o", "out", NULL}, UNREADABLE,
                       words);
        expect_refused(command, dir.path, (const char *[]){"export", "ndjson", name, NULL}, UNREADABLE, words);
        expect_refused(command, dir.path, (const char *[]){"core", "good", name, NULL}, UNREADABLE,
                       UNREADABLE_FILES[i].words_of_core);
        expect_refused(command, dir.path,
                       (const char *[]){"check", "--current", name, "--limit", "rss.total=1GiB", NULL}, UNREADABLE,
                       words);
        expect_refused(command, dir.path, (const char *[]){"map", "main.m", "--exe", "good", "--core", name, NULL},
                       UNREADABLE, UNREADABLE_FILES[i].words_of_core);
        expect_refused(
            command, dir.path,
            (const char *[]){"check", "--baseline", name, "--current", "good", "--growth", "rss.total=5%", NULL},
            UNREADABLE, words);
        expect_refused(command, dir.path, (const char *[]){"check", "--current", "good", name, "--list", NULL},
                       UNREADABLE, words);
        if (strcmp(name, "directory") != 0) {
            const char *why = strcmp(name, "missing") == 0 ? "missing: No such file or directory; --symbols takes a"
                                                           : "is no directory; --symbols takes a directory";
            expect_refused(command, dir.path, (const char *[]){"report", "--symbols", name, "good", NULL}, UNREADABLE,
                           why);
            expect_refused(command, dir.path, (const char *[]){"export", "--symbols", name, "pprof", "good", NULL},
                           UNREADABLE, why);
        }
        /* the other dump is shown all the same */
        expect_refused(command, dir.path, (const char *[]){"report", "good", name, NULL}, UNREADABLE, words);
    }
    temp_dir_remove(&dir);
}

static void expect_page(const struct command_form *command, const char *name)
{
    char usage[64];
    const char *bogus[] = {built_path(command->name), name, "--no-such-option", NULL};
    struct program *page = program_run(
        &(struct program_setup){.arguments = (const char *[]){built_path(command->name), name, "--help", NULL}});
    snprintf(usage, sizeof usage, "usage: gopagewatch %s ", name);
    cr_expect_eq(program_await_end(page), 0, "%s: %s", name, program_errors(page));
    cr_expect_eq(strncmp(program_output(page), usage, strlen(usage)), 0, "%s", program_output(page));
    cr_expect(strstr(program_output(page), "\nexample:\n  gopagewatch ") != NULL ||
                  strstr(program_output(page), "\nexamples:\n  gopagewatch ") != NULL ||
                  strstr(program_output(page), "\nexample:\n  ulimit ") != NULL,
              "%s", program_output(page));
    cr_expect_not_null(strstr(program_output(page), "\nexit status: "), "%s", program_output(page));
    cr_expect_str_empty(program_errors(page));
    program_free(page);
    struct program *refused = program_run(&(struct program_setup){.arguments = bogus});
    cr_expect_eq(program_await_end(refused), WRONG_USE, "%s: %s", name, program_errors(refused));
    cr_expect_eq(strchr(program_errors(refused), '\n'), program_errors(refused) + strlen(program_errors(refused)) - 1,
                 "not one line: %s", program_errors(refused));
    program_free(refused);
}

/* Those that `gopagewatch help` lists: "  NAME   what it does". */
COMMAND_TEST(command_input, every_command_has_a_page_with_an_example, .timeout = 180)
{
    unsigned commands = 0;
    struct program *list =
        program_run(&(struct program_setup){.arguments = (const char *[]){built_path(command->name), "help", NULL}});
    cr_assert_eq(program_await_end(list), 0, "%s", program_errors(list));
    for (const char *line = program_output(list); line != NULL; line = strchr(line, '\n')) {
        char name[32];
        line += *line == '\n';
        if (sscanf(line, "  %31[a-z]%*1[ ]", name) != 1 || strncmp(line, "  ", 2) != 0 || strcmp(name, "help") == 0)
            continue;
        expect_page(command, name);
        commands++;
    }
    cr_expect_geq(commands, 10u, "%u commands", commands);
    program_free(list);
}
