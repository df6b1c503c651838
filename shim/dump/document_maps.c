/* SPDX-License-Identifier: Apache-2.0
 *
 * What a map costs, written as docs/dump-format.md says it (`go.maps`).
 */
#include "dump/document_maps.h"

#include <stddef.h>

const char *const MAP_PART_NAMES[MAP_PARTS] = {
#define X(id, name, what) [MAP_PART_##id] = (name),
    GPW_MAP_PARTS(X)
#undef X
};

const struct map_answer *map_answers_make(const struct map_path *paths, uint32_t count, const struct map_source *source,
                                          struct bump *bump)
{
    struct map_answer *answers = bump_take(bump, count * sizeof *answers);
    for (uint32_t i = 0; answers != NULL && i < count; i++)
        map_answer_make(&answers[i], &paths[i], source);
    return answers;
}

static void write_sizes(struct json *json, const struct map_part_sizes *sizes)
{
    json_put_number(json, "objects", sizes->objects);
    json_put_number(json, "asked", sizes->asked_bytes);
    json_put_number(json, "allocated", sizes->allocated_bytes);
    json_put_number(json, "in_spans", sizes->spans_bytes);
    json_put_number(json, "pages", sizes->go_pages);
    json_put_number(json, "resident", sizes->resident_bytes);
    json_put_number(json, "image", sizes->image_bytes);
}

static bool is_empty(const struct map_part_sizes *sizes)
{
    return (sizes->objects | sizes->asked_bytes | sizes->allocated_bytes | sizes->spans_bytes | sizes->go_pages |
            sizes->resident_bytes | sizes->image_bytes) == 0;
}

static void write_parts(struct json *json, const struct map_answer *answer)
{
    json_begin_array(json, "parts");
    for (int part = 0; part < MAP_PARTS; part++) {
        if (is_empty(&answer->parts[part]))
            continue;
        json_begin_object(json, NULL);
        json_put_string(json, "part", MAP_PART_NAMES[part]);
        write_sizes(json, &answer->parts[part]);
        json_end_object(json);
    }
    json_end_array(json);
    json_begin_object(json, "total");
    write_sizes(json, &answer->total);
    json_end_object(json);
}

static void write_shape(struct json *json, const struct map_answer *answer)
{
    json_put_string(json, "design", answer->design == MAP_DESIGN_SWISS ? "swiss" : "buckets");
    json_put_address(json, "address", answer->address);
    json_put_number(json, "entries", answer->entries);
    json_put_number(json, "count", answer->count);
    json_put_number(json, "capacity", answer->capacity);
    json_put_number(json, "tombstones", answer->tombstones);
    json_put_number(json, "buckets", answer->buckets);
    json_put_number(json, "old_buckets", answer->old_buckets);
    json_put_number(json, "evacuated_buckets", answer->evacuated_buckets);
    json_put_number(json, "overflow_buckets", answer->overflow_buckets);
    json_put_number(json, "tables", answer->tables);
    json_put_number(json, "directory_slots", answer->directory_slots);
    json_put_number(json, "key_bytes", answer->key_bytes);
    json_put_number(json, "element_bytes", answer->element_bytes);
}

static void write_pages(struct json *json, const struct map_answer *answer)
{
    json_put_number(json, "pages_resident", answer->resident_go_pages);
    json_put_number(json, "pages_alone", answer->alone_go_pages);
    json_put_number(json, "pages_shared", answer->shared_go_pages);
    json_put_number(json, "alone", answer->alone_bytes);
    json_put_number(json, "alone_spans", answer->alone_spans_bytes);
    json_put_number(json, "huge", answer->huge_bytes);
}

static void write_comparisons(struct json *json, const struct map_answer *answer)
{
    json_put_number(json, "naive", answer->naive_bytes);
    json_begin_object(json, "remade");
    json_put_number(json, "capacity", answer->remade_capacity);
    json_put_number(json, "bytes", answer->remade_bytes);
    json_end_object(json);
    json_begin_object(json, "grown");
    json_put_number(json, "entries", answer->grows_at_entries);
    json_put_number(json, "capacity", answer->grown_capacity);
    json_put_number(json, "bytes", answer->grown_bytes);
    json_end_object(json);
}

static void write_walk(struct json *json, const struct map_answer *answer)
{
    json_put_number(json, "torn_reads", answer->torn_reads);
    json_put_number(json, "attempts", answer->attempts);
    json_put_number(json, "unknown_objects", answer->unknown_objects);
    json_put_number(json, "unfollowed", answer->unfollowed);
    json_put_number(json, "spent", answer->spent_bytes);
    json_put_bool(json, "deep", answer->is_deep);
    json_put_number(json, "walk_ns", answer->walk_ns);
}

void map_answer_write(struct json *json, const struct map_answer *answer)
{
    json_begin_object(json, NULL);
    json_put_string(json, "name", answer->name);
    json_put_string(json, "type", answer->type_name);
    json_put_string_or_null(json, "why", answer->why);
    if (answer->why == NULL) {
        write_shape(json, answer);
        write_parts(json, answer);
        write_pages(json, answer);
        write_comparisons(json, answer);
        write_walk(json, answer);
    }
    json_end_object(json);
}

void document_write_maps(struct json *json, const char *key, const struct map_answer *answers, uint32_t count)
{
    json_begin_array(json, key);
    for (uint32_t i = 0; i < count; i++) {
        json_newline(json);
        map_answer_write(json, &answers[i]);
    }
    json_end_array(json);
    json_newline(json);
}
