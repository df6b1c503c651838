/* SPDX-License-Identifier: Apache-2.0
 *
 * A live process seen through /proc and process_vm_readv. It goes on all the while: nothing is stopped, no ptrace.
 */
#include "harness/attach.h"

#include <stddef.h>
#include <stdio.h>

#include "harness/command_options.h"
#include "harness/live_look.h"

static const char NAME[] = "attach";

static const char USAGE[] =
    "usage: gopagewatch attach PID [-o FILE]\n"
    "\n"
    "Makes a dump of a running Go process from outside. No shim is needed, the process is not\n"
    "stopped and need not be started in any special way; static programs can be looked at too.\n"
    "What only the shim sees is missing: events, and who mapped memory that no structure tells.\n"
    "\n"
    "  -o, --output FILE   where to, '-' for standard output; default gopagewatch.PID.attach.json\n"
    "                      in this directory. A file of that name is replaced.\n"
    "  -h, --help          this page\n"
    "\n"
    "Be root, or the user that the process runs as (and see /proc/sys/kernel/yama/ptrace_scope).\n"
    "\n"
    "example:\n"
    "  gopagewatch attach 4711\n"
    "  gopagewatch report gopagewatch.4711.attach.json\n"
    "\n"
    "exit status: 0 the dump was written (its path is the last line of standard output), 2 wrong\n"
    "use, 4 the process cannot be read or the file cannot be written\n";

static enum exit_code fail(const char *thing, const struct error *error)
{
    command_complain(NAME, thing, error);
    return EXIT_CODE_UNREADABLE;
}

static enum exit_code attach(int pid, const char *thing, const char *path)
{
    struct live_look look;
    struct error error;
    bool is_output;
    if (!live_look_open(&look, NAME, pid, thing, &error))
        return fail(thing, &error);
    bool is_written = outside_dump(look.outside, path, &is_output, &error);
    enum exit_code code = is_written ? EXIT_CODE_OK : fail(is_output ? path : thing, &error);
    live_look_close(&look);
    return code;
}

static enum exit_code take_option(void *context, int option, const char *value)
{
    (void)option; /* there is but one */
    *(const char **)context = value;
    return EXIT_CODE_OK;
}

enum exit_code attach_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {COMMAND_OPTION_HELP, {"output", required_argument, NULL, 'o'}, {0}};
    static const struct command_syntax SYNTAX = {
        .name = NAME, .usage = USAGE, .shorts = ":ho:", .longs = OPTIONS, .take = take_option};
    struct command_process process;
    const char *path = NULL;
    char default_path[64];
    enum exit_code code;
    if (!command_read_options(&SYNTAX, argc, argv, &path, &code) ||
        (code = command_take_process(NAME, argc, argv, &process)) != EXIT_CODE_OK)
        return code;
    snprintf(default_path, sizeof default_path, "gopagewatch.%d.attach.json", process.pid);
    return attach(process.pid, process.text, path == NULL ? default_path : path);
}
