/* SPDX-License-Identifier: Apache-2.0
 *
 * The facts of a page for people: one line for each fact, the words of the books, and what cannot be told said so.
 */
#include "harness/page_write.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "harness/human.h"
#include "harness/os_page.h"
#include "harness/page_malloc.h"
#include "harness/page_maps.h"
#include "harness/page_object.h"
#include "harness/page_words.h"
#include "harness/printable.h"

enum { LABEL_COLUMNS = 12, NAME_BYTES = 4096 };

static void label(FILE *out, const char *name)
{
    fprintf(out, "%-*s", LABEL_COLUMNS, name);
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* ---- the mapping ---- */

static void write_name(FILE *out, const struct vma *vma)
{
    char name[NAME_BYTES];
    if (vma->name[0] == '\0') {
        fputs(vma->is_shared ? "shared, anonymous" : "anonymous", out);
        return;
    }
    snprintf(name, sizeof name, "%s", vma->name);
    printable_clean(name);
    fputs(name, out);
}

static void write_vma(FILE *out, const struct vma *vma)
{
    fprintf(out, "0x%" PRIxPTR "-0x%" PRIxPTR " %c%c%c%c ", vma->start, vma->end, vma->is_readable ? 'r' : '-',
            vma->is_writable ? 'w' : '-', vma->is_executable ? 'x' : '-', vma->is_shared ? 's' : 'p');
    write_name(out, vma);
}

static void write_neighbour(FILE *out, const char *name, const struct vma *vma)
{
    if (vma == NULL)
        return;
    label(out, name);
    write_vma(out, vma);
    fputc('\n', out);
}

static void write_mapping(FILE *out, const struct page_facts *facts)
{
    label(out, "mapping");
    if (facts->vma == NULL) {
        fputs("none: nothing is mapped there\n", out);
        write_neighbour(out, "below it", facts->below);
        write_neighbour(out, "above it", facts->above);
        return;
    }
    write_vma(out, facts->vma);
    if (vma_is_file(facts->vma))
        fprintf(out, ", offset 0x%" PRIx64 " in the file",
                facts->vma->file_offset_bytes + (facts->address - facts->vma->start));
    fputc('\n', out);
}

static void write_class(FILE *out, const struct page_facts *facts)
{
    if (facts->vma == NULL)
        return;
    label(out, "class");
    if (!facts->has_class) {
        fputs("none: memory without access belongs to no class\n", out);
        return;
    }
    fprintf(out, "%s: %s", class_name(facts->memory_class), class_meaning(facts->memory_class));
    if (facts->tid != 0)
        fprintf(out, " (thread %" PRIu32 ")", facts->tid);
    fputc('\n', out);
}

/* ---- Go ---- */

static void write_arena(FILE *out, const struct go_page *page)
{
    label(out, "arena");
    fprintf(out, "0x%" PRIxPTR ", Go page %" PRIu64 " of %u (0x%" PRIxPTR "-0x%" PRIxPTR ")\n", page->arena,
            page->number, GO_ARENA_PAGES, page->start, page->start + GO_PAGE_BYTES);
    label(out, "Go page");
    fprintf(out, "%s; the page allocator: %s\n", page_kind_sentence(page->kind), palloc_sentence(page));
}

static void write_size(FILE *out, const struct go_page *page)
{
    const struct mspan *span = &page->span;
    if (page->kind == PAGE_STACK) {
        fprintf(out, ", stacks of %s", human_bytes(span->slot_bytes).text);
    } else if (page->kind == PAGE_OBJECTS && span->is_user_arena) {
        fputs(", a user arena's chunk", out);
    } else if (page->kind == PAGE_OBJECTS && span->span_class >> 1 == 0) {
        fprintf(out, ", one large object of %" PRIu64 " B%s", span->slot_bytes,
                (span->span_class & 1) != 0 ? " without pointers" : "");
    } else if (page->kind == PAGE_OBJECTS) {
        fprintf(out, ", size class %u: %" PRIu64 " slot%s of %" PRIu64 " B%s", span->span_class >> 1, span->slots,
                plural(span->slots), span->slot_bytes, (span->span_class & 1) != 0 ? " without pointers" : "");
    }
}

static void write_span(FILE *out, const struct go_page *page)
{
    const struct mspan *span = &page->span;
    label(out, "span");
    fprintf(out, "0x%" PRIx64 "-0x%" PRIx64 ", %" PRIu64 " page%s, %s", span->start,
            span->start + span->pages * GO_PAGE_BYTES, span->pages, plural(span->pages), span_state_word(span->state));
    write_size(out, page);
    fprintf(out, " (mspan 0x%" PRIxPTR ")\n", page->mspan);
    if (page->kind != PAGE_OBJECTS)
        return;
    label(out, "sweep");
    fprintf(out, "%s (sweepgen %" PRIu32 ", the heap's %" PRIu32 ")\n", sweep_sentence(page->sweep), span->sweepgen,
            page->heap_sweepgen);
    label(out, "counts");
    fprintf(out, "freeindex %" PRIu64 ", allocCount %u, %s\n", span->free_index, span->alloc_count,
            span->needs_zero ? "slots are cleared when they are allocated" : "free slots are known to be zero");
}

static void write_slot(FILE *out, const struct page_facts *facts)
{
    const struct go_page *page = &facts->go;
    const struct go_slot *slot = &page->slot;
    label(out, "slot");
    if (!slot->is_slot) {
        fputs("none: behind the span's last slot (waste, pointer bits or mark bits)\n", out);
        return;
    }
    fprintf(out, "number %" PRIu64 ", 0x%" PRIxPTR "-0x%" PRIxPTR, slot->number, slot->start, slot->end);
    if (facts->address != slot->start)
        fprintf(out, ", the address is %" PRIu64 " bytes into it", facts->address - slot->start);
    fputc('\n', out);
    if (page->kind != PAGE_OBJECTS)
        return;
    label(out, "allocated");
    fprintf(out, "%s: %s\n", answer_word(slot->is_allocated), slot->allocated_by);
    label(out, "marked");
    fprintf(out, "%s, by the last collection", answer_word(slot->is_marked));
    if (page->has_gc)
        fprintf(out, " (cycle %" PRIu64 ")", page->gc.cycles);
    fprintf(out, ": %s\n", slot->marked_by);
    if (slot->is_marking) {
        label(out, "");
        fprintf(out, "by the collection that runs now: %s%s\n", answer_word(slot->is_marked_now),
                slot->is_marked_now == ANSWER_NO ? " (yet)" : "");
    }
}

static void write_go(FILE *out, const struct page_facts *facts)
{
    if (!facts->is_go) {
        if (facts->go_why_not == NULL)
            return;
        label(out, "Go heap");
        fprintf(out, "not known: %s\n", facts->go_why_not);
        return;
    }
    write_arena(out, &facts->go);
    if (!facts->go.has_span)
        return;
    write_span(out, &facts->go);
    if (facts->go.span.slot_bytes != 0)
        write_slot(out, facts);
    if (facts->object != NULL)
        page_object_write_text(out, facts->object);
}

/* ---- the OS page ---- */

static void write_frame(FILE *out, const struct os_page *page)
{
    char flags[PAGE_WORDS_BYTES];
    if (page->is_swapped && (page->swap_type | page->swap_offset) != 0) {
        label(out, "swap");
        fprintf(out, "device %" PRIu64 ", offset 0x%" PRIx64 "\n", page->swap_type, page->swap_offset);
    }
    if (page->frame_state == FRAME_NONE)
        return;
    label(out, "frame");
    if (page->frame_state == FRAME_HIDDEN) {
        fputs("hidden: PFN, flags and map count need CAP_SYS_ADMIN; be root\n", out);
        return;
    }
    fprintf(out, "0x%" PRIx64, page->frame);
    if (page->count_error == 0)
        fprintf(out, ", mapped %" PRIu64 " time%s", page->count, plural(page->count));
    else
        fprintf(out, ", map count not readable: %s", strerror(-page->count_error));
    fputc('\n', out);
    label(out, "flags");
    if (page->flags_error != 0) {
        fprintf(out, "/proc/kpageflags cannot be read: %s\n", strerror(-page->flags_error));
        return;
    }
    os_frame_flags_text(page->flags, flags, sizeof flags);
    fprintf(out, "%s\n", flags[0] == '\0' ? "none" : flags);
}

static void write_os_page(FILE *out, const struct page_facts *facts)
{
    char words[PAGE_WORDS_BYTES];
    if (facts->vma == NULL)
        return;
    os_page_words(&facts->os, words, sizeof words);
    label(out, "OS page");
    fprintf(out, "0x%" PRIxPTR ", %s: %s\n", facts->os.start, human_bytes(facts->os.bytes).text, words);
    if (facts->is_go && facts->go.has_objects) {
        label(out, "");
        fprintf(out, "%" PRIu64 " of its %" PRIu64 " bytes lie in allocated slots\n", facts->go.objects_on_page_bytes,
                facts->os.bytes);
    }
    write_frame(out, &facts->os);
}

void page_write_text(FILE *out, const struct page_facts *facts)
{
    write_mapping(out, facts);
    write_class(out, facts);
    write_go(out, facts);
    page_malloc_write_text(out, facts);
    if (facts->maps != NULL)
        page_maps_write_text(out, facts->maps);
    write_os_page(out, facts);
}

void page_write_line(FILE *out, const struct page_facts *facts)
{
    fprintf(out, "0x%" PRIxPTR "  %-14s", facts->os.start, facts->has_class ? class_name(facts->memory_class) : "-");
    if (facts->is_go && facts->go.has_span) {
        fprintf(out, "  span 0x%" PRIx64, facts->go.span.start);
        write_size(out, &facts->go);
        if (facts->go.has_objects)
            fprintf(out, ", %" PRIu64 " B of objects on this page", facts->go.objects_on_page_bytes);
    } else if (facts->is_go) {
        fprintf(out, "  %s", page_kind_sentence(facts->go.kind));
    } else if (facts->vma != NULL) {
        fputs("  ", out);
        write_name(out, facts->vma);
        if (facts->tid != 0)
            fprintf(out, ", thread %" PRIu32, facts->tid);
    }
    fputc('\n', out);
}
