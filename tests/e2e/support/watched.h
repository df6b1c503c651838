/* SPDX-License-Identifier: Apache-2.0
 *
 * The scene of most tests: a program with the shim preloaded, whose dumps go to a directory of the test's own.
 */
#ifndef SUPPORT_WATCHED_H
#define SUPPORT_WATCHED_H

#include <jansson.h>

#include "tests/e2e/support/outbox.h"
#include "tests/e2e/support/program.h"
#include "tests/e2e/support/temp_dir.h"

struct watched {
    struct temp_dir dir;
    struct outbox outbox;
    struct program *program;
};

/* Starts it with LD_PRELOAD and GOPAGEWATCH_OUT="DIR/%p.%n.json"; setup->environment is added after them and may change
 * them. Or fails the test. For watched_end, or just for the end of the test. */
struct watched *watched_start(const struct program_setup *setup);

/* Sends SIGUSR2, waits for one dump, until the shim rests again, and loads it. For json_decref. Or fails the test. */
json_t *watched_dump(struct watched *watched);

/* Kills what is left, removes the directory, frees. */
void watched_end(struct watched *watched);

#endif
