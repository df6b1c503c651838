/* SPDX-License-Identifier: Apache-2.0
 *
 * The main job: a program in three phases, in every form a Go program can have, with every toolchain.
 */
#include <criterion/criterion.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/kernel_truth.h"
#include "tests/e2e/support/text.h"

static const char *const FORMS[] = {"mapdemo",     "mapdemo.stripped",     "mapdemo.internal",
                                    "mapdemo.pie", "mapdemo.pie.stripped", "mapdemo.race"};
static const char *const PHASES[] = {"full", "dropped", "returned"};

enum { MEBIBYTE = 1 << 20 };

static void check_form(const struct toolchain *toolchain, const char *form)
{
    char what[96];
    struct watched *watched = watch_app(toolchain, form, NULL);
    uint64_t heap_bytes[3], released_bytes[3];
    for (int i = 0; i < 3; i++) {
        uint64_t rss_bytes;
        program_await_phase(watched->program, PHASES[i]);
        json_t *dump = dump_at_rest(watched, &rss_bytes);
        snprintf(what, sizeof what, "go%s %s %s", toolchain->version, form, PHASES[i]);
        check_classes_add_up(dump, rss_bytes, what);
        cr_expect_str_eq(dump_text(dump, "books/shim/how"), "patched", "%s: %s", what,
                         dump_text(dump, "books/shim/how"));
        cr_expect_eq(dump_number(dump, "books/shim/counters/events_lost"), 0, "%s: events lost", what);
        heap_bytes[i] = dump_go_kept_resident(dump);
        released_bytes[i] = dump_class(dump, "go.released", "mapped");
        /* What mapdemo says of its C memory: 6 MiB mapped by C, at least 20 MiB of malloc's, 5 of it freed later. */
        cr_expect_geq(dump_class_resident(dump, "c.mmap"), 6u * MEBIBYTE, "%s: c.mmap", what);
        uint64_t used_bytes = dump_class_resident(dump, "c.heap.used");
        uint64_t free_bytes = dump_class_resident(dump, "c.heap.free");
        cr_expect_geq(used_bytes + free_bytes, 20u * MEBIBYTE, "%s: malloc's", what);
        cr_expect_geq(used_bytes, 14u * MEBIBYTE, "%s: c.heap.used", what);
        cr_expect(i == 0 ? free_bytes < MEBIBYTE : free_bytes >= 4u * MEBIBYTE, "%s: c.heap.free %zu", what,
                  (size_t)free_bytes);
        json_decref(dump);
        program_go_on(watched->program);
    }
    cr_expect_eq(program_await_end(watched->program), 0, "%s: exit status", what);
    cr_expect_str_empty(program_errors(watched->program), "%s: says %s", what, program_errors(watched->program));
    cr_expect_geq(heap_bytes[0], 40u * MEBIBYTE, "%s: the map is in the heap", what);
    cr_expect_leq(heap_bytes[2], 8u * MEBIBYTE, "%s: the map has left the heap", what);
    cr_expect_geq(released_bytes[2], 40u * MEBIBYTE, "%s: the map's memory is released", what);
    watched_end(watched);
}

TOOLCHAIN_TEST(phases, classes_add_up_to_the_rss_in_every_form, .timeout = 600)
{
    for (unsigned i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        if (app_exists(toolchain, FORMS[i]))
            check_form(toolchain, FORMS[i]);
    }
}

/* Between what Go calls released and what the kernel calls lazily freed lie pages that Go has taken again but not
 * written to, and those that wait in a batch of each CPU for their mark (mm/swap.c:lru_lazyfree). */
static void expect_near(uint64_t bytes, uint64_t truth_bytes, const char *what)
{
    const uint64_t slack_bytes = MEBIBYTE / 2;
    cr_expect(bytes <= truth_bytes + slack_bytes && bytes + slack_bytes >= truth_bytes, "%s: %zu of %zu", what,
              (size_t)bytes, (size_t)truth_bytes);
}

/* MADV_FREE leaves the pages resident until the kernel wants them: released all the same, and named lazily freed. */
TOOLCHAIN_TEST(phases, lazily_freed_pages_count_as_released, .timeout = 300)
{
    struct watched *watched = watch_app(toolchain, "mapdemo", (const char *[]){"GODEBUG=madvdontneed=0", NULL});
    program_await_phase(watched->program, "full");
    program_go_on(watched->program);
    program_await_phase(watched->program, "dropped");
    program_go_on(watched->program);
    program_await_phase(watched->program, "returned");
    uint64_t rss_bytes;
    json_t *dump = dump_at_rest(watched, &rss_bytes);
    struct smaps_sums truth = smaps_sum(program_pid(watched->program), NULL);
    check_classes_add_up(dump, rss_bytes, "madvdontneed=0");
    cr_expect_geq(truth.lazyfree_bytes, 30u * MEBIBYTE, "the kernel knows of %zu lazily freed bytes",
                  (size_t)truth.lazyfree_bytes);
    expect_near(dump_class(dump, "go.released", "lazyfree"), truth.lazyfree_bytes, "lazyfree");
    expect_near(dump_class(dump, "go.released", "resident"), truth.lazyfree_bytes, "resident");
    cr_expect_gt(dump_advice(dump, "go", "FREE").calls, 0u);
    json_decref(dump);
    watched_end(watched);
}

/* The runtime then maps released memory away and maps it again for use; the shadow table follows both. */
TOOLCHAIN_TEST(phases, memory_mapped_away_counts_as_released, .timeout = 300)
{
    struct watched *watched = watch_app(toolchain, "mapdemo", (const char *[]){"GODEBUG=harddecommit=1", NULL});
    for (int i = 0; i < 3; i++) {
        const char *truth = program_await_phase(watched->program, PHASES[i]);
        uint64_t go_released;
        cr_assert(text_word_number(truth, "heap_released", &go_released));
        uint64_t rss_bytes;
        json_t *dump = dump_at_rest(watched, &rss_bytes);
        check_classes_add_up(dump, rss_bytes, "harddecommit=1");
        if (i == 2) {
            /* Go counts an arena's fresh memory as released too; the shadow table calls that mapped. */
            cr_expect_leq(dump_class(dump, "go.released", "mapped"), go_released + MEBIBYTE);
            cr_expect_geq(dump_class(dump, "go.released", "mapped"), 40u * MEBIBYTE);
        }
        cr_expect_eq(dump_class_resident(dump, "go.released"), 0);
        json_decref(dump);
        program_go_on(watched->program);
    }
    cr_expect_eq(program_await_end(watched->program), 0);
    watched_end(watched);
}
