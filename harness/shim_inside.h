/* SPDX-License-Identifier: Apache-2.0
 *
 * What the shim in another process does: its signal, and where its dumps go.
 *
 * That follows from the variables that the process was started with, so they are read by the shim's own parser.
 */
#ifndef GPW_HARNESS_SHIM_INSIDE_H
#define GPW_HARNESS_SHIM_INSIDE_H

#include <stdbool.h>

#include "harness/error.h"
#include "harness/live_process.h"
#include "preload/output.h"

struct shim_inside {
    int signal;                                          /* that it takes and has a handler for; 0: none */
    char directory[OUTPUT_PATH_BYTES + PROC_PATH_BYTES]; /* of its dumps, as seen from here */
};

/* False: `error` says why it cannot be told. */
bool shim_inside_find(struct shim_inside *shim, const struct live_process *process, struct error *error);

#endif
