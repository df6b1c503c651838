/* SPDX-License-Identifier: Apache-2.0
 *
 * Thin over jansson.
 */
#include "tests/e2e/support/dump.h"

#include <stdlib.h>
#include <string.h>

#include "tests/e2e/support/fail.h"

enum { KEY_BYTES = 128 };

static const char SCHEMA[] = "gopagewatch.dump/1";

json_t *dump_load(const char *path)
{
    json_error_t error;
    json_t *dump = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (dump == NULL)
        fail("%s:%d:%d: %s", path, error.line, error.column, error.text);
    const char *schema = dump_text(dump, "schema");
    if (strcmp(schema, SCHEMA) != 0)
        fail("%s: schema %s, not %s", path, schema, SCHEMA);
    return dump;
}

static const json_t *step(const json_t *value, const char *key)
{
    char *end;
    if (json_is_object(value))
        return json_object_get(value, key);
    unsigned long index = strtoul(key, &end, 10);
    return json_is_array(value) && *key != '\0' && *end == '\0' ? json_array_get(value, index) : NULL;
}

const json_t *dump_find(const json_t *dump, const char *path)
{
    const json_t *value = dump;
    while (value != NULL && *path != '\0') {
        char key[KEY_BYTES];
        size_t length = strcspn(path, "/");
        if (length >= sizeof key)
            fail("a dump has no such key: %s", path);
        memcpy(key, path, length);
        key[length] = '\0';
        value = step(value, key);
        path += length + (path[length] == '/');
    }
    return value;
}

const json_t *dump_at(const json_t *dump, const char *path)
{
    const json_t *value = dump_find(dump, path);
    if (value == NULL)
        fail("the dump has no %s", path);
    return value;
}

uint64_t dump_number(const json_t *dump, const char *path)
{
    const json_t *value = dump_at(dump, path);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        fail("%s in the dump is no whole number", path);
    return (uint64_t)json_integer_value(value);
}

const char *dump_text(const json_t *dump, const char *path)
{
    const json_t *value = dump_at(dump, path);
    if (!json_is_string(value))
        fail("%s in the dump is no text", path);
    return json_string_value(value);
}

uint64_t dump_address(const json_t *dump, const char *path)
{
    const char *text = dump_text(dump, path);
    char *end;
    uint64_t address = strtoull(text, &end, 16);
    if (strncmp(text, "0x", 2) != 0 || text[2] == '\0' || *end != '\0')
        fail("%s in the dump is no address: %s", path, text);
    return address;
}

uint64_t dump_class(const json_t *dump, const char *class_name, const char *sizes)
{
    const json_t *row = step(dump_at(dump, "rss/classes"), class_name);
    if (row == NULL)
        fail("the dump has no class %s", class_name);
    return dump_number(row, sizes);
}

uint64_t dump_class_resident(const json_t *dump, const char *class_name)
{
    return dump_class(dump, class_name, "resident");
}

uint64_t dump_resident_sum(const json_t *dump)
{
    uint64_t sum = 0;
    /* jansson's iterators want what they do not change to be changeable. */
    json_t *classes = (json_t *)dump_at(dump, "rss/classes");
    const char *name;
    json_t *row;
    json_object_foreach(classes, name, row) sum += dump_number(row, "resident");
    return sum;
}

uint64_t dump_go_kept_resident(const json_t *dump)
{
    static const char *const KEPT[] = {"go.objects", "go.unused", "go.stacks", "go.free", "go.heap"};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof KEPT / sizeof KEPT[0]; i++)
        sum += dump_class_resident(dump, KEPT[i]);
    return sum;
}

const json_t *dump_finding(const json_t *dump, const char *id)
{
    const json_t *findings = dump_at(dump, "findings");
    for (size_t i = 0; i < json_array_size(findings); i++) {
        if (strcmp(dump_text(json_array_get(findings, i), "id"), id) == 0)
            return json_array_get(findings, i);
    }
    return NULL;
}

struct dump_advice dump_advice(const json_t *dump, const char *by, const char *advice)
{
    const json_t *rows = dump_at(dump, "go/advice");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (strcmp(dump_text(row, "by"), by) == 0 && strcmp(dump_text(row, "advice"), advice) == 0) {
            return (struct dump_advice){dump_number(row, "calls"), dump_number(row, "bytes"),
                                        dump_number(row, "errors")};
        }
    }
    return (struct dump_advice){0, 0, 0};
}
