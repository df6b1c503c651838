/* SPDX-License-Identifier: Apache-2.0
 *
 * The subcommand: its options and its two files. What stands in a comparison is diff_write.c's business.
 */
#include "harness/diff.h"

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/arguments.h"
#include "harness/command_options.h"
#include "harness/dump_file.h"
#include "harness/printable.h"

static const char NAME[] = "diff";

static const char USAGE[] =
    "usage: gopagewatch diff [--top N | --all] OLD NEW\n"
    "\n"
    "What grew and what shrank between two dumps: the RSS, the classes of memory, the size classes\n"
    "of the Go heap, the findings. What grew most comes first, what shrank after it. Says when the\n"
    "dumps are of different programs, in the wrong order, or were taken under different\n"
    "circumstances (kernel, Go version, build, GOGC, GOMEMLIMIT, huge pages, cgroup limit).\n"
    "\n"
    "  -n, --top N    so many rows of each table; default 10\n"
    "  -a, --all      all rows, those without change too\n"
    "  -h, --help     this page\n"
    "\n"
    "example:\n"
    "  gopagewatch diff gopagewatch.4711.1.json gopagewatch.4711.2.json\n"
    "\n"
    "exit status: 0 they were compared, whether they differ or not; 2 wrong use, 4 a dump cannot be\n"
    "read\n";

enum { PATH_BYTES = 4096 };

static enum exit_code fail(const char *thing, const struct error *error)
{
    command_complain(NAME, thing, error);
    return EXIT_CODE_UNREADABLE;
}

static struct diff_side side_of(const struct dump *dump, const char *path, char printable[PATH_BYTES])
{
    snprintf(printable, PATH_BYTES, "%s", path);
    printable_clean(printable);
    return (struct diff_side){dump, printable};
}

static enum exit_code compare_loaded(const struct dump dumps[2], char **paths, const struct diff_options *options)
{
    char printable[2][PATH_BYTES];
    struct error error;
    struct diff_side old_side = side_of(&dumps[0], paths[0], printable[0]);
    struct diff_side new_side = side_of(&dumps[1], paths[1], printable[1]);
    if (!diff_write(stdout, &old_side, &new_side, options, &error))
        return fail(paths[1], &error);
    return EXIT_CODE_OK;
}

static enum exit_code compare(char **paths, const struct diff_options *options)
{
    struct dump dumps[2];
    struct error error;
    if (!dump_load(&dumps[0], paths[0], &error))
        return fail(paths[0], &error);
    enum exit_code code;
    if (dump_load(&dumps[1], paths[1], &error)) {
        code = compare_loaded(dumps, paths, options);
        dump_free(&dumps[1]);
    } else {
        code = fail(paths[1], &error);
    }
    dump_free(&dumps[0]);
    return code;
}

static enum exit_code take_option(void *context, int option, const char *value)
{
    struct diff_options *options = context;
    if (option == 'a')
        options->shows_all = true;
    else if (!argument_read_count(value, &options->top_rows))
        return command_refuse_use(NAME, "--top takes a number of rows from 1 on, not '%s'", value);
    return EXIT_CODE_OK;
}

enum exit_code diff_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        COMMAND_OPTION_HELP, {"top", required_argument, NULL, 'n'}, {"all", no_argument, NULL, 'a'}, {0}};
    static const struct command_syntax SYNTAX = {
        .name = NAME, .usage = USAGE, .shorts = ":hn:a", .longs = OPTIONS, .take = take_option};
    struct diff_options options = {.width_columns = command_output_columns(),
                                   .style = style_choose(isatty(STDOUT_FILENO))};
    enum exit_code code;
    if (!command_read_options(&SYNTAX, argc, argv, &options, &code))
        return code;
    if (argc - optind != 2)
        return command_refuse_use(NAME, "two dumps are compared, OLD and NEW, not %d", argc - optind);
    return compare(argv + optind, &options);
}
