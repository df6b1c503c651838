/* SPDX-License-Identifier: Apache-2.0
 *
 * What has to be right before a program is started under the shim, and the environment that it is started in.
 */
#ifndef GPW_HARNESS_LAUNCH_H
#define GPW_HARNESS_LAUNCH_H

#include <limits.h>
#include <stdbool.h>

#include "harness/error.h"

struct launch {
    char program[PATH_MAX]; /* the file that `name` starts */
    const char *thing;      /* what `error` is about, when it went wrong */
};

/* The file that `name` starts, as execvp finds it. False: there is none. */
bool launch_find_program(const char *name, char path[PATH_MAX], struct error *error);

/* Finds the program and the shim, and puts the latter into this process's LD_PRELOAD. False: the program would not load
 * it, or there is none; `error` says what else there is. */
bool launch_prepare(struct launch *launch, const char *name, struct error *error);

/* Where dumps will go, by the environment: a pattern. False: its directory is not there, or no file can be made in it.
 * What depends on variables (%p, ...) is not looked at. */
bool launch_check_output(const char **pattern, struct error *error);

/* One option of the shim: the environment's GOPAGEWATCH_NAME. False: the value is not accepted, `error` says what is.
 */
bool launch_set_option(const char *name, const char *value, struct error *error);

#endif
