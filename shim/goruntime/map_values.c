/* SPDX-License-Identifier: Apache-2.0
 *
 * What the keys and elements of a map lead to.
 *
 * Addresses are gathered and given to the set of objects many at a time. Values that do not lie in their slots (large
 * ones, and those in interfaces) are left to map_boxes.c.
 */
#include <string.h>

#include "goruntime/map_walk_inside.h"

enum {
    PENDING = 512,
    ITAB_TYPE_AT = 8,    /* abi.ITab.Type */
    CHAN_LENGTH_AT = 8,  /* chan.go:hchan.dataqsiz, */
    CHAN_BUFFER_AT = 16, /* .buf */
    CHAN_READ_BYTES = 24,
};

#define VALUE_BYTES_MAX (1ull << 40)

struct map_values {
    struct object_address pending[PENDING];
    uint32_t pending_count;
    uint8_t bytes[MAP_VALUE_BYTES];
    uint64_t *statics; /* a bit for each byte of the image: something begins there; taken when there is a first one */
    uint64_t statics_start, statics_end; /* the words of it that have bits */
    uint64_t statics_bytes;              /* of all that is in it */
};

/* ---- objects ---- */

static void flush(struct map_walk *walk)
{
    object_set_add_all(&walk->objects, walk->values->pending, walk->values->pending_count);
    walk->values->pending_count = 0;
}

static bool is_in_image(const struct map_walk *walk, uintptr_t address)
{
    return address >= walk->image_start && address < walk->image_end;
}

/* The set of objects has only what is in the heap. */
static void notice_static(struct map_walk *walk, enum map_part part, uintptr_t address, uint64_t bytes)
{
    struct object_set *objects = &walk->objects;
    if (objects->watched == 0 || objects->is_watched_found || !is_in_image(walk, objects->watched) ||
        objects->watched - address >= bytes)
        return;
    objects->is_watched_found = true;
    objects->watched_part = part;
}

/* Is that the first time that the address in the image comes? */
static bool mark_static(struct map_walk *walk, uintptr_t address)
{
    struct map_values *values = walk->values;
    uint64_t offset = address - walk->image_start, bit = 1ull << offset % 64;
    if (values->statics == NULL)
        values->statics =
            bump_take(walk->objects.bump, (walk->image_end - walk->image_start) / 64 * sizeof bit + sizeof bit);
    if (values->statics == NULL) {
        walk->objects.is_full = true;
        return false;
    }
    uint64_t *word = &values->statics[offset / 64];
    if ((*word & bit) != 0)
        return false;
    *word |= bit;
    values->statics_start = min_u64(values->statics_start, offset / 64);
    values->statics_end = max_u64(values->statics_end, offset / 64 + 1);
    return true;
}

static void add_static(struct map_walk *walk, enum map_part part, uintptr_t address, uint64_t asked_bytes)
{
    struct map_values *values = walk->values;
    uint64_t bytes = asked_bytes == OBJECT_ASKED_WHOLE ? 0 : min_u64(asked_bytes, walk->image_end - address);
    notice_static(walk, part, address, bytes);
    walk->objects.parts[part].referenced_bytes += bytes;
    if (!mark_static(walk, address))
        return;
    /* Strings in there may lie over each other. */
    bytes = min_u64(bytes, walk->image_end - walk->image_start - values->statics_bytes);
    values->statics_bytes += bytes;
    walk->image_bytes[part] += bytes;
}

void map_add(struct map_visit *visit, enum map_part part, uintptr_t address, uint64_t asked_bytes)
{
    struct map_walk *walk = visit->walk;
    if (visit->is_inner)
        part = MAP_PART_DEEP;
    if (address == 0)
        return;
    if (is_in_image(walk, address)) {
        add_static(walk, part, address, asked_bytes);
        return;
    }
    struct map_values *values = walk->values;
    if (values->pending_count == PENDING)
        flush(walk);
    values->pending[values->pending_count++] = (struct object_address){address, asked_bytes, part};
}

/* ---- references ---- */

/* How many of `count` values at `address` lie in its object, or in the image. */
static uint64_t values_there(struct map_walk *walk, uintptr_t address, uint64_t count, uint64_t bytes)
{
    uint64_t behind =
        is_in_image(walk, address) ? walk->image_end - address : object_set_bytes_behind(&walk->objects, address);
    return bytes == 0 ? 0 : min_u64(count, behind / bytes);
}

/* A value that lies outside of its slot. */
static void add_boxed(struct map_visit *visit, enum map_part part, uintptr_t address, const struct go_type *type)
{
    struct map_walk *walk = visit->walk;
    map_add(visit, part, address, type->bytes);
    if (type->references_count == 0 || address == 0)
        return;
    if (type->bytes > MAP_VALUE_BYTES && values_there(walk, address, 1, type->bytes) == 0)
        walk->unknown++;
    else if (map_box_add(walk, visit->is_inner ? MAP_PART_DEEP : part, address, type))
        return;
    else if (walk->is_deep)
        map_deep_add(walk, DEEP_VALUES, address, type->address, 1);
    else
        walk->unfollowed++;
}

/* One word that points to something. */
static void add_pointer(struct map_visit *visit, enum map_part part, const struct go_reference *reference,
                        uintptr_t target)
{
    struct map_walk *walk = visit->walk;
    switch (reference->kind) {
    case REFERENCE_POINTER:
        if (reference->target_bytes != 0)
            map_add(visit, part, target, reference->target_bytes);
        map_deep_add(walk, DEEP_VALUES, target, reference->type, 1);
        break;
    case REFERENCE_MAP:
        map_add(visit, part, target, map_header_bytes(walk->heap->layout));
        map_deep_add(walk, DEEP_MAP, target, reference->type, 1);
        break;
    case REFERENCE_CHAN:
        map_add(visit, part, target, OBJECT_ASKED_WHOLE);
        map_deep_add(walk, DEEP_CHAN, target, reference->type, 1);
        break;
    case REFERENCE_OPAQUE:
        map_add(visit, part, target, OBJECT_ASKED_WHOLE);
        break;
    case REFERENCE_STRING:
    case REFERENCE_SLICE:
    case REFERENCE_ANY:
    case REFERENCE_INTERFACE:
        walk->unknown++; /* of more than one word */
        break;
    }
}

/* An interface's data word is the value, or points to it. The value counts as if it stood in the interface's place. */
static void add_interface(struct map_visit *visit, enum map_part part, uintptr_t type_address, uintptr_t data)
{
    struct map_walk *walk = visit->walk;
    const struct go_type *type = go_types_find(&walk->types, type_address);
    if (type == NULL)
        map_note_typeless(walk);
    else if (type->is_direct && type->bytes == sizeof data && type->references_count == 1)
        add_pointer(visit, part, &type->references[0], data);
    else if (type->bytes != 0)
        add_boxed(visit, part, data, type);
}

static uintptr_t type_of_itab(struct map_walk *walk, uintptr_t itab)
{
    uint64_t type;
    return reader_read(&walk->cache.reader, itab + ITAB_TYPE_AT, &type, sizeof type) ? type : 0;
}

static void add_slice(struct map_visit *visit, enum map_part part, const struct go_reference *reference,
                      const uint8_t *at)
{
    uint64_t capacity = u64_at(at + 16), bytes;
    if (__builtin_mul_overflow(capacity, reference->target_bytes, &bytes) || bytes > VALUE_BYTES_MAX) {
        map_note_torn(visit->walk);
        return;
    }
    if (bytes == 0)
        return;
    map_add(visit, part, u64_at(at), bytes);
    map_deep_add(visit->walk, DEEP_VALUES, u64_at(at), reference->type, capacity);
}

static inline void add_string(struct map_visit *visit, enum map_part part, const uint8_t *at)
{
    uint64_t length = u64_at(at + 8);
    if (length > VALUE_BYTES_MAX)
        map_note_torn(visit->walk);
    else if (length != 0)
        map_add(visit, part, u64_at(at), length);
}

static void add_reference(struct map_visit *visit, enum map_part part, const struct go_reference *reference,
                          const uint8_t *at)
{
    uintptr_t first = u64_at(at);
    switch (reference->kind) {
    case REFERENCE_STRING:
        add_string(visit, part, at);
        break;
    case REFERENCE_SLICE:
        add_slice(visit, part, reference, at);
        break;
    case REFERENCE_ANY:
        if (first != 0)
            add_interface(visit, part, first, u64_at(at + 8));
        break;
    case REFERENCE_INTERFACE:
        if (first != 0)
            add_interface(visit, part, type_of_itab(visit->walk, first), u64_at(at + 8));
        break;
    case REFERENCE_POINTER:
    case REFERENCE_MAP:
    case REFERENCE_CHAN:
    case REFERENCE_OPAQUE:
        add_pointer(visit, part, reference, first);
        break;
    }
}

/* The first of many, the first of which lies at `offset`, that begins at `from` or behind it. */
static inline uint64_t first_from(uint64_t from, uint64_t offset, uint64_t stride)
{
    return offset >= from ? 0 : (from - offset + stride - 1) / max_u64(stride, 1);
}

/* What one entry of the list stands for, where it begins in [from, to); `bytes` are the value's from `from` on. */
static void add_repeated(struct map_visit *visit, enum map_part part, const struct go_reference *reference,
                         const uint8_t *bytes, uint64_t from, uint64_t to)
{
    uint64_t run_bytes = (reference->count - 1) * reference->stride_bytes, offset = reference->offset_bytes;
    uint64_t outer = first_from(from - min_u64(from, run_bytes), offset, reference->outer_stride_bytes);
    for (; outer < reference->outer_count; outer++) {
        uint64_t first = offset + outer * reference->outer_stride_bytes;
        if (first >= to)
            return;
        for (uint64_t i = first_from(from, first, reference->stride_bytes); i < reference->count; i++) {
            uint64_t at = first + i * reference->stride_bytes;
            if (at >= to)
                break;
            add_reference(visit, part, reference, bytes + (at - from));
        }
    }
}

void map_add_references(struct map_visit *visit, enum map_part part, const struct go_type *type, const uint8_t *bytes,
                        uint64_t from, uint64_t to)
{
    visit->walk->unfollowed += type->is_incomplete && from == 0;
    for (uint32_t i = 0; i < type->references_count; i++)
        add_repeated(visit, part, &type->references[i], bytes, from, to);
}

/* ---- entries ---- */

static void add_value(struct map_visit *visit, enum map_part part, const struct go_type *type, bool is_indirect,
                      const uint8_t *slot)
{
    if (is_indirect)
        add_boxed(visit, part, u64_at(slot), type);
    else
        map_add_references(visit, part, type, slot, 0, type->bytes);
}

void map_add_entry(struct map_visit *visit, const uint8_t *bucket, unsigned slot)
{
    const struct map_type *type = &visit->type;
    visit->shape.entries++;
    if (!type->has_references)
        return;
    const uint8_t *key = bucket + type->keys_at + (size_t)slot * type->key_stride;
    const uint8_t *element = bucket + type->elements_at + (size_t)slot * type->element_stride;
    if (type->is_of_strings) {
        add_string(visit, MAP_PART_KEYS, key);
        add_string(visit, MAP_PART_ELEMENTS, element);
        return;
    }
    map_boxes_make_room(visit->walk);
    add_value(visit, MAP_PART_KEYS, type->key, type->is_key_indirect, key);
    add_value(visit, MAP_PART_ELEMENTS, type->element, type->is_element_indirect, element);
}

/* ---- following ---- */

/* Values that are too large to be read at once are as good as boxes. */
static void follow_large_values(struct map_visit *visit, enum map_part part, uintptr_t address,
                                const struct go_type *type, uint64_t count)
{
    for (uint64_t i = 0; i < count && !visit->walk->is_spent; i++) {
        map_boxes_make_room(visit->walk);
        map_box_add(visit->walk, part, address + i * type->bytes, type);
    }
}

/* The references of `count` values, which do not lie in slots of the map. */
static void follow_values(struct map_visit *visit, enum map_part part, uintptr_t address, const struct go_type *type,
                          uint64_t count)
{
    struct map_walk *walk = visit->walk;
    uint64_t there = values_there(walk, address, count, type->bytes);
    if (there == 0) {
        walk->unknown++;
        return;
    }
    if (type->bytes > MAP_VALUE_BYTES) {
        follow_large_values(visit, part, address, type, there);
        return;
    }
    uint64_t at_once = MAP_VALUE_BYTES / type->bytes;
    for (uint64_t first = 0; first < there; first += at_once) {
        uint64_t values = min_u64(at_once, there - first);
        if (!map_spend(walk, values * type->bytes) ||
            !reader_read(walk->reader, address + first * type->bytes, walk->values->bytes, values * type->bytes)) {
            map_note_torn(walk);
            return;
        }
        map_boxes_make_room(walk);
        for (uint64_t i = 0; i < values; i++)
            map_add_references(visit, part, type, walk->values->bytes + i * type->bytes, 0, type->bytes);
    }
}

static void follow_chan(struct map_visit *visit, const struct deep_item *item, const struct go_type *type)
{
    struct map_walk *walk = visit->walk;
    uint8_t raw[CHAN_READ_BYTES];
    if (!reader_read(walk->reader, item->end, raw, sizeof raw)) {
        map_note_torn(walk);
        return;
    }
    uintptr_t buffer = u64_at(raw + CHAN_BUFFER_AT);
    uint64_t length = u64_at(raw + CHAN_LENGTH_AT);
    if (length == 0 || type->bytes == 0)
        return;
    /* Of elements without pointers the buffer lies behind the channel's own struct, in one object (chan.go:makechan).
     */
    map_add(visit, MAP_PART_DEEP, buffer, min_u64(length, VALUE_BYTES_MAX / type->bytes) * type->bytes);
    if (type->references_count != 0)
        follow_values(visit, MAP_PART_DEEP, buffer, type, length);
}

static void follow(struct map_walk *walk, const struct deep_item *item)
{
    struct map_visit visit = {.walk = walk, .is_inner = true};
    const struct go_type *type = go_types_find(&walk->types, item->type); /* map_deep_add has found it */
    switch (item->kind) {
    case DEEP_VALUES:
        follow_values(&visit, MAP_PART_DEEP, item->end - item->count * type->bytes, type, item->count);
        break;
    case DEEP_MAP:
        walk->unknown += !map_visit_walk(&visit, item->end, item->type);
        break;
    case DEEP_CHAN:
        follow_chan(&visit, item, type);
        break;
    }
}

/* What is in boxes may lead on, and so on. */
static void follow_all(struct map_walk *walk)
{
    struct deep_item item;
    do {
        while (map_deep_next(walk, &item))
            follow(walk, &item);
        map_boxes_open_all(walk);
    } while (map_deep_has_next(walk));
}

/* ---- a walk ---- */

bool map_values_open(struct map_walk *walk, struct bump *bump)
{
    walk->values = bump_take(bump, sizeof *walk->values);
    return walk->values != NULL && map_boxes_open(walk, bump);
}

bool map_values_clear(struct map_walk *walk)
{
    struct map_values *values = walk->values;
    values->pending_count = 0;
    map_boxes_clear(walk);
    if (values->statics_end > values->statics_start)
        memset(&values->statics[values->statics_start], 0,
               (values->statics_end - values->statics_start) * sizeof values->statics[0]);
    values->statics_start = UINT64_MAX;
    values->statics_end = values->statics_bytes = 0;
    return !walk->is_deep || map_deep_clear(walk);
}

void map_values_finish(struct map_walk *walk)
{
    map_boxes_open_all(walk);
    if (walk->is_deep)
        follow_all(walk);
    flush(walk);
    object_set_finish(&walk->objects);
}
