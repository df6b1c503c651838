/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading JSON objects into structs by tables: key, type, and where in the struct the value goes.
 *
 * One reader serves all tables, so every key is checked in the same way and every refusal names it by its whole path
 * ("go.advice[3].bytes is negative"). Keys that no table names are ignored: within a schema, keys are only added. A key
 * of a table must be there unless its type says otherwise; null is accepted only where the table says so.
 */
#ifndef GPW_HARNESS_FIELDS_H
#define GPW_HARNESS_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/error.h"
#include "memory/bump.h"

/* What a number becomes that is null. No number that is read is so large: JSON integers have 63 bits. */
#define FIELD_NOT_KNOWN UINT64_MAX

enum { FIELD_PATH_BYTES_MAX = 160 };

#define FIELD_SIGNED_NOT_KNOWN INT64_MIN

/* Text goes to a `const char *` (null: NULL; IF_THERE: "" where an older dump has no such key), a number to a
 * `uint64_t` (null: FIELD_NOT_KNOWN), one that may be negative to an `int64_t` (null: FIELD_SIGNED_NOT_KNOWN), an
 * address ("0xc000000000") to a `uint64_t`. */
enum field_type {
    FIELD_TEXT,
    FIELD_TEXT_OR_NULL,
    FIELD_TEXT_IF_THERE, /* its key has no dots */
    FIELD_NUMBER,
    FIELD_NUMBER_OR_NULL,
    FIELD_SIGNED_OR_NULL,
    FIELD_ADDRESS,
};

struct field {
    const char *key; /* dotted: through objects; "": the value itself */
    enum field_type type;
    size_t offset;
};

#define FIELDS_COUNT(fields) (sizeof(fields) / sizeof(fields)[0])

/* Where an object stands and what its reading may use. Copied freely, to change `where` for a part. */
struct fields_context {
    struct bump *bump; /* holds the texts */
    struct error *error;
    const char *where; /* path of the object, for the sentences; "" at the top */
    const char *mend;  /* what to do about a document that is wrong; NULL: it is a dump */
};

/* All of these return false (or NULL) after filling the error. */
bool fields_read(const struct fields_context *context, const json_t *object, const struct field *fields, size_t count,
                 void *target);
/* The object or list at a dotted key. */
const json_t *fields_find_object(const struct fields_context *context, const json_t *object, const char *key);
const json_t *fields_find_list(const struct fields_context *context, const json_t *object, const char *key);
/* Copies a text into the arena with its control characters replaced. */
bool fields_copy_text(const struct fields_context *context, const char *text, size_t bytes, const char **copy);
/* `count` zeroed elements in the arena. */
void *fields_take_array(const struct fields_context *context, size_t count, size_t element_bytes);
/* "WHERE.KEY WHAT; MEND"; returns false. */
bool fields_refuse(const struct fields_context *context, const char *key, const char *what);

#endif
