/* SPDX-License-Identifier: Apache-2.0
 *
 * Go values, made up, in the layout of any version: type descriptors in the program's image, objects in the pages of a
 * fake heap (fake_heap.h), and maps of both designs.
 *
 *   FAKE_TYPES    descriptors
 *   FAKE_ARENAS   two arenas; the first FAKE_PAGES_BYTES of the first one have bytes in them, objects are taken from
 *                 there
 *
 * Serves the unit tests and the fuzz targets.
 */
#ifndef GPW_TESTS_FAKE_GO_H
#define GPW_TESTS_FAKE_GO_H

#include "goruntime/go_type.h"
#include "tests/unit/support/fake_heap.h"

#define FAKE_TYPES 0x700000ull /* the image of the walk */

enum {
    FAKE_TYPES_BYTES = 64 << 10,
    FAKE_PAGES_BYTES = 16 << 20,
    FAKE_SLOTS = 8, /* of a bucket or group */
    GO_KIND_UINT8 = 8,
    GO_KIND_INT64 = 6,
};

struct fake_go {
    struct fake_heap heap;
    struct go_heap found;
    uint8_t types[FAKE_TYPES_BYTES], *pages;
    uint64_t types_used, pages_used;
    struct {
        struct fake_span *span;
        uint64_t used; /* slots */
    } current[FAKE_CLASSES];
};

/* The memory is kept for the next. */
void fake_go_open(struct fake_go *go, const struct go_layout *layout);
void fake_go_close(struct fake_go *go);

/* What lies at `address`: of a descriptor or of an object. */
uint8_t *fake_go_at(struct fake_go *go, uintptr_t address);
void fake_go_put(struct fake_go *go, uintptr_t address, uint64_t word);
uint64_t fake_go_get(struct fake_go *go, uintptr_t address);

/* ---- objects: zeroed, each in a slot of FAKE_CLASS, or a large one ---- */

uintptr_t fake_object(struct fake_go *go, uint64_t bytes);
/* Of a version with tables of `bytes` bytes each the slot that holds so many. */
uint64_t fake_object_slot_bytes(uint64_t bytes);

/* ---- types (internal/abi/type.go) ---- */

struct fake_field {
    uintptr_t type;
    uint64_t offset_bytes;
};

/* Without pointers. */
uintptr_t fake_type_plain(struct fake_go *go, uint8_t kind, uint64_t bytes);
uintptr_t fake_type_string(struct fake_go *go);
uintptr_t fake_type_opaque(struct fake_go *go, enum go_kind kind); /* func, unsafe.Pointer */
/* Pointers, slices, channels: of `element`. */
uintptr_t fake_type_of(struct fake_go *go, enum go_kind kind, uintptr_t element);
uintptr_t fake_type_array(struct fake_go *go, uintptr_t element, uint64_t length);
uintptr_t fake_type_interface(struct fake_go *go, uint64_t methods);
/* At most 16 fields. */
uintptr_t fake_type_struct(struct fake_go *go, uint64_t bytes, const struct fake_field *fields, uint64_t count);
/* Keys and elements of more than 128 bytes are pointers to them. */
uintptr_t fake_type_map(struct fake_go *go, uintptr_t key, uintptr_t element);

/* ---- maps ---- */

/* Where things lie in the buckets or groups of a map's type. */
struct fake_slots {
    uint64_t bucket_bytes, keys_at, key_stride, elements_at, element_stride;
};

struct fake_slots fake_slots_of(struct fake_go *go, uintptr_t type);
/* Makes the slot full; where its key and its element are to be written. */
uintptr_t fake_slot_fill(struct fake_go *go, uintptr_t type, uintptr_t bucket, unsigned slot, uintptr_t *element);

/* An hmap, or a Map: with `count` entries by its own counter, and nothing in it. */
uintptr_t fake_map(struct fake_go *go, uint64_t count);
/* An array of 2^log2 buckets, with `spare` ones behind them; it becomes the map's. */
uintptr_t fake_map_add_buckets(struct fake_go *go, uintptr_t map, uintptr_t type, unsigned log2, uint64_t spare);
/* Sets the overflow pointer of a bucket. */
void fake_bucket_chain(struct fake_go *go, uintptr_t type, uintptr_t bucket, uintptr_t next);
/* The mapextra, made when it is not there. */
uintptr_t fake_map_extra(struct fake_go *go, uintptr_t map);

/* Groups whose slots are all empty. */
uintptr_t fake_groups(struct fake_go *go, uintptr_t type, uint64_t count);
/* A table of so many slots, none used; `groups` is where they lie. */
uintptr_t fake_table(struct fake_go *go, uintptr_t type, uint64_t slots, uintptr_t *groups);
/* The map's directory of 2^depth tables. */
void fake_map_set_directory(struct fake_go *go, uintptr_t map, const uintptr_t *tables, unsigned depth);
/* The map's only group. */
void fake_map_set_group(struct fake_go *go, uintptr_t map, uintptr_t group);

/* The value of a field of a map's structs. */
void fake_go_put_field(struct fake_go *go, uintptr_t address, struct layout_field field, uint64_t value);

#endif
