/* SPDX-License-Identifier: Apache-2.0
 *
 * The command as a test runs it: to its end, with what it said.
 */
#ifndef SUPPORT_GOPAGEWATCH_H
#define SUPPORT_GOPAGEWATCH_H

#include <criterion/parameterized.h>
#include <stdbool.h>

#include "tests/e2e/support/program.h"

/* The command as it is installed, and the same sources under AddressSanitizer, which ends with 1, and words on stderr,
 * where the command would have done what C does not allow, or has kept memory at its end. */
struct command_form {
    char name[24]; /* for built_path */
};

/* A test that is run for both; `command` is at hand in its body. */
#define COMMAND_TEST(suite, name, ...)       \
    ParameterizedTestParameters(suite, name) \
    {                                        \
        return commands_as_parameters();     \
    }                                        \
    ParameterizedTest(const struct command_form *command, suite, name, ##__VA_ARGS__)

struct criterion_test_params commands_as_parameters(void);

/* "gopagewatch ARGUMENT..."; NULL at the end. For program_free. */
struct program *gopagewatch_run(const char *const *arguments);
/* The same as the user nobody: see can_be_nobody. */
struct program *gopagewatch_run_as_nobody(const char *const *arguments);

/* A shell's command line with $G for the command, in `directory`; the status is the shell's. It has ended. */
struct program *gopagewatch_shell(const char *directory, const char *line);

/* Whether this test is root and nobody may run the command. Where not, the test is to be skipped. */
bool can_be_nobody(void);

/* It ends with `code` and says one line on stderr, with `reason` in it, and nothing on stdout. `program` is freed. */
void expect_refusal(struct program *program, int code, const char *reason);

#endif
