/* SPDX-License-Identifier: Apache-2.0
 *
 * Each finding is there in a program that wastes memory in that way, says how much, and is there in no other.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/rest.h"
#include "tests/e2e/support/text.h"

static const struct {
    const char *kind;
    const char *id;    /* NULL: no finding at all */
    const char *truth; /* the word in the line of truth that says how much */
    const char *setting;
} CASES[] = {
    {"none", NULL, NULL, NULL},
    {"free", "free-resident", "free", NULL}, /* what the scavenger has taken of it until then is no waste */
    {"sparse", "sparse-spans", "waste", NULL},
    {"untouched", "untouched", "waste", NULL},
    {"lazyfree", "lazyfree", "waste", "GODEBUG=madvdontneed=0"},
    {"lazyfree", NULL, NULL, NULL}, /* given back at once: no waste */
};

enum { MEBIBYTE = 1 << 20, WASTE_MEBIBYTES = 64, BOUND_MEBIBYTES = 2 };

static void check_finding(const json_t *dump, const char *id, uint64_t waste, const char *what)
{
    const json_t *finding = dump_finding(dump, id);
    cr_assert_not_null(finding, "%s: no finding %s", what, id);
    uint64_t bytes = dump_number(finding, "bytes");
    cr_expect_geq(bytes, (uint64_t)WASTE_MEBIBYTES / 2 * MEBIBYTE, "%s", what);
    uint64_t difference = bytes > waste ? bytes - waste : waste - bytes;
    cr_expect_leq(difference, (uint64_t)BOUND_MEBIBYTES * MEBIBYTE, "%s: %s of %" PRIu64 " bytes, wasted are %" PRIu64,
                  what, id, bytes, waste);
    cr_expect_str_not_empty(dump_text(finding, "text"));
    cr_expect_str_not_empty(dump_text(finding, "advice"));
}

/* The kernel's own thread may put a huge page somewhere: where it is told to, and up to go1.20 because Go asks for it.
 */
static bool may_be_there(const json_t *dump, const struct toolchain *toolchain, const char *id)
{
    bool has_huge_pages =
        toolchain_minor(toolchain) <= 20 || strcmp(dump_text(dump, "environment/thp/enabled"), "always") == 0;
    return has_huge_pages && (strcmp(id, "released-resident") == 0 || strcmp(id, "large-pages") == 0);
}

/* None but this one, and those that are there are in order. */
static void check_others(const json_t *dump, const struct toolchain *toolchain, const char *id, const char *what)
{
    const json_t *findings = dump_at(dump, "findings");
    uint64_t before = UINT64_MAX;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        const char *found = dump_text(finding, "id");
        cr_expect((id != NULL && strcmp(found, id) == 0) || may_be_there(dump, toolchain, found),
                  "%s: also %s of %" PRIu64 " bytes", what, found, dump_number(finding, "bytes"));
        cr_expect_leq(dump_number(finding, "bytes"), before, "%s", what);
        before = dump_number(finding, "bytes");
    }
}

TOOLCHAIN_TEST(findings, each_is_found_where_it_is_and_nowhere_else, .timeout = 600)
{
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char what[96];
        snprintf(what, sizeof what, "go%s %s %s", toolchain->version, CASES[i].kind,
                 CASES[i].setting == NULL ? "" : CASES[i].setting);
        struct program_setup setup = {
            .arguments = (const char *[]){app_path(toolchain, "wasteful"), CASES[i].kind, NULL},
            .environment = (const char *[]){CASES[i].setting, NULL},
        };
        struct watched *watched = watched_start(&setup);
        struct rest rest = rest_dump(watched, CASES[i].kind);
        check_classes_add_up(rest.dump, rest.rss_bytes, what);
        if (CASES[i].id != NULL)
            check_finding(rest.dump, CASES[i].id, text_number(rest.line, CASES[i].truth), what);
        check_others(rest.dump, toolchain, CASES[i].id, what);
        rest_free(&rest);
        program_go_on(watched->program);
        cr_expect_eq(program_await_end(watched->program), 0, "%s: %s", what, program_errors(watched->program));
        watched_end(watched);
    }
}
