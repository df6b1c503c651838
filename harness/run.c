/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets the shim's variables and becomes the program: same process, same descriptors, its exit status.
 */
#include "harness/run.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/shim_library.h"
#include "preload/options.h"

static const char NAME[] = "run";

static const char USAGE[] =
    "usage: gopagewatch run [OPTION...] [--] CMD [ARG...]\n"
    "\n"
    "Runs a Go program built with cgo (or one that imports net or os/user) under the shim. It behaves\n"
    "as without; ask for a dump by 'gopagewatch dump PID' or 'kill -USR2 PID'.\n"
    "\n"
    "  -o, --output PATTERN  path of a dump: %p pid, %n number, %e program, %h host, %t time, %l label;\n"
    "                        default gopagewatch.%p.%n.json\n"
    "      --every TIME      a dump every so often (500ms, 30s, 5m, 1h)\n"
    "      --at-exit         a dump when the program ends by itself\n"
    "      --when-rss SIZE   a dump when the resident memory passes SIZE (512MiB, 2GiB); again when it\n"
    "                        was a tenth below meanwhile\n"
    "      --signal NAME     the signal that asks for a dump, or none; default USR2\n"
    "  -h, --help            this page\n"
    "\n"
    "example:\n"
    "  gopagewatch run --when-rss 2GiB --at-exit -- ./app --port 8080\n"
    "\n"
    "exit status: that of CMD; 2 wrong use, 4 CMD cannot be run under the shim (the reason is said)\n";

enum { OPTION_EVERY = 256, OPTION_AT_EXIT, OPTION_WHEN_RSS, OPTION_SIGNAL };

/* Puts the variable into the environment; false: its value is not accepted, and that was said. */
static bool set_variable(const char *option, const char *name, const char *value)
{
    char variable[64];
    const char *accepted = options_check(name, value);
    if (accepted != NULL) {
        command_refuse_use(NAME, "%s '%s': give %s", option, value, accepted);
        return false;
    }
    snprintf(variable, sizeof variable, "GOPAGEWATCH_%s", name);
    return setenv(variable, value, 1) == 0;
}

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

static enum exit_code fail(const char *thing, const struct error *error)
{
    command_complain(NAME, thing, error);
    return EXIT_CODE_UNREADABLE;
}

static enum exit_code start(char **command)
{
    struct error error;
    char program[PATH_MAX], library[PATH_MAX];
    if (!find_program(command[0], program)) {
        error_set(&error, "is not in PATH; give its path");
        return fail(command[0], &error);
    }
    if (!shim_library_would_load(program, &error))
        return fail(program, &error);
    if (!shim_library_find(library, &error))
        return fail("libgopagewatch.so", &error);
    if (strpbrk(library, ": ") != NULL) {
        error_set(&error, "has a space or colon in its path, which LD_PRELOAD cannot hold; install it elsewhere");
        return fail(library, &error);
    }
    if (!preload(library)) {
        error_set(&error, "LD_PRELOAD becomes too long; shorten what it has");
        return fail(program, &error);
    }
    execv(program, command);
    error_set(&error, "cannot be started: %s", strerror(errno));
    return fail(program, &error);
}

enum exit_code run_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"help", no_argument, NULL, 'h'},
                                            {"output", required_argument, NULL, 'o'},
                                            {"every", required_argument, NULL, OPTION_EVERY},
                                            {"at-exit", no_argument, NULL, OPTION_AT_EXIT},
                                            {"when-rss", required_argument, NULL, OPTION_WHEN_RSS},
                                            {"signal", required_argument, NULL, OPTION_SIGNAL},
                                            {0}};
    bool is_right = true;
    opterr = 0;
    /* "+": what stands behind CMD is CMD's. */
    for (int option; is_right && (option = getopt_long(argc, argv, "+ho:", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case 'h':
            fputs(USAGE, stdout);
            return EXIT_CODE_OK;
        case 'o':
            is_right = set_variable("--output", "OUT", optarg);
            break;
        case OPTION_EVERY:
            is_right = set_variable("--every", "EVERY", optarg);
            break;
        case OPTION_AT_EXIT:
            is_right = set_variable("--at-exit", "AT_EXIT", "1");
            break;
        case OPTION_WHEN_RSS:
            is_right = set_variable("--when-rss", "RSS", optarg);
            break;
        case OPTION_SIGNAL:
            is_right = set_variable("--signal", "SIGNAL", optarg);
            break;
        default:
            return command_refuse_option(NAME, argv);
        }
    }
    if (!is_right)
        return EXIT_CODE_WRONG_USE;
    if (optind == argc)
        return command_refuse_use(NAME, "no program was named");
    return start(argv + optind);
}
