/* SPDX-License-Identifier: Apache-2.0
 *
 * A live process seen through /proc and process_vm_readv. It goes on all the while: nothing is stopped, no ptrace.
 */
#include "harness/attach.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>

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

enum exit_code attach_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"help", no_argument, NULL, 'h'}, {"output", required_argument, NULL, 'o'}, {0}};
    const char *path = NULL;
    char default_path[64], thing[32];
    int pid;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "ho:", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case 'h':
            fputs(USAGE, stdout);
            return EXIT_CODE_OK;
        case 'o':
            path = optarg;
            break;
        default:
            return command_refuse_option(NAME, argv);
        }
    }
    if (optind == argc)
        return command_refuse_use(NAME, "no process was named");
    if (argc - optind > 1)
        return command_refuse_use(NAME, "one process at a time, not '%s' as well", argv[optind + 1]);
    if (!command_read_pid(argv[optind], &pid))
        return command_refuse_use(NAME, "'%s' is no process id", argv[optind]);
    snprintf(default_path, sizeof default_path, "gopagewatch.%d.attach.json", pid);
    snprintf(thing, sizeof thing, "%d", pid);
    return attach(pid, thing, path == NULL ? default_path : path);
}
