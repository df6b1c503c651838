/* SPDX-License-Identifier: Apache-2.0
 *
 * What both designs share: the map's type, and the order of a walk.
 */
#include "goruntime/map_walk.h"

#include <string.h>

#include "goruntime/map_walk_inside.h"

enum {
    MAPTYPE_BYTES_MAX = 160,
    /* abi.MapType.Flags */
    FLAG_BUCKETS_KEY_INDIRECT = 1,
    FLAG_BUCKETS_ELEMENT_INDIRECT = 2,
    FLAG_SWISS_KEY_INDIRECT = 4,
    FLAG_SWISS_ELEMENT_INDIRECT = 8,
    SPENT_BYTES_MIN = 64 << 20,
    SPENT_FACTOR = 8,
    SPENT_BYTES_EACH = 32, /* of each read, besides what it reads */
};

bool map_walk_open(struct map_walk *walk, const struct go_heap *heap, uintptr_t image_start, uintptr_t image_end,
                   struct bump *bump, const char **why)
{
    *walk = (struct map_walk){.heap = heap, .reader = heap->reader, .image_start = image_start, .image_end = image_end};
    walk->buffer = bump_take(bump, MAP_BUFFER_BYTES);
    if (walk->buffer != NULL && map_values_open(walk, bump) && reader_cache_open(&walk->cache, heap->reader, bump) &&
        reader_cache_open(&walk->heap_cache, heap->reader, bump) &&
        go_types_open(&walk->types, heap->layout, &walk->cache.reader, bump) &&
        object_set_open(&walk->objects, heap, &walk->heap_cache, bump))
        return true;
    *why = walk->objects.arenas == NULL
               ? "no address space is left for the walk; raise the limit (ulimit -v)"
               : "the heap's books (runtime.mheap_) cannot be read; has the process ended, is the core cut off?";
    return false;
}

bool map_spend(struct map_walk *walk, uint64_t bytes)
{
    uint64_t there = walk->objects.spans_bytes + (walk->image_end - walk->image_start);
    walk->is_spent |=
        walk->spent_bytes > SPENT_BYTES_MIN + SPENT_FACTOR * min_u64(there, UINT64_MAX / 2 / SPENT_FACTOR);
    if (!walk->is_spent)
        walk->spent_bytes += bytes + SPENT_BYTES_EACH;
    return !walk->is_spent;
}

bool map_may_hold_one(struct map_visit *visit, uintptr_t address)
{
    uint64_t behind = object_set_bytes_behind(&visit->walk->objects, address);
    return behind == 0 || behind >= visit->type.bucket_bytes;
}

/* ---- the type ---- */

static bool is_in_bucket(uint32_t at, uint32_t stride, uint64_t bytes, uint32_t bucket_bytes)
{
    return at >= MAP_CONTROL_BYTES && bytes <= stride &&
           (uint64_t)at + (MAP_SLOTS - 1) * (uint64_t)stride + bytes <= bucket_bytes;
}

static void place_slots(struct map_type *type, const struct go_layout *layout, const uint8_t *raw)
{
    uint32_t key_bytes = (uint32_t)layout_field_of(raw, layout->maptype_key_slot_bytes);
    type->bucket_bytes = (uint32_t)layout_field_of(raw, layout->maptype_bucket_bytes);
    type->keys_at = MAP_CONTROL_BYTES;
    if (layout->hmap_bytes != 0) {
        type->key_stride = key_bytes;
        type->elements_at = MAP_CONTROL_BYTES + MAP_SLOTS * key_bytes;
        type->element_stride = (uint32_t)layout_field_of(raw, layout->maptype_element_slot_bytes);
    } else if (layout->maptype_stride.bytes != 0) {
        type->key_stride = type->element_stride = (uint32_t)layout_field_of(raw, layout->maptype_stride);
        type->elements_at = MAP_CONTROL_BYTES + (uint32_t)layout_field_of(raw, layout->maptype_element_offset);
    } else {
        type->keys_at = (uint32_t)layout_field_of(raw, layout->maptype_keys_offset);
        type->key_stride = (uint32_t)layout_field_of(raw, layout->maptype_key_stride);
        type->elements_at = (uint32_t)layout_field_of(raw, layout->maptype_elements_offset);
        type->element_stride = (uint32_t)layout_field_of(raw, layout->maptype_element_stride);
    }
}

static bool read_type(struct map_walk *walk, uintptr_t address, struct map_type *type)
{
    const struct go_layout *layout = walk->heap->layout;
    const struct go_type *itself = go_types_find(&walk->types, address), *bucket;
    uint8_t raw[MAPTYPE_BYTES_MAX];
    if (itself == NULL || itself->kind != GO_KIND_MAP || layout->maptype_bytes > sizeof raw ||
        !reader_read(&walk->cache.reader, address, raw, layout->maptype_bytes))
        return false;
    *type = (struct map_type){
        .key = go_types_find(&walk->types, layout_field_of(raw, layout->maptype_key)),
        .element = go_types_find(&walk->types, layout_field_of(raw, layout->maptype_element)),
    };
    bucket = go_types_find(&walk->types, layout_field_of(raw, layout->maptype_bucket));
    if (type->key == NULL || type->element == NULL || bucket == NULL)
        return false;
    uint64_t flags = layout_field_of(raw, layout->maptype_flags);
    bool is_swiss = layout->hmap_bytes == 0;
    type->is_key_indirect = (flags & (is_swiss ? FLAG_SWISS_KEY_INDIRECT : FLAG_BUCKETS_KEY_INDIRECT)) != 0;
    type->is_element_indirect = (flags & (is_swiss ? FLAG_SWISS_ELEMENT_INDIRECT : FLAG_BUCKETS_ELEMENT_INDIRECT)) != 0;
    type->has_pointers = bucket->references_count != 0;
    type->has_references = type->is_key_indirect || type->is_element_indirect || type->key->references_count != 0 ||
                           type->element->references_count != 0;
    type->key_slot_bytes = type->is_key_indirect ? sizeof(uintptr_t) : type->key->bytes;
    type->element_slot_bytes = type->is_element_indirect ? sizeof(uintptr_t) : type->element->bytes;
    type->is_of_strings = type->key->kind == GO_KIND_STRING && !type->is_key_indirect &&
                          type->element->kind == GO_KIND_STRING && !type->is_element_indirect;
    place_slots(type, layout, raw);
    return type->bucket_bytes == bucket->bytes && type->bucket_bytes <= MAP_BUCKET_BYTES_MAX &&
           is_in_bucket(type->keys_at, type->key_stride, type->key_slot_bytes, type->bucket_bytes) &&
           is_in_bucket(type->elements_at, type->element_stride, type->element_slot_bytes, type->bucket_bytes);
}

/* ---- walking ---- */

bool map_visit_walk(struct map_visit *visit, uintptr_t header, uintptr_t type)
{
    struct map_walk *walk = visit->walk;
    bool is_swiss = walk->heap->layout->hmap_bytes == 0;
    if (!map_spend(walk, map_header_bytes(walk->heap->layout)) || !read_type(walk, type, &visit->type))
        return false;
    visit->shape = (struct map_shape){
        .design = is_swiss ? MAP_DESIGN_SWISS : MAP_DESIGN_BUCKETS,
        .key_bytes = visit->type.key->bytes,
        .element_bytes = visit->type.element->bytes,
        .slot_group_bytes = visit->type.bucket_bytes,
        .has_pointers = visit->type.has_pointers,
    };
    return is_swiss ? map_walk_swiss(visit, header) : map_walk_buckets(visit, header);
}

bool map_walk_run(struct map_walk *walk, uintptr_t header, uintptr_t type, bool is_deep, const char **why)
{
    struct map_visit visit = {.walk = walk};
    walk->is_deep = is_deep;
    walk->is_spent = false;
    walk->unknown = walk->unfollowed = walk->torn_reads = walk->spent_bytes = 0;
    walk->shape = (struct map_shape){0};
    walk->place = (struct map_place){0};
    memset(walk->image_bytes, 0, sizeof walk->image_bytes);
    reader_cache_forget(&walk->cache);
    go_types_renew(&walk->types);
    object_set_clear(&walk->objects);
    if (!map_values_clear(walk)) {
        *why = "no memory is left to follow all pointers; raise the limit (ulimit -v), or follow fewer, without --deep";
        return false;
    }
    if (!map_visit_walk(&visit, header, type)) {
        *why = "its type descriptor or its header makes no sense: there is no map of that type";
        return false;
    }
    walk->shape = visit.shape;
    map_values_finish(walk);
    if (walk->objects.is_full) {
        *why = "no memory is left to remember its objects; raise the limit (ulimit -v)";
        return false;
    }
    return true;
}
