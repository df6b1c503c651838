/* SPDX-License-Identifier: Apache-2.0
 *
 * Moving a place.
 *
 * Going forward is one number at compile time, so fields and elements of arrays become part of the base or of one step;
 * only pointers and slices are steps of their own.
 */
#include "harness/go_variable_way.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/go_variable_name.h"

_Static_assert((int)GO_NAME_BYTES == (int)MAP_PATH_NAME_BYTES, "names of paths are plain names");

enum { EMBEDDED_MAX = 64, POINTERS_MAX = 8 };

/* ---- moves ---- */

static void name_more(struct go_place *place, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Names are for people: one that does not fit is cut. */
static void name_more(struct go_place *place, const char *format, ...)
{
    size_t length = strlen(place->path.name);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(place->path.name + length, sizeof place->path.name - length, format, arguments);
    va_end(arguments);
}

static bool add_step(struct go_place *place, struct map_step step)
{
    if (place->path.steps_count == MAP_PATH_STEPS_MAX)
        return false;
    place->path.steps[place->path.steps_count++] = step;
    return true;
}

static bool forward(struct go_place *place, uint64_t bytes)
{
    struct map_path *path = &place->path;
    struct map_step *last = path->steps_count == 0 ? NULL : &path->steps[path->steps_count - 1];
    if (bytes == 0)
        return true;
    if (last == NULL)
        return !__builtin_add_overflow(path->base, bytes, &path->base);
    if (last->kind == MAP_STEP_FORWARD)
        return !__builtin_add_overflow(last->bytes, bytes, &last->bytes);
    return add_step(place, (struct map_step){.kind = MAP_STEP_FORWARD, .bytes = bytes});
}

static bool into_member(struct go_place *place, const struct go_member *member)
{
    place->type = member->type;
    return forward(place, member->offset_bytes);
}

static bool behind_pointer(struct go_place *place)
{
    struct go_dwarf_type element;
    if (!go_dwarf_type_element(&place->type, &element) || !add_step(place, (struct map_step){.kind = MAP_STEP_FOLLOW}))
        return false;
    place->type = element;
    return true;
}

void go_place_begin(struct go_place *place, const struct go_variable *variable)
{
    *place = (struct go_place){.path.base = variable->address, .type = variable->type};
    go_name_plain(place->path.name, variable->name);
}

static bool refuse_type(const struct go_place *place, const char *what, struct error *error)
{
    char type_name[GO_NAME_BYTES];
    go_name_plain(type_name, place->type.name);
    return error_set(error, "%s is %s %s, %s", place->path.name, go_name_article(type_name), type_name, what);
}

static bool refuse_debug(const struct go_place *place, struct error *error)
{
    return error_set(error, "%s cannot be reached: the debug information of its type is broken, or the way is too long",
                     place->path.name);
}

bool go_place_follow(struct go_place *place, struct error *error)
{
    for (unsigned i = 0; place->type.kind == GO_KIND_POINTER; i++) {
        /* unsafe.Pointer and the like have no element */
        struct go_dwarf_type element;
        if (!go_dwarf_type_element(&place->type, &element))
            return refuse_type(place, "which does not say what it points to", error);
        if (i == POINTERS_MAX || !behind_pointer(place))
            return refuse_debug(place, error);
    }
    return true;
}

/* ---- fields ---- */

static bool find_member(struct go_member *member, const struct go_dwarf_type *structure, const char *name,
                        uint64_t bytes)
{
    *member = (struct go_member){0};
    while (go_member_next(member, structure)) {
        if (strlen(member->name) == bytes && memcmp(member->name, name, bytes) == 0)
            return true;
    }
    return false;
}

/* The field itself, or else that of the struct that is embedded least deep: those that are embedded queue up. */
static bool into_field(struct go_place *place, const char *name, uint64_t bytes)
{
    struct go_place *queue = calloc(EMBEDDED_MAX, sizeof *queue);
    uint32_t count = queue == NULL ? 0 : 1;
    bool is_found = false;
    if (count > 0)
        queue[0] = *place;
    for (uint32_t i = 0; i < count && !is_found; i++) {
        struct go_member member = {0};
        struct go_place *outer = &queue[i];
        if ((outer->type.kind == GO_KIND_POINTER && !behind_pointer(outer)) || outer->type.kind != GO_KIND_STRUCT)
            continue;
        if (find_member(&member, &outer->type, name, bytes)) {
            *place = *outer;
            is_found = into_member(place, &member);
            break;
        }
        member = (struct go_member){0};
        while (count < EMBEDDED_MAX && go_member_next(&member, &outer->type)) {
            queue[count] = *outer;
            count += member.is_embedded && into_member(&queue[count], &member);
        }
    }
    free(queue);
    return is_found;
}

static bool refuse_field(const struct go_place *place, const char *name, uint64_t bytes, struct error *error)
{
    char wrong[GO_NAME_BYTES], type_name[GO_NAME_BYTES];
    snprintf(wrong, sizeof wrong, "%.*s", (int)bytes, name);
    struct go_name_nearest nearest = {.wrong = wrong};
    struct go_member member = {0};
    while (go_member_next(&member, &place->type))
        go_name_offer(&nearest, member.name);
    go_name_plain(type_name, place->type.name);
    if (nearest.name[0] != '\0')
        return error_set(error, "%s is %s %s, which has no field %s; did you mean %s.%s?", place->path.name,
                         go_name_article(type_name), type_name, wrong, place->path.name, nearest.name);
    return error_set(error, "%s is %s %s, which has no field %s", place->path.name, go_name_article(type_name),
                     type_name, wrong);
}

static bool select_field(struct go_place *place, const char *name, uint64_t bytes, struct error *error)
{
    if (bytes == 0)
        return error_set(error, "%s: a dot is followed by the name of a field", place->path.name);
    if (!go_place_follow(place, error))
        return false;
    if (place->type.kind == GO_KIND_INTERFACE)
        return refuse_type(place, "and what it holds only the running program knows", error);
    if (place->type.kind != GO_KIND_STRUCT)
        return refuse_type(place, "which has no fields", error);
    if (!into_field(place, name, bytes))
        return refuse_field(place, name, bytes, error);
    name_more(place, ".%.*s", (int)bytes, name);
    return true;
}

/* ---- elements ---- */

static bool into_element(struct go_place *place, const struct go_dwarf_type *element, uint64_t number, uint64_t bytes)
{
    uint64_t distance;
    bool is_slice = place->type.kind == GO_KIND_SLICE;
    place->type = *element;
    if (is_slice)
        return add_step(place, (struct map_step){.kind = MAP_STEP_ELEMENT, .number = number, .bytes = bytes});
    return !__builtin_mul_overflow(number, bytes, &distance) && forward(place, distance);
}

static bool select_element(struct go_place *place, uint64_t number, struct error *error)
{
    struct go_dwarf_type element;
    uint64_t bytes, length = 0;
    if (!go_place_follow(place, error))
        return false;
    if (place->type.kind == GO_KIND_MAP)
        return refuse_type(place, "whose elements are not found by number; leave [...] out for the map itself", error);
    if (place->type.kind != GO_KIND_ARRAY && place->type.kind != GO_KIND_SLICE)
        return refuse_type(place, "which has no elements", error);
    if (!go_dwarf_type_element(&place->type, &element) || !go_dwarf_type_bytes(&element, &bytes))
        return refuse_debug(place, error);
    if (place->type.kind == GO_KIND_ARRAY && (!go_dwarf_type_length(&place->type, &length) || number >= length))
        return error_set(error, "%s[%" PRIu64 "] is behind the array's end, it has %" PRIu64 " elements",
                         place->path.name, number, length);
    if (!into_element(place, &element, number, bytes))
        return refuse_debug(place, error);
    name_more(place, "[%" PRIu64 "]", number);
    return true;
}

/* "[number]" */
static bool take_index(const char **text, uint64_t *number)
{
    char *end;
    if ((*text)[0] != '[' || (*text)[1] < '0' || (*text)[1] > '9')
        return false;
    errno = 0;
    *number = strtoull(*text + 1, &end, 10);
    if (errno != 0 || *end != ']')
        return false;
    *text = end + 1;
    return true;
}

bool go_place_select(struct go_place *place, const char *selectors, struct error *error)
{
    for (const char *at = selectors; *at != '\0';) {
        uint64_t number;
        if (*at == '.') {
            const char *name = at + 1;
            uint64_t bytes = strcspn(name, ".[");
            if (!select_field(place, name, bytes, error))
                return false;
            at = name + bytes;
        } else if (!take_index(&at, &number)) {
            return error_set(error, "%s: %s is no field (.name) and no element ([number])", place->path.name, at);
        } else if (!select_element(place, number, error)) {
            return false;
        }
    }
    return true;
}

/* ---- all maps in it ---- */

enum { DEPTH_MAX = 16, VISITS_MAX = 1 << 18, SHORT_ARRAY = 16 };

/* In which of both rounds a map is taken: those of long arrays, of which there may be hundreds, come last. */
static bool is_of_round(const struct go_maps *maps, const struct go_place *place)
{
    return place->is_in_long_array == maps->is_last_round;
}

static void add_total(struct go_maps *maps, uint64_t more, uint64_t times)
{
    uint64_t product;
    if (__builtin_mul_overflow(more, times, &product) || __builtin_add_overflow(maps->total, product, &maps->total))
        maps->total = UINT64_MAX;
}

bool go_maps_add(struct go_maps *maps, const struct go_place *place)
{
    uint64_t descriptor = go_dwarf_type_descriptor(&place->type);
    if (descriptor == 0)
        return false;
    add_total(maps, 1, 1);
    if (maps->count == maps->room)
        return true;
    struct map_path *path = &maps->paths[maps->count++];
    *path = place->path;
    path->type = maps->types + descriptor;
    go_name_plain(path->type_name, place->type.name);
    return true;
}

/* Where the walk is inside a place; its insides are looked at one after the other. */
struct level {
    struct go_place place;
    unsigned pointers; /* how many may still be followed */
    struct go_member member;
    struct go_dwarf_type element;
    uint64_t length, element_bytes, index; /* of an array */
    uint64_t before;                       /* maps that there were before the last element */
};

static bool next_member(struct level *level, struct go_place *inner)
{
    while (go_member_next(&level->member, &level->place.type)) {
        *inner = level->place;
        name_more(inner, ".%s", level->member.name);
        if (into_member(inner, &level->member))
            return true;
    }
    return false;
}

/* Each element has as many maps as the first one; those for which there is no room are only counted. */
static bool next_element(struct go_maps *maps, struct level *level, struct go_place *inner)
{
    uint64_t found = maps->total - level->before;
    if (level->index == level->length)
        return false;
    if (level->index > 0 && (found == 0 || maps->count == maps->room)) {
        add_total(maps, found, level->length - level->index);
        return false;
    }
    level->before = maps->total;
    *inner = level->place;
    inner->is_in_long_array |= level->length > SHORT_ARRAY;
    name_more(inner, "[%" PRIu64 "]", level->index);
    return into_element(inner, &level->element, level->index++, level->element_bytes);
}

static bool next_behind(struct level *level, struct go_place *inner)
{
    *inner = level->place;
    return level->index++ == 0 && level->pointers-- > 0 && behind_pointer(inner) &&
           (inner->type.kind == GO_KIND_STRUCT || inner->type.kind == GO_KIND_MAP);
}

static bool next_inside(struct go_maps *maps, struct level *level, struct go_place *inner)
{
    switch (level->place.type.kind) {
    case GO_KIND_POINTER:
        return next_behind(level, inner);
    case GO_KIND_STRUCT:
        return next_member(level, inner);
    case GO_KIND_ARRAY:
        return next_element(maps, level, inner);
    case GO_KIND_MAP:
    case GO_KIND_OTHER:
    case GO_KIND_STRING:
    case GO_KIND_UNSAFE_POINTER:
    case GO_KINDS:
    case GO_KIND_CHAN:
    case GO_KIND_FUNC:
    case GO_KIND_INTERFACE:
    case GO_KIND_SLICE:
        break;
    }
    return false;
}

/* False: in this round nothing inside is looked at. */
static bool enter(const struct go_maps *maps, struct level *level, const struct go_place *place, unsigned pointers)
{
    *level = (struct level){.place = *place, .pointers = pointers};
    if (place->type.kind != GO_KIND_ARRAY)
        return place->type.kind == GO_KIND_STRUCT || place->type.kind == GO_KIND_POINTER;
    return go_dwarf_type_element(&place->type, &level->element) && go_dwarf_type_length(&place->type, &level->length) &&
           go_dwarf_type_bytes(&level->element, &level->element_bytes) &&
           (level->length <= SHORT_ARRAY || maps->is_last_round);
}

void go_maps_collect(struct go_maps *maps, const struct go_place *place)
{
    struct level levels[DEPTH_MAX];
    struct go_place inner = *place;
    unsigned depth = 0, pointers = 1;
    for (;;) {
        bool is_map = inner.type.kind == GO_KIND_MAP;
        if (is_map && is_of_round(maps, &inner))
            go_maps_add(maps, &inner);
        if (!is_map && depth < DEPTH_MAX && enter(maps, &levels[depth], &inner, pointers))
            depth++;
        while (depth > 0 && !next_inside(maps, &levels[depth - 1], &inner))
            depth--;
        if (depth == 0 || maps->visits++ >= VISITS_MAX)
            return;
        pointers = levels[depth - 1].pointers;
    }
}
