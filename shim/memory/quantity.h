/* SPDX-License-Identifier: Apache-2.0
 *
 * Times and sizes as people write them: "30s", "512MiB".
 *
 * Allowed context: discovery, command.
 */
#ifndef GPW_MEMORY_QUANTITY_H
#define GPW_MEMORY_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* A whole number and ms, s, m or h. False: anything else, or more than 2^64 ns. */
bool quantity_time_ns(const char *text, uint64_t *ns);

/* A whole number and nothing, B, KiB, MiB, GiB (or K, M, G), KB, MB or GB. False: anything else, or more than 2^64. */
bool quantity_size_bytes(const char *text, uint64_t *bytes);

#endif
