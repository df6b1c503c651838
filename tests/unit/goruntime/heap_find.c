/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding mheap_ and its companions in a binary of every version, and refusing what does not agree.
 */
#include "goruntime/heap_find.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/support/fake_heap.h"

static struct fake_heap fake;
static struct go_runtime runtime;
static struct go_heap found;
static _Alignas(16) uint8_t scratch[RUNTIME_FIND_SCRATCH_BYTES];

static void open_heap(const struct go_layout *layout)
{
    fake_heap_open(&fake, layout, FAKE_TABLES);
    fake_heap_populate(&fake, FAKE_ARENAS, 7);
}

static bool find(void)
{
    cr_assert(runtime_find(&runtime, &fake.reader, fake.image.base, "/nonexistent/program", scratch));
    return heap_find(&found, &runtime, &fake.reader, scratch);
}

static void expect_refusal(const char *said)
{
    cr_expect_not(find(), "\"%s\" was expected", said);
    cr_expect_null(found.layout);
    cr_expect_not_null(strstr(found.why, said), "\"%s\" does not say \"%s\"", found.why, said);
}

static const struct go_layout *newest(void)
{
    const struct go_layout *row = &GO_LAYOUTS[0];
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        if (GO_LAYOUTS[i].go_minor >= row->go_minor && GO_LAYOUTS[i].experiment == NULL)
            row = &GO_LAYOUTS[i];
    }
    return row;
}

Test(heap_find, every_version_is_found_as_it_lies)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        open_heap(&GO_LAYOUTS[i]);
        struct go_heap truth = fake_heap_described(&fake);
        cr_assert(find(), "%s: %s", fake.version, found.why);
        cr_expect_eq(found.layout, truth.layout, "%s", fake.version);
        cr_expect_eq(found.mheap, truth.mheap, "%s", fake.version);
        cr_expect_eq(found.arena_map, truth.arena_map, "%s", fake.version);
        cr_expect_eq(found.allp, truth.allp, "%s", fake.version);
        cr_expect_eq(found.memstats, truth.memstats, "%s", fake.version);
        cr_expect_eq(found.gc.phase, truth.gc.phase, "%s", fake.version);
        cr_expect_eq(found.gc.gc_controller, truth.gc.gc_controller, "%s", fake.version);
        cr_expect_eq(found.mem_profile_rate, truth.mem_profile_rate, "%s", fake.version);
        cr_expect_eq(found.text_start, truth.text_start, "%s", fake.version);
        cr_expect_eq(found.text_end, truth.text_end, "%s", fake.version);
    }
}

Test(heap_find, an_arena_on_the_list_that_is_not_in_the_map_is_not_believed)
{
    open_heap(newest());
    uint64_t index = (fake.arenas[1].start - GO_ARENA_BASE_OFFSET) / GO_ARENA_BYTES;
    fake_heap_put(&fake, fake.arena_map + index * 8, 0, 8);
    expect_refusal("do not stand in its arena map");
}

Test(heap_find, a_runtime_that_has_not_begun_is_not_found_and_may_be_later)
{
    open_heap(newest());
    uintptr_t summary =
        fake.mheap + fake.layout->mheap_pages.offset_bytes + fake.layout->page_alloc_summary.offset_bytes;
    uint64_t capacity = fake_heap_get(&fake, summary + 16, 8);
    fake_heap_put(&fake, summary + 16, 0, 8);
    expect_refusal("page allocator was not found");
    fake_heap_put(&fake, summary + 16, capacity, 8);
    cr_expect(find());
}

Test(heap_find, a_second_page_allocator_makes_both_doubtful)
{
    open_heap(newest());
    uintptr_t summary =
        fake.mheap + fake.layout->mheap_pages.offset_bytes + fake.layout->page_alloc_summary.offset_bytes;
    memcpy(fake_heap_at(&fake, fake.bss_start + 0x8000), fake_heap_at(&fake, summary), 5 * 24);
    expect_refusal("page allocator was not found");
}

/* Without the Ps the heap is walked all the same: what their page caches hold counts as in use. */
Test(heap_find, ps_that_do_not_know_their_number_are_no_ps)
{
    open_heap(newest());
    fake_heap_put_field(&fake, fake.p[1], fake.layout->p_id, 7);
    cr_expect(find());
    cr_expect_eq(found.allp, 0u);
}

Test(heap_find, globals_that_hold_nonsense_are_not_read)
{
    open_heap(newest());
    fake_heap_put(&fake, fake.bss_start + FAKE_GC_PHASE, 77, 4);
    fake_heap_put_field(&fake, fake.bss_start + FAKE_CONTROLLER, fake.layout->gc_percent, 0x7fffffff);
    cr_expect(find());
    cr_expect_eq(found.gc.phase, 0u);
    cr_expect_eq(found.gc.gc_controller, 0u);
}
