/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch export` as a command: what it refuses and how, and what it leaves behind.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/program.h"
#include "tests/e2e/support/temp_dir.h"
#include "tests/e2e/support/text.h"

/* Files to be refused, made in a directory that every run starts in. */
static void make_files(const char *directory)
{
    static const struct {
        const char *name, *content;
    } FILES[] = {
        {"empty", ""},
        {"cut", "{\"schema\":\"gopagewatch.dump/1\",\"reason\":"},
        {"newer", "{\"schema\":\"gopagewatch.dump/99\"}"},
        {"noise", "\xff\xfe\x01noise"},
    };
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, FILES[i].name);
        FILE *file = fopen(path, "we");
        must(file != NULL && fputs(FILES[i].content, file) >= 0 && fclose(file) == 0, "%s", path);
    }
}

/* A real dump, from outside, at DIRECTORY/dump. */
static void make_dump(const char *directory)
{
    struct toolchain found[TOOLCHAINS_MAX];
    toolchains_find(found);
    char pid[24];
    struct program_setup setup = {.arguments = (const char *[]){app_path(&found[0], "mapdemo"), "-heap", "4", NULL}};
    struct program *app = program_start(&setup);
    program_await_phase(app, "full");
    snprintf(pid, sizeof pid, "%d", (int)program_pid(app));
    setup = (struct program_setup){
        .arguments = (const char *[]){built_path("gopagewatch"), "attach", pid, "-o", "dump", NULL},
        .directory = directory,
    };
    struct program *attach = program_run(&setup);
    cr_assert_eq(program_await_end(attach), 0, "%s", program_errors(attach));
    program_free(attach);
    program_free(app);
}

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

Test(export, wrong_use_and_unreadable_files_cost_one_line, .timeout = 300)
{
    static const struct {
        const char *line;
        int status;
        const char *says;
    } CASES[] = {
        {"exec $G export", 2,
         "no format was named (one of pprof, prometheus, openmetrics, gobench, ndjson, folded, perfetto)"},
        {"exec $G export pprof", 2, "no dump was named"},
        {"exec $G export html dump", 2, "'html' is no format (one of pprof, "},
        {"exec $G export --wrong pprof dump", 2, "option '--wrong' is unknown"},
        {"exec $G export pprof dump dump", 2, "pprof takes one dump at a time, not 'dump' as well (pprof -diff_base"},
        {"exec $G export folded dump dump", 2, "folded takes one dump at a time, not 'dump' as well"},
        {"exec $G export prometheus dump dump", 4, "two dumps are of mapdemo (pid "},
        {"exec $G export pprof missing", 4, "missing: No such file or directory"},
        {"exec $G export pprof .", 4, "Is a directory"},
        {"exec $G export pprof empty", 4, "empty: "},
        {"exec $G export pprof cut", 4, "cut: "},
        {"exec $G export pprof newer", 4, "use a newer gopagewatch"},
        {"exec $G export pprof noise", 4, "noise: "},
        {"exec $G export ndjson dump cut -o rows", 4, "cut: "},
        {"exec $G export openmetrics dump cut -o rows", 4, "cut: "},
        {"exec $G export ndjson dump -o missing/rows", 4, "missing/rows: cannot be created: No such file"},
        {"exec $G export ndjson dump -o .", 4, "is no file"},
        {"exec $G export ndjson dump >/dev/full", 4, "standard output: No space left on device"},
        {"exec $G export pprof dump >/dev/full", 4, "standard output: No space left on device"},
        {"ulimit -f 1; trap '' XFSZ; exec $G export ndjson dump -o rows", 4, "rows: cannot be written: File too large"},
    };
    struct temp_dir dir = temp_dir_make();
    make_files(dir.path);
    make_dump(dir.path);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct program *program = gopagewatch_shell(dir.path, CASES[i].line);
        const char *errors = program_errors(program);
        cr_expect_eq(program_await_end(program), CASES[i].status, "%s ends with %d: %s", CASES[i].line,
                     program_await_end(program), errors);
        cr_expect(count_lines(errors) == 1 && strncmp(errors, "gopagewatch: ", 13) == 0, "%s: not one line: %s",
                  CASES[i].line, errors);
        cr_expect_not_null(strstr(errors, CASES[i].says), "%s: no \"%s\" in %s", CASES[i].line, CASES[i].says, errors);
        program_free(program);
    }
    struct program *listing = gopagewatch_shell(dir.path, "echo *");
    cr_expect_str_eq(program_output(listing), "cut dump empty newer noise\n", "files were left behind");
    program_free(listing);
    temp_dir_remove(&dir);
}

Test(export, every_format_is_written_to_a_file_as_to_standard_output, .timeout = 300)
{
    struct temp_dir dir = temp_dir_make();
    make_dump(dir.path);
    struct program *program =
        gopagewatch_shell(dir.path, "set -e\n"
                                    "for format in pprof prometheus openmetrics gobench ndjson folded perfetto; do\n"
                                    "    $G export $format dump -o out\n"
                                    "    $G export $format dump >stdout\n"
                                    "    cmp out stdout\n"
                                    "    test -s out\n"
                                    "    stat -c \"$format %a\" out\n"
                                    "done\n");
    cr_expect_eq(program_await_end(program), 0, "%s", program_errors(program));
    cr_expect_str_empty(program_errors(program));
    cr_expect_str_eq(program_output(program), "pprof 600\n"
                                              "prometheus 644\n"
                                              "openmetrics 644\n"
                                              "gobench 600\n"
                                              "ndjson 600\n"
                                              "folded 600\n"
                                              "perfetto 600\n");
    program_free(program);
    temp_dir_remove(&dir);
}

/* script(1) runs a command on a terminal of its own. */
Test(export, person_at_a_terminal_is_told_what_to_type_next, .timeout = 300)
{
    struct temp_dir dir = temp_dir_make();
    make_dump(dir.path);
    struct program *program =
        gopagewatch_shell(dir.path, "script -qec \"$G export pprof dump -o rss.pb.gz\" /dev/null");
    cr_expect_eq(program_await_end(program), 0);
    cr_expect_str_eq(program_output(program),
                     "gopagewatch: export: rss.pb.gz written; next: go tool pprof -top rss.pb.gz\r\n");
    program_free(program);
    program = gopagewatch_shell(dir.path, "script -qec \"$G export pprof dump\" /dev/null");
    cr_expect_eq(program_await_end(program), 2);
    cr_expect_not_null(strstr(program_output(program), "pprof is nothing for a terminal; name a file with -o FILE"));
    program_free(program);
    temp_dir_remove(&dir);
}

Test(export, help_teaches_by_example)
{
    struct program *program = gopagewatch_shell(".", "$G export --help");
    const char *page = program_output(program);
    cr_expect_eq(program_await_end(program), 0);
    cr_expect_not_null(
        strstr(page, "usage: gopagewatch export FORMAT DUMP... [-o FILE] [--symbols DIR] [--events FILE]\n"));
    cr_expect_not_null(strstr(page, "\n  openmetrics  "));
    cr_expect_not_null(strstr(page, "\n  go tool pprof -top rss.pb.gz\n"));
    program_free(program);
}
