/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch page` tells the block of malloc that an address lies in, and whether it is free, as the program knows.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/program.h"
#include "tests/e2e/support/text.h"

enum { PID_BYTES = 16, HEX_BYTES = 24, TRUTH_BYTES = 1024, HEADER_BYTES = 16 };

static struct program *run_page(uint64_t address, const char *pid, const char *option)
{
    char hex[HEX_BYTES];
    snprintf(hex, sizeof hex, "0x%" PRIx64, address);
    struct program *page = gopagewatch_run((const char *[]){"page", hex, pid, option, NULL});
    cr_assert_eq(program_await_end(page), 0, "%s", program_errors(page));
    return page;
}

/* The chunk of a block has its size in front of it, and in use it goes on for a word into the next one's header. */
static void check_block(uint64_t block, uint64_t chunk_bytes, uint64_t offset, const char *pid, const char *class_name,
                        const char *state, bool has_mapping)
{
    struct program *output = run_page(block + offset, pid, "--json");
    json_t *page = json_loads(program_output(output), JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(page, "%s", program_output(output));
    cr_expect_str_eq(dump_text(page, "class"), class_name, "%s", program_output(output));
    cr_expect_str_eq(dump_text(page, "block/state"), state, "%s", program_output(output));
    cr_expect_eq(dump_address(page, "block/start"), block, "%s", program_output(output));
    cr_expect_eq(dump_number(page, "block/chunk_bytes"), chunk_bytes, "%s", program_output(output));
    cr_expect_eq(json_is_true(dump_at(page, "block/own_mapping")), has_mapping);
    json_decref(page);
    program_free(output);
}

ENDS_TEST(page_malloc, a_block_is_told_with_its_size_and_whether_it_is_free, .timeout = 180)
{
    char truth[TRUTH_BYTES], pid[PID_BYTES], words[128];
    struct program_setup setup = {.arguments = (const char *[]){app_path(toolchain, "cblocks"), NULL}};
    struct program *program = program_start(&setup);
    snprintf(truth, sizeof truth, "%s", program_await_phase(program, "made"));
    snprintf(pid, sizeof pid, "%d", (int)program_pid(program));
    uint64_t used = text_number(truth, "used"), used_bytes = text_number(truth, "used_bytes") + 8;
    uint64_t freed = text_number(truth, "freed"), freed_bytes = text_number(truth, "freed_bytes") + 8;
    uint64_t large = text_number(truth, "large"), large_bytes = text_number(truth, "large_bytes") + HEADER_BYTES;
    check_block(used, used_bytes, 0, pid, "c.heap.used", "used", false);
    check_block(used, used_bytes, used_bytes - HEADER_BYTES - 1, pid, "c.heap.used", "used", false);
    check_block(freed, freed_bytes, 0, pid, "c.heap.free", "free", false);
    check_block(freed, freed_bytes, freed_bytes / 2, pid, "c.heap.free", "free", false);
    if (large != 0)
        check_block(large, large_bytes, large_bytes / 2, pid, "c.heap.used", "used", true);

    /* For people. */
    struct program *page = run_page(freed + 5, pid, NULL);
    snprintf(words, sizeof words, "chunk of %" PRIu64 " B (", freed_bytes);
    cr_expect_not_null(strstr(program_output(page), words), "%s", program_output(page));
    cr_expect_not_null(strstr(program_output(page), "5 bytes into it: free\n"), "%s", program_output(page));
    cr_expect_not_null(strstr(program_output(page), "class       c.heap.free"), "%s", program_output(page));
    program_free(page);
    program_free(program);
}
