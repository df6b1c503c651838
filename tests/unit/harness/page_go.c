/* SPDX-License-Identifier: Apache-2.0
 *
 * One address of a heap that a test makes up, in the layout of every version: what is said of it is what was put there.
 */
#include "harness/page_go.h"

#include <criterion/criterion.h>

#include "memory/units.h"
#include "tests/unit/support/fake_heap.h"

static struct fake_heap fake;
static struct go_heap heap;
static struct heap_book book;
static struct bump bump;

static void open_heap(const struct go_layout *layout)
{
    fake_heap_open(&fake, layout, FAKE_TABLES);
}

static void open_book(void)
{
    heap = fake_heap_described(&fake);
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, 256 << 20), 0);
    book = (struct heap_book){.heap = &heap};
    cr_assert(heap_walk_open(&book.walk, &heap, &bump));
}

static struct go_page look(uintptr_t address)
{
    struct go_page page;
    cr_assert(page_go_look(&page, &book, address, 4096), "go1.%u: %lx", fake.layout->go_minor, address);
    return page;
}

static enum sweep_relation relation_of(enum fake_sweep sweep)
{
    switch (sweep) {
    case FAKE_UNSWEPT:
        return SWEEP_NEEDED;
    case FAKE_BEING_SWEPT:
        return SWEEP_UNDER_WAY;
    case FAKE_SWEPT:
        return SWEEP_DONE;
    case FAKE_CACHED_UNSWEPT:
        return SWEEP_CACHED_BEFORE;
    case FAKE_CACHED:
        return SWEEP_CACHED;
    }
    return SWEEP_NOT_KNOWN;
}

/* ---- everything that a heap can hold ---- */

static void check_span(const struct fake_span *span)
{
    for (uint64_t i = 0; i < span->slots; i++) {
        uintptr_t address = span->start + i * span->slot_bytes + span->slot_bytes / 2;
        struct go_page page = look(address);
        cr_assert_eq(page.kind, PAGE_OBJECTS);
        cr_assert(page.has_span && page.mspan == span->mspan && page.span.start == span->start);
        cr_assert_eq(page.sweep, relation_of(span->sweep));
        cr_assert(page.slot.is_slot && page.slot.number == i);
        cr_assert_eq(page.slot.start, span->start + i * span->slot_bytes);
        cr_assert_eq(page.slot.end, page.slot.start + span->slot_bytes);
        cr_assert_eq(page.slot.is_allocated, fake_span_is_allocated(&fake, span, i) ? ANSWER_YES : ANSWER_NO,
                     "slot %lu of %lx", i, span->start);
        cr_assert_eq(page.start, align_down(address, GO_PAGE_BYTES));
        cr_assert_eq(page.number, (address - page.arena) / GO_PAGE_BYTES);
    }
    uintptr_t tail = span->start + span->slots * span->slot_bytes;
    if (tail < span->start + span->pages * GO_PAGE_BYTES)
        cr_assert(!look(tail).slot.is_slot, "behind the last slot of %lx", span->start);
}

Test(page_go, every_slot_is_what_was_put_there_in_every_layout)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_heap(&GO_LAYOUTS[i]);
        fake_heap_add_arena(&fake, FAKE_ARENAS, false);
        fake_heap_grow(&fake, FAKE_ARENAS, FAKE_CHUNK_BYTES);
        uintptr_t at = FAKE_ARENAS;
        static const enum fake_sweep SWEEPS[] = {FAKE_UNSWEPT, FAKE_BEING_SWEPT, FAKE_SWEPT, FAKE_CACHED_UNSWEPT,
                                                 FAKE_CACHED};
        uint32_t first = fake.spans_count;
        for (unsigned k = 0; k < sizeof SWEEPS / sizeof SWEEPS[0]; k++) {
            struct fake_span *span = fake_heap_add_span(&fake, at, &FAKE_CLASS[1 + 2 * k], k % 2 == 0, SWEEPS[k]);
            for (uint64_t slot = 0; slot < span->slots; slot += 3)
                fake_span_set(&fake, span, slot, true);
            fake_span_set_free_index(&fake, span, span->slots / 2);
            at += span->pages * GO_PAGE_BYTES;
        }
        open_book();
        for (uint32_t k = first; k < fake.spans_count; k++)
            check_span(&fake.spans[k]);
    }
}

Test(page_go, every_page_has_the_kind_that_was_put_there)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_heap(&GO_LAYOUTS[i]);
        fake_heap_populate(&fake, FAKE_ARENAS, 7);
        open_book();
        uint64_t seen[PAGE_UNTRUSTED + 1] = {0};
        for (uint32_t a = 0; a < fake.arenas_count; a++) {
            for (uint64_t page = 0; page < GO_ARENA_PAGES; page += 61) {
                uintptr_t address = fake.arenas[a].start + page * GO_PAGE_BYTES;
                enum heap_page_kind kind = fake_heap_kind(&fake, address);
                cr_assert_eq(look(address).kind, kind, "go1.%u: %lx", fake.layout->go_minor, address);
                seen[kind]++;
            }
        }
        cr_assert(seen[PAGE_FREE] != 0 && seen[PAGE_OBJECTS] != 0 && seen[PAGE_RESERVED] != 0 &&
                  seen[PAGE_RELEASED] != 0);
    }
}

/* ---- marks ---- */

struct marked {
    struct fake_span *span;
    uintptr_t mark_bits;
};

/* A span of four slots: 0 below freeindex without a bit, 1 and 3 with one, 2 free. Marked: 0 and 1. */
static struct marked open_marked(const struct go_layout *layout, enum fake_sweep sweep, bool is_inline)
{
    struct marked marked;
    open_heap(layout);
    fake_heap_add_arena(&fake, FAKE_ARENAS, false);
    fake_heap_grow(&fake, FAKE_ARENAS, FAKE_CHUNK_BYTES);
    marked.span = fake_heap_add_span(&fake, FAKE_ARENAS, &FAKE_CLASS[4], true, sweep);
    cr_assert_geq(marked.span->slots, 4u);
    fake_span_set(&fake, marked.span, 1, true);
    fake_span_set(&fake, marked.span, 3, true);
    fake_span_set_free_index(&fake, marked.span, 1);
    marked.mark_bits = fake_heap_take(&fake, 128);
    fake_heap_put(&fake, marked.mark_bits, 3, 1);
    fake_heap_put_field(&fake, marked.span->mspan, layout->mspan_mark_bits, marked.mark_bits);
    if (is_inline)
        fake_heap_put(&fake, fake.arenas[0].heap_arena + layout->heap_arena_inline_marks.offset_bytes, 1, 1);
    open_book();
    return marked;
}

static struct go_slot slot_of(const struct marked *marked, uint64_t number)
{
    return look(marked->span->start + number * marked->span->slot_bytes).slot;
}

static void check_marks(const struct marked *marked, const enum answer expected[4], const char *what)
{
    for (uint64_t i = 0; i < 4; i++)
        cr_expect_eq(slot_of(marked, i).is_marked, expected[i], "%s: slot %lu of go1.%u: %s", what, i,
                     fake.layout->go_minor, slot_of(marked, i).marked_by);
}

Test(page_go, marks_of_a_swept_span_are_its_allocation_bits)
{
    static const enum answer SWEPT[4] = {ANSWER_NO, ANSWER_YES, ANSWER_NO, ANSWER_YES};
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        struct marked marked = open_marked(&GO_LAYOUTS[i], FAKE_SWEPT, false);
        check_marks(&marked, SWEPT, "swept");
        cr_expect_str_eq(slot_of(&marked, 0).marked_by, "allocated since then");
        cr_expect_str_eq(slot_of(&marked, 2).marked_by, "there is no object");
        marked = open_marked(&GO_LAYOUTS[i], FAKE_CACHED, false);
        check_marks(&marked, SWEPT, "cached");
        if (GO_LAYOUTS[i].heap_arena_inline_marks.bytes == 0)
            continue;
        marked = open_marked(&GO_LAYOUTS[i], FAKE_SWEPT, true);
        check_marks(&marked, SWEPT, "swept, inline");
    }
}

Test(page_go, marks_of_a_span_that_waits_for_the_sweep_are_its_mark_bits_unless_they_are_inline)
{
    static const enum answer UNSWEPT[4] = {ANSWER_YES, ANSWER_YES, ANSWER_NO, ANSWER_NO};
    static const enum answer NOTHING[4] = {0};
    bool has_inline = false;
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        struct marked marked = open_marked(&GO_LAYOUTS[i], FAKE_UNSWEPT, false);
        check_marks(&marked, UNSWEPT, "unswept");
        cr_expect_eq(slot_of(&marked, 3).is_allocated, ANSWER_YES, "it is dead, but that only the sweep will see");
        marked = open_marked(&GO_LAYOUTS[i], FAKE_CACHED_UNSWEPT, false);
        check_marks(&marked, UNSWEPT, "cached before");
        marked = open_marked(&GO_LAYOUTS[i], FAKE_BEING_SWEPT, false);
        check_marks(&marked, NOTHING, "being swept");
        if (GO_LAYOUTS[i].heap_arena_inline_marks.bytes == 0)
            continue;
        has_inline = true;
        marked = open_marked(&GO_LAYOUTS[i], FAKE_UNSWEPT, true);
        check_marks(&marked, NOTHING, "unswept, inline");
        cr_expect(look(marked.span->start).has_inline_marks);
    }
    cr_expect(has_inline, "no layout knows inline marks");
}

Test(page_go, marks_of_now_are_told_while_a_collection_runs)
{
    struct marked marked = open_marked(&GO_LAYOUTS[0], FAKE_SWEPT, false);
    cr_expect_not(slot_of(&marked, 0).is_marking);
    fake_heap_put(&fake, fake.bss_start + FAKE_GC_PHASE, GC_MARK, 4);
    struct go_slot slot = slot_of(&marked, 0);
    cr_expect(slot.is_marking && slot.is_marked_now == ANSWER_YES && slot.is_marked == ANSWER_NO);
    slot = slot_of(&marked, 3);
    cr_expect(slot.is_marking && slot.is_marked_now == ANSWER_NO && slot.is_marked == ANSWER_YES);
}

Test(page_go, before_the_first_collection_nothing_is_marked)
{
    struct marked marked = open_marked(&GO_LAYOUTS[0], FAKE_SWEPT, false);
    const struct go_layout *layout = fake.layout;
    fake_heap_put_field(&fake, fake.mheap, layout->mheap_sweepgen, 0);
    fake_heap_put_field(&fake, marked.span->mspan, layout->mspan_sweepgen, 0);
    struct go_slot slot = slot_of(&marked, 1);
    cr_expect_eq(slot.is_marked, ANSWER_NO);
    cr_expect_str_eq(slot.marked_by, "no collection has ended yet");
}

Test(page_go, unreadable_bits_are_no_answer)
{
    struct marked marked = open_marked(&GO_LAYOUTS[0], FAKE_UNSWEPT, false);
    fake_heap_hide(&fake, marked.mark_bits, 128);
    struct go_slot slot = slot_of(&marked, 1);
    cr_expect_eq(slot.is_marked, ANSWER_NOT_KNOWN);
    cr_expect_str_eq(slot.marked_by, "gcmarkBits cannot be read");
}

/* ---- a program that goes on ---- */

static uintptr_t changing;
static unsigned changes_left;

/* Whoever reads the mark bits finds, a moment later, other ones: the span was swept meanwhile. */
static void sweep_behind(struct fake_heap *some, uintptr_t address, uint64_t bytes)
{
    if (bytes != 1 || address != changing || changes_left == 0)
        return;
    changes_left--;
    struct layout_field field = some->layout->mspan_mark_bits;
    uint64_t old = fake_heap_get(some, some->spans[0].mspan + field.offset_bytes, 8);
    changing = old + 16;
    fake_heap_put_field(some, some->spans[0].mspan, field, changing);
}

Test(page_go, span_that_is_swept_meanwhile_is_read_again)
{
    struct marked marked = open_marked(&GO_LAYOUTS[0], FAKE_UNSWEPT, false);
    changing = marked.mark_bits;
    changes_left = 1;
    fake.hook = sweep_behind;
    struct go_slot slot = slot_of(&marked, 1);
    cr_expect_eq(changes_left, 0u);
    cr_expect_eq(slot.is_marked, ANSWER_NO, "of the bits that it has now");
}

Test(page_go, span_that_never_rests_is_not_trusted)
{
    struct marked marked = open_marked(&GO_LAYOUTS[0], FAKE_UNSWEPT, false);
    changing = marked.mark_bits;
    changes_left = 1000;
    fake.hook = sweep_behind;
    struct go_page page = look(marked.span->start);
    cr_expect_eq(page.kind, PAGE_UNTRUSTED);
    cr_expect(!page.has_span && !page.slot.is_slot && !page.has_objects);
    fake.hook = NULL;
}

Test(page_go, arena_that_cannot_be_read_is_said_so)
{
    struct marked marked = open_marked(&GO_LAYOUTS[0], FAKE_SWEPT, false);
    struct go_page page;
    fake_heap_hide(&fake, fake.arenas[0].heap_arena, fake.layout->heap_arena_bytes);
    cr_expect_not(page_go_look(&page, &book, marked.span->start, 4096));
}

Test(page_go, relation_of_generations)
{
    cr_expect_eq(sweep_relation_of(4, 6), SWEEP_NEEDED);
    cr_expect_eq(sweep_relation_of(5, 6), SWEEP_UNDER_WAY);
    cr_expect_eq(sweep_relation_of(6, 6), SWEEP_DONE);
    cr_expect_eq(sweep_relation_of(7, 6), SWEEP_CACHED_BEFORE);
    cr_expect_eq(sweep_relation_of(8, 6), SWEEP_NOT_KNOWN);
    cr_expect_eq(sweep_relation_of(9, 6), SWEEP_CACHED);
    cr_expect_eq(sweep_relation_of(UINT32_MAX, 1), SWEEP_NEEDED, "they wrap");
}
