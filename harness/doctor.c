/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of checks, and the lines that come of it.
 */
#include "harness/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/command_options.h"
#include "harness/doctor_check.h"
#include "harness/printable.h"

static const char NAME[] = "doctor";

static const char USAGE[] =
    "usage: gopagewatch doctor [EXE | PID]\n"
    "\n"
    "Tells what will work here, and why not. Without an argument: this machine and this installation;\n"
    "with a program's file: whether the shim will be loaded and what will be seen; with a process id:\n"
    "whether the shim is at work in it, whether it can be looked at, and where its dumps go. Nothing\n"
    "is run, stopped or changed.\n"
    "\n"
    "A line is a verdict (ok, warn, no), what was looked at, the fact, and behind '->' what to do.\n"
    "\n"
    "  -h, --help   this page\n"
    "\n"
    "example:\n"
    "  gopagewatch doctor\n"
    "  gopagewatch doctor ./app\n"
    "  gopagewatch doctor 4711\n"
    "\n"
    "exit status: 0 something useful works, 2 wrong use, 4 nothing does, or it cannot be read\n";

enum scope { SCOPE_MACHINE, SCOPE_FILE, SCOPE_PROCESS };

/* In the order of the lines. When a vital check says no, nothing works and those behind it are not asked. */
static const struct {
    enum scope scope;
    bool is_vital;
    const char *name;
    doctor_check *check;
} CHECKS[] = {
    {SCOPE_MACHINE, true, "kernel", check_kernel},
    {SCOPE_MACHINE, true, "pagemap", check_pagemap},
    {SCOPE_MACHINE, false, "scan", check_scan},
    {SCOPE_MACHINE, true, "memory", check_reading},
    {SCOPE_MACHINE, false, "rights", check_ptrace_scope},
    {SCOPE_MACHINE, false, "frames", check_frames},
    {SCOPE_MACHINE, false, "huge pages", check_huge_pages},
    {SCOPE_MACHINE, false, "khugepaged", check_khugepaged},
    {SCOPE_MACHINE, false, "shim", check_library},
    {SCOPE_MACHINE, false, "libunwind", check_unwinder},
    {SCOPE_MACHINE, false, "cgroup", check_cgroup},
    {SCOPE_MACHINE, false, "container", check_container},
    {SCOPE_MACHINE, false, "directory", check_directory},

    {SCOPE_FILE, true, "file", check_file_kind},
    {SCOPE_FILE, true, "machine", check_file_machine},
    {SCOPE_FILE, true, "go", check_file_go},
    {SCOPE_FILE, false, "preload", check_file_preload},
    {SCOPE_FILE, false, "rights", check_file_rights},
    {SCOPE_FILE, false, "symbols", check_file_symbols},
    {SCOPE_FILE, false, "variables", check_file_variables},
    {SCOPE_FILE, false, "functions", check_file_functions},
    {SCOPE_FILE, false, "madvise", check_file_madvise},
    {SCOPE_FILE, false, "heap", check_file_layout},
    {SCOPE_FILE, false, "experiments", check_file_experiments},
    {SCOPE_FILE, false, "race", check_file_race},

    {SCOPE_PROCESS, true, "go", check_process_go},
    {SCOPE_PROCESS, false, "attach", check_process_attach},
    {SCOPE_PROCESS, false, "heap", check_process_layout},
    {SCOPE_PROCESS, false, "variables", check_process_variables},
    {SCOPE_PROCESS, false, "shim", check_process_shim},
    {SCOPE_PROCESS, false, "madvise", check_process_madvise},
    {SCOPE_PROCESS, false, "request", check_process_request},
    {SCOPE_PROCESS, false, "dumps", check_process_output},
    {SCOPE_PROCESS, false, "GODEBUG", check_process_godebug},
    {SCOPE_PROCESS, false, "limits", check_process_limits},
    {SCOPE_PROCESS, false, "huge pages", check_process_huge_pages},
    {SCOPE_PROCESS, false, "cgroup", check_process_cgroup},
};

enum { CHECKS_COUNT = sizeof CHECKS / sizeof CHECKS[0], NAME_COLUMNS = 12, VERDICT_COLUMNS = 5 };

void remark_say(struct remark *remark, enum verdict verdict, const char *fact, ...)
{
    va_list arguments;
    va_start(arguments, fact);
    vsnprintf(remark->fact, sizeof remark->fact, fact, arguments);
    va_end(arguments);
    remark->verdict = verdict;
}

void remark_mend(struct remark *remark, const char *mend, ...)
{
    va_list arguments;
    va_start(arguments, mend);
    vsnprintf(remark->mend, sizeof remark->mend, mend, arguments);
    va_end(arguments);
}

/* ---- output ---- */

static const struct {
    const char *word, *colour;
} VERDICT_WORDS[VERDICTS] = {
    [VERDICT_OK] = {"ok", "\033[32m"},
    [VERDICT_WARN] = {"warn", "\033[33m"},
    [VERDICT_NO] = {"no", "\033[1;31m"},
};

static bool has_colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
}

/* Words on lines of at most `width` columns; the first begins at `column`, the others are indented as far. */
static void write_words(const char *text, uint32_t indent, uint32_t width)
{
    uint32_t column = indent;
    for (const char *at = text; *at != '\0';) {
        uint32_t word = (uint32_t)strcspn(at, " ");
        if (column != indent && column + 1 + word > width) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column != indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)word, at);
        column += word;
        at += word;
        at += strspn(at, " ");
    }
    putchar('\n');
}

static void write_line(const char *name, struct remark *remark)
{
    char text[sizeof remark->fact + sizeof remark->mend + 8];
    bool is_coloured = has_colours();
    snprintf(text, sizeof text, "%s%s%s", remark->fact, remark->mend[0] != '\0' ? " -> " : "", remark->mend);
    printable_clean(text);
    printf("%s%-*s%s%-*s", is_coloured ? VERDICT_WORDS[remark->verdict].colour : "", VERDICT_COLUMNS,
           VERDICT_WORDS[remark->verdict].word, is_coloured ? "\033[0m" : "", NAME_COLUMNS, name);
    write_words(text, VERDICT_COLUMNS + NAME_COLUMNS, command_output_columns());
}

/* False: a vital check said no. */
static bool write_checks(const struct doctor *doctor, enum scope scope)
{
    for (unsigned i = 0; i < CHECKS_COUNT; i++) {
        struct remark remark = {.verdict = VERDICT_NONE};
        if (CHECKS[i].scope != scope)
            continue;
        CHECKS[i].check(doctor, &remark);
        if (remark.verdict != VERDICT_NONE)
            write_line(CHECKS[i].name, &remark);
        if (CHECKS[i].is_vital && remark.verdict == VERDICT_NO)
            return false;
    }
    return true;
}

/* ---- what is looked at ---- */

static enum exit_code fail(const char *thing, const struct error *error)
{
    command_complain(NAME, thing, error);
    return EXIT_CODE_UNREADABLE;
}

static enum exit_code examine_machine(const struct environment *environment)
{
    struct doctor doctor = {.environment = *environment};
    return write_checks(&doctor, SCOPE_MACHINE) ? EXIT_CODE_OK : EXIT_CODE_UNREADABLE;
}

static enum exit_code examine_file(const struct environment *environment, const char *path)
{
    enum { BUMP_BYTES = 1 << 30 };
    struct error error;
    struct bump bump;
    if (bump_open(&bump, BUMP_BYTES) != 0) {
        error_set(&error, "there is no memory to look at it; free some or raise the limit (ulimit -v)");
        return fail(path, &error);
    }
    struct doctor_program *program = bump_take(&bump, sizeof *program);
    void *scratch = bump_take(&bump, RUNTIME_FIND_SCRATCH_BYTES);
    enum exit_code code;
    if (!program_file_open(&program->file, path, &bump, &error)) {
        code = fail(path, &error);
    } else {
        program->path = path;
        program->is_go = program->file.segments_count != 0 &&
                         runtime_find(&program->runtime, &program->file.reader, program->file.base, path, scratch);
        struct doctor doctor = {.environment = *environment, .program = program};
        code = write_checks(&doctor, SCOPE_FILE) ? EXIT_CODE_OK : EXIT_CODE_UNREADABLE;
        program_file_close(&program->file);
    }
    bump_close(&bump);
    return code;
}

static enum exit_code examine_process(const struct environment *environment, int pid, const char *thing)
{
    struct doctor_process process = {.pid = pid};
    struct error error;
    if (!live_look_open(&process.look, NAME, pid, thing, &error))
        return fail(thing, &error);
    struct outside *outside = process.look.outside;
    process.is_go = outside_find_modules(outside, &error);
    process.module = &outside->modules.modules[0];
    struct doctor doctor = {.environment = *environment, .process = &process};
    bool is_useful = write_checks(&doctor, SCOPE_PROCESS);
    live_look_close(&process.look);
    return is_useful ? EXIT_CODE_OK : EXIT_CODE_UNREADABLE;
}

enum exit_code doctor_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {COMMAND_OPTION_HELP, {0}};
    static const struct command_syntax SYNTAX = {.name = NAME, .usage = USAGE, .shorts = ":h", .longs = OPTIONS};
    struct environment environment;
    struct command_process process;
    enum exit_code code;
    if (!command_read_options(&SYNTAX, argc, argv, NULL, &code))
        return code;
    if (argc - optind > 1)
        return command_refuse_use(NAME, "one program or process at a time, not '%s' as well", argv[optind + 1]);
    environment_read(&environment, (uint64_t)sysconf(_SC_PAGESIZE), 0, "/proc/self/cgroup");
    if (optind == argc)
        return examine_machine(&environment);
    /* A file whose name is a number is given as ./4711. */
    if (command_read_process(argv[optind], &process))
        return examine_process(&environment, process.pid, process.text);
    return examine_file(&environment, argv[optind]);
}
