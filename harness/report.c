/* SPDX-License-Identifier: Apache-2.0
 *
 * The subcommand: its options, its files one after the other, and a table over all of them. What stands in the block of
 * a dump is report_dump.c's business.
 */
#include "harness/report.h"

#include <string.h>
#include <unistd.h>

#include "harness/arguments.h"
#include "harness/class_table.h"
#include "harness/command_options.h"
#include "harness/dump_file.h"
#include "harness/html_report.h"
#include "harness/printable.h"
#include "harness/symbols_directories.h"

static const char NAME[] = "report";

enum { OPTION_HTML = 256, OPTION_SYMBOLS };

static const char USAGE[] =
    "usage: gopagewatch report [--top N] [--wide] [--symbols DIR] [--html FILE] DUMP...\n"
    "\n"
    "Shows for each dump where the resident memory of the process went: whose it is, what stands\n"
    "out and what to do about it, which size classes of the Go heap waste most, and a map of its\n"
    "arenas. With two to six dumps a table over all of them follows: what is resident, class by\n"
    "class.\n"
    "\n"
    "  -n, --top N        so many rows in each list (size classes, maps, stacks, threads, ranges, arenas);\n"
    "                     default: a few, to fit a screen\n"
    "  -w, --wide         all arenas (or N), one row each, as wide as the terminal\n"
    "      --symbols DIR  look for the program and its libraries in DIR too, for names of functions; can\n"
    "                     be given several times. Only a file with the build id of the dump is used\n"
    "      --html FILE    write one page for a browser instead, with everything in it ('-': to standard\n"
    "                     output): findings, classes over time, size classes, a map of every page of the\n"
    "                     heap\n"
    "  -h, --help         this page\n"
    "\n"
    "Colours and block characters are used on a terminal only; NO_COLOR=1 turns colours off.\n"
    "\n"
    "examples:\n"
    "  gopagewatch report gopagewatch.4711.1.json\n"
    "  gopagewatch report --html rss.html gopagewatch.4711.*.json\n"
    "\n"
    "exit status: 0 all dumps were shown, 2 wrong use, 4 a dump cannot be read (the others are shown)\n"
    "or the page cannot be written\n"
    "\n"
    "The classes of memory; every resident byte belongs to exactly one:\n";

static void write_compared(FILE *out, const struct dump *dumps, const uint32_t *file_numbers, uint32_t dumps_count,
                           const struct style *style)
{
    struct table table;
    class_table_fill_compared(&table, dumps, file_numbers, dumps_count);
    style_write_heading(out, style, "resident in each file");
    table_print_styled(&table, out, style);
}

static void write_titled(const struct dump *dump, const char *path, uint32_t number, uint32_t files_count,
                         const struct report_options *options)
{
    char title[4096 + 32];
    if (files_count > 1)
        snprintf(title, sizeof title, "file %u: %s", number, path);
    else
        snprintf(title, sizeof title, "%s", path);
    printable_clean(title);
    report_write_dump(stdout, dump, title, options);
}

/* A dump that cannot be read does not keep the others from being shown. Those to be compared are kept until the end. */
static enum exit_code report_files(char **paths, uint32_t files_count, const struct report_options *options)
{
    struct dump kept[CLASS_TABLE_DUMPS_MAX];
    uint32_t kept_numbers[CLASS_TABLE_DUMPS_MAX];
    uint32_t kept_count = 0, shown_count = 0;
    for (uint32_t i = 0; i < files_count; i++) {
        struct dump dump;
        struct error error;
        if (!dump_load(&dump, paths[i], &error)) {
            command_complain(NAME, paths[i], &error);
            continue;
        }
        if (shown_count++ > 0)
            fputc('\n', stdout);
        write_titled(&dump, paths[i], i + 1, files_count, options);
        if (files_count > CLASS_TABLE_DUMPS_MAX) {
            dump_free(&dump);
            continue;
        }
        kept_numbers[kept_count] = i + 1;
        kept[kept_count++] = dump;
    }
    if (kept_count > 1)
        write_compared(stdout, kept, kept_numbers, kept_count, &options->style);
    while (kept_count > 0)
        dump_free(&kept[--kept_count]);
    return shown_count == files_count ? EXIT_CODE_OK : EXIT_CODE_UNREADABLE;
}

static void write_help(void)
{
    struct table table;
    fputs(USAGE, stdout);
    class_table_fill_meanings(&table);
    table_print(&table, stdout);
}

struct request {
    struct report_options options;
    struct symbols_directories directories;
    const char *html_path; /* NULL: text */
};

static enum exit_code take_option(void *context, int option, const char *value)
{
    struct request *request = context;
    struct error error;
    switch (option) {
    case 'n':
        return argument_read_count(value, &request->options.top_rows)
                   ? EXIT_CODE_OK
                   : command_refuse_use(NAME, "--top takes a number of rows from 1 on, not '%s'", value);
    case 'w':
        request->options.is_wide = true;
        return EXIT_CODE_OK;
    case OPTION_HTML:
        request->html_path = value;
        return EXIT_CODE_OK;
    default: /* OPTION_SYMBOLS */
        if (symbols_directories_add(&request->directories, value, &error))
            return EXIT_CODE_OK;
        command_complain(NAME, value, &error);
        return EXIT_CODE_UNREADABLE;
    }
}

enum exit_code report_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {COMMAND_OPTION_HELP,
                                            {"html", required_argument, NULL, OPTION_HTML},
                                            {"symbols", required_argument, NULL, OPTION_SYMBOLS},
                                            {"top", required_argument, NULL, 'n'},
                                            {"wide", no_argument, NULL, 'w'},
                                            {0}};
    static const struct command_syntax SYNTAX = {
        .name = NAME, .write_help = write_help, .shorts = ":hn:w", .longs = OPTIONS, .take = take_option};
    struct request request = {
        .options = {.width_columns = command_output_columns(), .style = style_choose(isatty(STDOUT_FILENO))}};
    enum exit_code code;
    if (!command_read_options(&SYNTAX, argc, argv, &request, &code))
        return code;
    if (optind == argc)
        return command_refuse_use(NAME, "no dump was named");
    request.options.symbols = symbols_directories_options(&request.directories);
    if (request.html_path != NULL)
        return html_report_run(request.html_path, argv + optind, (uint32_t)(argc - optind), &request.options.symbols);
    return report_files(argv + optind, (uint32_t)(argc - optind), &request.options);
}
