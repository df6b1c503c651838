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
    VALUE_BYTES = 64 * 1024, /* of values that are read to be followed, at once; and the end of a reference */
    READ_BYTES = VALUE_BYTES + GO_REFERENCE_BYTES_MAX,
    BOXES_MAX = 1 << 18, /* gathered */
    BOX_DEPTH_MAX = 4,   /* boxes in boxes: of more, each in all before it, there may be no end */
    /* What is read at once may have so many interfaces, and one of the boxes may be read on. */
    BOXES_AT_ONCE = VALUE_BYTES / 16 + 1,
    BOXES_FULL = BOXES_MAX - (BOX_DEPTH_MAX + 1) * BOXES_AT_ONCE,
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

/* A value outside of its slot, or the rest of it. */
struct box {
    uintptr_t address;
    const struct go_type *type;
    uint64_t from_bytes; /* what lies before is done */
    enum map_part part;
    uint32_t depth; /* so many boxes it lies in, itself one */
};

struct map_values {
    struct object_address pending[PENDING];
    uint32_t pending_count;
    uint8_t bytes[READ_BYTES];
    uint8_t box_bytes[READ_BYTES];
    struct box *boxes, *opened_boxes; /* BOXES_MAX each, taken when there is a first one */
    uint32_t boxes_count;
    uint32_t depth; /* of the box in hand; 0: what is in hand lies in none */
    uint32_t sort_starts[1 << SORT_BITS];
    uint64_t *statics; /* a bit for each byte of the image: something begins there; taken when there is a first one */
    uint64_t statics_start, statics_end; /* the words of it that have bits */
    uint64_t statics_bytes;              /* of all that is in it */
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

static bool take_boxes(struct map_walk *walk)
{
    struct map_values *values = walk->values;
    if (values->boxes == NULL) {
        values->boxes = bump_take(walk->objects.bump, BOXES_MAX * sizeof *values->boxes);
        values->opened_boxes = bump_take(walk->objects.bump, BOXES_MAX * sizeof *values->boxes);
    }
    return values->boxes != NULL && values->opened_boxes != NULL;
}

static void gather_box(struct map_walk *walk, const struct box *box)
{
    struct map_values *values = walk->values;
    if (take_boxes(walk) && values->boxes_count < BOXES_MAX)
        values->boxes[values->boxes_count++] = *box;
    else
        walk->unfollowed++;
}

/* A value that lies outside of its slot. */
static void add_boxed(struct map_visit *visit, enum map_part part, uintptr_t address, const struct go_type *type)
{
    struct map_walk *walk = visit->walk;
    struct map_values *values = walk->values;
    map_add(visit, part, address, type->bytes);
    if (type->references_count == 0 || address == 0)
        return;
    if (type->bytes > VALUE_BYTES && values_there(walk, address, 1, type->bytes) == 0)
        walk->unknown++;
    else if (values->depth < BOX_DEPTH_MAX)
        gather_box(walk, &(struct box){.address = address,
                                       .type = type,
                                       .part = visit->is_inner ? MAP_PART_DEEP : part,
                                       .depth = values->depth + 1});
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
    uint64_t capacity = word_at(at + 16), bytes;
    if (__builtin_mul_overflow(capacity, reference->target_bytes, &bytes) || bytes > VALUE_BYTES_MAX) {
        map_note_torn(visit->walk);
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
        map_note_torn(visit->walk);
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

/* The references of a value that begin in its bytes [from, to), which are at `bytes` with the rest of the last one. */
static void add_references(struct map_visit *visit, enum map_part part, const struct go_type *type,
                           const uint8_t *bytes, uint64_t from, uint64_t to)
{
    visit->walk->unfollowed += type->is_incomplete && from == 0;
    for (uint32_t i = 0; i < type->references_count; i++)
        add_repeated(visit, part, &type->references[i], bytes, from, to);
}

/* ---- boxes ---- */

/* A value that lies outside of its slot counts as if it stood there. Of a large one a piece, and the rest is gathered
 * again. */
static void open_box(struct map_walk *walk, const struct box *box)
{
    struct map_visit visit = {.walk = walk, .is_inner = box->part == MAP_PART_DEEP};
    struct map_values *values = walk->values;
    const struct go_type *type = box->type;
    uint64_t from = box->from_bytes, to = min_u64(type->bytes, from + VALUE_BYTES);
    uint64_t read_bytes = min_u64(type->bytes, to + GO_REFERENCE_BYTES_MAX) - from;
    if (!map_spend(walk, read_bytes) ||
        !reader_read(&walk->cache.reader, box->address + from, values->box_bytes, read_bytes)) {
        map_note_torn(walk);
        return;
    }
    if (to < type->bytes) {
        struct box rest = *box;
        rest.from_bytes = to;
        gather_box(walk, &rest);
    }
    values->depth = box->depth;
    add_references(&visit, box->part, type, values->box_bytes, from, to);
    values->depth = 0;
}

/* Moves them to `opened_boxes`, sorted by address, as far as that matters: stable steps from the lowest bits up. */
static uint32_t sort_boxes(struct map_values *values)
{
    uint32_t *starts = values->sort_starts, sorted = values->boxes_count;
    for (int step = 0; step < SORT_STEPS; step++) {
        int shift = SORT_SHIFT + step * SORT_BITS;
        struct box *from = step % 2 == 0 ? values->boxes : values->opened_boxes,
                   *to = step % 2 == 0 ? values->opened_boxes : values->boxes;
        memset(starts, 0, sizeof values->sort_starts);
        for (uint32_t i = 0; i < sorted; i++)
            starts[from[i].address >> shift & ((1u << SORT_BITS) - 1)]++;
        for (uint32_t bucket = 0, sum = 0; bucket < 1u << SORT_BITS; bucket++) {
            uint32_t count = starts[bucket];
            starts[bucket] = sum;
            sum += count;
        }
        for (uint32_t i = 0; i < sorted; i++)
            to[starts[from[i].address >> shift & ((1u << SORT_BITS) - 1)]++] = from[i];
    }
    values->boxes_count = 0;
    return sorted;
}

_Static_assert(SORT_STEPS % 2 == 1, "the last step ends in opened_boxes");

/* When those that lay in others are too many to be sorted: the last first, so that they get no more. */
static void open_last_boxes(struct map_walk *walk)
{
    struct map_values *values = walk->values;
    while (values->boxes_count > 0) {
        struct box box = values->boxes[--values->boxes_count];
        open_box(walk, &box);
    }
}

/* All that are gathered, then those that were in them, and so on. */
static void open_boxes(struct map_walk *walk)
{
    struct map_values *values = walk->values;
    while (values->boxes_count > 0) {
        uint32_t count = sort_boxes(values);
        for (uint32_t i = 0; i < count; i++) {
            open_box(walk, &values->opened_boxes[i]);
            if (values->boxes_count > BOXES_FULL)
                open_last_boxes(walk);
        }
    }
}

/* So that all that is read at once finds room. */
static void make_room_for_boxes(struct map_walk *walk)
{
    if (walk->values->boxes_count > BOXES_FULL)
        open_boxes(walk);
}

/* ---- entries ---- */

static void add_value(struct map_visit *visit, enum map_part part, const struct go_type *type, bool is_indirect,
                      const uint8_t *slot)
{
    if (is_indirect)
        add_boxed(visit, part, word_at(slot), type);
    else
        add_references(visit, part, type, slot, 0, type->bytes);
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

/* Values that are too large to be read at once are as good as boxes. */
static void follow_large_values(struct map_visit *visit, enum map_part part, uintptr_t address,
                                const struct go_type *type, uint64_t count)
{
    for (uint64_t i = 0; i < count && !visit->walk->is_spent; i++) {
        make_room_for_boxes(visit->walk);
        gather_box(visit->walk,
                   &(struct box){.address = address + i * type->bytes, .type = type, .part = part, .depth = 1});
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
    if (type->bytes > VALUE_BYTES) {
        follow_large_values(visit, part, address, type, there);
        return;
    }
    uint64_t at_once = VALUE_BYTES / type->bytes;
    for (uint64_t first = 0; first < there; first += at_once) {
        uint64_t values = min_u64(at_once, there - first);
        if (!map_spend(walk, values * type->bytes) ||
            !reader_read(walk->reader, address + first * type->bytes, walk->values->bytes, values * type->bytes)) {
            map_note_torn(walk);
            return;
        }
        make_room_for_boxes(walk);
        for (uint64_t i = 0; i < values; i++)
            add_references(visit, part, type, walk->values->bytes + i * type->bytes, 0, type->bytes);
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
    const struct go_type *type = go_types_find(&walk->types, item->type); /* map_deep_add has found it */
    switch (item->kind) {
    case DEEP_VALUES:
        follow_values(&visit, MAP_PART_DEEP, item->end - item->count * type->bytes, type, item->count);
        break;
    case DEEP_MAP:
        walk->unknown += !map_visit(&visit, item->end, item->type);
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
    if (values->statics_end > values->statics_start)
        memset(&values->statics[values->statics_start], 0,
               (values->statics_end - values->statics_start) * sizeof values->statics[0]);
    values->statics_start = UINT64_MAX;
    values->statics_end = values->statics_bytes = 0;
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
