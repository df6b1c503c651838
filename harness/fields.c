/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader behind the tables of keys.
 */
#include "harness/fields.h"

#include <stdio.h>
#include <string.h>

#include "harness/printable.h"
#include "memory/text.h"

enum { KEY_BYTES_MAX = 40, WHAT_BYTES_MAX = 80 };

bool fields_refuse(const struct fields_context *context, const char *key, const char *what)
{
    const char *dot = context->where[0] != '\0' && key[0] != '\0' ? "." : "";
    const char *mend = context->mend != NULL ? context->mend : "the dump is damaged: copy it again or take another";
    return error_set(context->error, "%s%s%s %s; %s", context->where, dot, key, what, mend);
}

static void refuse_room(const struct fields_context *context)
{
    error_set(context->error, "holds more text and rows than a dump can have; name a dump that gopagewatch wrote");
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "text";
    case JSON_INTEGER:
        return "a number";
    case JSON_REAL:
        return "a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

static bool refuse_type(const struct fields_context *context, const char *key, const json_t *value, const char *wanted)
{
    char what[WHAT_BYTES_MAX];
    snprintf(what, sizeof what, "is %s where %s belongs", type_name(value), wanted);
    return fields_refuse(context, key, what);
}

/* Refuses the part of a dotted key that ends at `end`. */
static bool refuse_part(const struct fields_context *context, const char *key, const char *end, const json_t *value)
{
    char path[FIELD_PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%.*s", (int)(end - key), key);
    return value == NULL ? fields_refuse(context, path, "is missing") : refuse_type(context, path, value, "an object");
}

/* Goes down a dotted key. Ten thousand dumps are millions of keys, so nothing is formatted unless it is refused. */
static const json_t *find(const struct fields_context *context, const json_t *object, const char *key)
{
    const json_t *at = object;
    for (const char *step = key; *step != '\0';) {
        const char *end = strchrnul(step, '.');
        char name[KEY_BYTES_MAX];
        if (*end != '\0' && (size_t)(end - step) < sizeof name) {
            memcpy(name, step, (size_t)(end - step));
            name[end - step] = '\0';
            at = json_object_get(at, name);
        } else {
            at = json_object_get(at, step);
        }
        if (at == NULL || (*end != '\0' && !json_is_object(at))) {
            refuse_part(context, key, end, at);
            return NULL;
        }
        step = *end == '\0' ? end : end + 1;
    }
    return at;
}

const json_t *fields_find_object(const struct fields_context *context, const json_t *object, const char *key)
{
    const json_t *value = find(context, object, key);
    if (value == NULL || json_is_object(value))
        return value;
    refuse_type(context, key, value, "an object");
    return NULL;
}

const json_t *fields_find_list(const struct fields_context *context, const json_t *object, const char *key)
{
    const json_t *value = find(context, object, key);
    if (value == NULL || json_is_array(value))
        return value;
    refuse_type(context, key, value, "a list");
    return NULL;
}

void *fields_take_array(const struct fields_context *context, size_t count, size_t element_bytes)
{
    size_t bytes;
    void *array = __builtin_mul_overflow(count, element_bytes, &bytes) ? NULL : bump_take(context->bump, bytes);
    if (array == NULL)
        refuse_room(context);
    return array;
}

bool fields_copy_text(const struct fields_context *context, const char *text, size_t bytes, const char **copy)
{
    char *place = fields_take_array(context, bytes + 1, 1);
    if (place == NULL)
        return false;
    memcpy(place, text, bytes);
    place[bytes] = '\0';
    printable_clean(place);
    *copy = place;
    return true;
}

static bool read_text(const struct fields_context *context, const char *key, const json_t *value, const char **text)
{
    if (!json_is_string(value))
        return refuse_type(context, key, value, "text");
    return fields_copy_text(context, json_string_value(value), json_string_length(value), text);
}

static bool read_number(const struct fields_context *context, const char *key, const json_t *value, uint64_t *number)
{
    if (!json_is_integer(value))
        return refuse_type(context, key, value, "a whole number");
    if (json_integer_value(value) < 0)
        return fields_refuse(context, key, "is negative");
    *number = (uint64_t)json_integer_value(value);
    return true;
}

static bool read_signed(const struct fields_context *context, const char *key, const json_t *value, int64_t *number)
{
    *number = FIELD_SIGNED_NOT_KNOWN;
    if (json_is_null(value))
        return true;
    if (!json_is_integer(value))
        return refuse_type(context, key, value, "a whole number");
    *number = json_integer_value(value);
    return true;
}

static bool read_address(const struct fields_context *context, const char *key, const json_t *value, uint64_t *address)
{
    if (!json_is_string(value))
        return refuse_type(context, key, value, "an address");
    struct text text = {json_string_value(value), json_string_value(value) + json_string_length(value)};
    if (!text_starts_with(text, "0x"))
        return fields_refuse(context, key, "is no address (0x and hexadecimal digits)");
    text.at += 2;
    if (!text_take_hex(&text, address) || text.at != text.end)
        return fields_refuse(context, key, "is no address (0x and hexadecimal digits)");
    return true;
}

static bool read_field(const struct fields_context *context, const json_t *object, const struct field *field,
                       void *target)
{
    void *place = (char *)target + field->offset;
    if (field->type == FIELD_TEXT_IF_THERE && json_object_get(object, field->key) == NULL) {
        *(const char **)place = "";
        return true;
    }
    const json_t *value = find(context, object, field->key);
    if (value == NULL)
        return false;
    switch (field->type) {
    case FIELD_TEXT_OR_NULL:
        if (!json_is_null(value))
            return read_text(context, field->key, value, place);
        *(const char **)place = NULL;
        return true;
    case FIELD_TEXT:
    case FIELD_TEXT_IF_THERE:
        return read_text(context, field->key, value, place);
    case FIELD_NUMBER_OR_NULL:
        if (!json_is_null(value))
            return read_number(context, field->key, value, place);
        *(uint64_t *)place = FIELD_NOT_KNOWN;
        return true;
    case FIELD_NUMBER:
        return read_number(context, field->key, value, place);
    case FIELD_SIGNED_OR_NULL:
        return read_signed(context, field->key, value, place);
    case FIELD_ADDRESS:
        return read_address(context, field->key, value, place);
    }
    return false;
}

bool fields_read(const struct fields_context *context, const json_t *object, const struct field *fields, size_t count,
                 void *target)
{
    for (size_t i = 0; i < count; i++) {
        if (!read_field(context, object, &fields[i], target))
            return false;
    }
    return true;
}
