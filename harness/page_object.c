/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a type is kept (malloc.go:mallocgcSmallScanHeader, mallocgcLarge; mbitmap.go:heapBitsInSpan) and where not.
 */
#include "harness/page_object.h"

#include <inttypes.h>

#include "goruntime/map_estimate.h"
#include "harness/printable.h"

enum {
    HEADER_BYTES = 8,        /* malloc.go:mallocHeaderSize */
    NO_HEADER_UP_TO = 512,   /* slots; their pointer bits lie at the span's end */
    LAST_WITH_PROGRAMS = 23, /* large arrays have there what the collector made of their type (KindGCProg) */
    TINY_SLOT_BYTES = 16,    /* malloc.go:maxTinySize */
    LABEL_COLUMNS = 12,
};

static bool is_large(const struct mspan *span)
{
    return span->span_class >> 1 == 0;
}

static bool is_noscan(const struct mspan *span)
{
    return (span->span_class & 1) != 0;
}

static bool has_header(const struct go_page *page)
{
    const struct mspan *span = &page->span;
    return layout_has_malloc_headers(page->heap->layout) && !is_noscan(span) && !is_large(span) &&
           span->slot_bytes > NO_HEADER_UP_TO;
}

/* ---- how much was asked for ---- */

static void judge_asked(struct page_object *object, const struct go_page *page)
{
    const struct mspan *span = &page->span;
    if (span->is_user_arena)
        return;
    if (is_large(span)) {
        /* mcache.go:allocLarge */
        if (span->limit > span->start && span->limit - span->start <= span->pages * GO_PAGE_BYTES)
            object->asked_min_bytes = object->asked_max_bytes = span->limit - span->start;
        return;
    }
    uint64_t below = map_slot_bytes_below(span->slot_bytes);
    object->is_tiny = is_noscan(span) && span->slot_bytes == TINY_SLOT_BYTES;
    object->asked_min_bytes = (below > object->header_bytes ? below - object->header_bytes : 0) + 1;
    object->asked_max_bytes = span->slot_bytes - object->header_bytes;
}

/* ---- its type ---- */

/* The descriptor's address; 0: `type_why_not`. */
static uintptr_t find_type(struct page_object *object, const struct go_page *page)
{
    const struct mspan *span = &page->span;
    uint64_t type = 0;
    if (is_noscan(span)) {
        object->type_why_not = "it has no pointers, and no type is kept";
    } else if (span->is_user_arena) {
        object->type_why_not = "a user arena keeps pointer bits, no types";
    } else if (!layout_has_malloc_headers(page->heap->layout)) {
        snprintf(object->why_text, sizeof object->why_text, "go1.%u%s keeps pointer bits of its heap, no types",
                 page->go_minor, page->heap->layout->experiment == NULL ? "" : " without headers");
        object->type_why_not = object->why_text;
    } else if (is_large(span)) {
        type = span->large_type;
    } else if (!has_header(page)) {
        object->type_why_not = "objects of up to 512 B carry none";
    } else if (!reader_read(page->heap->reader, page->slot.start, &type, sizeof type)) {
        object->type_why_not = "its malloc header cannot be read";
    }
    if (object->type_why_not == NULL && type == 0)
        object->type_why_not = "it is being allocated, its header is not written yet";
    return object->type_why_not == NULL ? type : 0;
}

static void look_at_type(struct page_object *object, const struct go_page *page, uintptr_t type)
{
    struct go_type_head head;
    if (!go_type_read_head(&head, page->heap->layout, page->heap->reader, type)) {
        object->type_why_not = page->go_minor <= LAST_WITH_PROGRAMS
                                   ? "its header leads to no type: of large arrays only pointer bits are kept"
                                   : "its header leads to no type";
        return;
    }
    object->type = type;
    object->type_bytes = head.bytes;
    object->elements_max = head.bytes == 0 ? 0 : object->asked_max_bytes / head.bytes;
    object->asked_min_bytes = max_u64(object->asked_min_bytes, min_u64(head.bytes, object->asked_max_bytes));
    if (!go_type_name(object->type_name, page->heap, type, &head))
        object->type_name[0] = '\0';
}

void page_object_look(struct page_object *object, const struct go_page *page)
{
    *object = (struct page_object){0};
    if (!page->has_objects || !page->slot.is_slot || page->slot.is_allocated != ANSWER_YES)
        return;
    object->is_object = true;
    object->header_bytes = has_header(page) ? HEADER_BYTES : 0;
    judge_asked(object, page);
    uintptr_t type = find_type(object, page);
    if (type != 0)
        look_at_type(object, page, type);
}

/* ---- for people ---- */

static void write_type(FILE *out, const struct page_object *object)
{
    char name[GO_TYPE_NAME_BYTES];
    fprintf(out, "%-*s", LABEL_COLUMNS, "type");
    if (object->type_why_not != NULL) {
        fprintf(out, "not known: %s\n", object->type_why_not);
        return;
    }
    snprintf(name, sizeof name, "%s", object->type_name);
    printable_clean(name);
    fprintf(out, "%s, %" PRIu64 " B", name[0] == '\0' ? "one that package reflect made, its name is not known" : name,
            object->type_bytes);
    if (object->elements_max > 1)
        fprintf(out, " each, of which up to %" PRIu64 " fit", object->elements_max);
    fprintf(out, " (descriptor 0x%" PRIxPTR ")\n", object->type);
}

static void write_asked(FILE *out, const struct page_object *object)
{
    if (object->asked_max_bytes == 0)
        return;
    fprintf(out, "%-*s", LABEL_COLUMNS, "asked for");
    if (object->asked_min_bytes == object->asked_max_bytes)
        fprintf(out, "%" PRIu64 " B", object->asked_max_bytes);
    else
        fprintf(out, "%" PRIu64 " to %" PRIu64 " B", object->asked_min_bytes, object->asked_max_bytes);
    if (object->header_bytes != 0)
        fprintf(out, ", behind the malloc header of %" PRIu64 " B", object->header_bytes);
    if (object->is_tiny)
        fputs(", or less several times: tiny objects share a slot", out);
    fputc('\n', out);
}

void page_object_write_text(FILE *out, const struct page_object *object)
{
    if (!object->is_object)
        return;
    write_type(out, object);
    write_asked(out, object);
}

/* ---- for machines ---- */

static void put_known(struct json *json, const char *key, uint64_t number)
{
    if (number == 0)
        json_put_null(json, key);
    else
        json_put_number(json, key, number);
}

void page_object_write_json(struct json *json, const struct page_object *object)
{
    if (!object->is_object) {
        json_put_null(json, "object");
        return;
    }
    json_begin_object(json, "object");
    json_put_number(json, "header_bytes", object->header_bytes);
    put_known(json, "asked_min", object->asked_min_bytes);
    put_known(json, "asked_max", object->asked_max_bytes);
    json_put_bool(json, "is_tiny", object->is_tiny);
    json_put_string_or_null(json, "type_why_not", object->type_why_not);
    if (object->type_why_not != NULL) {
        json_put_null(json, "type");
    } else {
        json_begin_object(json, "type");
        json_put_string_or_null(json, "name", object->type_name[0] == '\0' ? NULL : object->type_name);
        json_put_address(json, "descriptor", object->type);
        json_put_number(json, "bytes", object->type_bytes);
        put_known(json, "elements_max", object->elements_max);
        json_end_object(json);
    }
    json_end_object(json);
}
