/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers about maps of a made program: the join of what the walk finds with the heap and with what is resident.
 */
#include "dump/map_answer.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/support/fake_go.h"

enum { GO_MINOR = 26, KEY_BYTES = 20, KEY_SLOT_BYTES = 24, OS_PAGE_BYTES = 4096 };

static struct fake_go go;
static struct map_answer answer;
static uintptr_t plain, string;

static void open_go(void)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        if (GO_LAYOUTS[i].go_minor == GO_MINOR && GO_LAYOUTS[i].experiment == NULL)
            fake_go_open(&go, &GO_LAYOUTS[i]);
    }
    fake_heap_grow(&go.heap, FAKE_ARENAS, GO_ARENA_BYTES);
    plain = fake_type_plain(&go, GO_KIND_INT64, 8);
    string = fake_type_string(&go);
}

/* The first OS page of each Go page is resident. */
static int scan_half(struct residency *residency, uintptr_t start, uintptr_t end, residency_callback *callback,
                     void *context)
{
    (void)residency;
    for (uintptr_t page = start; page < end; page += GO_PAGE_BYTES)
        callback(context,
                 &(struct residency_run){
                     .start = page, .end = page + OS_PAGE_BYTES, .kind = RESIDENCY_RESIDENT, .is_huge = false});
    return 0;
}

static void ask(uintptr_t map, uintptr_t type, bool is_deep)
{
    static struct map_path path;
    struct residency residency = {
        .fd = -1, .method = RESIDENCY_BY_BACK_END, .back_end = scan_half, .os_page_bytes = OS_PAGE_BYTES};
    path = (struct map_path){
        .name = "main.m", .type_name = "map", .type = type, .base = map, .is_absolute = true, .is_header = true};
    const struct map_source source = {
        .heap = &go.found,
        .residency = &residency,
        .image_start = FAKE_TYPES,
        .image_end = FAKE_TYPES + FAKE_TYPES_BYTES,
        .os_page_bytes = OS_PAGE_BYTES,
        .is_deep = is_deep,
    };
    go.heap.reads = 0;
    map_answer_make(&answer, &path, &source);
}

/* A map of one group, its group as well. */
static uintptr_t small_map(uintptr_t type, uint64_t count, uintptr_t *group)
{
    uintptr_t map = fake_map(&go, count);
    fake_map_set_group(&go, map, *group = fake_groups(&go, type, 1));
    return map;
}

static uintptr_t put_string(uintptr_t at, uint64_t length)
{
    uintptr_t bytes = fake_object(&go, length);
    fake_go_put(&go, at, bytes);
    fake_go_put(&go, at + 8, length);
    return bytes;
}

static void expect_calm(void)
{
    cr_assert_null(answer.why, "%s", answer.why);
    cr_expect_eq(answer.torn_reads + answer.unknown_objects + answer.unfollowed + answer.spent_bytes, 0u);
    cr_expect_eq(answer.attempts, 1u);
}

/* Keys alone on their page, until a stranger comes there. */
Test(map_answer, parts_pages_and_what_is_held_alone)
{
    enum { ENTRIES = 5 };
    open_go();
    uintptr_t type = fake_type_map(&go, string, plain), group, element, map = small_map(type, ENTRIES, &group);
    for (unsigned slot = 0; slot < ENTRIES; slot++)
        put_string(fake_slot_fill(&go, type, group, slot, &element), KEY_BYTES);
    ask(map, type, false);
    expect_calm();
    const struct map_part_sizes *keys = &answer.parts[MAP_PART_KEYS];
    cr_expect_eq(answer.address, map);
    cr_expect(answer.entries == ENTRIES && answer.count == ENTRIES && answer.capacity == FAKE_SLOTS);
    uint64_t slot_bytes = fake_object_slot_bytes(KEY_BYTES);
    cr_expect(keys->objects == ENTRIES && keys->asked_bytes == ENTRIES * KEY_BYTES &&
              keys->allocated_bytes == ENTRIES * slot_bytes);
    cr_expect(keys->go_pages == 1 && keys->spans_bytes == GO_PAGE_BYTES && keys->resident_bytes == OS_PAGE_BYTES);
    cr_expect_eq(answer.naive_bytes, ENTRIES * (16 + 8 + KEY_BYTES), "%lu", answer.naive_bytes);
    cr_expect_eq(answer.total.objects, ENTRIES + 2);
    cr_expect_eq(answer.total.asked_bytes, answer.parts[MAP_PART_HEADER].asked_bytes +
                                               answer.parts[MAP_PART_BUCKETS].asked_bytes + ENTRIES * KEY_BYTES);
    /* The header, the group and the keys: a span each, with nothing else in it. */
    cr_expect(answer.total.go_pages == 3 && answer.resident_go_pages == 3 &&
              answer.total.resident_bytes == 3 * OS_PAGE_BYTES);
    cr_expect(answer.alone_go_pages == 3 && answer.shared_go_pages == 0 && answer.alone_bytes == 3 * OS_PAGE_BYTES);
    cr_expect_eq(answer.alone_spans_bytes, answer.total.spans_bytes);
    fake_object(&go, KEY_BYTES);
    ask(map, type, false);
    expect_calm();
    cr_expect(answer.alone_go_pages == 2 && answer.shared_go_pages == 1 && answer.total.go_pages == 3);
    cr_expect_eq(answer.alone_spans_bytes, answer.total.spans_bytes - GO_PAGE_BYTES);
}

/* Parts of one large string: an object, of which `asked` has the first; naive has them all. */
Test(map_answer, naive_has_each_string_of_a_shared_object)
{
    enum { ENTRIES = 8, LITERAL_BYTES = 12 };
    open_go();
    uintptr_t type = fake_type_map(&go, string, string), group, element, map = small_map(type, ENTRIES, &group);
    uintptr_t buffer = fake_object(&go, ENTRIES * KEY_BYTES);
    for (unsigned slot = 0; slot < ENTRIES; slot++) {
        uintptr_t key = fake_slot_fill(&go, type, group, slot, &element);
        fake_go_put(&go, key, buffer + slot * KEY_BYTES);
        fake_go_put(&go, key + 8, KEY_BYTES);
        fake_go_put(&go, element, FAKE_TYPES);
        fake_go_put(&go, element + 8, LITERAL_BYTES);
    }
    ask(map, type, false);
    expect_calm();
    cr_expect(answer.parts[MAP_PART_KEYS].objects == 1 && answer.parts[MAP_PART_KEYS].asked_bytes == KEY_BYTES);
    cr_expect_eq(answer.total.image_bytes, LITERAL_BYTES);
    cr_expect_eq(answer.naive_bytes, ENTRIES * (16 + 16 + KEY_BYTES + LITERAL_BYTES), "%lu", answer.naive_bytes);
}

/* From the second reading on the header says another thing each time. */
static uintptr_t moving;
static unsigned moves;

static void move_map(struct fake_heap *heap, uintptr_t address, uint64_t bytes)
{
    (void)heap;
    (void)bytes;
    if (address == moving && moves++ > 0)
        fake_go_put_field(&go, moving, go.heap.layout->swiss_directory, FAKE_ARENAS + moves * sizeof(uint64_t));
}

static void begin_moving(uintptr_t map)
{
    moving = map;
    moves = 0;
    go.heap.hook = move_map;
}

/* A second walk would come no further, even of a map that changed. */
Test(map_answer, a_walk_that_is_cut_short_is_not_made_again)
{
    enum { SLICES = 60000, ELEMENTS = 120000, HEADER_BYTES = 24 };
    open_go();
    uintptr_t pointer = fake_type_of(&go, GO_KIND_POINTER, plain), inner = fake_type_of(&go, GO_KIND_SLICE, pointer);
    uintptr_t type = fake_type_map(&go, plain, fake_type_of(&go, GO_KIND_SLICE, inner)), group, at;
    uintptr_t map = small_map(type, 1, &group), array = fake_object(&go, ELEMENTS * sizeof(uint64_t));
    uintptr_t slices = fake_object(&go, SLICES * (uint64_t)HEADER_BYTES);
    for (uint64_t i = 0; i < SLICES; i++) {
        fake_go_put(&go, slices + i * HEADER_BYTES, array);
        fake_go_put(&go, slices + i * HEADER_BYTES + 16, ELEMENTS - i);
    }
    fake_slot_fill(&go, type, group, 0, &at);
    fake_go_put(&go, at, slices);
    fake_go_put(&go, at + 16, SLICES);
    begin_moving(map);
    ask(map, type, true);
    cr_assert_null(answer.why, "%s", answer.why);
    cr_expect_eq(answer.attempts, 1u);
    cr_expect_gt(answer.spent_bytes, 64u << 20);
    cr_expect_eq(answer.torn_reads, 1u, "the map that changed, not what was left out: %lu", answer.torn_reads);
    cr_expect_eq(answer.unknown_objects + answer.unfollowed, 0u);
}

Test(map_answer, a_map_that_changes_is_walked_again_a_few_times)
{
    uintptr_t group;
    open_go();
    uintptr_t type = fake_type_map(&go, plain, plain), map = small_map(type, 0, &group);
    begin_moving(map);
    ask(map, type, false);
    cr_assert_null(answer.why, "%s", answer.why);
    cr_expect_eq(answer.attempts, 3u);
    cr_expect_eq(answer.spent_bytes, 0u);
}

Test(map_answer, what_is_no_map_has_a_reason_and_an_address)
{
    uintptr_t group;
    open_go();
    uintptr_t type = fake_type_map(&go, plain, plain), map = small_map(type, 0, &group);
    ask(map, string, false);
    cr_assert_not_null(answer.why);
    cr_expect_eq(answer.address, map);
    cr_expect_eq(answer.total.objects, 0u);
    go.found.mheap = 0x1000;
    ask(map, type, false);
    cr_assert_not_null(answer.why);
    cr_expect_not_null(strstr(answer.why, "cannot be read"), "%s", answer.why);
}
