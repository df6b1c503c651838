/* SPDX-License-Identifier: Apache-2.0
 *
 * What may stand behind a subcommand: the one way in which all of them read their options, tell their page and refuse.
 */
#ifndef GPW_HARNESS_COMMAND_OPTIONS_H
#define GPW_HARNESS_COMMAND_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

#include "harness/command.h"

/* Every table of long options has it. */
#define COMMAND_OPTION_HELP            \
    {                                  \
        "help", no_argument, NULL, 'h' \
    }

struct command_syntax {
    const char *name;  /* of the subcommand */
    const char *usage; /* its page, which --help shows; NULL: write_help writes it */
    void (*write_help)(void);
    /* As getopt_long takes them. `shorts` begins with ":", behind a "+" or "-" where there is one; a value below 256 in
     * `longs` is one of `shorts` too. */
    const char *shorts;
    const struct option *longs;
    /* Takes one option but --help; `value` is NULL where it has none. Any code but EXIT_CODE_OK: it was refused, and
     * said. */
    enum exit_code (*take)(void *context, int option, const char *value);
    int last; /* what stands behind this option is another's to read; 0: there is none such */
};

/* Reads the options; `optind` is left at the first argument. False: the subcommand ends with `code`, its page was
 * shown, or it was said what is wrong. */
bool command_read_options(const struct command_syntax *syntax, int argc, char **argv, void *context,
                          enum exit_code *code);

/* ---- one process ---- */

struct command_process {
    int pid;
    char text[16]; /* the number, for messages */
};

/* A process id as it was typed. False: it is none. */
bool command_read_process(const char *text, struct command_process *process);
/* The only argument of a subcommand, behind its options. */
enum exit_code command_take_process(const char *subcommand, int argc, char **argv, struct command_process *process);

#endif
