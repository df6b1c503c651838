/* SPDX-License-Identifier: Apache-2.0
 *
 * Dumps of mapdemo in its phases, and running the command on them.
 */
#ifndef SUPPORT_EXPORT_H
#define SUPPORT_EXPORT_H

#include <jansson.h>
#include <limits.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/temp_dir.h"

struct phase_dump {
    char path[PATH_MAX];
    json_t *dump;
};

/* mapdemo with its map filled, and with the map dropped and its memory given back. Both files are below `dir`. Or fails
 * the test. For phase_dumps_free. */
struct phase_dumps {
    struct temp_dir dir;
    struct phase_dump full, returned;
};
struct phase_dumps phase_dumps_make(const struct toolchain *toolchain);
void phase_dumps_free(struct phase_dumps *dumps);

/* Runs `gopagewatch export FORMAT DUMP -o FILE` and fails the test unless it succeeds without a word. */
void export_to(const char *format, const char *dump_path, const char *path);

#endif
