/* SPDX-License-Identifier: Apache-2.0
 *
 * Making the heap's books up. Written from the Go sources named here, not from what the shim reads.
 */
#include "tests/unit/support/fake_heap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "goruntime/arch.h"

enum {
    ARENA_MAP_BYTES = 32 << 20,
    CHUNK_TABLE_CHUNKS = 1 << 13,
    CHUNK_TABLES_MAX = 4,
    CHUNK_TABLE_BYTES = CHUNK_TABLE_CHUNKS * 128,
    LIST_MAX = 16,
    MSPAN_ROOM_BYTES = 256,
    BITS_ROOM_BYTES = 128,
    SUMMARY_LEVELS = 5,
    MCACHE_BYTES = 4096,
    SPAN_CLASSES = 136,
    PROGRAM_DATA = 4, /* of go_image.c's program headers */
};

static void must(bool claim)
{
    if (!claim)
        abort();
}

/* ---- memory ---- */

uintptr_t fake_heap_take(struct fake_heap *heap, uint64_t bytes)
{
    uint64_t at = heap->used_bytes;
    heap->used_bytes += align_up(bytes, 8);
    must(heap->used_bytes <= FAKE_STORAGE_BYTES);
    return heap->tables + at;
}

void *fake_heap_at(struct fake_heap *heap, uintptr_t address)
{
    if (address >= heap->bss_start && address < heap->bss_start + FAKE_BSS_BYTES)
        return heap->bss + (address - heap->bss_start);
    must(address >= heap->tables && address < heap->tables + FAKE_STORAGE_BYTES);
    return heap->storage + (address - heap->tables);
}

void fake_heap_put(struct fake_heap *heap, uintptr_t address, uint64_t value, unsigned bytes)
{
    memcpy(fake_heap_at(heap, address), &value, bytes);
}

uint64_t fake_heap_get(struct fake_heap *heap, uintptr_t address, unsigned bytes)
{
    uint64_t value = 0;
    memcpy(&value, fake_heap_at(heap, address), bytes);
    return value;
}

void fake_heap_put_field(struct fake_heap *heap, uintptr_t address, struct layout_field field, uint64_t value)
{
    fake_heap_put(heap, address + field.offset_bytes, value, field.bytes);
}

void fake_heap_hide(struct fake_heap *heap, uintptr_t address, uint64_t bytes)
{
    must(heap->holes_count < FAKE_HOLES_MAX);
    heap->holes[heap->holes_count].start = address;
    heap->holes[heap->holes_count++].end = address + bytes;
}

static int heap_read(struct reader *reader, uintptr_t address, void *buffer, uint64_t bytes)
{
    struct fake_heap *heap = (struct fake_heap *)reader;
    heap->reads++;
    if (heap->hook != NULL && !heap->is_in_hook) {
        heap->is_in_hook = true;
        heap->hook(heap, address, bytes);
        heap->is_in_hook = false;
    }
    for (uint32_t i = 0; i < heap->holes_count; i++) {
        if (address < heap->holes[i].end && (address >= heap->holes[i].start || heap->holes[i].start - address < bytes))
            return -EFAULT;
    }
    return heap->memory.reader.read(&heap->memory.reader, address, buffer, bytes);
}

static uintptr_t map_entry(const struct fake_heap *heap, uintptr_t arena)
{
    return heap->arena_map + (arena - GO_ARENA_BASE_OFFSET) / GO_ARENA_BYTES * 8;
}

static int scan_map(struct residency *residency, uintptr_t start, uintptr_t end, residency_callback *callback,
                    void *context)
{
    const struct fake_heap *heap = ((struct fake_residency *)residency)->heap;
    for (uintptr_t page = start; page < end; page += residency->os_page_bytes) {
        struct residency_run run = {.start = page, .end = page + residency->os_page_bytes};
        for (uint32_t i = 0; i < heap->arenas_count && run.end != 0; i++) {
            uintptr_t entry = map_entry(heap, heap->arenas[i].start);
            if (entry < run.start || entry >= run.end)
                continue;
            callback(context, &run);
            run.end = 0;
        }
    }
    return 0;
}

/* ---- the module ---- */

/* As go1.26.10 has it, but short: CMPB enablegc; MOVL panicking; CMPL gcphase; LEAQ gcController. Up to go1.19
 * panicking is compared, up to go1.18 gcPercent is as well and there is no LEAQ. */
static void put_gc_trigger(struct fake_heap *heap)
{
    const unsigned go_minor = heap->layout->go_minor;
    uint8_t *code = heap->image.bytes + GO_IMAGE_TEXT + GO_IMAGE_GC_TRIGGER * GO_IMAGE_FUNCTION_BYTES;
    uintptr_t here = go_image_function(&heap->image, GO_IMAGE_GC_TRIGGER);
    uintptr_t panicking = heap->bss_start + FAKE_GC_PHASE + 0x20, controller = heap->bss_start + FAKE_CONTROLLER;
    struct {
        uint8_t code[3], code_bytes, tail_bytes;
        uintptr_t target;
    } parts[] = {
        {{0x80, 0x3d}, 2, 1, heap->bss_start + FAKE_MEMSTATS + heap->layout->memstats_enable_gc.offset_bytes},
        {{0x83, 0x3d}, 2, 1, panicking},
        {{0x83, 0x3d}, 2, 1, heap->bss_start + FAKE_GC_PHASE},
        {{0x48, 0x8d, 0x05}, 3, 0, controller},
    };
    if (go_minor >= 20) {
        parts[1].code[0] = 0x8b;
        parts[1].code[1] = 0x15;
        parts[1].tail_bytes = 0;
    }
    if (go_minor <= 18) {
        parts[3].code[0] = 0x83;
        parts[3].code[1] = 0x3d;
        parts[3].code_bytes = 2;
        parts[3].tail_bytes = 1;
    }
    uint64_t at = 0;
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        uint64_t next = at + parts[i].code_bytes + 4u + parts[i].tail_bytes;
        uint32_t displacement = (uint32_t)(parts[i].target - (here + next));
        memcpy(code + at, parts[i].code, parts[i].code_bytes);
        memcpy(code + at + parts[i].code_bytes, &displacement, sizeof displacement);
        memset(code + at + parts[i].code_bytes + 4, 0, parts[i].tail_bytes);
        at = next;
    }
    code[at] = 0xc3;
}

/* runtime.profilealloc, but short: MOVQ mcache0, DX; MOVQ MemProfileRate, SI (go1.23 on; AX before). */
static void put_profile_alloc(struct fake_heap *heap)
{
    uint8_t *code = heap->image.bytes + GO_IMAGE_TEXT + GO_IMAGE_PROFILE_ALLOC * GO_IMAGE_FUNCTION_BYTES;
    uintptr_t here = go_image_function(&heap->image, GO_IMAGE_PROFILE_ALLOC);
    const uint8_t mode = heap->layout->go_minor >= 23 ? 0x35 : 0x05;
    const uint8_t loads[2][3] = {{0x48, 0x8b, 0x15}, {0x48, 0x8b, mode}};
    const uintptr_t targets[2] = {heap->bss_start + FAKE_PROFILE_RATE + 8, heap->bss_start + FAKE_PROFILE_RATE};
    for (unsigned i = 0, at = 4; i < 2; i++, at += 12) {
        uint32_t displacement = (uint32_t)(targets[i] - (here + at + 7));
        memcpy(code + at, loads[i], 3);
        memcpy(code + at + 3, &displacement, sizeof displacement);
    }
}

static void build_image(struct fake_heap *heap)
{
    const struct go_layout *layout = heap->layout;
    const unsigned go_minor = layout->go_minor;
    snprintf(heap->version, sizeof heap->version, "go1.%u.3%s%s", go_minor,
             layout->experiment == NULL ? ""
             : go_minor >= 26           ? "-X:"
                                        : " X:",
             layout->experiment == NULL ? "" : layout->experiment);
    struct go_image_kind kind = {
        .format = go_minor >= 20   ? PCLNTAB_1_20
                  : go_minor >= 18 ? PCLNTAB_1_18
                                   : PCLNTAB_1_16,
        .needs_libraries = true,
        .has_text_in_moduledata = go_minor >= 26,
        .is_version_inline = go_minor >= 18,
        .is_madvise_1_27 = go_minor >= 27,
        .version = heap->version,
    };
    go_image_build(&heap->image, &kind, FAKE_IMAGE);
    heap->bss_start = heap->image.base + GO_IMAGE_BYTES;
    go_image_programs(&heap->image)[PROGRAM_DATA].p_memsz = GO_IMAGE_BYTES - GO_IMAGE_BUILDINFO + FAKE_BSS_BYTES;
    go_image_put_u64(&heap->image, GO_IMAGE_MODULE + layout->moduledata_bss.offset_bytes, heap->bss_start);
    go_image_put_u64(&heap->image, GO_IMAGE_MODULE + layout->moduledata_noptrbss_end.offset_bytes,
                     heap->bss_start + FAKE_BSS_BYTES);
    go_image_put_u64(&heap->image, GO_IMAGE_MODULE + layout->moduledata_text_end.offset_bytes,
                     heap->image.base + GO_IMAGE_PCLNTAB);
    go_image_put_u64(&heap->image, GO_IMAGE_MODULE + layout->moduledata_noptrdata.offset_bytes,
                     heap->image.base + GO_IMAGE_BUILDINFO);
    put_gc_trigger(heap);
    put_profile_alloc(heap);
}

/* ---- mheap_, allp ---- */

static uintptr_t page_alloc(const struct fake_heap *heap)
{
    return heap->mheap + heap->layout->mheap_pages.offset_bytes;
}

static void put_slice(struct fake_heap *heap, uintptr_t address, uint64_t array, uint64_t length, uint64_t capacity)
{
    fake_heap_put(heap, address, array, 8);
    fake_heap_put(heap, address + 8, length, 8);
    fake_heap_put(heap, address + 16, capacity, 8);
}

static void put_mheap(struct fake_heap *heap)
{
    const struct go_layout *layout = heap->layout;
    heap->arena_map = fake_heap_take(heap, ARENA_MAP_BYTES);
    heap->arena_list = fake_heap_take(heap, LIST_MAX * 8);
    heap->user_arena_list = fake_heap_take(heap, LIST_MAX * 8);
    heap->in_use = fake_heap_take(heap, LIST_MAX * 16);
    uintptr_t summary = page_alloc(heap) + layout->page_alloc_summary.offset_bytes;
    for (unsigned level = 0; level < SUMMARY_LEVELS; level++)
        put_slice(heap, summary + level * 24, heap->tables + level * 8, 1, 1ull << (14 + 3 * level));
    fake_heap_put_field(heap, heap->mheap, layout->mheap_sweepgen, FAKE_SWEEPGEN);
    fake_heap_put_field(heap, heap->mheap, layout->mheap_arenas, heap->arena_map);
    put_slice(heap, heap->mheap + layout->mheap_arena_list.offset_bytes, heap->arena_list, 0, LIST_MAX);
    if (layout->mheap_user_arena_list.bytes != 0)
        put_slice(heap, heap->mheap + layout->mheap_user_arena_list.offset_bytes, heap->user_arena_list, 0, LIST_MAX);
    put_slice(heap, page_alloc(heap) + layout->page_alloc_in_use.offset_bytes, heap->in_use, 0, LIST_MAX);
}

static void put_ps(struct fake_heap *heap)
{
    const struct go_layout *layout = heap->layout;
    uintptr_t array = fake_heap_take(heap, FAKE_PS * 8);
    for (unsigned i = 0; i < FAKE_PS; i++) {
        uintptr_t p = heap->p[i] = fake_heap_take(heap, layout->p_bytes), mcache = fake_heap_take(heap, MCACHE_BYTES);
        fake_heap_put(heap, array + i * 8, p, 8);
        fake_heap_put_field(heap, p, layout->p_id, i);
        fake_heap_put_field(heap, p, layout->p_status, i == 0 ? 1 : 0);
        fake_heap_put_field(heap, p, layout->p_mcache, mcache);
        for (unsigned k = 0; k < SPAN_CLASSES; k++)
            fake_heap_put(heap, mcache + layout->mcache_alloc.offset_bytes + k * 8, heap->empty_span, 8);
    }
    put_slice(heap, heap->allp, array, FAKE_PS, FAKE_PS);
}

void fake_heap_open(struct fake_heap *heap, const struct go_layout *layout, uintptr_t tables)
{
    uint8_t *storage = heap->storage;
    if (storage == NULL) {
        storage =
            mmap(NULL, FAKE_STORAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        must(storage != MAP_FAILED);
    }
    madvise(storage, FAKE_STORAGE_BYTES, MADV_DONTNEED);
    memset(heap, 0, sizeof *heap);
    heap->reader.read = heap_read;
    heap->resident.residency =
        (struct residency){.fd = -1, .method = RESIDENCY_BY_BACK_END, .back_end = scan_map, .os_page_bytes = 4096};
    heap->resident.heap = heap;
    heap->layout = layout;
    heap->storage = storage;
    heap->tables = tables == 0 ? (uintptr_t)storage : tables;
    build_image(heap);
    fake_memory_open(&heap->memory);
    fake_memory_add(&heap->memory, heap->image.base, heap->image.bytes, GO_IMAGE_BYTES);
    fake_memory_add(&heap->memory, heap->bss_start, heap->bss, FAKE_BSS_BYTES);
    fake_memory_add(&heap->memory, heap->tables, heap->storage, FAKE_STORAGE_BYTES);
    heap->mheap = heap->bss_start + FAKE_MHEAP;
    heap->allp = heap->bss_start + FAKE_ALLP;
    heap->empty_span = heap->bss_start + FAKE_EMPTY_SPAN;
    put_mheap(heap);
    put_ps(heap);
    fake_heap_put_field(heap, heap->bss_start + FAKE_MEMSTATS, layout->memstats_enable_gc, 1);
    fake_heap_put_field(heap, heap->bss_start + FAKE_CONTROLLER, layout->gc_percent, 100);
    heap->mspans = fake_heap_take(heap, (uint64_t)FAKE_SPANS_MAX * MSPAN_ROOM_BYTES);
    heap->bits = fake_heap_take(heap, (uint64_t)FAKE_SPANS_MAX * BITS_ROOM_BYTES);
}

void fake_heap_close(struct fake_heap *heap)
{
    if (heap->storage != NULL)
        munmap(heap->storage, FAKE_STORAGE_BYTES);
    heap->storage = NULL;
}

struct go_heap fake_heap_described(struct fake_heap *heap)
{
    const unsigned go_minor = heap->layout->go_minor;
    return (struct go_heap){
        .reader = &heap->reader,
        .layout = heap->layout,
        .moduledata = heap->image.base + GO_IMAGE_MODULE,
        .mheap = heap->mheap,
        .arena_map = heap->arena_map,
        .allp = heap->allp,
        .gc = {.enable_gc = heap->bss_start + FAKE_MEMSTATS + heap->layout->memstats_enable_gc.offset_bytes,
               .phase = heap->bss_start + FAKE_GC_PHASE,
               .gc_controller = go_minor >= 19 ? heap->bss_start + FAKE_CONTROLLER : 0},
        .memstats = heap->bss_start + FAKE_MEMSTATS,
        .mem_profile_rate = heap->bss_start + FAKE_PROFILE_RATE,
        .text_start = heap->image.base + GO_IMAGE_TEXT,
        .text_end = heap->image.base + GO_IMAGE_PCLNTAB,
    };
}

/* ---- arenas ---- */

static struct fake_arena *arena_of(const struct fake_heap *heap, uintptr_t address)
{
    for (uint32_t i = 0; i < heap->arenas_count; i++) {
        if (address - heap->arenas[i].start < GO_ARENA_BYTES)
            return (struct fake_arena *)&heap->arenas[i];
    }
    must(false);
    return NULL;
}

enum heap_page_kind fake_heap_kind(const struct fake_heap *heap, uintptr_t address)
{
    const struct fake_arena *arena = arena_of(heap, address);
    return (enum heap_page_kind)arena->kinds[(address - arena->start) / GO_PAGE_BYTES];
}

static void append(struct fake_heap *heap, uintptr_t slice, uint64_t value)
{
    uint64_t array = fake_heap_get(heap, slice, 8), length = fake_heap_get(heap, slice + 8, 8);
    must(length < LIST_MAX);
    fake_heap_put(heap, array + length * 8, value, 8);
    fake_heap_put(heap, slice + 8, length + 1, 8);
}

void fake_heap_add_arena(struct fake_heap *heap, uintptr_t start, bool is_user)
{
    const struct go_layout *layout = heap->layout;
    must(heap->arenas_count < FAKE_ARENAS_MAX && start % GO_ARENA_BYTES == 0);
    struct fake_arena *arena = &heap->arenas[heap->arenas_count++];
    uint64_t index = (start - GO_ARENA_BASE_OFFSET) / GO_ARENA_BYTES;
    arena->start = start;
    arena->heap_arena = fake_heap_take(heap, layout->heap_arena_bytes);
    memset(arena->kinds, PAGE_RESERVED, sizeof arena->kinds);
    fake_heap_put(heap, map_entry(heap, start), arena->heap_arena, 8);
    struct layout_field list = is_user ? layout->mheap_user_arena_list : layout->mheap_arena_list;
    if (list.bytes != 0)
        append(heap, heap->mheap + list.offset_bytes, index);
}

void fake_heap_enter(struct fake_heap *heap, uintptr_t start, uint64_t pages, uintptr_t mspan)
{
    for (uint64_t i = 0; i < pages; i++) {
        uintptr_t page = start + i * GO_PAGE_BYTES;
        const struct fake_arena *arena = arena_of(heap, page);
        fake_heap_put(heap,
                      arena->heap_arena + heap->layout->heap_arena_spans.offset_bytes +
                          (page - arena->start) / GO_PAGE_BYTES * 8,
                      mspan, 8);
    }
}

/* ---- the page allocator ---- */

/* mpagealloc.go:chunkOf; makes the table on first use. */
static uintptr_t chunk_of(struct fake_heap *heap, uintptr_t page)
{
    uint64_t index = (page - GO_ARENA_BASE_OFFSET) / FAKE_CHUNK_BYTES;
    uintptr_t at = page_alloc(heap) + heap->layout->page_alloc_chunks.offset_bytes + index / CHUNK_TABLE_CHUNKS * 8;
    if (fake_heap_get(heap, at, 8) == 0)
        fake_heap_put(heap, at, fake_heap_take(heap, CHUNK_TABLE_BYTES), 8);
    return fake_heap_get(heap, at, 8) + index % CHUNK_TABLE_CHUNKS * heap->layout->palloc_data_bytes;
}

static void put_bit(struct fake_heap *heap, uintptr_t bits, uint64_t index, bool value)
{
    uint64_t byte = fake_heap_get(heap, bits + index / 8, 1), bit = 1ull << index % 8;
    fake_heap_put(heap, bits + index / 8, value ? byte | bit : byte & ~bit, 1);
}

void fake_heap_set_pages(struct fake_heap *heap, uintptr_t start, uint64_t pages, bool is_allocated, bool is_scavenged,
                         enum heap_page_kind kind)
{
    const struct go_layout *layout = heap->layout;
    for (uint64_t i = 0; i < pages; i++) {
        uintptr_t page = start + i * GO_PAGE_BYTES, chunk = chunk_of(heap, page);
        uint64_t index = page % FAKE_CHUNK_BYTES / GO_PAGE_BYTES;
        struct fake_arena *arena = arena_of(heap, page);
        put_bit(heap, chunk + layout->palloc_data_alloc.offset_bytes, index, is_allocated);
        put_bit(heap, chunk + layout->palloc_data_scavenged.offset_bytes, index, is_scavenged);
        arena->kinds[(page - arena->start) / GO_PAGE_BYTES] = (uint8_t)kind;
    }
}

void fake_heap_grow(struct fake_heap *heap, uintptr_t start, uint64_t bytes)
{
    uintptr_t slice = page_alloc(heap) + heap->layout->page_alloc_in_use.offset_bytes;
    uint64_t length = fake_heap_get(heap, slice + 8, 8);
    uintptr_t last = heap->in_use + (length - 1) * 16;
    must(start % FAKE_CHUNK_BYTES == 0 && bytes % FAKE_CHUNK_BYTES == 0 && length < LIST_MAX);
    if (length != 0 && fake_heap_get(heap, last + 8, 8) == start) {
        fake_heap_put(heap, last + 8, start + bytes, 8);
    } else {
        fake_heap_put(heap, heap->in_use + length * 16, start, 8);
        fake_heap_put(heap, heap->in_use + length * 16 + 8, start + bytes, 8);
        fake_heap_put(heap, slice + 8, length + 1, 8);
    }
    fake_heap_set_pages(heap, start, bytes / GO_PAGE_BYTES, false, true, PAGE_RELEASED);
}

void fake_heap_set_page_cache(struct fake_heap *heap, unsigned p, uintptr_t base, uint64_t free, uint64_t scavenged)
{
    const struct go_layout *layout = heap->layout;
    uintptr_t cache = heap->p[p] + layout->p_page_cache.offset_bytes;
    fake_heap_put_field(heap, cache, layout->page_cache_base, base);
    fake_heap_put_field(heap, cache, layout->page_cache_free, free);
    fake_heap_put_field(heap, cache, layout->page_cache_scavenged, scavenged);
    for (unsigned i = 0; i < 64; i++) {
        if ((free >> i & 1) != 0)
            fake_heap_set_pages(heap, base + i * GO_PAGE_BYTES, 1, true, false,
                                (scavenged >> i & 1) != 0 ? PAGE_RELEASED : PAGE_FREE);
    }
}

/* ---- spans ---- */

static uintptr_t add_mspan(struct fake_heap *heap, uintptr_t start, uint64_t pages, unsigned state)
{
    const struct go_layout *layout = heap->layout;
    uintptr_t mspan = heap->mspans;
    heap->mspans += layout->mspan_bytes;
    fake_heap_put_field(heap, mspan, layout->mspan_start, start);
    fake_heap_put_field(heap, mspan, layout->mspan_pages, pages);
    fake_heap_put_field(heap, mspan, layout->mspan_state, state);
    fake_heap_enter(heap, start, pages, mspan);
    return mspan;
}

static struct fake_span *add_span(struct fake_heap *heap, const struct fake_span *made, bool is_user)
{
    const struct go_layout *layout = heap->layout;
    must(heap->spans_count < FAKE_SPANS_MAX);
    struct fake_span *span = &heap->spans[heap->spans_count++];
    *span = *made;
    span->mspan = add_mspan(heap, span->start, span->pages, 1);
    span->bits = heap->bits;
    heap->bits += (span->slots + 63) / 64 * 8;
    fake_heap_put_field(heap, span->mspan, layout->mspan_slots, span->slots);
    fake_heap_put_field(heap, span->mspan, layout->mspan_slot_bytes, span->slot_bytes);
    fake_heap_put_field(heap, span->mspan, layout->mspan_alloc_bits, span->bits);
    fake_heap_put_field(heap, span->mspan, layout->mspan_free_index, span->free_index);
    fake_heap_put_field(heap, span->mspan, layout->mspan_class, span->span_class);
    fake_heap_put_field(heap, span->mspan, layout->mspan_sweepgen, (uint32_t)(FAKE_SWEEPGEN + (int)span->sweep));
    fake_heap_put_field(heap, span->mspan, layout->mspan_is_user_arena, is_user);
    return span;
}

/* mheap.go:initSpan; mbitmap.go:heapBitsInSpan; mgcmark_greenteagc.go:gcUsesSpanInlineMarkBits */
static uint64_t slots_of(const struct go_layout *layout, const struct fake_class *size_class, bool is_noscan)
{
    const char *experiment = layout->experiment == NULL ? "" : layout->experiment;
    bool has_headers = layout->go_minor >= 22 && strcmp(experiment, "noallocheaders") != 0;
    bool has_marks =
        layout->go_minor >= 26 ? strcmp(experiment, "nogreenteagc") != 0 : strcmp(experiment, "greenteagc") == 0;
    uint64_t bytes = (uint64_t)size_class->pages * GO_PAGE_BYTES;
    if (size_class->slot_bytes > 512)
        return bytes / size_class->slot_bytes;
    if (has_headers && !is_noscan)
        bytes -= bytes / 64;
    if (has_marks && size_class->slot_bytes >= 16)
        bytes -= 128;
    return bytes / size_class->slot_bytes;
}

struct fake_span *fake_heap_add_span(struct fake_heap *heap, uintptr_t start, const struct fake_class *size_class,
                                     bool is_noscan, enum fake_sweep sweep)
{
    const struct fake_span span = {
        .start = start,
        .pages = size_class->pages,
        .slot_bytes = size_class->slot_bytes,
        .slots = slots_of(heap->layout, size_class, is_noscan),
        .span_class = (uint8_t)(size_class->number << 1 | is_noscan),
        .sweep = sweep,
    };
    fake_heap_set_pages(heap, start, span.pages, true, false, PAGE_OBJECTS);
    return add_span(heap, &span, false);
}

/* mcache.go:allocLarge */
struct fake_span *fake_heap_add_large(struct fake_heap *heap, uintptr_t start, uint64_t pages)
{
    const struct fake_span span = {
        .start = start, .pages = pages, .slot_bytes = pages * GO_PAGE_BYTES, .slots = 1, .free_index = 1};
    fake_heap_set_pages(heap, start, pages, true, false, PAGE_OBJECTS);
    return add_span(heap, &span, false);
}

/* arena.go:allocUserArenaChunk, setUserArenaChunkToFault */
struct fake_span *fake_heap_add_user_chunk(struct fake_heap *heap, uintptr_t start, bool is_faulting)
{
    const uint64_t pages = 1024, reserved_bytes = pages * GO_PAGE_BYTES / 64;
    const struct fake_span span = {
        .start = start,
        .pages = pages,
        .slot_bytes = pages * GO_PAGE_BYTES - (heap->layout->go_minor >= 22 ? reserved_bytes : 0),
        .slots = 1,
        .free_index = 1,
        .span_class = is_faulting,
    };
    struct fake_arena *arena = arena_of(heap, start);
    memset(arena->kinds + (start - arena->start) / GO_PAGE_BYTES, is_faulting ? PAGE_RESERVED : PAGE_OBJECTS, pages);
    return add_span(heap, &span, true);
}

uintptr_t fake_heap_add_manual(struct fake_heap *heap, uintptr_t start, uint64_t pages, uint64_t slot_bytes)
{
    fake_heap_set_pages(heap, start, pages, true, false, slot_bytes != 0 ? PAGE_STACK : PAGE_WORK);
    uintptr_t mspan = add_mspan(heap, start, pages, 2);
    fake_heap_put_field(heap, mspan, heap->layout->mspan_slot_bytes, slot_bytes);
    return mspan;
}

void fake_heap_cache_span(struct fake_heap *heap, unsigned p, const struct fake_span *span)
{
    uintptr_t mcache = fake_heap_get(heap, heap->p[p] + heap->layout->p_mcache.offset_bytes, 8);
    fake_heap_put(heap, mcache + heap->layout->mcache_alloc.offset_bytes + span->span_class * 8u, span->mspan, 8);
}

void fake_span_set(struct fake_heap *heap, const struct fake_span *span, uint64_t slot, bool is_allocated)
{
    put_bit(heap, span->bits, slot, is_allocated);
}

void fake_span_set_free_index(struct fake_heap *heap, struct fake_span *span, uint64_t free_index)
{
    span->free_index = free_index;
    fake_heap_put_field(heap, span->mspan, heap->layout->mspan_free_index, free_index);
}

bool fake_span_is_allocated(struct fake_heap *heap, const struct fake_span *span, uint64_t slot)
{
    return slot < span->free_index || (fake_heap_get(heap, span->bits + slot / 8, 1) >> slot % 8 & 1) != 0;
}

uint64_t fake_span_count(struct fake_heap *heap, const struct fake_span *span)
{
    uint64_t count = 0;
    for (uint64_t slot = 0; slot < span->slots; slot++)
        count += fake_span_is_allocated(heap, span, slot);
    return count;
}
