/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the kernel's text files: a line reader over a descriptor and a cursor over a line; and numbers as text. No
 * allocation, no libc state; a line longer than the buffer is cut, never overrun.
 *
 * Allowed context: dumper, command, and the once-only discovery of a runtime.
 */
#ifndef GPW_MEMORY_TEXT_H
#define GPW_MEMORY_TEXT_H

#include <stdbool.h>
#include <stdint.h>

struct text {
    const char *at;
    const char *end;
};

struct text text_of(const char *zero_terminated);
bool text_starts_with(struct text text, const char *prefix);
bool text_equals(struct text text, const char *whole);
void text_skip_spaces(struct text *text);
/* Takes `expected` off the front, or returns false and takes nothing. */
bool text_take_char(struct text *text, char expected);
/* Takes a number off the front; false, and nothing taken, when there is none or it does not fit. */
bool text_take_decimal(struct text *text, uint64_t *value);
bool text_take_hex(struct text *text, uint64_t *value);
/* Takes everything up to the next space or the end. */
struct text text_take_word(struct text *text);

enum { NUMBER_TEXT_BYTES = 24 };

/* `value` in decimal, at the end of `buffer`: its zero is the last byte there. */
const char *number_text(uint64_t value, char buffer[NUMBER_TEXT_BYTES]);

struct line_reader {
    int fd;
    int error; /* 0, or the -errno of a failed read */
    bool ended;
    bool is_cut; /* the line handed out last did not fit */
    char *buffer;
    uint64_t buffer_bytes;
    uint64_t begin, filled;
};

/* 0, or -errno of opening `path`. The buffer is the caller's; half of it should hold the longest line. */
int line_reader_open(struct line_reader *reader, const char *path, char *buffer, uint64_t buffer_bytes);
void line_reader_close(struct line_reader *reader);
/* The next line without its newline, valid until the next call; false at the end or after an error. */
bool line_reader_next(struct line_reader *reader, struct text *line);

/* Reads a whole small file into `buffer`, cut at its size, and zero-terminates it. Bytes read, or -errno. */
long read_small_file(const char *path, char *buffer, uint64_t buffer_bytes);

#endif
