/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a Go map whose memory is damaged. The input chooses a version, a type and what is in the map, then
 * changes words of descriptors, of objects and of the heap's books, before the walk and while it goes on. Whatever they
 * are: the walk ends after as much as there was to read, what it counts fits into the heap, and the next walk by the
 * same struct is as bounded.
 *
 * Sources:
 * shim/goruntime/{go_type,object_set,map_walk,map_buckets,map_swiss,map_values,map_boxes,map_place,map_estimate}.c
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "goruntime/map_estimate.h"
#include "goruntime/map_walk.h"
#include "tests/unit/support/fake_go.h"

enum {
    READS_MAX = 600000, /* of a walk */
    ENTRIES_MAX = 400,
    MOVING_MAX = 64,
    RUNS = 2,
    TYPES_MAX = 10,
    OBJECTS_MAX = 64,
    /* The tables begin with the arena map, of which hardly anything is used: changes go behind it. */
    TABLES_SKIPPED_BYTES = 32 << 20,
    DEEP_BYTES = 1 << 30,
};

static struct fake_go go;
static struct map_walk walk;
static struct input input;
static uintptr_t types[TYPES_MAX], objects[OBJECTS_MAX];
static unsigned types_count, objects_count;
static uint32_t moving;

static bool is_swiss(void)
{
    return go.heap.layout->hmap_bytes == 0;
}

/* ---- what is in the map ---- */

static uintptr_t choose_type(void)
{
    return types[input_take(&input, 1) % types_count];
}

static uintptr_t add_type(uintptr_t type)
{
    if (types_count < TYPES_MAX)
        types[types_count++] = type;
    return type;
}

static void make_types(void)
{
    uint64_t count = 3 + input_take(&input, 1) % (TYPES_MAX - 3);
    types_count = 0;
    add_type(fake_type_string(&go));
    add_type(fake_type_interface(&go, 0));
    add_type(fake_type_plain(&go, GO_KIND_INT64, 8));
    while (types_count < count) {
        static const enum go_kind OF[] = {GO_KIND_POINTER, GO_KIND_SLICE, GO_KIND_CHAN};
        uint64_t kind = input_take(&input, 1) % 6;
        uintptr_t of = choose_type(), other = choose_type();
        if (kind < 3)
            add_type(fake_type_of(&go, OF[kind], of));
        else if (kind == 3)
            add_type(fake_type_array(&go, of, 1 + input_take(&input, 1) % 12));
        else if (kind == 4)
            add_type(fake_type_map(&go, of, other));
        else
            add_type(fake_type_struct(&go, fake_go_get(&go, of) + fake_go_get(&go, other),
                                      (struct fake_field[]){{of, 0}, {other, fake_go_get(&go, of)}}, 2));
    }
}

static void make_objects(void)
{
    for (objects_count = 0; objects_count < OBJECTS_MAX; objects_count++) {
        uint64_t bytes = 8ull << objects_count % 12;
        objects[objects_count] = fake_object(&go, objects_count % 16 == 15 ? 40000 : bytes);
    }
}

/* Small numbers, objects, types, anything. */
static uint64_t choose_value(void)
{
    uint64_t kind = input_take(&input, 1), value;
    switch (kind % 8) {
    case 0:
    case 1:
        return input_take(&input, 1);
    case 2:
        return choose_type();
    case 3:
        return FAKE_ARENAS + input_take(&input, 3);
    case 4:
        value = input_take(&input, 8);
        return value;
    default:
        value = input_take(&input, 1);
        return objects[value % OBJECTS_MAX] + (kind >= 128 ? value / OBJECTS_MAX * 8 : 0);
    }
}

static void fill_words(uintptr_t at, uint64_t bytes)
{
    for (uint64_t i = 0; i + 8 <= bytes && input.left > 0; i += 8)
        fake_go_put(&go, at + i, choose_value());
}

static void fill_bucket(uintptr_t type, uintptr_t bucket)
{
    struct fake_slots slots = fake_slots_of(&go, type);
    unsigned full = (unsigned)input_take(&input, 1);
    for (unsigned slot = 0; slot < FAKE_SLOTS; slot++) {
        uintptr_t element;
        if ((full >> slot & 1) == 0)
            continue;
        uintptr_t key = fake_slot_fill(&go, type, bucket, slot, &element);
        fill_words(key, min_u64(slots.key_stride, 32));
        fill_words(element, min_u64(slots.element_stride, 32));
    }
}

static void make_buckets(uintptr_t map, uintptr_t type)
{
    uint64_t bytes = fake_slots_of(&go, type).bucket_bytes, choice = input_take(&input, 1);
    unsigned log2 = choice % 7;
    uint64_t spare = log2 >= 4 ? 1ull << (log2 - 4) : choice / 8 % 4;
    uintptr_t old = (choice & 0x80) != 0 ? fake_map_add_buckets(&go, map, type, log2 == 0 ? 0 : log2 - 1, 0) : 0;
    uintptr_t array = fake_map_add_buckets(&go, map, type, log2, spare);
    fake_go_put_field(&go, map, go.heap.layout->hmap_old_buckets, old);
    fake_go_put_field(&go, map, go.heap.layout->hmap_flags, input_take(&input, 1));
    if (spare > 0)
        fake_go_put_field(&go, fake_map_extra(&go, map), go.heap.layout->mapextra_next_overflow,
                          array + ((1ull << log2) + input_take(&input, 1) % (spare + 1)) * bytes);
    for (uint64_t i = 0; i < (1ull << log2) + spare && input.left > 0; i++) {
        fill_bucket(type, array + i * bytes);
        if (input_take(&input, 1) % 4 == 0)
            fake_bucket_chain(&go, type, array + i * bytes,
                              input_take(&input, 1) % 2 == 0 ? array + input_take(&input, 1) % 64 * bytes
                                                             : objects[input_take(&input, 1) % OBJECTS_MAX]);
    }
}

static void make_tables(uintptr_t map, uintptr_t type)
{
    enum { TABLES = 8 };
    uintptr_t tables[TABLES];
    uint64_t bytes = fake_slots_of(&go, type).bucket_bytes;
    unsigned depth = input_take(&input, 1) % 4;
    for (unsigned i = 0; i < 1u << depth; i++) {
        uintptr_t groups;
        uint64_t slots = 8ull << input_take(&input, 1) % 4;
        if (i > 0 && input_take(&input, 1) % 4 == 0) {
            tables[i] = tables[i - 1];
            continue;
        }
        tables[i] = fake_table(&go, type, slots, &groups);
        for (uint64_t group = 0; group < slots / 8 && input.left > 0; group++)
            fill_bucket(type, groups + group * bytes);
    }
    fake_map_set_directory(&go, map, tables, depth);
}

static uintptr_t make_map(uintptr_t type)
{
    uintptr_t map = fake_map(&go, input_take(&input, 1));
    if (!is_swiss()) {
        make_buckets(map, type);
    } else if (input_take(&input, 1) % 2 == 0) {
        uintptr_t group = fake_groups(&go, type, 1);
        fill_bucket(type, group);
        fake_map_set_group(&go, map, group);
    } else {
        make_tables(map, type);
    }
    return map;
}

/* ---- damage ---- */

static void change(void)
{
    unsigned bytes = 1u << input_take(&input, 1) % 4;
    uint64_t choice = input_take(&input, 1), offset = input_take(&input, 3), value = choose_value();
    if (choice % 4 == 0)
        memcpy(go.types + offset % (min_u64(go.types_used + 8, FAKE_TYPES_BYTES) - 8), &value, bytes);
    else if (choice % 4 == 1 && go.heap.used_bytes > TABLES_SKIPPED_BYTES + 8)
        fake_heap_put(&go.heap,
                      FAKE_TABLES + TABLES_SKIPPED_BYTES + offset % (go.heap.used_bytes - TABLES_SKIPPED_BYTES - 8),
                      value, bytes);
    else if (choice % 16 == 2)
        fake_heap_put(&go.heap, go.heap.spans[offset % go.heap.spans_count].mspan + (offset >> 12) % 240, value, bytes);
    else
        memcpy(go.pages + offset % (go.pages_used - 8), &value, bytes);
}

static void change_while_it_is_read(struct fake_heap *heap, uintptr_t address, uint64_t bytes)
{
    (void)address;
    (void)bytes;
    MUST(heap->reads < READS_MAX);
    if (input.left == 0 || moving == MOVING_MAX || heap->reads % 5 != 0)
        return;
    moving++;
    change();
}

/* ---- what must hold ---- */

static void check(void)
{
    uint64_t marked = 0, objects_sum = 0, at_entries;
    for (uint32_t i = 0; i < walk.objects.arenas_count; i++) {
        const struct object_arena *arena = walk.objects.arenas[i];
        for (uint32_t page = arena->first_page; page != 0; page = arena->spans[page - 1].next_page) {
            const struct object_span *span = &arena->spans[page - 1];
            MUST(span->bytes != 0 && span->marked <= span->slots);
            MUST(span->slots * span->slot_bytes <= span->bytes && span->slots <= MSPAN_SLOTS_MAX);
            marked += span->marked;
        }
    }
    for (int part = 0; part < MAP_PARTS; part++) {
        objects_sum += walk.objects.parts[part].objects;
        MUST(walk.objects.parts[part].allocated_bytes <= walk.objects.spans_bytes);
    }
    MUST(marked == objects_sum);
    MUST(walk.shape.entries <= walk.spent_bytes);
    map_estimate_remade(&walk.shape, walk.shape.entries, go.heap.layout);
    map_estimate_grown(&walk.shape, walk.objects.parts[MAP_PART_BUCKETS].allocated_bytes, go.heap.layout, &at_entries);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct bump bump;
    const char *why;
    input = (struct input){data, bytes};
    moving = 0;
    fake_go_open(&go, &GO_LAYOUTS[input_take(&input, 1) % GO_LAYOUTS_COUNT]);
    uint64_t choice = input_take(&input, 1);
    make_types();
    make_objects();
    uintptr_t type = fake_type_map(&go, choose_type(), choose_type()), map = make_map(type);
    for (unsigned i = 0; i < OBJECTS_MAX && input.left > 0; i++)
        fill_words(objects[i], 8 * (input_take(&input, 1) % 8));
    /* Maps that maps hold, and themselves. */
    for (unsigned i = 0; i < types_count && input.left > 0; i++) {
        if ((*fake_go_at(&go, types[i] + 23) & 31) == GO_KIND_MAP)
            fake_go_put(&go, objects[input_take(&input, 1) % OBJECTS_MAX], make_map(types[i]));
    }
    MUST(bump_open(&bump, DEEP_BYTES) == 0);
    if (!map_walk_open(&walk, &go.found, FAKE_TYPES, FAKE_TYPES + FAKE_TYPES_BYTES, &bump, &why))
        abort();
    for (uint64_t count = input_take(&input, 1) % 32; count > 0 && input.left > 0; count--)
        change();
    walk.objects.watched = (choice & 1) != 0 ? objects[choice % OBJECTS_MAX] + 4 : map + 8;
    go.heap.hook = change_while_it_is_read;
    for (unsigned i = 0; i < RUNS; i++) {
        go.heap.reads = 0;
        map_walk_run(&walk, map, type, ((choice >> 1) + i) % 4 != 0, &why);
        check();
    }
    bump_close(&bump);
    return 0;
}
