/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk beside a program that goes on: a hook changes the heap between two reads, as a sweep, a free or an
 * allocation would. What is told must be the span before or the span after, or count as not trusted; never a mix.
 */
#include "goruntime/heap_walk.h"

#include <criterion/criterion.h>
#include <inttypes.h>

#include "tests/unit/support/fake_heap.h"

enum { SLOT_CLASS = 4, PAGES_BEFORE = 8 };

static struct fake_heap fake;
static struct go_heap heap;
static struct heap_walk walk;
static struct bump bump;
static struct fake_span *victim;
static uintptr_t victim_page;
static uint64_t changes_left; /* how often the hook still changes something */
static uintptr_t bits_after;

static const struct go_layout *layout_of(unsigned go_minor)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        if (GO_LAYOUTS[i].go_minor == go_minor && GO_LAYOUTS[i].experiment == NULL)
            return &GO_LAYOUTS[i];
    }
    return NULL;
}

/* One span among others, not yet swept: what a sweep may touch. */
static void open_heap(enum fake_sweep sweep)
{
    fake_heap_open(&fake, layout_of(26), FAKE_TABLES);
    heap = fake_heap_described(&fake);
    fake_heap_add_arena(&fake, FAKE_ARENAS, false);
    fake_heap_grow(&fake, FAKE_ARENAS, GO_ARENA_BYTES);
    fake_heap_fill(&fake, FAKE_ARENAS, PAGES_BEFORE, 3);
    victim_page = FAKE_ARENAS + 64 * GO_PAGE_BYTES;
    victim = fake_heap_add_span(&fake, victim_page, &FAKE_CLASS[SLOT_CLASS], false, sweep);
    fake_span_set_free_index(&fake, victim, 0);
    for (uint64_t slot = 0; slot < victim->slots; slot += 2)
        fake_span_set(&fake, victim, slot, true);
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, 256 << 20), 0);
    cr_assert(heap_walk_open(&walk, &heap, &bump));
}

static const struct heap_run *walk_to_victim(const struct heap_arena **arena)
{
    *arena = heap_walk_arena(&walk, FAKE_ARENAS);
    cr_assert_not_null(*arena);
    for (uint32_t i = 0; i < (*arena)->runs_count; i++) {
        if ((*arena)->runs[i].start <= victim_page && victim_page < (*arena)->runs[i].end)
            return &(*arena)->runs[i];
    }
    cr_assert_fail("no run for the span's page");
    return NULL;
}

static bool touches(uintptr_t address, uint64_t bytes, uintptr_t start, uint64_t length)
{
    return address < start + length && start < address + bytes;
}

/* mspan.sweep: the mark bits become the allocation bits, freeindex starts anew. */
static void sweep_when_bits_are_read(struct fake_heap *self, uintptr_t address, uint64_t bytes)
{
    if (changes_left == 0 || !touches(address, bytes, victim->bits, 8))
        return;
    changes_left--;
    fake_heap_put_field(self, victim->mspan, self->layout->mspan_alloc_bits, bits_after);
    fake_heap_put_field(self, victim->mspan, self->layout->mspan_sweepgen, FAKE_SWEEPGEN);
}

Test(heap_walk_torn, a_span_that_is_swept_meanwhile_is_read_again_and_whole)
{
    const struct heap_arena *arena;
    open_heap(FAKE_UNSWEPT);
    bits_after = fake_heap_take(&fake, 256);
    fake_heap_put(&fake, bits_after, 5, 8); /* slots 0 and 2 live on */
    fake.hook = sweep_when_bits_are_read;
    changes_left = 1;
    const struct heap_run *run = walk_to_victim(&arena);
    cr_expect_eq(changes_left, 0u);
    cr_assert_eq(run->kind, PAGE_OBJECTS);
    cr_expect_eq(arena->spans[run->span].objects, 2u);
    cr_expect_eq(arena->spans[run->span].allocated[0], 5u);
    cr_expect_eq(arena->alloc_bits[run->span], bits_after);
    cr_expect_geq(walk.counters.spans_reread, 1u);
    cr_expect_eq(walk.counters.spans_untrusted, 0u);
}

/* mheap.freeSpan, when the bits are read: the struct dies and the pages are free. */
static void free_when_bits_are_read(struct fake_heap *self, uintptr_t address, uint64_t bytes)
{
    if (changes_left == 0 || !touches(address, bytes, victim->bits, 8))
        return;
    changes_left--;
    fake_heap_put_field(self, victim->mspan, self->layout->mspan_state, 0);
    fake_heap_set_pages(self, victim->start, victim->pages, false, false, PAGE_FREE);
}

Test(heap_walk_torn, a_span_that_is_freed_meanwhile_is_free)
{
    const struct heap_arena *arena;
    open_heap(FAKE_UNSWEPT);
    fake.hook = free_when_bits_are_read;
    changes_left = 1;
    const struct heap_run *run = walk_to_victim(&arena);
    cr_expect_eq(changes_left, 0u);
    cr_expect_eq(run->kind, PAGE_FREE);
    cr_expect_eq(walk.counters.spans_untrusted, 0u);
}

/* A span that changes at each reading. */
static void change_each_time(struct fake_heap *self, uintptr_t address, uint64_t bytes)
{
    if (!touches(address, bytes, victim->mspan, 8))
        return;
    changes_left++;
    fake_heap_put_field(self, victim->mspan, self->layout->mspan_alloc_bits, bits_after + changes_left % 16 * 8);
}

Test(heap_walk_torn, a_span_that_never_stands_still_is_not_trusted)
{
    const struct heap_arena *arena;
    open_heap(FAKE_UNSWEPT);
    bits_after = fake_heap_take(&fake, 512);
    fake.hook = change_each_time;
    changes_left = 0;
    const struct heap_run *run = walk_to_victim(&arena);
    cr_expect_gt(changes_left, 4u);
    cr_expect_eq(run->kind, PAGE_UNTRUSTED);
    cr_expect_eq(walk.counters.spans_untrusted, 1u);
}

Test(heap_walk_torn, a_struct_that_belongs_to_other_pages_is_not_trusted)
{
    const struct heap_arena *arena;
    open_heap(FAKE_SWEPT);
    fake_heap_put_field(&fake, victim->mspan, fake.layout->mspan_start, victim_page + 512 * GO_PAGE_BYTES);
    const struct heap_run *run = walk_to_victim(&arena);
    cr_expect_eq(run->kind, PAGE_UNTRUSTED);
    cr_expect_eq(walk.counters.spans_untrusted, 1u);
}

Test(heap_walk_torn, counts_that_do_not_fit_the_span_are_not_believed)
{
    static const struct {
        uint64_t slots, slot_bytes, free_index;
    } CASES[] = {{UINT16_MAX, 0, 0}, {0, 0, 0}, {0, 7, 0}, {0, 1ull << 40, 0}, {0, 0, UINT16_MAX}};
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct heap_arena *arena;
        open_heap(FAKE_SWEPT);
        const struct go_layout *layout = fake.layout;
        if (CASES[i].slots != 0 || i == 1)
            fake_heap_put_field(&fake, victim->mspan, layout->mspan_slots, CASES[i].slots);
        if (CASES[i].slot_bytes != 0)
            fake_heap_put_field(&fake, victim->mspan, layout->mspan_slot_bytes, CASES[i].slot_bytes);
        if (CASES[i].free_index != 0)
            fake_heap_put_field(&fake, victim->mspan, layout->mspan_free_index, CASES[i].free_index);
        const struct heap_run *run = walk_to_victim(&arena);
        cr_expect_eq(run->kind, PAGE_UNTRUSTED, "case %u", i);
    }
}

Test(heap_walk_torn, bits_that_cannot_be_read_make_the_span_untrusted)
{
    const struct heap_arena *arena;
    open_heap(FAKE_SWEPT);
    fake_heap_hide(&fake, victim->bits, 8);
    const struct heap_run *run = walk_to_victim(&arena);
    cr_expect_eq(run->kind, PAGE_UNTRUSTED);
    cr_expect_eq(walk.counters.spans_untrusted, 1u);
}

/* The page allocator hands out pages before the span stands in the table (mheap.go:allocSpan): once more is enough. */
static void enter_at_the_second_look(struct fake_heap *self, uintptr_t address, uint64_t bytes)
{
    uintptr_t entry = self->arenas[0].heap_arena + self->layout->heap_arena_spans.offset_bytes + 64 * 8;
    if (bytes == 8 && address == entry && changes_left > 0) {
        changes_left--;
        fake_heap_enter(self, victim->start, victim->pages, victim->mspan);
    }
}

Test(heap_walk_torn, a_span_that_is_entered_meanwhile_is_found_at_the_second_look)
{
    const struct heap_arena *arena;
    open_heap(FAKE_SWEPT);
    fake_heap_enter(&fake, victim->start, victim->pages, 0);
    fake.hook = enter_at_the_second_look;
    changes_left = 1;
    const struct heap_run *run = walk_to_victim(&arena);
    cr_expect_eq(changes_left, 0u);
    cr_expect_eq(run->kind, PAGE_OBJECTS);
    cr_expect_eq(walk.counters.spans_untrusted, 0u);
}

/* mpagealloc.go:allocToCache. They are marked allocated and no span holds them. */
Test(heap_walk_torn, pages_that_a_p_took_after_the_dump_began_are_free_at_the_first_look)
{
    const struct heap_arena *arena;
    open_heap(FAKE_SWEPT);
    fake_heap_set_page_cache(&fake, 1, FAKE_ARENAS + 128ull * GO_PAGE_BYTES, UINT64_MAX, 0);
    walk_to_victim(&arena);
    const struct heap_run *last = &arena->runs[arena->runs_count - 2];
    cr_expect_eq(last->kind, PAGE_FREE);
    cr_expect_eq(last->start, FAKE_ARENAS + 128ull * GO_PAGE_BYTES);
    cr_expect_eq(last->end - last->start, 64ull * GO_PAGE_BYTES);
    cr_expect_eq(walk.counters.spans_reread, 0u);
}

/* ---- the heap grows ---- */

#define GROWN (FAKE_ARENAS + GO_ARENA_BYTES)

/* mheap.go:grow takes a chunk, mheap.go:allocSpan a span of it. */
static void grow_by_a_span(struct fake_heap *self, uintptr_t start)
{
    fake_heap_grow(self, start, PALLOC_CHUNK_BYTES);
    fake_heap_add_span(self, start + 3 * GO_PAGE_BYTES, &FAKE_CLASS[SLOT_CLASS], false, FAKE_SWEPT);
}

static void expect_grown(uintptr_t start)
{
    const struct heap_arena *arena = heap_walk_arena(&walk, GROWN);
    cr_assert_not_null(arena);
    for (uint32_t i = 0; i < arena->runs_count; i++) {
        const struct heap_run *run = &arena->runs[i];
        for (uintptr_t page = run->start; page < run->end && page < start + PALLOC_CHUNK_BYTES; page += GO_PAGE_BYTES) {
            if (page >= start)
                cr_expect_eq(run->kind, fake_heap_kind(&fake, page), "page %#" PRIxPTR " is %d", page, (int)run->kind);
        }
    }
    cr_expect_eq(walk.counters.spans_untrusted, 0u);
}

Test(heap_walk_torn, a_chunk_that_the_heap_took_after_the_dump_began_is_had)
{
    open_heap(FAKE_SWEPT);
    fake_heap_add_arena(&fake, GROWN, false);
    grow_by_a_span(&fake, GROWN);
    expect_grown(GROWN);
}

/* When the bits of the arena have been read. */
static void grow_when_a_span_is_looked_for(struct fake_heap *self, uintptr_t address, uint64_t bytes)
{
    uintptr_t entry = self->arenas[1].heap_arena + self->layout->heap_arena_spans.offset_bytes;
    if (changes_left == 0 || bytes < 8 * 8 || address != entry)
        return;
    changes_left--;
    grow_by_a_span(self, GROWN);
}

Test(heap_walk_torn, a_span_in_a_chunk_that_the_heap_takes_meanwhile_is_found)
{
    const struct heap_arena *arena;
    open_heap(FAKE_SWEPT);
    fake_heap_add_arena(&fake, GROWN, false);
    fake.hook = grow_when_a_span_is_looked_for;
    changes_left = 1;
    arena = heap_walk_arena(&walk, GROWN);
    cr_assert_not_null(arena);
    cr_expect_eq(changes_left, 0u);
    cr_assert_geq(arena->runs_count, 2u);
    cr_expect_eq(arena->runs[0].kind, PAGE_RESERVED);
    cr_expect_eq(arena->runs[1].kind, PAGE_OBJECTS);
    cr_expect_eq(arena->runs[1].start, GROWN + 3 * GO_PAGE_BYTES);
    cr_expect_eq(walk.counters.spans_untrusted, 0u);
}

/* A table that names spans where the page allocator has nothing costs a few looks, not one for each. */
Test(heap_walk_torn, spans_that_the_page_allocator_does_not_have_cost_few_reads)
{
    open_heap(FAKE_SWEPT);
    fake_heap_add_arena(&fake, GROWN, false);
    fake_heap_grow(&fake, GROWN, GO_ARENA_BYTES);
    for (unsigned i = 0; i < 1000; i++)
        fake_heap_add_span(&fake, GROWN + i * GO_PAGE_BYTES, &FAKE_CLASS[0], false, FAKE_SWEPT);
    fake_heap_put(&fake, fake.in_use + 8, GROWN, 8); /* the end of its one range */
    fake.reads = 0;
    const struct heap_arena *arena = heap_walk_arena(&walk, GROWN);
    cr_assert_not_null(arena);
    cr_expect_eq(arena->runs_count, 1u);
    cr_expect_lt(fake.reads, 200u, "%" PRIu64, fake.reads);
}
