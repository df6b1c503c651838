/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps whose entries share what they point to, and maps of large values (tests/apps/maps/shared.go): what was asked for
 * is never more than what there is, the naive estimate has each entry, and values are followed to their ends.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

#include "tests/e2e/map_answers.h"
#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/program.h"
#include "tests/e2e/support/temp_dir.h"

/* As in shared.go. */
enum {
    ENTRIES = 1000,
    FIELD_BYTES = 20,
    BUFFER_BYTES = ENTRIES * (FIELD_BYTES + 1) - 1,
    BLOCK_ITEMS = 4096,
    BLOCKS = 2,
    ITEM_BYTES = 32,
    ROW_STRINGS = 6000,
    STRING_BYTES = 24,
    RECORD_BYTES = 136,
    LITERALS = 4,
    LITERAL_BYTES = 16,
};

enum { HEADER_BYTES = 16, POINTER_BYTES = 8, TINY_BYTES = 16 };

struct expected {
    const char *variable;
    unsigned part;
    uint64_t objects, asked_bytes, image_bytes, naive_bytes;
};

static const struct expected EXPECTED[] = {
    {"main.SInterned", TRUTH_ELEMENTS, 1, TINY_BYTES, 0, ENTRIES * (8 + HEADER_BYTES + 8)},
    {"main.SSame", TRUTH_KEYS, 1, 8, 0, 2 * (HEADER_BYTES + 8)},
    {"main.SSame", TRUTH_ELEMENTS, 0, 0, 0, 2 * (HEADER_BYTES + 8)},
    {"main.SSplit", TRUTH_KEYS, 1, FIELD_BYTES, 0, ENTRIES * (HEADER_BYTES + 8 + FIELD_BYTES)},
    {"main.SLiterals", TRUTH_ELEMENTS, 0, 0, LITERALS *LITERAL_BYTES, ENTRIES *(8 + HEADER_BYTES + LITERAL_BYTES)},
    {"main.SBlocks", TRUTH_ELEMENTS, BLOCKS, BLOCKS *BLOCK_ITEMS *POINTER_BYTES, 0,
     BLOCKS * (8 + POINTER_BYTES + BLOCK_ITEMS * POINTER_BYTES)},
    {"main.SBlocks", TRUTH_DEEP, BLOCKS *BLOCK_ITEMS, BLOCKS *BLOCK_ITEMS *ITEM_BYTES, 0,
     BLOCKS * (8 + POINTER_BYTES + BLOCK_ITEMS * POINTER_BYTES)},
    {"main.SRows", TRUTH_ELEMENTS, 1 + ROW_STRINGS, ROW_STRINGS *(HEADER_BYTES + STRING_BYTES), 0,
     8 + ROW_STRINGS * (HEADER_BYTES + HEADER_BYTES + STRING_BYTES)},
    {"main.SRecords", TRUTH_ELEMENTS, 3, RECORD_BYTES + HEADER_BYTES + 100, 0,
     8 + RECORD_BYTES + RECORD_BYTES + HEADER_BYTES + 100},
};

static void expect_number(uint64_t is, uint64_t expected, const struct expected *row, const char *version,
                          const char *what)
{
    cr_expect_eq(is, expected, "go%s, %s, part %u: %s is %" PRIu64 ", not %" PRIu64, version, row->variable, row->part,
                 what, is, expected);
}

TOOLCHAIN_TEST(maps_shared, what_entries_share_and_what_is_large_is_told_as_it_is, .timeout = 120)
{
    struct temp_dir dir = temp_dir_make();
    char pid[16];
    struct program *program = program_start(
        &(struct program_setup){.arguments = (const char *[]){app_path(toolchain, "maps"), dir.path, "shared", NULL}});
    program_await_phase(program, "shared");
    snprintf(pid, sizeof pid, "%d", (int)program_pid(program));
    json_t *answers = map_answers_run((const char *[]){"main.*", pid, "--deep", NULL});
    for (size_t i = 0; i < sizeof EXPECTED / sizeof EXPECTED[0]; i++) {
        const struct expected *row = &EXPECTED[i];
        const json_t *answer = map_answer_of(answers, row->variable);
        cr_assert(map_answer_is_known(answer), "go%s, %s", toolchain->version, row->variable);
        struct map_answer_part part = map_answer_part(answer, row->part);
        expect_number(part.objects, row->objects, row, toolchain->version, "objects");
        expect_number(part.asked_bytes, row->asked_bytes, row, toolchain->version, "asked");
        expect_number(part.image_bytes, row->image_bytes, row, toolchain->version, "image");
        expect_number(map_answer_number(answer, "naive"), row->naive_bytes, row, toolchain->version, "naive");
        static const char *const NOTHING[] = {"torn_reads", "unknown_objects", "unfollowed", "spent"};
        for (size_t k = 0; k < sizeof NOTHING / sizeof NOTHING[0]; k++)
            expect_number(map_answer_number(answer, NOTHING[k]), 0, row, toolchain->version, NOTHING[k]);
    }
    json_decref(answers);
    program_free(program);
    temp_dir_remove(&dir);
}
