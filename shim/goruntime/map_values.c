/* SPDX-License-Identifier: Apache-2.0
 *
 * What the keys and elements of a map lead to.
 *
 * Addresses are gathered and given to the set of objects many at a time. Values that do not lie in their slots (large
 * ones, and those in interfaces) are gathered too, and read in the order of their addresses: entries lie in the order
 * of their hashes, and a read for each value would be a system call for each.
 */
#include <string.h>

#include "goruntime/map_walk_inside.h"

enum {
    PENDING = 512,
    VALUE_BYTES = 64 * 1024, /* of values that are read to be followed, at once */
    BOXES_MAX = 1 << 18,     /* gathered */
    /* Of the addresses' 48 bits those from bit 12 on decide, in three steps: what is nearer lies in one line of the
       cache. */
    SORT_SHIFT = 12,
    SORT_BITS = 12,
    SORT_STEPS = 3,
    ITAB_TYPE_AT = 8,    /* abi.ITab.Type */
    CHAN_LENGTH_AT = 8,  /* chan.go:hchan.dataqsiz, */
    CHAN_BUFFER_AT = 16, /* .buf */
    CHAN_READ_BYTES = 24,
};

#define VALUE_BYTES_MAX (1ull << 40)

/* A value outside of its slot. */
struct box {
    uintptr_t address;
    const struct go_type *type;
    enum map_part part;
};

struct map_values {
    struct object_address pending[PENDING];
    uint32_t pending_count;
    uint8_t bytes[VALUE_BYTES];
    uint8_t box_bytes[VALUE_BYTES];
    struct box *boxes, *sorted_boxes; /* BOXES_MAX each, taken when there is a first one */
    uint32_t boxes_count;
    bool is_opening; /* boxes are being read */
    uint32_t sort_starts[1 << SORT_BITS];
};

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

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
static void notice_in_image(struct map_walk *walk, enum map_part part, uintptr_t address, uint64_t asked_bytes)
{
    struct object_set *objects = &walk->objects;
    if (objects->watched == 0 || objects->is_watched_found || asked_bytes == OBJECT_ASKED_WHOLE ||
        !is_in_image(walk, objects->watched) || objects->watched - address >= asked_bytes)
        return;
    objects->is_watched_found = true;
    objects->watched_part = part;
}

void map_add(struct map_visit *visit, enum map_part part, uintptr_t address, uint64_t asked_bytes)
{
    struct map_walk *walk = visit->walk;
    if (visit->is_inner)
        part = MAP_PART_DEEP;
    if (address == 0)
        return;
    if (is_in_image(walk, address)) {
        walk->image_bytes[part] +=
            asked_bytes == OBJECT_ASKED_WHOLE ? 0 : min_u64(asked_bytes, walk->image_end - address);
        notice_in_image(walk, part, address, asked_bytes);
        return;
    }
    struct map_values *values = walk->values;
    if (values->pending_count == PENDING)
        flush(walk);
    values->pending[values->pending_count++] = (struct object_address){address, asked_bytes, part};
}

/* ---- references ---- */

static bool take_boxes(struct map_walk *walk)
{
    struct map_values *values = walk->values;
    if (values->boxes == NULL) {
        values->boxes = bump_take(walk->objects.bump, BOXES_MAX * sizeof *values->boxes);
        values->sorted_boxes = bump_take(walk->objects.bump, BOXES_MAX * sizeof *values->boxes);
    }
    return values->boxes != NULL && values->sorted_boxes != NULL;
}

/* A value that lies outside of its slot. */
static void add_boxed(struct map_visit *visit, enum map_part part, uintptr_t address, const struct go_type *type)
{
    struct map_walk *walk = visit->walk;
    struct map_values *values = walk->values;
    map_add(visit, part, address, type->bytes);
    if (type->references_count == 0 || address == 0)
        return;
    /* A box in a box is not gathered: there may be no end of them. */
    bool is_gathered = !values->is_opening && type->bytes <= VALUE_BYTES && values->boxes_count < BOXES_MAX;
    if (is_gathered && take_boxes(walk))
        values->boxes[values->boxes_count++] = (struct box){address, type, visit->is_inner ? MAP_PART_DEEP : part};
    else if (walk->is_deep)
        map_deep_add(walk, DEEP_VALUES, address, type->address, 1);
    else
        walk->unknown += !values->is_opening;
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
        walk->unknown++;
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
    uint64_t capacity = word_at(at + 16), bytes;
    if (__builtin_mul_overflow(capacity, reference->target_bytes, &bytes) || bytes > VALUE_BYTES_MAX) {
        visit->walk->torn_reads++;
        return;
    }
    if (bytes == 0)
        return;
    map_add(visit, part, word_at(at), bytes);
    map_deep_add(visit->walk, DEEP_VALUES, word_at(at), reference->type, capacity);
}

static inline void add_string(struct map_visit *visit, enum map_part part, const uint8_t *at)
{
    uint64_t length = word_at(at + 8);
    if (length > VALUE_BYTES_MAX)
        visit->walk->torn_reads++;
    else if (length != 0)
        map_add(visit, part, word_at(at), length);
}

static void add_reference(struct map_visit *visit, enum map_part part, const struct go_reference *reference,
                          const uint8_t *at)
{
    uintptr_t first = word_at(at);
    switch (reference->kind) {
    case REFERENCE_STRING:
        add_string(visit, part, at);
        break;
    case REFERENCE_SLICE:
        add_slice(visit, part, reference, at);
        break;
    case REFERENCE_ANY:
        if (first != 0)
            add_interface(visit, part, first, word_at(at + 8));
        break;
    case REFERENCE_INTERFACE:
        if (first != 0)
            add_interface(visit, part, type_of_itab(visit->walk, first), word_at(at + 8));
        break;
    case REFERENCE_POINTER:
    case REFERENCE_MAP:
    case REFERENCE_CHAN:
    case REFERENCE_OPAQUE:
        add_pointer(visit, part, reference, first);
        break;
    }
}

static void add_references(struct map_visit *visit, enum map_part part, const struct go_type *type,
                           const uint8_t *value)
{
    visit->walk->unknown += type->is_incomplete;
    for (uint32_t i = 0; i < type->references_count; i++)
        add_reference(visit, part, &type->references[i], value + type->references[i].offset_bytes);
}

/* ---- boxes ---- */

/* A value that lies outside of its slot counts as if it stood there. */
static void open_box(struct map_visit *visit, const struct box *box)
{
    struct map_walk *walk = visit->walk;
    uint8_t *value = walk->values->box_bytes;
    if (reader_read(&walk->cache.reader, box->address, value, box->type->bytes))
        add_references(visit, box->part, box->type, value);
    else
        walk->torn_reads++;
}

/* By address, as far as that matters: stable steps from the lowest bits up. */
static void sort_boxes(struct map_values *values)
{
    uint32_t *starts = values->sort_starts;
    for (int step = 0; step < SORT_STEPS; step++) {
        int shift = SORT_SHIFT + step * SORT_BITS;
        memset(starts, 0, sizeof values->sort_starts);
        for (uint32_t i = 0; i < values->boxes_count; i++)
            starts[values->boxes[i].address >> shift & ((1u << SORT_BITS) - 1)]++;
        for (uint32_t bucket = 0, sum = 0; bucket < 1u << SORT_BITS; bucket++) {
            uint32_t count = starts[bucket];
            starts[bucket] = sum;
            sum += count;
        }
        for (uint32_t i = 0; i < values->boxes_count; i++)
            values->sorted_boxes[starts[values->boxes[i].address >> shift & ((1u << SORT_BITS) - 1)]++] =
                values->boxes[i];
        struct box *sorted = values->sorted_boxes;
        values->sorted_boxes = values->boxes;
        values->boxes = sorted;
    }
}

static void open_boxes(struct map_walk *walk)
{
    struct map_values *values = walk->values;
    sort_boxes(values);
    values->is_opening = true;
    for (uint32_t i = 0; i < values->boxes_count; i++) {
        struct map_visit visit = {.walk = walk, .is_inner = values->boxes[i].part == MAP_PART_DEEP};
        open_box(&visit, &values->boxes[i]);
    }
    values->is_opening = false;
    values->boxes_count = 0;
}

/* So that all that one entry or value may have finds room. */
static void make_room_for_boxes(struct map_walk *walk)
{
    if (walk->values->boxes_count > BOXES_MAX - 2 * GO_TYPE_REFERENCES_MAX)
        open_boxes(walk);
}

/* ---- entries ---- */

static void add_value(struct map_visit *visit, enum map_part part, const struct go_type *type, bool is_indirect,
                      const uint8_t *slot)
{
    if (is_indirect)
        add_boxed(visit, part, word_at(slot), type);
    else
        add_references(visit, part, type, slot);
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
    make_room_for_boxes(visit->walk);
    add_value(visit, MAP_PART_KEYS, type->key, type->is_key_indirect, key);
    add_value(visit, MAP_PART_ELEMENTS, type->element, type->is_element_indirect, element);
}

/* ---- following ---- */

/* How many of `count` values at `address` lie in its object, or in the image. */
static uint64_t values_there(struct map_walk *walk, uintptr_t address, uint64_t count, uint64_t bytes)
{
    uint64_t behind =
        is_in_image(walk, address) ? walk->image_end - address : object_set_bytes_behind(&walk->objects, address);
    return bytes == 0 ? 0 : min_u64(count, behind / bytes);
}

/* The references of `count` values, which do not lie in slots of the map. */
static void follow_values(struct map_visit *visit, enum map_part part, uintptr_t address, const struct go_type *type,
                          uint64_t count)
{
    struct map_walk *walk = visit->walk;
    uint64_t there = values_there(walk, address, count, type->bytes), at_once = VALUE_BYTES / max_u64(type->bytes, 1);
    if (there == 0 || at_once == 0) {
        walk->unknown++;
        return;
    }
    for (uint64_t first = 0; first < there; first += at_once) {
        uint64_t values = min_u64(at_once, there - first);
        if (!map_spend(walk, values * type->bytes) ||
            !reader_read(walk->reader, address + first * type->bytes, walk->values->bytes, values * type->bytes)) {
            walk->torn_reads++;
            return;
        }
        for (uint64_t i = 0; i < values; i++) {
            make_room_for_boxes(walk);
            add_references(visit, part, type, walk->values->bytes + i * type->bytes);
        }
    }
}

static void follow_chan(struct map_visit *visit, const struct deep_item *item, const struct go_type *type)
{
    struct map_walk *walk = visit->walk;
    uint8_t raw[CHAN_READ_BYTES];
    if (!reader_read(walk->reader, item->end, raw, sizeof raw)) {
        walk->torn_reads++;
        return;
    }
    uintptr_t buffer = word_at(raw + CHAN_BUFFER_AT);
    uint64_t length = word_at(raw + CHAN_LENGTH_AT);
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
    const struct go_type *type = go_types_find(&walk->types, item->type);
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
        open_boxes(walk);
    } while (map_deep_has_next(walk));
}

/* ---- a walk ---- */

bool map_values_open(struct map_walk *walk, struct bump *bump)
{
    walk->values = bump_take(bump, sizeof *walk->values);
    return walk->values != NULL;
}

bool map_values_clear(struct map_walk *walk)
{
    struct map_values *values = walk->values;
    values->pending_count = values->boxes_count = 0;
    return !walk->is_deep || map_deep_clear(walk);
}

void map_values_finish(struct map_walk *walk)
{
    open_boxes(walk);
    if (walk->is_deep)
        follow_all(walk);
    flush(walk);
    object_set_finish(&walk->objects);
}
