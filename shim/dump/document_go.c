/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing what is known of the Go runtimes: their heaps, size classes, what came back, advices, arenas.
 */
#include "dump/document_go.h"

#include <stddef.h>

#include "dump/document_maps.h"
#include "dump/document_profile.h"
#include "dump/page_string.h"
#include "memory/text.h"

enum { LAYOUT_WORD_BYTES = sizeof "layout " - 1 };

static const char *how_of(const struct go_layout *layout)
{
    static const char *const TEXTS[] = {"layout go1.17", "layout go1.18", "layout go1.19", "layout go1.20",
                                        "layout go1.21", "layout go1.22", "layout go1.23", "layout go1.24",
                                        "layout go1.25", "layout go1.26", "layout go1.27"};
    return TEXTS[layout->go_minor - GO_MINOR_OLDEST];
}

void document_fill_goruntime(struct book *book, const struct heap_books *heaps)
{
    struct heap_walk_counters sum = {0};
    book->name = "goruntime";
    book->how = "none";
    for (uint32_t i = 0; i < heaps->count; i++) {
        const struct go_heap *heap = heaps->books[i].heap;
        const struct heap_walk_counters *counters = &heaps->books[i].walk.counters;
        if (heap->layout == NULL)
            book_miss(book, "the Go heap's pages, spans and objects", heap->why);
        else
            book->how = how_of(heap->layout);
        if (heap->layout != NULL && !heaps->books[i].gc.has_controller)
            book_miss(book, "the collector's goal", "gcController was not found");
        if (counters->arenas_unreadable != 0)
            book_miss(book, "some arenas of the Go heap", "their span tables could not be read");
        sum.spans_checked += counters->spans_checked;
        sum.spans_reread += counters->spans_reread;
        sum.spans_untrusted += counters->spans_untrusted;
    }
    book->untrusted = sum.spans_untrusted;
    book_count(book, "spans_checked", sum.spans_checked);
    book_count(book, "spans_reread", sum.spans_reread);
    book_count(book, "walk_ns", heaps->walk_ns);
}

static void write_gc(struct json *json, const struct heap_book *book)
{
    static const char *const PHASES[] = {
        [GC_OFF] = "off", [GC_MARK] = "mark", [GC_MARK_TERMINATION] = "marktermination"};
    const struct gc_state *gc = &book->gc;
    json_begin_object(json, "gc");
    json_put_number_or_null(json, "cycle", book->has_gc, gc->cycles);
    json_put_string_or_null(json, "phase", gc->has_phase ? PHASES[gc->phase] : NULL);
    if (gc->has_controller)
        json_put_signed(json, "percent", gc->percent);
    else
        json_put_null(json, "percent");
    json_put_number_or_null(json, "memory_limit", gc->has_memory_limit && gc->memory_limit_bytes != INT64_MAX,
                            gc->memory_limit_bytes);
    json_put_number_or_null(json, "goal", gc->has_controller, gc->heap_goal_bytes);
    json_put_number_or_null(json, "live", gc->has_controller, gc->heap_live_bytes);
    json_put_number_or_null(json, "marked", gc->has_controller, gc->heap_marked_bytes);
    json_end_object(json);
    if (!gc->has_sums) {
        json_put_null(json, "says");
        return;
    }
    json_begin_object(json, "says");
    json_put_number(json, "in_use", gc->in_use_bytes);
    json_put_number(json, "free", gc->free_bytes);
    json_put_number(json, "released", gc->released_bytes);
    json_end_object(json);
}

static void write_walk(struct json *json, const struct heap_book *book)
{
    const struct heap_walk_counters *counters = &book->walk.counters;
    json_put_number(json, "arenas", book->arenas_count);
    json_put_number(json, "spans", book->spans);
    json_put_number(json, "spans_unswept", counters->spans_unswept);
    json_put_number(json, "objects", book->objects);
    json_begin_object(json, "classes");
    json_put_number(json, "objects", book->objects_bytes);
    json_put_number(json, "unused", book->unused_bytes);
    json_put_number(json, "stacks", book->stacks_bytes);
    json_put_number(json, "free", book->free_bytes);
    json_put_number(json, "released", book->released_bytes);
    json_put_number(json, "reserved", book->reserved_bytes);
    json_put_number(json, "work_buffers", book->work_bytes);
    json_put_number(json, "untrusted", book->untrusted_bytes);
    json_end_object(json);
    json_put_number(json, "checked", counters->spans_checked);
    json_put_number(json, "reread", counters->spans_reread);
    json_put_number(json, "untrusted", counters->spans_untrusted);
    json_put_number(json, "arenas_unreadable", counters->arenas_unreadable);
}

static void write_heap(struct json *json, const struct document_runtime *runtime, const struct heap_book *book)
{
    const struct go_heap *heap = book->heap;
    json_newline(json);
    json_begin_object(json, NULL);
    json_put_string(json, "module", runtime->module);
    json_put_string_or_null(json, "layout", heap->layout == NULL ? NULL : how_of(heap->layout) + LAYOUT_WORD_BYTES);
    json_put_string_or_null(json, "why", heap->layout == NULL ? heap->why : NULL);
    if (heap->layout != NULL) {
        json_put_address(json, "mheap", heap->mheap);
        write_gc(json, book);
        write_walk(json, book);
    }
    json_end_object(json);
}

static void write_size_classes(struct json *json, const struct heap_books *heaps)
{
    json_begin_object(json, "sizeclass");
    for (uint64_t i = 0; i < SIZE_CLASS_ROWS; i++) {
        const struct size_class *row = &heaps->size_classes[i];
        char key[NUMBER_TEXT_BYTES];
        if (row->mapped_bytes == 0)
            continue;
        json_newline(json);
        json_begin_object(json, number_text(i * SLOT_BYTES_STEP, key));
        json_put_number(json, "spans", row->spans);
        json_put_number(json, "slots", row->slots);
        json_put_number(json, "objects", row->objects);
        json_put_number(json, "bytes", row->object_bytes);
        json_put_number(json, "mapped", row->mapped_bytes);
        json_put_number(json, "resident", row->resident_bytes);
        json_begin_array(json, "occupancy");
        for (int tenth = 0; tenth < OCCUPANCY_TENTHS; tenth++)
            json_put_number(json, NULL, row->occupancy[tenth]);
        json_end_array(json);
        json_put_number(json, "sparse_bytes", row->sparse_resident_bytes);
        json_end_object(json);
    }
    json_end_object(json);
    json_newline(json);
    json_begin_object(json, "large");
    json_put_number(json, "spans", heaps->large.spans);
    json_put_number(json, "bytes", heaps->large.object_bytes);
    json_put_number(json, "resident", heaps->large.resident_bytes);
    json_put_number(json, "untouched", heaps->large.untouched_bytes);
    json_end_object(json);
    json_newline(json);
}

/* Released memory that is resident, with what the shadow table knows of its release. */
static void write_reinflated(struct json *json, const struct document *document)
{
    const struct heap_books *heaps = &document->snapshot->heaps;
    json_begin_object(json, "reinflated");
    json_put_number(json, "resident", heaps->reinflated_resident_bytes);
    json_put_number(json, "huge", heaps->reinflated_huge_bytes);
    json_begin_array(json, "ranges");
    for (uint32_t i = 0; i < heaps->reinflated_count; i++) {
        const struct reinflated_range *range = &heaps->reinflated[i];
        json_begin_object(json, NULL);
        json_put_address(json, "start", range->start);
        json_put_number(json, "bytes", range->bytes);
        json_put_number(json, "huge", range->huge_bytes);
        if (document->shadow != NULL) {
            struct shadow_entry entry = shadow_look_up(document->shadow, range->start);
            json_put_number(json, "released_count", entry.released_count);
            json_put_number(json, "released_since_start_ns",
                            (uint64_t)((double)entry.last_ticks * document->ns_per_tick));
        }
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
    json_newline(json);
}

static void write_arenas(struct json *json, const struct snapshot *snapshot, struct bump *bump)
{
    char *pages = bump_take(bump, GO_ARENA_PAGES + 1);
    json_begin_array(json, "arenas");
    for (uint64_t i = 0; pages != NULL && i < snapshot->arenas_count; i++) {
        const struct arena *arena = snapshot->arenas[i];
        json_newline(json);
        json_begin_object(json, NULL);
        json_put_address(json, "start", arena->start);
        json_put_number(json, "bytes", GO_ARENA_BYTES);
        json_put_number(json, "resident", arena->resident_bytes);
        page_string_encode(arena->states, GO_ARENA_PAGES, pages);
        json_put_string(json, "pages", pages);
        json_end_object(json);
    }
    json_end_array(json);
}

void document_write_go(struct json *json, const struct document *document, struct bump *bump)
{
    json_begin_object(json, "go");
    json_begin_array(json, "runtimes");
    for (uint32_t i = 0; i < document->runtimes_count; i++) {
        const struct document_runtime *runtime = &document->runtimes[i];
        json_begin_object(json, NULL);
        json_put_string(json, "module", runtime->module);
        json_put_string(json, "version", runtime->version);
        json_put_address(json, "start", runtime->start);
        json_put_address(json, "end", runtime->end);
        json_put_string(json, "madvise", runtime->madvise);
        json_end_object(json);
    }
    json_end_array(json);
    json_begin_array(json, "advice");
    for (uint32_t i = 0; i < document->advices_count; i++) {
        const struct document_advice *advice = &document->advices[i];
        json_begin_object(json, NULL);
        json_put_string(json, "by", advice->by);
        json_put_string(json, "advice", advice->advice);
        json_put_number(json, "calls", advice->calls);
        json_put_number(json, "bytes", advice->bytes);
        json_put_number(json, "errors", advice->errors);
        json_end_object(json);
    }
    json_end_array(json);
    json_newline(json);
    const struct heap_books *heaps = &document->snapshot->heaps;
    json_begin_array(json, "heaps");
    for (uint32_t i = 0; i < heaps->count && i < document->runtimes_count; i++)
        write_heap(json, &document->runtimes[i], &heaps->books[i]);
    json_end_array(json);
    json_newline(json);
    write_size_classes(json, heaps);
    document_write_profile(json, heaps, bump);
    write_reinflated(json, document);
    write_arenas(json, document->snapshot, bump);
    document_write_maps(json, "maps", document->maps, document->maps_count);
    json_end_object(json);
    json_newline(json);
}
