/* SPDX-License-Identifier: Apache-2.0
 *
 * `run --watch VAR`: variables are looked up in the debug information of the program before it starts, for the shim
 * inside has none; it gets the ways to their maps in GOPAGEWATCH_WATCH.
 */
#ifndef GPW_HARNESS_RUN_WATCH_H
#define GPW_HARNESS_RUN_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/map_path.h"
#include "harness/error.h"
#include "harness/symbols_directories.h"

struct run_watch {
    const char *variables[MAP_PATHS_MAX]; /* as they were given */
    uint32_t count;
    struct symbols_directories symbols;
};

/* One more. False: there are too many. */
bool run_watch_add(struct run_watch *watch, const char *variable, struct error *error);

/* Sets the variable in the environment for the program that `name` starts; nothing to watch is fine. False: `error`,
 * about `thing`. `left_out`: maps for which there was no room. */
bool run_watch_set(const struct run_watch *watch, const char *name, const char **thing, uint64_t *left_out,
                   struct error *error);

#endif
