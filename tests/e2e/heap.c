/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk of the Go heap against what the runtime itself says, while the program rests. Nothing is allocated between
 * the two lines of truth around a dump (tests/apps/internal/rest), so the bound is none: each number must be the same.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/rest.h"

static const char *const PHASES[] = {"full", "holes", "sparse", "dropped", "returned", "reused"};
static const char *const ARENA_CLASSES[] = {"objects", "unused", "stacks", "free", "released", "reserved"};

enum { PHASES_COUNT = sizeof PHASES / sizeof PHASES[0], WHAT_BYTES = 128, PATH_BYTES = 96 };

static void check_number(const json_t *dump, const char *path, uint64_t truth, const char *what)
{
    uint64_t number = dump_number(dump, path);
    cr_expect_eq(number, truth, "%s: %s is %" PRIu64 ", Go says %" PRIu64 " (%+" PRId64 ")", what, path, number, truth,
                 (int64_t)(number - truth));
}

static void check_class(const json_t *dump, const char *name, uint64_t truth, const char *what)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "rss/classes/go.%s/mapped", name);
    check_number(dump, path, truth, what);
    snprintf(path, sizeof path, "go/heaps/0/classes/%s", name);
    check_number(dump, path, truth, what);
}

static void check_truth(const json_t *dump, const struct heap_truth *truth, const char *what)
{
    check_class(dump, "objects", truth->objects, what);
    check_class(dump, "unused", truth->unused, what);
    check_class(dump, "stacks", truth->stacks, what);
    check_class(dump, "free", truth->free, what);
    check_class(dump, "released", truth->released, what);
    check_number(dump, "go/heaps/0/objects", truth->count, what);
    check_number(dump, "go/heaps/0/gc/cycle", truth->cycles, what);
    check_number(dump, "go/heaps/0/gc/goal", truth->goal, what);
    check_number(dump, "go/heaps/0/untrusted", 0, what);
    check_number(dump, "go/heaps/0/spans_unswept", 0, what);
    check_number(dump, "go/heaps/0/arenas_unreadable", 0, what);
    check_number(dump, "rss/classes/go.heap/mapped", 0, what);
    cr_expect_str_eq(dump_text(dump, "go/heaps/0/gc/phase"), "off", "%s", what);
    if (json_is_object(dump_at(dump, "go/heaps/0/says"))) {
        check_number(dump, "go/heaps/0/says/in_use", truth->objects + truth->unused, what);
        check_number(dump, "go/heaps/0/says/free", truth->free, what);
        check_number(dump, "go/heaps/0/says/released", truth->released, what);
    }
}

/* Rows of size classes and large objects hold all objects between them, and their bytes. */
static void check_rows(const json_t *dump, const struct heap_truth *truth, const char *what)
{
    uint64_t objects = dump_number(dump, "go/large/spans"), bytes = dump_number(dump, "go/large/bytes");
    json_t *rows = (json_t *)dump_at(dump, "go/sizeclass");
    const char *slot;
    json_t *row;
    json_object_foreach(rows, slot, row)
    {
        uint64_t spans = 0;
        for (size_t tenth = 0; tenth < 10; tenth++)
            spans += (uint64_t)json_integer_value(json_array_get(json_object_get(row, "occupancy"), tenth));
        cr_expect_eq(spans, dump_number(row, "spans"), "%s: occupancy of %s", what, slot);
        cr_expect_leq(dump_number(row, "objects"), dump_number(row, "slots"), "%s: objects of %s", what, slot);
        cr_expect_leq(dump_number(row, "resident"), dump_number(row, "mapped"), "%s: resident of %s", what, slot);
        cr_expect_leq(dump_number(row, "sparse_bytes"), dump_number(row, "resident"), "%s: sparse of %s", what, slot);
        objects += dump_number(row, "objects");
        bytes += dump_number(row, "bytes");
    }
    cr_expect_eq(objects, truth->count, "%s: the rows hold %" PRIu64 " objects of %" PRIu64, what, objects,
                 truth->count);
    cr_expect_eq(bytes, truth->objects, "%s: the rows hold %" PRIu64 " bytes of %" PRIu64, what, bytes, truth->objects);
}

/* One sees the heap from inside, the other from outside, and both the same. */
static void check_alike(const json_t *dump, const json_t *attached, const char *what)
{
    static const char *const PARTS[] = {"go/arenas", "go/sizeclass", "go/large", "go/heaps/0/gc"};
    static const char *const SIZES[] = {"mapped", "resident", "swapped", "huge"};
    for (unsigned i = 0; i < sizeof ARENA_CLASSES / sizeof ARENA_CLASSES[0]; i++) {
        for (unsigned k = 0; k < sizeof SIZES / sizeof SIZES[0]; k++) {
            char path[PATH_BYTES];
            snprintf(path, sizeof path, "rss/classes/go.%s/%s", ARENA_CLASSES[i], SIZES[k]);
            cr_expect_eq(dump_number(dump, path), dump_number(attached, path),
                         "%s: %s: %" PRIu64 " inside, %" PRIu64 " outside", what, path, dump_number(dump, path),
                         dump_number(attached, path));
        }
    }
    for (unsigned i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++)
        cr_expect(json_equal(dump_at(dump, PARTS[i]), dump_at(attached, PARTS[i])), "%s: %s differs", what, PARTS[i]);
}

static void check_layout(const json_t *dump, const struct toolchain *toolchain, const char *what)
{
    char layout[TOOLCHAIN_BYTES + 16], how[sizeof layout + 16];
    snprintf(layout, sizeof layout, "go%s", toolchain->version);
    snprintf(how, sizeof how, "layout %s", layout);
    cr_assert(json_is_string(dump_at(dump, "go/heaps/0/layout")), "%s: not walked: %s", what,
              json_string_value(dump_find(dump, "go/heaps/0/why")));
    cr_expect_str_eq(dump_text(dump, "go/heaps/0/layout"), layout, "%s", what);
    cr_expect_str_eq(dump_text(dump, "books/goruntime/how"), how, "%s", what);
}

static void check_phase(const struct toolchain *toolchain, const struct rest *rest, const char *what)
{
    const json_t *const dumps[] = {rest->dump, rest->attached};
    for (int i = 0; i < 2; i++) {
        if (dumps[i] == NULL)
            continue;
        char which[WHAT_BYTES + 16];
        snprintf(which, sizeof which, "%s, %s", what, i == 0 ? "inside" : "outside");
        check_layout(dumps[i], toolchain, which);
        check_truth(dumps[i], &rest->truth, which);
        check_rows(dumps[i], &rest->truth, which);
        check_classes_add_up(dumps[i], rest->rss_bytes, which);
    }
    if (rest->dump != NULL && rest->attached != NULL)
        check_alike(rest->dump, rest->attached, what);
}

static void check_watched(const struct toolchain *toolchain, const char *const *arguments)
{
    struct program_setup setup = {.arguments = arguments};
    struct watched *watched = watched_start(&setup);
    struct temp_dir dir = temp_dir_make(); /* not the one in which the shim's dumps are awaited */
    const char *form = strrchr(arguments[0], '/') + 1;
    for (int i = 0; i < PHASES_COUNT; i++) {
        char what[WHAT_BYTES];
        snprintf(what, sizeof what, "go%s %s %s", toolchain->version, form, PHASES[i]);
        /* The first dump maps pages of the library that stay; rest_take tries again then. */
        struct rest rest = rest_take(watched->program, watched, dir.path, PHASES[i], REST_SIGNAL | REST_ATTACH);
        check_phase(toolchain, &rest, what);
        rest_free(&rest);
        program_go_on(watched->program);
    }
    cr_expect_eq(program_await_end(watched->program), 0, "%s: %s", form, program_errors(watched->program));
    temp_dir_remove(&dir);
    watched_end(watched);
}

TOOLCHAIN_TEST(heap, walk_agrees_with_the_runtime_in_every_form, .timeout = 600)
{
    static const char *const FORMS[] = {"heapstats",          "heapstats.stripped",
                                        "heapstats.pie",      "heapstats.pie.stripped",
                                        "heapstats.internal", "heapstats.race"};
    for (unsigned i = 0; i < sizeof FORMS / sizeof FORMS[0]; i++) {
        if (app_exists(toolchain, FORMS[i]))
            check_watched(toolchain, (const char *[]){app_path(toolchain, FORMS[i]), NULL});
    }
}

TOOLCHAIN_TEST(heap, walk_agrees_with_a_runtime_in_a_shared_library, .timeout = 600)
{
    check_watched(toolchain,
                  (const char *[]){app_path(toolchain, "runhost"), app_path(toolchain, "libheapstats.so"), NULL});
}

TOOLCHAIN_TEST(heap, static_program_is_seen_from_outside, .timeout = 300)
{
    struct temp_dir dir = temp_dir_make();
    struct program_setup setup = {.arguments = (const char *[]){app_path(toolchain, "heapstats.static"), NULL}};
    struct program *program = program_start(&setup);
    for (int i = 0; i < PHASES_COUNT; i++) {
        char what[WHAT_BYTES];
        snprintf(what, sizeof what, "go%s static %s", toolchain->version, PHASES[i]);
        struct rest rest = rest_take(program, NULL, dir.path, PHASES[i], REST_ATTACH);
        check_phase(toolchain, &rest, what);
        rest_free(&rest);
        program_go_on(program);
    }
    cr_expect_eq(program_await_end(program), 0);
    program_free(program);
    temp_dir_remove(&dir);
}

/* GOEXPERIMENT=arenas: chunks of 8 MiB that are spans of one object, freed as a whole and left without access. */
TOOLCHAIN_TEST(heap, user_arenas_are_walked, .timeout = 300)
{
    static const char *const STAGES[] = {"full", "freed", "again"};
    struct toolchain newest = toolchain_newest();
    if (!app_exists(toolchain, "userarenas") && strcmp(toolchain->version, newest.version) != 0)
        cr_skip_test("no program with arenas was built with go%s", toolchain->version);
    struct watched *watched = watch_app(toolchain, "userarenas", NULL);
    for (unsigned i = 0; i < sizeof STAGES / sizeof STAGES[0]; i++) {
        char what[WHAT_BYTES];
        snprintf(what, sizeof what, "go%s user arenas %s", toolchain->version, STAGES[i]);
        struct rest rest = rest_dump(watched, STAGES[i]);
        check_layout(rest.dump, toolchain, what);
        check_classes_add_up(rest.dump, rest.rss_bytes, what);
        check_number(rest.dump, "go/heaps/0/untrusted", 0, what);
        check_number(rest.dump, "rss/classes/go.heap/mapped", 0, what);
        uint64_t in_use = dump_class(rest.dump, "go.objects", "mapped") + dump_class(rest.dump, "go.unused", "mapped");
        cr_expect_eq(in_use, rest.truth.objects + rest.truth.unused, "%s", what);
        check_number(rest.dump, "rss/classes/go.objects/mapped", rest.truth.objects, what);
        check_number(rest.dump, "rss/classes/go.released/mapped", rest.truth.released, what);
        check_number(rest.dump, "go/heaps/0/objects", rest.truth.count, what);
        rest_free(&rest);
        program_go_on(watched->program);
    }
    cr_expect_eq(program_await_end(watched->program), 0, "%s", program_errors(watched->program));
    watched_end(watched);
}

/* runtime/debug.SetGCPercent takes any int32. */
TOOLCHAIN_TEST(heap, the_largest_gogc_is_told_with_goal_and_sums, .timeout = 180)
{
    struct watched *watched = watch_app(toolchain, "mapdemo", (const char *[]){"GOGC=2147483647", NULL});
    program_await_phase(watched->program, "full");
    json_t *dump = watched_dump(watched);
    check_number(dump, "go/heaps/0/gc/percent", INT32_MAX, toolchain->version);
    cr_expect_gt(dump_number(dump, "go/heaps/0/gc/goal"), dump_number(dump, "go/heaps/0/gc/live"), "go%s",
                 toolchain->version);
    cr_expect(json_is_object(dump_at(dump, "go/heaps/0/says")), "go%s", toolchain->version);
    cr_expect_eq(json_array_size(dump_at(dump, "books/goruntime/missing")), 0u, "go%s", toolchain->version);
    json_decref(dump);
    watched_end(watched);
}
