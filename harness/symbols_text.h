/* SPDX-License-Identifier: Apache-2.0
 *
 * Text from a program's file, made fit for a terminal and for JSON.
 */
#ifndef GPW_HARNESS_SYMBOLS_TEXT_H
#define GPW_HARNESS_SYMBOLS_TEXT_H

#include "memory/bump.h"

/* A copy in `bump` without control characters and in valid UTF-8 ('?' stands for what is not), cut off where it is too
 * long for a name. NULL stays NULL, and is returned when there is no memory. */
const char *symbol_text_copy(struct bump *bump, const char *text);

#endif
