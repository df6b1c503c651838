/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding mheap_ and its companions. See the header for the chain.
 */
#include "goruntime/heap_find.h"

#include <stddef.h>
#include <string.h>

#include "memory/units.h"

enum {
    SUMMARY_LEVELS = 5, /* mpagealloc_64bit.go:summaryLevels */
    SLICE_WORDS = 3,
    PS_MAX = 1 << 16,
    SPAN_CLASSES_TRIED = 16,
    P_STATUS_MAX = 4, /* runtime2.go:_Pdead */
    GC_PHASE_MAX = 2, /* mgc.go:_GCmarktermination */
    CODE_BYTES_MAX = 1024,
    ALLP_READS_MAX = 1 << 18, /* for allp, whatever .bss looks like: 12,000 Ps and what is like it before them */
};

#define GC_SUM_BYTES_MAX (1ull << 48) /* the address space */

bool go_slice_read(struct reader *reader, uintptr_t address, uint64_t limit, struct go_slice *slice)
{
    return reader_read(reader, address, slice, sizeof *slice) && slice->length <= slice->capacity &&
           slice->length <= limit;
}

void go_heap_refuse(struct go_heap *heap, const char *before, uintptr_t address, const char *after)
{
    enum { HEX_SHIFT_MAX = 60, ADDRESS_CHARS = 2 + 16 };
    char number[ADDRESS_CHARS + 1] = "0x", *at = number + 2;
    unsigned shift = HEX_SHIFT_MAX;
    while (shift > 0 && address >> shift == 0)
        shift -= 4;
    for (;; shift -= 4) {
        *at++ = "0123456789abcdef"[address >> shift & 0xf];
        if (shift == 0)
            break;
    }
    *at = '\0';
    heap->layout = NULL;
    heap->why = heap->why_text;
    heap->why_text[0] = '\0';
    const char *const parts[] = {before, number, after};
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++)
        strncat(heap->why_text, parts[i], sizeof heap->why_text - 1 - strlen(heap->why_text));
}

uintptr_t go_heap_arena_at(const struct go_heap *heap, struct reader *reader, uintptr_t address)
{
    uint64_t index = (address - GO_ARENA_BASE_OFFSET) / GO_ARENA_BYTES, arena;
    return index < GO_ARENA_MAP_BYTES / sizeof arena &&
                   reader_read(reader, heap->arena_map + index * sizeof arena, &arena, sizeof arena)
               ? arena
               : 0;
}

bool go_heap_sweepgen(const struct go_heap *heap, uint32_t *sweepgen)
{
    return reader_read(heap->reader, heap->mheap + heap->layout->mheap_sweepgen.offset_bytes, sweepgen,
                       sizeof *sweepgen);
}

struct range {
    uintptr_t start, end;
};

/* ---- firstmoduledata ---- */

static uintptr_t find_moduledata(const struct go_runtime *runtime, struct reader *reader, uint8_t *scratch)
{
    for (uint32_t i = 0; i < runtime->writable_count; i++) {
        uintptr_t found = pclntab_moduledata(&runtime->pclntab, reader, runtime->writable[i].start,
                                             runtime->writable[i].end, scratch, RUNTIME_FIND_SCRATCH_BYTES);
        if (found != 0)
            return found;
    }
    return 0;
}

static bool read_range(struct reader *reader, uintptr_t moduledata, struct layout_field start, struct layout_field end,
                       const struct go_runtime *runtime, struct range *range)
{
    return reader_read(reader, moduledata + start.offset_bytes, &range->start, sizeof range->start) &&
           reader_read(reader, moduledata + end.offset_bytes, &range->end, sizeof range->end) &&
           range->start >= runtime->image_start && range->start <= range->end && range->end <= runtime->image_end;
}

/* ---- mheap_ ---- */

static bool is_summary(const uint8_t *here)
{
    for (uint64_t level = 0; level < SUMMARY_LEVELS; level++) {
        uint64_t slice[SLICE_WORDS];
        memcpy(slice, here + level * sizeof slice, sizeof slice);
        if (slice[2] != 1ull << (14 + 3 * level) || slice[1] > slice[2] || slice[0] == 0)
            return false;
    }
    return true;
}

/* The address of mheap_.pages.summary. 0: not there, or in two places near each other. Large arrays of the program may
 * follow (the linker sorts by size), which are not worth reading. */
static uintptr_t find_summary(struct reader *reader, const struct range *bss, uint8_t *scratch)
{
    enum { BYTES = sizeof(uint64_t) * SUMMARY_LEVELS * SLICE_WORDS, SECOND_WITHIN_BYTES = 4 << 20 };
    struct reader_window window = {reader, bss->start, bss->end, scratch, RUNTIME_FIND_SCRATCH_BYTES, 0, 0};
    uintptr_t found = 0, end = bss->end;
    for (uintptr_t at = align_up(bss->start, sizeof(uint64_t)); at + BYTES <= end; at += sizeof(uint64_t)) {
        const uint8_t *here = reader_window_at(&window, at, BYTES);
        if (here == NULL)
            break;
        if (!is_summary(here))
            continue;
        if (found != 0)
            return 0;
        found = at;
        end = min_u64(end, at + SECOND_WITHIN_BYTES);
    }
    return found;
}

/* Each arena on the list stands in the arena map. */
static bool has_arenas(const struct go_heap *heap)
{
    const struct go_layout *layout = heap->layout;
    struct go_slice list;
    if (!go_slice_read(heap->reader, heap->mheap + layout->mheap_arena_list.offset_bytes, HEAP_ARENAS_MAX, &list) ||
        list.length == 0)
        return false;
    for (uint64_t i = 0; i < list.length; i++) {
        uint64_t index;
        if (!reader_read(heap->reader, list.array + i * sizeof index, &index, sizeof index) ||
            index > UINT64_MAX / GO_ARENA_BYTES ||
            go_heap_arena_at(heap, heap->reader, index * GO_ARENA_BYTES + GO_ARENA_BASE_OFFSET) == 0)
            return false;
    }
    return true;
}

/* ---- allp ---- */

struct allp_search {
    const struct go_heap *heap;
    const struct range *bss;
    uint64_t reads_left;
};

static bool look(struct allp_search *search, uintptr_t address, void *buffer, uint64_t bytes)
{
    if (search->reads_left == 0)
        return false;
    search->reads_left--;
    return reader_read(search->heap->reader, address, buffer, bytes);
}

/* mcache.alloc[i] is a span of class i, or emptymspan, which lies in the module. */
static bool is_mcache(struct allp_search *search, uintptr_t mcache)
{
    const struct go_layout *layout = search->heap->layout;
    uint64_t spans[SPAN_CLASSES_TRIED];
    if (mcache == 0 || !look(search, mcache + layout->mcache_alloc.offset_bytes, spans, sizeof spans))
        return false;
    for (unsigned i = 0; i < SPAN_CLASSES_TRIED; i++) {
        uint8_t span_class;
        if (!look(search, spans[i] + layout->mspan_class.offset_bytes, &span_class, 1) ||
            (span_class != i && !(spans[i] >= search->bss->start && spans[i] < search->bss->end)))
            return false;
    }
    return true;
}

static bool is_p(struct allp_search *search, uintptr_t address, uint64_t index)
{
    const struct go_layout *layout = search->heap->layout;
    int32_t id;
    uint32_t status;
    uint64_t mcache;
    return look(search, address + layout->p_id.offset_bytes, &id, sizeof id) &&
           look(search, address + layout->p_status.offset_bytes, &status, sizeof status) && id >= 0 &&
           (uint64_t)id == index && status <= P_STATUS_MAX &&
           look(search, address + layout->p_mcache.offset_bytes, &mcache, sizeof mcache) && is_mcache(search, mcache);
}

static bool is_allp(struct allp_search *search, const uint64_t words[SLICE_WORDS])
{
    uint64_t array = words[0], length = words[1], capacity = words[2];
    if (array == 0 || array % sizeof array != 0 || length == 0 || length > capacity || capacity > PS_MAX)
        return false;
    for (uint64_t i = 0; i < length; i++) {
        uint64_t p;
        if (!look(search, array + i * sizeof p, &p, sizeof p) || p == 0 || p % sizeof p != 0 || !is_p(search, p, i))
            return false;
    }
    return true;
}

static uintptr_t find_allp(const struct go_heap *heap, const struct range *bss, uint8_t *scratch)
{
    enum { BYTES = SLICE_WORDS * sizeof(uint64_t) };
    struct allp_search search = {heap, bss, ALLP_READS_MAX};
    struct reader_window window = {heap->reader, bss->start, bss->end, scratch, RUNTIME_FIND_SCRATCH_BYTES, 0, 0};
    for (uintptr_t at = align_up(bss->start, sizeof(uint64_t)); at + BYTES <= bss->end && search.reads_left > 0;
         at += sizeof(uint64_t)) {
        const uint8_t *here = reader_window_at(&window, at, BYTES);
        uint64_t words[SLICE_WORDS];
        if (here == NULL)
            return 0;
        memcpy(words, here, sizeof words);
        if (is_allp(&search, words))
            return at;
    }
    return 0;
}

/* ---- the collector's globals ---- */

static bool lies_in(const struct range *range, uintptr_t address, uint64_t bytes)
{
    return address >= range->start && address <= range->end && bytes <= range->end - address;
}

static uint64_t read_field(const struct go_heap *heap, uintptr_t at, struct layout_field field)
{
    uint8_t raw[sizeof(uint64_t)] = {0};
    return field.bytes <= sizeof raw && reader_read(heap->reader, at + field.offset_bytes, raw, field.bytes)
               ? layout_field_of(raw, (struct layout_field){0, field.bytes})
               : UINT64_MAX;
}

/* mgcpacer.go: GOGC is any int32 that is not below -1, the limit any int64 that is not negative. */
static bool is_gc_controller(const struct go_heap *heap, const struct range *bss, uintptr_t address)
{
    const struct go_layout *layout = heap->layout;
    return address % sizeof(uint64_t) == 0 && lies_in(bss, address, layout->gc_controller_bytes) &&
           (int32_t)read_field(heap, address, layout->gc_percent) >= -1 &&
           read_field(heap, address, layout->gc_memory_limit) <= INT64_MAX &&
           read_field(heap, address, layout->gc_heap_marked) < GC_SUM_BYTES_MAX &&
           read_field(heap, address, layout->gc_heap_in_use) < GC_SUM_BYTES_MAX &&
           read_field(heap, address, layout->gc_heap_free) < GC_SUM_BYTES_MAX &&
           read_field(heap, address, layout->gc_heap_released) < GC_SUM_BYTES_MAX;
}

static void find_gc_globals(struct go_heap *heap, const struct go_runtime *runtime, const struct elf_image *image,
                            const struct range *bss, uint8_t *scratch)
{
    uintptr_t start, end;
    uint8_t code[CODE_BYTES_MAX];
    if (!pclntab_lookup(&runtime->pclntab, image, "runtime.gcTrigger.test", scratch, RUNTIME_FIND_SCRATCH_BYTES, &start,
                        &end))
        return;
    uint64_t bytes = min_u64(end - start, sizeof code);
    if (!reader_read(heap->reader, start, code, bytes))
        return;
    gc_globals_decode(code, bytes, start, heap->layout->go_minor, &heap->gc);

    const struct go_layout *layout = heap->layout;
    uint32_t phase;
    uint8_t is_enabled;
    if (!lies_in(bss, heap->gc.phase, sizeof phase) ||
        !reader_read(heap->reader, heap->gc.phase, &phase, sizeof phase) || phase > GC_PHASE_MAX)
        heap->gc.phase = 0;
    if (!is_gc_controller(heap, bss, heap->gc.gc_controller))
        heap->gc.gc_controller = 0;
    uintptr_t memstats = heap->gc.enable_gc - layout->memstats_enable_gc.offset_bytes;
    if (lies_in(bss, memstats, layout->memstats_enable_gc.offset_bytes + 1) &&
        reader_read(heap->reader, heap->gc.enable_gc, &is_enabled, 1) && is_enabled <= 1)
        heap->memstats = memstats;
}

/* ---- the heap profile ---- */

/* The rate has a value from the start, or, when the linker turned the profile off, none: then it is in .noptrbss. */
static void find_profile_rate(struct go_heap *heap, const struct go_runtime *runtime, const struct elf_image *image,
                              const struct range *data, uint8_t *scratch)
{
    uintptr_t start, end;
    uint8_t code[CODE_BYTES_MAX];
    if (!pclntab_lookup(&runtime->pclntab, image, "runtime.profilealloc", scratch, RUNTIME_FIND_SCRATCH_BYTES, &start,
                        &end))
        return;
    uint64_t bytes = min_u64(end - start, sizeof code);
    if (!reader_read(heap->reader, start, code, bytes))
        return;
    uintptr_t rate = mem_profile_rate_decode(code, bytes, start);
    if (rate % sizeof(uint64_t) == 0 && lies_in(data, rate, sizeof(uint64_t)))
        heap->mem_profile_rate = rate;
}

/* ---- the whole ---- */

static bool find_mheap(struct go_heap *heap, const struct range *bss, uint8_t *scratch)
{
    const struct go_layout *layout = heap->layout;
    uintptr_t summary = find_summary(heap->reader, bss, scratch);
    if (summary == 0) {
        go_heap_refuse(heap, "the page allocator was not found in .bss at ", bss->start,
                       ": the runtime has not begun (ask again later), or it is not of the version it states");
        return false;
    }
    heap->mheap = summary - layout->mheap_pages.offset_bytes - layout->page_alloc_summary.offset_bytes;
    if (heap->mheap < bss->start || layout->mheap_bytes > bss->end - heap->mheap ||
        !reader_read(heap->reader, heap->mheap + layout->mheap_arenas.offset_bytes, &heap->arena_map,
                     sizeof heap->arena_map) ||
        !has_arenas(heap)) {
        go_heap_refuse(heap, "the arenas on the list of mheap_, found at ", heap->mheap,
                       ", do not stand in its arena map: ask again later, or its Go is not of the version it states");
        return false;
    }
    return true;
}

bool heap_find(struct go_heap *heap, const struct go_runtime *runtime, struct reader *reader, void *scratch)
{
    *heap = (struct go_heap){.reader = reader};
    heap->layout = layout_for_version(runtime->version.text, heap->why_text, &heap->why);
    if (heap->layout == NULL)
        return false;
    if (!runtime->has_pclntab) {
        go_heap_refuse(heap, "no .gopclntab was found in the module at ", runtime->image_start,
                       ": a packer or an obfuscator took Go's table of functions out; build without it");
        return false;
    }
    heap->moduledata = find_moduledata(runtime, reader, scratch);
    if (heap->moduledata == 0) {
        go_heap_refuse(heap, "no firstmoduledata in the module points to its .gopclntab at ", runtime->pclntab.start,
                       ": the table was moved or changed after the build; use the program as it was linked");
        return false;
    }
    const struct go_layout *layout = heap->layout;
    struct range bss; /* .bss and .noptrbss behind it */
    if (!read_range(reader, heap->moduledata, layout->moduledata_bss, layout->moduledata_noptrbss_end, runtime, &bss)) {
        go_heap_refuse(heap, "firstmoduledata, found at ", heap->moduledata,
                       ", names no .bss in its module: its Go is not of the version it states");
        return false;
    }
    if (!find_mheap(heap, &bss, scratch))
        return false;
    heap->allp = find_allp(heap, &bss, scratch);
    struct elf_image image = {.reader = reader, .start = runtime->image_start, .end = runtime->image_end};
    find_gc_globals(heap, runtime, &image, &bss, scratch);
    struct range data, text;
    if (read_range(reader, heap->moduledata, layout->moduledata_noptrdata, layout->moduledata_noptrbss_end, runtime,
                   &data))
        find_profile_rate(heap, runtime, &image, &data, scratch);
    if (read_range(reader, heap->moduledata, layout->moduledata_text, layout->moduledata_text_end, runtime, &text)) {
        heap->text_start = text.start;
        heap->text_end = text.end;
    }
    return true;
}
