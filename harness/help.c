/* SPDX-License-Identifier: Apache-2.0
 *
 * The pages of the command, and the man page and completion that come of them.
 */
#include "harness/help.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "harness/command_options.h"
#include "harness/manual.h"

static const char NAME[] = "help";

enum { OPTION_MAN = 256, OPTION_COMPLETION };

static const char USAGE[] =
    "usage: gopagewatch help [COMMAND]\n"
    "       gopagewatch help --man\n"
    "       gopagewatch help --completion bash\n"
    "\n"
    "Lists the commands, or tells more of one. The man page and the completion are made from\n"
    "the pages of all commands.\n"
    "\n"
    "  --man               the man page, for man(1)\n"
    "  --completion bash   a script for bash that completes commands, options, files, processes\n"
    "  -h, --help          this page\n"
    "\n"
    "examples:\n"
    "  gopagewatch help report\n"
    "  gopagewatch help --man | man -l -\n"
    "  source <(gopagewatch help --completion bash)\n"
    "\n"
    "exit status: 0 it was shown, 2 wrong use\n";

void help_write_list(const struct command *commands, uint32_t count)
{
    fputs("usage: gopagewatch COMMAND [ARG...]\n"
          "\n"
          "Where did my RSS go? For Go and cgo programs, page by page.\n"
          "\n",
          stdout);
    for (uint32_t i = 0; i < count; i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("\n"
          "  --help, --version\n"
          "\n"
          "'gopagewatch help COMMAND' tells more, with an example.\n",
          stdout);
}

typedef void manual_writer(FILE *, const struct manual *);

static enum exit_code write_manual(const struct command *commands, uint32_t count, manual_writer *write)
{
    static struct manual manual; /* too large for the stack */
    struct error error;
    bool is_open = manual_open(&manual, commands, count, &error);
    if (is_open)
        write(stdout, &manual);
    else
        command_complain(NULL, NAME, &error);
    manual_close(&manual);
    return is_open ? EXIT_CODE_OK : EXIT_CODE_UNREADABLE;
}

static enum exit_code show_page(const struct command *commands, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        char command[64], help[] = "--help", *arguments[] = {command, help, NULL};
        snprintf(command, sizeof command, "%s", name);
        return commands[i].run(2, arguments);
    }
    return command_refuse_use(NULL, "unknown command '%s'", name);
}

struct request {
    manual_writer *write; /* NULL: neither was asked for */
};

static enum exit_code take_option(void *context, int option, const char *value)
{
    struct request *request = context;
    request->write = option == OPTION_MAN ? manual_write_roff : manual_write_bash;
    if (option == OPTION_COMPLETION && strcmp(value, "bash") != 0)
        return command_refuse_use(NAME, "no completion is known for '%s', only for bash", value);
    return EXIT_CODE_OK;
}

enum exit_code help_show(const struct command *commands, uint32_t count, int argc, char **argv)
{
    static const struct option OPTIONS[] = {COMMAND_OPTION_HELP,
                                            {"completion", required_argument, NULL, OPTION_COMPLETION},
                                            {"man", no_argument, NULL, OPTION_MAN},
                                            {0}};
    static const struct command_syntax SYNTAX = {
        .name = NAME, .usage = USAGE, .shorts = ":h", .longs = OPTIONS, .take = take_option};
    struct request request = {0};
    enum exit_code code;
    if (!command_read_options(&SYNTAX, argc, argv, &request, &code))
        return code;
    int most = request.write == NULL ? 1 : 0;
    if (argc - optind > most)
        return command_refuse_use(NAME, "'%s' is too much", argv[optind + most]);
    if (request.write != NULL)
        return write_manual(commands, count, request.write);
    if (optind < argc)
        return show_page(commands, count, argv[optind]);
    help_write_list(commands, count);
    return EXIT_CODE_OK;
}
