/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of `report --html`: its data are those of the dump, and nothing in a dump becomes markup. What a browser
 * makes of it is tested by tests/e2e/html.c.
 */
#include "html_fixture.h"

#include "harness/html_sites.h"

TestSuite(html_report, .init = open_directory, .fini = close_directory);

/* ---- the data ---- */

static bool is_zeros(const json_t *sizes)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)sizes, key, value)
    {
        if (json_integer_value(value) != 0)
            return false;
    }
    return true;
}

/* Something in every list, null where it may be. */
static json_t *full_document(void)
{
    json_t *document = fixture_document();
    fixture_change(document, "rss/peak", "null");
    fixture_change(document, "environment/thp/khugepaged_max_ptes_none", "511");
    fixture_change(document, "rss/classes/later",
                   "{\"mapped\":1,\"resident\":2,\"swapped\":3,\"huge\":4,\"lazyfree\":5}");
    fixture_change(document, "go/heaps/0/gc/percent", "-1");
    fixture_change(document, "threads",
                   "[{\"tid\":7,\"name\":null,\"start\":\"0x1000\",\"end\":\"0x9000\",\"resident\":4096,"
                   "\"stack_pointer\":null,\"resident_below\":null}]");
    fixture_change(document, "findings",
                   "[{\"id\":\"lazyfree\",\"bytes\":7,\"text\":\"a\",\"advice\":\"b\",\"evidence\":{\"enabled\":"
                   "\"always\",\"huge_bytes\":9223372036854775807}}]");
    return document;
}

/* The rows of the text report, with their stacks; where there are no files, addresses. */
Test(html_report, call_sites_are_there_with_their_stacks)
{
    static const char SITE[] =
        "{\"id\":%d,\"by\":\"%s\",\"op\":\"mmap\",\"detail\":\"rw-\",\"purpose\":%s,\"calls\":3,\"errors\":0,"
        "\"bytes\":9000,\"unmapped\":0,\"resident\":%d,\"first_since_start_ns\":1,\"last_since_start_ns\":2,"
        "\"pcs\":[\"0x10\",\"0x%x\"]}";
    char sites[4096], *to = sites;
    *to++ = '[';
    for (int i = 0; i < HTML_SITE_ROWS_MAX + 2; i++, *to++ = ',')
        to += sprintf(to, SITE, 2 + i, "c", "null", 4096 * (i + 1), 0x20 + i);
    to += sprintf(to, SITE, 90, "go", "\"GC bits\"", 8192, 0x90);
    *to++ = ',';
    to += sprintf(to, SITE, 91, "c", "\"malloc\"", 1 << 30, 0x91); /* c.heap, and nobody's deed */
    strcpy(to, "]");
    json_t *source = full_document();
    fixture_change(source, "callsites", sites);
    struct html_dump dump = checked(source);
    char *page = page_of(&dump, 1);
    json_t *data = data_of(page);
    const json_t *subjects = json_object_get(written_dump(data, 0), "sites");
    cr_assert_eq(json_array_size(subjects), 2u);
    const json_t *of_c = json_array_get(subjects, 0), *of_go = json_array_get(subjects, 1);
    cr_expect_str_eq(json_string_value(json_object_get(of_c, "of")), "c.mmap, resident");
    cr_expect_eq(json_array_size(json_object_get(of_c, "rows")), HTML_SITE_ROWS_MAX);
    cr_expect_eq(json_integer_value(json_object_get(of_c, "left_out")), 2);
    const json_t *first = json_array_get(json_object_get(of_c, "rows"), 0);
    cr_expect_eq(json_integer_value(json_object_get(first, "bytes")), 4096 * (HTML_SITE_ROWS_MAX + 2));
    cr_expect_eq(json_integer_value(json_object_get(first, "calls")), 3);
    const json_t *stack = json_object_get(first, "stack");
    cr_assert_eq(json_array_size(stack), 2u);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(stack, 0), "function")), "0x10");
    cr_expect(json_is_true(json_object_get(of_go, "is_by_purpose")));
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(json_object_get(of_go, "rows"), 0), "who")),
                     "GC bits");
    json_decref(data);
    json_decref(source);
    free(page);
}

Test(html_report, data_are_those_of_the_dump)
{
    json_t *source = full_document();
    struct html_dump dump = checked(source);
    char *page = page_of(&dump, 1);
    json_t *data = data_of(page);
    json_t *written = written_dump(data, 0);
    cr_expect_str_eq(json_string_value(json_object_get(written, "file")), "shop.json");
    json_object_del(written, "file");
    cr_expect(is_zeros(json_object_get(written, "left_out")));
    json_object_del(written, "left_out");
    cr_expect_eq(json_array_size(json_object_get(written, "sites")), 0u); /* it has no call sites */
    json_object_del(written, "sites");
    cr_expect_eq(json_array_size(json_object_get(written, "nameless")), 0u);
    json_object_del(written, "nameless");
    /* What the heap profile says to people, in its place. */
    const json_t *keepers = json_object_get(written, "keepers");
    const json_t *keeper = json_array_get(json_object_get(keepers, "rows"), 0);
    cr_expect_eq(json_integer_value(json_object_get(keepers, "rate")), 524288);
    cr_expect_eq(json_array_size(json_object_get(keepers, "rows")), 1u);
    cr_expect_eq(json_integer_value(json_object_get(keeper, "pinned")), 8192);
    cr_expect_str_eq(json_string_value(json_object_get(keeper, "who")), "0x492ea5 < 0x493d2f");
    cr_expect_eq(json_array_size(json_object_get(keeper, "stack")), 2u);
    json_object_del(written, "keepers");
    json_object_del(json_object_get(source, "go"), "profile");
    cr_expect_eq(json_object_size(written), 14u);
    const char *key;
    json_t *value;
    json_object_foreach(written, key, value)
        cr_expect(json_equal(value, json_object_get(source, key)), "%s is another", key);

    /* Nothing that the command reads is missing. */
    struct dump again;
    struct error error;
    cr_expect(dump_decode(&again, written, &error), "%s", error.text);
    dump_free(&again);
    json_decref(data);
    json_decref(source);
    free(page);
}

Test(html_report, names_of_classes_and_states_are_explained)
{
    struct html_dump dump = checked(fixture_document());
    char *page = page_of(&dump, 1);
    json_t *data = data_of(page);
    const json_t *classes = json_object_get(data, "classes"), *states = json_object_get(data, "page_states");
    cr_expect_eq(json_array_size(classes), (size_t)CLASS_COUNT);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(classes, CLASS_GO_FREE), "name")), "go.free");
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(states, 0), "letter")), "o");
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(states, 0), "meaning")), "holds an object");
    json_decref(data);
    json_decref(dump.document);
    free(page);
}

/* ---- what hostile texts can do ---- */

#define HOSTILE "</script><img src=x onerror=alert(1)><!--<script>&lt;\xe2\x80\xa8\xe2\x80\xa9\\\"'{{script}}"

Test(html_report, texts_of_a_dump_never_become_markup)
{
    static const char *const PLACES[] = {
        "label",
        "phase",
        "reason",
        "time/utc",
        "process/comm",
        "process/host",
        "process/exe",
        "maps/0/name",
        "environment/godebug",
        "go/heaps/0/module",
        "books/shim/how",
        "maps/0/class",
        "maps/0/perms",
        "go/advice/0/advice",
        "environment/go_version",
        "books/goruntime/missing/0/why",
    };
    struct html_dump plain = checked(fixture_document());
    char *plain_page = page_of(&plain, 1);
    json_t *plain_data = data_of(plain_page);
    json_t *document = fixture_document();
    json_t *hostile_text = json_pack("s", HOSTILE); /* json_string is the shim's here */
    char *hostile_json = json_dumps(hostile_text, JSON_ENCODE_ANY);
    for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++)
        fixture_change(document, PLACES[i], hostile_json);
    json_object_set_new(
        json_object_get(json_object_get(document, "rss"), "classes"), "<b>",
        json_deep_copy(json_object_get(json_object_get(json_object_get(document, "rss"), "classes"), "libs")));
    struct html_dump hostile = checked(document);
    hostile.file = HOSTILE;
    char *page = page_of(&hostile, 1);
    char *text = take_data(page);
    cr_expect_str_eq(page, plain_page, "the data change the page around them");
    cr_expect_null(strpbrk(text, "<>&"));
    cr_expect_null(strstr(text, "\xe2\x80\xa8"));
    cr_expect_null(strstr(text, "\xe2\x80\xa9"));

    json_t *data = json_loads(text, 0, NULL);
    const json_t *written = written_dump(data, 0);
    cr_expect_str_eq(json_string_value(json_object_get(written, "label")), HOSTILE);
    cr_expect_str_eq(json_string_value(json_object_get(written, "phase")), HOSTILE);
    cr_expect_str_eq(json_string_value(json_object_get(written, "file")), HOSTILE);
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(written, "process"), "comm")), HOSTILE);
    json_decref(data);
    json_decref(plain_data);
    json_decref(hostile_text);
    json_decref(plain.document);
    json_decref(hostile.document);
    free(hostile_json);
    free(text);
    free(page);
    free(plain_page);
}

Test(html_report, name_of_a_file_may_be_any_bytes)
{
    struct html_dump dump = checked(fixture_document());
    dump.file = "caf\xe9-\xc3\xa9.json";
    char *page = page_of(&dump, 1);
    json_t *data = data_of(page);
    cr_expect_str_eq(json_string_value(json_object_get(written_dump(data, 0), "file")), "caf?-??.json");
    json_decref(data);
    json_decref(dump.document);
    free(page);
}

static unsigned count_text(const char *text, const char *part)
{
    unsigned count = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

/* The template's own parts could break it as well. */
Test(html_report, page_is_one_whole_document_that_loads_nothing)
{
    static const struct {
        const char *text;
        unsigned count;
    } CASES[] = {
        {"<!doctype html>", 1},
        {"<script", 2},
        {"</script", 2},
        {"<style", 1},
        {"</style", 1},
        {"</html>", 1},
        {"{{", 0},
        {"}}</", 0},
        {"src=", 0},
        {"<link", 0},
        {"@import", 0},
        {"url(", 0},
        {"fetch(", 0},
        {"https://", 0},
        {"innerHTML", 0},
        {" style=\"", 0},
        {"default-src 'none'", 1},
    };
    struct html_dump dump = checked(fixture_document());
    char *page = page_of(&dump, 1);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_eq(count_text(page, CASES[i].text), CASES[i].count, "%s", CASES[i].text);
    cr_expect_eq(strncmp(page, "<!doctype html>", 15), 0);
    json_decref(dump.document);
    free(page);
}
