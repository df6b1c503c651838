/* SPDX-License-Identifier: Apache-2.0
 *
 * Where in a map one address lies: noted by the walk when a stretch of buckets or groups holds it.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_GORUNTIME_MAP_PLACE_H
#define GPW_GORUNTIME_MAP_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/* X(ID, "name") */
#define GPW_MAP_PLACES(X)                                                                     \
    X(NONE, "none")              /* in no stretch */                                          \
    X(DIRECTORY, "directory")    /* a word of a Swiss map's directory, `number` */            \
    X(TABLE, "table")            /* the struct of a table */                                  \
    X(GROUP, "group")            /* of a table, or the only one of a small map */             \
    X(BUCKET, "bucket")          /* of the array */                                           \
    X(OLD_BUCKET, "old_bucket")  /* of the old array */                                       \
    X(SPARE, "spare_bucket")     /* an overflow bucket, of those that lie behind the array */ \
    X(SINGLE, "overflow_bucket") /* an overflow bucket in an object of its own */

enum map_place_kind {
#define X(id, name) MAP_PLACE_##id,
    GPW_MAP_PLACES(X)
#undef X
        MAP_PLACE_KINDS
};

/* X(ID, "name"): what of a bucket or group. */
#define GPW_MAP_SLOT_PARTS(X)                                      \
    X(CONTROL, "control") /* the slot's tophash or control byte */ \
    X(KEY, "key")                                                  \
    X(ELEMENT, "element")                                          \
    X(OVERFLOW, "overflow") /* the pointer to the next bucket */   \
    X(GAP, "gap")           /* between them, for their alignment */

enum map_slot_part {
#define X(id, name) MAP_SLOT_##id,
    GPW_MAP_SLOT_PARTS(X)
#undef X
        MAP_SLOT_PARTS
};

/* X(ID, "name") */
#define GPW_MAP_SLOT_STATES(X)                                               \
    X(EMPTY, "empty")                                                        \
    X(FULL, "full")                                                          \
    X(TOMBSTONE, "tombstone") /* Swiss: deleted, and not usable again yet */ \
    X(EVACUATED, "evacuated") /* its bucket went to the new array */

enum map_slot_state {
#define X(id, name) MAP_SLOT_##id,
    GPW_MAP_SLOT_STATES(X)
#undef X
        MAP_SLOT_STATES
};

struct map_place {
    enum map_place_kind kind;
    bool is_inner;   /* not of the map itself, but of one that it holds */
    bool has_table;  /* it is a table or a table's group: */
    uint64_t table;  /* in the order of the directory, each once */
    uint64_t number; /* in its table or array, or among the spare buckets; of a SINGLE: the one its chain begins at, */
    enum map_place_kind origin; /* which is a bucket, an old one or a spare one, */
    uint64_t chain;             /* and how far down the chain: 1 for the next */
    uintptr_t start;            /* of the bucket, group, table or word */
    /* Of buckets and groups: */
    enum map_slot_part part;
    bool has_slot; /* KEY, ELEMENT and CONTROL */
    unsigned slot;
    enum map_slot_state state;
};

#endif
