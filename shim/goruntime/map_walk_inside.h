/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files about maps share, and nobody else uses.
 */
#ifndef GPW_GORUNTIME_MAP_WALK_INSIDE_H
#define GPW_GORUNTIME_MAP_WALK_INSIDE_H

#include "goruntime/map_walk.h"

enum {
    MAP_SLOTS = 8,            /* of a bucket and of a group: abi.MapBucketCount, abi.SwissMapGroupSlots */
    MAP_SLOT_BYTES_MAX = 128, /* larger keys and elements are pointers to them */
    MAP_BUCKET_BYTES_MAX = MAP_SLOTS * 2 * MAP_SLOT_BYTES_MAX + 16,
    MAP_TABLE_SLOTS_MAX = 1024, /* table.go:maxTableCapacity */
    MAP_TABLE_GROUPS_MAX = MAP_TABLE_SLOTS_MAX / MAP_SLOTS,
    MAP_CONTROL_BYTES = 8, /* one for each slot, before its keys: a bucket's tophash, a group's control word */
    /* tophash (runtime/map.go): empty, then a bucket that was evacuated, then full */
    MAP_TOPHASH_EVACUATED_FIRST = 2,
    MAP_TOPHASH_MIN = 5,
    /* control (internal/runtime/maps/group.go) */
    MAP_CONTROL_NOT_FULL_BIT = 0x80,
    MAP_CONTROL_DELETED = 0xfe,
    MAP_LOG2_BUCKETS_MAX = 40,
    MAP_SPARE_LOG2_MIN = 4, /* from 2^4 buckets on, a sixteenth more is made for overflow (map.go:makeBucketArray) */
    MAP_BUFFER_BYTES = MAP_TABLE_GROUPS_MAX * MAP_BUCKET_BYTES_MAX,
    MAP_VALUE_BYTES = 64 * 1024, /* of values that are read to be followed, at once */
};

/* abi.MapType, decoded and checked. */
struct map_type {
    const struct go_type *key, *element;
    bool is_key_indirect, is_element_indirect;   /* the slot holds a pointer to it */
    uint64_t key_slot_bytes, element_slot_bytes; /* of it or of the pointer */
    uint32_t bucket_bytes;                       /* or a group's */
    uint32_t keys_at, key_stride, elements_at, element_stride;
    bool has_pointers;
    bool has_references; /* keys or elements point to something */
    bool is_of_strings;  /* both are strings, in their slots */
};

/* A map in hand: the one that is asked for, or one that it holds. */
struct map_visit {
    struct map_walk *walk;
    struct map_type type;
    struct map_shape shape;
    bool is_inner; /* all that it has belongs to MAP_PART_DEEP */
};

/* A bucket of an old array whose entries went to the new one. */
static inline bool map_is_evacuated(const uint8_t *bucket)
{
    return bucket[0] >= MAP_TOPHASH_EVACUATED_FIRST && bucket[0] < MAP_TOPHASH_MIN;
}

static inline uint64_t map_header_bytes(const struct go_layout *layout)
{
    return layout->hmap_bytes != 0 ? layout->hmap_bytes : layout->swiss_bytes;
}

/* ---- map_walk.c ---- */

/* Walks the map whose header lies at `header`, whose type is described at `type`. False: neither makes sense. */
bool map_visit_walk(struct map_visit *visit, uintptr_t header, uintptr_t type);

/* May the walk read so many bytes more? It reads no more than a few times what there is: what leads to the same places
 * again and again has an end. False: that is spent (`is_spent`), and the walk ends as soon as it can. */
bool map_spend(struct map_walk *walk, uint64_t bytes);

/* May there be a bucket or group at `address`, with no other beside it? One that is on a goroutine's stack is in no
 * object. */
bool map_may_hold_one(struct map_visit *visit, uintptr_t address);

/* Something could not be read or made no sense. What is left out because all is spent is no sign of that. */
static inline void map_note_torn(struct map_walk *walk)
{
    walk->torn_reads += !walk->is_spent;
}

/* go_types_find has found no type. */
static inline void map_note_typeless(struct map_walk *walk)
{
    if (walk->types.is_full)
        walk->unfollowed++;
    else
        walk->unknown++;
}

/* ---- map_values.c ---- */

/* False: the reserve of `bump` is used up. */
bool map_values_open(struct map_walk *walk, struct bump *bump);
/* Nothing is gathered any more. False: no memory is left to follow all pointers. */
bool map_values_clear(struct map_walk *walk);
/* Adds and follows all that was gathered. */
void map_values_finish(struct map_walk *walk);

/* An object, or static data, of so many bytes that a map has. */
void map_add(struct map_visit *visit, enum map_part part, uintptr_t address, uint64_t asked_bytes);

/* The occupied slot `slot` of the bucket whose bytes are at `bucket`. */
void map_add_entry(struct map_visit *visit, const uint8_t *bucket, unsigned slot);

/* The references of a value that begin in its bytes [from, to), which are at `bytes` with the rest of the last one. */
void map_add_references(struct map_visit *visit, enum map_part part, const struct go_type *type, const uint8_t *bytes,
                        uint64_t from, uint64_t to);

/* ---- map_boxes.c ---- */

/* False: the reserve of `bump` is used up. */
bool map_boxes_open(struct map_walk *walk, struct bump *bump);
void map_boxes_clear(struct map_walk *walk);
/* Gathers a value that lies outside of its slot, `part` MAP_PART_DEEP for what an inner map has. False: it lies in too
 * many others. */
bool map_box_add(struct map_walk *walk, enum map_part part, uintptr_t address, const struct go_type *type);
/* Before MAP_VALUE_BYTES of values are looked into: what lies in them will find room. */
void map_boxes_make_room(struct map_walk *walk);
/* Looks into all that are gathered, then into those that were in them, and so on. */
void map_boxes_open_all(struct map_walk *walk);

/* ---- map_place.c ---- */

/* For map_note: the watched address is in the stretch. */
void map_note_slot(struct map_visit *visit, const struct map_place *first, uintptr_t address, const uint8_t *bytes);

/* Is the watched address among `count` buckets or groups at `address`, whose bytes are at `bytes`? `first` says what
 * the first of them is. */
static inline void map_note(struct map_visit *visit, const struct map_place *first, uintptr_t address,
                            const uint8_t *bytes, uint64_t count)
{
    if (visit->walk->objects.watched - address < count * visit->type.bucket_bytes)
        map_note_slot(visit, first, address, bytes);
}

/* The same of a directory's words, and of a table. */
void map_note_structs(struct map_visit *visit, const struct map_place *first, uintptr_t address, uint64_t count,
                      uint64_t struct_bytes);

/* ---- map_deep.c ---- */

enum deep_kind { DEEP_VALUES, DEEP_MAP, DEEP_CHAN };

/* Values are known by their end: of one array many slices may be kept that begin anywhere and reach to the same end,
 * and each of its elements is followed once. */
struct deep_item {
    uintptr_t end, type; /* of a map or channel: its address */
    uint64_t count;
    enum deep_kind kind;
};

/* False: no memory is left. */
bool map_deep_clear(struct map_walk *walk);
/* Puts `count` values of `type` at `address` (or the map or channel there) on the list, if all pointers are followed
 * and it has any, unless it was there before. */
void map_deep_add(struct map_walk *walk, enum deep_kind kind, uintptr_t address, uintptr_t type, uint64_t count);
bool map_deep_has_next(const struct map_walk *walk);
/* Takes the next; false: there is none. */
bool map_deep_next(struct map_walk *walk, struct deep_item *item);

/* ---- one file a design ---- */

/* Walks the map whose header lies at `header`; false: it cannot be read at all. */
bool map_walk_buckets(struct map_visit *visit, uintptr_t header);
bool map_walk_swiss(struct map_visit *visit, uintptr_t header);

#endif
