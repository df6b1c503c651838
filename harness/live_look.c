/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the books of a live process are: below /proc/PID.
 */
#include "harness/live_look.h"

#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memory/raw.h"

static void fill(struct live_look *look, const char *reason)
{
    struct outside *outside = look->outside;
    struct live_process *process = &look->process;
    live_process_path(process, "maps", look->maps);
    live_process_path(process, "pagemap", look->pagemap);
    live_process_path(process, "smaps", look->smaps);
    live_process_path(process, "status", look->status);
    live_process_path(process, "task", look->tasks);
    live_process_path(process, "cgroup", look->cgroup);
    outside->where = (struct modules_source){&process->vmas, &process->reader.reader, live_process_file_path, process};
    uint64_t os_page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    outside->source = (struct snapshot_source){
        .maps_path = look->maps,
        .pagemap_path = look->pagemap,
        .smaps_path = look->smaps,
        .status_path = look->status,
        .tasks_path = look->tasks,
        .reader = &process->reader.reader,
        .os_page_bytes = os_page_bytes,
        .pid = (uint32_t)process->pid,
        .may_be_lazily_freed = true,
    };
    outside->knows_residency = true;
    struct document *document = &outside->document;
    document->reason = reason;
    document->unix_ns = raw_clock_ns(CLOCK_REALTIME);
    document->since_start_ns = process->age_ns;
    document->pid = (uint64_t)process->pid;
    document->comm = process->comm;
    document->exe = process->exe;
    gethostname(outside->host, sizeof outside->host - 1);
    environment_read(&document->environment, os_page_bytes, process->pid, look->cgroup);
    outside_set_variables(outside, process->environment, process->environment_bytes);
}

bool live_look_open(struct live_look *look, const char *subcommand, int pid, const char *thing, struct error *error)
{
    memset(look, 0, sizeof *look);
    look->outside = outside_open(subcommand, thing);
    if (look->outside == NULL)
        return error_set(error, "there is no memory to look at it; free some or raise the limit (ulimit -v)");
    if (!live_process_open(&look->process, pid, &look->outside->bump, error)) {
        outside_close(look->outside);
        return false;
    }
    fill(look, "attach");
    return true;
}

void live_look_close(struct live_look *look)
{
    live_process_close(&look->process);
    outside_close(look->outside);
}

void live_look_be_light(struct live_look *look)
{
    struct snapshot_source *source = &look->outside->source;
    const char *godebug = look->outside->document.godebug;
    source->pace = &look->pace;
    look->process.reader.pace = &look->pace;
    if (godebug == NULL || strstr(godebug, "madvdontneed=0") == NULL)
        source->smaps_path = NULL;
}
