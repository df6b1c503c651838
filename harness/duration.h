/* SPDX-License-Identifier: Apache-2.0
 *
 * Durations as people write them on a command line: "500ms", "2s", "1.5m", "1h"; a bare number is seconds.
 */
#ifndef GPW_HARNESS_DURATION_H
#define GPW_HARNESS_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* False: it is none, or more than a thousand hours. */
bool duration_read(const char *text, uint64_t *ns);

#endif
