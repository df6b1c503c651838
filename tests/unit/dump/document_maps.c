/* SPDX-License-Identifier: Apache-2.0
 *
 * What is written of a map: every number under its key, nothing where nothing is known.
 */
#include "dump/document_maps.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/support/json_file.h"
#include "tests/unit/support/made_map.h"

static struct json_file file;

static struct json_t *written(const struct map_answer *answer)
{
    json_file_open(&file);
    json_begin_object(&file.json, NULL);
    document_write_maps(&file.json, "maps", answer, 1);
    json_end_object(&file.json);
    struct json_t *parsed = json_file_parse(&file);
    json_file_close(&file);
    return parsed;
}

Test(document_maps, every_number_stands_under_its_key)
{
    static const struct {
        const char *place;
        int64_t number;
    } NUMBERS[] = {
        {"entries", 1000},
        {"count", 1001},
        {"capacity", 2048},
        {"tombstones", 7},
        {"buckets", 256},
        {"old_buckets", 0},
        {"evacuated_buckets", 0},
        {"overflow_buckets", 0},
        {"tables", 2},
        {"directory_slots", 4},
        {"key_bytes", 16},
        {"element_bytes", 17},
        {"parts.0.objects", 1},
        {"parts.2.objects", 5},
        {"parts.2.asked", 81920},
        {"parts.2.allocated", 81921},
        {"parts.2.in_spans", 81922},
        {"parts.2.pages", 10},
        {"parts.2.resident", 81923},
        {"parts.3.image", 100},
        {"total.objects", 2982},
        {"total.asked", 118052},
        {"total.allocated", 131208},
        {"total.in_spans", 147456},
        {"total.pages", 26},
        {"total.resident", 196608},
        {"total.image", 201},
        {"pages_resident", 24},
        {"pages_alone", 19},
        {"pages_shared", 6},
        {"alone", 147457},
        {"alone_spans", 90112},
        {"huge", 65536},
        {"naive", 57000},
        {"remade.capacity", 1024},
        {"remade.bytes", 40960},
        {"grown.entries", 1792},
        {"grown.capacity", 4096},
        {"grown.bytes", 163840},
        {"torn_reads", 9},
        {"attempts", 2},
        {"unknown_objects", 8},
        {"unfollowed", 10},
        {"spent", 123457},
        {"walk_ns", 123456},
    };
    struct map_answer answer = made_map_swiss();
    struct json_t *row = written(&answer);
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        char place[64];
        snprintf(place, sizeof place, "maps.0.%s", NUMBERS[i].place);
        cr_expect_eq(parsed_integer(row, place), NUMBERS[i].number, "%s", place);
    }
    cr_expect_str_eq(parsed_string(row, "maps.0.name"), "main.cache");
    cr_expect_str_eq(parsed_string(row, "maps.0.type"), "map[string]string");
    cr_expect_str_eq(parsed_string(row, "maps.0.design"), "swiss");
    cr_expect_str_eq(parsed_string(row, "maps.0.parts.5.part"), "deep");
    cr_expect_eq(parsed_address(row, "maps.0.address"), 0xc000123000);
    cr_expect(parsed_is_null(row, "maps.0.why"));
    cr_expect_eq(parsed_size(row, "maps.0.parts"), 6, "parts that are not there have no row");
    cr_expect(parsed_has(row, "maps.0.deep"));
    parsed_free(row);
}

Test(document_maps, where_nothing_is_known_nothing_is_said)
{
    struct map_answer answer = made_map_not_known();
    struct json_t *row = written(&answer);
    cr_expect_str_eq(parsed_string(row, "maps.0.why"), "a pointer on the way to it is nil");
    cr_expect_str_eq(parsed_string(row, "maps.0.name"), "main.srv.cache");
    cr_expect_eq(parsed_size(row, "maps.0"), 3);
    parsed_free(row);
    answer = made_map_nil();
    row = written(&answer);
    cr_expect_str_eq(parsed_string(row, "maps.0.address"), "0x0");
    cr_expect_eq(parsed_integer(row, "maps.0.total.pages"), 0);
    cr_expect_eq(parsed_size(row, "maps.0.parts"), 0);
    parsed_free(row);
}

Test(document_maps, without_a_heap_each_map_has_the_heaps_reason)
{
    static struct map_path paths[2];
    struct go_heap heap = {.why = "this Go version is not known"};
    const struct map_source source = {.heap = &heap};
    struct bump bump;
    cr_assert_eq(bump_open(&bump, 1 << 20), 0);
    snprintf(paths[0].name, sizeof paths[0].name, "main.a");
    snprintf(paths[1].name, sizeof paths[1].name, "main.b");
    const struct map_answer *answers = map_answers_make(paths, 2, &source, &bump);
    cr_assert_not_null(answers);
    cr_expect_str_eq(answers[1].why, "this Go version is not known");
    cr_expect_str_eq(answers[0].name, "main.a");
    cr_expect_str_eq(answers[1].name, "main.b");
    cr_expect_null(map_answers_make(paths, 1 << 20, &source, &bump), "the reserve is used up");
    bump_close(&bump);
}
