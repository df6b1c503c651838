/* SPDX-License-Identifier: Apache-2.0
 *
 * The streaming JSON writer (RFC 8259).
 */
#include "dump/json.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "memory/raw.h"
#include "memory/text.h"
#include "memory/units.h"

static const char HEX_DIGITS[] = "0123456789abcdef";

void json_open(struct json *json, int fd, char *buffer)
{
    *json = (struct json){.fd = fd, .buffer = buffer};
}

static void flush(struct json *json)
{
    uint64_t written = 0;
    pace_give_way(json->pace);
    if (json->error == 0 && json->file != NULL && !file_identity_is_at(json->file, json->fd))
        json->error = -EBADF;
    while (json->error == 0 && written < json->filled) {
        long got = raw_write(json->fd, json->buffer + written, json->filled - written);
        if (got == -EINTR)
            continue;
        if (raw_failed(got) || got == 0)
            json->error = got == 0 ? -EIO : (int)got;
        else
            written += (uint64_t)got;
    }
    json->filled = 0;
}

int json_finish(struct json *json)
{
    flush(json);
    return json->error;
}

static void put(struct json *json, const char *text, uint64_t bytes)
{
    while (bytes > 0) {
        if (json->filled == JSON_BUFFER_BYTES)
            flush(json);
        uint64_t piece = min_u64(bytes, JSON_BUFFER_BYTES - json->filled);
        memcpy(json->buffer + json->filled, text, piece);
        json->filled += piece;
        text += piece;
        bytes -= piece;
    }
}

static void put_char(struct json *json, char letter)
{
    if (json->filled == JSON_BUFFER_BYTES)
        flush(json);
    json->buffer[json->filled++] = letter;
}

/* Length of the valid UTF-8 sequence at `at`, 0 when there is none (RFC 3629: no overlong forms, no surrogates). */
static unsigned utf8_sequence(const uint8_t *at)
{
    static const struct {
        uint8_t first_low, first_high, second_low, second_high, bytes;
    } FORMS[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (unsigned i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        if (at[0] < FORMS[i].first_low || at[0] > FORMS[i].first_high)
            continue;
        if (at[1] < FORMS[i].second_low || at[1] > FORMS[i].second_high)
            return 0;
        for (unsigned k = 2; k < FORMS[i].bytes; k++) {
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        }
        return FORMS[i].bytes;
    }
    return 0;
}

static void put_escaped(struct json *json, uint8_t letter)
{
    if (letter == '"' || letter == '\\') {
        char escaped[] = {'\\', (char)letter};
        put(json, escaped, sizeof escaped);
    } else if (letter < 0x20) {
        char escaped[] = {'\\', 'u', '0', '0', HEX_DIGITS[letter >> 4], HEX_DIGITS[letter & 15]};
        put(json, escaped, sizeof escaped);
    } else if (letter < 0x80) {
        put_char(json, (char)letter);
    } else {
        put(json, "\\ufffd", 6);
    }
}

static void put_quoted(struct json *json, const char *text)
{
    put_char(json, '"');
    for (const uint8_t *at = (const uint8_t *)text; *at != '\0';) {
        unsigned bytes = utf8_sequence(at);
        if (bytes != 0) {
            put(json, (const char *)at, bytes);
            at += bytes;
        } else {
            put_escaped(json, *at++);
        }
    }
    put_char(json, '"');
}

static void begin_value(struct json *json, const char *key)
{
    if (json->needs_comma)
        put_char(json, ',');
    json->needs_comma = true;
    if (key == NULL)
        return;
    put_quoted(json, key);
    put_char(json, ':');
}

static void begin_nested(struct json *json, const char *key, char bracket)
{
    begin_value(json, key);
    put_char(json, bracket);
    json->needs_comma = false;
}

static void end_nested(struct json *json, char bracket)
{
    put_char(json, bracket);
    json->needs_comma = true;
}

void json_begin_object(struct json *json, const char *key)
{
    begin_nested(json, key, '{');
}

void json_end_object(struct json *json)
{
    end_nested(json, '}');
}

void json_begin_array(struct json *json, const char *key)
{
    begin_nested(json, key, '[');
}

void json_end_array(struct json *json)
{
    end_nested(json, ']');
}

static void put_number(struct json *json, const char *key, uint64_t value, bool is_negative)
{
    char buffer[NUMBER_TEXT_BYTES];
    const char *digits = number_text(value, buffer);
    begin_value(json, key);
    if (is_negative)
        put_char(json, '-');
    put(json, digits, (uint64_t)(buffer + NUMBER_TEXT_BYTES - 1 - digits));
}

void json_put_number(struct json *json, const char *key, uint64_t value)
{
    put_number(json, key, min_u64(value, INT64_MAX), false);
}

void json_put_signed(struct json *json, const char *key, int64_t value)
{
    put_number(json, key, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

static void put_word(struct json *json, const char *key, const char *word)
{
    begin_value(json, key);
    put(json, word, strlen(word));
}

void json_put_number_or_null(struct json *json, const char *key, bool is_known, uint64_t value)
{
    if (is_known)
        json_put_number(json, key, value);
    else
        json_put_null(json, key);
}

void json_put_bool(struct json *json, const char *key, bool value)
{
    put_word(json, key, value ? "true" : "false");
}

void json_put_null(struct json *json, const char *key)
{
    put_word(json, key, "null");
}

void json_put_string(struct json *json, const char *key, const char *text)
{
    begin_value(json, key);
    put_quoted(json, text);
}

void json_put_string_or_null(struct json *json, const char *key, const char *text)
{
    if (text == NULL)
        json_put_null(json, key);
    else
        json_put_string(json, key, text);
}

void json_put_address(struct json *json, const char *key, uintptr_t address)
{
    char digits[16];
    unsigned at = sizeof digits;
    do {
        digits[--at] = HEX_DIGITS[address & 15];
        address >>= 4;
    } while (address != 0);
    begin_value(json, key);
    put(json, "\"0x", 3);
    put(json, digits + at, sizeof digits - at);
    put_char(json, '"');
}

void json_put_hex_bytes(struct json *json, const char *key, const uint8_t *bytes, uint64_t count)
{
    begin_value(json, key);
    put_char(json, '"');
    for (uint64_t i = 0; i < count; i++) {
        put_char(json, HEX_DIGITS[bytes[i] >> 4]);
        put_char(json, HEX_DIGITS[bytes[i] & 15]);
    }
    put_char(json, '"');
}

void json_newline(struct json *json)
{
    put_char(json, '\n');
}
