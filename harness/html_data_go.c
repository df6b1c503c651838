/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a dump about the Go heap, back into JSON.
 */
#include "harness/html_data_go.h"

#include <stddef.h>

static void write_advices(struct json *json, const struct dump *dump)
{
    json_begin_array(json, "advice");
    for (uint64_t i = 0; i < dump->advices_count; i++) {
        const struct dump_advice *advice = &dump->advices[i];
        json_begin_object(json, NULL);
        json_put_string(json, "by", advice->by);
        json_put_string(json, "advice", advice->advice);
        json_put_number(json, "calls", advice->calls);
        json_put_number(json, "bytes", advice->bytes);
        json_put_number(json, "errors", advice->errors);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_walked_heap(struct json *json, const struct dump_heap *heap)
{
    json_begin_object(json, "gc");
    json_put_string_or_null(json, "phase", heap->gc_phase);
    if (heap->gc_percent == DUMP_SIGNED_NOT_KNOWN)
        json_put_null(json, "percent");
    else
        json_put_signed(json, "percent", heap->gc_percent);
    html_data_known(json, "cycle", heap->gc_cycles);
    html_data_known(json, "memory_limit", heap->limit_bytes);
    html_data_known(json, "goal", heap->goal_bytes);
    html_data_known(json, "live", heap->live_bytes);
    json_end_object(json);
    json_put_number(json, "spans", heap->spans);
    json_put_number(json, "spans_unswept", heap->spans_unswept);
    json_put_number(json, "objects", heap->objects);
}

static void write_heaps(struct json *json, const struct dump *dump)
{
    json_begin_array(json, "heaps");
    for (uint64_t i = 0; i < dump->heaps_count; i++) {
        const struct dump_heap *heap = &dump->heaps[i];
        json_begin_object(json, NULL);
        json_put_string(json, "module", heap->module);
        json_put_string_or_null(json, "layout", heap->layout);
        json_put_string_or_null(json, "why", heap->why);
        if (heap->layout != NULL)
            write_walked_heap(json, heap);
        json_end_object(json);
    }
    json_end_array(json);
}

/* The key of a size class is its number of bytes. */
static const char *decimal(uint64_t value, char *text, size_t text_bytes)
{
    char *at = text + text_bytes - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return at;
}

static void write_size_classes(struct json *json, const struct dump *dump)
{
    char digits[24];
    json_begin_object(json, "sizeclass");
    for (uint64_t i = 0; i < dump->size_classes_count; i++) {
        const struct dump_size_class *row = &dump->size_classes[i];
        json_begin_object(json, decimal(row->slot_bytes, digits, sizeof digits));
        json_put_number(json, "spans", row->spans);
        json_put_number(json, "slots", row->slots);
        json_put_number(json, "objects", row->objects);
        json_put_number(json, "bytes", row->object_bytes);
        json_put_number(json, "mapped", row->mapped_bytes);
        json_put_number(json, "resident", row->resident_bytes);
        json_begin_array(json, "occupancy");
        for (unsigned tenth = 0; tenth < DUMP_OCCUPANCY_TENTHS; tenth++)
            json_put_number(json, NULL, row->occupancy[tenth]);
        json_end_array(json);
        json_put_number(json, "sparse_bytes", row->sparse_bytes);
        json_end_object(json);
    }
    json_end_object(json);
    json_begin_object(json, "large");
    json_put_number(json, "spans", dump->large.spans);
    json_put_number(json, "bytes", dump->large.object_bytes);
    json_put_number(json, "resident", dump->large.resident_bytes);
    json_put_number(json, "untouched", dump->large.untouched_bytes);
    json_end_object(json);
}

static void write_reinflated(struct json *json, const struct dump_reinflated *reinflated)
{
    json_begin_object(json, "reinflated");
    json_put_number(json, "resident", reinflated->resident_bytes);
    json_put_number(json, "huge", reinflated->huge_bytes);
    json_begin_array(json, "ranges");
    for (uint64_t i = 0; i < reinflated->ranges_count; i++) {
        const struct dump_reinflated_range *range = &reinflated->ranges[i];
        json_begin_object(json, NULL);
        json_put_address(json, "start", range->start);
        json_put_number(json, "bytes", range->bytes);
        json_put_number(json, "huge", range->huge_bytes);
        if (range->released_count != DUMP_NOT_KNOWN) {
            json_put_number(json, "released_count", range->released_count);
            json_put_number(json, "released_since_start_ns", range->released_since_start_ns);
        }
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static void write_arenas(struct json *json, const struct dump *dump, bool has_details)
{
    json_begin_array(json, "arenas");
    for (uint64_t i = 0; has_details && i < dump->arenas_count; i++) {
        const struct dump_arena *arena = &dump->arenas[i];
        json_newline(json);
        json_begin_object(json, NULL);
        json_put_address(json, "start", arena->start);
        json_put_number(json, "bytes", arena->bytes);
        json_put_number(json, "resident", arena->resident_bytes);
        json_put_string(json, "pages", arena->pages);
        json_end_object(json);
    }
    json_end_array(json);
}

void html_data_write_go(struct json *json, const struct dump *dump, bool has_details)
{
    json_begin_object(json, "go");
    write_advices(json, dump);
    write_heaps(json, dump);
    write_size_classes(json, dump);
    write_reinflated(json, &dump->reinflated);
    write_arenas(json, dump, has_details);
    json_end_object(json);
}
