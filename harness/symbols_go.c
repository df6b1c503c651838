/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading .gopclntab.
 *
 *   functab    address -> _func, sorted by address
 *   _func      1.16  0 entry u64  8 name                                      40 funcID 43 nfuncdata 44 pcdata
 *              1.18  0 entry u32  4 name  16 pcsp 20 pcfile 24 pcln 28 npcdata 32 unit 36 funcID 39 nfuncdata 40 pcdata
 *              1.20  the same, then 36 startLine                              40 funcID 43 nfuncdata 44 pcdata
 *              (1.16 has its fields from pcsp on 4 bytes higher than 1.18.) Behind pcdata, funcdata: 1.16 addresses,
 *              aligned to 8; from 1.18 on offsets from go.func.*, 32 bits each
 *   pctab      tables address -> value: pairs of varints, change of the value and length of the code that has it
 *   inline     inlinedCall by index, the value of PCDATA_InlTreeIndex:
 *              1.16  parent i16, funcID u8, 0, file i32, line i32, name i32, parentPc i32
 *              1.20  funcID u8, 0, 0, 0, name i32, parentPc i32, startLine i32
 */
#include "harness/symbols_go.h"

#include <stdlib.h>
#include <string.h>

#include "goruntime/buildinfo.h"
#include "goruntime/runtime_find.h"
#include "memory/units.h"

enum {
    HEADER_BYTES = 72,
    PCDATA_INLINE_INDEX = 2, /* internal/abi/symtab.go:PCDATA_InlTreeIndex, FUNCDATA_InlTree */
    FUNCDATA_INLINE_TREE = 3,
    INLINED_CALL_BYTES_MAX = 20,
    STEPS_MAX = 1 << 20, /* of one table, and calls of one tree */
    CHECKED_TREES = 16,
    NO_VALUE = -1,
};

#define TABLE_BYTES_MAX (1ull << 30)

/* Where the fields of _func are. */
struct function_layout {
    uint8_t name, pcfile, pcln, pcdata_count, unit, id, funcdata_count, pcdata;
};

static const struct function_layout LAYOUTS[] = {
    [PCLNTAB_1_16] = {8, 24, 28, 32, 36, 40, 43, 44},
    [PCLNTAB_1_18] = {4, 20, 24, 28, 32, 36, 39, 40},
    [PCLNTAB_1_20] = {4, 20, 24, 28, 32, 40, 43, 44},
};

/* A function of the table, and where its _func lies. */
struct function {
    uint64_t entry, end;
    uint64_t at;
};

struct inlined_call {
    uint8_t id;
    uint32_t name, parent_pc;
};

/* ---- reading the table ---- */

/* Zero where the table has ended: every caller is content with that. */
static uint32_t load_u32(const struct go_table *table, uint64_t offset)
{
    uint32_t value = 0;
    if (offset <= table->bytes_count && table->bytes_count - offset >= sizeof value)
        memcpy(&value, table->bytes + offset, sizeof value);
    return value;
}

static uint64_t load_u64(const struct go_table *table, uint64_t offset)
{
    return load_u32(table, offset) | (uint64_t)load_u32(table, offset + 4) << 32;
}

static uint8_t load_u8(const struct go_table *table, uint64_t offset)
{
    return offset < table->bytes_count ? table->bytes[offset] : 0;
}

/* The text at `base` + `offset`; NULL when it is not in the table, has no end, or is empty. */
static const char *text_at(const struct go_table *table, uint64_t base, uint64_t offset)
{
    uint64_t at = base + offset;
    if (at >= table->bytes_count || table->bytes[at] == '\0' ||
        memchr(table->bytes + at, '\0', table->bytes_count - at) == NULL)
        return NULL;
    return (const char *)table->bytes + at;
}

static uint64_t entry_of(const struct go_table *table, uint64_t index)
{
    if (table->format == PCLNTAB_1_16)
        return load_u64(table, table->functions + 16 * index);
    return table->text + load_u32(table, table->functions + 8 * index);
}

static void function_at(const struct go_table *table, uint64_t index, struct function *function)
{
    uint64_t offset = table->format == PCLNTAB_1_16 ? load_u64(table, table->functions + 16 * index + 8)
                                                    : load_u32(table, table->functions + 8 * index + 4);
    function->entry = entry_of(table, index);
    function->end = entry_of(table, index + 1);
    function->at = offset < table->bytes_count ? table->functions + offset : table->bytes_count;
}

static bool find_function(const struct go_table *table, uint64_t address, struct function *function)
{
    uint64_t low = 0, high = table->functions_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (entry_of(table, middle) > address)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == 0)
        return false;
    function_at(table, low - 1, function);
    return address >= function->entry && address < function->end;
}

static bool read_varint(const struct go_table *table, uint64_t *at, uint32_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 32 && *at < table->bytes_count; shift += 7) {
        uint8_t byte = table->bytes[(*at)++];
        *value |= (uint32_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return true;
    }
    return false;
}

/* symtab.go:pcvalue. Offset 0 is no table. */
static int32_t value_at(const struct go_table *table, const struct function *function, uint32_t offset,
                        uint64_t address)
{
    uint64_t at = table->values + offset, pc = function->entry;
    uint32_t value = (uint32_t)NO_VALUE, change, length;
    if (offset == 0)
        return NO_VALUE;
    for (uint32_t i = 0; i < STEPS_MAX && read_varint(table, &at, &change); i++) {
        if ((change == 0 && i != 0) || !read_varint(table, &at, &length))
            return NO_VALUE;
        value += (change & 1) != 0 ? ~(change >> 1) : change >> 1;
        pc += (uint64_t)length * table->quantum;
        if (address < pc)
            return (int32_t)value;
    }
    return NO_VALUE;
}

/* ---- lines ---- */

static void set_line(const struct go_table *table, const struct function *function, uint64_t address,
                     struct go_frame *frame)
{
    const struct function_layout *layout = &LAYOUTS[table->format];
    int32_t file = value_at(table, function, load_u32(table, function->at + layout->pcfile), address);
    int32_t line = value_at(table, function, load_u32(table, function->at + layout->pcln), address);
    frame->file = NULL;
    frame->line = 0;
    if (file < 0 || line < 0)
        return;
    uint64_t unit = load_u32(table, function->at + layout->unit);
    uint64_t at = table->units + 4 * (unit + (uint32_t)file);
    if (at + 4 > table->bytes_count || load_u32(table, at) == UINT32_MAX)
        return;
    frame->file = text_at(table, table->files, load_u32(table, at));
    frame->line = frame->file == NULL ? 0 : (uint64_t)line;
}

/* ---- inlined calls ---- */

static uint64_t pcdata_count(const struct go_table *table, const struct function *function)
{
    return load_u32(table, function->at + LAYOUTS[table->format].pcdata_count);
}

/* The address of the function's inline tree in the image; 0: it has none. */
static uint64_t inline_tree(const struct go_table *table, const struct function *function)
{
    const struct function_layout *layout = &LAYOUTS[table->format];
    uint64_t at = function->at + layout->pcdata + 4 * pcdata_count(table, function);
    if (load_u8(table, function->at + layout->funcdata_count) <= FUNCDATA_INLINE_TREE)
        return 0;
    if (table->format == PCLNTAB_1_16)
        return load_u64(table, align_up(at, 8) + 8ull * FUNCDATA_INLINE_TREE);
    at += 4ull * FUNCDATA_INLINE_TREE;
    if (table->inline_trees == 0 || at + 4 > table->bytes_count || load_u32(table, at) == UINT32_MAX)
        return 0;
    return table->inline_trees + load_u32(table, at);
}

static bool read_inlined_call(const struct go_table *table, uint64_t tree, uint32_t index, struct inlined_call *call)
{
    uint8_t bytes[INLINED_CALL_BYTES_MAX];
    bool is_1_20 = table->format == PCLNTAB_1_20;
    uint64_t call_bytes = is_1_20 ? 16 : 20;
    if (tree == 0 || index >= STEPS_MAX || !reader_read(table->reader, tree + index * call_bytes, bytes, call_bytes))
        return false;
    call->id = bytes[is_1_20 ? 0 : 2];
    memcpy(&call->name, bytes + (is_1_20 ? 4 : 12), sizeof call->name);
    memcpy(&call->parent_pc, bytes + (is_1_20 ? 8 : 16), sizeof call->parent_pc);
    return true;
}

/* The inlined call that `address` is in. False: it is in none, the function itself has it. */
static bool find_inlined_call(const struct go_table *table, const struct function *function, uint64_t address,
                              struct inlined_call *call)
{
    if (pcdata_count(table, function) <= PCDATA_INLINE_INDEX)
        return false;
    uint64_t at = function->at + LAYOUTS[table->format].pcdata + 4ull * PCDATA_INLINE_INDEX;
    int32_t index = value_at(table, function, load_u32(table, at), address);
    return index >= 0 && read_inlined_call(table, inline_tree(table, function), (uint32_t)index, call) &&
           text_at(table, table->names, call->name) != NULL && call->parent_pc < function->end - function->entry;
}

/* internal/abi/symtab.go:FuncIDWrapper, which moves. */
static bool is_wrapper(const struct go_table *table, uint8_t id)
{
    static const uint8_t OF_MINOR[] = {
        [19] = 21, [20] = 21, [21] = 21, [22] = 22, [23] = 22, [24] = 22, [25] = 23, [26] = 23, [27] = 23};
    return table->minor < sizeof OF_MINOR && id != 0 && id == OF_MINOR[table->minor];
}

uint32_t go_table_resolve(const struct go_table *table, uint64_t address, struct go_frame *frames, uint32_t frames_max)
{
    const struct function_layout *layout = &LAYOUTS[table->format];
    struct function function;
    uint32_t count = 0;
    if (!find_function(table, address, &function))
        return 0;
    bool is_inlined = true;
    for (uint32_t depth = 0; is_inlined && count < frames_max && depth < STEPS_MAX; depth++) {
        struct inlined_call call;
        is_inlined = find_inlined_call(table, &function, address, &call);
        uint32_t name = is_inlined ? call.name : load_u32(table, function.at + layout->name);
        struct go_frame frame = {
            .function = text_at(table, table->names, name),
            .is_inlined = is_inlined,
            .is_wrapper = is_wrapper(table, is_inlined ? call.id : load_u8(table, function.at + layout->id)),
        };
        if (frame.function == NULL)
            break;
        set_line(table, &function, address, &frame);
        if (!frame.is_wrapper || (count == 0 && !is_inlined))
            frames[count++] = frame;
        if (is_inlined)
            address = function.entry + call.parent_pc;
    }
    if (count > 0 && !is_inlined)
        frames[count - 1].is_inlined = false; /* what follows may have been a wrapper */
    return count;
}

/* ---- names ---- */

struct name {
    char *bytes;
    uint64_t count;
};

static void append(struct name *name, const char *start, const char *end)
{
    uint64_t bytes = min_u64((uint64_t)(end - start), GO_NAME_BYTES_MAX - 1 - name->count);
    memcpy(name->bytes + name->count, start, bytes);
    name->count += bytes;
    name->bytes[name->count] = '\0';
}

static void append_text(struct name *name, const char *text)
{
    append(name, text, text + strlen(text));
}

/* go1.27 on: of "Type[shape].Method[shape]" what is between. `first` and `last` are the outermost brackets. False: they
 * do not match. */
static bool find_middle(const char *first, const char *last, const char **start, const char **end)
{
    int depth = 0;
    *start = NULL;
    for (const char *at = first; at < last; at++) {
        depth += (*at == '[') - (*at == ']');
        if (*start == NULL && depth == 0)
            *start = at + 1;
        else if (*start != NULL && *at == '[') {
            *end = at;
            return true;
        }
    }
    return *start == NULL;
}

void go_name_for_print(const struct go_table *table, const char *text, char *buffer)
{
    const char *first = strchr(text, '['), *last = strrchr(text, ']');
    const char *start = NULL, *end = NULL;
    bool has_middle = table->minor == 0 || table->minor >= 27;
    struct name name = {buffer, 0};
    if (table->format == PCLNTAB_1_16 || first == NULL || last == NULL || last < first ||
        (has_middle && !find_middle(first, last, &start, &end))) {
        append_text(&name, text);
        return;
    }
    append(&name, text, first);
    append_text(&name, "[...]");
    if (start != NULL) {
        append(&name, start, end);
        append_text(&name, "[...]");
    }
    append_text(&name, last + 1);
}

/* ---- finding it ---- */

static bool read_table(struct go_table *table, const struct pclntab *found)
{
    uint64_t end = min_u64(found->end, found->start + TABLE_BYTES_MAX);
    if (end <= found->start)
        return false;
    table->bytes = malloc(end - found->start);
    if (table->bytes == NULL)
        return false;
    table->bytes_count = end - found->start;
    if (!reader_read(table->reader, found->start, table->bytes, table->bytes_count))
        return false;
    uint64_t offsets = table->format == PCLNTAB_1_16 ? 24 : 32;
    uint64_t entry_bytes = table->format == PCLNTAB_1_16 ? 16 : 8;
    table->quantum = load_u8(table, 6);
    table->functions_count = load_u64(table, 8);
    table->names = load_u64(table, offsets);
    table->units = load_u64(table, offsets + 8);
    table->files = load_u64(table, offsets + 16);
    table->values = load_u64(table, offsets + 24);
    table->functions = load_u64(table, offsets + 32);
    return table->bytes_count >= HEADER_BYTES && table->names <= table->units && table->units <= table->files &&
           table->files <= table->values && table->values <= table->functions &&
           table->functions < table->bytes_count &&
           table->functions_count < (table->bytes_count - table->functions) / entry_bytes;
}

/* Does the first call of the first trees look like one? */
static bool are_inline_trees(const struct go_table *table)
{
    uint32_t checked = 0;
    for (uint64_t i = 0; i < table->functions_count && checked < CHECKED_TREES; i++) {
        struct function function;
        struct inlined_call call;
        function_at(table, i, &function);
        uint64_t tree = inline_tree(table, &function);
        if (tree == 0)
            continue;
        checked++;
        if (!read_inlined_call(table, tree, 0, &call) || call.parent_pc >= function.end - function.entry ||
            text_at(table, table->names, call.name) == NULL ||
            (call.name != 0 && load_u8(table, table->names + call.name - 1) != '\0'))
            return false;
    }
    return checked > 0;
}

/* Where moduledata.gofunc is. The format is older than its last move, so each place is tried by what it leads to. */
static void find_inline_trees(struct go_table *table, const struct pclntab *found, const struct elf_image *image,
                              uint8_t *scratch)
{
    static const uint16_t PLACES[][2] = {
        [PCLNTAB_1_16] = {0, 0}, [PCLNTAB_1_18] = {304, 0}, [PCLNTAB_1_20] = {320, 344}};
    uintptr_t module = 0;
    for (uint32_t i = 0; i < image->segments_count && module == 0; i++) {
        const struct elf_segment *segment = &image->segments[i];
        if (segment->is_writable)
            module = pclntab_moduledata(found, image->reader, segment->start, segment->end, scratch,
                                        RUNTIME_FIND_SCRATCH_BYTES);
    }
    for (unsigned i = 0; i < 2 && module != 0; i++) {
        uint16_t place = PLACES[table->format][i];
        if (place != 0 && reader_read(image->reader, module + place, &table->inline_trees, sizeof(uint64_t)) &&
            elf_image_holds(image, table->inline_trees) && are_inline_trees(table))
            return;
        table->inline_trees = 0;
    }
}

bool go_table_open(struct go_table *table, const struct elf_image *image, uint8_t *scratch)
{
    struct pclntab found;
    struct go_version version = {0};
    *table = (struct go_table){0};
    bool has_buildinfo = buildinfo_read(image, &version);
    if ((!has_buildinfo && elf_image_section(image, ".gopclntab") == NULL) ||
        !pclntab_find(&found, image, scratch, RUNTIME_FIND_SCRATCH_BYTES))
        return false;
    table->reader = image->reader;
    table->format = found.format;
    table->minor = version.minor;
    table->text = found.text;
    if (!read_table(table, &found)) {
        go_table_close(table);
        return false;
    }
    find_inline_trees(table, &found, image, scratch);
    return true;
}

void go_table_close(struct go_table *table)
{
    free(table->bytes);
    *table = (struct go_table){0};
}
