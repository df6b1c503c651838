/* SPDX-License-Identifier: Apache-2.0
 *
 * The join.
 *
 * Each mapping is walked twice at the same time: as segments of one owner (known ranges, the mapping's kind, the runs
 * of a walked heap, runs of the shadow table) and as the runs of one residency that were scanned before. Nothing of the
 * size of the heap is kept but a letter for each Go page.
 *
 * A segment has one class, but for a span in use: its bytes are shared out between go.objects and go.unused by the
 * slots that lie on them.
 */
#include "dump/snapshot.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "dump/arena_pages.h"
#include "dump/smaps_join.h"
#include "dump/snapshot_inside.h"
#include "gopagewatch/page_state.h"
#include "memory/raw.h"
#include "memory/units.h"

/* ---- segments ---- */

/* A page of a span holds an object, or part of one, or none. */
static void mark_span(struct join *join, const struct segment *segment)
{
    const struct heap_span *span = segment->span;
    uint64_t step_bytes = GO_PAGE_BYTES;
    if (span->objects == span->slots || segment->sums.object_bytes == 0)
        step_bytes = GO_ARENA_BYTES; /* all pages are alike, but for the waste at the end */
    for (uintptr_t at = segment->start; at < segment->end;) {
        uintptr_t end = min_u64(align_down(at, step_bytes) + step_bytes, segment->end);
        bool has_object = end - at == segment->sums.mapped_bytes ? segment->sums.object_bytes != 0
                                                                 : heap_span_object_bytes(span, at, end) != 0;
        arena_pages_mark(join->snapshot, join->bump, at, end, has_object ? PAGE_STATE_OBJECT : PAGE_STATE_UNUSED);
        at = end;
    }
}

static void leave_segment(struct join *join)
{
    struct segment *segment = &join->segment;
    if (segment->is_sampled)
        profile_count_segment(&join->snapshot->heaps.book->walk.profile, &join->sampled);
    segment->is_sampled = false;
    if (segment->run != NULL)
        heap_books_count(&join->snapshot->heaps, segment->run, segment->start, &segment->sums);
    segment->run = NULL;
}

static void enter_sampled(struct join *join)
{
    const struct segment *segment = &join->segment;
    join->sampled = (struct sampled_segment){
        .span = segment->span,
        .samples = join->snapshot->heaps.arena->samples + segment->span->samples_first,
        .start = segment->start,
        .end = segment->end,
    };
}

static struct malloc_free malloc_free_of(const struct segment *segment, uintptr_t start, uintptr_t end)
{
    struct malloc_free none = {0};
    return segment->malloc_heap == NULL ? none : malloc_heap_free(segment->malloc_heap, start, end);
}

static void add_mapped(struct join *join, uint64_t bytes)
{
    const struct segment *segment = &join->segment;
    join->sizes[segment->memory_class].mapped_bytes += bytes;
    if (segment->is_of_other_malloc)
        join->of_other_malloc.mapped_bytes += bytes;
}

static void enter_segment(struct join *join, uintptr_t at)
{
    const struct vma *vma = vma_in_hand(join);
    struct segment *segment = &join->segment;
    leave_segment(join);
    segment_find(join, at, segment);
    uint64_t bytes = segment->end - segment->start;
    segment->sums.mapped_bytes = bytes;
    if (segment->span != NULL) {
        segment->sums.object_bytes = heap_span_object_bytes(segment->span, segment->start, segment->end);
        join->sizes[CLASS_GO_OBJECTS].mapped_bytes += segment->sums.object_bytes;
        join->sizes[CLASS_GO_UNUSED].mapped_bytes += bytes - segment->sums.object_bytes;
        mark_span(join, segment);
        if (segment->is_sampled)
            enter_sampled(join);
        return;
    }
    uint64_t free_bytes = malloc_free_of(segment, segment->start, segment->end).bytes;
    join->sizes[CLASS_C_HEAP_FREE].mapped_bytes += free_bytes;
    if (vma->is_readable || vma->is_writable || vma->is_executable || segment->is_arena)
        add_mapped(join, bytes - free_bytes);
    if (segment->is_arena)
        arena_pages_mark(join->snapshot, join->bump, segment->start, segment->end, segment->letter);
}

/* ---- counting ---- */

/* Bytes of [start, end) that belong to objects of the segment's span. */
static uint64_t object_bytes(const struct segment *segment, uintptr_t start, uintptr_t end)
{
    if (start == segment->start && end == segment->end)
        return segment->sums.object_bytes;
    return heap_span_object_bytes(segment->span, start, end);
}

static void add_resident(struct class_sizes *sizes, uint64_t bytes, bool is_huge)
{
    sizes->resident_bytes += bytes;
    sizes->huge_bytes += is_huge ? bytes : 0;
}

/* What Go gave back and is there again; not what the kernel has merely not taken yet (MADV_FREE). */
static void count_reinflated(struct join *join, uintptr_t start, uintptr_t end, bool is_huge)
{
    const struct shadow *shadow = join->source->may_be_lazily_freed ? join->source->shadow : NULL;
    while (start < end) {
        struct shadow_entry entry = {0};
        uintptr_t run_end = shadow == NULL ? end : shadow_run(shadow, start, end, &entry);
        if (entry.state != STATE_LAZY)
            heap_books_count_reinflated(&join->snapshot->heaps, start, run_end, is_huge);
        start = run_end;
    }
}

/* Go page by Go page: which of a huge page's are used? What was released is a finding of its own. */
static void count_huge(struct join *join, uintptr_t start, uintptr_t end)
{
    const struct segment *segment = &join->segment;
    if (segment->memory_class == CLASS_GO_RELEASED || segment->memory_class == CLASS_GO_RESERVED)
        return;
    while (start < end) {
        uint64_t step_bytes = segment->span != NULL ? GO_PAGE_BYTES : HUGE_PAGE_BYTES;
        uintptr_t piece_end = min_u64(align_down(start, step_bytes) + step_bytes, end);
        bool is_used = segment->span != NULL ? heap_span_object_bytes(segment->span, start, piece_end) != 0
                                             : segment->memory_class != CLASS_GO_FREE;
        heap_books_count_huge(&join->snapshot->heaps, start, piece_end, is_used);
        start = piece_end;
    }
}

static void count_resident(struct join *join, uintptr_t start, uintptr_t end, bool is_huge)
{
    struct segment *segment = &join->segment;
    uint64_t bytes = end - start;
    segment->sums.resident_bytes += bytes;
    if (segment->span != NULL) {
        uint64_t objects = object_bytes(segment, start, end);
        add_resident(&join->sizes[CLASS_GO_OBJECTS], objects, is_huge);
        add_resident(&join->sizes[CLASS_GO_UNUSED], bytes - objects, is_huge);
        if (segment->is_sampled)
            sampled_segment_mark(&join->sampled, start, end, objects);
    } else if (segment->is_released_unwalked) {
        join->sizes[CLASS_GO_RELEASED].mapped_bytes -= bytes;
        join->sizes[CLASS_GO_HEAP].mapped_bytes += bytes;
        add_resident(&join->sizes[CLASS_GO_HEAP], bytes, is_huge);
        arena_pages_mark(join->snapshot, join->bump, start, end, PAGE_STATE_HEAP);
    } else {
        struct malloc_free free = malloc_free_of(segment, start, end);
        join->snapshot->malloc.idle_resident_bytes += free.idle_bytes;
        add_resident(&join->sizes[CLASS_C_HEAP_FREE], free.bytes, is_huge);
        add_resident(&join->sizes[segment->memory_class], bytes - free.bytes, is_huge);
        if (segment->is_of_other_malloc)
            add_resident(&join->of_other_malloc, bytes, is_huge);
        if (segment->site != 0 && join->snapshot->site_resident_bytes != NULL)
            join->snapshot->site_resident_bytes[segment->site] += bytes;
        if (segment->run != NULL && segment->memory_class == CLASS_GO_RELEASED)
            count_reinflated(join, start, end, is_huge);
    }
    if (segment->run != NULL && is_huge)
        count_huge(join, start, end);
    if (segment->is_arena)
        arena_pages_mark_resident(join->snapshot, start, end);
}

static void count_swapped(struct join *join, uintptr_t start, uintptr_t end)
{
    struct segment *segment = &join->segment;
    segment->sums.swapped_bytes += end - start;
    if (segment->span == NULL) {
        join->sizes[segment->memory_class].swapped_bytes += end - start;
        if (segment->is_of_other_malloc)
            join->of_other_malloc.swapped_bytes += end - start;
        return;
    }
    uint64_t objects = object_bytes(segment, start, end);
    join->sizes[CLASS_GO_OBJECTS].swapped_bytes += objects;
    join->sizes[CLASS_GO_UNUSED].swapped_bytes += end - start - objects;
}

static void count_run(struct join *join, const struct residency_run *run)
{
    uintptr_t run_end = min_u64(run->end, vma_in_hand(join)->end);
    for (uintptr_t at = run->start; at < run_end;) {
        while (join->segment.end <= at)
            enter_segment(join, join->segment.end);
        uintptr_t end = min_u64(run_end, join->segment.end);
        if (run->kind == RESIDENCY_RESIDENT)
            count_resident(join, at, end, run->is_huge);
        else
            count_swapped(join, at, end);
        at = end;
    }
}

static bool is_empty(const struct class_sizes *sizes)
{
    return (sizes->mapped_bytes | sizes->resident_bytes | sizes->swapped_bytes) == 0;
}

static void add_rows(struct join *join)
{
    for (int i = 0; i < CLASS_COUNT; i++) {
        if (is_empty(&join->sizes[i]))
            continue;
        class_sizes_add(&join->snapshot->classes[i], &join->sizes[i]);
        struct map_row *row = bump_take(join->bump, sizeof *row);
        if (row == NULL) {
            join->snapshot->untrusted++;
            continue;
        }
        *row =
            (struct map_row){.vma = vma_in_hand(join), .memory_class = (enum memory_class)i, .sizes = join->sizes[i]};
        if (i == CLASS_C_HEAP_USED)
            row->of_other_malloc = join->of_other_malloc;
        *join->rows_end = row;
        join->rows_end = &row->next;
    }
}

static void join_vma(struct join *join, uint64_t index)
{
    const struct resident_set *resident = &join->snapshot->resident;
    join->vma_index = index;
    memset(join->sizes, 0, sizeof join->sizes);
    join->of_other_malloc = (struct class_sizes){0};
    const struct vma *vma = vma_in_hand(join);
    join->is_of_one_class = segment_class_of_kind(join, &join->class_of_vma);
    enter_segment(join, vma->start);
    for (; join->next_run < resident->count && resident->runs[join->next_run].start < vma->end; join->next_run++) {
        struct residency_run run = resident_run_decode(&resident->runs[join->next_run]);
        if (run.start >= vma->start)
            count_run(join, &run);
    }
    while (join->segment.end < vma->end)
        enter_segment(join, join->segment.end);
    leave_segment(join);
    add_rows(join);
}

/* ---- the whole ---- */

static int open_books(struct join *join, const char **failed_path)
{
    struct snapshot *snapshot = join->snapshot;
    const struct snapshot_source *source = join->source;
    void *buffer = bump_take(join->bump, RESIDENCY_BUFFER_BYTES);
    *failed_path = "memory for the dump";
    if (buffer == NULL || !arena_pages_open(snapshot, join->bump) || !known_ranges_open(&snapshot->known, join->bump))
        return -ENOMEM;
    join->residency = source->residency;
    if (join->residency == NULL) {
        *failed_path = source->pagemap_path;
        int error = residency_open(&join->own_residency, source->pagemap_path, source->os_page_bytes, buffer);
        if (error != 0)
            return error;
        join->own_residency.pace = source->pace;
        join->residency = &join->own_residency;
    }
    snapshot->residency_method = join->residency->method;
    snapshot->sees_huge = join->residency->sees_huge;
    *failed_path = "memory for the dump";
    return heap_books_open(&snapshot->heaps, source->heaps, source->heaps_count, join->residency, join->bump) ? 0
                                                                                                              : -ENOMEM;
}

static int read_resident_set(struct join *join, const char **failed_path)
{
    const struct snapshot_source *source = join->source;
    struct resident_source resident = {
        .maps_path = source->maps_path,
        .status_path = source->status_path,
        .vmas = source->vmas,
        .status = source->status,
        .residency = join->residency,
        .bump = join->bump,
        .is_own_process = source->is_own_process,
    };
    int error = resident_set_read(&join->snapshot->resident, &resident, failed_path);
    if (error != 0)
        return error;
    const struct vma_list *vmas = &join->snapshot->resident.vmas;
    join->is_library = find_libraries(vmas, join->bump);
    *failed_path = "memory for the dump";
    bool has_room = heap_metadata_open(&join->metadata, vmas, join->bump) &&
                    module_rows_find(&join->snapshot->modules, vmas, source->reader, join->bump);
    return join->is_library != NULL && has_room ? 0 : -ENOMEM;
}

static void find_known_ranges(struct join *join)
{
    const struct snapshot_source *source = join->source;
    struct known_ranges *known = &join->snapshot->known;
    for (uint64_t i = 0; i < source->given_count; i++)
        known_ranges_add(known, source->given[i]);
    struct shape_search search = {
        .vmas = &join->snapshot->resident.vmas,
        .is_library = join->is_library,
        .shadow = source->shadow,
        .heaps = &join->snapshot->heaps,
        .reader = source->reader,
        .residency = join->residency,
        .bump = join->bump,
        .os_page_bytes = source->os_page_bytes,
        .pid = source->pid,
    };
    if (source->shadow == NULL)
        heap_metadata_add_ranges(&join->snapshot->heaps, known);
    known_ranges_find_shapes(known, &search);
    struct malloc_source malloc = {
        .known = known,
        .resident = &join->snapshot->resident,
        .reader = source->reader,
        .bump = join->bump,
        .os_page_bytes = source->os_page_bytes,
        .has_foreign_brk = has_brk(source->other_malloc),
    };
    malloc_heaps_walk(&join->snapshot->malloc, &malloc);
}

static void join_all(struct join *join)
{
    struct snapshot *snapshot = join->snapshot;
    const struct snapshot_source *source = join->source;
    uint64_t begin_ns = raw_clock_ns(CLOCK_MONOTONIC);
    for (uint64_t i = 0; i < snapshot->resident.vmas.count; i++)
        join_vma(join, i);
    heap_books_finish(&snapshot->heaps);
    if (source->shadow == NULL)
        heap_metadata_relabel(&join->metadata, snapshot, source->unexplained);
    other_malloc_split(source->other_malloc, snapshot, join->bump);
    snapshot->join_ns = raw_clock_ns(CLOCK_MONOTONIC) - begin_ns - snapshot->heaps.walk_ns;
    if (source->smaps_path != NULL && (source->may_be_lazily_freed || !snapshot->sees_huge))
        snapshot->smaps_error = smaps_join(snapshot, source->smaps_path, join->bump);
    const struct resident_set *resident = &snapshot->resident;
    thread_stacks_find(&snapshot->stacks, &snapshot->known, resident, source->tasks_path, source->os_page_bytes,
                       join->bump);
    snapshot->untrusted += resident->vmas.unparsed_lines + resident->dropped + resident->unscanned +
                           snapshot->known.dropped + snapshot->modules.dropped + snapshot->stacks.dropped;
}

int snapshot_take(struct snapshot *snapshot, const struct snapshot_source *source, struct bump *bump,
                  const char **failed_path)
{
    *snapshot = (struct snapshot){0};
    struct join join = {.snapshot = snapshot, .source = source, .bump = bump, .own_residency = {.fd = -1}};
    join.rows_end = &snapshot->rows;
    if (source->shadow != NULL)
        snapshot->site_resident_bytes = bump_take(bump, CALLSITES_MAX * sizeof *snapshot->site_resident_bytes);
    snapshot->is_malloc_site = other_malloc_sites(source->other_malloc, source->callsites, bump);
    int error = open_books(&join, failed_path);
    if (error == 0)
        error = read_resident_set(&join, failed_path);
    if (error == 0) {
        find_known_ranges(&join);
        join_all(&join);
    }
    residency_close(&join.own_residency);
    return error;
}

void class_sizes_add(struct class_sizes *sum, const struct class_sizes *sizes)
{
    sum->mapped_bytes += sizes->mapped_bytes;
    sum->resident_bytes += sizes->resident_bytes;
    sum->swapped_bytes += sizes->swapped_bytes;
    sum->huge_bytes += sizes->huge_bytes;
    sum->lazyfree_bytes += sizes->lazyfree_bytes;
}

void class_sizes_subtract(struct class_sizes *sum, const struct class_sizes *sizes)
{
    sum->mapped_bytes -= sizes->mapped_bytes;
    sum->resident_bytes -= sizes->resident_bytes;
    sum->swapped_bytes -= sizes->swapped_bytes;
    sum->huge_bytes -= sizes->huge_bytes;
    sum->lazyfree_bytes -= sizes->lazyfree_bytes;
}

uint64_t snapshot_explained_bytes(const struct snapshot *snapshot)
{
    uint64_t bytes = 0;
    for (int i = 0; i < CLASS_COUNT; i++)
        bytes += i == CLASS_OTHER ? 0 : snapshot->classes[i].resident_bytes;
    return bytes;
}
