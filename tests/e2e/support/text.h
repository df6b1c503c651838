/* SPDX-License-Identifier: Apache-2.0
 *
 * Text that grows, and the lines and words in it.
 */
#ifndef SUPPORT_TEXT_H
#define SUPPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *bytes; /* ends with a NUL; never NULL once something was appended */
    size_t length, capacity;
};

/* Or fails the test. */
void text_append(struct text *text, const char *bytes, size_t length);
void text_free(struct text *text);

/* The text, "" when there is none. Valid until more is appended. */
const char *text_string(const struct text *text);

/* All of a file, to be freed by the caller. Or fails the test. Works for files in /proc, which have no size. */
struct text text_of_file(const char *path);

/* The number after "key=" in a line of words "key=value", decimal or 0x. Returns whether it is there. */
bool text_word_number(const char *line, const char *key, uint64_t *number);

/* The same, or fails the test. */
uint64_t text_number(const char *line, const char *key);

#endif
