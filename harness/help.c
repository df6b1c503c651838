/* SPDX-License-Identifier: Apache-2.0
 *
 * The pages of the command, and the man page and completion that come of them.
 */
#include "harness/help.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "harness/manual.h"

static const char NAME[] = "help";

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

static enum exit_code write_manual(const struct command *commands, uint32_t count,
                                   void (*write)(FILE *, const struct manual *))
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
        optind = 0; /* getopt begins anew */
        return commands[i].run(2, arguments);
    }
    return command_refuse_use(NULL, "unknown command '%s'", name);
}

enum exit_code help_show(const struct command *commands, uint32_t count, int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"completion", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"man", no_argument, NULL, 'm'},
                                            {0}};
    void (*write)(FILE *, const struct manual *) = NULL;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case 'h':
            fputs(USAGE, stdout);
            return EXIT_CODE_OK;
        case 'm':
            write = manual_write_roff;
            break;
        case 'c':
            if (strcmp(optarg, "bash") != 0)
                return command_refuse_use(NAME, "no completion is known for '%s', only for bash", optarg);
            write = manual_write_bash;
            break;
        default:
            return command_refuse_option(NAME, argv);
        }
    }
    int most = write == NULL ? 1 : 0;
    if (argc - optind > most)
        return command_refuse_use(NAME, "'%s' is too much", argv[optind + most]);
    if (write != NULL)
        return write_manual(commands, count, write);
    if (optind < argc)
        return show_page(commands, count, argv[optind]);
    help_write_list(commands, count);
    return EXIT_CODE_OK;
}
