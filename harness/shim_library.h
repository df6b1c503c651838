/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the shim lies, and whether a program would load it.
 */
#ifndef GPW_HARNESS_SHIM_LIBRARY_H
#define GPW_HARNESS_SHIM_LIBRARY_H

#include <limits.h>
#include <stdbool.h>

#include "harness/error.h"

/* libgopagewatch.so beside this command (a build tree) or in the lib directory of its prefix. */
bool shim_library_find(char path[PATH_MAX], struct error *error);

/* Would the program at `path` load it? False: `error` says why not and what else there is. Scripts would: what they
 * start is another matter. */
bool shim_library_would_load(const char *path, struct error *error);

#endif
