/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wrong with an option, told apart.
 */
#include "harness/command_options.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/support/files.h"

enum { ARGUMENTS_MAX = 6, SAID_BYTES = 512, OPTION_SETTLE = 256, OPTION_SIGNAL };

static enum exit_code take(void *context, int option, const char *value)
{
    char *taken = context;
    snprintf(taken + strlen(taken), SAID_BYTES - strlen(taken), "%d=%s ", option, value == NULL ? "" : value);
    return EXIT_CODE_OK;
}

static const struct option LONGS[] = {COMMAND_OPTION_HELP,
                                      {"settle", required_argument, NULL, OPTION_SETTLE},
                                      {"signal", no_argument, NULL, OPTION_SIGNAL},
                                      {"output", required_argument, NULL, 'o'},
                                      {0}};

static const struct command_syntax SYNTAX = {
    .name = "test", .usage = "page\n", .shorts = ":ho:", .longs = LONGS, .take = take};

static bool read_line(const char *const *arguments, char said[SAID_BYTES], char taken[SAID_BYTES], enum exit_code *code)
{
    struct captured_stderr captured;
    char *argv[ARGUMENTS_MAX + 2] = {(char *)"test"};
    int argc = 1;
    for (; *arguments != NULL; arguments++)
        argv[argc++] = (char *)*arguments;
    taken[0] = '\0';
    capture_stderr_begin(&captured);
    bool goes_on = command_read_options(&SYNTAX, argc, argv, taken, code);
    capture_stderr_end(&captured, said, SAID_BYTES);
    return goes_on;
}

Test(command_options, what_is_wrong_is_told_apart)
{
    static const struct {
        const char *arguments[ARGUMENTS_MAX], *said;
    } CASES[] = {
        {{"a", "--settle"}, "option '--settle' needs a value;"},
        {{"--sett"}, "option '--sett' needs a value;"},
        {{"--output"}, "option '--output' needs a value;"},
        {{"-o"}, "option '-o' needs a value;"},
        {{"--s", "1"}, "option '--s' is ambiguous (--settle, --signal);"},
        {{"--colour"}, "option '--colour' is unknown;"},
        {{"--colour=3"}, "option '--colour=3' is unknown;"},
        {{"--signal=3"}, "option '--signal' takes no value;"},
        {{"--help=3"}, "option '--help' takes no value;"},
        {{"-x"}, "option '-x' is unknown;"},
        {{"--signal", "-xo"}, "option '-x' is unknown;"},
    };
    char said[SAID_BYTES], taken[SAID_BYTES];
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        enum exit_code code = EXIT_CODE_OK;
        cr_expect_not(read_line(CASES[i].arguments, said, taken, &code));
        cr_expect_eq(code, EXIT_CODE_WRONG_USE);
        cr_expect_not_null(strstr(said, CASES[i].said), "%s: %s", CASES[i].said, said);
    }
}

Test(command_options, options_are_taken_and_arguments_left)
{
    char said[SAID_BYTES], taken[SAID_BYTES];
    enum exit_code code = EXIT_CODE_UNREADABLE;
    cr_assert(read_line((const char *const[]){"a", "--settle=5", "-of", "--sig", NULL}, said, taken, &code));
    cr_expect_eq(code, EXIT_CODE_OK);
    cr_expect_str_eq(taken, "256=5 111=f 257= ");
    cr_expect_eq(optind, 4);
    cr_expect_str_eq(said, "");
}
