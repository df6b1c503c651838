/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of owned strings with room for every change.
 */
#include "tests/e2e/support/environment.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/support/fail.h"

/* By their beginnings. */
static const char *const LEFT_OUT[] = {
    "GOPAGEWATCH_", "LD_",    "GODEBUG=", "GOGC=", "GOMEMLIMIT=", "GOMAXPROCS=", "GOTRACEBACK=",
    "MALLOC_",      "GLIBC_", "LC_",      "LANG=", "ASAN_",       "LSAN_",       "UBSAN_",
};

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (list != NULL && list[n] != NULL)
        n++;
    return n;
}

static bool is_left_out(const char *variable)
{
    for (size_t i = 0; i < sizeof LEFT_OUT / sizeof LEFT_OUT[0]; i++) {
        if (strncmp(variable, LEFT_OUT[i], strlen(LEFT_OUT[i])) == 0)
            return true;
    }
    return false;
}

static void take_away(char **environment, const char *variable)
{
    size_t name = strcspn(variable, "=");
    size_t kept = 0;
    for (size_t i = 0; environment[i] != NULL; i++) {
        if (strncmp(environment[i], variable, name) == 0 && environment[i][name] == '=')
            free(environment[i]);
        else
            environment[kept++] = environment[i];
    }
    environment[kept] = NULL;
}

static void add(char **environment, const char *variable)
{
    size_t n = count((const char *const *)environment);
    environment[n] = strdup(variable);
    must(environment[n] != NULL, "environment");
}

char **environment_make(const char *const *changes)
{
    size_t room = count((const char *const *)environ) + count(changes) + 2;
    char **environment = calloc(room, sizeof *environment);
    must(environment != NULL, "environment");
    for (char **variable = environ; *variable != NULL; variable++) {
        if (!is_left_out(*variable))
            add(environment, *variable);
    }
    add(environment, "LC_ALL=C");
    for (; changes != NULL && *changes != NULL; changes++) {
        take_away(environment, *changes);
        if (strchr(*changes, '=') != NULL)
            add(environment, *changes);
    }
    return environment;
}

void environment_free(char **environment)
{
    for (char **variable = environment; *variable != NULL; variable++)
        free(*variable);
    free(environment);
}
