/* SPDX-License-Identifier: Apache-2.0
 *
 * What the keys and elements of a map lead to.
 *
 * Addresses are gathered and given to the set of objects many at a time. Values that do not lie in their slots (large
 * ones, and those in interfaces) are gathered too, and read in the order of their addresses: entries lie in the order
 * of their hashes, and a read for each value would be a system call for each.
 *
 * With `is_deep` what else has references of its own is put on a list, each once, and followed when the map itself is
 * done; a cycle ends there.
 */
#include <string.h>

#include "goruntime/map_walk_inside.h"

enum {
    PENDING = 512,
    VALUE_BYTES = 64 * 1024, /* of values that are read to be followed, at once */
    DEEP_MAX = 1 << 24,      /* values on the list */
    DEEP_TABLE_SLOTS = 1 << 25,
    DEEP_PROBES_MAX = 1 << 12,
    BOXES_MAX = 1 << 18,  /* gathered */
    BOX_BYTES_MAX = 1024, /* of a value that is read with its neighbours */
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

enum deep_kind { DEEP_VALUES, DEEP_MAP, DEEP_CHAN };

/* Values are known by their end: of one array many slices may be kept that begin anywhere and reach to the same end,
 * and each of its elements is followed once. */
struct deep_item {
    uintptr_t end, type; /* of a map or channel: its address */
    uint64_t count;
    enum deep_kind kind;
};

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
    struct box *boxes, *sorted_boxes; /* BOXES_MAX each, taken when there is a first one */
    uint32_t boxes_count;
    bool is_opening; /* boxes are being read */
    uint32_t sort_starts[1 << SORT_BITS];
    /* Only when asked for. */
    struct deep_item *items;
    uint32_t items_count, items_done;
    uint32_t *table; /* indices of items plus 1, by end and type */
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

/* ---- the list of what is to be followed ---- */

static uint64_t slot_of(uintptr_t end, uintptr_t type)
{
    uint64_t value = (end ^ type << 20) * 0x9e3779b97f4a7c15u;
    return (value ^ value >> 32) % DEEP_TABLE_SLOTS;
}

/* The item of that end, type and kind; NULL: `at` is where its index may stand, or DEEP_TABLE_SLOTS, there is no room.
 */
static struct deep_item *find_item(const struct map_values *values, const struct deep_item *sought, uint64_t *at)
{
    *at = slot_of(sought->end, sought->type);
    for (unsigned i = 0; i < DEEP_PROBES_MAX; i++, *at = (*at + 1) % DEEP_TABLE_SLOTS) {
        uint32_t index = values->table[*at];
        if (index == 0)
            return NULL;
        struct deep_item *item = &values->items[index - 1];
        if (item->end == sought->end && item->type == sought->type && item->kind == sought->kind)
            return item;
    }
    *at = DEEP_TABLE_SLOTS;
    return NULL;
}

static void follow_later(struct map_walk *walk, enum deep_kind kind, uintptr_t address, uintptr_t type, uint64_t count)
{
    struct map_values *values = walk->values;
    if (!walk->is_deep || address == 0 || count == 0)
        return;
    const struct go_type *of = go_types_find(&walk->types, type);
    if (of == NULL) {
        walk->unknown++;
        return;
    }
    if (kind == DEEP_VALUES && of->references_count == 0)
        return;
    while (count > 0) {
        struct deep_item sought = {address, type, count, kind};
        uint64_t at, known;
        if (kind == DEEP_VALUES)
            sought.end += count * of->bytes;
        struct deep_item *item = find_item(values, &sought, &at);
        if (item == NULL && (values->items_count == DEEP_MAX || at == DEEP_TABLE_SLOTS)) {
            walk->unknown++;
            return;
        }
        if (item == NULL) {
            values->items[values->items_count++] = sought;
            values->table[at] = values->items_count;
            return;
        }
        known = item->count;
        if (count <= known)
            return;
        item->count = count;
        if (item >= values->items + values->items_done)
            return;
        count -= known; /* those before it are left */
    }
}

/* ---- references ---- */

static void add_references(struct map_visit *visit, enum map_part part, const struct go_type *type,
                           const uint8_t *value);

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
        for (uint64_t i = 0; i < values; i++)
            add_references(visit, part, type, walk->values->bytes + i * type->bytes);
    }
}

/* A value that lies outside of its slot counts as if it stood there. */
static void open_box(struct map_visit *visit, const struct box *box)
{
    struct map_walk *walk = visit->walk;
    uint8_t value[BOX_BYTES_MAX];
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

static bool take_boxes(struct map_walk *walk)
{
    struct map_values *values = walk->values;
    if (values->boxes == NULL) {
        values->boxes = bump_take(walk->objects.bump, BOXES_MAX * sizeof *values->boxes);
        values->sorted_boxes = bump_take(walk->objects.bump, BOXES_MAX * sizeof *values->boxes);
    }
    return values->boxes != NULL && values->sorted_boxes != NULL;
}

static void add_boxed(struct map_visit *visit, enum map_part part, uintptr_t address, const struct go_type *type)
{
    struct map_walk *walk = visit->walk;
    struct map_values *values = walk->values;
    struct box box = {address, type, visit->is_inner ? MAP_PART_DEEP : part};
    map_add(visit, part, address, type->bytes);
    if (type->references_count == 0 || address == 0)
        return;
    bool is_gathered = type->bytes <= BOX_BYTES_MAX && take_boxes(walk);
    if (values->is_opening || (!is_gathered && walk->is_deep)) {
        /* A box in a box: there may be no end of them. */
        follow_later(walk, DEEP_VALUES, address, type->address, 1);
    } else if (!is_gathered) {
        values->is_opening = true;
        follow_values(visit, part, address, type, 1);
        values->is_opening = false;
    } else {
        values->boxes[values->boxes_count++] = box;
        if (values->boxes_count == BOXES_MAX)
            open_boxes(walk);
    }
}

/* An interface's data word is the value, or points to it. The value counts as if it stood in the interface's place. */
static void add_interface(struct map_visit *visit, enum map_part part, uintptr_t type_address, uintptr_t data)
{
    struct map_walk *walk = visit->walk;
    const struct go_type *type = go_types_find(&walk->types, type_address);
    if (type == NULL)
        walk->unknown++;
    else if (type->is_direct && type->bytes == sizeof data)
        add_references(visit, part, type, (const uint8_t *)&data);
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
    follow_later(visit->walk, DEEP_VALUES, word_at(at), reference->type, capacity);
}

static void add_reference(struct map_visit *visit, enum map_part part, const struct go_reference *reference,
                          const uint8_t *at)
{
    struct map_walk *walk = visit->walk;
    uintptr_t target = word_at(at);
    uint64_t length;
    switch (reference->kind) {
    case REFERENCE_STRING:
        length = word_at(at + 8);
        if (length > VALUE_BYTES_MAX)
            walk->torn_reads++;
        else if (length != 0)
            map_add(visit, part, target, length);
        break;
    case REFERENCE_SLICE:
        add_slice(visit, part, reference, at);
        break;
    case REFERENCE_POINTER:
        if (reference->target_bytes != 0)
            map_add(visit, part, target, reference->target_bytes);
        follow_later(walk, DEEP_VALUES, target, reference->type, 1);
        break;
    case REFERENCE_ANY:
    case REFERENCE_INTERFACE:
        if (target != 0)
            add_interface(visit, part, reference->kind == REFERENCE_ANY ? target : type_of_itab(walk, target),
                          word_at(at + 8));
        break;
    case REFERENCE_MAP:
        map_add(visit, part, target, map_header_bytes(walk->heap->layout));
        follow_later(walk, DEEP_MAP, target, reference->type, 1);
        break;
    case REFERENCE_CHAN:
        map_add(visit, part, target, OBJECT_ASKED_WHOLE);
        follow_later(walk, DEEP_CHAN, target, reference->type, 1);
        break;
    case REFERENCE_OPAQUE:
        map_add(visit, part, target, OBJECT_ASKED_WHOLE);
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
    add_value(visit, MAP_PART_KEYS, type->key, type->is_key_indirect, bucket + type->keys_at + slot * type->key_stride);
    add_value(visit, MAP_PART_ELEMENTS, type->element, type->is_element_indirect,
              bucket + type->elements_at + slot * type->element_stride);
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

static void follow_all(struct map_walk *walk)
{
    struct map_values *values = walk->values;
    while (values->items_done < values->items_count) {
        struct deep_item item = values->items[values->items_done++];
        struct map_visit visit = {.walk = walk, .is_inner = true};
        const struct go_type *type = go_types_find(&walk->types, item.type);
        switch (item.kind) {
        case DEEP_VALUES:
            follow_values(&visit, MAP_PART_DEEP, item.end - item.count * type->bytes, type, item.count);
            break;
        case DEEP_MAP:
            walk->unknown += !map_visit(&visit, item.end, item.type);
            break;
        case DEEP_CHAN:
            follow_chan(&visit, &item, type);
            break;
        }
        if (values->items_done == values->items_count)
            open_boxes(walk);
    }
}

/* ---- a walk ---- */

bool map_values_open(struct map_walk *walk, struct bump *bump)
{
    walk->values = bump_take(bump, sizeof *walk->values);
    return walk->values != NULL;
}

static void empty_table(struct map_values *values)
{
    for (uint32_t i = 0; i < values->items_count; i++) {
        uint64_t at = slot_of(values->items[i].end, values->items[i].type);
        for (; values->table[at] != 0; at = (at + 1) % DEEP_TABLE_SLOTS)
            values->table[at] = 0;
    }
}

bool map_values_clear(struct map_walk *walk)
{
    struct map_values *values = walk->values;
    values->pending_count = values->boxes_count = 0;
    if (!walk->is_deep)
        return true;
    if (values->items == NULL) {
        values->items = bump_take(walk->objects.bump, DEEP_MAX * sizeof *values->items);
        values->table = bump_take(walk->objects.bump, DEEP_TABLE_SLOTS * sizeof *values->table);
    } else {
        empty_table(values);
    }
    values->items_count = values->items_done = 0;
    return values->items != NULL && values->table != NULL;
}

void map_values_finish(struct map_walk *walk)
{
    open_boxes(walk);
    if (walk->is_deep)
        follow_all(walk);
    flush(walk);
}
