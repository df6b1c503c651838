/* SPDX-License-Identifier: Apache-2.0
 *
 * What is told of an object by its span, in the layout of every version; and the lines about objects and maps.
 */
#include "harness/page_object.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/page_maps.h"
#include "memory/units.h"
#include "tests/unit/support/fake_heap.h"

static const uint64_t SPAN_BYTES = 16384;

static struct fake_heap fake;
static struct go_heap heap;
static char *text;
static size_t text_bytes;

static struct go_page page_of(uint8_t span_class, uint64_t slot_bytes)
{
    heap = fake_heap_described(&fake);
    return (struct go_page){
        .heap = &heap,
        .go_minor = heap.layout->go_minor,
        .kind = PAGE_OBJECTS,
        .has_span = true,
        .has_objects = true,
        .span = {.start = FAKE_ARENAS,
                 .pages = SPAN_BYTES / GO_PAGE_BYTES,
                 .limit = FAKE_ARENAS + SPAN_BYTES,
                 .slot_bytes = slot_bytes,
                 .span_class = span_class},
        .slot = {.is_slot = true, .start = FAKE_ARENAS, .end = FAKE_ARENAS + slot_bytes, .is_allocated = ANSWER_YES},
    };
}

static struct page_object look(const struct go_page *page)
{
    struct page_object object;
    page_object_look(&object, page);
    return object;
}

static const char *text_of_object(const struct page_object *object)
{
    free(text);
    FILE *out = open_memstream(&text, &text_bytes);
    page_object_write_text(out, object);
    fclose(out);
    return text;
}

static const char *text_of_maps(const struct page_maps *maps)
{
    free(text);
    FILE *out = open_memstream(&text, &text_bytes);
    page_maps_write_text(out, maps);
    fclose(out);
    return text;
}

static void expect_in(const char *part)
{
    cr_expect_not_null(strstr(text, part), "'%s' is not in:\n%s", part, text);
}

/* ---- by span ---- */

Test(page_object, what_was_asked_for_lies_between_two_size_classes)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        const struct go_layout *layout = &GO_LAYOUTS[i];
        fake_heap_open(&fake, layout, FAKE_TABLES);
        bool has_header = layout->go_minor >= 22 && layout->experiment == NULL;
        has_header |=
            layout->experiment != NULL && strcmp(layout->experiment, "noallocheaders") != 0 && layout->go_minor >= 22;
        struct go_page page = page_of(40 << 1, 2048);
        struct page_object object = look(&page);
        cr_assert(object.is_object);
        cr_expect_eq(object.header_bytes, has_header ? 8u : 0u, "go1.%u", layout->go_minor);
        cr_expect_eq(object.asked_min_bytes, 1793u - object.header_bytes);
        cr_expect_eq(object.asked_max_bytes, 2048u - object.header_bytes);
        page = page_of(40 << 1 | 1, 2048);
        object = look(&page);
        cr_expect(object.header_bytes == 0 && object.asked_min_bytes == 1793 && object.asked_max_bytes == 2048);
        page = page_of(1 << 1 | 1, 8);
        object = look(&page);
        cr_expect(object.asked_min_bytes == 1 && object.asked_max_bytes == 8 && !object.is_tiny);
        page = page_of(2 << 1 | 1, 16);
        cr_expect(look(&page).is_tiny);
        page = page_of(2 << 1, 16);
        cr_expect_not(look(&page).is_tiny);
    }
}

Test(page_object, of_a_large_one_it_is_known)
{
    fake_heap_open(&fake, &GO_LAYOUTS[0], FAKE_TABLES);
    struct go_page page = page_of(1, SPAN_BYTES);
    page.span.limit = page.span.start + 10001;
    struct page_object object = look(&page);
    cr_expect(object.asked_min_bytes == 10001 && object.asked_max_bytes == 10001);
    cr_expect_str_eq(text_of_object(&object), "type        not known: it has no pointers, and no type is kept\n"
                                              "asked for   10001 B\n");
    page.span.limit = page.span.start + SPAN_BYTES + 1;
    cr_expect_eq(look(&page).asked_max_bytes, 0u, "it would end behind its span");
    page.span.limit = page.span.start - 1;
    cr_expect_eq(look(&page).asked_max_bytes, 0u);
    page.span.is_user_arena = true;
    cr_expect_eq(look(&page).asked_max_bytes, 0u);
}

Test(page_object, no_object_is_none)
{
    fake_heap_open(&fake, &GO_LAYOUTS[0], FAKE_TABLES);
    struct go_page page = page_of(40 << 1, 2048);
    page.slot.is_allocated = ANSWER_NO;
    cr_expect_not(look(&page).is_object);
    page.slot.is_allocated = ANSWER_NOT_KNOWN;
    cr_expect_not(look(&page).is_object);
    page.slot.is_allocated = ANSWER_YES;
    page.slot.is_slot = false;
    struct page_object object = look(&page);
    cr_expect_not(object.is_object);
    cr_expect_str_empty(text_of_object(&object));
}

Test(page_object, type_of_a_large_one_is_in_its_span_from_go1_22_on)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        const struct go_layout *layout = &GO_LAYOUTS[i];
        fake_heap_open(&fake, layout, FAKE_TABLES);
        bool has_types =
            layout->go_minor >= 22 && (layout->experiment == NULL || strcmp(layout->experiment, "noallocheaders") != 0);
        uintptr_t type = fake_heap_take(&fake, 128);
        fake_heap_put(&fake, type, 24, 8);
        fake_heap_put(&fake, type + 8, 8, 8);
        fake_heap_put(&fake, type + 23, GO_KIND_STRUCT, 1);
        struct go_page page = page_of(0, SPAN_BYTES);
        page.span.large_type = type;
        struct page_object object = look(&page);
        cr_expect_eq(object.type_why_not == NULL, has_types, "go1.%u", layout->go_minor);
        if (!has_types)
            continue;
        cr_expect(object.type == type && object.type_bytes == 24 && object.elements_max == SPAN_BYTES / 24);
        cr_expect_str_empty(object.type_name);
        text_of_object(&object);
        expect_in(
            "type        one that package reflect made, its name is not known, 24 B each, of which up to 682 fit");
        page.span.large_type = 0;
        cr_expect_str_eq(look(&page).type_why_not, "it is being allocated, its header is not written yet");
        page.span.large_type = type + 4;
        cr_expect_not_null(look(&page).type_why_not, "no descriptor lies there");
        page.span.is_user_arena = true;
        cr_expect_str_eq(look(&page).type_why_not, "a user arena keeps pointer bits, no types");
        page = page_of(40 << 1, 2048);
        cr_expect_str_eq(look(&page).type_why_not, "its malloc header cannot be read", "there is no such memory");
        page = page_of(20 << 1, 512);
        cr_expect_str_eq(look(&page).type_why_not, "objects of up to 512 B carry none");
    }
}

Test(page_object, name_does_no_harm_to_a_terminal)
{
    struct page_object object = {.is_object = true, .type_bytes = 8, .type_name = "main.\x1b[2Jx", .elements_max = 1};
    cr_expect_str_eq(text_of_object(&object), "type        main.?[2Jx, 8 B (descriptor 0x0)\n");
}

/* ---- maps ---- */

static struct page_maps one_owner(enum map_part part, struct map_place place)
{
    return (struct page_maps){
        .searched = 1,
        .owners_count = 1,
        .owners =
            {{.name = "main.cache", .type_name = "map[string]int", .header = 0xc000, .part = part, .place = place}},
    };
}

static const struct {
    enum map_part part;
    struct map_place place;
    const char *lines;
} PLACES[] = {
    {MAP_PART_HEADER, {.kind = MAP_PLACE_NONE}, "its header\n"},
    {MAP_PART_KEYS, {.kind = MAP_PLACE_NONE}, "its keys: what one points to\n"},
    {MAP_PART_BUCKETS, {.kind = MAP_PLACE_NONE}, "its slots\n            in none of its slots: "},
    {MAP_PART_BUCKETS,
     {.kind = MAP_PLACE_GROUP,
      .has_table = true,
      .table = 3,
      .number = 12,
      .start = 0xd000,
      .part = MAP_SLOT_KEY,
      .has_slot = true,
      .slot = 5,
      .state = MAP_SLOT_FULL},
     "its slots\n            group 12 of table 3 at 0xd000, slot 5 (which holds an entry), its key\n"},
    {MAP_PART_BUCKETS,
     {.kind = MAP_PLACE_GROUP,
      .start = 0xd000,
      .part = MAP_SLOT_CONTROL,
      .has_slot = true,
      .slot = 1,
      .state = MAP_SLOT_TOMBSTONE},
     "its only group at 0xd000, slot 1 (a tombstone), its control byte\n"},
    {MAP_PART_BUCKETS,
     {.kind = MAP_PLACE_BUCKET, .number = 7, .start = 0xd000, .part = MAP_SLOT_OVERFLOW},
     "bucket 7 at 0xd000, its pointer to the next bucket\n"},
    {MAP_PART_BUCKETS,
     {.kind = MAP_PLACE_BUCKET, .number = 7, .start = 0xd000, .part = MAP_SLOT_GAP},
     "bucket 7 at 0xd000, a gap between its slots\n"},
    {MAP_PART_OLD_BUCKETS,
     {.kind = MAP_PLACE_OLD_BUCKET,
      .number = 2,
      .start = 0xd000,
      .part = MAP_SLOT_ELEMENT,
      .has_slot = true,
      .state = MAP_SLOT_EVACUATED},
     "old bucket 2 at 0xd000, slot 0 (evacuated: what it held is in the new array), its element\n"},
    {MAP_PART_OVERFLOW,
     {.kind = MAP_PLACE_SINGLE,
      .number = 2,
      .origin = MAP_PLACE_SPARE,
      .chain = 4,
      .start = 0xd000,
      .part = MAP_SLOT_KEY,
      .has_slot = true,
      .state = MAP_SLOT_EMPTY},
     "an overflow bucket, number 4 of the chain of spare bucket 2 at 0xd000, slot 0 (empty), its key\n"},
    {MAP_PART_TABLES, {.kind = MAP_PLACE_TABLE, .has_table = true, .table = 9, .start = 0xd000}, "table 9 at 0xd000\n"},
    {MAP_PART_DEEP,
     {.kind = MAP_PLACE_DIRECTORY, .is_inner = true, .number = 4, .start = 0xd020},
     "of a map in it: word 4 of the directory at 0xd020\n"},
};

Test(page_object, each_place_in_a_map_has_its_words)
{
    for (unsigned i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        struct page_maps maps = one_owner(PLACES[i].part, PLACES[i].place);
        text_of_maps(&maps);
        expect_in("map         main.cache, map[string]int at 0xc000: its ");
        expect_in(PLACES[i].lines);
    }
}

Test(page_object, what_was_not_searched_is_said_so)
{
    struct page_maps maps = {.pattern = "main.*", .searched = 3, .entries = 1234, .left_out = 1};
    strcpy(maps.left_out_name, "main.huge");
    cr_expect_str_eq(text_of_maps(&maps), "map         none of 3 maps ('main.*', 1,234 entries); --deep follows their "
                                          "pointers further\n"
                                          "            1 was not searched, to be quick: --map main.huge\n");
    maps = (struct page_maps){
        .searched = 1, .entries = 1, .is_deep = true, .changed = 1, .cut = 3, .unread = 2, .unread_why = "it is gone"};
    cr_expect_str_eq(text_of_maps(&maps),
                     "map         none of 1 map (1 entry)\n"
                     "            2 could not be read: it is gone\n"
                     "            1 of them changed meanwhile\n"
                     "            3 of them not to the end: pointers lead to the same values again "
                     "and again (without --deep there are fewer)\n");
    maps = (struct page_maps){.why_not = "./app: has no debug information"};
    cr_expect_str_eq(text_of_maps(&maps), "map         not searched: ./app: has no debug information\n");
}
