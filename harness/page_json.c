/* SPDX-License-Identifier: Apache-2.0
 *
 * The facts of a page for machines (docs/page.md). Addresses are hex strings, as in a dump; what is not known is null.
 */
#include <stdio.h>
#include <string.h>

#include "harness/os_page.h"
#include "harness/page_malloc.h"
#include "harness/page_maps.h"
#include "harness/page_object.h"
#include "harness/page_words.h"
#include "harness/page_write.h"

enum { LAYOUT_BYTES = 16 };

static void put_bool(struct json *json, const char *key, bool is_known, bool value)
{
    if (is_known)
        json_put_bool(json, key, value);
    else
        json_put_null(json, key);
}

static void put_number(struct json *json, const char *key, bool is_known, uint64_t value)
{
    if (is_known)
        json_put_number(json, key, value);
    else
        json_put_null(json, key);
}

static void put_answer(struct json *json, const char *key, enum answer answer)
{
    put_bool(json, key, answer != ANSWER_NOT_KNOWN, answer == ANSWER_YES);
}

static void write_mapping(struct json *json, const struct page_facts *facts)
{
    const struct vma *vma = facts->vma;
    if (vma == NULL) {
        json_put_null(json, "mapping");
        return;
    }
    const char perms[] = {vma->is_readable ? 'r' : '-', vma->is_writable ? 'w' : '-', vma->is_executable ? 'x' : '-',
                          vma->is_shared ? 's' : 'p', '\0'};
    json_begin_object(json, "mapping");
    json_put_address(json, "start", vma->start);
    json_put_address(json, "end", vma->end);
    json_put_string(json, "perms", perms);
    json_put_string(json, "name", vma->name);
    put_number(json, "file_offset", vma_is_file(vma), vma->file_offset_bytes + (facts->address - vma->start));
    json_end_object(json);
}

static void write_slot(struct json *json, const struct go_page *page)
{
    const struct go_slot *slot = &page->slot;
    if (!page->has_span || !slot->is_slot) {
        json_put_null(json, "slot");
        return;
    }
    json_begin_object(json, "slot");
    json_put_number(json, "number", slot->number);
    json_put_address(json, "start", slot->start);
    json_put_address(json, "end", slot->end);
    if (page->kind == PAGE_OBJECTS) {
        put_answer(json, "allocated", slot->is_allocated);
        json_put_string(json, "allocated_by", slot->allocated_by);
        put_answer(json, "marked", slot->is_marked);
        json_put_string(json, "marked_by", slot->marked_by);
        json_put_bool(json, "is_marking", slot->is_marking);
        put_answer(json, "marked_now", slot->is_marked_now);
    }
    json_end_object(json);
}

static void write_object_span(struct json *json, const struct go_page *page)
{
    const struct mspan *span = &page->span;
    json_put_number(json, "slots", span->slots);
    json_put_number(json, "size_class", span->span_class >> 1);
    json_put_bool(json, "noscan", (span->span_class & 1) != 0);
    json_put_bool(json, "user_arena", span->is_user_arena);
    json_put_bool(json, "inline_marks", page->has_inline_marks);
    json_put_number(json, "freeindex", span->free_index);
    json_put_number(json, "alloc_count", span->alloc_count);
    json_put_bool(json, "needs_zero", span->needs_zero);
    json_put_number(json, "sweepgen", span->sweepgen);
    json_put_number(json, "heap_sweepgen", page->heap_sweepgen);
    json_put_string(json, "sweep", sweep_word(page->sweep));
}

static void write_span(struct json *json, const struct go_page *page)
{
    const struct mspan *span = &page->span;
    if (!page->has_span) {
        json_put_null(json, "span");
        return;
    }
    json_begin_object(json, "span");
    json_put_address(json, "mspan", page->mspan);
    json_put_address(json, "start", span->start);
    json_put_number(json, "pages", span->pages);
    json_put_address(json, "limit", span->limit);
    json_put_string(json, "state", span_state_word(span->state));
    json_put_number(json, "slot_bytes", span->slot_bytes);
    if (page->kind == PAGE_OBJECTS)
        write_object_span(json, page);
    json_end_object(json);
}

static void write_go(struct json *json, const struct page_facts *facts)
{
    const struct go_page *page = &facts->go;
    char layout[LAYOUT_BYTES];
    json_put_string_or_null(json, "go_why_not", facts->go_why_not);
    if (!facts->is_go) {
        json_put_null(json, "go");
        return;
    }
    snprintf(layout, sizeof layout, "go1.%u", page->go_minor);
    json_begin_object(json, "go");
    json_put_string(json, "module", page->module);
    json_put_string(json, "layout", layout);
    json_put_address(json, "arena", page->arena);
    json_put_number(json, "page", page->number);
    json_put_address(json, "start", page->start);
    json_put_string(json, "kind", page_kind_word(page->kind));
    json_put_string(json, "page_allocator", palloc_word(page));
    put_number(json, "gc_cycle", page->has_gc, page->gc.cycles);
    write_span(json, page);
    write_slot(json, page);
    put_number(json, "objects_on_os_page", page->has_objects, page->objects_on_page_bytes);
    json_end_object(json);
}

static void write_flags(struct json *json, const struct os_page *page)
{
    char text[PAGE_WORDS_BYTES];
    char *rest = text;
    if (page->frame_state != FRAME_KNOWN || page->flags_error != 0) {
        json_put_null(json, "flags");
        return;
    }
    os_frame_flags_text(page->flags, text, sizeof text);
    json_begin_array(json, "flags");
    for (char *name; (name = strsep(&rest, " ")) != NULL;) {
        if (name[0] != '\0')
            json_put_string(json, NULL, name);
    }
    json_end_array(json);
}

static void write_os_page(struct json *json, const struct os_page *page)
{
    bool is_read = page->error == 0, has_frame = page->frame_state == FRAME_KNOWN;
    json_begin_object(json, "os");
    json_put_address(json, "start", page->start);
    json_put_number(json, "bytes", page->bytes);
    if (is_read)
        json_put_address(json, "pagemap", page->entry);
    else
        json_put_null(json, "pagemap");
    put_bool(json, "present", is_read, page->is_present);
    put_bool(json, "swapped", is_read, page->is_swapped);
    put_bool(json, "file", is_read, page->is_file_or_shared);
    put_bool(json, "exclusive", is_read, page->is_exclusive);
    put_bool(json, "guard", is_read, page->is_guard);
    put_bool(json, "soft_dirty", is_read && page->knows_soft_dirty, page->is_soft_dirty);
    put_bool(json, "zero_page", page->knows_zero_page, page->is_zero_page);
    put_bool(json, "huge", page->knows_huge, page->is_huge);
    put_number(json, "frame", has_frame, page->frame);
    put_number(json, "map_count", has_frame && page->count_error == 0, page->count);
    write_flags(json, page);
    json_end_object(json);
}

void page_write_json(struct json *json, const struct page_facts *facts)
{
    json_put_address(json, "address", facts->address);
    write_mapping(json, facts);
    json_put_string_or_null(json, "class", facts->has_class ? class_name(facts->memory_class) : NULL);
    put_number(json, "thread", facts->tid != 0, facts->tid);
    write_go(json, facts);
    page_malloc_write_json(json, facts);
    if (facts->object != NULL)
        page_object_write_json(json, facts->object);
    else
        json_put_null(json, "object");
    if (facts->maps != NULL)
        page_maps_write_json(json, facts->maps);
    else
        json_put_null(json, "maps");
    write_os_page(json, &facts->os);
}
