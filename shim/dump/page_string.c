/* SPDX-License-Identifier: Apache-2.0
 *
 * Run-length coding of page letters.
 */
#include "dump/page_string.h"

#include <string.h>

#include "memory/text.h"

static uint64_t run_length(const uint8_t *letters, uint64_t count)
{
    uint64_t run = 1;
    while (run < count && letters[run] == letters[0])
        run++;
    return run;
}

static char *put_decimal(char *text, uint64_t value)
{
    char digits[NUMBER_TEXT_BYTES];
    return stpcpy(text, number_text(value, digits));
}

uint64_t page_string_encode(const uint8_t *letters, uint64_t count, char *text)
{
    char *at = text;
    for (uint64_t i = 0; i < count;) {
        uint64_t run = run_length(letters + i, count - i);
        *at++ = (char)letters[i];
        if (run > 1)
            at = put_decimal(at, run);
        i += run;
    }
    *at = '\0';
    return (uint64_t)(at - text);
}

static bool is_letter(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

int64_t page_string_decode(const char *text, uint8_t *letters, uint64_t capacity)
{
    struct text rest = text_of(text);
    uint64_t filled = 0;
    while (rest.at < rest.end) {
        uint8_t letter = (uint8_t)*rest.at;
        uint64_t run = 1;
        if (!is_letter(*rest.at++))
            return -1;
        if (rest.at < rest.end && !is_letter(*rest.at) && (!text_take_decimal(&rest, &run) || run < 2))
            return -1;
        if (run > capacity - filled)
            return -1;
        memset(letters + filled, letter, run);
        filled += run;
    }
    return (int64_t)filled;
}
