/* SPDX-License-Identifier: Apache-2.0
 *
 * C memory that is wasted is told apart from used, as malloc itself tells it and with its locks held; stacks are told
 * by thread. By the shim and from outside alike.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/rest.h"
#include "tests/e2e/support/temp_dir.h"
#include "tests/e2e/support/text.h"

enum { MEBIBYTE = 1 << 20, SLACK_BYTES = 64 << 10 };

static void check_free(const json_t *dump, const char *truth, const char *what)
{
    uint64_t told_bytes = text_number(truth, "malloc_free") - text_number(truth, "malloc_fast");
    uint64_t free_bytes = dump_class(dump, "c.heap.free", "mapped");
    cr_expect_geq(told_bytes, 16u * MEBIBYTE, "%s", what);
    cr_expect(free_bytes <= told_bytes + SLACK_BYTES && told_bytes <= free_bytes + SLACK_BYTES,
              "%s: %zu free, %zu by mallinfo2", what, (size_t)free_bytes, (size_t)told_bytes);
    cr_expect_geq(dump_class_resident(dump, "c.heap.free"), 16u * MEBIBYTE, "%s", what);
    cr_expect_str_eq(dump_text(dump, "books/malloc/how"), "chunks", "%s", what);
    cr_expect_eq(json_array_size(dump_at(dump, "books/malloc/missing")), 0, "%s", what);
    const json_t *finding = dump_finding(dump, "c-heap-free");
    cr_assert_not_null(finding, "%s", what);
    cr_expect_eq(dump_number(finding, "bytes"), dump_class_resident(dump, "c.heap.free"), "%s", what);
}

/* Every stack has a row; the thread that was deep once has what it used below its stack pointer. */
static void check_threads(const json_t *dump, const char *truth, const char *what)
{
    const json_t *threads = dump_at(dump, "threads");
    uint64_t deep_bytes = text_number(truth, "deep_bytes"), resident_bytes = 0;
    bool is_found = false;
    for (size_t i = 0; i < json_array_size(threads); i++) {
        const json_t *thread = json_array_get(threads, i);
        resident_bytes += dump_number(thread, "resident");
        if (!json_is_integer(dump_at(thread, "tid")) || dump_number(thread, "tid") != text_number(truth, "deep_tid"))
            continue;
        is_found = true;
        cr_expect_str_eq(dump_text(thread, "name"), "deepstack", "%s", what);
        cr_expect_geq(dump_number(thread, "resident"), deep_bytes, "%s", what);
        cr_expect_geq(dump_number(thread, "resident_below"), deep_bytes - MEBIBYTE / 16, "%s", what);
        uint64_t pointer = dump_address(thread, "stack_pointer");
        cr_expect(pointer > dump_address(thread, "start") && pointer < dump_address(thread, "end"), "%s", what);
    }
    cr_expect(is_found, "%s: no row of the deep stack", what);
    cr_expect_eq(resident_bytes, dump_class_resident(dump, "thread.stacks"), "%s", what);
}

TOOLCHAIN_TEST(malloc, free_memory_and_deep_stacks_are_told_with_its_locks_held, .timeout = 300)
{
    struct watched *watched = watch_app(toolchain, "cwaste", NULL);
    static const char *const PHASES[] = {"wasted", "held"};
    struct text truth = {0};
    struct temp_dir directory = temp_dir_make(); /* not the one in which the shim's dumps are awaited */
    for (unsigned i = 0; i < 2; i++) {
        char what[64];
        uint64_t rss_bytes;
        snprintf(what, sizeof what, "go%s %s", toolchain->version, PHASES[i]);
        const char *line = program_await_phase(watched->program, PHASES[i]);
        if (i == 0)
            text_append(&truth, line, strlen(line));
        json_t *dump = dump_at_rest(watched, &rss_bytes);
        check_classes_add_up(dump, rss_bytes, what);
        check_free(dump, text_string(&truth), what);
        check_threads(dump, text_string(&truth), what);
        json_decref(dump);
        snprintf(what, sizeof what, "go%s %s, attached", toolchain->version, PHASES[i]);
        json_t *attached = attach_dump(watched->program, directory.path);
        check_free(attached, text_string(&truth), what);
        check_threads(attached, text_string(&truth), what);
        json_decref(attached);
        program_go_on(watched->program);
    }
    cr_expect_eq(program_await_end(watched->program), 0);
    text_free(&truth);
    temp_dir_remove(&directory);
    watched_end(watched);
}
