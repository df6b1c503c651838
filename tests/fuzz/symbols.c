/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: Go's function table. The input chooses a format, then changes bytes of a sound table, its inline trees
 * and moduledata (offset, length, bytes); or it is the table itself. Then each address of its code is looked up.
 *
 * Sources: harness/symbols_go.c shim/goruntime/{elf_image,buildinfo,pclntab}.c shim/memory/{text,reader}.c
 *     tests/unit/support/{fake_memory,go_lines}.c
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "goruntime/runtime_find.h"
#include "harness/symbols_go.h"
#include "tests/unit/support/go_lines.h"

enum { FRAMES_MAX = 8, CHANGE_BYTES_MAX = 8, RAW = 128, STEP_BYTES = 5 };

static struct go_lines lines;
static _Alignas(16) uint8_t scratch[RUNTIME_FIND_SCRATCH_BYTES];

static void change(struct input *input)
{
    while (input->left > 0) {
        uint64_t offset = GO_LINES_TABLE + input_take(input, 2) % (GO_LINES_BYTES - GO_LINES_TABLE);
        uint64_t count = 1 + input_take(input, 1) % CHANGE_BYTES_MAX;
        for (uint64_t i = 0; i < count && offset + i < GO_LINES_BYTES; i++)
            lines.bytes[offset + i] = (uint8_t)input_take(input, 1);
    }
}

static void look_up(const struct go_table *table, uint64_t address)
{
    static char name[GO_NAME_BYTES_MAX];
    struct go_frame frames[FRAMES_MAX];
    uint32_t count = go_table_resolve(table, address, frames, FRAMES_MAX);
    MUST(count <= FRAMES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        MUST(frames[i].function != NULL && frames[i].function[0] != '\0');
        MUST((frames[i].file != NULL) || frames[i].line == 0);
        go_name_for_print(table, frames[i].function, name);
        MUST(strlen(name) < sizeof name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const char *const VERSIONS[] = {"go1.17", "go1.19.8", "go1.24.4", "go1.27.3"};
    static const enum pclntab_format FORMATS[] = {PCLNTAB_1_16, PCLNTAB_1_18, PCLNTAB_1_20, PCLNTAB_1_20};
    struct input input = {data, bytes};
    struct go_table table;
    uint64_t choice = input_take(&input, 1);
    go_lines_build(&lines, FORMATS[choice % 4], VERSIONS[choice % 4]);
    if (choice & RAW)
        memcpy(lines.bytes + GO_LINES_TABLE + 64, input.at,
               input.left < GO_LINES_TREES - GO_LINES_TABLE - 64 ? input.left : GO_LINES_TREES - GO_LINES_TABLE - 64);
    else
        change(&input);
    if (!go_table_open(&table, &lines.image, scratch))
        return 0;
    for (uint64_t at = GO_LINES_BASE - 1; at <= GO_LINES_END; at += STEP_BYTES)
        look_up(&table, at);
    go_table_close(&table);
    return 0;
}
