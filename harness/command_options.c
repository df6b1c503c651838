/* SPDX-License-Identifier: Apache-2.0
 *
 * getopt_long, and what it does not say: which of three things is wrong with an option.
 */
#include "harness/command_options.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "memory/text.h"

/* ---- refusals ---- */

enum { NAMES_BYTES = 256 };

static const struct option *find_value(const struct option *longs, int value)
{
    for (const struct option *at = longs; at->name != NULL; at++) {
        if (at->val == value)
            return at;
    }
    return NULL;
}

/* Those that begin as what was typed, "--se=3": how many, and "--settle, --signal". */
static unsigned list_meant(const struct option *longs, const char *typed, char names[NAMES_BYTES])
{
    unsigned count = 0;
    size_t filled = 0, bytes = strcspn(typed + 2, "=");
    for (const struct option *at = longs; at->name != NULL; at++) {
        if (strncmp(at->name, typed + 2, bytes) != 0)
            continue;
        int length = snprintf(names + filled, NAMES_BYTES - filled, "%s--%s", count++ == 0 ? "" : ", ", at->name);
        if (filled + (size_t)length < NAMES_BYTES)
            filled += (size_t)length;
    }
    return count;
}

static enum exit_code refuse_option(const struct command_syntax *syntax, int refusal, char **argv)
{
    /* getopt has gone past a long option that it refuses, but perhaps not past a cluster of short ones. */
    const char *typed = argv[optind - 1];
    const struct option *known = optopt == 0 ? NULL : find_value(syntax->longs, optopt);
    char names[NAMES_BYTES] = "";
    if (refusal == ':' && strncmp(typed, "--", 2) == 0)
        return command_refuse_use(syntax->name, "option '%s' needs a value", typed);
    if (refusal == ':')
        return command_refuse_use(syntax->name, "option '-%c' needs a value", optopt);
    if (known != NULL)
        return command_refuse_use(syntax->name, "option '--%s' takes no value", known->name);
    if (optopt != 0)
        return command_refuse_use(syntax->name, "option '-%c' is unknown", optopt);
    if (list_meant(syntax->longs, typed, names) > 1)
        return command_refuse_use(syntax->name, "option '%s' is ambiguous (%s)", typed, names);
    return command_refuse_use(syntax->name, "option '%s' is unknown", typed);
}

/* ---- reading ---- */

bool command_read_options(const struct command_syntax *syntax, int argc, char **argv, void *context,
                          enum exit_code *code)
{
    opterr = 0;
    optind = 0; /* begin anew: options may be read twice in a run */
    *code = EXIT_CODE_OK;
    for (int option; (option = getopt_long(argc, argv, syntax->shorts, syntax->longs, NULL)) != -1;) {
        if (option == '?' || option == ':') {
            *code = refuse_option(syntax, option, argv);
            return false;
        }
        if (option == 'h') {
            if (syntax->usage != NULL)
                fputs(syntax->usage, stdout);
            else
                syntax->write_help();
            return false;
        }
        *code = syntax->take(context, option, optarg);
        if (*code != EXIT_CODE_OK)
            return false;
        if (option == syntax->last)
            return true;
    }
    return true;
}

/* ---- one process ---- */

bool command_read_process(const char *text, struct command_process *process)
{
    struct text rest = text_of(text);
    uint64_t value;
    if (!text_take_decimal(&rest, &value) || rest.at != rest.end || value == 0 || value > INT_MAX)
        return false;
    process->pid = (int)value;
    snprintf(process->text, sizeof process->text, "%d", process->pid);
    return true;
}

enum exit_code command_take_process(const char *subcommand, int argc, char **argv, struct command_process *process)
{
    if (optind == argc)
        return command_refuse_use(subcommand, "no process was named");
    if (argc - optind > 1)
        return command_refuse_use(subcommand, "one process at a time, not '%s' as well", argv[optind + 1]);
    if (!command_read_process(argv[optind], process))
        return command_refuse_use(subcommand, "'%s' is no process id", argv[optind]);
    return EXIT_CODE_OK;
}
