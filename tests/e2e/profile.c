/* SPDX-License-Identifier: Apache-2.0
 *
 * The heap profile that a program keeps, as a dump tells it: object for object what runtime.MemProfile says, seen from
 * inside, from outside and in a core; and who keeps the pages.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/core.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/rest.h"
#include "tests/e2e/support/temp_dir.h"
#include "tests/e2e/support/text.h"

enum { WHAT_BYTES = 128, SPANS = 10000, OBJECT_BYTES = 64 };

static uint64_t sum_of(const json_t *profile, const char *key)
{
    const json_t *stacks = dump_at(profile, "stacks");
    uint64_t sum = dump_number(dump_at(profile, "left_out"), key);
    for (size_t i = 0; i < json_array_size(stacks); i++)
        sum += dump_number(json_array_get(stacks, i), key);
    return sum;
}

/* Is the stack that the program printed ("0x1,0x2") the one of this row? */
static bool is_stack(const json_t *row, const char *printed)
{
    const json_t *pcs = dump_at(row, "pcs");
    for (size_t i = 0; i < json_array_size(pcs); i++) {
        const char *pc = json_string_value(json_array_get(pcs, i));
        size_t length = strlen(pc);
        if (strncmp(printed, pc, length) != 0)
            return false;
        printed += length;
        if (*printed != (i + 1 == json_array_size(pcs) ? ' ' : ',') && *printed != '\0')
            return false;
        printed += *printed == ',';
    }
    return json_array_size(pcs) > 0 && (*printed == ' ' || *printed == '\0' || *printed == '\n');
}

/* The row of the stack that the line of truth has as NAME_pcs. */
static const json_t *row_of(const json_t *profile, const char *line, const char *name, const char *what)
{
    char key[64];
    snprintf(key, sizeof key, " %s_pcs=", name);
    const json_t *stacks = dump_at(profile, "stacks");
    const char *printed = strstr(line, key);
    cr_assert_not_null(printed, "%s: %s", what, line);
    for (size_t i = 0; i < json_array_size(stacks); i++) {
        const json_t *row = json_array_get(stacks, i);
        if (is_stack(row, printed + strlen(key)))
            return row;
    }
    cr_assert_fail("%s: no row has the stack of %s in %s", what, name, line);
    return NULL;
}

static uint64_t truth_of(const char *line, const char *name, const char *unit)
{
    char key[64];
    snprintf(key, sizeof key, "%s_%s", name, unit);
    return text_number(line, key);
}

static void check_profile(const json_t *dump, const char *line, const char *what)
{
    static const char *const NAMES[] = {"sparse", "dense", "left", "right"};
    const json_t *profile = dump_at(dump, "go/profile");
    cr_assert(json_is_object(profile), "%s: there is no profile", what);
    cr_expect_eq(dump_number(profile, "rate"), 1u, "%s", what);
    cr_expect_eq(dump_number(profile, "untrusted"), 0u, "%s", what);
    cr_expect_eq(sum_of(profile, "objects"), truth_of(line, "all", "objects"), "%s: %" PRIu64 " objects of %s", what,
                 sum_of(profile, "objects"), line);
    cr_expect_eq(sum_of(profile, "bytes"), truth_of(line, "all", "bytes"), "%s: %" PRIu64 " bytes of %s", what,
                 sum_of(profile, "bytes"), line);
    for (unsigned i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const json_t *row = row_of(profile, line, NAMES[i], what);
        cr_expect_eq(dump_number(row, "objects"), truth_of(line, NAMES[i], "objects"), "%s: %s", what, NAMES[i]);
        cr_expect_eq(dump_number(row, "bytes"), truth_of(line, NAMES[i], "bytes"), "%s: %s", what, NAMES[i]);
        cr_expect_eq(dump_number(row, "resident"), dump_number(row, "bytes"), "%s: %s", what, NAMES[i]);
    }
    const json_t *sparse = row_of(profile, line, "sparse", what), *left = row_of(profile, line, "left", what),
                 *right = row_of(profile, line, "right", what), *dense = row_of(profile, line, "dense", what);
    cr_expect_eq(dump_number(sparse, "objects"), (uint64_t)SPANS, "%s", what);
    uint64_t pinned = sum_of(profile, "pinned_spans");
    cr_expect_geq(dump_number(sparse, "pinned_spans") * 100, pinned * 95, "%s: %" PRIu64 " of %" PRIu64, what,
                  dump_number(sparse, "pinned_spans"), pinned);
    cr_expect_geq(dump_number(sparse, "alone_in_span") * 100, (uint64_t)SPANS * 95, "%s", what);
    cr_expect_geq(dump_number(dense, "pinned_spans"), dump_number(dense, "bytes") * 9 / 10, "%s", what);
    /* They share their spans, but for the first and the last. */
    cr_expect_leq(dump_number(left, "pinned_spans") + dump_number(right, "pinned_spans"), 16384u, "%s", what);
}

TOOLCHAIN_TEST(profile, is_what_the_program_says_and_names_who_keeps_the_pages, .timeout = 600)
{
    char what[WHAT_BYTES];
    snprintf(what, sizeof what, "go%s", toolchain->version);
    struct temp_dir dir = temp_dir_make();
    struct program_setup setup = {.arguments = (const char *[]){app_path(toolchain, "pinned"), NULL}};
    struct watched *watched = watched_start(&setup);
    struct rest rest = rest_take(watched->program, watched, dir.path, "pinned", REST_SIGNAL | REST_ATTACH);
    check_profile(rest.dump, rest.line, strcat(what, " from inside"));
    snprintf(what, sizeof what, "go%s from outside", toolchain->version);
    check_profile(rest.attached, rest.line, what);
    rest_free(&rest);
    watched_end(watched);
    temp_dir_remove(&dir);
}

TOOLCHAIN_TEST(profile, is_in_a_core_as_in_the_process, .timeout = 600)
{
    if (!has_plain_cores())
        cr_skip_test("this system does not leave cores beside the process (kernel.core_pattern)");
    char what[WHAT_BYTES];
    snprintf(what, sizeof what, "go%s in a core", toolchain->version);
    struct temp_dir dir = temp_dir_make();
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "pinned"), NULL},
        .environment = (const char *[]){"GOTRACEBACK=crash", NULL},
        .directory = dir.path,
        .before_exec = allow_core,
    };
    struct program *program = program_start(&setup);
    struct rest rest = rest_take(program, NULL, dir.path, "pinned", REST_ATTACH);
    program_signal(program, SIGABRT);
    cr_assert_eq(program_await_end(program), -SIGABRT, "%s: %s", what, program_errors(program));
    json_t *core = core_dump(app_path(toolchain, "pinned"), dir.path);
    check_profile(core, rest.line, what);
    json_decref(core);
    rest_free(&rest);
    program_free(program);
    temp_dir_remove(&dir);
}

/* One of 64 is sampled: what that makes of the ten thousand is within five times its standard deviation. */
TOOLCHAIN_TEST(profile, says_at_which_rate_it_samples, .timeout = 300)
{
    const double chance = 1 - exp(-64.0 / 4096), deviation = sqrt(SPANS * chance);
    struct program_setup setup = {.arguments = (const char *[]){app_path(toolchain, "pinned"), "4096", NULL}};
    struct watched *watched = watched_start(&setup);
    struct rest rest = rest_dump(watched, "pinned");
    const json_t *profile = dump_at(rest.dump, "go/profile");
    cr_expect_eq(dump_number(profile, "rate"), 4096u, "go%s", toolchain->version);
    const json_t *sparse = row_of(profile, rest.line, "sparse", toolchain->version);
    double alone = (double)dump_number(sparse, "alone_in_span");
    cr_expect_lt(fabs(alone - SPANS * chance), 5 * deviation, "go%s: %.0f, not %.0f", toolchain->version, alone,
                 SPANS * chance);
    cr_expect_eq(dump_number(sparse, "bytes"), dump_number(sparse, "objects") * OBJECT_BYTES);
    rest_free(&rest);
    watched_end(watched);
}

/* Objects come and go while their specials are read: what is told is possible, and most of it is told. */
TOOLCHAIN_TEST(profile, holds_beside_a_program_that_allocates, .timeout = 300)
{
    enum { DUMPS = 8 };
    uint64_t objects = 0, untrusted = 0;
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "allocloop"), "-profile=256", "-n=1000000", NULL}};
    struct watched *watched = watched_start(&setup);
    program_await_phase(watched->program, "work");
    for (unsigned i = 0; i < DUMPS; i++) {
        json_t *dump = watched_dump(watched);
        const json_t *profile = dump_at(dump, "go/profile");
        uint64_t in_use =
            dump_number(dump, "go/heaps/0/classes/objects") + dump_number(dump, "go/heaps/0/classes/unused");
        json_t *row;
        size_t index;
        if (json_is_null(profile)) { /* none was alive, or no list could be trusted */
            json_decref(dump);
            continue;
        }
        json_array_foreach(dump_at(profile, "stacks"), index, row)
        {
            cr_expect_gt(json_array_size(dump_at(row, "pcs")), 0u, "go%s: a stack has no frames", toolchain->version);
            cr_expect_leq(dump_number(row, "alone_in_span"), dump_number(row, "objects"), "go%s", toolchain->version);
        }
        cr_expect_leq(sum_of(profile, "objects"), dump_number(dump, "go/heaps/0/objects"), "go%s", toolchain->version);
        cr_expect_leq(sum_of(profile, "pinned_spans"), in_use, "go%s", toolchain->version);
        cr_expect_leq(sum_of(profile, "resident"), in_use, "go%s", toolchain->version);
        objects += sum_of(profile, "objects");
        untrusted += dump_number(profile, "untrusted");
        json_decref(dump);
    }
    cr_log_info("go%s: %" PRIu64 " sampled objects, %" PRIu64 " lists not trusted", toolchain->version, objects,
                untrusted);
    cr_expect_gt(objects, 1000u, "go%s", toolchain->version);
    cr_expect_lt(untrusted, objects, "go%s", toolchain->version);
    watched_end(watched);
}

TOOLCHAIN_TEST(profile, is_none_where_the_program_keeps_none)
{
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "heapstats"), NULL},
        .environment = (const char *[]){"GODEBUG=memprofilerate=0", NULL},
    };
    struct watched *watched = watched_start(&setup);
    struct rest rest = rest_dump(watched, "full");
    const json_t *profile = dump_find(rest.dump, "go/profile");
    cr_assert_not_null(profile);
    cr_expect(json_is_null(profile), "go%s", toolchain->version);
    rest_free(&rest);
    watched_end(watched);
}
