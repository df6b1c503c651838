/* SPDX-License-Identifier: Apache-2.0
 *
 * Leaves lists and objects out of a JSON document before it is parsed: of a dump most bytes are events and mappings,
 * and who reads ten thousand dumps for their sums need not have jansson build them.
 *
 * It sees strings and brackets, no more. What it leaves out may be anything that nests; what it lets through is the
 * parser's to judge, as before.
 */
#ifndef GPW_HARNESS_JSON_SKIP_H
#define GPW_HARNESS_JSON_SKIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_SKIP_KEY_BYTES = 32 };

struct json_skip {
    const char *const *keys;       /* of the outermost object, whose lists and objects become empty; NULL at the end */
    uint64_t depth;                /* of brackets */
    char key[JSON_SKIP_KEY_BYTES]; /* the outermost object's string that was read last; "" when it was too long */
    size_t key_bytes;
    bool is_in_string, is_escaped;
    bool is_awaited; /* the value of a key to be skipped comes next */
    bool is_skipping;
};

/* Takes the next bytes of the document and leaves what remains of them at the beginning of `bytes`. Returns how many
 * that are; 0 is possible. */
size_t json_skip_filter(struct json_skip *skip, char *bytes, size_t count);

#endif
