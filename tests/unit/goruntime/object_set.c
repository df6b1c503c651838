/* SPDX-License-Identifier: Apache-2.0
 *
 * Which slot of which span is an address in; and each object once.
 */
#include "goruntime/object_set.h"

#include <criterion/criterion.h>

#include "tests/unit/support/fake_heap.h"

static struct fake_heap fake;
static struct go_heap heap;
static struct reader_cache cache;
static struct object_set set;
static struct bump bump;

static void open_heap(void)
{
    fake_heap_open(&fake, &GO_LAYOUTS[8], FAKE_TABLES);
    for (unsigned i = 0; i < 3; i++)
        fake_heap_add_arena(&fake, FAKE_ARENAS + (uint64_t)i * GO_ARENA_BYTES, false);
    fake_heap_grow(&fake, FAKE_ARENAS, 3ull * GO_ARENA_BYTES);
    heap = fake_heap_described(&fake);
}

static void open_set(void)
{
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, 64 << 20), 0);
    cr_assert(reader_cache_open(&cache, &fake.reader, &bump));
    cr_assert(object_set_open(&set, &heap, &cache, &bump));
}

static void add(uintptr_t address, uint64_t asked_bytes, uint32_t part)
{
    object_set_add_all(&set, &(struct object_address){address, asked_bytes, part}, 1);
}

static uint64_t objects(void)
{
    uint64_t sum = 0;
    for (int part = 0; part < OBJECT_PARTS; part++)
        sum += set.parts[part].objects;
    return sum;
}

/* ---- slots ---- */

/* mksizeclasses.go; the span of each in pages. */
static const struct {
    uint32_t slot_bytes, pages;
} CLASSES[] = {
    {8, 1},     {16, 1},     {24, 1},    {32, 1},    {48, 1},    {64, 1},    {80, 1},    {96, 1},    {112, 1},
    {128, 1},   {144, 1},    {160, 1},   {176, 1},   {192, 1},   {208, 1},   {224, 1},   {240, 1},   {256, 1},
    {288, 1},   {320, 1},    {352, 1},   {384, 1},   {416, 1},   {448, 1},   {480, 1},   {512, 1},   {576, 1},
    {640, 1},   {704, 1},    {768, 1},   {896, 1},   {1024, 1},  {1152, 1},  {1280, 1},  {1408, 2},  {1536, 1},
    {1792, 2},  {2048, 1},   {2304, 2},  {2688, 1},  {3072, 3},  {3200, 2},  {3456, 3},  {4096, 1},  {4864, 5},
    {5376, 2},  {6144, 3},   {6528, 4},  {6784, 5},  {6912, 6},  {8192, 1},  {9472, 7},  {9728, 6},  {10240, 5},
    {10880, 4}, {12288, 3},  {13568, 5}, {14336, 7}, {16384, 2}, {18432, 9}, {19072, 7}, {20480, 5}, {21760, 8},
    {24576, 3}, {27264, 10}, {28672, 7}, {32768, 4},
};

Test(object_set, every_byte_of_every_class_is_in_the_slot_that_division_says)
{
    open_heap();
    uintptr_t start = FAKE_ARENAS + GO_PAGE_BYTES;
    for (unsigned i = 0; i < sizeof CLASSES / sizeof CLASSES[0]; i++) {
        const struct fake_class size_class = {(uint8_t)(i + 1), CLASSES[i].slot_bytes, CLASSES[i].pages};
        uint64_t slots = fake_heap_add_span(&fake, start, &size_class, true, FAKE_SWEPT)->slots;
        open_set();
        uint64_t bytes = CLASSES[i].pages * (uint64_t)GO_PAGE_BYTES;
        for (uint64_t offset = 0; offset < bytes; offset++) {
            uint64_t slot = offset / CLASSES[i].slot_bytes;
            uint64_t behind = slot < slots ? (slot + 1) * CLASSES[i].slot_bytes - offset : 0;
            uint64_t said = object_set_bytes_behind(&set, start + offset);
            cr_assert_eq(said, behind, "class of %u: %lu bytes behind %lu, not %lu", CLASSES[i].slot_bytes, said,
                         offset, behind);
        }
        /* The first and the last byte of each slot are one object, which is on the pages that it touches. */
        uint16_t pages = 0;
        for (uint64_t slot = 0; slot < slots; slot += 3) {
            uint64_t first = slot * CLASSES[i].slot_bytes, last = first + CLASSES[i].slot_bytes - 1;
            add(start + last, 1, 2);
            add(start + first, 1, 3);
            for (uint64_t page = first / GO_PAGE_BYTES; page <= last / GO_PAGE_BYTES && slots > 1; page++)
                pages |= (uint16_t)(1u << page);
        }
        cr_expect_eq(set.parts[2].objects, (slots + 2) / 3, "class of %u", CLASSES[i].slot_bytes);
        cr_expect_eq(set.parts[2].allocated_bytes, (slots + 2) / 3 * CLASSES[i].slot_bytes);
        cr_expect_eq(set.parts[3].objects, 0);
        cr_expect_eq(set.unknown, 0);
        object_set_finish(&set);
        const struct object_span *span = &set.arenas[0]->spans[(start - FAKE_ARENAS) / GO_PAGE_BYTES];
        cr_expect_eq(span->marked, (slots + 2) / 3);
        cr_expect_eq(span->part_pages[2], slots > 1 ? pages : 1, "class of %u: pages %x, not %x", CLASSES[i].slot_bytes,
                     span->part_pages[2], pages);
        start += bytes;
    }
}

Test(object_set, tiny_objects_in_one_slot_add_what_each_asked_for)
{
    open_heap();
    fake_heap_add_span(&fake, FAKE_ARENAS, &FAKE_CLASS[1], true, FAKE_SWEPT);
    fake_heap_add_span(&fake, FAKE_ARENAS + GO_PAGE_BYTES, &FAKE_CLASS[2], true, FAKE_SWEPT);
    fake_heap_add_span(&fake, FAKE_ARENAS + 2 * GO_PAGE_BYTES, &FAKE_CLASS[1], false, FAKE_SWEPT);
    open_set();
    add(FAKE_ARENAS + 32, 5, 1);
    add(FAKE_ARENAS + 37, 3, 2);
    add(FAKE_ARENAS + 40, OBJECT_ASKED_WHOLE, 2);
    add(FAKE_ARENAS + 32, 16, 2);
    /* In a larger class, or of a span with pointers, it is the same object. */
    add(FAKE_ARENAS + GO_PAGE_BYTES, 20, 1);
    add(FAKE_ARENAS + GO_PAGE_BYTES + 4, 4, 2);
    add(FAKE_ARENAS + 2 * GO_PAGE_BYTES, 8, 1);
    add(FAKE_ARENAS + 2 * GO_PAGE_BYTES + 8, 8, 2);
    /* A slot of its own, with 12 bytes left for what it has in part 1's. */
    add(FAKE_ARENAS + 64, 4, 2);
    object_set_finish(&set);
    cr_expect_eq(set.parts[1].objects, 3);
    cr_expect_eq(set.parts[1].asked_bytes, 33);
    cr_expect_eq(set.parts[1].allocated_bytes, 56);
    cr_expect_eq(set.parts[2].objects, 1);
    cr_expect_eq(set.parts[2].asked_bytes, 7);
}

/* Which of them are the same is not known: as many as come, but no more than there is. */
Test(object_set, what_is_asked_for_is_never_more_than_what_is_allocated)
{
    open_heap();
    fake_heap_add_span(&fake, FAKE_ARENAS, &FAKE_CLASS[1], true, FAKE_SWEPT);
    fake_heap_add_span(&fake, FAKE_ARENAS + GO_PAGE_BYTES, &FAKE_CLASS[5], true, FAKE_SWEPT);
    open_set();
    for (unsigned i = 0; i < 1000; i++) {
        add(FAKE_ARENAS + 32, 8, 1); /* one string, ever again */
        add(FAKE_ARENAS + 32, 8, 2); /* and others' */
        add(FAKE_ARENAS + GO_PAGE_BYTES, 100, 3);
        add(FAKE_ARENAS + GO_PAGE_BYTES + 50, 50, 4);
    }
    object_set_finish(&set);
    static const struct object_part PARTS[] = {
        {.objects = 1, .asked_bytes = 16, .allocated_bytes = 16, .referenced_bytes = 8000},
        {.referenced_bytes = 8000},
        {.objects = 1, .asked_bytes = 100, .allocated_bytes = 128, .referenced_bytes = 100000},
        {.referenced_bytes = 50000},
    };
    for (unsigned i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        const struct object_part *said = &set.parts[1 + i], *is = &PARTS[i];
        cr_expect_eq(said->objects, is->objects, "%u: %lu objects", i, said->objects);
        cr_expect_eq(said->asked_bytes, is->asked_bytes, "%u: %lu asked for", i, said->asked_bytes);
        cr_expect_eq(said->allocated_bytes, is->allocated_bytes, "%u: %lu allocated", i, said->allocated_bytes);
        cr_expect_eq(said->referenced_bytes, is->referenced_bytes, "%u: %lu in all", i, said->referenced_bytes);
    }
}

Test(object_set, no_object_was_asked_for_more_than_it_has)
{
    open_heap();
    fake_heap_add_span(&fake, FAKE_ARENAS, &FAKE_CLASS[5], true, FAKE_SWEPT);
    open_set();
    add(FAKE_ARENAS + 28, 1ull << 40, 0);
    add(FAKE_ARENAS + 128, UINT64_MAX - 1, 1);
    add(FAKE_ARENAS + 256, OBJECT_ASKED_WHOLE, 2);
    cr_expect_eq(set.parts[0].asked_bytes, 100);
    cr_expect_eq(set.parts[1].asked_bytes, 128);
    cr_expect_eq(set.parts[2].asked_bytes, 128);
}

/* ---- arenas ---- */

Test(object_set, a_span_that_crosses_into_the_next_arena_is_one)
{
    open_heap();
    /* Three pages: two of them in the first arena, the eighth slot of 3,072 bytes is the last. */
    uintptr_t start = FAKE_ARENAS + GO_ARENA_BYTES - 2 * GO_PAGE_BYTES;
    fake_heap_add_span(&fake, start, &FAKE_CLASS[12], true, FAKE_SWEPT);
    for (unsigned order = 0; order < 2; order++) {
        open_set();
        for (uint64_t slot = 0; slot < 8; slot++)
            add(start + (order == 0 ? slot : 7 - slot) * 3072 + 3071, 8, 1);
        for (uint64_t slot = 0; slot < 8; slot++)
            add(start + slot * 3072, 8, 2);
        cr_expect_eq(set.parts[1].objects, 8, "%lu", set.parts[1].objects);
        cr_expect_eq(set.parts[2].objects, 0);
        cr_expect_eq(set.unknown, 0);
        cr_expect_eq(set.spans_bytes, 3 * GO_PAGE_BYTES);
        cr_expect_eq(object_set_bytes_behind(&set, FAKE_ARENAS + GO_ARENA_BYTES + 1), 2047);
    }
}

Test(object_set, a_large_object_is_one_from_any_of_its_pages)
{
    open_heap();
    uintptr_t start = FAKE_ARENAS + GO_ARENA_BYTES - 3 * GO_PAGE_BYTES;
    uint64_t bytes = (3 + GO_ARENA_PAGES + 5) * (uint64_t)GO_PAGE_BYTES;
    fake_heap_add_large(&fake, start, bytes / GO_PAGE_BYTES);
    open_set();
    add(start + bytes - 1, 1, 1);
    add(start + 3 * GO_PAGE_BYTES, 1, 2);
    add(start, 1, 3);
    cr_expect_eq(set.parts[1].objects, 1);
    cr_expect_eq(set.parts[1].allocated_bytes, bytes);
    cr_expect_eq(objects(), 1);
    cr_expect_eq(object_set_bytes_behind(&set, start + GO_ARENA_BYTES), bytes - GO_ARENA_BYTES);
    cr_expect_eq(object_set_bytes_behind(&set, start + bytes - 1), 1);
    cr_expect_eq(object_set_bytes_behind(&set, start + bytes), 0);
}

/* Books that were damaged may claim petabytes. */
Test(object_set, a_large_object_does_not_end_outside_of_the_arenas)
{
    open_heap();
    struct fake_span *span = fake_heap_add_large(&fake, FAKE_ARENAS, 5);
    static const uint64_t PAGES[] = {4 * GO_ARENA_PAGES, 1ull << 30, 1ull << 49};
    for (unsigned i = 0; i < sizeof PAGES / sizeof PAGES[0]; i++) {
        fake_heap_put_field(&fake, span->mspan, fake.layout->mspan_pages, PAGES[i]);
        open_set();
        cr_expect_eq(object_set_bytes_behind(&set, FAKE_ARENAS), 0);
        add(FAKE_ARENAS, 1, 0);
        cr_expect_eq(set.unknown, 1);
    }
}

Test(object_set, what_is_in_no_object_is_unknown)
{
    open_heap();
    fake_heap_add_span(&fake, FAKE_ARENAS, &FAKE_CLASS[8], true, FAKE_SWEPT); /* 14 slots of 576: 128 bytes are left */
    fake_heap_add_manual(&fake, FAKE_ARENAS + GO_PAGE_BYTES, 4, 2048);
    fake_heap_fill(&fake, FAKE_ARENAS + 8 * GO_PAGE_BYTES, 100, 3);
    struct fake_span *dead =
        fake_heap_add_span(&fake, FAKE_ARENAS + 200 * GO_PAGE_BYTES, &FAKE_CLASS[8], true, FAKE_SWEPT);
    fake_heap_put_field(&fake, dead->mspan, fake.layout->mspan_state, 0);
    open_set();
    const uintptr_t nowhere[] = {
        0,
        1,
        UINTPTR_MAX,
        UINTPTR_MAX - GO_ARENA_BYTES,
        1ull << 47,
        FAKE_ARENAS - 1,
        FAKE_ARENAS + 3ull * GO_ARENA_BYTES,
        FAKE_ARENAS + 14 * 576,
        FAKE_ARENAS + GO_PAGE_BYTES - 1,
        FAKE_ARENAS + GO_PAGE_BYTES,
        FAKE_ARENAS + 7 * GO_PAGE_BYTES,
        dead->start + 8,
    };
    const uint64_t count = sizeof nowhere / sizeof nowhere[0];
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < count; i++) {
            cr_expect_eq(object_set_bytes_behind(&set, nowhere[i]), 0, "%lx", nowhere[i]);
            add(nowhere[i], 8, 0);
        }
        cr_expect_eq(set.unknown, count, "%lu", set.unknown);
        cr_expect_eq(objects(), 0);
        cr_expect_not(set.is_full);
        object_set_clear(&set);
    }
}

/* ---- the set as a whole ---- */

struct object_sums {
    struct object_part parts[OBJECT_PARTS];
    uint64_t unknown, spans_bytes;
};

/* Of each slot of each span an address, many at once. */
static struct object_sums add_everything(void)
{
    static struct object_address addresses[1 << 17];
    uint32_t count = 0;
    for (uint32_t i = 0; i < fake.spans_count; i++) {
        const struct fake_span *span = &fake.spans[i];
        for (uint64_t slot = 0; slot < span->slots && count < 1 << 17; slot++)
            addresses[count++] = (struct object_address){span->start + slot * span->slot_bytes + slot % 8, 1 + i % 8,
                                                         (i + (uint32_t)slot) % OBJECT_PARTS};
    }
    object_set_add_all(&set, addresses, count);
    cr_expect_eq(objects() + set.unknown, count, "%lu objects of %u", objects(), count);
    struct object_sums sums = {.unknown = set.unknown, .spans_bytes = set.spans_bytes};
    for (int part = 0; part < OBJECT_PARTS; part++)
        sums.parts[part] = set.parts[part];
    return sums;
}

Test(object_set, cleared_and_filled_again_it_is_the_same)
{
    open_heap();
    fake_heap_fill(&fake, FAKE_ARENAS, 300, 5);
    fake_heap_add_large(&fake, FAKE_ARENAS + GO_ARENA_BYTES - GO_PAGE_BYTES, 3);
    open_set();
    struct object_sums first = add_everything();
    uint64_t used_bytes = bump.used_bytes;
    object_set_finish(&set);
    cr_expect_eq(first.unknown, 0);
    for (unsigned i = 0; i < 3; i++) {
        object_set_clear(&set);
        cr_expect_eq(objects(), 0);
        struct object_sums again = add_everything();
        cr_expect_arr_eq((uint8_t *)&again, (uint8_t *)&first, sizeof first);
    }
    cr_expect_eq(bump.used_bytes, used_bytes);
}

Test(object_set, cleared_it_knows_the_spans_that_are_there_now)
{
    open_heap();
    struct fake_span *span = fake_heap_add_span(&fake, FAKE_ARENAS, &FAKE_CLASS[5], true, FAKE_SWEPT);
    open_set();
    add(FAKE_ARENAS + 8191, 1, 0);
    cr_expect_eq(set.parts[0].allocated_bytes, 128);
    fake_heap_put_field(&fake, span->mspan, fake.layout->mspan_state, 0);
    fake_heap_add_large(&fake, FAKE_ARENAS, 1);
    object_set_clear(&set);
    add(FAKE_ARENAS + 8191, 1, 0);
    cr_expect_eq(set.parts[0].allocated_bytes, 8192);
}

Test(object_set, without_memory_it_says_so_until_it_is_cleared)
{
    open_heap();
    fake_heap_add_large(&fake, FAKE_ARENAS, 1);
    fake_heap_add_large(&fake, FAKE_ARENAS + GO_ARENA_BYTES, 1);
    open_set();
    add(FAKE_ARENAS, 1, 0);
    bump_take(&bump, bump.reserved_bytes - bump.used_bytes);
    cr_expect_not(set.is_full);
    add(FAKE_ARENAS + GO_ARENA_BYTES, 1, 0);
    cr_expect(set.is_full);
    object_set_clear(&set);
    add(FAKE_ARENAS, 1, 0);
    cr_expect_not(set.is_full);
    cr_expect_eq(objects(), 1);
}

Test(object_set, an_address_that_is_looked_out_for_is_found_in_its_object)
{
    open_heap();
    fake_heap_add_span(&fake, FAKE_ARENAS, &FAKE_CLASS[5], true, FAKE_SWEPT);
    open_set();
    set.watched = FAKE_ARENAS + 128 + 127;
    add(FAKE_ARENAS, 128, 1);
    add(FAKE_ARENAS + 256, 128, 2);
    cr_expect_not(set.is_watched_found);
    add(FAKE_ARENAS + 130, 1, 5);
    cr_expect(set.is_watched_found);
    cr_expect_eq(set.watched_part, 5);
    object_set_clear(&set);
    cr_expect_not(set.is_watched_found);
}

/* ---- while the program goes on ---- */

Test(object_set, a_span_made_after_the_first_look_is_found)
{
    open_heap();
    fake_heap_add_span(&fake, FAKE_ARENAS, &FAKE_CLASS[5], true, FAKE_SWEPT);
    open_set();
    add(FAKE_ARENAS, 1, 0);
    add(FAKE_ARENAS + GO_PAGE_BYTES, 1, 0);
    cr_expect_eq(set.unknown, 1);
    /* The page was looked at, the next one was not, but lies in the same line of the cache. */
    fake_heap_add_span(&fake, FAKE_ARENAS + GO_PAGE_BYTES, &FAKE_CLASS[5], true, FAKE_SWEPT);
    fake_heap_add_span(&fake, FAKE_ARENAS + 2 * GO_PAGE_BYTES, &FAKE_CLASS[5], true, FAKE_SWEPT);
    add(FAKE_ARENAS + GO_PAGE_BYTES, 1, 0);
    add(FAKE_ARENAS + 2 * GO_PAGE_BYTES, 1, 0);
    cr_expect_eq(set.unknown, 1);
    cr_expect_eq(objects(), 3);
}

Test(object_set, spans_of_later_cycles_are_found)
{
    open_heap();
    fake_heap_add_span(&fake, FAKE_ARENAS, &FAKE_CLASS[5], true, FAKE_SWEPT);
    open_set();
    add(FAKE_ARENAS, 1, 0);
    fake_heap_put_field(&fake, fake.mheap, fake.layout->mheap_sweepgen, FAKE_SWEEPGEN + 20);
    struct fake_span *span = fake_heap_add_span(&fake, FAKE_ARENAS + GO_PAGE_BYTES, &FAKE_CLASS[5], true, FAKE_SWEPT);
    fake_heap_put_field(&fake, span->mspan, fake.layout->mspan_sweepgen, FAKE_SWEEPGEN + 20);
    add(FAKE_ARENAS + GO_PAGE_BYTES, 1, 0);
    cr_expect_eq(set.unknown, 0);
}

Test(object_set, an_arena_made_after_the_first_look_is_found)
{
    open_heap();
    open_set();
    uintptr_t start = FAKE_ARENAS + 3ull * GO_ARENA_BYTES;
    add(FAKE_ARENAS, 1, 0);
    fake_heap_add_arena(&fake, start, false);
    fake_heap_grow(&fake, start, GO_ARENA_BYTES);
    fake_heap_add_large(&fake, start, 1);
    add(start, 1, 0);
    cr_expect_eq(objects(), 1);
}

Test(object_set, looks_at_what_is_not_there_are_bounded)
{
    open_heap();
    fake_heap_add_large(&fake, FAKE_ARENAS + GO_PAGE_BYTES, 1);
    open_set();
    /* The same places again and again: a few looks each. */
    for (unsigned i = 0; i < 1000; i++) {
        add(FAKE_ARENAS, 1, 0);
        add(0x1000, 1, 0);
    }
    cr_expect_lt(fake.reads, 40, "%lu", fake.reads);
    /* Another arena each time. */
    for (uint64_t i = 0; i < 1u << 20; i++)
        add(i << 27, 1, 0);
    cr_expect_lt(fake.reads, 1u << 19, "%lu", fake.reads);
    cr_expect_eq(objects(), 0);
    /* What the set knows, it goes on to know. */
    add(FAKE_ARENAS + GO_PAGE_BYTES, 1, 0);
    cr_expect_eq(objects(), 1);
}
