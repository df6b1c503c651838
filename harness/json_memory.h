/* SPDX-License-Identifier: Apache-2.0
 *
 * A budget for what jansson may hold.
 *
 * A document of empty objects takes sixty times its size: a hundred megabytes of "{}," would be six gigabytes. The
 * command may run in the memory cgroup of the program that it explains, where running out kills that program.
 */
#ifndef GPW_HARNESS_JSON_MEMORY_H
#define GPW_HARNESS_JSON_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* Begins a count: from now on jansson gets at most `bytes_max`. Documents that still live are not in it. */
void json_memory_limit(uint64_t bytes_max);
/* Whether an allocation was refused since then. */
bool json_memory_was_exceeded(void);

#endif
