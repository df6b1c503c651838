/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding .gopclntab and looking a function up by its name (cmd/link/internal/ld/pcln.go:generatePCHeader, symtab.go).
 *
 * Header:  0 magic u32 | 4 zero, zero, quantum, pointer size | 8 nfunc | 16 nfiles
 *          1.16:  24 offsets of funcnametab, cutab, filetab, pctab, functab
 *          1.18+: 24 textStart (always 0 from 1.26 on), 32 the same offsets
 * functab: 1.16:  {entry u64, offset of _func u64}     1.18+: {entry u32 relative to text, offset of _func u32}
 * _func:   1.16:  entry u64, name i32 at 8             1.18+: entry u32, name i32 at 4
 *
 * Names are not sorted. The functions are in link order and the runtime stands among the first packages, so a search
 * from the front ends early and touches little of the table.
 */
#include "goruntime/pclntab.h"

#include <string.h>

#include "memory/units.h"

enum {
    HEADER_BYTES = 72,
    MAGIC_1_16 = (int)0xfffffffa,
    MAGIC_1_18 = (int)0xfffffff0,
    MAGIC_1_20 = (int)0xfffffff1,
    POINTER_BYTES = 8,
    MODULEDATA_TEXT = 176, /* moduledata.text, go1.16 to 1.27 */
    NAME_BYTES_MAX = 64,
    /* Read at a time, where the runtime's functions stand near the front: each page of the file that is read for
     * nothing is one more for the program's start. */
    NAMES_PIECE_BYTES = 32 << 10,
    FUNCTIONS_PIECE_BYTES = 16 << 10,
};

#define FUNCTIONS_MAX (1u << 26)

static uint32_t load_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* runtime/internal/sys: MinFrameSize and PCQuantum by architecture */
static uint8_t pc_quantum(uint16_t machine)
{
    enum { MACHINE_AARCH64 = 183 };
    return machine == MACHINE_AARCH64 ? 4 : 1;
}

static bool parse_format(uint32_t magic, enum pclntab_format *format)
{
    switch ((int)magic) {
    case MAGIC_1_16:
        *format = PCLNTAB_1_16;
        return true;
    case MAGIC_1_18:
        *format = PCLNTAB_1_18;
        return true;
    case MAGIC_1_20:
        *format = PCLNTAB_1_20;
        return true;
    default:
        return false;
    }
}

static bool parse_header(struct pclntab *table, const struct elf_image *image, uintptr_t start, uintptr_t end,
                         const uint8_t *header)
{
    if (!parse_format(load_u32(header), &table->format) || header[4] != 0 || header[5] != 0 ||
        header[6] != pc_quantum(image->machine) || header[7] != POINTER_BYTES)
        return false;
    bool is_1_16 = table->format == PCLNTAB_1_16;
    const uint8_t *offsets = header + (is_1_16 ? 24 : 32);
    uint64_t bytes = end - start;
    uint64_t names = u64_at(offsets), functions = u64_at(offsets + 32);
    uint64_t count = u64_at(header + 8);
    uint64_t entry_bytes = is_1_16 ? 16 : 8;
    if (names < 64 || names > 128 || functions <= names || functions >= bytes || count == 0 || count > FUNCTIONS_MAX ||
        (count + 1) * entry_bytes > bytes - functions)
        return false;
    uintptr_t text = is_1_16 ? 0 : u64_at(header + 24);
    if (text != 0 && !elf_image_holds(image, text))
        return false;

    table->start = start;
    table->end = end;
    table->names = start + names;
    table->functions = start + functions;
    table->functions_count = count;
    table->text = text;
    return true;
}

/* Searches [start, end) for a header; the table may reach up to `bound`. */
static bool search(struct pclntab *table, const struct elf_image *image, uintptr_t start, uintptr_t end,
                   uintptr_t bound, uint8_t *scratch, uint64_t scratch_bytes)
{
    struct reader_window window = {image->reader, start, end, scratch, scratch_bytes, 0, 0};
    for (uintptr_t at = align_up(start, POINTER_BYTES); at + HEADER_BYTES <= end; at += POINTER_BYTES) {
        const uint8_t *header = reader_window_at(&window, at, HEADER_BYTES);
        if (header == NULL)
            return false;
        if (parse_header(table, image, at, bound, header))
            return true;
    }
    return false;
}

uintptr_t pclntab_moduledata(const struct pclntab *table, struct reader *reader, uintptr_t start, uintptr_t end,
                             uint8_t *scratch, uint64_t scratch_bytes)
{
    struct reader_window window = {reader, start, end, scratch, scratch_bytes, 0, 0};
    for (uintptr_t at = align_up(start, POINTER_BYTES); at + MODULEDATA_TEXT + 8 <= end; at += POINTER_BYTES) {
        const uint8_t *words = reader_window_at(&window, at, MODULEDATA_TEXT + 8);
        if (words == NULL)
            return 0;
        if (u64_at(words) == table->start && u64_at(words + 8) == table->names)
            return at;
    }
    return 0;
}

/* go1.26 on: the header no longer says where text starts, firstmoduledata does. */
static bool find_text_by_moduledata(struct pclntab *table, const struct elf_image *image, uintptr_t start,
                                    uintptr_t end, uint8_t *scratch, uint64_t scratch_bytes)
{
    uintptr_t module = pclntab_moduledata(table, image->reader, start, end, scratch, scratch_bytes);
    uint64_t text;
    if (module == 0 || !reader_read(image->reader, module + MODULEDATA_TEXT, &text, sizeof text))
        return false;
    table->text = text;
    return elf_image_holds(image, text);
}

static bool find_text(struct pclntab *table, const struct elf_image *image, uint8_t *scratch, uint64_t scratch_bytes)
{
    if (table->format == PCLNTAB_1_16 || table->text != 0)
        return true;
    const struct elf_section *module = elf_image_section(image, ".go.module");
    if (module != NULL && find_text_by_moduledata(table, image, module->start, module->end, scratch, scratch_bytes))
        return true;
    for (uint32_t i = 0; i < image->segments_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        if (segment->is_writable &&
            find_text_by_moduledata(table, image, segment->start, segment->end, scratch, scratch_bytes))
            return true;
    }
    return false;
}

static bool find_by_section(struct pclntab *table, const struct elf_image *image, uint8_t *scratch,
                            uint64_t scratch_bytes)
{
    static const char *const OWN[] = {".gopclntab", ".data.rel.ro.gopclntab"};
    for (unsigned i = 0; i < sizeof OWN / sizeof OWN[0]; i++) {
        const struct elf_section *section = elf_image_section(image, OWN[i]);
        if (section != NULL)
            return search(table, image, section->start, section->start + HEADER_BYTES, section->end, scratch,
                          scratch_bytes);
    }
    /* Linked as PIE by the system's linker up to go1.25 the table is a part of this one. */
    const struct elf_section *merged = elf_image_section(image, ".data.rel.ro");
    return merged != NULL && search(table, image, merged->start, merged->end, merged->end, scratch, scratch_bytes);
}

bool pclntab_find(struct pclntab *table, const struct elf_image *image, uint8_t *scratch, uint64_t scratch_bytes)
{
    *table = (struct pclntab){0};
    if (image->sections_count != 0)
        return find_by_section(table, image, scratch, scratch_bytes) && find_text(table, image, scratch, scratch_bytes);
    for (uint32_t i = 0; i < image->segments_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        if (search(table, image, segment->start, segment->end, segment->end, scratch, scratch_bytes))
            return find_text(table, image, scratch, scratch_bytes);
    }
    return false;
}

/* functab has an entry for each function and one more for the end of the last (symtab.go:moduledata.ftab). */
static bool entry_of(const struct pclntab *table, struct reader *reader, uint64_t index, uintptr_t *address)
{
    uint8_t entry[8];
    bool is_1_16 = table->format == PCLNTAB_1_16;
    uint64_t entry_bytes = is_1_16 ? 16 : 8;
    if (!reader_read(reader, table->functions + index * entry_bytes, entry, sizeof entry))
        return false;
    *address = is_1_16 ? u64_at(entry) : table->text + load_u32(entry);
    return true;
}

bool pclntab_text_range(const struct pclntab *table, const struct elf_image *image, uintptr_t *start, uintptr_t *end)
{
    return entry_of(table, image->reader, 0, start) && entry_of(table, image->reader, table->functions_count, end) &&
           *start < *end && elf_image_holds(image, *start) && elf_image_holds(image, *end - 1);
}

struct function {
    uintptr_t entry, end;
    uint32_t name;
};

/* Two windows, because functab and the _func structs are both read forward, each at a place of its own. */
struct cursor {
    struct reader_window entries, functions;
};

static bool function_at(const struct pclntab *table, struct cursor *cursor, uint64_t index, struct function *function)
{
    bool is_1_16 = table->format == PCLNTAB_1_16;
    uint64_t entry_bytes = is_1_16 ? 16 : 8;
    const uint8_t *entry = reader_window_at(&cursor->entries, table->functions + index * entry_bytes, 2 * entry_bytes);
    if (entry == NULL)
        return false;
    uint64_t offset;
    if (is_1_16) {
        function->entry = u64_at(entry);
        offset = u64_at(entry + 8);
        function->end = u64_at(entry + 16);
    } else {
        function->entry = table->text + load_u32(entry);
        offset = load_u32(entry + 4);
        function->end = table->text + load_u32(entry + 8);
    }
    if (offset > table->end - table->functions)
        return false;
    const uint8_t *name = reader_window_at(&cursor->functions, table->functions + offset + (is_1_16 ? 8 : 4), 4);
    if (name == NULL)
        return false;
    function->name = load_u32(name);
    return true;
}

static bool is_named(const struct pclntab *table, const struct elf_image *image, uint32_t offset, const char *name)
{
    char text[NAME_BYTES_MAX];
    uint64_t bytes = strlen(name) + 1;
    return bytes <= sizeof text && offset < table->end - table->names && bytes <= table->end - table->names - offset &&
           reader_read(image->reader, table->names + offset, text, bytes) && memcmp(text, name, bytes) == 0;
}

/* The name's offset in funcnametab: found once, it is compared as a number. */
static bool find_name(const struct pclntab *table, const struct elf_image *image, const char *name, uint8_t *scratch,
                      uint64_t scratch_bytes, uint32_t *offset)
{
    uint64_t bytes = strlen(name) + 1;
    uintptr_t at = table->names;
    while (at < table->functions) {
        uint64_t held = min_u64(min_u64(scratch_bytes, NAMES_PIECE_BYTES), table->functions - at);
        if (held < bytes || !reader_read(image->reader, at, scratch, held))
            return false;
        for (uint64_t i = 0; i + bytes <= held; i++) {
            const uint8_t *hit = memchr(scratch + i, name[0], held - bytes - i + 1);
            if (hit == NULL)
                break;
            i = (uint64_t)(hit - scratch);
            if (memcmp(hit, name, bytes) == 0 && (i == 0 ? at == table->names : hit[-1] == '\0')) {
                *offset = (uint32_t)(at + i - table->names);
                return is_named(table, image, *offset, name);
            }
        }
        if (held == table->functions - at)
            return false;
        at += held - bytes; /* a name may lie across two pieces */
    }
    return false;
}

void pclntab_lookup_all(const struct pclntab *table, const struct elf_image *image, const char *const *names,
                        uint32_t count, struct pclntab_range *ranges, uint8_t *scratch, uint64_t scratch_bytes)
{
    uint32_t wanted[PCLNTAB_NAMES_MAX], indices[PCLNTAB_NAMES_MAX], wanted_count = 0;
    for (uint32_t i = 0; i < count && i < PCLNTAB_NAMES_MAX; i++) {
        ranges[i] = (struct pclntab_range){0, 0};
        indices[wanted_count] = i;
        wanted_count += find_name(table, image, names[i], scratch, scratch_bytes, &wanted[wanted_count]);
    }
    uint64_t half = min_u64(scratch_bytes / 2, FUNCTIONS_PIECE_BYTES);
    struct cursor cursor = {
        .entries = {image->reader, table->functions, table->end, scratch, half, 0, 0},
        .functions = {image->reader, table->functions, table->end, scratch + half, half, 0, 0},
    };
    uint32_t missing_count = wanted_count;
    for (uint64_t i = 0; i < table->functions_count && missing_count > 0; i++) {
        struct function function;
        if (!function_at(table, &cursor, i, &function))
            return;
        for (uint32_t k = 0; k < wanted_count; k++) {
            struct pclntab_range *range = &ranges[indices[k]];
            if (function.name != wanted[k] || range->end != 0)
                continue;
            missing_count--;
            if (function.end > function.entry && elf_image_holds(image, function.entry) &&
                elf_image_holds(image, function.end - 1))
                *range = (struct pclntab_range){function.entry, function.end};
        }
    }
}

bool pclntab_lookup(const struct pclntab *table, const struct elf_image *image, const char *name, uint8_t *scratch,
                    uint64_t scratch_bytes, uintptr_t *start, uintptr_t *end)
{
    const char *names[1] = {name};
    struct pclntab_range ranges[1];
    pclntab_lookup_all(table, image, names, 1, ranges, scratch, scratch_bytes);
    *start = ranges[0].start;
    *end = ranges[0].end;
    return ranges[0].end != 0;
}
