/* SPDX-License-Identifier: Apache-2.0
 *
 * gopagewatch: finds the subcommand and ends with its exit code.
 *
 * A subcommand is a row of COMMANDS and a file of its own; help, man page,
 * completion and dispatch follow from the table.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "gopagewatch/schema.h"
#include "harness/attach.h"
#include "harness/check.h"
#include "harness/command.h"
#include "harness/core.h"
#include "harness/diff.h"
#include "harness/doctor.h"
#include "harness/export.h"
#include "harness/help.h"
#include "harness/map.h"
#include "harness/page.h"
#include "harness/report.h"
#include "harness/request.h"
#include "harness/run.h"
#include "harness/top.h"

static enum exit_code help_run(int argc, char **argv);

static const struct command COMMANDS[] = {
    {"run", "a program under the shim", run_run},
    {"dump", "asks the shim inside a process for a dump", request_run},
    {"attach", "a dump of any running Go process, from outside", attach_run},
    {"core", "a dump of a Go process that left a core file", core_run},
    {"report", "where the RSS of a process went, from its dumps", report_run},
    {"diff", "what grew and what shrank between two dumps", diff_run},
    {"check", "the CI gate: fails when the memory of a program grew", check_run},
    {"top", "where it is right now, live", top_run},
    {"map", "how many pages a Go map really costs, and what of them is resident", map_run},
    {"page", "one address of a running Go process: mapping, span, object, OS page", page_run},
    {"export", "a dump in a format that other tools read", export_run},
    {"doctor", "what will work here, and why not", doctor_run},
    {"help", "the page of a command, the man page, the completion", help_run},
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

static enum exit_code refuse_command(const char *name)
{
    const char *kind = name[0] == '-' ? "option" : "command";
    return command_refuse_use(NULL, "unknown %s '%s'", kind, name);
}

static enum exit_code help_run(int argc, char **argv)
{
    return help_show(COMMANDS, COMMAND_COUNT, argc, argv);
}

static enum exit_code dispatch(int argc, char **argv)
{
    if (argc < 2)
        return command_refuse_use(NULL, "no command was given");
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        help_write_list(COMMANDS, COMMAND_COUNT);
        return EXIT_CODE_OK;
    }
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
