/* SPDX-License-Identifier: Apache-2.0
 *
 * A state for each byte.
 */
#include "harness/json_skip.h"

#include <string.h>

static void take_in_string(struct json_skip *skip, char letter)
{
    if (skip->is_escaped)
        skip->is_escaped = false;
    else if (letter == '\\')
        skip->is_escaped = true;
    else if (letter == '"')
        skip->is_in_string = false;
    if (!skip->is_in_string || skip->depth != 1)
        return;
    /* One that is too long, or has an escape in it, is none of the keys: its text is not looked at again. */
    if (skip->key_bytes + 1 < sizeof skip->key)
        skip->key[skip->key_bytes] = letter;
    skip->key_bytes++;
}

static bool is_key(const struct json_skip *skip)
{
    for (const char *const *key = skip->keys; skip->depth == 1 && *key != NULL; key++) {
        if (strlen(*key) == skip->key_bytes && memcmp(*key, skip->key, skip->key_bytes) == 0)
            return true;
    }
    return false;
}

/* Outside strings. Returns whether the byte stays. */
static bool take_outside(struct json_skip *skip, char letter)
{
    bool was_skipping = skip->is_skipping;
    switch (letter) {
    case '"':
        skip->is_in_string = true;
        if (skip->depth == 1)
            skip->key_bytes = 0;
        break;
    case ':':
        if (!was_skipping)
            skip->is_awaited = is_key(skip);
        break;
    case ',':
        skip->is_awaited = false;
        break;
    case '[':
    case '{':
        skip->is_skipping |= skip->is_awaited;
        skip->is_awaited = false;
        skip->depth++;
        break;
    case ']':
    case '}':
        skip->depth -= skip->depth > 0;
        skip->is_skipping &= skip->depth > 1;
        break;
    default:
        break;
    }
    return !was_skipping || !skip->is_skipping;
}

size_t json_skip_filter(struct json_skip *skip, char *bytes, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool stays;
        if (skip->is_in_string) {
            stays = !skip->is_skipping;
            take_in_string(skip, bytes[i]);
        } else {
            stays = take_outside(skip, bytes[i]);
        }
        if (stays)
            bytes[kept++] = bytes[i];
    }
    return kept;
}
