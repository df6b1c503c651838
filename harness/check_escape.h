/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts of a result inside of a format that gives some characters a meaning.
 *
 * Names come from dumps, which may come from anybody. Every format gets valid UTF-8 without control characters and
 * without U+FFFE and U+FFFF, which XML does not know: each byte of anything else becomes '?'. So a text stays on its
 * line, whatever is in it.
 */
#ifndef GPW_HARNESS_CHECK_ESCAPE_H
#define GPW_HARNESS_CHECK_ESCAPE_H

#include <stdint.h>
#include <stdio.h>

/* What is written for an ASCII character. A list of them ends with {0}. */
struct check_escape {
    char character;
    const char *text;
};

void check_write_escaped(FILE *out, const char *text, const struct check_escape *escapes);

/* How many bytes the character at `text` has; 0 when it is none, or not one of those that every format takes. */
uint32_t check_character_bytes(const char *text);

#endif
