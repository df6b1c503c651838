/* SPDX-License-Identifier: Apache-2.0
 *
 * Cursor and line reader over /proc and /sys text.
 */
#include "memory/text.h"

#include <string.h>

#include "memory/raw.h"

struct text text_of(const char *zero_terminated)
{
    return (struct text){zero_terminated, zero_terminated + strlen(zero_terminated)};
}

static uint64_t text_bytes(struct text text)
{
    return (uint64_t)(text.end - text.at);
}

bool text_starts_with(struct text text, const char *prefix)
{
    uint64_t bytes = strlen(prefix);
    return text_bytes(text) >= bytes && memcmp(text.at, prefix, bytes) == 0;
}

bool text_equals(struct text text, const char *whole)
{
    return text_bytes(text) == strlen(whole) && text_starts_with(text, whole);
}

void text_skip_spaces(struct text *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\t'))
        text->at++;
}

bool text_take_char(struct text *text, char expected)
{
    if (text->at == text->end || *text->at != expected)
        return false;
    text->at++;
    return true;
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return 99;
}

static bool take_number(struct text *text, unsigned base, uint64_t *value)
{
    uint64_t sum = 0;
    const char *at = text->at;
    for (; at < text->end; at++) {
        unsigned digit = (unsigned)digit_value(*at);
        if (digit >= base)
            break;
        if (sum > (UINT64_MAX - digit) / base)
            return false;
        sum = sum * base + digit;
    }
    if (at == text->at)
        return false;
    text->at = at;
    *value = sum;
    return true;
}

bool text_take_decimal(struct text *text, uint64_t *value)
{
    return take_number(text, 10, value);
}

bool text_take_hex(struct text *text, uint64_t *value)
{
    return take_number(text, 16, value);
}

struct text text_take_word(struct text *text)
{
    struct text word = {text->at, text->at};
    while (word.end < text->end && *word.end != ' ' && *word.end != '\t')
        word.end++;
    text->at = word.end;
    return word;
}

const char *number_text(uint64_t value, char buffer[NUMBER_TEXT_BYTES])
{
    unsigned at = NUMBER_TEXT_BYTES - 1;
    buffer[at] = '\0';
    do {
        buffer[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return buffer + at;
}

int line_reader_open(struct line_reader *reader, const char *path, char *buffer, uint64_t buffer_bytes)
{
    *reader = (struct line_reader){.buffer = buffer, .buffer_bytes = buffer_bytes};
    reader->fd = raw_open(path, O_RDONLY, 0);
    return reader->fd < 0 ? reader->fd : 0;
}

void line_reader_close(struct line_reader *reader)
{
    if (reader->fd >= 0)
        raw_close(reader->fd);
    reader->fd = -1;
}

/* Moves what is left to the front and reads behind it. False when nothing more came. */
static bool refill(struct line_reader *reader)
{
    uint64_t left = reader->filled - reader->begin;
    memmove(reader->buffer, reader->buffer + reader->begin, left);
    reader->begin = 0;
    reader->filled = left;
    if (reader->ended || left == reader->buffer_bytes)
        return false;
    long got = raw_read(reader->fd, reader->buffer + left, reader->buffer_bytes - left);
    if (raw_failed(got) || got == 0) {
        reader->ended = true;
        reader->error = got == 0 ? 0 : (int)got;
        return false;
    }
    reader->filled += (uint64_t)got;
    return true;
}

/* The rest of a line that was handed out cut must not be taken for a line. */
static void skip_rest_of_line(struct line_reader *reader)
{
    for (;;) {
        char *from = reader->buffer + reader->begin;
        char *newline = memchr(from, '\n', reader->filled - reader->begin);
        if (newline != NULL) {
            reader->begin += (uint64_t)(newline - from) + 1;
            return;
        }
        reader->begin = reader->filled;
        if (!refill(reader))
            return;
    }
}

bool line_reader_next(struct line_reader *reader, struct text *line)
{
    if (reader->is_cut)
        skip_rest_of_line(reader);
    reader->is_cut = false;

    uint64_t searched = 0;
    for (;;) {
        char *from = reader->buffer + reader->begin;
        uint64_t bytes = reader->filled - reader->begin;
        char *newline = memchr(from + searched, '\n', bytes - searched);
        if (newline != NULL) {
            *line = (struct text){from, newline};
            reader->begin += (uint64_t)(newline - from) + 1;
            return true;
        }
        searched = bytes;
        if (refill(reader))
            continue;
        if (reader->error != 0 || searched == 0)
            return false;
        *line = (struct text){reader->buffer, reader->buffer + searched};
        reader->is_cut = !reader->ended;
        reader->begin = reader->filled;
        return true;
    }
}

long read_small_file(const char *path, char *buffer, uint64_t buffer_bytes)
{
    int fd = raw_open(path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    uint64_t filled = 0;
    long got = 0;
    while (filled < buffer_bytes - 1) {
        got = raw_read(fd, buffer + filled, buffer_bytes - 1 - filled);
        if (raw_failed(got) || got == 0)
            break;
        filled += (uint64_t)got;
    }
    raw_close(fd);
    buffer[filled] = '\0';
    return raw_failed(got) ? got : (long)filled;
}
