/* SPDX-License-Identifier: Apache-2.0
 *
 * A map of the older design (runtime/map.go): buckets, chains of overflow buckets, and old buckets while it grows.
 *
 *   bucket := tophash[8] key[8] element[8] overflow
 *
 * The entries of an old bucket that was evacuated count where they went.
 *
 * Behind an array lie spare buckets, which go to its chains one after the other (newoverflow). Those that went are read
 * in one sweep: chains lead through them in no order, and a system call for each would be a good part of the walk.
 */
#include <string.h>

#include "goruntime/map_walk_inside.h"

enum {
    FLAG_SAME_SIZE_GROW = 8,
    HMAP_BYTES_MAX = 64,
    OVERFLOW_MIN = 1024, /* so many overflow buckets are believed in any case */
};

struct hmap {
    uint64_t count, flags, log2_buckets, buckets, old_buckets, evacuated, extra;
};

static bool read_hmap(const struct map_visit *visit, uintptr_t header, struct hmap *hmap)
{
    const struct go_layout *layout = visit->walk->heap->layout;
    uint8_t raw[HMAP_BYTES_MAX];
    if (layout->hmap_bytes > sizeof raw || !reader_read(visit->walk->reader, header, raw, layout->hmap_bytes))
        return false;
    *hmap = (struct hmap){
        .count = layout_field_of(raw, layout->hmap_count),
        .flags = layout_field_of(raw, layout->hmap_flags),
        .log2_buckets = layout_field_of(raw, layout->hmap_log2_buckets),
        .buckets = layout_field_of(raw, layout->hmap_buckets),
        .old_buckets = layout_field_of(raw, layout->hmap_old_buckets),
        .evacuated = layout_field_of(raw, layout->hmap_evacuated),
        .extra = layout_field_of(raw, layout->hmap_extra),
    };
    return hmap->log2_buckets <= MAP_LOG2_BUCKETS_MAX && hmap->count < 1ull << 48;
}

/* Buckets that are evacuated move `evacuated` on, with each write to a growing map. */
static bool is_same_hmap(const struct hmap *before, const struct hmap *after)
{
    return before->buckets == after->buckets && before->log2_buckets == after->log2_buckets &&
           before->old_buckets == after->old_buckets && before->evacuated == after->evacuated;
}

/* ---- buckets ---- */

/* A map with as many overflow buckets as buckets grows (tooManyOverflowBuckets); what it counts is not believed. */
static uint64_t overflow_max(const struct map_shape *shape)
{
    return OVERFLOW_MIN + 8 * (shape->buckets + shape->old_buckets);
}

/* One bucket of an array or of a chain; the address of the next of the chain. */
static uintptr_t take_bucket(struct map_visit *visit, const uint8_t *bucket)
{
    uint64_t overflow;
    for (unsigned slot = 0; slot < MAP_SLOTS && !map_is_evacuated(bucket); slot++) {
        if (bucket[slot] >= MAP_TOPHASH_MIN)
            map_add_entry(visit, bucket, slot);
    }
    memcpy(&overflow, bucket + visit->type.bucket_bytes - sizeof overflow, sizeof overflow);
    return overflow;
}

/* Buckets of chains that are read in one sweep, [start, end). */
struct spare {
    uintptr_t start, end;
};

/* Of the bucket that is `number` of `origin`. */
static void walk_chain(struct map_visit *visit, uintptr_t address, const struct spare *spare,
                       enum map_place_kind origin, uint64_t number)
{
    struct map_walk *walk = visit->walk;
    struct map_place place = {.kind = MAP_PLACE_SINGLE, .origin = origin, .number = number};
    uint8_t bucket[MAP_BUCKET_BYTES_MAX];
    while (address != 0 && (address < spare->start || address >= spare->end)) {
        if (visit->shape.overflow_buckets >= overflow_max(&visit->shape) ||
            object_set_bytes_behind(&walk->objects, address) < visit->type.bucket_bytes ||
            !map_spend(walk, visit->type.bucket_bytes) ||
            !reader_read(walk->reader, address, bucket, visit->type.bucket_bytes)) {
            map_note_torn(walk);
            return;
        }
        visit->shape.overflow_buckets++;
        map_add(visit, MAP_PART_OVERFLOW, address, visit->type.bucket_bytes);
        place.chain++;
        map_note(visit, &place, address, bucket, 1);
        address = take_bucket(visit, bucket);
    }
}

static void walk_array(struct map_visit *visit, enum map_place_kind kind, uintptr_t array, uint64_t buckets,
                       const struct spare *spare, uint64_t *evacuated)
{
    struct map_walk *walk = visit->walk;
    uint32_t bytes = visit->type.bucket_bytes;
    uint64_t at_once = MAP_BUFFER_BYTES / bytes;
    uint8_t *buffer = walk->buffer;
    for (uint64_t first = 0; first < buckets; first += at_once) {
        uint64_t count = min_u64(at_once, buckets - first);
        if (!map_spend(walk, count * bytes) ||
            !reader_read(walk->reader, array + first * bytes, buffer, count * bytes)) {
            map_note_torn(walk);
            return;
        }
        map_note(visit, &(struct map_place){.kind = kind, .number = first}, array + first * bytes, buffer, count);
        for (uint64_t i = 0; i < count; i++) {
            *evacuated += map_is_evacuated(buffer + i * bytes);
            walk_chain(visit, take_bucket(visit, buffer + i * bytes), spare, kind, first + i);
        }
    }
}

static uint64_t spare_buckets(uint64_t buckets)
{
    return buckets >= 1u << MAP_SPARE_LOG2_MIN ? buckets >> MAP_SPARE_LOG2_MIN : 0;
}

/* An array of so many buckets, and the spare ones behind them. False: its object is too small, the header was torn. */
static bool take_array(struct map_visit *visit, enum map_part part, uintptr_t array, uint64_t buckets)
{
    struct map_walk *walk = visit->walk;
    uint64_t bytes = visit->type.bucket_bytes;
    if (buckets == 1 ? !map_may_hold_one(visit, array)
                     : object_set_bytes_behind(&walk->objects, array) < buckets * bytes) {
        map_note_torn(walk);
        return false;
    }
    map_add(visit, part, array, (buckets + spare_buckets(buckets)) * bytes);
    return true;
}

/* The spare buckets of an array that are on chains, when `next` is the one to go next (mapextra.nextOverflow); 0: all
 * are, as many as fit into the object. */
static struct spare used_spare(struct map_visit *visit, uintptr_t array, uint64_t buckets, uintptr_t next)
{
    uint64_t bytes = buckets * visit->type.bucket_bytes;
    uintptr_t start = array + bytes;
    uint64_t behind = max_u64(object_set_bytes_behind(&visit->walk->objects, array), bytes) - bytes;
    if (next == 0 && spare_buckets(buckets) != 0)
        next = start + behind / visit->type.bucket_bytes * visit->type.bucket_bytes;
    if (next < start || next - start > behind || (next - start) % visit->type.bucket_bytes != 0)
        return (struct spare){0, 0};
    return (struct spare){start, next};
}

static void walk_buckets(struct map_visit *visit, uintptr_t array, uintptr_t next_spare)
{
    struct map_shape *shape = &visit->shape;
    uint64_t none = 0;
    if (!take_array(visit, MAP_PART_BUCKETS, array, shape->buckets))
        return;
    struct spare spare = used_spare(visit, array, shape->buckets, next_spare);
    uint64_t used = (spare.end - spare.start) / visit->type.bucket_bytes;
    walk_array(visit, MAP_PLACE_BUCKET, array, shape->buckets, &spare, &none);
    walk_array(visit, MAP_PLACE_SPARE, spare.start, used, &spare, &none);
    shape->overflow_buckets += used;
}

/* Nothing tells which of the old array's spare buckets are used: chains lead to them. */
static void walk_old_buckets(struct map_visit *visit, uintptr_t array)
{
    const struct spare none = {0, 0};
    if (take_array(visit, MAP_PART_OLD_BUCKETS, array, visit->shape.old_buckets))
        walk_array(visit, MAP_PLACE_OLD_BUCKET, array, visit->shape.old_buckets, &none,
                   &visit->shape.evacuated_buckets);
}

/* ---- what hangs on the header ---- */

/* A *[]*bmap: buckets without pointers are kept alive by such a list. */
static void take_list(struct map_visit *visit, uintptr_t list)
{
    struct map_walk *walk = visit->walk;
    struct go_slice slice;
    if (list == 0)
        return;
    if (!go_slice_read(walk->reader, list, overflow_max(&visit->shape) * 2, &slice)) {
        map_note_torn(walk);
        return;
    }
    map_add(visit, MAP_PART_OVERFLOW, list, sizeof slice);
    map_add(visit, MAP_PART_OVERFLOW, slice.array, slice.capacity * sizeof(uintptr_t));
}

/* The mapextra: its lists, and `next_spare` gets the spare bucket that goes next; 0: none is left. */
static void take_extra(struct map_visit *visit, uintptr_t extra, uintptr_t *next_spare)
{
    const struct go_layout *layout = visit->walk->heap->layout;
    uint8_t raw[HMAP_BYTES_MAX];
    *next_spare = 0;
    if (extra == 0)
        return;
    map_add(visit, MAP_PART_HEADER, extra, layout->mapextra_bytes);
    if (layout->mapextra_bytes > sizeof raw || !reader_read(visit->walk->reader, extra, raw, layout->mapextra_bytes)) {
        map_note_torn(visit->walk);
        return;
    }
    *next_spare = layout_field_of(raw, layout->mapextra_next_overflow);
    take_list(visit, layout_field_of(raw, layout->mapextra_overflow));
    take_list(visit, layout_field_of(raw, layout->mapextra_old_overflow));
}

bool map_walk_buckets(struct map_visit *visit, uintptr_t header)
{
    struct map_walk *walk = visit->walk;
    struct map_shape *shape = &visit->shape;
    struct hmap hmap, after;
    uintptr_t next_spare;
    if (visit->type.bucket_bytes < MAP_SLOTS + sizeof(uintptr_t) || !read_hmap(visit, header, &hmap))
        return false;
    map_add(visit, MAP_PART_HEADER, header, walk->heap->layout->hmap_bytes);
    shape->count = hmap.count;
    shape->buckets = hmap.buckets == 0 ? 0 : 1ull << hmap.log2_buckets;
    if (hmap.old_buckets != 0)
        shape->old_buckets = (hmap.flags & FLAG_SAME_SIZE_GROW) != 0 ? shape->buckets : shape->buckets / 2;
    shape->capacity = shape->buckets * MAP_SLOTS;
    take_extra(visit, hmap.extra, &next_spare);
    /* The old ones first: what is evacuated meanwhile is seen in both arrays and counts as two entries, with objects
     * that count once. The other way round it would be seen in neither. */
    if (hmap.old_buckets != 0)
        walk_old_buckets(visit, hmap.old_buckets);
    if (hmap.buckets != 0)
        walk_buckets(visit, hmap.buckets, next_spare);
    walk->torn_reads += !read_hmap(visit, header, &after) || !is_same_hmap(&hmap, &after);
    return true;
}
