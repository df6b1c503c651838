/* SPDX-License-Identifier: Apache-2.0
 *
 * The shadow table against a model that is too simple to be wrong: one plain struct for each half page, changed one
 * after the other. Random operations over four arenas, of all sizes and alignments; what the table tells, page by page
 * and run by run, must be what the model tells.
 */
#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#include "preload/shadow.h"
#include "tests/unit/support/random.h"

#define FIRST UINT64_C(0xc000000000)

enum {
    ARENAS = 4,
    PAGES = ARENAS * (int)GO_ARENA_PAGES,
    HALVES = 2 * PAGES,
    HALF_BYTES = 4096,
    UNIT_SHIFT = 24,
    OPERATIONS = 3000,
    FULL_CHECKS_EVERY = 150,
};

struct model_page {
    enum shadow_origin origin[2];
    enum shadow_state state;
    enum advice advice;
    uint32_t released; /* of a page of an arena */
    uint16_t site;     /* of any other */
    uint64_t last_ticks;
};

static struct model_page model[PAGES];
static struct region region;
static struct shadow shadow;

struct operation {
    enum { MAP, MAP_NO_ACCESS, ARENA, UNMAP, ADVISE, KINDS } kind;
    uint64_t first, end; /* half pages */
    enum shadow_origin origin;
    enum advice advice;
    uint16_t site;
    uint64_t ticks;
};

static bool is_known(const struct model_page *page)
{
    return page->origin[0] != ORIGIN_UNKNOWN || page->origin[1] != ORIGIN_UNKNOWN || page->state != STATE_PLAIN;
}

static void forget_history(struct model_page *page)
{
    page->advice = ADVICE_NONE;
    page->released = 0;
    page->last_ticks = 0;
}

/* Nobody's memory has nobody who mapped it. */
static void forget_site(struct model_page *page)
{
    if (!is_known(page))
        page->site = 0;
}

static void model_map(struct model_page *page, const struct operation *operation, bool lower, bool upper)
{
    bool is_accessible = operation->kind == MAP;
    if (operation->origin == ORIGIN_GO && page->state != STATE_PLAIN) {
        page->state = is_accessible ? STATE_MAPPED : STATE_RELEASED;
        return;
    }
    forget_history(page);
    if (lower && upper)
        page->state = STATE_PLAIN;
    for (int half = 0; half < 2; half++) {
        if (half == 0 ? lower : upper)
            page->origin[half] = is_accessible ? operation->origin : ORIGIN_UNKNOWN;
    }
    if (is_accessible)
        page->site = page->state == STATE_PLAIN ? operation->site : 0;
    forget_site(page);
}

static void model_advise(struct model_page *page, const struct operation *operation)
{
    if (!is_known(page))
        return;
    page->advice = operation->advice;
    page->last_ticks = operation->ticks >> UNIT_SHIFT << UNIT_SHIFT;
    if (page->state == STATE_PLAIN || (operation->advice != ADVICE_DONTNEED && operation->advice != ADVICE_FREE))
        return;
    page->released++;
    page->state = operation->advice == ADVICE_FREE ? STATE_LAZY : STATE_RELEASED;
}

static void model_page_change(struct model_page *page, const struct operation *operation, bool lower, bool upper)
{
    switch (operation->kind) {
    case MAP:
    case MAP_NO_ACCESS:
        model_map(page, operation, lower, upper);
        break;
    case ARENA:
        *page = (struct model_page){.origin = {ORIGIN_GO, ORIGIN_GO}, .state = STATE_RESERVED};
        break;
    case UNMAP:
        if (lower)
            page->origin[0] = ORIGIN_UNKNOWN;
        if (upper)
            page->origin[1] = ORIGIN_UNKNOWN;
        if (page->origin[0] == ORIGIN_UNKNOWN && page->origin[1] == ORIGIN_UNKNOWN)
            memset(page, 0, sizeof *page);
        break;
    case ADVISE:
        model_advise(page, operation);
        break;
    case KINDS:
        break;
    }
}

static void apply_to_model(const struct operation *operation)
{
    for (uint64_t page = operation->first / 2; 2 * page < operation->end; page++)
        model_page_change(&model[page], operation, operation->first <= 2 * page, operation->end > 2 * page + 1);
}

static void apply_to_table(const struct operation *operation)
{
    uintptr_t start = FIRST + operation->first * HALF_BYTES;
    uint64_t bytes = (operation->end - operation->first) * HALF_BYTES;
    switch (operation->kind) {
    case MAP:
    case MAP_NO_ACCESS:
        shadow_mark_mapped(&shadow, start, bytes, operation->origin, operation->kind == MAP, operation->site);
        break;
    case ARENA:
        shadow_mark_arena(&shadow, start, bytes);
        break;
    case UNMAP:
        shadow_mark_unmapped(&shadow, start, bytes);
        break;
    case ADVISE:
        shadow_mark_advised(&shadow, start, bytes, operation->advice, operation->ticks);
        break;
    case KINDS:
        break;
    }
}

/* Half of them small; some whole arenas, some a few pages around the end of one. */
static struct operation random_operation(struct random *random, uint64_t number)
{
    static const enum advice ADVICES[] = {ADVICE_DONTNEED, ADVICE_FREE, ADVICE_HUGEPAGE, ADVICE_COLD, ADVICE_OTHER};
    static const enum shadow_origin ORIGINS[] = {ORIGIN_GO, ORIGIN_GO, ORIGIN_C, ORIGIN_LOADER};
    struct operation operation = {
        .kind = (int)random_below(random, KINDS),
        .origin = ORIGINS[random_below(random, 4)],
        .advice = ADVICES[random_below(random, 5)],
        .site = (uint16_t)random_below(random, 3),
        .ticks = (number + 1) << UNIT_SHIFT | random_below(random, 1 << UNIT_SHIFT),
    };
    uint64_t arena_halves = 2 * GO_ARENA_PAGES;
    switch (random_below(random, 6)) {
    case 0:
        operation.first = random_below(random, ARENAS) * arena_halves;
        operation.end =
            operation.first + arena_halves * (1 + random_below(random, ARENAS - operation.first / arena_halves));
        break;
    case 1:
        operation.first = (1 + random_below(random, ARENAS - 1)) * arena_halves - 1 - random_below(random, 8);
        operation.end = operation.first + 1 + random_below(random, 16);
        break;
    case 2:
        operation.first = random_below(random, HALVES);
        operation.end = operation.first + 1 + random_below(random, HALVES - operation.first);
        break;
    default:
        operation.first = random_below(random, HALVES - 64);
        operation.end = operation.first + 1 + random_below(random, 64);
    }
    if (operation.kind == ARENA) { /* Go reserves whole pages */
        operation.first &= ~1ull;
        operation.end = (operation.end + 1) & ~1ull;
    }
    return operation;
}

static void check_page(uint64_t index, uint64_t number)
{
    struct shadow_entry entry = shadow_look_up(&shadow, FIRST + index * GO_PAGE_BYTES);
    const struct model_page *page = &model[index];
    cr_assert(entry.origin[0] == page->origin[0] && entry.origin[1] == page->origin[1] && entry.state == page->state,
              "operation %lu, page %lu: origins %d %d, state %d; the model has %d %d, %d", number, index,
              entry.origin[0], entry.origin[1], entry.state, page->origin[0], page->origin[1], page->state);
    if (is_known(page))
        cr_assert(entry.advice == page->advice && entry.released_count == page->released &&
                      entry.last_ticks == page->last_ticks && entry.site == page->site,
                  "operation %lu, page %lu: advice %d, %u times, site %u; the model has %d, %u, %u", number, index,
                  entry.advice, entry.released_count, entry.site, page->advice, page->released, page->site);
}

/* Of a half page: who mapped it. */
static uint16_t site_of(uint64_t half)
{
    enum shadow_origin origin = model[half / 2].origin[half % 2];
    return origin == ORIGIN_GO || origin == ORIGIN_C ? model[half / 2].site : 0;
}

static bool is_same_run(uint64_t a, uint64_t b)
{
    return model[a / 2].origin[a % 2] == model[b / 2].origin[b % 2] && model[a / 2].state == model[b / 2].state &&
           site_of(a) == site_of(b);
}

static void check_run(uint64_t first, uint64_t end, uint64_t number)
{
    struct shadow_entry entry;
    uint64_t expected = first + 1;
    while (expected < end && is_same_run(first, expected))
        expected++;
    uintptr_t got = shadow_run(&shadow, FIRST + first * HALF_BYTES, FIRST + end * HALF_BYTES, &entry);
    cr_assert_eq(got, FIRST + expected * HALF_BYTES, "operation %lu: the run from %lu to %lu ends at %lu, not at %lu",
                 number, first, end, (got - FIRST) / HALF_BYTES, expected);
    cr_assert_eq(entry.origin[0], model[first / 2].origin[first % 2]);
    cr_assert_eq(entry.state, model[first / 2].state);
    cr_assert_eq(entry.site, site_of(first));
}

/* All runs, one behind the other, cover everything. */
static void check_everything(uint64_t number)
{
    struct shadow_entry entry;
    for (uint64_t page = 0; page < PAGES; page++)
        check_page(page, number);
    uint64_t first = 0;
    while (first < HALVES) {
        check_run(first, HALVES, number);
        first =
            (shadow_run(&shadow, FIRST + first * HALF_BYTES, FIRST + (uint64_t)HALVES * HALF_BYTES, &entry) - FIRST) /
            HALF_BYTES;
    }
}

static void compare(uint64_t seed)
{
    struct random random = {seed};
    for (uint64_t number = 0; number < OPERATIONS; number++) {
        struct operation operation = random_operation(&random, number);
        apply_to_model(&operation);
        apply_to_table(&operation);
        check_page(operation.first / 2, number);
        check_page((operation.end - 1) / 2, number);
        for (int i = 0; i < 4; i++) {
            uint64_t first = random_below(&random, HALVES);
            check_run(first, first + 1 + random_below(&random, HALVES - first), number);
        }
        if (number % FULL_CHECKS_EVERY == 0)
            check_everything(number);
    }
    check_everything(OPERATIONS);
    cr_expect_eq(atomic_load(&shadow.ranges_untracked), 0);
}

static void open_shadow(void)
{
    cr_assert(region_open(&region, 64 << 20));
    cr_assert(shadow_open(&shadow, &region, 0));
}

TestSuite(shadow_model, .init = open_shadow);

Test(shadow_model, agrees_after_random_operations)
{
    compare(1);
}

Test(shadow_model, agrees_after_other_random_operations)
{
    compare(0x5eed);
}

/* Without a leaf anywhere: every slot is empty or uniform. */
Test(shadow_model, runs_go_on_over_uniform_slots)
{
    struct operation operation = {.kind = MAP, .origin = ORIGIN_C, .first = 0, .end = 2ull * 2 * GO_ARENA_PAGES};
    apply_to_model(&operation);
    apply_to_table(&operation);
    check_everything(0);
}

Test(shadow_model, a_run_ends_with_the_table)
{
    struct shadow_entry entry;
    const uintptr_t limit = 1ull << 47;
    cr_expect_eq(shadow_run(&shadow, limit - 8192, limit + 8192, &entry), limit);
    cr_expect_eq(shadow_run(&shadow, limit, limit + 8192, &entry), limit + 8192);
    cr_expect_eq(shadow_run(&shadow, limit + 4096, UINTPTR_MAX - 4095, &entry), UINTPTR_MAX - 4095);
    cr_expect_eq(entry.origin[0], ORIGIN_UNKNOWN);
    cr_expect_eq(entry.state, STATE_PLAIN);
}
