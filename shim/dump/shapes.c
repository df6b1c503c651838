/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding thread stacks, malloc's memory and the .bss of libraries in anonymous memory that no hook saw being mapped.
 *
 * Anonymous memory is cut into pieces at what is known already. A piece is eaten from its front: a library's .bss, a
 * thread's stack, a malloc heap, a large block; the kernel merges neighbouring mappings, so one piece can hold several.
 */
#include <stddef.h>
#include <string.h>

#include "dump/known_ranges.h"
#include "goruntime/elf_image.h"
#include "memory/glibc_shapes.h"
#include "memory/units.h"

enum {
    STACK_PAGES_SEARCHED = 4096, /* resident pages of a piece that may hold the thread's control block */
};

struct piece {
    const struct shape_search *search;
    struct known_ranges *known;
    uint64_t vma_index;
    uintptr_t start, end;
};

static const struct vma *vma_of(const struct piece *piece)
{
    return &piece->search->vmas->vmas[piece->vma_index];
}

/* The mapping right below, when there is no gap. */
static const struct vma *neighbour_below(const struct piece *piece)
{
    if (piece->vma_index == 0 || piece->start != vma_of(piece)->start)
        return NULL;
    const struct vma *below = vma_of(piece) - 1;
    return below->end == piece->start ? below : NULL;
}

static void take(struct piece *piece, uint64_t bytes, enum memory_class memory_class, uint32_t tid)
{
    known_ranges_add(piece->known, (struct known_range){piece->start, piece->start + bytes, memory_class, tid});
    piece->start += bytes;
}

static bool take_library_bss(struct piece *piece)
{
    const struct vma *below = neighbour_below(piece);
    if (below == NULL || !vma_is_file(below) || !piece->search->is_library[piece->vma_index - 1])
        return false;
    const struct vma *header = vma_front_of_file(piece->search->vmas, below);
    struct elf_image *image = bump_take(piece->search->bump, sizeof *image);
    if (header == NULL || image == NULL || !elf_image_read(image, piece->search->reader, header->start) ||
        image->end <= piece->start)
        return false;
    take(piece, min_u64(image->end, piece->end) - piece->start, CLASS_LIBS, 0);
    return true;
}

struct stack_search {
    struct reader *reader;
    uint64_t os_page_bytes;
    uint64_t pages_left;
    bool is_found;
    struct glibc_thread thread;
};

static void search_run(void *context, const struct residency_run *run)
{
    struct stack_search *search = context;
    if (run->kind != RESIDENCY_RESIDENT)
        return;
    for (uintptr_t page = run->start; page < run->end && !search->is_found && search->pages_left > 0;
         page += search->os_page_bytes, search->pages_left--)
        search->is_found = glibc_thread_on_page(search->reader, page, search->os_page_bytes, &search->thread);
}

static bool is_above_guard(const struct piece *piece)
{
    const struct vma *guard = neighbour_below(piece);
    return guard != NULL && vma_is_private_anonymous(guard) && !guard->is_readable && !guard->is_writable;
}

/* A stack lies above its guard, and its thread's control block on its last page. */
static bool take_thread_stack(struct piece *piece)
{
    const struct shape_search *shapes = piece->search;
    struct glibc_thread thread;
    uintptr_t last_page = piece->end - shapes->os_page_bytes;
    if (!is_above_guard(piece) || !glibc_thread_on_page(shapes->reader, last_page, shapes->os_page_bytes, &thread))
        return false;
    take(piece, piece->end - piece->start, CLASS_THREAD_STACKS, thread.tid);
    return true;
}

/* The kernel may have merged another mapping onto the stack: then the control block is somewhere in the piece. Tried
 * last, for it reads many pages. */
static bool take_merged_thread_stack(struct piece *piece)
{
    const struct shape_search *shapes = piece->search;
    struct stack_search search = {shapes->reader, shapes->os_page_bytes, STACK_PAGES_SEARCHED, false, {0, 0}};
    if (!is_above_guard(piece))
        return false;
    residency_scan(shapes->residency, piece->start, piece->end, search_run, &search);
    if (!search.is_found)
        return false;
    take(piece, search.thread.stack_end - piece->start, CLASS_THREAD_STACKS, search.thread.tid);
    return true;
}

static uint64_t heap_bytes_at(const struct piece *piece, uintptr_t address)
{
    return glibc_heap_bytes(piece->search->reader, address, piece->end, piece->search->os_page_bytes);
}

static bool take_malloc_heap(struct piece *piece)
{
    if (piece->start % GLIBC_HEAP_ALIGN_BYTES != 0)
        return false;
    uint64_t bytes = heap_bytes_at(piece, piece->start);
    if (bytes == 0)
        return false;
    take(piece, bytes, CLASS_C_HEAP_USED, 0);
    return true;
}

static bool take_large_block(struct piece *piece)
{
    uint64_t bytes =
        glibc_large_block_bytes(piece->search->reader, piece->start, piece->end, piece->search->os_page_bytes);
    if (bytes == 0)
        return false;
    take(piece, bytes, CLASS_C_HEAP_USED, 0);
    return true;
}

/* Nothing begins here: on to the next place where a malloc heap can begin. */
static void skip_unexplained(struct piece *piece)
{
    uintptr_t next = align_down(piece->start, GLIBC_HEAP_ALIGN_BYTES) + GLIBC_HEAP_ALIGN_BYTES;
    piece->start = min_u64(next, piece->end);
}

static void eat_piece(struct piece *piece)
{
    while (piece->start < piece->end) {
        if (!take_library_bss(piece) && !take_malloc_heap(piece) && !take_thread_stack(piece) &&
            !take_large_block(piece) && !take_merged_thread_stack(piece))
            skip_unexplained(piece);
    }
}

static bool may_hold_shapes(const struct vma *vma)
{
    bool is_named = vma->name[0] != '\0' && strncmp(vma->name, "[anon", 5) != 0;
    return vma_is_private_anonymous(vma) && vma->is_readable && vma->is_writable && !is_named;
}

/* Cuts one mapping at what is known and hands the rest over piece by piece. */
static void search_vma(struct known_ranges *known, const struct shape_search *search, uint64_t index)
{
    const struct vma *vma = &search->vmas->vmas[index];
    uintptr_t at = vma->start;
    while (at < vma->end) {
        const struct known_range *range = known_ranges_from(known, at);
        if (range != NULL && range->start <= at) {
            at = range->end;
            continue;
        }
        uintptr_t end = range != NULL ? min_u64(vma->end, range->start) : vma->end;
        uintptr_t arena = heap_books_next_arena(search->heaps, at);
        if (arena <= at) {
            at = arena + GO_ARENA_BYTES;
            continue;
        }
        end = min_u64(end, arena);
        struct shadow_entry entry = {0};
        if (search->shadow != NULL)
            end = shadow_run(search->shadow, at, end, &entry);
        if (entry.origin[0] == ORIGIN_UNKNOWN && entry.state == STATE_PLAIN) {
            struct piece piece = {search, known, index, at, end};
            eat_piece(&piece);
        }
        at = end;
    }
}

void known_ranges_find_shapes(struct known_ranges *known, const struct shape_search *search)
{
    for (uint64_t i = 0; i < search->vmas->count; i++) {
        const struct vma *vma = &search->vmas->vmas[i];
        if (strcmp(vma->name, "[stack]") == 0)
            known_ranges_add(known, (struct known_range){vma->start, vma->end, CLASS_THREAD_STACKS, search->pid});
        else if (may_hold_shapes(vma))
            search_vma(known, search, i);
    }
}
