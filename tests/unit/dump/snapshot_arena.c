/* SPDX-License-Identifier: Apache-2.0
 *
 * The join on a Go arena that the test makes up in its own process: reserved, put to use, given back, resident again.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include "dump/page_string.h"
#include "gopagewatch/page_state.h"
#include "tests/unit/support/own_snapshot.h"

enum { OS_PAGE_BYTES = 4096, USED_BYTES = 4 << 20, USED_PAGES = USED_BYTES / (int)GO_PAGE_BYTES };

static struct own_snapshot own;
static uint8_t *arena;

/* As Go does it: 64 MiB reserved, 4 MiB put to use. */
static void make_arena(void)
{
    own_snapshot_open(&own);
    arena = reserve_aligned(GO_ARENA_BYTES);
    shadow_mark_arena(&own.shadow, (uintptr_t)arena, GO_ARENA_BYTES);
    void *used = mmap(arena, USED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    cr_assert_eq(used, arena);
    madvise(arena, USED_BYTES, MADV_NOHUGEPAGE);
    shadow_mark_mapped(&own.shadow, (uintptr_t)arena, USED_BYTES, ORIGIN_GO, true, 0);
}

TestSuite(snapshot_arena, .init = make_arena);

static uint8_t *page(unsigned index)
{
    return arena + (uint64_t)index * GO_PAGE_BYTES;
}

static void advise(unsigned first, unsigned pages, int value, enum advice advice)
{
    cr_assert_eq(madvise(page(first), pages * GO_PAGE_BYTES, value), 0);
    shadow_mark_advised(&own.shadow, (uintptr_t)page(first), pages * GO_PAGE_BYTES, advice, 0);
}

static const struct arena *only_arena(void)
{
    cr_assert_eq(own.snapshot.arenas_count, 1);
    cr_assert_eq(own.snapshot.arenas[0]->start, (uintptr_t)arena);
    return own.snapshot.arenas[0];
}

static void expect_pages(const char *expected)
{
    static char text[GO_ARENA_PAGES + 1];
    page_string_encode(only_arena()->states, GO_ARENA_PAGES, text);
    cr_expect_str_eq(text, expected);
}

static void expect_class(enum memory_class memory_class, uint64_t mapped_bytes, uint64_t resident_bytes)
{
    const struct class_sizes *sizes = &own.snapshot.classes[memory_class];
    cr_expect_eq(sizes->mapped_bytes, mapped_bytes, "class %d: %lu mapped", memory_class, sizes->mapped_bytes);
    cr_expect_eq(sizes->resident_bytes, resident_bytes, "class %d: %lu resident", memory_class, sizes->resident_bytes);
}

Test(snapshot_arena, that_was_never_touched_is_heap_and_reserved)
{
    own_snapshot_take(&own);
    expect_pages("h512x7680");
    expect_class(CLASS_GO_HEAP, USED_BYTES, 0);
    expect_class(CLASS_GO_RESERVED, GO_ARENA_BYTES - USED_BYTES, 0);
    expect_class(CLASS_GO_RELEASED, 0, 0);
    cr_expect_eq(only_arena()->resident_bytes, 0);
}

Test(snapshot_arena, pages_are_released_until_they_are_resident_again)
{
    memset(page(0), 1, 10 * GO_PAGE_BYTES);
    advise(4, 4, MADV_DONTNEED, ADVICE_DONTNEED);
    page(5)[0] = 1;              /* by Go or by the kernel: nobody can tell */
    page(10)[OS_PAGE_BYTES] = 1; /* the upper half alone */
    own_snapshot_take(&own);
    expect_pages("H4rHr2H3h501x7680");
    uint64_t resident = 6 * GO_PAGE_BYTES + 2 * OS_PAGE_BYTES;
    cr_expect_eq(only_arena()->resident_bytes, resident);
    /* The half of page 5 that was not touched is released still. */
    uint64_t released = 3 * GO_PAGE_BYTES + OS_PAGE_BYTES;
    expect_class(CLASS_GO_HEAP, USED_BYTES - released, resident);
    expect_class(CLASS_GO_RELEASED, released, 0);
    expect_class(CLASS_GO_RESERVED, GO_ARENA_BYTES - USED_BYTES, 0);
}

Test(snapshot_arena, that_lie_side_by_side_are_told_apart)
{
    uint8_t *second = reserve_aligned(2ull * GO_ARENA_BYTES);
    shadow_mark_arena(&own.shadow, (uintptr_t)second, 2ull * GO_ARENA_BYTES);
    uint8_t *boundary = second + GO_ARENA_BYTES;
    cr_assert_eq(mprotect(boundary - 2 * GO_PAGE_BYTES, 4 * GO_PAGE_BYTES, PROT_READ | PROT_WRITE), 0);
    madvise(boundary - 2 * GO_PAGE_BYTES, 4 * GO_PAGE_BYTES, MADV_NOHUGEPAGE);
    shadow_mark_mapped(&own.shadow, (uintptr_t)boundary - 2 * GO_PAGE_BYTES, 4 * GO_PAGE_BYTES, ORIGIN_GO, true, 0);
    memset(boundary - GO_PAGE_BYTES, 1, 2 * GO_PAGE_BYTES);
    own_snapshot_take(&own);
    cr_assert_eq(own.snapshot.arenas_count, 3);
    unsigned found = 0;
    for (uint64_t i = 0; i < 3; i++) {
        const struct arena *each = own.snapshot.arenas[i];
        cr_expect(i == 0 || own.snapshot.arenas[i - 1]->start < each->start, "by address");
        if (each->start == (uintptr_t)second) {
            cr_expect_eq(each->resident_bytes, GO_PAGE_BYTES);
            cr_expect_eq(each->states[GO_ARENA_PAGES - 1], 'H');
            cr_expect_eq(each->states[GO_ARENA_PAGES - 2], 'h');
            cr_expect_eq(each->states[GO_ARENA_PAGES - 3], 'x');
            found++;
        } else if (each->start == (uintptr_t)boundary) {
            cr_expect_eq(each->resident_bytes, GO_PAGE_BYTES);
            cr_expect_eq(each->states[0], 'H');
            cr_expect_eq(each->states[1], 'h');
            cr_expect_eq(each->states[2], 'x');
            found++;
        }
    }
    cr_expect_eq(found, 2);
}

/* The kernel marks lazily freed pages in batches: the last 31 on a CPU may not be marked yet. */
Test(snapshot_arena, lazily_freed_pages_are_released_and_resident)
{
    const uint64_t freed = 256 * GO_PAGE_BYTES, reused = 64 * GO_PAGE_BYTES, lag = 31 * OS_PAGE_BYTES;
    memset(arena, 1, USED_BYTES);
    advise(0, 256, MADV_FREE, ADVICE_FREE);
    memset(arena, 1, reused);
    own.source.may_be_lazily_freed = true;
    own_snapshot_take(&own);
    cr_expect_eq(own.snapshot.smaps_error, 0);
    const struct class_sizes *released = &own.snapshot.classes[CLASS_GO_RELEASED];
    const struct class_sizes *heap = &own.snapshot.classes[CLASS_GO_HEAP];
    cr_expect_eq(released->resident_bytes, released->lazyfree_bytes);
    cr_expect_leq(released->lazyfree_bytes, freed - reused);
    cr_expect_geq(released->lazyfree_bytes, freed - reused - lag);
    cr_expect_eq(released->resident_bytes + heap->resident_bytes, USED_BYTES);
    expect_pages("R256H256x7680");
}

Test(snapshot_arena, memory_of_c_inside_an_arena_is_c_memory)
{
    memset(arena, 1, 8 * GO_PAGE_BYTES);
    shadow_mark_mapped(&own.shadow, (uintptr_t)page(2), 2 * GO_PAGE_BYTES, ORIGIN_C, true, 0);
    own_snapshot_take(&own);
    const struct map_row *row = own_snapshot_row(&own, arena, CLASS_C_MMAP);
    cr_assert_not_null(row);
    cr_expect_eq(row->sizes.resident_bytes, 2 * GO_PAGE_BYTES);
    expect_class(CLASS_GO_HEAP, USED_BYTES - 2 * GO_PAGE_BYTES, 6 * GO_PAGE_BYTES);
    cr_expect_eq(only_arena()->resident_bytes, 6 * GO_PAGE_BYTES);
}

Test(snapshot_arena, without_a_shadow_table_there_are_no_arenas)
{
    memset(arena, 1, GO_PAGE_BYTES);
    own.source.shadow = NULL;
    own_snapshot_take(&own);
    cr_expect_eq(own.snapshot.arenas_count, 0);
    cr_expect_not_null(own_snapshot_row(&own, arena, CLASS_OTHER));
}
