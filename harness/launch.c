/* SPDX-License-Identifier: Apache-2.0
 *
 * Preparing a program's environment.
 */
#include "harness/launch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/shim_library.h"
#include "preload/options.h"

/* The file that execvp would start. False: there is none in PATH. */
static bool find_program(const char *name, char path[PATH_MAX])
{
    if (strchr(name, '/') != NULL)
        return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
    const char *directories = getenv("PATH");
    for (const char *at = directories == NULL ? "/bin:/usr/bin" : directories; *at != '\0';) {
        size_t bytes = strcspn(at, ":");
        int length = snprintf(path, PATH_MAX, "%.*s%s%s", (int)bytes, at, bytes == 0 ? "./" : "/", name);
        if (length < PATH_MAX && access(path, X_OK) == 0)
            return true;
        at += bytes + (at[bytes] == ':');
    }
    return false;
}

static bool preload(const char *library)
{
    char value[2 * PATH_MAX];
    const char *others = getenv("LD_PRELOAD");
    int length = snprintf(value, sizeof value, "%s%s%s", library, others == NULL || *others == '\0' ? "" : ":",
                          others == NULL ? "" : others);
    return (size_t)length < sizeof value && setenv("LD_PRELOAD", value, 1) == 0;
}

bool launch_find_program(const char *name, char path[PATH_MAX], struct error *error)
{
    return find_program(name, path) || error_set(error, "is not in PATH; give its path");
}

bool launch_prepare(struct launch *launch, const char *name, struct error *error)
{
    static char library[PATH_MAX];
    launch->thing = name;
    if (!launch_find_program(name, launch->program, error))
        return false;
    launch->thing = launch->program;
    if (!shim_library_would_load(launch->program, error))
        return false;
    launch->thing = "libgopagewatch.so";
    if (!shim_library_find(library, error))
        return false;
    launch->thing = library;
    if (strpbrk(library, ": ") != NULL)
        return error_set(error, "has a space or colon in its path, which LD_PRELOAD cannot hold; install it elsewhere");
    launch->thing = launch->program;
    return preload(library) || error_set(error, "LD_PRELOAD becomes too long; shorten what it has");
}

bool launch_set_option(const char *name, const char *value, struct error *error)
{
    char variable[64];
    const char *accepted = options_check(name, value);
    if (accepted != NULL)
        return error_set(error, "'%s': give %s", value, accepted);
    snprintf(variable, sizeof variable, "GOPAGEWATCH_%s", name);
    return setenv(variable, value, 1) == 0 || error_set(error, "'%s': there is no memory for it", value);
}

#define OUT_DEFAULT(variable, parser, standard, meaning) [OPTION_##variable] = (standard),
#define OUT_NUMBER(variable, parser, standard, meaning) OPTION_##variable,

bool launch_check_output(const char **pattern, struct error *error)
{
    enum { GPW_OPTIONS(OUT_NUMBER) };
    static const char *const DEFAULTS[] = {GPW_OPTIONS(OUT_DEFAULT)};
    char directory[PATH_MAX];
    const char *given = getenv("GOPAGEWATCH_OUT");
    *pattern = given != NULL && given[0] != '\0' ? given : DEFAULTS[OPTION_OUT];
    /* Up to the last slash before the first variable. */
    int length = snprintf(directory, sizeof directory, "%.*s", (int)strcspn(*pattern, "%"), *pattern);
    bool is_whole = strchr(*pattern + strcspn(*pattern, "%"), '/') == NULL;
    char *slash = strrchr(directory, '/');
    if (length >= (int)sizeof directory)
        return error_set(error, "is too long for a path; give a shorter one");
    if (slash == NULL)
        snprintf(directory, sizeof directory, ".");
    else
        slash[slash == directory] = '\0';
    if (access(directory, is_whole ? W_OK | X_OK : X_OK) == 0)
        return true;
    return error_set(error, "no dump can be made in %s: %s; make it, or give another place (-o)", directory,
                     strerror(errno));
}
