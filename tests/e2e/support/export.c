/* SPDX-License-Identifier: Apache-2.0
 *
 * Two dumps that differ much, of one process.
 */
#include "tests/e2e/support/export.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/watched.h"

static struct phase_dump take(struct watched *watched, const char *phase, const char *directory)
{
    struct phase_dump taken;
    program_await_phase(watched->program, phase);
    program_signal(watched->program, SIGUSR2);
    const char *path = outbox_await(&watched->outbox, watched->program);
    snprintf(taken.path, sizeof taken.path, "%s/%s.json", directory, phase);
    must(rename(path, taken.path) == 0, "%s", taken.path);
    taken.dump = dump_load(taken.path);
    return taken;
}

struct phase_dumps phase_dumps_make(const struct toolchain *toolchain)
{
    struct phase_dumps dumps = {.dir = temp_dir_make()};
    struct program_setup setup = {.arguments = (const char *[]){app_path(toolchain, "mapdemo"), NULL}};
    struct watched *watched = watched_start(&setup);
    dumps.full = take(watched, "full", dumps.dir.path);
    program_go_on(watched->program);
    program_await_phase(watched->program, "dropped");
    program_go_on(watched->program);
    dumps.returned = take(watched, "returned", dumps.dir.path);
    watched_end(watched);
    return dumps;
}

void phase_dumps_free(struct phase_dumps *dumps)
{
    json_decref(dumps->full.dump);
    json_decref(dumps->returned.dump);
    temp_dir_remove(&dumps->dir);
}

void export_to(const char *format, const char *dump_path, const char *path)
{
    struct program_setup setup = {
        .arguments = (const char *[]){built_path("gopagewatch"), "export", format, dump_path, "-o", path, NULL}};
    struct program *program = program_run(&setup);
    if (program_await_end(program) != 0 || program_output(program)[0] != '\0' || program_errors(program)[0] != '\0')
        fail("export %s fails: %s%s", format, program_output(program), program_errors(program));
    program_free(program);
}
