/* SPDX-License-Identifier: Apache-2.0
 *
 * The maps of an address, for people and for machines.
 */
#include <inttypes.h>

#include "harness/human.h"
#include "harness/page_maps.h"

enum { LABEL_COLUMNS = 12 };

/* What each part is to a reader: "main.cache, ...: its key bytes". */
static const char *const PART_WORDS[] = {
    [MAP_PART_HEADER] = "header",
    [MAP_PART_TABLES] = "tables and their directory",
    [MAP_PART_BUCKETS] = "slots",
    [MAP_PART_OLD_BUCKETS] = "old buckets, which it has not given up yet",
    [MAP_PART_OVERFLOW] = "overflow buckets, and the lists that keep them",
    [MAP_PART_KEYS] = "keys: what one points to",
    [MAP_PART_ELEMENTS] = "elements: what one points to",
    [MAP_PART_DEEP] = "elements or keys: what they lead to further down",
};

_Static_assert(sizeof PART_WORDS / sizeof PART_WORDS[0] == MAP_PARTS, "a word for each part");

static const char *const PARTS[] = {
#define X(id, name, what) name,
    GPW_MAP_PARTS(X)
#undef X
};

static const char *const PLACES[] = {
#define X(id, name) name,
    GPW_MAP_PLACES(X)
#undef X
};

static const char *const SLOT_PARTS[] = {
#define X(id, name) name,
    GPW_MAP_SLOT_PARTS(X)
#undef X
};

static const char *const SLOT_STATES[] = {
#define X(id, name) name,
    GPW_MAP_SLOT_STATES(X)
#undef X
};

/* ---- for people ---- */

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void write_where(FILE *out, const struct map_place *place)
{
    switch (place->kind) {
    case MAP_PLACE_NONE:
    case MAP_PLACE_KINDS:
        return;
    case MAP_PLACE_DIRECTORY:
        fprintf(out, "word %" PRIu64 " of the directory", place->number);
        return;
    case MAP_PLACE_TABLE:
        fprintf(out, "table %" PRIu64, place->table);
        return;
    case MAP_PLACE_GROUP:
        if (place->has_table)
            fprintf(out, "group %" PRIu64 " of table %" PRIu64, place->number, place->table);
        else
            fputs("its only group", out);
        return;
    case MAP_PLACE_BUCKET:
        fprintf(out, "bucket %" PRIu64, place->number);
        return;
    case MAP_PLACE_OLD_BUCKET:
        fprintf(out, "old bucket %" PRIu64, place->number);
        return;
    case MAP_PLACE_SPARE:
        fprintf(out, "an overflow bucket, number %" PRIu64 " of those behind the array", place->number);
        return;
    case MAP_PLACE_SINGLE:
        fprintf(out, "an overflow bucket, number %" PRIu64 " of the chain of %s %" PRIu64, place->chain,
                place->origin == MAP_PLACE_BUCKET       ? "bucket"
                : place->origin == MAP_PLACE_OLD_BUCKET ? "old bucket"
                                                        : "spare bucket",
                place->number);
        return;
    }
}

static void write_slot(FILE *out, const struct map_place *place)
{
    static const char *const WORDS[] = {
        [MAP_SLOT_EMPTY] = "empty",
        [MAP_SLOT_FULL] = "which holds an entry",
        [MAP_SLOT_TOMBSTONE] = "a tombstone",
        [MAP_SLOT_EVACUATED] = "evacuated: what it held is in the new array",
    };
    if (place->has_slot)
        fprintf(out, ", slot %u (%s), its %s", place->slot, WORDS[place->state],
                place->part == MAP_SLOT_CONTROL ? "control byte" : SLOT_PARTS[place->part]);
    else
        fputs(place->part == MAP_SLOT_OVERFLOW ? ", its pointer to the next bucket" : ", a gap between its slots", out);
}

static void write_place(FILE *out, const struct page_owner *owner)
{
    const struct map_place *place = &owner->place;
    bool has_slots = owner->part == MAP_PART_BUCKETS || owner->part == MAP_PART_OLD_BUCKETS;
    if (place->kind == MAP_PLACE_NONE) {
        if (has_slots)
            fprintf(out, "%-*sin none of its slots: spare buckets, or what the slot has more than was asked for\n",
                    LABEL_COLUMNS, "");
        return;
    }
    fprintf(out, "%-*s%s", LABEL_COLUMNS, "", place->is_inner ? "of a map in it: " : "");
    write_where(out, place);
    fprintf(out, " at 0x%" PRIxPTR, place->start);
    if (place->kind != MAP_PLACE_DIRECTORY && place->kind != MAP_PLACE_TABLE)
        write_slot(out, place);
    fputc('\n', out);
}

static void write_searched(FILE *out, const struct page_maps *maps)
{
    fprintf(out, "%s map%s (", human_count(maps->searched).text, plural(maps->searched));
    if (maps->pattern != NULL)
        fprintf(out, "'%s', ", maps->pattern);
    fprintf(out, "%s entr%s)", human_count(maps->entries).text, maps->entries == 1 ? "y" : "ies");
}

static void write_doubts(FILE *out, const struct page_maps *maps)
{
    if (maps->unread > 0)
        fprintf(out, "%-*s%" PRIu32 " could not be read: %s\n", LABEL_COLUMNS, "", maps->unread, maps->unread_why);
    if (maps->changed > 0)
        fprintf(out, "%-*s%" PRIu32 " of them changed meanwhile\n", LABEL_COLUMNS, "", maps->changed);
    if (maps->cut > 0)
        fprintf(out, "%-*s%" PRIu32 " of them not to the end: pointers lead to the same values again and again%s\n",
                LABEL_COLUMNS, "", maps->cut, maps->is_deep ? " (without --deep there are fewer)" : "");
    if (maps->left_out > 0)
        fprintf(out, "%-*s%s %s not searched, %s: --map %s\n", LABEL_COLUMNS, "", human_count(maps->left_out).text,
                maps->left_out == 1 ? "was" : "were", maps->pattern == NULL ? "there are too many" : "to be quick",
                maps->left_out_name[0] == '\0' ? "VAR" : maps->left_out_name);
}

void page_maps_write_text(FILE *out, const struct page_maps *maps)
{
    for (uint32_t i = 0; i < maps->owners_count; i++) {
        const struct page_owner *owner = &maps->owners[i];
        fprintf(out, "%-*s%s, %s at 0x%" PRIxPTR ": its %s\n", LABEL_COLUMNS, "map", owner->name, owner->type_name,
                owner->header, PART_WORDS[owner->part]);
        write_place(out, owner);
    }
    if (maps->owners_left_out > 0)
        fprintf(out, "%-*sand to %" PRIu32 " more\n", LABEL_COLUMNS, "", maps->owners_left_out);
    if (maps->owners_count > 0)
        return;
    fprintf(out, "%-*s", LABEL_COLUMNS, "map");
    if (maps->why_not[0] != '\0') {
        fprintf(out, "not searched: %s\n", maps->why_not);
        return;
    }
    fputs("none of ", out);
    write_searched(out, maps);
    fputs(maps->is_deep ? "\n" : "; --deep follows their pointers further\n", out);
    write_doubts(out, maps);
}

/* ---- for machines ---- */

static void write_json_place(struct json *json, const struct map_place *place)
{
    if (place->kind == MAP_PLACE_NONE) {
        json_put_null(json, "place");
        return;
    }
    json_begin_object(json, "place");
    json_put_string(json, "kind", PLACES[place->kind]);
    json_put_bool(json, "is_inner", place->is_inner);
    json_put_address(json, "start", place->start);
    json_put_number(json, "number", place->number);
    if (place->has_table)
        json_put_number(json, "table", place->table);
    else
        json_put_null(json, "table");
    json_put_number(json, "chain", place->chain);
    json_put_string_or_null(json, "chain_of", place->chain == 0 ? NULL : PLACES[place->origin]);
    bool is_slots = place->kind != MAP_PLACE_DIRECTORY && place->kind != MAP_PLACE_TABLE;
    json_put_string_or_null(json, "what", is_slots ? SLOT_PARTS[place->part] : NULL);
    if (place->has_slot)
        json_put_number(json, "slot", place->slot);
    else
        json_put_null(json, "slot");
    json_put_string_or_null(json, "state", place->has_slot ? SLOT_STATES[place->state] : NULL);
    json_end_object(json);
}

void page_maps_write_json(struct json *json, const struct page_maps *maps)
{
    json_begin_object(json, "maps");
    json_put_string_or_null(json, "pattern", maps->pattern);
    json_put_string_or_null(json, "why_not", maps->why_not[0] == '\0' ? NULL : maps->why_not);
    json_put_bool(json, "is_deep", maps->is_deep);
    json_put_number(json, "searched", maps->searched);
    json_put_number(json, "entries", maps->entries);
    json_put_number(json, "changed", maps->changed);
    json_put_number(json, "cut", maps->cut);
    json_put_number(json, "unread", maps->unread);
    json_put_number(json, "left_out", maps->left_out);
    json_put_number(json, "owners_left_out", maps->owners_left_out);
    json_begin_array(json, "owners");
    for (uint32_t i = 0; i < maps->owners_count; i++) {
        const struct page_owner *owner = &maps->owners[i];
        json_newline(json);
        json_begin_object(json, NULL);
        json_put_string(json, "name", owner->name);
        json_put_string(json, "type", owner->type_name);
        json_put_address(json, "address", owner->header);
        json_put_string(json, "part", PARTS[owner->part]);
        write_json_place(json, &owner->place);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}
