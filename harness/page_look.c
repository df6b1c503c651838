/* SPDX-License-Identifier: Apache-2.0
 *
 * The books of a live process, opened as `attach` opens them. In an arena the walk of that arena tells all; elsewhere
 * the join of a whole dump is made, for only it knows whose a piece of anonymous memory is.
 */
#include "harness/page_look.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "harness/os_page.h"
#include "harness/page_go.h"
#include "harness/page_malloc.h"
#include "memory/text.h"
#include "memory/units.h"

static bool refuse_memory(struct error *error)
{
    return error_set(error, "there is no memory to look at it; free some or raise the limit (ulimit -v)");
}

/* ---- opening ---- */

static bool open_heaps(struct page_look *look, struct error *error)
{
    struct outside *outside = look->live.outside;
    const struct go_heap *heaps[HEAPS_MAX];
    for (uint32_t i = 0; i < outside->modules.count; i++)
        heaps[i] = &outside->modules.modules[i].heap;
    look->books = bump_take(&outside->bump, sizeof *look->books);
    if (look->books == NULL ||
        !heap_books_open(look->books, heaps, outside->modules.count, &look->residency, &outside->bump))
        return refuse_memory(error);
    return true;
}

static bool open_residency(struct page_look *look, struct error *error)
{
    void *buffer = bump_take(&look->live.outside->bump, RESIDENCY_BUFFER_BYTES);
    if (buffer == NULL)
        return refuse_memory(error);
    int result = residency_open(&look->residency, look->live.pagemap, look->live.outside->source.os_page_bytes, buffer);
    return result == 0 || live_process_refuse(&look->live.process, look->live.pagemap, result, error);
}

bool page_look_open(struct page_look *look, const char *subcommand, const char *thing, int pid, struct error *error)
{
    *look = (struct page_look){.residency.fd = -1};
    if (!live_look_open(&look->live, subcommand, pid, thing, error))
        return false;
    if (outside_find_modules(look->live.outside, error) && open_residency(look, error) && open_heaps(look, error))
        return true;
    page_look_close(look);
    return false;
}

void page_look_close(struct page_look *look)
{
    residency_close(&look->residency);
    live_look_close(&look->live);
}

/* ---- mappings ---- */

/* Index of the first mapping that ends above `address`. */
static uint64_t find_vma(const struct vma_list *vmas, uintptr_t address)
{
    uint64_t low = 0, high = vmas->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (vmas->vmas[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void look_at_mapping(const struct vma_list *vmas, struct page_facts *facts)
{
    uint64_t index = find_vma(vmas, facts->address);
    if (index < vmas->count && vmas->vmas[index].start <= facts->address) {
        facts->vma = &vmas->vmas[index];
        return;
    }
    facts->below = index > 0 ? &vmas->vmas[index - 1] : NULL;
    facts->above = index < vmas->count ? &vmas->vmas[index] : NULL;
}

/* ---- classes outside the arenas ---- */

static bool has_row(const struct snapshot *snapshot, const struct vma *vma, enum memory_class memory_class)
{
    for (const struct map_row *row = snapshot->rows; row != NULL; row = row->next) {
        if (row->vma == vma && row->memory_class == memory_class)
            return true;
    }
    return false;
}

/* What of a mapping is no known range is of one class; these are the ones that it may have. */
static bool class_of_rest(const struct snapshot *snapshot, const struct vma *vma, enum memory_class unexplained,
                          enum memory_class *memory_class)
{
    const enum memory_class anonymous[] = {unexplained, CLASS_GO_METADATA};
    static const enum memory_class OF_KIND[] = {CLASS_LIBS, CLASS_FILES, CLASS_C_HEAP_USED};
    bool is_anonymous = vma_is_private_anonymous(vma) && (vma->name[0] == '\0' || strncmp(vma->name, "[anon", 5) == 0);
    const enum memory_class *tried = is_anonymous ? anonymous : OF_KIND;
    size_t count = is_anonymous ? sizeof anonymous / sizeof anonymous[0] : sizeof OF_KIND / sizeof OF_KIND[0];
    for (size_t i = 0; i < count; i++) {
        if (has_row(snapshot, vma, tried[i])) {
            *memory_class = tried[i];
            return true;
        }
    }
    return false;
}

static bool take_snapshot(struct page_look *look, struct error *error)
{
    if (!look->has_snapshot && !outside_take_snapshot(look->live.outside, error))
        return false;
    look->has_snapshot = true;
    return true;
}

/* The snapshot has read the mappings anew: what is not there any more has no class. */
static void classify(const struct page_look *look, struct page_facts *facts)
{
    const struct snapshot *snapshot = &look->live.outside->snapshot;
    const struct vma_list *vmas = &snapshot->resident.vmas;
    const struct known_range *range = known_ranges_from(&snapshot->known, facts->address);
    uint64_t index = find_vma(vmas, facts->address);
    if (index == vmas->count || vmas->vmas[index].start > facts->address)
        return;
    if (range != NULL && range->start <= facts->address && range->memory_class < CLASS_COUNT) {
        facts->has_class = true;
        facts->memory_class = range->memory_class;
        facts->tid = range->tid;
        return;
    }
    facts->has_class =
        class_of_rest(snapshot, &vmas->vmas[index], look->live.outside->source.unexplained, &facts->memory_class);
}

/* ---- arenas ---- */

static struct heap_book *book_of(struct heap_books *books, uintptr_t address, uint32_t *index)
{
    uintptr_t arena = align_down(address, GO_ARENA_BYTES);
    for (uint32_t i = 0; i < books->count; i++) {
        for (uint64_t k = 0; k < books->books[i].arenas_count; k++) {
            if (books->books[i].arenas[k] == arena) {
                *index = i;
                return &books->books[i];
            }
        }
    }
    return NULL;
}

static void classify_in_arena(struct page_facts *facts)
{
    const struct go_page *page = &facts->go;
    facts->has_class = true;
    facts->memory_class = snapshot_class_of_kind(page->kind);
    if (page->kind == PAGE_OBJECTS && (!page->slot.is_slot || page->slot.is_allocated != ANSWER_YES))
        facts->memory_class = CLASS_GO_UNUSED;
}

static void look_at_arena(struct page_look *look, struct page_facts *facts)
{
    uint32_t index;
    const struct outside *outside = look->live.outside;
    struct heap_book *book = book_of(look->books, facts->address, &index);
    if (book == NULL) {
        /* It may lie in an arena of a heap that could not be found. */
        for (uint32_t i = 0; i < outside->modules.count && facts->go_why_not == NULL; i++) {
            if (outside->modules.modules[i].heap.layout == NULL)
                facts->go_why_not = outside->modules.modules[i].heap.why;
        }
        return;
    }
    facts->is_go = page_go_look(&facts->go, book, facts->address, outside->source.os_page_bytes);
    if (!facts->is_go) {
        facts->go_why_not = "its arena cannot be read";
        return;
    }
    facts->go.module = outside->modules.modules[index].vma->name;
    facts->go.version = outside->modules.modules[index].runtime.version.text;
    classify_in_arena(facts);
}

/* ---- all of it ---- */

bool page_look_at(struct page_look *look, uintptr_t address, struct page_facts *facts, struct error *error)
{
    *facts = (struct page_facts){.address = address};
    look_at_mapping(look->live.outside->where.vmas, facts);
    look_at_arena(look, facts);
    os_page_look(&facts->os, address, &look->residency);
    if (facts->vma == NULL || facts->is_go)
        return true;
    if (!take_snapshot(look, error))
        return false;
    classify(look, facts);
    page_malloc_look(look->live.outside, facts);
    return true;
}

/* ---- the other way round ---- */

enum { ENTRIES_AT_ONCE = 2048 };

struct frame_search {
    struct page_look *look;
    uint64_t frame;
    uintptr_t *pages;
    uint64_t count, pages_max;
    bool is_more;
};

static void search_entries(struct frame_search *search, uintptr_t start, uintptr_t end)
{
    uint64_t entries[ENTRIES_AT_ONCE], page_bytes = search->look->residency.os_page_bytes;
    while (start < end) {
        uint64_t wanted = min_u64((end - start) / page_bytes, ENTRIES_AT_ONCE);
        ssize_t got = pread(search->look->residency.fd, entries, wanted * sizeof entries[0],
                            (off_t)(start / page_bytes * sizeof entries[0]));
        if (got < (ssize_t)sizeof entries[0])
            return; /* behind what has page tables: [vsyscall] */
        uint64_t count = (uint64_t)got / sizeof entries[0];
        for (uint64_t i = 0; i < count; i++) {
            if ((entries[i] & OS_PAGE_PRESENT) == 0 || (entries[i] & OS_PAGE_FRAME) != search->frame)
                continue;
            if (search->count == search->pages_max)
                search->is_more = true;
            else
                search->pages[search->count++] = start + i * page_bytes;
        }
        start += count * page_bytes;
    }
}

static void search_run(void *context, const struct residency_run *run)
{
    if (run->kind == RESIDENCY_RESIDENT)
        search_entries(context, run->start, run->end);
}

int64_t page_look_find_frame(struct page_look *look, uint64_t frame, uintptr_t *pages, uint64_t pages_max,
                             bool *is_more, struct error *error)
{
    const struct vma_list *vmas = look->live.outside->where.vmas;
    struct frame_search search = {look, frame, pages, 0, pages_max, false};
    for (uint64_t i = 0; i < vmas->count; i++) {
        const struct vma *vma = &vmas->vmas[i];
        /* The reading that stands in for the scan leaves out what is shared after a fork. */
        if (look->residency.method != RESIDENCY_BY_SCAN)
            search_entries(&search, vma->start, vma->end);
        else
            residency_scan(&look->residency, vma->start, vma->end, search_run, &search);
    }
    char front[16];
    if (read_small_file(look->live.maps, front, sizeof front) <= 0) {
        error_set(error, "it has ended while it was looked at");
        return -1;
    }
    *is_more = search.is_more;
    return (int64_t)search.count;
}
