/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 is told by its form (RFC 3629): no longer than needed, no surrogates, at most U+10FFFF.
 */
#include "harness/symbols_text.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "harness/printable.h"

enum { TEXT_BYTES_MAX = PATH_MAX };

/* Of a lead byte: how many bytes follow, and between which values the first of them is. */
static unsigned following_bytes(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 1;
    if (lead >= 0xe0 && lead <= 0xef)
        return 2;
    return lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
}

/* The length of the character at `at`; 0: it is none. The text ends with a zero, which is no following byte. */
static unsigned character_bytes(const unsigned char *at)
{
    unsigned char low, high;
    if (*at < 0x80)
        return 1;
    unsigned count = following_bytes(*at, &low, &high);
    for (unsigned i = 1; i <= count; i++) {
        if (at[i] < (i == 1 ? low : 0x80) || at[i] > (i == 1 ? high : 0xbf))
            return 0;
    }
    return count == 0 ? 0 : count + 1;
}

const char *symbol_text_copy(struct bump *bump, const char *text)
{
    size_t bytes = text == NULL ? 0 : strnlen(text, TEXT_BYTES_MAX);
    char *copy = text == NULL ? NULL : bump_take(bump, bytes + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    for (char *at = copy; *at != '\0';) {
        unsigned length = character_bytes((const unsigned char *)at);
        if (length == 0)
            *at = '?';
        at += length == 0 ? 1 : length;
    }
    printable_clean(copy);
    return copy;
}
