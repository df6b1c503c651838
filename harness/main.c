/* SPDX-License-Identifier: Apache-2.0
 *
 * gopagewatch: finds the subcommand and ends with its exit code.
 *
 * A subcommand is a row of COMMANDS and a file of its own; help, usage and dispatch follow from the table.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "gopagewatch/schema.h"
#include "harness/attach.h"
#include "harness/command.h"
#include "harness/core.h"
#include "harness/export.h"
#include "harness/report.h"

static enum exit_code help_run(int argc, char **argv);

static const struct command COMMANDS[] = {
    {"attach", "a dump of any running Go process, from outside", attach_run},
    {"core", "a dump of a Go process that left a core file", core_run},
    {"report", "where the RSS of a process went, from its dumps", report_run},
    {"export", "a dump in a format that other tools read", export_run},
    {"help", "this page, or the page of a command", help_run},
};

enum { COMMAND_COUNT = sizeof COMMANDS / sizeof COMMANDS[0] };

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
    }
    return NULL;
}

static enum exit_code write_help(void)
{
    fputs("usage: gopagewatch COMMAND [ARG...]\n"
          "\n"
          "Where did my RSS go? For Go and cgo programs, page by page.\n"
          "\n",
          stdout);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-8s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fputs("\n"
          "  --help, --version\n"
          "\n"
          "'gopagewatch help COMMAND' tells more, with an example.\n",
          stdout);
    return EXIT_CODE_OK;
}

static enum exit_code refuse_command(const char *name)
{
    const char *kind = name[0] == '-' ? "option" : "command";
    return command_refuse_use(NULL, "unknown %s '%s'", kind, name);
}

static enum exit_code help_run(int argc, char **argv)
{
    if (argc > 2)
        return command_refuse_use(NULL, "help takes one command, not '%s' as well", argv[2]);
    if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
        return write_help();
    const struct command *command = find_command(argv[1]);
    if (command == NULL)
        return refuse_command(argv[1]);
    char help_option[] = "--help";
    char *help_argv[] = {argv[1], help_option, NULL};
    return command->run(2, help_argv);
}

static enum exit_code dispatch(int argc, char **argv)
{
    if (argc < 2)
        return command_refuse_use(NULL, "no command was given");
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return write_help();
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("gopagewatch %s (reads %s)\n", GPW_VERSION, GPW_DUMP_SCHEMA);
        return EXIT_CODE_OK;
    }
    const struct command *command = find_command(name);
    return command != NULL ? command->run(argc - 1, argv + 1) : refuse_command(name);
}

int main(int argc, char **argv)
{
    return (int)command_finish_output(dispatch(argc, argv));
}
