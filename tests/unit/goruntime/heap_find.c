/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding mheap_ and its companions in a binary of every version, and refusing what does not agree.
 */
#include "goruntime/heap_find.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
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

/* Each looks like allp until its last P: 65,536 of them, 64 bytes apart in one another's memory. */
static void put_false_allps(void)
{
    enum { PS = 1 << 16, P_STEP_BYTES = 64 };
    const struct go_layout *layout = fake.layout;
    uintptr_t array = fake_heap_take(&fake, PS * sizeof(uint64_t));
    uintptr_t ps = fake_heap_take(&fake, (uint64_t)PS * P_STEP_BYTES + layout->p_bytes);
    uint64_t mcache = fake_heap_get(&fake, fake.p[0] + layout->p_mcache.offset_bytes, 8);
    for (uint64_t i = 0; i < PS - 1; i++) {
        uintptr_t p = ps + i * P_STEP_BYTES;
        fake_heap_put(&fake, array + i * 8, p, 8);
        fake_heap_put_field(&fake, p, layout->p_mcache, mcache);
        fake_heap_put_field(&fake, p, layout->p_id, i);
        fake_heap_put_field(&fake, p, layout->p_status, 0);
    }
    for (uintptr_t at = fake.bss_start + 0x8000; at + 24 < fake.mheap; at += 24) {
        fake_heap_put(&fake, at, array, 8);
        fake_heap_put(&fake, at + 8, PS, 8);
        fake_heap_put(&fake, at + 16, PS, 8);
    }
}

Test(heap_find, a_bss_full_of_what_looks_like_allp_costs_so_many_reads_and_no_more)
{
    enum { READS_MAX = 300000 };
    open_heap(newest());
    put_false_allps();
    fake_heap_put_field(&fake, fake.p[1], fake.layout->p_id, 7);
    fake.reads = 0;
    cr_expect(find());
    cr_expect_eq(found.allp, 0u);
    cr_expect_gt(fake.reads, 1u << 16, "the false ones were looked at");
    cr_expect_lt(fake.reads, READS_MAX, "%" PRIu64, fake.reads);
}

/* mgcpacer.go:setGCPercent takes any int32. */
Test(heap_find, every_legal_gogc_is_believed)
{
    static const int32_t PERCENTS[] = {-1, 0, 1, 100, 1 << 24, (1 << 24) + 1, INT32_MAX};
    for (unsigned row = 0; row < GO_LAYOUTS_COUNT; row++) {
        for (unsigned i = 0; i < sizeof PERCENTS / sizeof PERCENTS[0]; i++) {
            open_heap(&GO_LAYOUTS[row]);
            uintptr_t expected = fake_heap_described(&fake).gc.gc_controller;
            fake_heap_put_field(&fake, fake.bss_start + FAKE_CONTROLLER, fake.layout->gc_percent,
                                (uint32_t)PERCENTS[i]);
            cr_assert(find(), "%s: %s", fake.version, found.why);
            cr_expect_eq(found.gc.gc_controller, expected, "%s: %" PRId32, fake.version, PERCENTS[i]);
        }
    }
}

Test(heap_find, globals_that_hold_nonsense_are_not_read)
{
    const struct go_layout *layout = newest();
    const struct {
        struct layout_field field;
        uint64_t value;
    } CASES[] = {
        {layout->gc_percent, (uint32_t)-2},    {layout->gc_percent, (uint32_t)INT32_MIN},
        {layout->gc_memory_limit, UINT64_MAX}, {layout->gc_heap_in_use, 1ull << 48},
        {layout->gc_heap_marked, 1ull << 50},  {layout->gc_heap_free, 1ull << 63},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        open_heap(layout);
        fake_heap_put_field(&fake, fake.bss_start + FAKE_CONTROLLER, CASES[i].field, CASES[i].value);
        cr_expect(find());
        cr_expect_eq(found.gc.gc_controller, 0u, "case %u", i);
    }
    open_heap(layout);
    fake_heap_put(&fake, fake.bss_start + FAKE_GC_PHASE, 77, 4);
    cr_expect(find());
    cr_expect_eq(found.gc.phase, 0u);
}

/* A reason names what was not found, where, and what to do. */
Test(heap_find, reasons_name_the_place)
{
    char place[32];
    open_heap(&GO_LAYOUTS[0]);
    go_image_put_u64(&fake.image, GO_IMAGE_MODULE, 0);
    expect_refusal("no firstmoduledata in the module points to its .gopclntab at 0x");
    snprintf(place, sizeof place, "at %#" PRIxPTR ": ", runtime.pclntab.start);
    expect_refusal(place);
    open_heap(newest());
    cr_assert(runtime_find(&runtime, &fake.reader, fake.image.base, "/nonexistent/program", scratch));
    runtime.has_pclntab = false;
    cr_expect_not(heap_find(&found, &runtime, &fake.reader, scratch));
    cr_expect_not_null(strstr(found.why, "no .gopclntab was found in the module at 0x555555554000: "), "%s", found.why);
}

Test(heap_find, a_reason_is_never_longer_than_its_place)
{
    char much[2 * LAYOUT_WHY_BYTES];
    struct go_heap heap = {.layout = newest()};
    memset(much, 'x', sizeof much - 1);
    much[sizeof much - 1] = '\0';
    go_heap_refuse(&heap, "at ", UINTPTR_MAX, much);
    cr_expect_null(heap.layout);
    cr_expect_eq(strlen(heap.why), LAYOUT_WHY_BYTES - 1u);
    cr_expect_eq(memcmp(heap.why, "at 0xffffffffffffffffx", 22), 0, "%s", heap.why);
    go_heap_refuse(&heap, "at ", 0, "");
    cr_expect_str_eq(heap.why, "at 0x0");
}
