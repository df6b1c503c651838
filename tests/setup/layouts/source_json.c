/* SPDX-License-Identifier: Apache-2.0
 *
 * What the DWARF of every version said, kept in a file (tests/data/go-struct-offsets.json), for versions whose Go is
 * not at hand:
 *
 *     {"amd64": {"1.17": {"runtime.mspan": {"size": 136, "fields": {"startAddr": [24, 8]}}}}}    [offset, size]
 *
 * "a.b" is a key as it stands. The file has such keys only for structs whose inside somebody asked for.
 */
#include "tests/setup/layouts/source.h"

#include <stdio.h>
#include <string.h>

static const json_t *struct_of(struct source *source, const char *type)
{
    const json_t *found = json_object_get(source->structs, type);
    if (found == NULL)
        refuse("%s: has no struct %s", source->name, type);
    return found;
}

static bool has_struct(struct source *source, const char *type)
{
    return json_object_get(source->structs, type) != NULL;
}

static uint32_t number_of(struct source *source, const json_t *number, const char *what)
{
    if (!json_is_integer(number) || json_integer_value(number) < 0 || json_integer_value(number) > UINT32_MAX)
        refuse("%s: %s is no number of bytes", source->name, what);
    return (uint32_t)json_integer_value(number);
}

static uint32_t struct_bytes(struct source *source, const char *type)
{
    return number_of(source, json_object_get(struct_of(source, type), "size"), type);
}

/* So that "a.b" is not taken for a field that this version lacks when the file just does not tell. */
static void check_inside_is_told(struct source *source, json_t *fields, const char *type, const char *path)
{
    const char *dot = strchr(path, '.'), *key;
    json_t *place;
    bool has_outer = false, has_inner = false;
    if (dot == NULL)
        return;
    size_t length = (size_t)(dot - path);
    json_object_foreach(fields, key, place)
    {
        if (strncmp(key, path, length) != 0)
            continue;
        has_outer = has_outer || key[length] == '\0';
        has_inner = has_inner || key[length] == '.';
    }
    if (has_outer && !has_inner)
        refuse("%s: %s: nothing is told of the inside of %.*s", source->name, type, (int)length, path);
}

static bool find_field(struct source *source, const char *type, const char *path, struct layout_field *found)
{
    json_t *fields = json_object_get(struct_of(source, type), "fields");
    const json_t *place = json_object_get(fields, path);
    if (place == NULL) {
        check_inside_is_told(source, fields, type, path);
        return false;
    }
    found->offset_bytes = number_of(source, json_array_get(place, 0), path);
    found->bytes = number_of(source, json_array_get(place, 1), path);
    return true;
}

static void close_json(struct source *source)
{
    source->structs = NULL;
}

struct source source_of_json(const json_t *document, const char *path, const char *arch, const struct wanted *wanted)
{
    struct source source = {
        .has_struct = has_struct, .struct_bytes = struct_bytes, .find_field = find_field, .close = close_json};
    char version[WANTED_NAME_BYTES];
    snprintf(source.name, sizeof source.name, "%s: %s: go%s", path, arch, wanted_name(wanted, version));
    source.structs = json_object_get(json_object_get(document, arch), version);
    if (source.structs == NULL)
        refuse("%s: not in the file", source.name);
    return source;
}
