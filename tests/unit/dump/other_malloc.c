/* SPDX-License-Identifier: Apache-2.0
 *
 * Another malloc's memory: which call sites are its, and that what is shared out adds up.
 */
#include "dump/other_malloc.h"

#include <criterion/criterion.h>
#include <string.h>

#include "dump/snapshot.h"
#include "preload/events.h"

enum { MODULE = 0x10000, MODULE_END = 0x20000, ELSEWHERE = 0x30000, MAPPINGS = 3, MIB = 1 << 20 };

static struct bump bump;

static void open_bump(void)
{
    cr_assert_eq(bump_open(&bump, 64 << 20), 0);
}

TestSuite(other_malloc, .init = open_bump);

static uint16_t call(struct callsites *sites, enum event_operation operation, enum shadow_origin by, uintptr_t caller)
{
    const struct call_kind kind = {(uint8_t)operation, (uint8_t)by, 3};
    uint16_t site = callsites_intern(sites, &kind, &caller, 1);
    callsites_count(sites, site, 4096, 0, 1);
    return site;
}

Test(other_malloc, its_sites_are_mappings_from_its_module)
{
    struct region region;
    struct callsites sites = {0};
    cr_assert(region_open(&region, 64 << 20));
    cr_assert(callsites_open(&sites, &region));
    uint16_t its = call(&sites, EVENT_MMAP, ORIGIN_C, MODULE + 8), late = call(&sites, EVENT_MREMAP, ORIGIN_C, MODULE);
    uint16_t others[] = {
        call(&sites, EVENT_MMAP, ORIGIN_C, ELSEWHERE),
        call(&sites, EVENT_MMAP, ORIGIN_C, MODULE_END),
        call(&sites, EVENT_MADVISE, ORIGIN_C, MODULE + 8),
        call(&sites, EVENT_MMAP, ORIGIN_GO, MODULE + 8),
    };
    struct other_malloc other = {.name = "jemalloc", .start = MODULE, .end = MODULE_END};
    const bool *is_its = other_malloc_sites(&other, &sites, &bump);
    cr_assert_not_null(is_its);
    cr_expect(is_its[its] && is_its[late]);
    cr_expect(!is_its[CALLSITE_NONE] && !is_its[CALLSITE_LOST]);
    for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_expect_not(is_its[others[i]], "%u", i);
    /* Inside of the program only those that were at it before the program's own code. */
    uintptr_t early = MODULE;
    other = (struct other_malloc){.name = "jemalloc", .start = MODULE, .end = MODULE_END, .is_in_program = true};
    other.callers = &early;
    other.callers_count = 1;
    is_its = other_malloc_sites(&other, &sites, &bump);
    cr_expect(!is_its[its] && is_its[late]);
    /* Nobody, or nothing to tell. */
    cr_expect_null(other_malloc_sites(NULL, &sites, &bump));
    cr_expect_null(other_malloc_sites(&(struct other_malloc){0}, &sites, &bump));
    cr_expect_null(other_malloc_sites(&other, &(struct callsites){0}, &bump));
}

struct made {
    struct vma vmas[MAPPINGS];
    struct map_row rows[MAPPINGS];
    struct snapshot snapshot;
};

/* The second mapping is glibc's, of the third a part. */
static void make(struct made *made)
{
    static const struct class_sizes SIZES[MAPPINGS] = {
        {64 * MIB, 48 * MIB + 4096, 0, 2 * MIB, 0}, {8 * MIB, 7 * MIB, 0, 0, 0}, {33 * MIB, 17 * MIB, 2 * MIB, 0, 0}};
    static const struct class_sizes PARTS[MAPPINGS] = {
        {64 * MIB, 48 * MIB + 4096, 0, 2 * MIB, 0}, {0}, {32 * MIB, 16 * MIB, 2 * MIB, 0, 0}};
    memset(made, 0, sizeof *made);
    for (int i = 0; i < MAPPINGS; i++) {
        made->rows[i] = (struct map_row){.vma = &made->vmas[i], .memory_class = CLASS_C_HEAP_USED, .sizes = SIZES[i]};
        made->rows[i].of_other_malloc = PARTS[i];
        made->rows[i].next = i + 1 < MAPPINGS ? &made->rows[i + 1] : NULL;
        class_sizes_add(&made->snapshot.classes[CLASS_C_HEAP_USED], &SIZES[i]);
    }
    made->snapshot.rows = &made->rows[0];
}

static void expect_sums(const struct made *made, const char *what)
{
    struct class_sizes sums[CLASS_COUNT] = {0}, all = {0}, before = {0};
    struct made unchanged;
    for (const struct map_row *row = made->snapshot.rows; row != NULL; row = row->next) {
        class_sizes_add(&sums[row->memory_class], &row->sizes);
        class_sizes_add(&all, &row->sizes);
        cr_expect_geq(row->sizes.mapped_bytes, row->sizes.resident_bytes + row->sizes.swapped_bytes, "%s", what);
        cr_expect_leq(row->sizes.mapped_bytes, 64u * MIB, "%s", what);
    }
    for (int i = 0; i < CLASS_COUNT; i++)
        cr_expect_eq(memcmp(&sums[i], &made->snapshot.classes[i], sizeof sums[i]), 0, "%s: class %d", what, i);
    make(&unchanged);
    for (int i = 0; i < MAPPINGS; i++)
        class_sizes_add(&before, &unchanged.rows[i].sizes);
    cr_expect_eq(memcmp(&all, &before, sizeof all), 0, "%s: something was lost", what);
}

Test(other_malloc, what_is_resident_is_shared_out_and_nothing_is_lost)
{
    static const struct {
        uint64_t used_bytes, free_bytes; /* what then is free of what was touched: 66 MiB and a page */
        const char *what;
    } CASES[] = {
        {30ull * MIB, 36 * MIB + 4096, "half of it is used"},
        {0, 66 * MIB + 4096, "nothing is used"},
        {66 * MIB + 4096, 0, "all of it is used"},
        {80ull * MIB, 0, "more is used than was touched"},
        {UINT64_MAX, 0, "it says more than there is"},
        {12345677, 66 * MIB + 4096 - 12345677, "an odd number"},
    };
    struct made made;
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct other_malloc other = {.name = "jemalloc", .used_bytes = CASES[i].used_bytes};
        make(&made);
        other_malloc_split(&other, &made.snapshot, &bump);
        const struct class_sizes *free = &made.snapshot.classes[CLASS_C_HEAP_FREE];
        uint64_t touched_bytes = free->resident_bytes + free->swapped_bytes;
        expect_sums(&made, CASES[i].what);
        /* Rounded once for each number of each mapping. */
        cr_expect(touched_bytes + 4 >= CASES[i].free_bytes && touched_bytes <= CASES[i].free_bytes + 4, "%s: %lu",
                  CASES[i].what, touched_bytes);
        cr_expect_eq(made.snapshot.other_malloc_resident_bytes, 64u * MIB + 4096, "%s", CASES[i].what);
    }
    /* 30 MiB are mapped and not touched; what is allocated of them is used. */
    make(&made);
    other_malloc_split(&(struct other_malloc){.name = "tcmalloc", .used_bytes = 76 * MIB + 4096}, &made.snapshot,
                       &bump);
    uint64_t mapped_bytes = made.snapshot.classes[CLASS_C_HEAP_FREE].mapped_bytes;
    cr_expect(mapped_bytes + 4 >= 20u * MIB - 4096 && mapped_bytes <= 20u * MIB + 4, "%lu", mapped_bytes);
}

Test(other_malloc, without_numbers_all_is_used)
{
    struct made made;
    make(&made);
    other_malloc_split(&(struct other_malloc){.name = "mimalloc", .why_empty = "it does not say"}, &made.snapshot,
                       &bump);
    expect_sums(&made, "no numbers");
    cr_expect_eq(made.snapshot.classes[CLASS_C_HEAP_FREE].mapped_bytes, 0);
    make(&made);
    other_malloc_split(NULL, &made.snapshot, &bump);
    expect_sums(&made, "nobody");
    cr_expect_eq(made.snapshot.classes[CLASS_C_HEAP_FREE].mapped_bytes, 0);
}
