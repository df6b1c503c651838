/* SPDX-License-Identifier: Apache-2.0
 *
 * Watched maps on their way from the shim's writer to a report and a comparison, and what of them a dump may not say.
 */
#include "dump_fixture.h"

#include "dump/document_maps.h"
#include "harness/diff.h"
#include "harness/report.h"
#include "tests/unit/support/files.h"
#include "tests/unit/support/made_map.h"

/* As document_write_maps writes them, an array. */
static char *written(const struct map_answer *answers, uint32_t count)
{
    static char buffer[JSON_BUFFER_BYTES];
    struct json json;
    struct memory_file file = memory_file_make("", 0);
    json_open(&json, file.fd, buffer);
    document_write_maps(&json, NULL, answers, count);
    cr_assert_eq(json_finish(&json), 0);
    char *text = memory_file_content(&file);
    memory_file_close(&file);
    return text;
}

static json_t *document_with(const struct map_answer *answers, uint32_t count)
{
    json_t *document = fixture_document();
    char *text = written(answers, count);
    fixture_change(document, "go/maps", text);
    free(text);
    return document;
}

static void load(struct dump *dump, const struct map_answer *answers, uint32_t count)
{
    struct error error;
    cr_assert(fixture_load_document(dump, document_with(answers, count), &error), "%s", error.text);
}

Test(dump_maps, what_was_written_is_read_again)
{
    const struct map_answer answers[] = {made_map_swiss(), made_map_growing(), made_map_nil(), made_map_not_known()};
    struct dump dump;
    load(&dump, answers, 4);
    cr_assert_eq(dump.go_maps_count, 4u);
    for (int i = 0; i < 4; i++) {
        const struct map_answer *is = &dump.go_maps[i], *was = &answers[i];
        cr_expect_str_eq(is->name, was->name);
        cr_expect_str_eq(is->type_name, was->type_name);
        cr_expect_eq(is->design, was->design);
        cr_expect_eq(is->attempts, was->attempts);
        cr_expect_eq(is->is_deep, was->is_deep);
        cr_expect_arr_eq(is->parts, was->parts, sizeof is->parts);
        cr_expect_arr_eq(&is->total, &was->total, sizeof is->total);
        /* All numbers between the first and the parts, between the parts and the end, none left out. */
        cr_expect_arr_eq(&is->address, &was->address,
                         offsetof(struct map_answer, parts) - offsetof(struct map_answer, address));
        cr_expect_arr_eq(&is->resident_go_pages, &was->resident_go_pages,
                         offsetof(struct map_answer, attempts) - offsetof(struct map_answer, resident_go_pages));
        cr_expect_eq(is->unknown_objects, was->unknown_objects);
        cr_expect_eq(is->walk_ns, was->walk_ns);
    }
    cr_expect_null(dump.go_maps[2].why);
    cr_expect_str_eq(dump.go_maps[3].why, "a pointer on the way to it is nil");
    dump_free(&dump);
}

Test(dump_maps, parts_of_a_later_version_are_no_error)
{
    const struct map_answer answer = made_map_swiss();
    json_t *document = document_with(&answer, 1);
    struct dump dump;
    struct error error;
    fixture_change(document, "go/maps/0/parts/0/part", "\"trailer\"");
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    cr_expect_eq(dump.go_maps[0].parts[MAP_PART_HEADER].objects, 0u);
    cr_expect_eq(dump.go_maps[0].parts[MAP_PART_KEYS].objects, 990u);
    dump_free(&dump);
}

Test(dump_maps, what_older_dumps_do_not_have_is_none)
{
    const struct map_answer answer = made_map_swiss();
    json_t *document = document_with(&answer, 1);
    struct dump dump;
    struct error error;
    fixture_change(document, "go/maps/0/unfollowed", NULL);
    fixture_change(document, "go/maps/0/spent", NULL);
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    cr_expect_eq(dump.go_maps[0].unfollowed | dump.go_maps[0].spent_bytes, 0u);
    cr_expect_eq(dump.go_maps[0].torn_reads, 9u);
    dump_free(&dump);
}

Test(dump_maps, wrong_rows_are_refused_by_their_place)
{
    static const struct {
        const char *place, *json, *why;
    } CASES[] = {
        {"go/maps", "{}", "go.maps is"},
        {"go/maps/0", "7", "go.maps[0]"},
        {"go/maps/0/name", "null", "go.maps[0].name is"},
        {"go/maps/0/why", NULL, "go.maps[0].why is"},
        {"go/maps/0/design", "\"tree\"", "go.maps[0].design is neither buckets nor swiss"},
        {"go/maps/0/attempts", "4294967296", "go.maps[0].attempts is more"},
        {"go/maps/0/deep", "1", "go.maps[0].deep is neither true nor false"},
        {"go/maps/0/entries", "-1", "go.maps[0].entries is negative"},
        {"go/maps/0/address", "5", "go.maps[0].address is"},
        {"go/maps/0/remade/bytes", NULL, "go.maps[0].remade.bytes is"},
        {"go/maps/0/parts", "{}", "go.maps[0].parts is"},
        {"go/maps/0/parts/1/pages", NULL, "go.maps[0].parts[1].pages is"},
        {"go/maps/0/parts/1/part", "null", "go.maps[0].parts[1].part is"},
        {"go/maps/0/total/image", "1.5", "go.maps[0].total.image is"},
        {"go/maps/0/spent", "-1", "go.maps[0].spent is negative"},
    };
    const struct map_answer answer = made_map_swiss();
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct dump dump;
        struct error error;
        json_t *document = document_with(&answer, 1);
        fixture_change(document, CASES[i].place, CASES[i].json);
        cr_expect_not(fixture_load_document(&dump, document, &error), "%s", CASES[i].place);
        cr_expect_not_null(strstr(error.text, CASES[i].why), "%s: %s", CASES[i].place, error.text);
    }
}

/* ---- report and diff ---- */

static char *text;
static size_t text_bytes;

/* For free. */
static char *report_of(const struct dump *dump, uint32_t top_rows)
{
    const struct report_options options = {.width_columns = UINT32_MAX, .top_rows = top_rows};
    FILE *out = open_memstream(&text, &text_bytes);
    report_write_dump(out, dump, "shop.json", &options);
    fclose(out);
    return text;
}

Test(dump_maps, a_report_has_a_row_for_each)
{
    const struct map_answer answers[] = {made_map_growing(), made_map_swiss(), made_map_not_known()};
    struct dump dump;
    load(&dump, answers, 3);
    char *report = report_of(&dump, 0);
    const char *section = strstr(report, "maps that are watched");
    cr_assert_not_null(section, "%s", report);
    cr_expect_not_null(
        strstr(section, " 192 KiB  144 KiB     26    1,000     131 B  buckets 80.0 KiB  main.cache map["), "%s",
        section);
    cr_expect_not_null(strstr(section, "main.srv.cache: a pointer on the way to it is nil"), "%s", section);
    cr_expect_not_null(strstr(section, "1 of them changed while they were read\n"
                                       "1 of them lead to more than was followed: gopagewatch map tells why\n"),
                       "%s", section);
    free(report);
    report = report_of(&dump, 1);
    cr_expect_not_null(strstr(report, "... 2 more maps (--top N)"), "%s", report);
    free(report);
    dump_free(&dump);
    load(&dump, answers, 0);
    report = report_of(&dump, 0);
    cr_expect_null(strstr(report, "maps that are watched"), "%s", report);
    free(report);
    dump_free(&dump);
}

Test(dump_maps, names_do_not_speak_to_the_terminal)
{
    struct map_answer answer = made_map_swiss();
    answer.name = "main.\033[31mred";
    struct dump dump;
    load(&dump, &answer, 1);
    char *report = report_of(&dump, 0);
    cr_expect_null(strchr(report, '\033'), "%s", report);
    free(report);
    dump_free(&dump);
}

Test(dump_maps, a_comparison_tells_what_they_did)
{
    struct map_answer answers[] = {made_map_swiss(), made_map_growing()};
    struct dump dumps[2];
    struct error error;
    load(&dumps[0], answers, 1);
    answers[0].entries = 1500;
    answers[0].total.resident_bytes = 2 * 196608;
    load(&dumps[1], answers, 2);
    FILE *out = open_memstream(&text, &text_bytes);
    const struct diff_options options = {.width_columns = UINT32_MAX};
    cr_assert(
        diff_write(out, &(struct diff_side){&dumps[0], "a"}, &(struct diff_side){&dumps[1], "b"}, &options, &error));
    fclose(out);
    const char *section = strstr(text, "by watched map, resident of its pages");
    cr_assert_not_null(section, "%s", text);
    cr_expect_not_null(strstr(section, "main.cache  192 KiB  384 KiB  +192 KiB  +100.0     1500    +500\n"), "%s",
                       section);
    cr_expect_not_null(strstr(section, "main.old          0   32 KiB   +32 KiB     new       14     +14\n"), "%s",
                       section);
    free(text);
    dump_free(&dumps[0]);
    dump_free(&dumps[1]);
}
