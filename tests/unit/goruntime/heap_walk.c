/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk of a heap that rests, in the layout of every version: each page and each object is what was put there.
 */
#include "goruntime/heap_walk.h"

#include <criterion/criterion.h>

#include "tests/unit/support/fake_heap.h"
#include "tests/unit/support/random.h"

static struct fake_heap fake;
static struct go_heap heap;
static struct heap_walk walk;
static struct bump bump;

static void open_heap(const struct go_layout *layout)
{
    fake_heap_open(&fake, layout, FAKE_TABLES);
    heap = fake_heap_described(&fake);
}

static void open_walk(void)
{
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, 256 << 20), 0);
    cr_assert(heap_walk_open(&walk, &heap, &bump));
}

static void open_populated(const struct go_layout *layout)
{
    open_heap(layout);
    fake_heap_populate(&fake, FAKE_ARENAS, 7);
    open_walk();
}

static const struct heap_arena *walk_arena(uintptr_t start)
{
    const struct heap_arena *arena = heap_walk_arena(&walk, start);
    cr_assert_not_null(arena, "go1.%u: arena %lx", fake.layout->go_minor, start);
    cr_assert_eq(arena->start, start);
    return arena;
}

static const struct heap_run *run_of(const struct heap_arena *arena, uintptr_t address)
{
    for (uint32_t i = 0; i < arena->runs_count; i++) {
        if (address >= arena->runs[i].start && address < arena->runs[i].end)
            return &arena->runs[i];
    }
    cr_assert_fail("no run at %lx", address);
    return NULL;
}

static const struct fake_span *fake_span_at(uintptr_t start)
{
    for (uint32_t i = 0; i < fake.spans_count; i++) {
        if (fake.spans[i].start == start)
            return &fake.spans[i];
    }
    cr_assert_fail("no span at %lx", start);
    return NULL;
}

static void check_runs(const struct heap_arena *arena)
{
    uintptr_t at = arena->start;
    for (uint32_t i = 0; i < arena->runs_count; i++) {
        const struct heap_run *run = &arena->runs[i];
        cr_assert_eq(run->start, at, "run %u begins at %lx, not at %lx", i, run->start, at);
        cr_assert_gt(run->end, run->start);
        for (; at < run->end; at += GO_PAGE_BYTES)
            cr_expect_eq(run->kind, fake_heap_kind(&fake, at), "go1.%u%s: page %lu of %lx is %d, not %d",
                         fake.layout->go_minor, fake.layout->experiment == NULL ? "" : " with an experiment",
                         (at - arena->start) / GO_PAGE_BYTES, arena->start, run->kind, fake_heap_kind(&fake, at));
    }
    cr_expect_eq(at, arena->start + GO_ARENA_BYTES);
}

/* Which arena's part of a span it is does not matter: the whole span is told. */
static void check_span(const struct heap_arena *arena, const struct heap_run *run)
{
    const struct heap_span *span = &arena->spans[run->span];
    const struct fake_span *truth = fake_span_at(span->start);
    uint32_t objects = 0;
    cr_expect_eq(run->start, truth->start > arena->start ? truth->start : arena->start);
    cr_expect_eq(span->bytes, truth->pages * GO_PAGE_BYTES);
    cr_expect_eq(span->slot_bytes, truth->slot_bytes);
    cr_assert_eq(span->slots, truth->slots);
    cr_expect_eq(span->is_large, truth->span_class < 2);
    cr_expect_eq(span->is_unswept, truth->sweep == FAKE_UNSWEPT);
    cr_expect_eq(arena->mspans[run->span], truth->mspan);
    cr_expect_eq(arena->alloc_bits[run->span], truth->bits);
    for (uint64_t slot = 0; slot < truth->slots; slot++) {
        bool is_allocated = (span->allocated[slot / 64] >> slot % 64 & 1) != 0;
        objects += is_allocated;
        cr_expect_eq(is_allocated, fake_span_is_allocated(&fake, truth, slot), "slot %lu", slot);
    }
    cr_expect_eq(span->objects, objects);
}

static void check_arena(const struct heap_arena *arena)
{
    check_runs(arena);
    for (uint32_t i = 0; i < arena->runs_count; i++) {
        if (arena->runs[i].kind == PAGE_OBJECTS)
            check_span(arena, &arena->runs[i]);
    }
}

Test(heap_walk, every_kind_of_page_and_every_object_is_what_was_put_there)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_populated(&GO_LAYOUTS[i]);
        for (uint32_t k = 0; k < fake.arenas_count; k++)
            check_arena(walk_arena(fake.arenas[k].start));
        cr_expect_eq(walk.counters.spans_reread, 0);
        cr_expect_eq(walk.counters.spans_untrusted, 0);
        cr_expect_eq(walk.counters.arenas_unreadable, 0);
    }
}

Test(heap_walk, objects_are_as_many_as_an_independent_count_says)
{
    for (unsigned i = 0; i < 2 * GO_LAYOUTS_COUNT; i++) {
        uint64_t expected = 0, objects = 0, unswept = 0;
        open_heap(&GO_LAYOUTS[i / 2]);
        fake_heap_add_arena(&fake, FAKE_ARENAS, false);
        fake_heap_grow(&fake, FAKE_ARENAS, GO_ARENA_BYTES);
        fake_heap_fill(&fake, FAKE_ARENAS, GO_ARENA_PAGES, 100 + i);
        open_walk();
        for (uint32_t k = 0; k < fake.spans_count; k++) {
            expected += fake_span_count(&fake, &fake.spans[k]);
            unswept += fake.spans[k].sweep == FAKE_UNSWEPT;
        }
        const struct heap_arena *arena = walk_arena(FAKE_ARENAS);
        cr_assert_eq(arena->runs_count, fake.spans_count);
        for (uint32_t k = 0; k < arena->runs_count; k++)
            objects += arena->spans[arena->runs[k].span].objects;
        cr_expect_eq(objects, expected, "go1.%u: %lu, not %lu", fake.layout->go_minor, objects, expected);
        cr_expect_eq(walk.counters.spans_checked, fake.spans_count);
        cr_expect_eq(walk.counters.spans_unswept, unswept);
    }
}

Test(heap_walk, one_walk_serves_the_arenas_in_any_order)
{
    static const unsigned ORDER[] = {3, 0, 4, 4, 1, 2, 0};
    open_populated(&GO_LAYOUTS[8]);
    for (unsigned i = 0; i < sizeof ORDER / sizeof ORDER[0]; i++)
        check_arena(walk_arena(fake.arenas[ORDER[i]].start));
}

Test(heap_walk, a_large_object_is_one_span_in_each_of_its_arenas)
{
    open_populated(&GO_LAYOUTS[9]);
    const uintptr_t start = FAKE_ARENAS + 8000ull * GO_PAGE_BYTES, end = start + 8484ull * GO_PAGE_BYTES;
    for (unsigned i = 0; i < 3; i++) {
        const uintptr_t arena_start = FAKE_ARENAS + (uint64_t)i * GO_ARENA_BYTES;
        const uintptr_t part_start = max_u64(start, arena_start), part_end = min_u64(end, arena_start + GO_ARENA_BYTES);
        const struct heap_arena *arena = walk_arena(arena_start);
        const struct heap_run *run = run_of(arena, part_start);
        cr_expect_eq(run->start, part_start);
        cr_expect_eq(run->end, part_end);
        const struct heap_span *span = &arena->spans[run->span];
        cr_expect(span->is_large);
        cr_expect_eq(span->start, start);
        cr_expect_eq(span->objects, 1);
        cr_expect_eq(heap_span_object_bytes(span, part_start, part_end), part_end - part_start);
    }
}

Test(heap_walk, a_user_arenas_chunk_is_an_object_until_it_is_set_to_fault)
{
    for (unsigned i = 3; i < GO_LAYOUTS_COUNT; i++) {
        open_populated(&GO_LAYOUTS[i]);
        uintptr_t start = fake.arenas[4].start;
        const struct heap_arena *arena = walk_arena(start);
        cr_assert_eq(arena->runs_count, 3, "go1.%u", fake.layout->go_minor);
        cr_expect_eq(arena->runs[1].start, start + (8 << 20));
        cr_expect_eq(arena->runs[1].end, start + (16 << 20));
        cr_expect_eq(arena->runs[1].kind, PAGE_OBJECTS);
        cr_expect_eq(arena->runs[2].kind, PAGE_RESERVED);
        cr_expect(arena->spans[0].is_large);
        cr_expect_eq(walk.counters.spans_checked, 2);
    }
}

/* ---- the list of arenas ---- */

Test(heap_walk, arenas_of_all_lists_and_of_the_map_are_told_once_each_and_by_address)
{
    uintptr_t *starts;
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_heap(&GO_LAYOUTS[i]);
        static const uint64_t ORDER[] = {5, 2, 9, 3}; /* a user arena among them */
        for (unsigned k = 0; k < 4; k++)
            fake_heap_add_arena(&fake, FAKE_ARENAS + ORDER[k] * GO_ARENA_BYTES, k == 2);
        /* The first one twice. */
        uintptr_t list = heap.mheap + fake.layout->mheap_arena_list.offset_bytes;
        uint64_t length = fake_heap_get(&fake, list + 8, 8);
        fake_heap_put(&fake, fake.arena_list + length * 8, fake_heap_get(&fake, fake.arena_list, 8), 8);
        fake_heap_put(&fake, list + 8, length + 1, 8);
        open_walk();
        cr_assert_eq(heap_arenas_list(&heap, &fake.resident.residency, &bump, &starts), 4, "go1.%u",
                     fake.layout->go_minor);
        static const uint64_t SORTED[] = {2, 3, 5, 9};
        for (unsigned k = 0; k < 4; k++)
            cr_expect_eq(starts[k], FAKE_ARENAS + SORTED[k] * GO_ARENA_BYTES);
    }
}

Test(heap_walk, a_list_of_arenas_that_cannot_be_read_is_an_error)
{
    static const struct {
        uint64_t word, value;
    } LIES[] = {{0, 0x1000}, {1, UINT64_MAX}, {1, 17}, {1, HEAP_ARENAS_MAX + 1}, {2, 1}};
    uintptr_t *starts;
    for (unsigned i = 0; i < sizeof LIES / sizeof LIES[0]; i++) {
        open_populated(&GO_LAYOUTS[10]);
        uintptr_t list = heap.mheap + fake.layout->mheap_arena_list.offset_bytes;
        fake_heap_put(&fake, list + LIES[i].word * 8, LIES[i].value, 8);
        cr_expect_eq(heap_arenas_list(&heap, &fake.resident.residency, &bump, &starts), -1, "lie %u", i);
        open_populated(&GO_LAYOUTS[10]);
        list = heap.mheap + fake.layout->mheap_user_arena_list.offset_bytes;
        fake_heap_put(&fake, list + LIES[i].word * 8, LIES[i].value, 8);
        cr_expect_eq(heap_arenas_list(&heap, &fake.resident.residency, &bump, &starts), i == 4 ? 5 : -1,
                     "lie %u about user arenas", i);
    }
}

Test(heap_walk, many_arenas_are_sorted)
{
    struct random random = {11};
    uintptr_t *starts;
    enum { COUNT = 20000 };
    open_heap(&GO_LAYOUTS[9]);
    uintptr_t array = fake_heap_take(&fake, COUNT * 8), list = heap.mheap + fake.layout->mheap_arena_list.offset_bytes;
    for (uint64_t i = 0; i < COUNT; i++)
        fake_heap_put(&fake, array + i * 8, random_below(&random, 1 << 22), 8);
    fake_heap_put(&fake, list, array, 8);
    fake_heap_put(&fake, list + 8, COUNT, 8);
    fake_heap_put(&fake, list + 16, COUNT, 8);
    open_walk();
    int64_t count = heap_arenas_list(&heap, &fake.resident.residency, &bump, &starts);
    cr_assert(count > COUNT - 200 && count < COUNT, "%ld", count);
    for (int64_t i = 1; i < count; i++)
        cr_assert_lt(starts[i - 1], starts[i]);
}
