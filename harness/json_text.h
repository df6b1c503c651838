/* SPDX-License-Identifier: Apache-2.0
 *
 * Text of a dump, or of symbols, in JSON that is written line by line.
 */
#ifndef GPW_HARNESS_JSON_TEXT_H
#define GPW_HARNESS_JSON_TEXT_H

#include <stdio.h>

/* `text` in quotes. It is valid UTF-8 and has no control characters (harness/dump.h, harness/symbols.h). */
void json_text_write(FILE *out, const char *text);

#endif
