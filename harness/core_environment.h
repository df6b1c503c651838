/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment that a process was started with, from the top of the main stack that its core holds.
 *
 *   argc | argv[] 0 | envp[] 0 | auxiliary vector | ... | 16 random bytes | ... | the strings | end of the stack
 *
 * The core has a copy of the auxiliary vector in its notes: found on the stack again, it shows where envp ends.
 */
#ifndef GPW_HARNESS_CORE_ENVIRONMENT_H
#define GPW_HARNESS_CORE_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/core_file.h"

/* Collects the variables whose names begin with `prefix` into `block` (strings, each with its zero), as many as fit
 * into `block_bytes`. `filled`: how many bytes they take. False: the environment was not found. */
bool core_environment_read(struct core_file *core, const char *prefix, char *block, uint64_t block_bytes,
                           uint64_t *filled);

#endif
