/* SPDX-License-Identifier: Apache-2.0
 *
 * Making Go values up. Written from the Go sources named here, not from what the shim reads.
 */
#include "tests/unit/support/fake_go.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    /* internal/abi/type.go:Type */
    SIZE_AT = 0,
    POINTERS_AT = 8,
    FLAGS_AT = 20,
    ALIGN_AT = 21,
    KIND_AT = 23,
    TYPE_BYTES = 48,
    TYPE_ROOM_BYTES = 160,
    FIELD_BYTES = 24,
    FIELDS_MAX = 16,
    DIRECT = 1 << 5, /* KindDirectIface up to go1.25, TFlagDirectIface then */
    INDIRECT_FROM_BYTES = 129,
    EMPTY = 0x80,
    SMALL_BYTES_MAX = 32768,
};

static void must(bool claim)
{
    if (!claim)
        abort();
}

static bool is_swiss(const struct fake_go *go)
{
    return go->heap.layout->hmap_bytes == 0;
}

void fake_go_open(struct fake_go *go, const struct go_layout *layout)
{
    if (go->pages == NULL) {
        go->pages =
            mmap(NULL, FAKE_PAGES_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        must(go->pages != MAP_FAILED);
    }
    madvise(go->pages, FAKE_PAGES_BYTES, MADV_DONTNEED);
    memset(go->types, 0, sizeof go->types);
    memset(go->current, 0, sizeof go->current);
    go->types_used = go->pages_used = 0;
    fake_heap_open(&go->heap, layout, FAKE_TABLES);
    fake_heap_add_arena(&go->heap, FAKE_ARENAS, false);
    fake_heap_add_arena(&go->heap, FAKE_ARENAS + GO_ARENA_BYTES, false);
    fake_memory_add(&go->heap.memory, FAKE_TYPES, go->types, sizeof go->types);
    fake_memory_add(&go->heap.memory, FAKE_ARENAS, go->pages, FAKE_PAGES_BYTES);
    go->found = fake_heap_described(&go->heap);
}

void fake_go_close(struct fake_go *go)
{
    if (go->pages != NULL)
        munmap(go->pages, FAKE_PAGES_BYTES);
    go->pages = NULL;
    fake_heap_close(&go->heap);
}

uint8_t *fake_go_at(struct fake_go *go, uintptr_t address)
{
    if (address - FAKE_TYPES < FAKE_TYPES_BYTES)
        return go->types + (address - FAKE_TYPES);
    must(address - FAKE_ARENAS < FAKE_PAGES_BYTES);
    return go->pages + (address - FAKE_ARENAS);
}

void fake_go_put(struct fake_go *go, uintptr_t address, uint64_t word)
{
    memcpy(fake_go_at(go, address), &word, sizeof word);
}

uint64_t fake_go_get(struct fake_go *go, uintptr_t address)
{
    uint64_t word;
    memcpy(&word, fake_go_at(go, address), sizeof word);
    return word;
}

void fake_go_put_field(struct fake_go *go, uintptr_t address, struct layout_field field, uint64_t value)
{
    memcpy(fake_go_at(go, address + field.offset_bytes), &value, field.bytes);
}

static uint64_t get_field(struct fake_go *go, uintptr_t address, struct layout_field field)
{
    uint64_t value = 0;
    memcpy(&value, fake_go_at(go, address + field.offset_bytes), field.bytes);
    return value;
}

/* ---- objects ---- */

static unsigned class_of(uint64_t bytes)
{
    unsigned best = FAKE_CLASSES;
    for (unsigned i = 0; i < FAKE_CLASSES; i++) {
        if (FAKE_CLASS[i].slot_bytes >= bytes &&
            (best == FAKE_CLASSES || FAKE_CLASS[i].slot_bytes < FAKE_CLASS[best].slot_bytes))
            best = i;
    }
    return best;
}

uint64_t fake_object_slot_bytes(uint64_t bytes)
{
    return bytes > SMALL_BYTES_MAX ? align_up(bytes, GO_PAGE_BYTES) : FAKE_CLASS[class_of(bytes)].slot_bytes;
}

static uintptr_t take_pages(struct fake_go *go, uint64_t pages)
{
    uintptr_t start = FAKE_ARENAS + go->pages_used;
    go->pages_used += pages * GO_PAGE_BYTES;
    must(go->pages_used <= FAKE_PAGES_BYTES);
    return start;
}

uintptr_t fake_object(struct fake_go *go, uint64_t bytes)
{
    if (bytes > SMALL_BYTES_MAX) {
        uint64_t pages = align_up(bytes, GO_PAGE_BYTES) / GO_PAGE_BYTES;
        uintptr_t start = take_pages(go, pages);
        fake_heap_add_large(&go->heap, start, pages);
        return start;
    }
    unsigned i = class_of(bytes);
    if (go->current[i].span == NULL || go->current[i].used == go->current[i].span->slots) {
        go->current[i].span =
            fake_heap_add_span(&go->heap, take_pages(go, FAKE_CLASS[i].pages), &FAKE_CLASS[i], true, FAKE_SWEPT);
        go->current[i].used = 0;
    }
    fake_span_set(&go->heap, go->current[i].span, go->current[i].used, true);
    return go->current[i].span->start + go->current[i].used++ * FAKE_CLASS[i].slot_bytes;
}

/* ---- types ---- */

static uintptr_t take_type_bytes(struct fake_go *go, uint64_t bytes)
{
    uintptr_t address = FAKE_TYPES + go->types_used;
    go->types_used += align_up(bytes, 8);
    must(go->types_used <= FAKE_TYPES_BYTES);
    return address;
}

static uintptr_t add_type(struct fake_go *go, uint8_t kind, uint64_t bytes, uint64_t pointers_bytes, bool is_direct)
{
    uintptr_t type = take_type_bytes(go, TYPE_ROOM_BYTES);
    bool is_in_flags = go->heap.layout->go_minor >= 26;
    fake_go_put(go, type + SIZE_AT, bytes);
    fake_go_put(go, type + POINTERS_AT, pointers_bytes);
    *fake_go_at(go, type + ALIGN_AT) = (uint8_t)(bytes % 8 == 0 && bytes != 0 && kind != GO_KIND_ARRAY ? 8 : 1);
    *fake_go_at(go, type + KIND_AT) = (uint8_t)(kind | (is_direct && !is_in_flags ? DIRECT : 0));
    *fake_go_at(go, type + FLAGS_AT) = is_direct && is_in_flags ? DIRECT : 0;
    return type;
}

static uint64_t size_of(struct fake_go *go, uintptr_t type)
{
    return fake_go_get(go, type + SIZE_AT);
}

static uint64_t pointers_of(struct fake_go *go, uintptr_t type)
{
    return fake_go_get(go, type + POINTERS_AT);
}

static bool is_direct(struct fake_go *go, uintptr_t type)
{
    return ((*fake_go_at(go, type + KIND_AT) | *fake_go_at(go, type + FLAGS_AT)) & DIRECT) != 0;
}

uintptr_t fake_type_plain(struct fake_go *go, uint8_t kind, uint64_t bytes)
{
    return add_type(go, kind, bytes, 0, false);
}

uintptr_t fake_type_string(struct fake_go *go)
{
    return add_type(go, GO_KIND_STRING, 16, 8, false);
}

uintptr_t fake_type_opaque(struct fake_go *go, enum go_kind kind)
{
    return add_type(go, (uint8_t)kind, 8, 8, true);
}

uintptr_t fake_type_of(struct fake_go *go, enum go_kind kind, uintptr_t element)
{
    uintptr_t type = add_type(go, (uint8_t)kind, kind == GO_KIND_SLICE ? 24 : 8, 8, kind != GO_KIND_SLICE);
    fake_go_put(go, type + TYPE_BYTES, element);
    return type;
}

/* ArrayType{Type; Elem, Slice *Type; Len uintptr} */
uintptr_t fake_type_array(struct fake_go *go, uintptr_t element, uint64_t length)
{
    uint64_t bytes = size_of(go, element), pointers = length == 0 ? 0 : pointers_of(go, element);
    uintptr_t type = add_type(go, GO_KIND_ARRAY, length * bytes, pointers == 0 ? 0 : (length - 1) * bytes + pointers,
                              length == 1 && is_direct(go, element));
    *fake_go_at(go, type + ALIGN_AT) = *fake_go_at(go, element + ALIGN_AT);
    fake_go_put(go, type + TYPE_BYTES, element);
    fake_go_put(go, type + TYPE_BYTES + 16, length);
    return type;
}

/* InterfaceType{Type; PkgPath Name; Methods []Imethod} */
uintptr_t fake_type_interface(struct fake_go *go, uint64_t methods)
{
    uintptr_t type = add_type(go, GO_KIND_INTERFACE, 16, 16, false);
    fake_go_put(go, type + TYPE_BYTES + 16, methods);
    fake_go_put(go, type + TYPE_BYTES + 24, methods);
    return type;
}

/* StructType{Type; PkgPath Name; Fields []StructField{Name; Typ *Type; Offset uintptr}}; runtime/type.go:structfield
 * has offsetAnon up to go1.18, twice the offset. */
uintptr_t fake_type_struct(struct fake_go *go, uint64_t bytes, const struct fake_field *fields, uint64_t count)
{
    uint64_t pointers = 0;
    must(count <= FIELDS_MAX);
    for (uint64_t i = 0; i < count; i++) {
        if (pointers_of(go, fields[i].type) != 0)
            pointers = fields[i].offset_bytes + pointers_of(go, fields[i].type);
    }
    uintptr_t type = add_type(go, GO_KIND_STRUCT, bytes, pointers, count == 1 && is_direct(go, fields[0].type));
    uintptr_t array = take_type_bytes(go, count * FIELD_BYTES);
    bool is_doubled = go->heap.layout->go_minor <= 18;
    for (uint64_t i = 0; i < count; i++) {
        fake_go_put(go, array + i * FIELD_BYTES + 8, fields[i].type);
        fake_go_put(go, array + i * FIELD_BYTES + 16,
                    is_doubled ? fields[i].offset_bytes << 1 | (i & 1) : fields[i].offset_bytes);
    }
    fake_go_put(go, type + TYPE_BYTES + 8, array);
    fake_go_put(go, type + TYPE_BYTES + 16, count);
    fake_go_put(go, type + TYPE_BYTES + 24, count);
    return type;
}

/* ---- the types of maps ---- */

static uint64_t align_of(struct fake_go *go, uintptr_t type)
{
    return *fake_go_at(go, type + ALIGN_AT);
}

/* cmd/compile/internal/reflectdata/map.go: MapBucketType up to go1.23, MapGroupType from go1.24 on; from go1.27 on keys
 * and elements lie apart where that is smaller. */
static uintptr_t bucket_type(struct fake_go *go, uintptr_t key, uintptr_t element, struct fake_slots *slots)
{
    uint64_t key_bytes = size_of(go, key), element_bytes = size_of(go, element);
    uintptr_t control = fake_type_array(go, fake_type_plain(go, GO_KIND_UINT8, 1), 8);
    uint64_t align = align_of(go, key) > align_of(go, element) ? align_of(go, key) : align_of(go, element);
    uint64_t element_in_slot = align_up(key_bytes, align_of(go, element));
    uint64_t slot_bytes = align_up(element_in_slot + element_bytes, align);
    bool is_split = is_swiss(go) && go->heap.layout->go_minor >= 27 && slot_bytes > key_bytes + element_bytes;
    slots->keys_at = 8;
    if (is_swiss(go) && !is_split) {
        const struct fake_field fields[] = {{key, 0}, {element, element_in_slot}};
        uintptr_t slot = fake_type_struct(go, slot_bytes, fields, 2), all = fake_type_array(go, slot, FAKE_SLOTS);
        const struct fake_field group[] = {{control, 0}, {all, 8}};
        slots->key_stride = slots->element_stride = slot_bytes;
        slots->elements_at = 8 + element_in_slot;
        slots->bucket_bytes = 8 + FAKE_SLOTS * slot_bytes;
        return fake_type_struct(go, slots->bucket_bytes, group, 2);
    }
    uintptr_t keys = fake_type_array(go, key, FAKE_SLOTS), elements = fake_type_array(go, element, FAKE_SLOTS);
    bool has_pointers = pointers_of(go, keys) != 0 || pointers_of(go, elements) != 0;
    slots->key_stride = key_bytes;
    slots->element_stride = element_bytes;
    slots->elements_at = 8 + FAKE_SLOTS * key_bytes;
    uint64_t end = align_up(slots->elements_at + FAKE_SLOTS * element_bytes, 8);
    const struct fake_field fields[] = {
        {control, 0},
        {keys, 8},
        {elements, slots->elements_at},
        {has_pointers ? fake_type_opaque(go, GO_KIND_UNSAFE_POINTER) : fake_type_plain(go, GO_KIND_INT64, 8), end}};
    slots->bucket_bytes = is_split ? end : end + 8;
    return fake_type_struct(go, slots->bucket_bytes, fields, is_split ? 3 : 4);
}

uintptr_t fake_type_map(struct fake_go *go, uintptr_t key, uintptr_t element)
{
    const struct go_layout *layout = go->heap.layout;
    struct fake_slots slots;
    uintptr_t type = add_type(go, GO_KIND_MAP, 8, 8, true);
    uint64_t flags = 0;
    fake_go_put_field(go, type, layout->maptype_key, key);
    fake_go_put_field(go, type, layout->maptype_element, element);
    if (size_of(go, key) >= INDIRECT_FROM_BYTES) {
        key = fake_type_of(go, GO_KIND_POINTER, key);
        flags |= is_swiss(go) ? 4 : 1; /* abi/map.go:MapIndirectKey, runtime/type.go:indirectkey */
    }
    if (size_of(go, element) >= INDIRECT_FROM_BYTES) {
        element = fake_type_of(go, GO_KIND_POINTER, element);
        flags |= is_swiss(go) ? 8 : 2;
    }
    fake_go_put_field(go, type, layout->maptype_bucket, bucket_type(go, key, element, &slots));
    fake_go_put_field(go, type, layout->maptype_bucket_bytes, slots.bucket_bytes);
    fake_go_put_field(go, type, layout->maptype_flags, flags);
    fake_go_put_field(go, type, layout->maptype_key_slot_bytes, slots.key_stride);
    fake_go_put_field(go, type, layout->maptype_element_slot_bytes, slots.element_stride);
    fake_go_put_field(go, type, layout->maptype_stride, slots.key_stride);
    fake_go_put_field(go, type, layout->maptype_element_offset, slots.elements_at - 8);
    fake_go_put_field(go, type, layout->maptype_keys_offset, slots.keys_at);
    fake_go_put_field(go, type, layout->maptype_key_stride, slots.key_stride);
    fake_go_put_field(go, type, layout->maptype_elements_offset, slots.elements_at);
    fake_go_put_field(go, type, layout->maptype_element_stride, slots.element_stride);
    return type;
}

struct fake_slots fake_slots_of(struct fake_go *go, uintptr_t type)
{
    const struct go_layout *layout = go->heap.layout;
    struct fake_slots slots = {.bucket_bytes = get_field(go, type, layout->maptype_bucket_bytes), .keys_at = 8};
    if (!is_swiss(go)) {
        slots.key_stride = get_field(go, type, layout->maptype_key_slot_bytes);
        slots.element_stride = get_field(go, type, layout->maptype_element_slot_bytes);
        slots.elements_at = 8 + FAKE_SLOTS * slots.key_stride;
    } else if (layout->go_minor < 27) {
        slots.key_stride = slots.element_stride = get_field(go, type, layout->maptype_stride);
        slots.elements_at = 8 + get_field(go, type, layout->maptype_element_offset);
    } else {
        slots.key_stride = get_field(go, type, layout->maptype_key_stride);
        slots.element_stride = get_field(go, type, layout->maptype_element_stride);
        slots.elements_at = get_field(go, type, layout->maptype_elements_offset);
    }
    return slots;
}

/* ---- maps ---- */

uintptr_t fake_slot_fill(struct fake_go *go, uintptr_t type, uintptr_t bucket, unsigned slot, uintptr_t *element)
{
    struct fake_slots slots = fake_slots_of(go, type);
    *fake_go_at(go, bucket + slot) = is_swiss(go) ? 0x11 : 0x55; /* a piece of the hash */
    *element = bucket + slots.elements_at + slot * slots.element_stride;
    return bucket + slots.keys_at + slot * slots.key_stride;
}

uintptr_t fake_map(struct fake_go *go, uint64_t count)
{
    const struct go_layout *layout = go->heap.layout;
    uintptr_t map = fake_object(go, is_swiss(go) ? layout->swiss_bytes : layout->hmap_bytes);
    fake_go_put_field(go, map, is_swiss(go) ? layout->swiss_used : layout->hmap_count, count);
    return map;
}

uintptr_t fake_map_add_buckets(struct fake_go *go, uintptr_t map, uintptr_t type, unsigned log2, uint64_t spare)
{
    const struct go_layout *layout = go->heap.layout;
    uintptr_t array = fake_object(go, ((1ull << log2) + spare) * fake_slots_of(go, type).bucket_bytes);
    fake_go_put_field(go, map, layout->hmap_log2_buckets, log2);
    fake_go_put_field(go, map, layout->hmap_buckets, array);
    return array;
}

void fake_bucket_chain(struct fake_go *go, uintptr_t type, uintptr_t bucket, uintptr_t next)
{
    fake_go_put(go, bucket + fake_slots_of(go, type).bucket_bytes - 8, next);
}

uintptr_t fake_map_extra(struct fake_go *go, uintptr_t map)
{
    const struct go_layout *layout = go->heap.layout;
    uintptr_t extra = get_field(go, map, layout->hmap_extra);
    if (extra == 0)
        extra = fake_object(go, layout->mapextra_bytes);
    fake_go_put_field(go, map, layout->hmap_extra, extra);
    return extra;
}

uintptr_t fake_groups(struct fake_go *go, uintptr_t type, uint64_t count)
{
    uint64_t bytes = fake_slots_of(go, type).bucket_bytes;
    uintptr_t groups = fake_object(go, count * bytes);
    for (uint64_t i = 0; i < count; i++)
        memset(fake_go_at(go, groups + i * bytes), EMPTY, FAKE_SLOTS);
    return groups;
}

uintptr_t fake_table(struct fake_go *go, uintptr_t type, uint64_t slots, uintptr_t *groups)
{
    const struct go_layout *layout = go->heap.layout;
    uintptr_t table = fake_object(go, layout->swiss_table_bytes);
    *groups = fake_groups(go, type, slots / FAKE_SLOTS);
    fake_go_put_field(go, table, layout->table_capacity, slots);
    fake_go_put_field(go, table, layout->table_growth_left, slots / 8 * 7);
    fake_go_put_field(go, table, layout->table_groups, *groups);
    fake_go_put_field(go, table, layout->table_groups_mask, slots / FAKE_SLOTS - 1);
    return table;
}

void fake_map_set_directory(struct fake_go *go, uintptr_t map, const uintptr_t *tables, unsigned depth)
{
    const struct go_layout *layout = go->heap.layout;
    uintptr_t directory = fake_object(go, sizeof tables[0] << depth);
    memcpy(fake_go_at(go, directory), tables, sizeof tables[0] << depth);
    fake_go_put_field(go, map, layout->swiss_directory, directory);
    fake_go_put_field(go, map, layout->swiss_directory_slots, 1ull << depth);
    fake_go_put_field(go, map, layout->swiss_depth, depth);
}

void fake_map_set_group(struct fake_go *go, uintptr_t map, uintptr_t group)
{
    fake_go_put_field(go, map, go->heap.layout->swiss_directory, group);
}
