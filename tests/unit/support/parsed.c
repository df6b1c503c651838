/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and changing parsed JSON by place.
 */
#include "tests/unit/support/parsed.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAGS = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, STEP_BYTES = 100 };

json_t *parsed_text(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, FLAGS, &error);
    cr_assert_not_null(value, "line %d, column %d: %s", error.line, error.column, error.text);
    return value;
}

json_t *parsed_descriptor(int fd)
{
    json_error_t error;
    json_t *value = json_loadfd(fd, FLAGS, &error);
    cr_assert_not_null(value, "line %d, column %d: %s", error.line, error.column, error.text);
    return value;
}

void parsed_free(json_t *value)
{
    json_decref(value);
}

/* Takes the first step off `place`: false at its end. */
static bool take_step(const char **place, char step[STEP_BYTES])
{
    bool is_quoted = **place == '\'';
    const char *start = *place + is_quoted;
    size_t bytes = strcspn(start, is_quoted ? "'" : ".");
    if (**place == '\0')
        return false;
    cr_assert_lt(bytes, (size_t)STEP_BYTES);
    memcpy(step, start, bytes);
    step[bytes] = '\0';
    *place = start + bytes + (is_quoted && start[bytes] == '\'');
    if (**place == '.')
        (*place)++;
    return true;
}

static json_t *child_of(const json_t *value, const char *step)
{
    return json_is_array(value) ? json_array_get(value, strtoul(step, NULL, 10)) : json_object_get(value, step);
}

static json_t *find(const json_t *value, const char *place)
{
    char step[STEP_BYTES];
    while (value != NULL && take_step(&place, step))
        value = child_of(value, step);
    return (json_t *)value;
}

const json_t *parsed_at(const json_t *value, const char *place)
{
    const json_t *found = find(value, place);
    cr_assert_not_null(found, "%s is not there", place);
    return found;
}

bool parsed_has(const json_t *value, const char *place)
{
    return find(value, place) != NULL;
}

int64_t parsed_integer(const json_t *value, const char *place)
{
    const json_t *found = parsed_at(value, place);
    cr_assert(json_is_integer(found), "%s is no integer", place);
    return json_integer_value(found);
}

const char *parsed_string(const json_t *value, const char *place)
{
    const json_t *found = parsed_at(value, place);
    cr_assert(json_is_string(found), "%s is no string", place);
    return json_string_value(found);
}

bool parsed_is_null(const json_t *value, const char *place)
{
    return json_is_null(parsed_at(value, place));
}

uint64_t parsed_size(const json_t *value, const char *place)
{
    const json_t *found = parsed_at(value, place);
    return json_is_array(found) ? json_array_size(found) : json_object_size(found);
}

uintptr_t parsed_address(const json_t *value, const char *place)
{
    const char *text = parsed_string(value, place);
    cr_assert_eq(strncmp(text, "0x", 2), 0, "%s", text);
    return strtoull(text + 2, NULL, 16);
}

/* The container of `place`, and its last step in `step`. */
static json_t *find_parent(json_t *value, const char *place, char step[STEP_BYTES])
{
    json_t *parent = NULL;
    while (take_step(&place, step)) {
        parent = value;
        value = child_of(value, step);
    }
    cr_assert_not_null(parent);
    return parent;
}

void parsed_remove(json_t *value, const char *place)
{
    char step[STEP_BYTES];
    json_t *parent = find_parent(value, place, step);
    cr_assert_eq(json_is_array(parent) ? json_array_remove(parent, strtoul(step, NULL, 10))
                                       : json_object_del(parent, step),
                 0, "%s", place);
}

void parsed_replace(json_t *value, const char *place, const char *json)
{
    char step[STEP_BYTES];
    json_t *parent = find_parent(value, place, step);
    json_t *wanted = parsed_text(json);
    cr_assert_eq(json_is_array(parent) ? json_array_set_new(parent, strtoul(step, NULL, 10), wanted)
                                       : json_object_set_new(parent, step, wanted),
                 0, "%s", place);
}

void parsed_write(const json_t *value, const char *path)
{
    cr_assert_eq(json_dump_file(value, path, JSON_ENCODE_ANY), 0, "%s", path);
}
