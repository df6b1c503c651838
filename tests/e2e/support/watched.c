/* SPDX-License-Identifier: Apache-2.0
 *
 * The outbox is opened before the program starts: also the dump of a program that asks itself for one is seen.
 */
#include "tests/e2e/support/watched.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/deadline.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"

enum { VARIABLES_MAX = 32, OUT_BYTES = 256 };

struct watched *watched_start(const struct program_setup *setup)
{
    struct watched *watched = calloc(1, sizeof *watched);
    must(watched != NULL, "watched program");
    watched->dir = temp_dir_make();
    outbox_open(&watched->outbox, watched->dir.path);

    char preload[PATH_MAX], out[OUT_BYTES];
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", shim_path());
    snprintf(out, sizeof out, "GOPAGEWATCH_OUT=%s/%%p.%%n.json", watched->dir.path);
    const char *environment[VARIABLES_MAX + 1] = {preload, out};
    size_t count = 2;
    for (const char *const *more = setup->environment; more != NULL && *more != NULL; more++) {
        if (count == VARIABLES_MAX)
            fail("a test sets more than %d variables", VARIABLES_MAX);
        environment[count++] = *more;
    }
    struct program_setup preloaded = *setup;
    preloaded.environment = environment;
    watched->program = program_start(&preloaded);
    return watched;
}

/* Its thread sleeps again: what a dump needed for itself is given back only after the file is in its place. */
static bool is_dumper_idle(pid_t pid)
{
    char path[64], comm[32], state;
    bool is_idle = true; /* a thread that is not there has nothing to do */
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    must(threads != NULL, "%s", path);
    for (const struct dirent *entry = readdir(threads); entry != NULL; entry = readdir(threads)) {
        snprintf(path, sizeof path, "/proc/%d/task/%.16s/stat", (int)pid, entry->d_name);
        FILE *file = fopen(path, "re");
        bool is_dumper =
            file != NULL && fscanf(file, "%*d (%31[^)]) %c", comm, &state) == 2 && strcmp(comm, "gopagewatch") == 0;
        if (file != NULL)
            fclose(file);
        if (is_dumper)
            is_idle = state == 'S';
    }
    closedir(threads);
    return is_idle;
}

json_t *watched_dump(struct watched *watched)
{
    program_signal(watched->program, SIGUSR2);
    json_t *dump = dump_load(outbox_await(&watched->outbox, watched->program));
    struct deadline deadline = deadline_usual();
    while (!is_dumper_idle(program_pid(watched->program))) {
        if (program_has_ended(watched->program) || deadline_left_ms(deadline) == 0)
            fail("the dumper never comes to rest");
        sched_yield();
    }
    return dump;
}

void watched_end(struct watched *watched)
{
    program_free(watched->program);
    outbox_close(&watched->outbox);
    temp_dir_remove(&watched->dir);
    free(watched);
}
