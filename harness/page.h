/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch page`: everything about one address of a live process, and the way back from a frame.
 */
#ifndef GPW_HARNESS_PAGE_H
#define GPW_HARNESS_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/command.h"

enum exit_code page_run(int argc, char **argv);

/* An address as it was typed: hex, with or without 0x. False: it is none. */
bool page_parse_address(const char *text, uintptr_t *address);
/* The number of a frame: decimal, or hex with 0x. False: it is none; 0 is none, it stands for a hidden one. */
bool page_parse_frame(const char *text, uint64_t *frame);

#endif
