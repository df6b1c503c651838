/* SPDX-License-Identifier: Apache-2.0
 *
 * An index over DWARF.
 *
 * Debug information is hostile as all files are. libdw checks what it reads; here walks have limits, because references
 * to siblings may go in circles.
 */
#include "harness/symbols_dwarf.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

enum { NESTING_MAX = 64, ENTRIES_MAX = 1 << 22, RANGES_MAX = 1 << 16, UNITS_MAX = 1 << 20, FIRST_CAPACITY = 64 };

/* ---- spans ---- */

static bool add_span(struct dwarf_spans *spans, const struct dwarf_span *span)
{
    if (spans->count == spans->capacity) {
        uint64_t capacity = spans->capacity == 0 ? FIRST_CAPACITY : 2 * spans->capacity;
        struct dwarf_span *grown = realloc(spans->spans, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        spans->spans = grown;
        spans->capacity = capacity;
    }
    spans->spans[spans->count++] = *span;
    return true;
}

/* All ranges of an entry; one without code has none. A function that the linker left out begins at 0. */
static bool add_ranges(struct dwarf_spans *spans, Dwarf_Die *die, struct dwarf_span span)
{
    Dwarf_Addr base, start, end;
    ptrdiff_t at = 0;
    for (int i = 0; i < RANGES_MAX && (at = dwarf_ranges(die, at, &base, &start, &end)) > 0; i++) {
        span.start = start;
        span.end = end;
        if (start != 0 && start < end && !add_span(spans, &span))
            return false;
    }
    return true;
}

static int compare_spans(const void *left, const void *right)
{
    const struct dwarf_span *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return a->end > b->end ? -1 : a->end < b->end; /* the narrower one behind */
}

static void sort_spans(struct dwarf_spans *spans)
{
    if (spans->count > 0)
        qsort(spans->spans, spans->count, sizeof *spans->spans, compare_spans);
}

/* The span that holds the address and begins last. One that nests others may be some places before. */
static const struct dwarf_span *find_span(const struct dwarf_spans *spans, uint64_t address)
{
    enum { LOOKED_BACK = 64 };
    uint64_t low = 0, high = spans->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (spans->spans[middle].start > address)
            high = middle;
        else
            low = middle + 1;
    }
    for (uint64_t i = low; i > 0 && low - i < LOOKED_BACK; i--) {
        if (address < spans->spans[i - 1].end)
            return &spans->spans[i - 1];
    }
    return NULL;
}

/* ---- the index ---- */

static bool add_unit(struct dwarf_index *index, Dwarf_Die *die)
{
    if (index->units_count == index->units_capacity) {
        uint64_t capacity = index->units_capacity == 0 ? FIRST_CAPACITY : 2 * index->units_capacity;
        struct dwarf_unit *grown = realloc(index->units, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        index->units = grown;
        index->units_capacity = capacity;
    }
    index->units[index->units_count] = (struct dwarf_unit){.die = *die};
    return add_ranges(&index->spans, die, (struct dwarf_span){.unit = index->units_count++});
}

bool dwarf_index_open(struct dwarf_index *index, Dwarf *dwarf)
{
    Dwarf_CU *unit = NULL;
    Dwarf_Die die, split;
    uint8_t type;
    *index = (struct dwarf_index){.dwarf = dwarf};
    while (index->units_count < UNITS_MAX && dwarf_get_units(dwarf, unit, &unit, NULL, &type, &die, &split) == 0) {
        if ((type == DW_UT_compile || type == DW_UT_skeleton) && !add_unit(index, &die))
            return false;
        /* Its ranges are the skeleton's, its functions are in a file of its own. */
        if (type == DW_UT_skeleton && split.addr != NULL)
            index->units[index->units_count - 1].die = split;
    }
    sort_spans(&index->spans);
    return true;
}

void dwarf_index_close(struct dwarf_index *index)
{
    for (uint64_t i = 0; i < index->units_count; i++)
        free(index->units[i].functions.spans);
    free(index->units);
    free(index->spans.spans);
    *index = (struct dwarf_index){0};
}

/* What may have functions in it that have code. */
static bool is_scope(int tag)
{
    return tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
           tag == DW_TAG_module || tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type;
}

/* All functions of a unit, through the scopes they are in. False: there is no memory. */
static bool add_functions(struct dwarf_spans *functions, Dwarf_Die *unit)
{
    Dwarf_Die at[NESTING_MAX];
    unsigned depth = 0;
    if (dwarf_child(unit, &at[0]) != 0)
        return true;
    for (uint32_t i = 0; i < ENTRIES_MAX; i++) {
        int tag = dwarf_tag(&at[depth]);
        if (tag == DW_TAG_subprogram && !add_ranges(functions, &at[depth], (struct dwarf_span){.function = at[depth]}))
            return false;
        if (is_scope(tag) && depth + 1 < NESTING_MAX && dwarf_child(&at[depth], &at[depth + 1]) == 0) {
            depth++;
            continue;
        }
        for (; dwarf_siblingof(&at[depth], &at[depth]) != 0; depth--) {
            if (depth == 0)
                return true;
        }
    }
    return true;
}

static void read_unit(struct dwarf_unit *unit)
{
    unit->is_read = true;
    add_functions(&unit->functions, &unit->die);
    sort_spans(&unit->functions);
}

/* ---- one address ---- */

/* From the function inwards: the function, and the calls inlined into it that the address is in. */
struct chain {
    Dwarf_Die dies[NESTING_MAX];
    uint32_t count;
};

static bool is_block(int tag)
{
    return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
           tag == DW_TAG_catch_block;
}

/* The block right inside `outer` that holds the address. */
static bool find_block(Dwarf_Die *outer, uint64_t address, Dwarf_Die *block)
{
    if (dwarf_child(outer, block) != 0)
        return false;
    for (uint32_t i = 0; i < ENTRIES_MAX; i++) {
        if (is_block(dwarf_tag(block)) && dwarf_haspc(block, address) > 0)
            return true;
        if (dwarf_siblingof(block, block) != 0)
            return false;
    }
    return false;
}

static void find_chain(const Dwarf_Die *function, uint64_t address, struct chain *chain)
{
    Dwarf_Die outer = *function, block;
    chain->dies[0] = outer;
    chain->count = 1;
    for (unsigned nesting = 0; nesting < NESTING_MAX && find_block(&outer, address, &block); nesting++) {
        if (dwarf_tag(&block) == DW_TAG_inlined_subroutine && chain->count < NESTING_MAX)
            chain->dies[chain->count++] = block;
        outer = block;
    }
}

static const char *text_of(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    return dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
}

static bool is_c(int language)
{
    return language == DW_LANG_C89 || language == DW_LANG_C || language == DW_LANG_C99 || language == DW_LANG_C11 ||
           language == DW_LANG_Mips_Assembler;
}

/* In C++ and Rust many functions have one name: only the linker's tells them apart. In C that is at most an alias. */
static const char *name_of(Dwarf_Die *unit, Dwarf_Die *die)
{
    const char *name = is_c(dwarf_srclang(unit)) ? NULL : text_of(die, DW_AT_linkage_name);
    return name != NULL ? name : text_of(die, DW_AT_name);
}

static void set_file(struct c_frame *frame, Dwarf_Die *unit, const char *file, uint64_t line)
{
    frame->file = file;
    frame->line = file == NULL ? 0 : line;
    frame->directory = file == NULL || file[0] == '/' ? NULL : text_of(unit, DW_AT_comp_dir);
}

/* Where the address itself is. */
static void set_line(struct c_frame *frame, Dwarf_Die *unit, uint64_t address)
{
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    int number = 0;
    if (line != NULL && dwarf_lineno(line, &number) == 0 && number > 0)
        set_file(frame, unit, dwarf_linesrc(line, NULL, NULL), (uint64_t)number);
}

/* Where the call is that was inlined. */
static void set_call(struct c_frame *frame, Dwarf_Die *unit, Dwarf_Die *inlined)
{
    Dwarf_Attribute attribute;
    Dwarf_Files *files;
    Dwarf_Word file, line;
    size_t count;
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) == 0 &&
        dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) == 0 &&
        dwarf_getsrcfiles(unit, &files, &count) == 0 && file < count)
        set_file(frame, unit, dwarf_filesrc(files, file, NULL, NULL), line);
}

/* The unit that has the address, its functions read; NULL: none. */
static struct dwarf_unit *find_unit(struct dwarf_index *index, uint64_t address)
{
    const struct dwarf_span *span = find_span(&index->spans, address);
    if (span == NULL)
        return NULL;
    struct dwarf_unit *unit = &index->units[span->unit];
    if (!unit->is_read)
        read_unit(unit);
    return unit;
}

uint32_t dwarf_index_resolve(struct dwarf_index *index, uint64_t address, struct c_frame *frames, uint32_t frames_max)
{
    struct chain chain;
    struct dwarf_unit *unit = find_unit(index, address);
    if (unit == NULL)
        return 0;
    const struct dwarf_span *span = find_span(&unit->functions, address);
    if (span == NULL) { /* assembly has lines but no functions */
        frames[0] = (struct c_frame){0};
        set_line(&frames[0], &unit->die, address);
        return frames[0].file != NULL;
    }
    find_chain(&span->function, address, &chain);
    uint32_t count = 0;
    for (uint32_t i = chain.count; i > 0 && count < frames_max; i--, count++) {
        frames[count] = (struct c_frame){.function = name_of(&unit->die, &chain.dies[i - 1]), .is_inlined = i > 1};
        if (i == chain.count)
            set_line(&frames[count], &unit->die, address);
        else
            set_call(&frames[count], &unit->die, &chain.dies[i]);
    }
    return count;
}
