/* SPDX-License-Identifier: Apache-2.0
 *
 * The join.
 *
 * Each mapping is walked twice at the same time: as segments of one class (known ranges, the mapping's kind, runs of
 * the shadow table) and as runs of one residency (the scan's callback). Nothing of the size of the heap is kept but a
 * letter for each Go page.
 */
#include "dump/snapshot.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "gopagewatch/page_state.h"
#include "memory/smaps.h"
#include "memory/units.h"

enum { ARENAS_MAX = 1 << 16 }; /* 4 TiB */

struct segment {
    uintptr_t start, end;
    enum memory_class memory_class;
    enum shadow_state state;
};

struct join {
    struct snapshot *snapshot;
    const struct snapshot_source *source;
    struct bump *bump;
    struct residency residency;
    const bool *is_library;
    struct map_row **rows_end;
    struct arena *arena; /* the one used last */

    /* of the mapping in hand */
    uint64_t vma_index;
    struct segment segment;
    struct class_sizes sizes[CLASS_COUNT + 1]; /* the last is the scratch */
};

static const struct vma *vma_in_hand(const struct join *join)
{
    return &join->snapshot->vmas.vmas[join->vma_index];
}

/* ---- segments ---- */

static enum memory_class class_of_arena_page(enum shadow_state state)
{
    switch (state) {
    case STATE_RESERVED:
        return CLASS_GO_RESERVED;
    case STATE_RELEASED:
    case STATE_LAZY:
        return CLASS_GO_RELEASED;
    case STATE_MAPPED:
    case STATE_PLAIN:
        break;
    }
    return CLASS_GO_HEAP;
}

static enum memory_class class_of_origin(const struct join *join, enum shadow_origin origin)
{
    switch (origin) {
    case ORIGIN_GO:
        return CLASS_GO_METADATA;
    case ORIGIN_C:
        return CLASS_C_MMAP;
    case ORIGIN_LOADER:
        return CLASS_LIBS;
    case ORIGIN_UNKNOWN:
        break;
    }
    return join->source->has_race_detector ? CLASS_C_MMAP : CLASS_OTHER;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Mappings that are of one class by their kind. False: private anonymous memory, which is not. */
static bool class_of_kind(const struct join *join, enum memory_class *memory_class)
{
    const struct vma *vma = vma_in_hand(join);
    if (vma_is_file(vma))
        *memory_class = join->is_library[join->vma_index] ? CLASS_LIBS : CLASS_FILES;
    else if (strcmp(vma->name, "[heap]") == 0)
        *memory_class = CLASS_C_HEAP_USED;
    else if (vma->name[0] == '[' && !has_prefix(vma->name, "[anon"))
        *memory_class = CLASS_LIBS; /* [vdso], [vvar], [vsyscall] */
    else if (vma->is_shared)
        *memory_class = CLASS_FILES;
    else
        return false;
    return true;
}

static struct segment segment_at(const struct join *join, uintptr_t at)
{
    const struct vma *vma = vma_in_hand(join);
    const struct known_range *range = known_ranges_from(&join->snapshot->known, at);
    struct segment segment = {.start = at, .end = vma->end, .memory_class = CLASS_OTHER};
    if (range != NULL && range->start <= at) {
        segment.end = min_u64(range->end, vma->end);
        segment.memory_class = range->memory_class;
        return segment;
    }
    if (range != NULL)
        segment.end = min_u64(range->start, vma->end);
    if (class_of_kind(join, &segment.memory_class) || join->source->shadow == NULL)
        return segment;
    struct shadow_entry entry;
    segment.end = shadow_run(join->source->shadow, at, segment.end, &entry);
    segment.state = entry.state;
    segment.memory_class =
        entry.state == STATE_PLAIN ? class_of_origin(join, entry.origin[0]) : class_of_arena_page(entry.state);
    return segment;
}

/* ---- arenas ---- */

/* Index of the first arena at or above `start`. */
static uint64_t arena_index(const struct snapshot *snapshot, uintptr_t start)
{
    uint64_t low = 0, high = snapshot->arenas_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (snapshot->arenas[middle]->start >= start)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Arenas appear in address order, so a new one goes to the end. */
static struct arena *add_arena(struct join *join, uintptr_t start)
{
    struct snapshot *snapshot = join->snapshot;
    struct arena *arena = snapshot->arenas_count < ARENAS_MAX ? bump_take(join->bump, sizeof *arena) : NULL;
    if (arena == NULL) {
        snapshot->untrusted++;
        return NULL;
    }
    arena->start = start;
    memset(arena->states, PAGE_STATE_RESERVED, sizeof arena->states);
    snapshot->arenas[snapshot->arenas_count++] = arena;
    return arena;
}

static struct arena *arena_of(struct join *join, uintptr_t address)
{
    struct snapshot *snapshot = join->snapshot;
    uintptr_t start = align_down(address, GO_ARENA_BYTES);
    if (join->arena != NULL && join->arena->start == start)
        return join->arena;
    uint64_t index = arena_index(snapshot, start);
    join->arena = index < snapshot->arenas_count && snapshot->arenas[index]->start == start ? snapshot->arenas[index]
                                                                                            : add_arena(join, start);
    return join->arena;
}

static uint8_t letter_of(enum memory_class memory_class)
{
    return memory_class == CLASS_GO_RESERVED   ? PAGE_STATE_RESERVED
           : memory_class == CLASS_GO_RELEASED ? PAGE_STATE_RELEASED
                                               : PAGE_STATE_HEAP;
}

static uint8_t upper_case(uint8_t letter)
{
    return (uint8_t)(letter & ~0x20);
}

/* Sets the letters of the pages that [start, end) touches; a letter for resident pages stays over one that is not. */
static void mark_pages(struct join *join, uintptr_t start, uintptr_t end, uint8_t letter)
{
    while (start < end) {
        struct arena *arena = arena_of(join, start);
        if (arena == NULL)
            return;
        uintptr_t arena_end = min_u64(arena->start + GO_ARENA_BYTES, end);
        uint64_t first = (start - arena->start) / GO_PAGE_BYTES;
        uint64_t last = (arena_end - 1 - arena->start) / GO_PAGE_BYTES;
        memset(arena->states + first, letter, last - first + 1);
        start = arena_end;
    }
}

/* ---- counting ---- */

static bool is_arena_segment(const struct segment *segment)
{
    return segment->state != STATE_PLAIN;
}

static void enter_segment(struct join *join, uintptr_t at)
{
    const struct vma *vma = vma_in_hand(join);
    join->segment = segment_at(join, at);
    const struct segment *segment = &join->segment;
    bool has_access = vma->is_readable || vma->is_writable || vma->is_executable;
    if (has_access || is_arena_segment(segment))
        join->sizes[segment->memory_class].mapped_bytes += segment->end - segment->start;
    if (is_arena_segment(segment))
        mark_pages(join, segment->start, segment->end, letter_of(segment->memory_class));
}

static void count_resident(struct join *join, uintptr_t start, uintptr_t end, bool is_huge)
{
    const struct segment *segment = &join->segment;
    enum memory_class memory_class = segment->memory_class;
    uint64_t bytes = end - start;
    if (segment->state == STATE_RELEASED) {
        /* Taken into use again or filled by the kernel: without the heap walk nobody can tell. */
        join->sizes[CLASS_GO_RELEASED].mapped_bytes -= bytes;
        join->sizes[CLASS_GO_HEAP].mapped_bytes += bytes;
        memory_class = CLASS_GO_HEAP;
    }
    join->sizes[memory_class].resident_bytes += bytes;
    if (is_huge)
        join->sizes[memory_class].huge_bytes += bytes;
    if (!is_arena_segment(segment))
        return;
    mark_pages(join, start, end, upper_case(letter_of(memory_class)));
    for (uintptr_t at = start; at < end;) {
        uintptr_t arena_end = min_u64(align_down(at, GO_ARENA_BYTES) + GO_ARENA_BYTES, end);
        struct arena *arena = arena_of(join, at);
        if (arena != NULL)
            arena->resident_bytes += arena_end - at;
        at = arena_end;
    }
}

static void on_run(void *context, const struct residency_run *run)
{
    struct join *join = context;
    uintptr_t run_end = min_u64(run->end, vma_in_hand(join)->end);
    for (uintptr_t at = run->start; at < run_end;) {
        while (join->segment.end <= at)
            enter_segment(join, join->segment.end);
        uintptr_t end = min_u64(run_end, join->segment.end);
        if (run->kind == RESIDENCY_RESIDENT)
            count_resident(join, at, end, run->is_huge);
        else
            join->sizes[join->segment.memory_class].swapped_bytes += end - at;
        at = end;
    }
}

static bool is_empty(const struct class_sizes *sizes)
{
    return (sizes->mapped_bytes | sizes->resident_bytes | sizes->swapped_bytes) == 0;
}

static void add_sizes(struct class_sizes *sum, const struct class_sizes *sizes)
{
    sum->mapped_bytes += sizes->mapped_bytes;
    sum->resident_bytes += sizes->resident_bytes;
    sum->swapped_bytes += sizes->swapped_bytes;
    sum->huge_bytes += sizes->huge_bytes;
    sum->lazyfree_bytes += sizes->lazyfree_bytes;
}

static void add_rows(struct join *join)
{
    for (int i = 0; i < CLASS_COUNT; i++) {
        if (is_empty(&join->sizes[i]))
            continue;
        add_sizes(&join->snapshot->classes[i], &join->sizes[i]);
        struct map_row *row = bump_take(join->bump, sizeof *row);
        if (row == NULL) {
            join->snapshot->untrusted++;
            continue;
        }
        *row = (struct map_row){vma_in_hand(join), (enum memory_class)i, join->sizes[i], NULL};
        *join->rows_end = row;
        join->rows_end = &row->next;
    }
}

static void join_vma(struct join *join, uint64_t index)
{
    join->vma_index = index;
    memset(join->sizes, 0, sizeof join->sizes);
    const struct vma *vma = vma_in_hand(join);
    enter_segment(join, vma->start);
    /* [vvar] maps kernel data without struct pages: present, but in nobody's RSS. */
    if (!has_prefix(vma->name, "[vvar") && !has_prefix(vma->name, "[vsyscall") &&
        residency_scan(&join->residency, vma->start, vma->end, on_run, join) != 0)
        join->snapshot->untrusted++;
    while (join->segment.end < vma->end)
        enter_segment(join, join->segment.end);
    add_rows(join);
}

/* ---- what only smaps knows: lazily freed pages, and huge ones before Linux 6.7 ---- */

struct smaps_join {
    struct join *join;
    struct map_row *row; /* smaps and the rows are both in address order */
};

static struct map_row *row_of(struct map_row *rows, uintptr_t vma_start, enum memory_class memory_class)
{
    for (struct map_row *row = rows; row != NULL && row->vma->start == vma_start; row = row->next) {
        if (row->memory_class == memory_class)
            return row;
    }
    return NULL;
}

/* A mapping of released pages alone has no row for the heap yet. */
static struct map_row *heap_row_beside(struct join *join, struct map_row *released)
{
    struct map_row *row = row_of(released, released->vma->start, CLASS_GO_HEAP);
    if (row != NULL || (row = bump_take(join->bump, sizeof *row)) == NULL)
        return row;
    *row = (struct map_row){released->vma, CLASS_GO_HEAP, {0}, released->next};
    released->next = row;
    return row;
}

static void move_resident(struct class_sizes *from, struct class_sizes *to, uint64_t bytes)
{
    from->resident_bytes -= bytes;
    to->resident_bytes += bytes;
}

static struct map_row *largest_row(struct map_row *rows, uintptr_t vma_start)
{
    struct map_row *largest = NULL;
    for (struct map_row *row = rows; row != NULL && row->vma->start == vma_start; row = row->next) {
        if (largest == NULL || row->sizes.resident_bytes > largest->sizes.resident_bytes)
            largest = row;
    }
    return largest;
}

/* The kernel gives one sum for a mapping. In a Go arena such pages are released ones, which counted there already; what
 * was written to since is in use again. Elsewhere they belong to the class that has most of the mapping. */
static void on_smaps_entry(void *context, const struct smaps_entry *entry)
{
    struct smaps_join *smaps = context;
    while (smaps->row != NULL && smaps->row->vma->start < entry->start)
        smaps->row = smaps->row->next;
    struct class_sizes *classes = smaps->join->snapshot->classes;
    struct map_row *released = row_of(smaps->row, entry->start, CLASS_GO_RELEASED);
    if (released != NULL && released->sizes.resident_bytes > entry->lazyfree_bytes) {
        uint64_t reused_bytes = released->sizes.resident_bytes - entry->lazyfree_bytes;
        struct map_row *heap = heap_row_beside(smaps->join, released);
        if (heap == NULL)
            return;
        move_resident(&released->sizes, &heap->sizes, reused_bytes);
        move_resident(&classes[CLASS_GO_RELEASED], &classes[CLASS_GO_HEAP], reused_bytes);
    }
    struct map_row *holder = released != NULL ? released : largest_row(smaps->row, entry->start);
    if (holder == NULL)
        return;
    holder->sizes.lazyfree_bytes += entry->lazyfree_bytes;
    classes[holder->memory_class].lazyfree_bytes += entry->lazyfree_bytes;
    if (smaps->join->snapshot->sees_huge)
        return;
    struct map_row *largest = largest_row(smaps->row, entry->start);
    largest->sizes.huge_bytes += entry->huge_bytes;
    classes[largest->memory_class].huge_bytes += entry->huge_bytes;
}

static void join_smaps(struct join *join)
{
    struct smaps_join smaps = {join, join->snapshot->rows};
    if (join->source->may_be_lazily_freed || !join->snapshot->sees_huge)
        join->snapshot->smaps_error = smaps_read(join->source->smaps_path, join->bump, on_smaps_entry, &smaps);
}

/* ---- the whole ---- */

static void add_resident(void *context, const struct residency_run *run)
{
    uint64_t *bytes = context;
    if (run->kind == RESIDENCY_RESIDENT)
        *bytes += run->end - run->start;
}

static int open_books(struct join *join, const char **failed_path)
{
    struct snapshot *snapshot = join->snapshot;
    const struct snapshot_source *source = join->source;
    void *buffer = bump_take(join->bump, RESIDENCY_BUFFER_BYTES);
    *failed_path = source->maps_path;
    snapshot->arenas = bump_take(join->bump, ARENAS_MAX * sizeof snapshot->arenas[0]);
    if (buffer == NULL || snapshot->arenas == NULL || !known_ranges_open(&snapshot->known, join->bump))
        return -ENOMEM;
    int error = vma_list_read(&snapshot->vmas, source->maps_path, join->bump);
    if (error != 0)
        return error;
    join->is_library = find_libraries(&snapshot->vmas, join->bump);
    if (join->is_library == NULL)
        return -ENOMEM;
    *failed_path = source->pagemap_path;
    return residency_open(&join->residency, source->pagemap_path, source->os_page_bytes, buffer);
}

static void find_known_ranges(struct join *join)
{
    const struct snapshot_source *source = join->source;
    struct known_ranges *known = &join->snapshot->known;
    for (uint64_t i = 0; i < source->given_count; i++)
        known_ranges_add(known, source->given[i]);
    struct shape_search search = {
        .vmas = &join->snapshot->vmas,
        .is_library = join->is_library,
        .shadow = source->shadow,
        .reader = source->reader,
        .residency = &join->residency,
        .bump = join->bump,
        .os_page_bytes = source->os_page_bytes,
        .pid = source->pid,
    };
    known_ranges_find_shapes(known, &search);
}

int snapshot_take(struct snapshot *snapshot, const struct snapshot_source *source, struct bump *bump,
                  const char **failed_path)
{
    *snapshot = (struct snapshot){0};
    struct join join = {.snapshot = snapshot, .source = source, .bump = bump};
    join.rows_end = &snapshot->rows;
    int error = open_books(&join, failed_path);
    if (error != 0)
        return error;
    find_known_ranges(&join);
    for (uint64_t i = 0; i < snapshot->vmas.count; i++)
        join_vma(&join, i);

    /* Both at the same moment: the total is to leave out what the dump itself has touched. */
    *failed_path = source->status_path;
    error = proc_status_read(&snapshot->status, source->status_path);
    residency_scan(&join.residency, (uintptr_t)bump->start, (uintptr_t)bump->start + bump->reserved_bytes, add_resident,
                   &snapshot->scratch_resident_bytes);
    snapshot->residency_method = join.residency.method;
    snapshot->sees_huge = join.residency.sees_huge;
    residency_close(&join.residency);
    join_smaps(&join);
    snapshot->untrusted += snapshot->vmas.unparsed_lines + snapshot->known.dropped;
    return error;
}

uint64_t snapshot_explained_bytes(const struct snapshot *snapshot)
{
    uint64_t bytes = 0;
    for (int i = 0; i < CLASS_COUNT; i++)
        bytes += i == CLASS_OTHER ? 0 : snapshot->classes[i].resident_bytes;
    return bytes;
}
