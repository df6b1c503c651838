/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a dump with a JSON parser that the shim has no part in. Every function fails the test, and names the file's
 * key, when what it is asked for is not there or of another type.
 *
 * A path names a value by keys and indices with slashes between them: "books/shim/counters/signals",
 * "go/arenas/0/pages".
 */
#ifndef SUPPORT_DUMP_H
#define SUPPORT_DUMP_H

#include <jansson.h>
#include <stdint.h>

/* For json_decref. Not valid JSON, a key twice, another schema: fails the test. */
json_t *dump_load(const char *path);

/* NULL when it is not there: the only one that does not fail then. Borrowed. */
const json_t *dump_find(const json_t *dump, const char *path);

const json_t *dump_at(const json_t *dump, const char *path);
uint64_t dump_number(const json_t *dump, const char *path);
const char *dump_text(const json_t *dump, const char *path);
uint64_t dump_address(const json_t *dump, const char *path); /* "0x..." */

/* `sizes`: mapped, resident, swapped, huge, lazyfree. */
uint64_t dump_class(const json_t *dump, const char *class_name, const char *sizes);
uint64_t dump_class_resident(const json_t *dump, const char *class_name);
/* Of all classes. */
uint64_t dump_resident_sum(const json_t *dump);

/* Of the pages that Go has in use or keeps: objects, unused, stacks, free, or go.heap where it was not walked. */
uint64_t dump_go_kept_resident(const json_t *dump);

/* NULL: there is no such finding. Borrowed. */
const json_t *dump_finding(const json_t *dump, const char *id);

struct dump_advice {
    uint64_t calls, bytes, errors;
};

/* What `by` ("go", "c") advised so far; all zero when it never did. */
struct dump_advice dump_advice(const json_t *dump, const char *by, const char *advice);

#endif
