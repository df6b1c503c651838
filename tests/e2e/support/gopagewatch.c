/* SPDX-License-Identifier: Apache-2.0
 *
 * Running the command.
 */
#include "tests/e2e/support/gopagewatch.h"

#include <criterion/criterion.h>
#include <grp.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/fail.h"

enum { ARGUMENTS_MAX = 16, NOBODY = 65534 };

struct criterion_test_params commands_as_parameters(void)
{
    static struct command_form forms[] = {{"gopagewatch"}, {"asan/gopagewatch"}};
    return cr_make_param_array(struct command_form, forms, sizeof forms / sizeof forms[0]);
}

static void become_nobody(void)
{
    if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        _exit(77);
}

static struct program *run(const char *const *arguments, void (*before_exec)(void))
{
    const char *all[ARGUMENTS_MAX + 2] = {built_path("gopagewatch")};
    for (unsigned i = 0; arguments[i] != NULL; i++) {
        if (i == ARGUMENTS_MAX)
            fail("more than %d arguments", ARGUMENTS_MAX);
        all[i + 1] = arguments[i];
    }
    struct program *program = program_run(&(struct program_setup){.arguments = all, .before_exec = before_exec});
    program_await_end(program);
    return program;
}

struct program *gopagewatch_run(const char *const *arguments)
{
    return run(arguments, NULL);
}

struct program *gopagewatch_run_as_nobody(const char *const *arguments)
{
    return run(arguments, become_nobody);
}

struct program *gopagewatch_shell(const char *directory, const char *line)
{
    char variable[PATH_MAX + 8];
    snprintf(variable, sizeof variable, "G=%s", built_path("gopagewatch"));
    struct program *program = program_run(&(struct program_setup){
        .arguments = (const char *[]){"/bin/sh", "-c", line, NULL},
        .environment = (const char *[]){variable, NULL},
        .directory = directory,
    });
    program_await_end(program);
    return program;
}

bool can_be_nobody(void)
{
    const char *path = built_path("gopagewatch");
    if (geteuid() != 0)
        return false;
    pid_t child = fork();
    if (child == 0) {
        become_nobody();
        _exit(access(path, X_OK) == 0 ? 0 : 77);
    }
    int status;
    must(waitpid(child, &status, 0) == child, "waitpid");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void expect_refusal(struct program *program, int code, const char *reason)
{
    const char *errors = program_errors(program);
    const char *end = strchr(errors, '\n');
    cr_expect_eq(program_await_end(program), code, "%s: %s", reason, errors);
    cr_expect_not_null(strstr(errors, reason), "'%s' is not in %s", reason, errors);
    cr_expect(strncmp(errors, "gopagewatch: ", 13) == 0 && end != NULL && end[1] == '\0', "not one line: %s", errors);
    cr_expect_str_empty(program_output(program));
    program_free(program);
}
