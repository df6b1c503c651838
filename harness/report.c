/* SPDX-License-Identifier: Apache-2.0
 *
 * The subcommand: its options, its files one after the other, and a table over all of them. What stands in the block of
 * a dump is report_dump.c's business.
 */
#include "harness/report.h"

#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "harness/arguments.h"
#include "harness/class_table.h"
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

static void write_help(FILE *out)
{
    struct table table;
    fputs(USAGE, out);
    class_table_fill_meanings(&table);
    table_print(&table, out);
}

enum exit_code report_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"help", no_argument, NULL, 'h'},
                                            {"html", required_argument, NULL, OPTION_HTML},
                                            {"symbols", required_argument, NULL, OPTION_SYMBOLS},
                                            {"top", required_argument, NULL, 'n'},
                                            {"wide", no_argument, NULL, 'w'},
                                            {0}};
    struct report_options options = {.width_columns = command_output_columns(),
                                     .style = style_choose(isatty(STDOUT_FILENO))};
    struct symbols_directories directories = {0};
    struct error error;
    const char *html_path = NULL;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "hn:w", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case 'h':
            write_help(stdout);
            return EXIT_CODE_OK;
        case 'n':
            if (!argument_read_count(optarg, &options.top_rows))
                return command_refuse_use(NAME, "--top takes a number of rows from 1 on, not '%s'", optarg);
            break;
        case 'w':
            options.is_wide = true;
            break;
        case OPTION_HTML:
            html_path = optarg;
            break;
        case OPTION_SYMBOLS:
            if (!symbols_directories_add(&directories, optarg, &error)) {
                command_complain(NAME, optarg, &error);
                return EXIT_CODE_UNREADABLE;
            }
            break;
        default:
            return command_refuse_option(NAME, argv);
        }
    }
    if (optind == argc)
        return command_refuse_use(NAME, "no dump was named");
    options.symbols = symbols_directories_options(&directories);
    if (html_path != NULL)
        return html_report_run(html_path, argv + optind, (uint32_t)(argc - optind), &options.symbols);
    return report_files(argv + optind, (uint32_t)(argc - optind), &options);
}
