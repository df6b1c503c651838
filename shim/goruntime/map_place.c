/* SPDX-License-Identifier: Apache-2.0
 *
 * From an offset in a bucket or group to its slots. Keys and elements lie in one of three ways
 * (map_walk.c:place_slots):
 *
 *   control[8] key[8] element[8] overflow     up to go1.23
 *   control[8] {key element}[8]               go1.24 to go1.26, and 1.27
 *   control[8] key[8] element[8]              go1.27, where that saves padding
 */
#include <string.h>

#include "goruntime/map_walk_inside.h"

/* Is `offset` in the values of `bytes` bytes that lie `stride` apart from `at` on? Then `slot` is whose. */
static bool is_in_values(uint64_t offset, uint32_t at, uint32_t stride, uint64_t bytes, unsigned *slot)
{
    if (offset < at || stride == 0 || (offset - at) / stride >= MAP_SLOTS || (offset - at) % stride >= bytes)
        return false;
    *slot = (unsigned)((offset - at) / stride);
    return true;
}

static enum map_slot_part part_at(const struct map_visit *visit, uint64_t offset, unsigned *slot)
{
    const struct map_type *type = &visit->type;
    *slot = (unsigned)offset;
    if (offset < MAP_CONTROL_BYTES)
        return MAP_SLOT_CONTROL;
    if (is_in_values(offset, type->keys_at, type->key_stride, type->key_slot_bytes, slot))
        return MAP_SLOT_KEY;
    if (is_in_values(offset, type->elements_at, type->element_stride, type->element_slot_bytes, slot))
        return MAP_SLOT_ELEMENT;
    if (visit->shape.design == MAP_DESIGN_BUCKETS && offset >= type->bucket_bytes - sizeof(uintptr_t))
        return MAP_SLOT_OVERFLOW;
    return MAP_SLOT_GAP;
}

static enum map_slot_state state_of(enum map_design design, const uint8_t *bucket, unsigned slot)
{
    uint8_t control = bucket[slot];
    if (design == MAP_DESIGN_SWISS)
        return (control & MAP_CONTROL_NOT_FULL_BIT) == 0 ? MAP_SLOT_FULL
               : control == MAP_CONTROL_DELETED          ? MAP_SLOT_TOMBSTONE
                                                         : MAP_SLOT_EMPTY;
    if (map_is_evacuated(bucket))
        return MAP_SLOT_EVACUATED;
    return control >= MAP_TOPHASH_MIN ? MAP_SLOT_FULL : MAP_SLOT_EMPTY;
}

void map_note_slot(struct map_visit *visit, const struct map_place *first, uintptr_t address, const uint8_t *bytes)
{
    struct map_place *place = &visit->walk->place;
    uint32_t bucket_bytes = visit->type.bucket_bytes;
    uint64_t offset = visit->walk->objects.watched - address, index = offset / bucket_bytes;
    if (place->kind != MAP_PLACE_NONE)
        return;
    *place = *first;
    place->is_inner = visit->is_inner;
    place->number += first->chain == 0 ? index : 0;
    place->start = address + index * bucket_bytes;
    place->part = part_at(visit, offset % bucket_bytes, &place->slot);
    place->has_slot = place->part != MAP_SLOT_OVERFLOW && place->part != MAP_SLOT_GAP;
    if (place->has_slot)
        place->state = state_of(visit->shape.design, bytes + index * bucket_bytes, place->slot);
}

void map_note_structs(struct map_visit *visit, const struct map_place *first, uintptr_t address, uint64_t count,
                      uint64_t struct_bytes)
{
    struct map_place *place = &visit->walk->place;
    uintptr_t watched = visit->walk->objects.watched;
    if (watched - address >= count * struct_bytes || place->kind != MAP_PLACE_NONE)
        return;
    *place = *first;
    place->is_inner = visit->is_inner;
    place->number += (watched - address) / struct_bytes;
    place->start = address + (watched - address) / struct_bytes * struct_bytes;
}
