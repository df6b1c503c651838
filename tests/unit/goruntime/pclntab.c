/* SPDX-License-Identifier: Apache-2.0
 *
 * The function table: all three formats, with and without section headers, text from moduledata, and tables that lie.
 */
#include "goruntime/pclntab.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/files.h"
#include "tests/unit/support/go_image.h"
#include "tests/unit/support/random.h"

enum { BASE = 0x555555554000, SCRATCH_BYTES = 8192 };

static struct go_image image;
static struct elf_image elf;
static struct pclntab table;
static _Alignas(16) uint8_t scratch[SCRATCH_BYTES];

static const struct {
    struct go_image_kind kind;
    const char *what;
} VARIANTS[] = {
    {{.format = PCLNTAB_1_16, .version = "go1.17"}, "1.16, PIE"},
    {{.format = PCLNTAB_1_16, .is_fixed = true, .version = "go1.17"}, "1.16, fixed"},
    {{.format = PCLNTAB_1_18, .version = "go1.18"}, "1.18, PIE"},
    {{.format = PCLNTAB_1_20, .is_fixed = true, .version = "go1.25"}, "1.20, fixed"},
    {{.format = PCLNTAB_1_20, .has_text_in_moduledata = true, .version = "go1.26"}, "1.20, text in moduledata, PIE"},
    {{.format = PCLNTAB_1_20, .is_fixed = true, .has_text_in_moduledata = true, .version = "go1.27"},
     "1.20, text in moduledata, fixed"},
    {{.format = PCLNTAB_1_18, .version = "go1.19", .table_section = ".data.rel.ro"}, "merged into .data.rel.ro"},
    {{.format = PCLNTAB_1_18, .version = "go1.19", .table_section = ".data.rel.ro.gopclntab"}, "internally linked PIE"},
};

enum { VARIANTS_COUNT = sizeof VARIANTS / sizeof VARIANTS[0] };

static void build(const struct go_image_kind *kind)
{
    go_image_build(&image, kind, kind->is_fixed ? 0x400000 : BASE);
}

static void read_headers(bool with_sections)
{
    cr_assert(elf_image_read(&elf, &image.memory.reader, image.base));
    if (!with_sections)
        return;
    struct memory_file file = memory_file_make(image.bytes, sizeof image.bytes);
    cr_assert(elf_image_read_sections(&elf, file.path));
    memory_file_close(&file);
}

static bool find(bool with_sections)
{
    read_headers(with_sections);
    return pclntab_find(&table, &elf, scratch, sizeof scratch);
}

static bool look_up(const char *name, uintptr_t *start, uintptr_t *end)
{
    return pclntab_lookup(&table, &elf, name, scratch, sizeof scratch, start, end);
}

Test(pclntab, is_found_in_every_format_and_finds_every_function)
{
    for (unsigned i = 0; i < 2 * VARIANTS_COUNT; i++) {
        const char *what = VARIANTS[i / 2].what;
        build(&VARIANTS[i / 2].kind);
        cr_assert(find(i % 2 != 0), "%s, sections %u", what, i % 2);
        cr_expect_eq(table.format, image.kind.format, "%s", what);
        cr_expect_eq(table.start, image.base + GO_IMAGE_PCLNTAB, "%s", what);
        cr_expect_eq(table.functions_count, (uint64_t)GO_IMAGE_FUNCTIONS, "%s", what);
        cr_expect_eq(table.text, table.format == PCLNTAB_1_16 ? 0 : image.base + GO_IMAGE_TEXT, "%s", what);
        for (unsigned function = 0; function < GO_IMAGE_FUNCTIONS; function++) {
            uintptr_t start = 0, end = 0;
            cr_assert(look_up(GO_IMAGE_FUNCTION_NAMES[function], &start, &end), "%s: function %u", what, function);
            cr_expect_eq(start, go_image_function(&image, function), "%s: function %u", what, function);
            cr_expect_eq(end, start + GO_IMAGE_FUNCTION_BYTES, "%s: function %u", what, function);
        }
    }
}

Test(pclntab, a_name_must_be_the_whole_name)
{
    static const char *const NAMES[] = {
        "runtime.madvise.func", "runtime.madvis", "untime.madvise", "madvise", "nothing", "runtime.madvise.func1.2"};
    build(&VARIANTS[3].kind);
    cr_assert(find(true));
    for (unsigned i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        uintptr_t start, end;
        cr_expect_not(look_up(NAMES[i], &start, &end), "%s", NAMES[i]);
    }
}

/* The names are read in pieces of the scratch's size: none is missed where two pieces meet. */
Test(pclntab, a_name_is_found_wherever_the_pieces_meet)
{
    for (uint64_t bytes = 64; bytes < 200; bytes++) {
        uintptr_t start = 0, end;
        uint8_t *small = malloc(bytes);
        build(&VARIANTS[3].kind);
        cr_assert(find(true));
        cr_assert(pclntab_lookup(&table, &elf, "runtime.madvise", small, bytes, &start, &end), "%lu bytes", bytes);
        cr_expect_eq(start, go_image_function(&image, GO_IMAGE_MADVISE));
        free(small);
    }
}

static void put_header_u64(unsigned word, uint64_t value)
{
    go_image_put_u64(&image, GO_IMAGE_PCLNTAB + 8 * word, value);
}

/* Words of the header, 1.18 on: 1 nfunc, 3 textStart, 4 names, 8 functab. */
Test(pclntab, a_header_that_lies_is_no_header)
{
    static const struct {
        unsigned word;
        uint64_t value;
    } LIES[] = {
        {0, 0},
        {0, 0x08010000fffffffb},
        {0, 0x08010100fffffff1},
        {0, 0x08040000fffffff1}, /* arm64's quantum */
        {0, 0x04010000fffffff1}, /* 32 bits */
        {1, 0},
        {1, (0x4000 - 0x400) / 8},
        {1, 1u << 27},
        {1, UINT64_MAX},
        {1, UINT64_MAX / 8},
        {3, BASE - 1},
        {3, BASE + GO_IMAGE_MEMORY_BYTES},
        {3, UINT64_MAX},
        {4, 0},
        {4, 63},
        {4, 129},
        {4, UINT64_MAX},
        {8, 0},
        {8, 72},
        {8, 0x4000},
        {8, UINT64_MAX},
    };
    for (unsigned i = 0; i < 2 * sizeof LIES / sizeof LIES[0]; i++) {
        build(&VARIANTS[2].kind);
        put_header_u64(LIES[i / 2].word, LIES[i / 2].value);
        cr_expect_not(find(i % 2 != 0), "lie %u, sections %u", i / 2, i % 2);
    }
}

Test(pclntab, without_text_there_is_no_table)
{
    for (int with_sections = 0; with_sections < 2; with_sections++) {
        build(&VARIANTS[4].kind);
        go_image_put_u64(&image, GO_IMAGE_MODULE + 8, 0); /* not the table's names: not moduledata */
        cr_expect_not(find(with_sections));
        build(&VARIANTS[4].kind);
        go_image_put_u64(&image, GO_IMAGE_MODULE + 176, BASE + GO_IMAGE_MEMORY_BYTES);
        cr_expect_not(find(with_sections), "text lies in the image");
    }
}

/* Offsets of what belongs to runtime.madvise in the table of each layout. */
static uint64_t entry_of_madvise(void)
{
    bool is_1_16 = image.kind.format == PCLNTAB_1_16;
    return GO_IMAGE_PCLNTAB + 0x400 + GO_IMAGE_MADVISE * (is_1_16 ? 16u : 8u);
}

Test(pclntab, entries_that_lie_find_nothing)
{
    uintptr_t start, end;
    build(&VARIANTS[0].kind);
    go_image_put_u64(&image, entry_of_madvise(), BASE + GO_IMAGE_MEMORY_BYTES);
    cr_assert(find(true));
    cr_expect_not(look_up("runtime.madvise", &start, &end), "1.16: an entry outside of the image");

    build(&VARIANTS[0].kind);
    go_image_put_u64(&image, entry_of_madvise() + 16, go_image_function(&image, GO_IMAGE_MADVISE));
    cr_assert(find(true));
    cr_expect_not(look_up("runtime.madvise", &start, &end), "1.16: a function of no length");

    static const uint64_t OFFSETS[] = {UINT64_MAX, UINT64_MAX - 0x400, 0x4000, 0x3c00, 1ull << 63};
    for (unsigned i = 0; i < sizeof OFFSETS / sizeof OFFSETS[0]; i++) {
        build(&VARIANTS[0].kind);
        go_image_put_u64(&image, entry_of_madvise() + 8, OFFSETS[i]);
        cr_assert(find(true));
        cr_expect_not(look_up("runtime.madvise", &start, &end), "1.16: _func at %lx", OFFSETS[i]);
    }
    static const uint32_t VALUES[] = {UINT32_MAX, 0x9000, 0x3c00};
    for (unsigned i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        build(&VARIANTS[3].kind);
        go_image_put_u32(&image, entry_of_madvise() + 4, VALUES[i]);
        cr_assert(find(true));
        cr_expect_not(look_up("runtime.madvise", &start, &end), "1.20: _func at %x", VALUES[i]);
        build(&VARIANTS[3].kind);
        go_image_put_u32(&image, entry_of_madvise(), VALUES[i]);
        cr_assert(find(true));
        cr_expect_not(look_up("runtime.madvise", &start, &end), "1.20: entry at %x", VALUES[i]);
    }
}

Test(pclntab, a_table_that_ends_before_its_functions_do_finds_nothing)
{
    uintptr_t start, end;
    build(&VARIANTS[3].kind);
    cr_assert(find(true));
    /* As if the rest had been unmapped since. */
    image.memory.segments[0].count = GO_IMAGE_PCLNTAB + 0x400 + 8;
    cr_expect_not(look_up("runtime.exit", &start, &end));
    image.memory.segments[0].count = GO_IMAGE_PCLNTAB + 80;
    cr_expect_not(look_up("runtime.madvise", &start, &end));
}

Test(pclntab, is_not_found_in_memory_that_cannot_be_read)
{
    build(&VARIANTS[3].kind);
    read_headers(true);
    image.memory.segments[0].count = GO_IMAGE_PCLNTAB + 8;
    cr_expect_not(pclntab_find(&table, &elf, scratch, sizeof scratch));
    build(&VARIANTS[3].kind);
    read_headers(false);
    image.memory.segments[0].count = GO_IMAGE_PCLNTAB + 8;
    cr_expect_not(pclntab_find(&table, &elf, scratch, sizeof scratch));
}

Test(pclntab, survives_any_bytes_in_the_table)
{
    struct random random = {23};
    for (int round = 0; round < 4000; round++) {
        uintptr_t start, end;
        build(&VARIANTS[random_below(&random, VARIANTS_COUNT)].kind);
        for (uint64_t changes = 1 + random_below(&random, 5); changes > 0; changes--)
            image.bytes[GO_IMAGE_PCLNTAB + random_below(&random, 0x700)] = (uint8_t)random_next(&random);
        read_headers(false);
        if (!pclntab_find(&table, &elf, scratch, sizeof scratch))
            continue;
        cr_assert_leq(table.end, elf.end);
        if (look_up("runtime.madvise", &start, &end))
            cr_assert(start >= elf.start && end > start && end <= elf.end);
    }
}
