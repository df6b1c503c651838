/* SPDX-License-Identifier: Apache-2.0
 *
 * The join for one map: its objects, the spans they are in with all that is allocated there, and what is resident.
 */
#include "dump/map_answer.h"

#include <string.h>

#include "goruntime/heap_walk.h"
#include "goruntime/map_estimate.h"
#include "memory/limits.h"
#include "memory/raw.h"

enum { ATTEMPTS = 3 };

/* Address space, not memory; where that is rationed, less of it. */
#define RESERVE_BYTES (16ull << 30)
#define RESERVE_LEAST_BYTES (16ull << 20)

static const char NO_ROOM[] =
    "limits leave too little memory for the walk (memory.max of its cgroup, ulimit -v, ulimit -d)";

/* Of [start, start + 64 MiB), or less. */
struct window {
    uintptr_t start, end;
    uint16_t resident_bytes[GO_ARENA_PAGES];
    uint16_t huge_bytes[GO_ARENA_PAGES];
};

struct accounting {
    struct map_answer *answer;
    const struct map_source *source;
    struct map_walk *walk;
    struct heap_walk heap;
    struct window *window;
    uint16_t *heap_spans; /* of the arena in hand: by start page, the index in heap_arena.spans plus 1 */
};

/* ---- residency ---- */

static void mark_resident(void *context, const struct residency_run *run)
{
    struct window *window = context;
    if (run->kind != RESIDENCY_RESIDENT)
        return;
    uintptr_t at = max_u64(run->start, window->start), end = min_u64(run->end, window->end);
    while (at < end) {
        uintptr_t next = min_u64(align_down(at, GO_PAGE_BYTES) + GO_PAGE_BYTES, end);
        uint64_t page = (at - window->start) / GO_PAGE_BYTES;
        window->resident_bytes[page] += (uint16_t)(next - at);
        if (run->is_huge)
            window->huge_bytes[page] += (uint16_t)(next - at);
        at = next;
    }
}

/* What is resident in [start, end), whole Go pages, of at most 64 MiB. */
static void look_at(struct accounting *accounting, uintptr_t start, uintptr_t end)
{
    struct window *window = accounting->window;
    uint64_t pages = (end - start) / GO_PAGE_BYTES;
    window->start = start;
    window->end = end;
    memset(window->resident_bytes, 0, pages * sizeof window->resident_bytes[0]);
    memset(window->huge_bytes, 0, pages * sizeof window->huge_bytes[0]);
    if (accounting->source->residency != NULL &&
        residency_scan(accounting->source->residency, start, end, mark_resident, window) != 0)
        accounting->answer->torn_reads++;
}

/* ---- pages ---- */

static void count_page(struct accounting *accounting, const struct object_span *span, uintptr_t address, uint16_t bit)
{
    struct map_answer *answer = accounting->answer;
    uint64_t page = (address - accounting->window->start) / GO_PAGE_BYTES;
    uint64_t resident_bytes = accounting->window->resident_bytes[page];
    for (int part = 0; part < MAP_PARTS; part++) {
        if ((span->part_pages[part] & bit) == 0)
            continue;
        answer->parts[part].go_pages++;
        answer->parts[part].resident_bytes += resident_bytes;
    }
    answer->total.go_pages++;
    answer->total.resident_bytes += resident_bytes;
    answer->resident_go_pages += resident_bytes != 0;
    answer->huge_bytes += accounting->window->huge_bytes[page];
}

static void count_alone(struct accounting *accounting, uintptr_t address, bool is_alone)
{
    struct map_answer *answer = accounting->answer;
    uint64_t page = (address - accounting->window->start) / GO_PAGE_BYTES;
    answer->alone_go_pages += is_alone;
    answer->shared_go_pages += !is_alone;
    if (is_alone)
        answer->alone_bytes += accounting->window->resident_bytes[page];
}

static void count_span(struct accounting *accounting, const struct object_span *span, bool is_alone)
{
    struct map_answer *answer = accounting->answer;
    for (int part = 0; part < MAP_PARTS; part++)
        answer->parts[part].spans_bytes += span->part_pages[part] != 0 ? span->bytes : 0;
    answer->total.spans_bytes += span->bytes;
    answer->alone_spans_bytes += is_alone ? span->bytes : 0;
}

/* Is what is allocated in the slots `first` to `last` all the map's? */
static bool is_all_marked(const uint64_t *allocated, const uint64_t *marks, uint64_t first, uint64_t last)
{
    for (uint64_t word = first / 64; word <= last / 64; word++) {
        uint64_t strangers = allocated[word] & ~marks[word];
        if (word == first / 64)
            strangers &= UINT64_MAX << first % 64;
        if (word == last / 64)
            strangers &= UINT64_MAX >> (63 - last % 64);
        if (strangers != 0)
            return false;
    }
    return true;
}

/* Of a span with many slots the pages in [start, end), which the window shows; `heap` is what the walk of the heap
 * found there, or NULL: nobody is known to be alone. */
static void account_pages(struct accounting *accounting, const struct object_span *span, const struct heap_span *heap,
                          uintptr_t start, uintptr_t end)
{
    uint16_t pages = 0;
    for (int part = 0; part < MAP_PARTS; part++)
        pages |= span->part_pages[part];
    for (uint32_t page = 0; page < span->pages; page++) {
        uintptr_t address = span->start + page * (uint64_t)GO_PAGE_BYTES;
        if ((pages >> page & 1) == 0 || address < start || address >= end)
            continue;
        uint64_t first = page * (uint64_t)GO_PAGE_BYTES / span->slot_bytes;
        uint64_t last = min_u64(((page + 1) * (uint64_t)GO_PAGE_BYTES - 1) / span->slot_bytes, span->slots - 1);
        count_page(accounting, span, address, (uint16_t)(1u << page));
        count_alone(accounting, address, heap != NULL && is_all_marked(heap->allocated, span->marks, first, last));
    }
}

/* What the walk of the heap found of that span. NULL: nothing, or another one. */
static const struct heap_span *heap_span_of(const struct accounting *accounting, const struct heap_arena *heap,
                                            const struct object_span *span, uint32_t page)
{
    uint16_t index = heap == NULL ? 0 : accounting->heap_spans[page];
    const struct heap_span *found = index == 0 ? NULL : &heap->spans[index - 1];
    return found != NULL && found->slot_bytes == span->slot_bytes && found->slots == span->slots ? found : NULL;
}

/* One object; its pages in [start, end), which the window shows. */
static void account_large(struct accounting *accounting, const struct object_span *span, uintptr_t start, uintptr_t end)
{
    for (uintptr_t page = start; page < end; page += GO_PAGE_BYTES) {
        count_page(accounting, span, page, 1);
        count_alone(accounting, page, true);
    }
}

static uintptr_t large_end(const struct object_span *span)
{
    return span->start + align_up(min_u64(span->slot_bytes, span->bytes), GO_PAGE_BYTES);
}

/* What of a large object lies behind its arena. */
static void account_behind(struct accounting *accounting, const struct object_arena *arena,
                           const struct object_span *span)
{
    uintptr_t end = large_end(span);
    for (uintptr_t start = arena->start + GO_ARENA_BYTES; start < end; start += GO_ARENA_BYTES) {
        uintptr_t piece_end = min_u64(end, start + GO_ARENA_BYTES);
        look_at(accounting, start, piece_end);
        account_large(accounting, span, start, piece_end);
    }
}

/* ---- arenas ---- */

/* The part of the arena in which the map has objects. False: it has none with many slots. */
static bool bounds_of(const struct object_arena *arena, uintptr_t *start, uintptr_t *end)
{
    bool has_small = false;
    *start = UINTPTR_MAX;
    *end = 0;
    for (uint32_t page = 0; page < GO_ARENA_PAGES; page++) {
        const struct object_span *span = &arena->spans[page];
        if (span->marked == 0)
            continue;
        has_small |= span->slots > 1;
        *start = min_u64(*start, span->start);
        *end = max_u64(*end, min_u64(span->start + span->bytes, arena->start + GO_ARENA_BYTES));
    }
    return has_small;
}

/* Walks the heap's arena, and notes which of its spans begins at which page. NULL: it cannot be read. */
static const struct heap_arena *enter_heap_arena(struct accounting *accounting, const struct object_arena *arena)
{
    const struct heap_arena *heap = heap_walk_arena(&accounting->heap, arena->start);
    memset(accounting->heap_spans, 0, GO_ARENA_PAGES * sizeof accounting->heap_spans[0]);
    for (uint32_t i = 0; heap != NULL && i < heap->runs_count; i++) {
        const struct heap_run *run = &heap->runs[i];
        if (run->kind != PAGE_OBJECTS)
            continue;
        uintptr_t start = heap->spans[run->span].start;
        if (start >= arena->start && start - arena->start < GO_ARENA_BYTES)
            accounting->heap_spans[(start - arena->start) / GO_PAGE_BYTES] = (uint16_t)(run->span + 1);
    }
    return heap;
}

static void account_arena(struct accounting *accounting, const struct object_arena *arena)
{
    const struct heap_arena *heap = NULL;
    uintptr_t start, end, arena_end = arena->start + GO_ARENA_BYTES;
    if (bounds_of(arena, &start, &end))
        heap = enter_heap_arena(accounting, arena);
    if (start >= end)
        return;
    look_at(accounting, start, end);
    for (uint32_t page = 0; page < GO_ARENA_PAGES; page++) {
        const struct object_span *span = &arena->spans[page];
        if (span->marked == 0)
            continue;
        if (span->slots > 1) {
            const struct heap_span *found = heap_span_of(accounting, heap, span, page);
            count_span(accounting, span,
                       found != NULL && is_all_marked(found->allocated, span->marks, 0, span->slots - 1));
            account_pages(accounting, span, found, span->start, min_u64(span->start + span->bytes, arena_end));
            continue;
        }
        count_span(accounting, span, true);
        account_large(accounting, span, span->start, min_u64(large_end(span), arena->start + GO_ARENA_BYTES));
    }
    for (uint32_t page = 0; page < GO_ARENA_PAGES; page++) {
        const struct object_span *span = &arena->spans[page];
        if (span->marked == 0 || span->start + span->bytes <= arena_end)
            continue;
        if (span->slots == 1) {
            account_behind(accounting, arena, span);
            continue;
        }
        look_at(accounting, arena_end, span->start + span->bytes);
        account_pages(accounting, span, heap_span_of(accounting, heap, span, page), arena_end,
                      span->start + span->bytes);
    }
}

/* ---- the answer ---- */

static void fill_shape(struct map_answer *answer, const struct map_walk *walk)
{
    const struct map_shape *shape = &walk->shape;
    answer->design = shape->design;
    answer->key_bytes = shape->key_bytes;
    answer->element_bytes = shape->element_bytes;
    answer->count = shape->count;
    answer->entries = shape->entries;
    answer->capacity = shape->capacity;
    answer->tombstones = shape->tombstones;
    answer->buckets = shape->buckets;
    answer->old_buckets = shape->old_buckets;
    answer->evacuated_buckets = shape->evacuated_buckets;
    answer->overflow_buckets = shape->overflow_buckets;
    answer->tables = shape->tables;
    answer->directory_slots = shape->directory_slots;
    answer->unknown_objects = walk->unknown + walk->objects.unknown;
    answer->unfollowed = walk->unfollowed;
    answer->spent_bytes = walk->is_spent ? walk->spent_bytes : 0;
}

static void fill_sizes(struct map_answer *answer, const struct map_walk *walk)
{
    for (int i = 0; i < MAP_PARTS; i++) {
        const struct object_part *part = &walk->objects.parts[i];
        struct map_part_sizes *sizes = &answer->parts[i];
        sizes->objects = part->objects;
        sizes->asked_bytes = part->asked_bytes;
        sizes->allocated_bytes = part->allocated_bytes;
        sizes->image_bytes = walk->image_bytes[i];
        answer->total.objects += part->objects;
        answer->total.asked_bytes += part->asked_bytes;
        answer->total.allocated_bytes += part->allocated_bytes;
        answer->total.image_bytes += walk->image_bytes[i];
    }
    uint64_t slots_bytes, referenced_bytes = walk->objects.parts[MAP_PART_KEYS].referenced_bytes +
                                             walk->objects.parts[MAP_PART_ELEMENTS].referenced_bytes;
    /* A type may claim any size. */
    if (__builtin_mul_overflow(answer->entries, answer->key_bytes + answer->element_bytes, &slots_bytes))
        slots_bytes = INT64_MAX / 2;
    answer->naive_bytes = min_u64(slots_bytes, INT64_MAX / 2) + min_u64(referenced_bytes, INT64_MAX / 2);
}

static void fill_estimates(struct map_answer *answer, const struct map_walk *walk)
{
    const struct go_layout *layout = walk->heap->layout;
    struct map_estimate remade = map_estimate_remade(&walk->shape, answer->entries, layout);
    struct map_estimate grown = map_estimate_grown(&walk->shape, answer->parts[MAP_PART_BUCKETS].allocated_bytes,
                                                   layout, &answer->grows_at_entries);
    answer->remade_capacity = remade.capacity;
    answer->remade_bytes = remade.bytes;
    answer->grown_capacity = grown.capacity;
    answer->grown_bytes = grown.bytes;
}

/* Walks until the map stood still meanwhile, a few times. False: `answer->why`. */
static bool walk_map(struct map_answer *answer, struct map_walk *walk, uintptr_t type, bool is_deep)
{
    do {
        answer->attempts++;
        if (!map_walk_run(walk, answer->address, type, is_deep, &answer->why))
            return false;
        answer->torn_reads += walk->torn_reads;
    } while (walk->torn_reads != 0 && !walk->is_spent && answer->attempts < ATTEMPTS);
    return true;
}

static bool account(struct map_answer *answer, struct map_walk *walk, const struct map_source *source,
                    struct bump *bump)
{
    struct accounting accounting = {.answer = answer, .source = source, .walk = walk};
    accounting.window = bump_take(bump, sizeof *accounting.window);
    accounting.heap_spans = bump_take(bump, GO_ARENA_PAGES * sizeof accounting.heap_spans[0]);
    if (accounting.window == NULL || accounting.heap_spans == NULL ||
        !heap_walk_open(&accounting.heap, source->heap, bump))
        return false;
    for (uint32_t i = 0; i < walk->objects.arenas_count; i++)
        account_arena(&accounting, walk->objects.arenas[i]);
    return true;
}

/* Goes to the map's header. False: `answer->why`, or a nil map, which is no error. */
static bool find_header(struct map_answer *answer, const struct map_path *path, const struct map_source *source)
{
    uintptr_t header;
    if (!map_path_go_header(path, source->heap->reader, source->bias, &header, &answer->why))
        return false;
    answer->address = header;
    return header != 0;
}

static void answer_in(struct map_answer *answer, const struct map_path *path, const struct map_source *source,
                      struct bump *bump)
{
    struct map_walk *walk = bump_take(bump, sizeof *walk);
    if (walk == NULL) {
        answer->why = NO_ROOM;
        return;
    }
    if (!map_walk_open(walk, source->heap, source->image_start, source->image_end, bump, &answer->why))
        return;
    if (!walk_map(answer, walk, path->type + source->bias, source->is_deep))
        return;
    fill_shape(answer, walk);
    fill_sizes(answer, walk);
    fill_estimates(answer, walk);
    if (!account(answer, walk, source, bump))
        answer->why = "no address space is left to walk the heap (raise the limit: ulimit -v), or its page allocator's "
                      "books cannot be read";
}

int map_reserve_open(struct bump *bump, uint64_t most_bytes)
{
    return bump_open_between(bump, limits_share_bytes(min_u64(most_bytes, RESERVE_BYTES)), RESERVE_LEAST_BYTES);
}

void map_answer_make(struct map_answer *answer, const struct map_path *path, const struct map_source *source)
{
    struct bump bump;
    uint64_t begin_ns = raw_clock_ns(CLOCK_MONOTONIC);
    *answer = (struct map_answer){.name = path->name, .type_name = path->type_name, .is_deep = source->is_deep};
    if (source->heap->layout == NULL) {
        answer->why = source->heap->why;
        return;
    }
    answer->design = source->heap->layout->hmap_bytes == 0 ? MAP_DESIGN_SWISS : MAP_DESIGN_BUCKETS;
    if (!find_header(answer, path, source))
        return;
    if (map_reserve_open(&bump, source->memory_most_bytes == 0 ? UINT64_MAX : source->memory_most_bytes) != 0) {
        answer->why = NO_ROOM;
        return;
    }
    answer_in(answer, path, source, &bump);
    answer->scratch_bytes = bump_resident_bytes(&bump);
    bump_close(&bump);
    answer->walk_ns = raw_clock_ns(CLOCK_MONOTONIC) - begin_ns;
}
