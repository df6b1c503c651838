/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the page string. What is decoded codes to a text that decodes to the same; any letters come back.
 *
 * Sources: shim/dump/page_string.c shim/memory/text.c
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "dump/page_string.h"

enum { CAPACITY = 8192 };

static void check_round_trip(const uint8_t *letters, uint64_t count)
{
    char *text = malloc(count + 1);
    uint8_t *again = malloc(count + 1);
    uint64_t bytes = page_string_encode(letters, count, text);
    MUST(bytes == strlen(text) && bytes <= count);
    MUST(page_string_decode(text, again, count) == (int64_t)count);
    MUST(memcmp(letters, again, count) == 0);
    free(text);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    uint8_t *letters = malloc(CAPACITY);
    char *text = malloc(bytes + 1);
    memcpy(text, data, bytes);
    text[bytes] = '\0';
    int64_t count = page_string_decode(text, letters, CAPACITY);
    MUST(count >= -1 && count <= CAPACITY);
    if (count > 0)
        check_round_trip(letters, (uint64_t)count);
    /* The input as letters. */
    uint64_t kept = 0;
    for (size_t i = 0; i < bytes && kept < CAPACITY; i++)
        letters[kept++] = (uint8_t)('a' + data[i] % 26);
    check_round_trip(letters, kept);
    free(text);
    free(letters);
    return 0;
}
