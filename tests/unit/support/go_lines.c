/* SPDX-License-Identifier: Apache-2.0
 *
 * What the compiler and the linker would write (cmd/link/internal/ld/pcln.go, cmd/internal/obj/pcln.go).
 */
#include "tests/unit/support/go_lines.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "goruntime/buildinfo.h"
#include "memory/units.h"

enum {
    NAMES = 0x80,
    UNITS = 0x180,
    FILES = 0x1a0,
    VALUES = 0x200,
    FUNCTIONS = 0x300,
    FUNCTION_STRUCTS = 0x380, /* where the first _func is */
    FUNCTION_STRUCT_BYTES = 0x60,
    FUNCTIONS_COUNT = 3,
    INNER_LINE = 31,
    NO_FILE = 3, /* an index of the unit's that has none */
    STEPS_MAX = 5,
};

/* Values from an offset into the function on; the last step only ends the one before. */
struct step {
    uint32_t from;
    int32_t value;
};

struct made_function {
    const char *name;
    uint32_t entry, end;
    bool is_wrapper;
    struct step files[STEPS_MAX], lines[STEPS_MAX], calls[STEPS_MAX];
    uint32_t tree; /* offset from the first */
};

static const struct made_function MADE[FUNCTIONS_COUNT] = {
    {"main.outer",
     0,
     0x100,
     false,
     {{0, 0}, {0x40, 1}, {0x60, 0}, {0x100, 0}},
     {{0, 10}, {0x40, INNER_LINE}, {0x60, 21}, {0x80, 12}, {0x100, 0}},
     {{0, -1}, {0x40, 1}, {0x60, 0}, {0x80, -1}, {0x100, 0}},
     0},
    {"main.Pile[go.shape.int].Push",
     0x100,
     0x140,
     false,
     {{0, 0}, {0x20, NO_FILE}, {0x40, 0}},
     {{0, 40}, {0x40, 0}},
     {{0, -1}, {0x40, 0}},
     UINT32_MAX},
    {"main.(*T).wrapper",
     0x140,
     0x180,
     true,
     {{0, 2}, {0x10, 1}, {0x20, 2}, {0x40, 0}},
     {{0, 1}, {0x10, INNER_LINE}, {0x20, 1}, {0x40, 0}},
     {{0, -1}, {0x10, 0}, {0x20, -1}, {0x40, 0}},
     0x100},
};

struct maker {
    struct go_lines *lines;
    uint32_t names_used, values_used;
};

static void put(struct go_lines *lines, uint64_t at, uint64_t value, unsigned bytes)
{
    memcpy(lines->bytes + at, &value, bytes);
}

static uint32_t put_name(struct maker *maker, const char *name)
{
    uint32_t offset = maker->names_used;
    strcpy((char *)maker->lines->bytes + GO_LINES_TABLE + NAMES + offset, name);
    maker->names_used += (uint32_t)strlen(name) + 1;
    return offset;
}

static void put_varint(struct maker *maker, uint32_t value)
{
    uint8_t *values = maker->lines->bytes + GO_LINES_TABLE + VALUES;
    for (; value >= 0x80; value >>= 7)
        values[maker->values_used++] = (uint8_t)(value | 0x80);
    values[maker->values_used++] = (uint8_t)value;
}

static uint32_t put_values(struct maker *maker, const struct step *steps, uint32_t end)
{
    uint32_t offset = maker->values_used;
    int32_t before = -1;
    for (; steps->from < end; steps++) {
        int32_t change = steps->value - before;
        put_varint(maker, change < 0 ? (uint32_t)(-change) * 2 - 1 : (uint32_t)change * 2);
        put_varint(maker, steps[1].from - steps->from);
        before = steps->value;
    }
    put_varint(maker, 0);
    return offset;
}

static unsigned wrapper_id(const char *version)
{
    unsigned minor = go_version_minor(version);
    return minor >= 25 ? 23 : minor >= 22 ? 22 : 21;
}

static void put_function(struct maker *maker, unsigned index, const char *version)
{
    struct go_lines *lines = maker->lines;
    const struct made_function *made = &MADE[index];
    const bool is_1_16 = lines->format == PCLNTAB_1_16, is_1_18 = lines->format == PCLNTAB_1_18;
    uint64_t at = GO_LINES_TABLE + FUNCTION_STRUCTS + index * FUNCTION_STRUCT_BYTES, offset = at - GO_LINES_TABLE;
    uint64_t entry = GO_LINES_TABLE + FUNCTIONS + index * (is_1_16 ? 16 : 8);
    put(lines, entry, is_1_16 ? GO_LINES_BASE + made->entry : made->entry, is_1_16 ? 8 : 4);
    put(lines, entry + (is_1_16 ? 8 : 4), offset - FUNCTIONS, is_1_16 ? 8 : 4);

    put(lines, at, is_1_16 ? GO_LINES_BASE + made->entry : made->entry, is_1_16 ? 8 : 4);
    at += is_1_16 ? 4 : 0; /* the fields that follow are 4 bytes higher */
    put(lines, at + 4, put_name(maker, made->name), 4);
    put(lines, at + 20, put_values(maker, made->files, made->end - made->entry), 4);
    put(lines, at + 24, put_values(maker, made->lines, made->end - made->entry), 4);
    put(lines, at + 28, 3, 4);                               /* npcdata */
    put(lines, at + 32, 0, 4);                               /* cuOffset */
    uint64_t tail = at + (is_1_18 ? 36 : is_1_16 ? 36 : 40); /* funcID, flag, 0, nfuncdata */
    put(lines, tail, made->is_wrapper ? wrapper_id(version) : 0, 1);
    put(lines, tail + 3, 4, 1);
    put(lines, tail + 4 + 8, put_values(maker, made->calls, made->end - made->entry), 4);
    uint64_t data = tail + 4 + 12;
    if (is_1_16)
        put(lines, align_up(data, 8) + 24, made->tree == UINT32_MAX ? 0 : GO_LINES_BASE + GO_LINES_TREES + made->tree,
            8);
    else
        put(lines, data + 12, made->tree, 4);
}

static void put_call(struct go_lines *lines, uint64_t tree, uint32_t index, uint32_t name, uint32_t parent_pc)
{
    bool is_1_20 = lines->format == PCLNTAB_1_20;
    uint64_t at = GO_LINES_TREES + tree + index * (is_1_20 ? 16 : 20);
    put(lines, at + (is_1_20 ? 4 : 12), name, 4);
    put(lines, at + (is_1_20 ? 8 : 16), parent_pc, 4);
}

static void put_table(struct maker *maker, const char *version)
{
    static const uint32_t MAGICS[] = {0xfffffffa, 0xfffffff0, 0xfffffff1};
    static const char FILE_TEXTS[] = "/src/main.go\0/src/inner.go\0<autogenerated>";
    struct go_lines *lines = maker->lines;
    const bool is_1_16 = lines->format == PCLNTAB_1_16;
    const uint64_t OFFSETS[] = {NAMES, UNITS, FILES, VALUES, FUNCTIONS};
    put(lines, GO_LINES_TABLE, MAGICS[lines->format], 4);
    lines->bytes[GO_LINES_TABLE + 6] = 1;
    lines->bytes[GO_LINES_TABLE + 7] = 8;
    put(lines, GO_LINES_TABLE + 8, FUNCTIONS_COUNT, 8);
    if (!is_1_16 && go_version_minor(version) < 26)
        put(lines, GO_LINES_TABLE + 24, GO_LINES_BASE, 8);
    for (unsigned i = 0; i < 5; i++)
        put(lines, GO_LINES_TABLE + (is_1_16 ? 24 : 32) + 8 * i, OFFSETS[i], 8);
    memcpy(lines->bytes + GO_LINES_TABLE + FILES, FILE_TEXTS, sizeof FILE_TEXTS);
    const uint32_t UNIT[] = {0, 13, 27, UINT32_MAX};
    memcpy(lines->bytes + GO_LINES_TABLE + UNITS, UNIT, sizeof UNIT);
    maker->names_used = 1;  /* the first name is the empty one */
    maker->values_used = 1; /* offset 0 is no table */
    for (unsigned i = 0; i < FUNCTIONS_COUNT; i++)
        put_function(maker, i, version);
    uint64_t end = GO_LINES_TABLE + FUNCTIONS + FUNCTIONS_COUNT * (is_1_16 ? 16 : 8);
    put(lines, end, is_1_16 ? GO_LINES_END : GO_LINES_END - GO_LINES_BASE, is_1_16 ? 8 : 4);
    uint32_t inner = put_name(maker, "main.inner"), middle = put_name(maker, "main.middle");
    put_call(lines, MADE[0].tree, 0, middle, 0x80);
    put_call(lines, MADE[0].tree, 1, inner, 0x60);
    put_call(lines, MADE[2].tree, 0, inner, 0x20);
}

static void put_data(struct go_lines *lines, const char *version)
{
    static const uint32_t TREES_AT[] = {0, 304, 320};
    unsigned minor = go_version_minor(version);
    memcpy(lines->bytes + GO_LINES_BUILDINFO, "\xff Go buildinf:\x08\x02", 16);
    lines->bytes[GO_LINES_BUILDINFO + 32] = (uint8_t)strlen(version);
    memcpy(lines->bytes + GO_LINES_BUILDINFO + 33, version, strlen(version));
    put(lines, GO_LINES_MODULE, GO_LINES_BASE + GO_LINES_TABLE, 8);
    put(lines, GO_LINES_MODULE + 8, GO_LINES_BASE + GO_LINES_TABLE + NAMES, 8);
    put(lines, GO_LINES_MODULE + 176, GO_LINES_BASE, 8);
    put(lines, GO_LINES_MODULE + 320, GO_LINES_BASE + GO_LINES_TREES + 0x800, 8); /* what else may be there */
    put(lines, GO_LINES_MODULE + (minor >= 27 ? 344 : TREES_AT[lines->format]),
        lines->format == PCLNTAB_1_16 ? GO_LINES_BASE + GO_LINES_TABLE : GO_LINES_BASE + GO_LINES_TREES, 8);
}

static void put_headers(struct go_lines *lines)
{
    static const char NAMES_OF_SECTIONS[] = "\0.gopclntab\0.go.buildinfo";
    struct elf_image *image = &lines->image;
    const uintptr_t base = GO_LINES_BASE;
    *image = (struct elf_image){
        .reader = &lines->memory.reader,
        .base = base,
        .start = base,
        .end = base + GO_LINES_BYTES,
        .machine = EM_X86_64,
        .segments = {{base, base + GO_LINES_TABLE, false, true},
                     {base + GO_LINES_TABLE, base + GO_LINES_BUILDINFO, false, false},
                     {base + GO_LINES_BUILDINFO, base + GO_LINES_BYTES, true, false}},
        .segments_count = 3,
        .sections = {{1, base + GO_LINES_TABLE, base + GO_LINES_TREES, false, false},
                     {12, base + GO_LINES_BUILDINFO, base + GO_LINES_MODULE, true, false}},
        .sections_count = 2,
    };
    memcpy(image->section_names, NAMES_OF_SECTIONS, sizeof NAMES_OF_SECTIONS);
}

void go_lines_build(struct go_lines *lines, enum pclntab_format format, const char *version)
{
    struct maker maker = {.lines = lines};
    memset(lines, 0, sizeof *lines);
    lines->format = format;
    put_table(&maker, version);
    put_data(lines, version);
    put_headers(lines);
    fake_memory_open(&lines->memory);
    fake_memory_add(&lines->memory, GO_LINES_BASE, lines->bytes, sizeof lines->bytes);
}
