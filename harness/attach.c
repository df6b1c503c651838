/* SPDX-License-Identifier: Apache-2.0
 *
 * A live process seen through /proc and process_vm_readv. It goes on all the while: nothing is stopped, no ptrace.
 */
#include "harness/attach.h"

#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/live_process.h"
#include "harness/outside.h"
#include "memory/raw.h"
#include "memory/text.h"

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

struct paths {
    char maps[PROC_PATH_BYTES], pagemap[PROC_PATH_BYTES], smaps[PROC_PATH_BYTES], status[PROC_PATH_BYTES],
        cgroup[PROC_PATH_BYTES];
};

static void fill(struct outside *outside, struct live_process *process, struct paths *paths)
{
    live_process_path(process, "maps", paths->maps);
    live_process_path(process, "pagemap", paths->pagemap);
    live_process_path(process, "smaps", paths->smaps);
    live_process_path(process, "status", paths->status);
    live_process_path(process, "cgroup", paths->cgroup);
    outside->where = (struct modules_source){&process->vmas, &process->reader.reader, live_process_file_path, process};
    uint64_t os_page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    outside->source = (struct snapshot_source){
        .maps_path = paths->maps,
        .pagemap_path = paths->pagemap,
        .smaps_path = paths->smaps,
        .status_path = paths->status,
        .reader = &process->reader.reader,
        .os_page_bytes = os_page_bytes,
        .pid = (uint32_t)process->pid,
        .may_be_lazily_freed = true,
    };
    outside->knows_residency = true;
    struct document *document = &outside->document;
    document->reason = NAME;
    document->unix_ns = raw_clock_ns(CLOCK_REALTIME);
    document->since_start_ns = process->age_ns;
    document->pid = (uint64_t)process->pid;
    document->comm = process->comm;
    document->exe = process->exe;
    gethostname(outside->host, sizeof outside->host - 1);
    environment_read(&document->environment, os_page_bytes, process->pid, paths->cgroup);
    outside_set_variables(outside, process->environment, process->environment_bytes);
}

static enum exit_code fail(const char *thing, const struct error *error)
{
    command_complain(NAME, thing, error);
    return EXIT_CODE_UNREADABLE;
}

static enum exit_code attach(int pid, const char *thing, const char *path)
{
    struct live_process process;
    struct paths paths;
    struct error error;
    bool is_output;
    struct outside *outside = outside_open(NAME, thing);
    if (outside == NULL) {
        error_set(&error, "there is no memory to look at it; free some or raise the limit (ulimit -v)");
        return fail(thing, &error);
    }
    enum exit_code code = EXIT_CODE_OK;
    if (!live_process_open(&process, pid, &outside->bump, &error)) {
        code = fail(thing, &error);
    } else {
        fill(outside, &process, &paths);
        if (!outside_dump(outside, path, &is_output, &error))
            code = fail(is_output ? path : thing, &error);
        live_process_close(&process);
    }
    outside_close(outside);
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
