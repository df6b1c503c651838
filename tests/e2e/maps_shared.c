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
    BLOCK_ITEMS = 4096,
    BLOCKS = 2,
    ITEM_BYTES = 32,
    ROW_STRINGS = 6000,
    STRING_BYTES = 24,
    RECORD_BYTES = 136,
    RECORD_STRING_BYTES = 100,
    LITERALS = 4,
    LITERAL_BYTES = 16,
};

enum {
    NUMBER_BYTES = 8,
    POINTER_BYTES = 8,
    HEADER_BYTES = 16 /* of a string */,
    TINY_BYTES = 16,
    TINY_STRING_BYTES = 8
};

/* Slots, and what hangs on them. */
enum {
    INTERNED_NAIVE_BYTES = ENTRIES * (NUMBER_BYTES + HEADER_BYTES + TINY_STRING_BYTES),
    SAME_NAIVE_BYTES = 2 * (HEADER_BYTES + TINY_STRING_BYTES),
    SPLIT_NAIVE_BYTES = ENTRIES * (HEADER_BYTES + NUMBER_BYTES + FIELD_BYTES),
    LITERALS_BYTES = LITERALS * LITERAL_BYTES,
    LITERALS_NAIVE_BYTES = ENTRIES * (NUMBER_BYTES + HEADER_BYTES + LITERAL_BYTES),
    ITEMS = BLOCKS * BLOCK_ITEMS,
    ITEMS_BYTES = ITEMS * ITEM_BYTES,
    BLOCKS_BYTES = ITEMS * POINTER_BYTES,
    BLOCKS_NAIVE_BYTES = BLOCKS * (NUMBER_BYTES + POINTER_BYTES) + BLOCKS_BYTES,
    ROW_BYTES = ROW_STRINGS * HEADER_BYTES,
    ROW_ASKED_BYTES = ROW_BYTES + ROW_STRINGS * STRING_BYTES,
    ROW_NAIVE_BYTES = NUMBER_BYTES + ROW_BYTES + ROW_ASKED_BYTES,
    RECORD_ASKED_BYTES = RECORD_BYTES + HEADER_BYTES + RECORD_STRING_BYTES,
    RECORD_NAIVE_BYTES = NUMBER_BYTES + RECORD_BYTES + RECORD_ASKED_BYTES,
};

struct expected {
    const char *variable;
    unsigned part;
    uint64_t objects, asked_bytes, image_bytes, naive_bytes;
};

static const struct expected EXPECTED[] = {
    {"main.SInterned", TRUTH_ELEMENTS, 1, TINY_BYTES, 0, INTERNED_NAIVE_BYTES},
    {"main.SSame", TRUTH_KEYS, 1, TINY_STRING_BYTES, 0, SAME_NAIVE_BYTES},
    {"main.SSame", TRUTH_ELEMENTS, 0, 0, 0, SAME_NAIVE_BYTES},
    {"main.SSplit", TRUTH_KEYS, 1, FIELD_BYTES, 0, SPLIT_NAIVE_BYTES},
    {"main.SLiterals", TRUTH_ELEMENTS, 0, 0, LITERALS_BYTES, LITERALS_NAIVE_BYTES},
    {"main.SBlocks", TRUTH_ELEMENTS, BLOCKS, BLOCKS_BYTES, 0, BLOCKS_NAIVE_BYTES},
    {"main.SBlocks", TRUTH_DEEP, ITEMS, ITEMS_BYTES, 0, BLOCKS_NAIVE_BYTES},
    {"main.SRows", TRUTH_ELEMENTS, 1 + ROW_STRINGS, ROW_ASKED_BYTES, 0, ROW_NAIVE_BYTES},
    {"main.SRecords", TRUTH_ELEMENTS, 3, RECORD_ASKED_BYTES, 0, RECORD_NAIVE_BYTES},
};

static void expect_number(uint64_t is, uint64_t expected, const struct expected *row, const char *version,
                          const char *what)
{
    cr_expect_eq(is, expected, "go%s, %s, part %u: %s is %" PRIu64 ", not %" PRIu64, version, row->variable, row->part,
                 what, is, expected);
}

TOOLCHAIN_TEST(maps_shared, what_entries_share_and_what_is_large_is_told_as_it_is, .timeout = 300)
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
