/* SPDX-License-Identifier: Apache-2.0
 *
 * One Go map, walked: its shape, and every object that it keeps alive, in both designs.
 *
 *   up to go1.23 (runtime/map.go)           hmap --> 2^B buckets of 8 slots --> overflow buckets
 *                                                --> old buckets, while it grows
 *   from go1.24 (internal/runtime/maps)     Map --> one group of 8 slots, or
 *                                               --> directory --> tables --> groups of 8 slots
 *
 * With GOEXPERIMENT=noswissmap go1.24 and go1.25 have the older one (runtime/map_noswiss.go): the layout tells which.
 *
 * The program writes meanwhile. Memory that the walk enters is bounded by the object that holds it (but for a single
 * bucket or group: it may be on a goroutine's stack, which is no object), chains by the number of buckets, all that is
 * read by what there is to read. A table or a header that changes while it is read is read again; what makes no sense
 * is left out and counted as torn, and so is a map that was another one when its walk ended.
 *
 * Allowed context: dumper, command; one thread at a time.
 */
#ifndef GPW_GORUNTIME_MAP_WALK_H
#define GPW_GORUNTIME_MAP_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/go_type.h"
#include "goruntime/heap_find.h"
#include "goruntime/map_place.h"
#include "goruntime/object_set.h"
#include "memory/bump.h"
#include "memory/reader_cache.h"

/* X(ID, "name", "what is in it") */
#define GPW_MAP_PARTS(X)                                                                        \
    X(HEADER, "header", "the map's own struct and what hangs on it but slots")                  \
    X(TABLES, "tables", "Swiss maps: the directory and its tables")                             \
    X(BUCKETS, "buckets", "the slots for keys and elements: buckets, or groups of a Swiss map") \
    X(OLD_BUCKETS, "old_buckets", "buckets that a growing map has not given up yet")            \
    X(OVERFLOW, "overflow", "buckets chained behind full ones, and the lists that keep them")   \
    X(KEYS, "keys", "what keys point to: the bytes of strings, ...")                            \
    X(ELEMENTS, "elements", "what elements point to")                                           \
    X(DEEP, "deep", "what that points to, and so on")

enum map_part {
#define X(id, name, what) MAP_PART_##id,
    GPW_MAP_PARTS(X)
#undef X
        MAP_PARTS
};

_Static_assert((int)MAP_PARTS <= (int)OBJECT_PARTS, "each part is a bit in the set of objects");

enum map_design { MAP_DESIGN_BUCKETS, MAP_DESIGN_SWISS };

/* Of one map; what each means is told in dump/map_answer.h. */
struct map_shape {
    enum map_design design;
    uint64_t key_bytes, element_bytes;
    uint64_t slot_group_bytes; /* a bucket, or a group: 8 slots */
    bool has_pointers;         /* in its buckets, so that the collector scans them */
    uint64_t count, entries, capacity;
    uint64_t tombstones;
    uint64_t buckets, old_buckets, evacuated_buckets, overflow_buckets;
    uint64_t tables, directory_slots;
    uint64_t fullest_capacity, fullest_growth_left; /* Swiss: of the table that grows next */
};

struct map_walk {
    const struct go_heap *heap;
    struct reader *reader;
    uintptr_t image_start, image_end; /* of the module that holds the runtime: static data */
    struct reader_cache cache;        /* for values and structs; forgotten with each run */
    struct reader_cache heap_cache;   /* for the heap's books */
    struct go_types types;
    struct object_set objects;
    struct map_values *values; /* what keys and elements lead to, gathered */
    struct map_boxes *boxes;   /* of it: values to be looked into */
    struct map_deep *deep;     /* what is to be followed then; NULL: nobody has asked */
    uint8_t *buffer;           /* MAP_BUFFER_BYTES */

    struct map_shape shape;          /* of the map itself, not of those in it */
    uint64_t image_bytes[MAP_PARTS]; /* static data: each address once, and no more than there is of it */
    uint64_t spent_bytes;            /* that were read of maps and values */
    bool is_spent;                   /* more may not be read: what was still to come is left out */
    uint64_t torn_reads;
    uint64_t unknown;    /* pointers to what nobody knows, besides objects.unknown; types that could not be read */
    uint64_t unfollowed; /* values, or lists of them, that were not followed whole: more than there is room for */
    bool is_deep;
    struct map_place place; /* of objects.watched */
};

/* False: the reserve of `bump` is used up, or the heap cannot be read; `why` is a sentence. */
bool map_walk_open(struct map_walk *walk, const struct go_heap *heap, uintptr_t image_start, uintptr_t image_end,
                   struct bump *bump, const char **why);

/* Walks the map whose header lies at `header` (not 0), whose type is described at `type`; `is_deep`: on and on, not
 * only what keys and elements point to. May be called again, and forgets the walk before. False: `why` is a sentence.
 *
 * An address may be looked out for: objects.watched, set before. Afterwards objects.is_watched_found tells whether the
 * map keeps the object (or the static data) that it is in, objects.watched_part as what, and `place` where in its
 * buckets the address is, if it is there. */
bool map_walk_run(struct map_walk *walk, uintptr_t header, uintptr_t type, bool is_deep, const char **why);

#endif
