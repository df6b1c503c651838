/* SPDX-License-Identifier: Apache-2.0
 *
 * The Go maps that a dump tells about (go.maps), as the shim knew them: a struct map_answer again.
 */
#include "harness/dump_decode_go.h"

#include <stdio.h>
#include <string.h>

#include "dump/map_answer.h"

_Static_assert(sizeof(uintptr_t) == sizeof(uint64_t), "an address is read as a number of 64 bits");

static const struct field NAME_FIELDS[] = {
    {"name", FIELD_TEXT, offsetof(struct map_answer, name)},
    {"type", FIELD_TEXT, offsetof(struct map_answer, type_name)},
    {"why", FIELD_TEXT_OR_NULL, offsetof(struct map_answer, why)},
};

static const struct field ANSWER_FIELDS[] = {
    {"address", FIELD_ADDRESS, offsetof(struct map_answer, address)},
    {"entries", FIELD_NUMBER, offsetof(struct map_answer, entries)},
    {"count", FIELD_NUMBER, offsetof(struct map_answer, count)},
    {"capacity", FIELD_NUMBER, offsetof(struct map_answer, capacity)},
    {"tombstones", FIELD_NUMBER, offsetof(struct map_answer, tombstones)},
    {"buckets", FIELD_NUMBER, offsetof(struct map_answer, buckets)},
    {"old_buckets", FIELD_NUMBER, offsetof(struct map_answer, old_buckets)},
    {"evacuated_buckets", FIELD_NUMBER, offsetof(struct map_answer, evacuated_buckets)},
    {"overflow_buckets", FIELD_NUMBER, offsetof(struct map_answer, overflow_buckets)},
    {"tables", FIELD_NUMBER, offsetof(struct map_answer, tables)},
    {"directory_slots", FIELD_NUMBER, offsetof(struct map_answer, directory_slots)},
    {"key_bytes", FIELD_NUMBER, offsetof(struct map_answer, key_bytes)},
    {"element_bytes", FIELD_NUMBER, offsetof(struct map_answer, element_bytes)},
    {"pages_resident", FIELD_NUMBER, offsetof(struct map_answer, resident_go_pages)},
    {"pages_alone", FIELD_NUMBER, offsetof(struct map_answer, alone_go_pages)},
    {"pages_shared", FIELD_NUMBER, offsetof(struct map_answer, shared_go_pages)},
    {"alone", FIELD_NUMBER, offsetof(struct map_answer, alone_bytes)},
    {"alone_spans", FIELD_NUMBER, offsetof(struct map_answer, alone_spans_bytes)},
    {"huge", FIELD_NUMBER, offsetof(struct map_answer, huge_bytes)},
    {"naive", FIELD_NUMBER, offsetof(struct map_answer, naive_bytes)},
    {"remade.capacity", FIELD_NUMBER, offsetof(struct map_answer, remade_capacity)},
    {"remade.bytes", FIELD_NUMBER, offsetof(struct map_answer, remade_bytes)},
    {"grown.entries", FIELD_NUMBER, offsetof(struct map_answer, grows_at_entries)},
    {"grown.capacity", FIELD_NUMBER, offsetof(struct map_answer, grown_capacity)},
    {"grown.bytes", FIELD_NUMBER, offsetof(struct map_answer, grown_bytes)},
    {"torn_reads", FIELD_NUMBER, offsetof(struct map_answer, torn_reads)},
    {"unknown_objects", FIELD_NUMBER, offsetof(struct map_answer, unknown_objects)},
    {"walk_ns", FIELD_NUMBER, offsetof(struct map_answer, walk_ns)},
};

/* Missing in older dumps. */
static const struct field ADDED_FIELDS[] = {
    {"unfollowed", FIELD_NUMBER, offsetof(struct map_answer, unfollowed)},
    {"spent", FIELD_NUMBER, offsetof(struct map_answer, spent_bytes)},
};

static const struct field SIZES_FIELDS[] = {
    {"objects", FIELD_NUMBER, offsetof(struct map_part_sizes, objects)},
    {"asked", FIELD_NUMBER, offsetof(struct map_part_sizes, asked_bytes)},
    {"allocated", FIELD_NUMBER, offsetof(struct map_part_sizes, allocated_bytes)},
    {"in_spans", FIELD_NUMBER, offsetof(struct map_part_sizes, spans_bytes)},
    {"pages", FIELD_NUMBER, offsetof(struct map_part_sizes, go_pages)},
    {"resident", FIELD_NUMBER, offsetof(struct map_part_sizes, resident_bytes)},
    {"image", FIELD_NUMBER, offsetof(struct map_part_sizes, image_bytes)},
};

/* What is not read straight into its place. */
struct words {
    const char *design;
    uint64_t attempts;
};

static const struct field WORDS_FIELDS[] = {
    {"design", FIELD_TEXT, offsetof(struct words, design)},
    {"attempts", FIELD_NUMBER, offsetof(struct words, attempts)},
};

struct part_name {
    const char *part;
};

static const struct field PART_FIELDS[] = {{"part", FIELD_TEXT, offsetof(struct part_name, part)}};

/* Parts of a later version are in the total all the same. */
static bool read_part(const struct fields_context *context, const json_t *object, struct map_answer *answer)
{
    struct part_name name;
    struct map_part_sizes sizes = {0};
    if (!fields_read(context, object, PART_FIELDS, FIELDS_COUNT(PART_FIELDS), &name) ||
        !fields_read(context, object, SIZES_FIELDS, FIELDS_COUNT(SIZES_FIELDS), &sizes))
        return false;
    for (int part = 0; part < MAP_PARTS; part++) {
        if (strcmp(MAP_PART_NAMES[part], name.part) == 0)
            answer->parts[part] = sizes;
    }
    return true;
}

static bool read_parts(struct fields_context context, const json_t *row, struct map_answer *answer)
{
    char where[FIELD_PATH_BYTES_MAX];
    size_t index;
    json_t *part;
    const json_t *parts = fields_find_list(&context, row, "parts");
    const json_t *total = parts == NULL ? NULL : fields_find_object(&context, row, "total");
    if (total == NULL)
        return false;
    const char *row_where = context.where;
    context.where = where;
    json_array_foreach(parts, index, part)
    {
        snprintf(where, sizeof where, "%.60s.parts[%zu]", row_where, index);
        if (!read_part(&context, part, answer))
            return false;
    }
    snprintf(where, sizeof where, "%.60s.total", row_where);
    return fields_read(&context, total, SIZES_FIELDS, FIELDS_COUNT(SIZES_FIELDS), &answer->total);
}

static bool read_words(const struct fields_context *context, const json_t *row, struct map_answer *answer)
{
    struct words words;
    if (!fields_read(context, row, WORDS_FIELDS, FIELDS_COUNT(WORDS_FIELDS), &words))
        return false;
    if (strcmp(words.design, "buckets") != 0 && strcmp(words.design, "swiss") != 0)
        return fields_refuse(context, "design", "is neither buckets nor swiss");
    if (words.attempts > UINT32_MAX)
        return fields_refuse(context, "attempts", "is more than anybody makes");
    const json_t *deep = json_object_get(row, "deep");
    if (!json_is_boolean(deep))
        return fields_refuse(context, "deep", "is neither true nor false");
    answer->design = words.design[0] == 's' ? MAP_DESIGN_SWISS : MAP_DESIGN_BUCKETS;
    answer->attempts = (uint32_t)words.attempts;
    answer->is_deep = json_is_true(deep);
    return true;
}

static bool read_added(const struct fields_context *context, const json_t *row, struct map_answer *answer)
{
    for (size_t i = 0; i < FIELDS_COUNT(ADDED_FIELDS); i++) {
        if (json_object_get(row, ADDED_FIELDS[i].key) != NULL &&
            !fields_read(context, row, &ADDED_FIELDS[i], 1, answer))
            return false;
    }
    return true;
}

static bool read_map(const struct fields_context *context, const json_t *row, struct map_answer *answer)
{
    return fields_read(context, row, NAME_FIELDS, FIELDS_COUNT(NAME_FIELDS), answer) &&
           (answer->why != NULL || (fields_read(context, row, ANSWER_FIELDS, FIELDS_COUNT(ANSWER_FIELDS), answer) &&
                                    read_added(context, row, answer) && read_words(context, row, answer) &&
                                    read_parts(*context, row, answer)));
}

bool dump_decode_go_maps(struct fields_context context, const json_t *document, struct dump *dump)
{
    char where[FIELD_PATH_BYTES_MAX];
    size_t index;
    json_t *row;
    if (json_object_get(json_object_get(document, "go"), "maps") == NULL)
        return true;
    const json_t *list = fields_find_list(&context, document, "go.maps");
    if (list == NULL)
        return false;
    dump->go_maps = fields_take_array(&context, json_array_size(list), sizeof *dump->go_maps);
    if (dump->go_maps == NULL)
        return false;
    context.where = where;
    json_array_foreach(list, index, row)
    {
        snprintf(where, sizeof where, "go.maps[%zu]", index);
        if (!read_map(&context, row, &dump->go_maps[index]))
            return false;
    }
    dump->go_maps_count = json_array_size(list);
    return true;
}
