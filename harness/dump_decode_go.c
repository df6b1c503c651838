/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of rows by tables of keys. Page strings are checked here, so that whoever draws them need not.
 */
#include "harness/dump_decode_go.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/page_string.h"
#include "gopagewatch/page_state.h"
#include "memory/text.h"
#include "memory/units.h"

static const struct field ADVICE_FIELDS[] = {
    {"by", FIELD_TEXT, offsetof(struct dump_advice, by)},
    {"advice", FIELD_TEXT, offsetof(struct dump_advice, advice)},
    {"calls", FIELD_NUMBER, offsetof(struct dump_advice, calls)},
    {"bytes", FIELD_NUMBER, offsetof(struct dump_advice, bytes)},
    {"errors", FIELD_NUMBER, offsetof(struct dump_advice, errors)},
};

static const struct field SIZE_CLASS_FIELDS[] = {
    {"spans", FIELD_NUMBER, offsetof(struct dump_size_class, spans)},
    {"slots", FIELD_NUMBER, offsetof(struct dump_size_class, slots)},
    {"objects", FIELD_NUMBER, offsetof(struct dump_size_class, objects)},
    {"bytes", FIELD_NUMBER, offsetof(struct dump_size_class, object_bytes)},
    {"mapped", FIELD_NUMBER, offsetof(struct dump_size_class, mapped_bytes)},
    {"resident", FIELD_NUMBER, offsetof(struct dump_size_class, resident_bytes)},
    {"sparse_bytes", FIELD_NUMBER, offsetof(struct dump_size_class, sparse_bytes)},
};

static const struct field LARGE_FIELDS[] = {
    {"spans", FIELD_NUMBER, offsetof(struct dump_large, spans)},
    {"bytes", FIELD_NUMBER, offsetof(struct dump_large, object_bytes)},
    {"resident", FIELD_NUMBER, offsetof(struct dump_large, resident_bytes)},
    {"untouched", FIELD_NUMBER, offsetof(struct dump_large, untouched_bytes)},
};

static const struct field HEAP_FIELDS[] = {
    {"module", FIELD_TEXT, offsetof(struct dump_heap, module)},
    {"layout", FIELD_TEXT_OR_NULL, offsetof(struct dump_heap, layout)},
    {"why", FIELD_TEXT_OR_NULL, offsetof(struct dump_heap, why)},
};

static const struct field WALKED_HEAP_FIELDS[] = {
    {"gc.phase", FIELD_TEXT_OR_NULL, offsetof(struct dump_heap, gc_phase)},
    {"gc.percent", FIELD_SIGNED_OR_NULL, offsetof(struct dump_heap, gc_percent)},
    {"gc.cycle", FIELD_NUMBER_OR_NULL, offsetof(struct dump_heap, gc_cycles)},
    {"gc.memory_limit", FIELD_NUMBER_OR_NULL, offsetof(struct dump_heap, limit_bytes)},
    {"gc.goal", FIELD_NUMBER_OR_NULL, offsetof(struct dump_heap, goal_bytes)},
    {"gc.live", FIELD_NUMBER_OR_NULL, offsetof(struct dump_heap, live_bytes)},
    {"spans", FIELD_NUMBER, offsetof(struct dump_heap, spans)},
    {"spans_unswept", FIELD_NUMBER, offsetof(struct dump_heap, spans_unswept)},
    {"objects", FIELD_NUMBER, offsetof(struct dump_heap, objects)},
};

static const struct field PROFILE_SUM_FIELDS[] = {
    {"objects", FIELD_NUMBER, offsetof(struct dump_profile_sums, objects)},
    {"bytes", FIELD_NUMBER, offsetof(struct dump_profile_sums, bytes)},
    {"resident", FIELD_NUMBER, offsetof(struct dump_profile_sums, resident_bytes)},
    {"pinned_pages", FIELD_NUMBER, offsetof(struct dump_profile_sums, pinned_pages_bytes)},
    {"pinned_spans", FIELD_NUMBER, offsetof(struct dump_profile_sums, pinned_spans_bytes)},
    {"alone_on_page", FIELD_NUMBER, offsetof(struct dump_profile_sums, alone_on_page)},
    {"alone_in_span", FIELD_NUMBER, offsetof(struct dump_profile_sums, alone_in_span)},
    {"alone_spans", FIELD_NUMBER, offsetof(struct dump_profile_sums, alone_spans_bytes)},
};

static const struct field PROFILE_STACK_FIELDS[] = {
    {"size", FIELD_NUMBER, offsetof(struct dump_profile_stack, object_bytes)},
};

static const struct field PROFILE_FIELDS[] = {
    {"rate", FIELD_NUMBER_OR_NULL, offsetof(struct dump_profile, rate)},
    {"left_out.stacks", FIELD_NUMBER, offsetof(struct dump_profile, left_out_stacks)},
    {"untrusted", FIELD_NUMBER, offsetof(struct dump_profile, untrusted_lists)},
};

static const struct field REINFLATED_FIELDS[] = {
    {"resident", FIELD_NUMBER, offsetof(struct dump_reinflated, resident_bytes)},
    {"huge", FIELD_NUMBER, offsetof(struct dump_reinflated, huge_bytes)},
};

static const struct field RANGE_FIELDS[] = {
    {"start", FIELD_ADDRESS, offsetof(struct dump_reinflated_range, start)},
    {"bytes", FIELD_NUMBER, offsetof(struct dump_reinflated_range, bytes)},
    {"huge", FIELD_NUMBER, offsetof(struct dump_reinflated_range, huge_bytes)},
};

static const struct field RANGE_SHADOW_FIELDS[] = {
    {"released_count", FIELD_NUMBER, offsetof(struct dump_reinflated_range, released_count)},
    {"released_since_start_ns", FIELD_NUMBER, offsetof(struct dump_reinflated_range, released_since_start_ns)},
};

static const struct field ARENA_FIELDS[] = {
    {"start", FIELD_ADDRESS, offsetof(struct dump_arena, start)},
    {"bytes", FIELD_NUMBER, offsetof(struct dump_arena, bytes)},
    {"resident", FIELD_NUMBER, offsetof(struct dump_arena, resident_bytes)},
    {"pages", FIELD_TEXT, offsetof(struct dump_arena, pages)},
};

static const struct field MODULE_FIELDS[] = {
    {"path", FIELD_TEXT, offsetof(struct dump_module, path)},
    {"start", FIELD_ADDRESS, offsetof(struct dump_module, start)},
    {"end", FIELD_ADDRESS, offsetof(struct dump_module, end)},
    {"bias", FIELD_ADDRESS, offsetof(struct dump_module, bias)},
    {"build_id", FIELD_TEXT_OR_NULL, offsetof(struct dump_module, build_id)},
};

static const struct field THREAD_FIELDS[] = {
    {"tid", FIELD_NUMBER_OR_NULL, offsetof(struct dump_thread, tid)},
    {"name", FIELD_TEXT_OR_NULL, offsetof(struct dump_thread, name)},
    {"start", FIELD_ADDRESS, offsetof(struct dump_thread, start)},
    {"end", FIELD_ADDRESS, offsetof(struct dump_thread, end)},
    {"resident", FIELD_NUMBER, offsetof(struct dump_thread, resident_bytes)},
    {"resident_below", FIELD_NUMBER_OR_NULL, offsetof(struct dump_thread, below_bytes)},
};

static const struct field CALLSITE_FIELDS[] = {
    {"id", FIELD_NUMBER, offsetof(struct dump_callsite, id)},
    {"by", FIELD_TEXT, offsetof(struct dump_callsite, by)},
    {"op", FIELD_TEXT, offsetof(struct dump_callsite, operation)},
    {"detail", FIELD_TEXT, offsetof(struct dump_callsite, detail)},
    {"purpose", FIELD_TEXT_OR_NULL, offsetof(struct dump_callsite, purpose)},
    {"calls", FIELD_NUMBER, offsetof(struct dump_callsite, calls)},
    {"errors", FIELD_NUMBER, offsetof(struct dump_callsite, errors)},
    {"bytes", FIELD_NUMBER, offsetof(struct dump_callsite, bytes)},
    {"unmapped", FIELD_NUMBER, offsetof(struct dump_callsite, unmapped_bytes)},
    {"resident", FIELD_NUMBER, offsetof(struct dump_callsite, resident_bytes)},
    {"first_since_start_ns", FIELD_NUMBER, offsetof(struct dump_callsite, first_since_start_ns)},
    {"last_since_start_ns", FIELD_NUMBER, offsetof(struct dump_callsite, last_since_start_ns)},
};

static const struct field MAP_FIELDS[] = {
    {"start", FIELD_ADDRESS, offsetof(struct dump_map, start)},
    {"end", FIELD_ADDRESS, offsetof(struct dump_map, end)},
    {"perms", FIELD_TEXT, offsetof(struct dump_map, permissions)},
    {"name", FIELD_TEXT, offsetof(struct dump_map, name)},
    {"class", FIELD_TEXT, offsetof(struct dump_map, class_name)},
    {"mapped", FIELD_NUMBER, offsetof(struct dump_map, sizes.mapped_bytes)},
    {"resident", FIELD_NUMBER, offsetof(struct dump_map, sizes.resident_bytes)},
    {"swapped", FIELD_NUMBER, offsetof(struct dump_map, sizes.swapped_bytes)},
    {"huge", FIELD_NUMBER, offsetof(struct dump_map, sizes.huge_bytes)},
    {"lazyfree", FIELD_NUMBER, offsetof(struct dump_map, sizes.lazyfree_bytes)},
};

/* ---- lists ---- */

/* What a list's rows are read by; `check` may refuse a row that was read, `row_json` is where it came from. */
struct list {
    const char *key; /* dotted, from the object */
    const struct field *fields;
    size_t fields_count, row_bytes;
    bool (*check)(const struct fields_context *context, const json_t *row_json, void *row);
};

/* The rows; NULL, and the error is set, when they cannot be read. */
static void *read_list(struct fields_context context, const json_t *object, const struct list *list, uint64_t *count)
{
    char where[FIELD_PATH_BYTES_MAX];
    size_t index;
    json_t *row_json;
    const json_t *found = fields_find_list(&context, object, list->key);
    char *rows = found == NULL ? NULL : fields_take_array(&context, json_array_size(found), list->row_bytes);
    if (rows == NULL)
        return NULL;
    context.where = where;
    json_array_foreach(found, index, row_json)
    {
        void *row = rows + index * list->row_bytes;
        snprintf(where, sizeof where, "%s[%zu]", list->key, index);
        if (!fields_read(&context, row_json, list->fields, list->fields_count, row) ||
            (list->check != NULL && !list->check(&context, row_json, row)))
            return NULL;
    }
    *count = json_array_size(found);
    return rows;
}

static bool check_heap(const struct fields_context *context, const json_t *row_json, void *row)
{
    struct dump_heap *heap = row;
    heap->gc_percent = DUMP_SIGNED_NOT_KNOWN;
    heap->gc_cycles = heap->limit_bytes = heap->goal_bytes = heap->live_bytes = DUMP_NOT_KNOWN;
    return heap->layout == NULL ||
           fields_read(context, row_json, WALKED_HEAP_FIELDS, FIELDS_COUNT(WALKED_HEAP_FIELDS), heap);
}

static bool check_range(const struct fields_context *context, const json_t *row_json, void *row)
{
    struct dump_reinflated_range *range = row;
    range->released_count = range->released_since_start_ns = DUMP_NOT_KNOWN;
    return json_object_get(row_json, "released_count") == NULL ||
           fields_read(context, row_json, RANGE_SHADOW_FIELDS, FIELDS_COUNT(RANGE_SHADOW_FIELDS), range);
}

static bool read_frames(const struct fields_context *context, const json_t *row_json, const uint64_t **frames,
                        uint64_t *frames_count)
{
    static const struct field ADDRESS[] = {{"", FIELD_ADDRESS, 0}};
    size_t index;
    json_t *frame;
    const json_t *list = fields_find_list(context, row_json, "pcs");
    uint64_t *read = list == NULL ? NULL : fields_take_array(context, json_array_size(list), sizeof *read);
    if (read == NULL)
        return false;
    json_array_foreach(list, index, frame)
    {
        if (!fields_read(context, frame, ADDRESS, 1, &read[index]))
            return false;
    }
    *frames = read;
    *frames_count = json_array_size(list);
    return true;
}

static bool check_profile_stack(const struct fields_context *context, const json_t *row_json, void *row)
{
    struct dump_profile_stack *stack = row;
    return read_frames(context, row_json, &stack->frames, &stack->frames_count) &&
           fields_read(context, row_json, PROFILE_SUM_FIELDS, FIELDS_COUNT(PROFILE_SUM_FIELDS), &stack->sums);
}

static bool check_callsite(const struct fields_context *context, const json_t *row_json, void *row)
{
    struct dump_callsite *site = row;
    return read_frames(context, row_json, &site->frames, &site->frames_count);
}

static bool are_page_states(const uint8_t *letters, uint64_t count)
{
    static const char STATES[] = {
#define X(id, letter, meaning) (letter),
        GPW_PAGE_STATES(X)
#undef X
    };
    for (uint64_t i = 0; i < count; i++) {
        if (memchr(STATES, letters[i] | ('a' ^ 'A'), sizeof STATES) == NULL)
            return false;
    }
    return true;
}

static bool check_arena(const struct fields_context *context, const json_t *row_json, void *row)
{
    const struct dump_arena *arena = row;
    uint8_t letters[GO_ARENA_PAGES];
    (void)row_json;
    if (arena->bytes != GO_ARENA_BYTES || arena->start % GO_ARENA_BYTES != 0)
        return fields_refuse(context, "bytes", "is not the size and place of an arena (64 MiB)");
    int64_t count = page_string_decode(arena->pages, letters, GO_ARENA_PAGES);
    if (count != GO_ARENA_PAGES || !are_page_states(letters, GO_ARENA_PAGES))
        return fields_refuse(context, "pages", "is no string of 8192 pages");
    return true;
}

static bool check_map(const struct fields_context *context, const json_t *row_json, void *row)
{
    const struct dump_map *map = row;
    (void)row_json;
    return map->start < map->end || fields_refuse(context, "end", "is not above the start");
}

static bool check_module(const struct fields_context *context, const json_t *row_json, void *row)
{
    const struct dump_module *module = row;
    const char *digits = module->build_id;
    (void)row_json;
    if (module->start >= module->end)
        return fields_refuse(context, "end", "is not above the start");
    if (digits != NULL &&
        (*digits == '\0' || strlen(digits) % 2 != 0 || digits[strspn(digits, "0123456789abcdef")] != '\0'))
        return fields_refuse(context, "build_id", "is not made of pairs of hexadecimal digits");
    return true;
}

static bool check_thread(const struct fields_context *context, const json_t *row_json, void *row)
{
    const struct dump_thread *thread = row;
    (void)row_json;
    if (thread->start >= thread->end)
        return fields_refuse(context, "end", "is not above the start");
    if (thread->resident_bytes > thread->end - thread->start)
        return fields_refuse(context, "resident", "is more than the stack");
    if (thread->below_bytes != DUMP_NOT_KNOWN && thread->below_bytes > thread->resident_bytes)
        return fields_refuse(context, "resident_below", "is more than what is resident");
    return true;
}

/* ---- size classes ---- */

static bool read_occupancy(const struct fields_context *context, const json_t *object, struct dump_size_class *row)
{
    static const struct field NUMBER[] = {{"", FIELD_NUMBER, 0}};
    const json_t *list = fields_find_list(context, object, "occupancy");
    if (list == NULL)
        return false;
    if (json_array_size(list) != DUMP_OCCUPANCY_TENTHS)
        return fields_refuse(context, "occupancy", "has not ten numbers");
    for (size_t i = 0; i < DUMP_OCCUPANCY_TENTHS; i++) {
        if (!fields_read(context, json_array_get(list, i), NUMBER, 1, &row->occupancy[i]))
            return false;
    }
    return true;
}

static int compare_size_classes(const void *left, const void *right)
{
    uint64_t a = ((const struct dump_size_class *)left)->slot_bytes;
    uint64_t b = ((const struct dump_size_class *)right)->slot_bytes;
    return (a > b) - (a < b);
}

static bool read_size_classes(struct fields_context context, const json_t *document, struct dump *dump)
{
    char where[FIELD_PATH_BYTES_MAX];
    const char *key;
    json_t *object;
    const json_t *classes = fields_find_object(&context, document, "go.sizeclass");
    if (classes == NULL)
        return false;
    dump->size_classes = fields_take_array(&context, json_object_size(classes), sizeof *dump->size_classes);
    if (dump->size_classes == NULL)
        return false;
    context.where = where;
    json_object_foreach((json_t *)classes, key, object)
    {
        struct dump_size_class *row = &dump->size_classes[dump->size_classes_count++];
        struct text digits = text_of(key);
        snprintf(where, sizeof where, "go.sizeclass.%.20s", key);
        if (!text_take_decimal(&digits, &row->slot_bytes) || digits.at != digits.end)
            return fields_refuse(&context, "", "is no size in bytes");
        if (!fields_read(&context, object, SIZE_CLASS_FIELDS, FIELDS_COUNT(SIZE_CLASS_FIELDS), row) ||
            !read_occupancy(&context, object, row))
            return false;
    }
    if (dump->size_classes_count > 0)
        qsort(dump->size_classes, dump->size_classes_count, sizeof *dump->size_classes, compare_size_classes);
    return true;
}

/* ---- the parts ---- */

static bool read_object(struct fields_context context, const json_t *document, const char *key,
                        const struct field *fields, size_t count, void *target)
{
    const json_t *object = fields_find_object(&context, document, key);
    context.where = key;
    return object != NULL && fields_read(&context, object, fields, count, target);
}

#define LIST(list_key, table, type, check_function)                                     \
    {                                                                                   \
        (list_key), (table), FIELDS_COUNT(table), sizeof(struct type), (check_function) \
    }

/* Older dumps have none; null: the program keeps none. */
static bool read_profile(struct fields_context context, const json_t *document, struct dump *dump)
{
    static const struct list STACKS =
        LIST("go.profile.stacks", PROFILE_STACK_FIELDS, dump_profile_stack, check_profile_stack);
    struct dump_profile *profile = &dump->profile;
    const json_t *found = json_object_get(json_object_get(document, "go"), "profile");
    if (found == NULL || json_is_null(found))
        return true;
    profile->is_there = true;
    profile->stacks = read_list(context, document, &STACKS, &profile->stacks_count);
    return profile->stacks != NULL &&
           read_object(context, document, "go.profile", PROFILE_FIELDS, FIELDS_COUNT(PROFILE_FIELDS), profile) &&
           read_object(context, document, "go.profile.left_out", PROFILE_SUM_FIELDS, FIELDS_COUNT(PROFILE_SUM_FIELDS),
                       &profile->left_out);
}

bool dump_decode_go(struct fields_context context, const json_t *document, struct dump *dump)
{
    static const struct list ADVICES = LIST("go.advice", ADVICE_FIELDS, dump_advice, NULL);
    static const struct list HEAPS = LIST("go.heaps", HEAP_FIELDS, dump_heap, check_heap);
    static const struct list RANGES = LIST("go.reinflated.ranges", RANGE_FIELDS, dump_reinflated_range, check_range);
    static const struct list ARENAS = LIST("go.arenas", ARENA_FIELDS, dump_arena, check_arena);
    struct dump_reinflated *reinflated = &dump->reinflated;
    dump->advices = read_list(context, document, &ADVICES, &dump->advices_count);
    dump->heaps = dump->advices == NULL ? NULL : read_list(context, document, &HEAPS, &dump->heaps_count);
    if (dump->heaps == NULL || !read_size_classes(context, document, dump) ||
        !read_object(context, document, "go.large", LARGE_FIELDS, FIELDS_COUNT(LARGE_FIELDS), &dump->large) ||
        !read_object(context, document, "go.reinflated", REINFLATED_FIELDS, FIELDS_COUNT(REINFLATED_FIELDS),
                     reinflated) ||
        !read_profile(context, document, dump))
        return false;
    reinflated->ranges = read_list(context, document, &RANGES, &reinflated->ranges_count);
    if (reinflated->ranges == NULL)
        return false;
    dump->arenas = read_list(context, document, &ARENAS, &dump->arenas_count);
    return dump->arenas != NULL;
}

bool dump_decode_maps(struct fields_context context, const json_t *document, struct dump *dump)
{
    static const struct list MAPS = LIST("maps", MAP_FIELDS, dump_map, check_map);
    dump->maps = read_list(context, document, &MAPS, &dump->maps_count);
    return dump->maps != NULL;
}

bool dump_decode_callsites(struct fields_context context, const json_t *document, struct dump *dump)
{
    static const struct list CALLSITES = LIST("callsites", CALLSITE_FIELDS, dump_callsite, check_callsite);
    if (json_object_get(document, CALLSITES.key) == NULL)
        return true;
    dump->callsites = read_list(context, document, &CALLSITES, &dump->callsites_count);
    return dump->callsites != NULL;
}

bool dump_decode_threads(struct fields_context context, const json_t *document, struct dump *dump)
{
    static const struct list THREADS = LIST("threads", THREAD_FIELDS, dump_thread, check_thread);
    if (json_object_get(document, THREADS.key) == NULL)
        return true;
    dump->threads = read_list(context, document, &THREADS, &dump->threads_count);
    return dump->threads != NULL;
}

bool dump_decode_modules(struct fields_context context, const json_t *document, struct dump *dump)
{
    static const struct list MODULES = LIST("modules", MODULE_FIELDS, dump_module, check_module);
    if (json_object_get(document, MODULES.key) == NULL)
        return true;
    dump->modules = read_list(context, document, &MODULES, &dump->modules_count);
    if (dump->modules == NULL)
        return false;
    context.where = MODULES.key;
    for (uint64_t i = 1; i < dump->modules_count; i++) {
        if (dump->modules[i].start < dump->modules[i - 1].end)
            return fields_refuse(&context, "", "are not in the order of their addresses");
    }
    return true;
}
