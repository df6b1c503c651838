/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 by RFC 3629, character by character.
 */
#include "harness/check_escape.h"

#include <stddef.h>

enum { FIRST_PRINTABLE = 0x20, DELETE = 0x7f, C1_FIRST = 0x80, C1_LAST = 0x9f, NO_CHARACTERS = 0xfffe };

/* By the first byte. A smaller code of that length is a longer way to write another one, and not allowed. */
static const struct lead {
    uint8_t mask, bits, bytes;
    uint32_t smallest;
} LEADS[] = {{0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};

static const struct lead *lead_of(uint8_t byte)
{
    for (size_t i = 0; i < sizeof LEADS / sizeof LEADS[0]; i++) {
        if ((byte & LEADS[i].mask) == LEADS[i].bits)
            return &LEADS[i];
    }
    return NULL;
}

static int is_allowed(uint32_t code)
{
    enum { SURROGATES_FIRST = 0xd800, SURROGATES_LAST = 0xdfff, LAST = 0x10ffff };
    return code >= FIRST_PRINTABLE && code != DELETE && !(code >= C1_FIRST && code <= C1_LAST) &&
           !(code >= SURROGATES_FIRST && code <= SURROGATES_LAST) && (code & ~1u) != NO_CHARACTERS && code <= LAST;
}

uint32_t check_character_bytes(const char *text)
{
    enum { CONTINUATION_MASK = 0xc0, CONTINUATION = 0x80, CONTINUATION_BITS = 6 };
    const struct lead *lead = lead_of((uint8_t)text[0]);
    if (lead == NULL)
        return 0;
    uint32_t code = (uint8_t)text[0] & (uint8_t)~lead->mask;
    for (uint32_t i = 1; i < lead->bytes; i++) {
        uint8_t byte = (uint8_t)text[i]; /* a text that ends here ends with a byte that continues nothing */
        if ((byte & CONTINUATION_MASK) != CONTINUATION)
            return 0;
        code = code << CONTINUATION_BITS | (byte & (uint8_t)~CONTINUATION_MASK);
    }
    return code >= lead->smallest && is_allowed(code) ? lead->bytes : 0;
}

static const char *escape_of(char character, const struct check_escape *escapes)
{
    for (; escapes->text != NULL; escapes++) {
        if (escapes->character == character)
            return escapes->text;
    }
    return NULL;
}

void check_write_escaped(FILE *out, const char *text, const struct check_escape *escapes)
{
    while (*text != '\0') {
        uint32_t bytes = check_character_bytes(text);
        const char *escape = bytes == 1 ? escape_of(*text, escapes) : bytes == 0 ? "?" : NULL;
        if (escape != NULL)
            fputs(escape, out);
        else
            fwrite(text, 1, bytes, out);
        text += bytes > 0 ? bytes : 1;
    }
}
