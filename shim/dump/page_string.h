/* SPDX-License-Identifier: Apache-2.0
 *
 * The page string of an arena: one letter for each Go page, runs as letter and count ("O512F3r1020"); a run of one has
 * no count.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_PAGE_STRING_H
#define GPW_DUMP_PAGE_STRING_H

#include <stdint.h>

/* Writes the string of `count` letters, zero-terminated, to `text` (at least count + 1 bytes: no run is longer than its
 * pages). Returns its length in bytes. */
uint64_t page_string_encode(const uint8_t *letters, uint64_t count, char *text);

/* The reverse, into at most `capacity` letters. The number of letters, or -1 when the text is malformed or longer. */
int64_t page_string_decode(const char *text, uint8_t *letters, uint64_t capacity);

#endif
