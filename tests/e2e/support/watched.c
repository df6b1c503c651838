/* SPDX-License-Identifier: Apache-2.0
 *
 * The outbox is opened before the program starts: also the dump of a program that asks itself for one is seen.
 */
#include "tests/e2e/support/watched.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/e2e/support/apps.h"
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

json_t *watched_dump(struct watched *watched)
{
    program_signal(watched->program, SIGUSR2);
    return dump_load(outbox_await(&watched->outbox, watched->program));
}

void watched_end(struct watched *watched)
{
    program_free(watched->program);
    outbox_close(&watched->outbox);
    temp_dir_remove(&watched->dir);
    free(watched);
}
