/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of options.
 */
#ifndef GPW_HARNESS_ARGUMENTS_H
#define GPW_HARNESS_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

/* A decimal number from 1 to UINT32_MAX and nothing else; false: it is not that. */
bool argument_read_count(const char *text, uint32_t *count);

#endif
