/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs with another malloc than glibc's: its memory is told apart and shared out by its own statistics; and a
 * malloc that does not answer keeps no dump waiting.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/deadline.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/rest.h"
#include "tests/e2e/support/temp_dir.h"
#include "tests/e2e/support/text.h"

enum { MEBIBYTE = 1 << 20, MAPPED_BYTES = 20 * MEBIBYTE, SLACK_BYTES = 64 << 10, PRELOAD_BYTES = 2 * PATH_MAX };

#define NS_PER_MS 1000000ull

/* The oldest and the newest toolchain: what is tested is no matter of Go's version. */
static struct watched *watch_with(const struct toolchain *toolchain, const char *app, const char *library,
                                  const char *variable)
{
    char preload[PRELOAD_BYTES];
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s:%s", shim_path(), library);
    const char *const environment[] = {preload, variable, NULL};
    return watch_app(toolchain, app, environment);
}

/* Where malloc is linked into the program its calls cannot be told from other ones of C there: none is walked. */
static void check_walks(const json_t *dump, bool is_linked_in, const char *what)
{
    const json_t *missing = dump_at(dump, "books/shim/missing");
    bool is_said = false;
    for (size_t i = 0; i < json_array_size(missing); i++)
        is_said |= strcmp(dump_text(json_array_get(missing, i), "what"),
                          "frames of C in call sites of the module that holds malloc") == 0;
    cr_expect_eq(is_said, is_linked_in, "%s", what);
}

static void expect_near(uint64_t value, uint64_t expected, uint64_t slack, const char *name, const char *what)
{
    cr_expect(value + slack >= expected && value <= expected + slack, "%s: %s is %zu, and not %zu", what, name,
              (size_t)value, (size_t)expected);
}

/* Nobody else's memory is taken for the malloc's, and hardly any of its own for somebody else's. */
static void check_mmap(const json_t *dump, const char *what)
{
    expect_near(dump_class_resident(dump, "c.mmap"), MAPPED_BYTES, MEBIBYTE / 4, "c.mmap", what);
    const json_t *sites = dump_at(dump, "callsites");
    uint64_t resident_bytes = 0;
    for (size_t i = 0; i < json_array_size(sites); i++) {
        const json_t *site = json_array_get(sites, i);
        if (json_is_string(json_object_get(site, "purpose")) && strcmp(dump_text(site, "by"), "c") == 0) {
            cr_expect_str_eq(dump_text(site, "purpose"), "malloc", "%s", what);
            resident_bytes += dump_number(site, "resident");
        }
    }
    uint64_t heap_bytes = dump_class_resident(dump, "c.heap.used") + dump_class_resident(dump, "c.heap.free");
    /* Two mappings that share 8 KiB share a row. */
    cr_expect_leq(resident_bytes, heap_bytes + SLACK_BYTES, "%s: %zu of %zu", what, (size_t)resident_bytes,
                  (size_t)heap_bytes);
}

/* Blocks are known to the byte, and between the question of the program and that of the shim hardly anything happens.
 */
static void check_split(const json_t *dump, const char *truth, const char *what)
{
    uint64_t used_bytes = text_number(truth, "allocated") + text_number(truth, "metadata");
    uint64_t heap_bytes = dump_class_resident(dump, "c.heap.used") + dump_class_resident(dump, "c.heap.free");
    cr_assert_geq(used_bytes, text_number(truth, "live"), "%s", what);
    expect_near(dump_class_resident(dump, "c.heap.used"), used_bytes, MEBIBYTE / 2, "c.heap.used", what);
    cr_expect_geq(dump_class_resident(dump, "c.heap.free"), 32u * MEBIBYTE, "%s", what);
    /* What it takes to be resident itself. It does not know of what was never touched, nor of pages it shares. */
    expect_near(heap_bytes, text_number(truth, "resident"), text_number(truth, "resident") / 10, "c.heap", what);
    cr_expect_eq(json_array_size(dump_at(dump, "books/malloc/missing")), 0, "%s", what);
    const json_t *finding = dump_finding(dump, "c-heap-free");
    cr_assert_not_null(finding, "%s", what);
    cr_expect_not_null(strstr(dump_text(finding, "advice"), "jemalloc"), "%s", what);
}

/* mimalloc tells no more than what it has taken. */
static void check_unsplit(const json_t *dump, const char *truth, const char *what)
{
    cr_expect_geq(dump_class_resident(dump, "c.heap.used"), text_number(truth, "live"), "%s", what);
    cr_expect_leq(dump_class_resident(dump, "c.heap.used"), text_number(truth, "committed") + MEBIBYTE, "%s", what);
    cr_expect_eq(dump_class_resident(dump, "c.heap.free"), 0, "%s", what);
    cr_expect_eq(dump_number(dump, "books/malloc/counters/committed_bytes"), text_number(truth, "committed"), "%s",
                 what);
    cr_expect_not_null(strstr(dump_text(dump, "books/malloc/missing/0/why"), "mimalloc tells"), "%s", what);
}

static void check_attached(struct program *program, const char *name, const char *what)
{
    struct temp_dir directory = temp_dir_make();
    json_t *attached = attach_dump(program, directory.path);
    const json_t *missing = dump_at(attached, "books/malloc/missing");
    bool is_named = false;
    for (size_t i = 0; i < json_array_size(missing); i++) {
        const char *why = dump_text(json_array_get(missing, i), "why");
        is_named |= strstr(why, name) != NULL && strstr(why, "only the shim can ask") != NULL;
    }
    cr_expect(is_named, "%s: from outside no reason is named", what);
    json_decref(attached);
    temp_dir_remove(&directory);
}

/* The malloc's answer has to come within 0.2 s, and here two tests share two CPUs. */
static json_t *dump_answered(struct watched *watched, uint64_t *rss_bytes)
{
    enum { ATTEMPTS = 5 };
    for (int i = 1;; i++) {
        json_t *dump = dump_at_rest(watched, rss_bytes);
        bool is_late = false;
        size_t index;
        const json_t *missing;
        json_array_foreach(dump_at(dump, "books/malloc/missing"), index, missing) is_late |=
            strstr(dump_text(missing, "why"), "has not answered") != NULL;
        if (!is_late || i == ATTEMPTS)
            return dump;
        json_decref(dump);
    }
}

ENDS_TEST(malloc_others, memory_is_shared_out_as_the_malloc_says_itself, .timeout = 180)
{
    static const struct {
        const char *name, *app, *library;
        void (*check)(const json_t *dump, const char *truth, const char *what);
    } CASES[] = {
        {"jemalloc", "cblocks.jemalloc", "", check_split}, /* linked into the program */
        {"jemalloc", "cblocks", "libjemalloc.so.2", check_split},
        {"tcmalloc", "cblocks", "libtcmalloc_minimal.so.4", check_split},
        {"mimalloc", "cblocks", "libmimalloc.so.2.0", check_unsplit},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char what[64];
        snprintf(what, sizeof what, "go%s %s %s", toolchain->version, CASES[i].name, CASES[i].app);
        struct watched *watched = watch_with(toolchain, CASES[i].app, CASES[i].library, NULL);
        for (const char *const *phase = (const char *const[]){"made", "again", NULL}; *phase != NULL; phase++) {
            uint64_t rss_bytes;
            struct text truth = {0};
            const char *line = program_await_phase(watched->program, *phase);
            text_append(&truth, line, strlen(line));
            cr_expect_not_null(strstr(line, CASES[i].name), "%s: %s", what, line);
            json_t *dump = dump_answered(watched, &rss_bytes);
            check_classes_add_up(dump, rss_bytes, what);
            cr_expect_str_eq(dump_text(dump, "books/malloc/how"), CASES[i].name, "%s", what);
            check_mmap(dump, what);
            check_walks(dump, CASES[i].library[0] == '\0', what);
            CASES[i].check(dump, text_string(&truth), what);
            json_decref(dump);
            text_free(&truth);
            /* A library is known from outside by its name. */
            if (CASES[i].library[0] != '\0' && strcmp(*phase, "again") == 0)
                check_attached(watched->program, CASES[i].name, what);
            program_go_on(watched->program);
        }
        cr_expect_eq(program_await_end(watched->program), 0, "%s", what);
        watched_end(watched);
    }
}

static bool says(const json_t *dump, const char *sentence)
{
    const json_t *missing = dump_at(dump, "books/malloc/missing");
    for (size_t i = 0; i < json_array_size(missing); i++) {
        if (strstr(dump_text(json_array_get(missing, i), "why"), sentence) != NULL)
            return true;
    }
    return false;
}

ENDS_TEST(malloc_others, a_malloc_that_does_not_answer_keeps_no_dump_waiting, .timeout = 300)
{
    char library[PATH_MAX], pipe[PATH_MAX], variable[PATH_MAX + 16];
    struct temp_dir directory = temp_dir_make();
    snprintf(library, sizeof library, "%s", app_path(toolchain, "libheldmalloc.so"));
    snprintf(pipe, sizeof pipe, "%s/held", directory.path);
    snprintf(variable, sizeof variable, "HELDMALLOC=%s", pipe);
    must(mkfifo(pipe, 0600) == 0, "%s", pipe);
    struct watched *watched = watch_with(toolchain, "cblocks", library, variable);
    program_await_phase(watched->program, "made");
    for (int i = 0; i < 3; i++) {
        json_t *dump = watched_dump(watched);
        cr_expect(says(dump, "has not answered within 0.2 s"), "dump %d", i);
        /* The first has waited, the others knew. */
        uint64_t ask_ns = dump_number(dump, "books/malloc/counters/ask_ns");
        cr_expect(i == 0 ? ask_ns >= 200 * NS_PER_MS : ask_ns < 100 * NS_PER_MS, "dump %d has waited for %zu ns", i,
                  (size_t)ask_ns);
        /* It is not what malloc is, and glibc's heaps are walked as ever. */
        cr_expect_str_eq(dump_text(dump, "books/malloc/how"), "chunks");
        cr_expect_geq(dump_class_resident(dump, "c.heap.free"), 32u * MEBIBYTE);
        json_decref(dump);
    }
    /* It comes back, is asked again, and answers. */
    int fd = open(pipe, O_WRONLY | O_CLOEXEC);
    must(fd >= 0, "%s", pipe);
    struct deadline deadline = deadline_usual();
    for (bool has_answered = false; !has_answered;) {
        json_t *dump = watched_dump(watched);
        has_answered = says(dump, "built without statistics");
        json_decref(dump);
        if (!has_answered && deadline_left_ms(deadline) == 0)
            fail("it is never asked again");
    }
    close(fd);
    program_go_on(watched->program);
    program_await_phase(watched->program, "again");
    program_go_on(watched->program);
    cr_expect_eq(program_await_end(watched->program), 0);
    watched_end(watched);
    temp_dir_remove(&directory);
}
