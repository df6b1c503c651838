/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of `report --html`: its data are those of the dump, nothing in a dump becomes markup, it stays small, and it
 * is there whole or not at all. What a browser makes of it is tested by tests/e2e/html.c.
 */
#include "dump_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "harness/dump_decode.h"
#include "harness/html_report.h"
#include "harness/html_sites.h"
#include "memory/units.h"
#include "tests/unit/support/files.h"
#include "tests/unit/support/random.h"

static const char DATA_BEGIN[] = "<script type=\"application/json\" id=\"data\">";
static const char DATA_END[] = "</script>";

static struct temporary_directory directory;

static void open_directory(void)
{
    temporary_directory_make(&directory);
}

static void close_directory(void)
{
    temporary_directory_remove(&directory);
}

TestSuite(html_report, .init = open_directory, .fini = close_directory);

static char *file_content(const char *path)
{
    FILE *file = fopen(path, "re");
    cr_assert_not_null(file, "%s", path);
    fseek(file, 0, SEEK_END);
    long bytes = ftell(file);
    char *content = calloc(1, (size_t)bytes + 1);
    rewind(file);
    cr_assert_eq(fread(content, 1, (size_t)bytes, file), (size_t)bytes);
    fclose(file);
    return content;
}

/* The page of these dumps. */
static char *page_of(const struct html_dump *dumps, uint32_t dumps_count)
{
    char path[FILE_PATH_BYTES];
    struct error error;
    path_in(&directory, "page.html", path);
    cr_assert(html_report_write(path, dumps, dumps_count, &error), "%s", error.text);
    return file_content(path);
}

/* Runs the command; what it says is left in `said`. */
static enum exit_code run(const char *page_path, char **dump_paths, uint32_t count, char *said, uint64_t said_bytes)
{
    struct captured_stderr captured;
    capture_stderr_begin(&captured);
    enum exit_code code = html_report_run(page_path, dump_paths, count, NULL);
    capture_stderr_end(&captured, said, said_bytes);
    return code;
}

/* Cuts the data out of a page. */
static char *take_data(char *page)
{
    char *begin = strstr(page, DATA_BEGIN);
    cr_assert_not_null(begin);
    begin += strlen(DATA_BEGIN);
    char *end = strstr(begin, DATA_END);
    cr_assert_not_null(end);
    char *data = strndup(begin, (size_t)(end - begin));
    memmove(begin, end, strlen(end) + 1);
    return data;
}

static json_t *data_of(char *page)
{
    char *text = take_data(page);
    json_error_t error;
    json_t *data = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(data, "%s at %d", error.text, error.position);
    free(text);
    return data;
}

static json_t *written_dump(json_t *data, size_t index)
{
    return json_array_get(json_object_get(data, "dumps"), index);
}

/* As dump_load_document would give it. */
static struct html_dump checked(json_t *document)
{
    struct dump dump;
    struct error error;
    cr_assert(dump_decode(&dump, document, &error), "%s", error.text);
    dump_free(&dump);
    return (struct html_dump){"shop.json", document, NULL};
}

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

/* ---- sizes ---- */

enum { LARGE_ARENAS = 256, PAGE_BYTES_MAX = 5000000 };

/* No two pages alike: no string can be longer. */
static void make_pages(struct random *random, char *pages)
{
    static const char LETTERS[] = "ouUOsSfFrR";
    for (unsigned i = 0; i < GO_ARENA_PAGES; i++) {
        do {
            pages[i] = LETTERS[random_below(random, sizeof LETTERS - 1)];
        } while (i > 0 && pages[i] == pages[i - 1]);
    }
    pages[GO_ARENA_PAGES] = '\0';
}

/* The fixture with 16 GiB of arenas. */
static json_t *large_document(uint64_t seed)
{
    struct random random = {seed};
    json_t *document = fixture_document(), *arenas = json_array();
    for (uint64_t i = 0; i < LARGE_ARENAS; i++) {
        char start[32], pages[GO_ARENA_PAGES + 1];
        snprintf(start, sizeof start, "0x%llx", 0xc000000000ull + i * GO_ARENA_BYTES);
        make_pages(&random, pages);
        json_array_append_new(arenas, json_pack("{s:s,s:i,s:i,s:s}", "start", start, "bytes", (int)GO_ARENA_BYTES,
                                                "resident", 4096, "pages", pages));
    }
    json_object_set_new(json_object_get(document, "go"), "arenas", arenas);
    return document;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

Test(html_report, worst_sixteen_gibibytes_are_written_soon_and_small)
{
    char dump_path[FILE_PATH_BYTES], page_path[FILE_PATH_BYTES], said[1024];
    json_t *document = large_document(3);
    path_in(&directory, "large.json", dump_path);
    path_in(&directory, "large.html", page_path);
    cr_assert_eq(json_dump_file(document, dump_path, JSON_COMPACT), 0);
    char *paths[] = {dump_path};
    double begin = seconds_now();
    cr_expect_eq(run(page_path, paths, 1, said, sizeof said), EXIT_CODE_OK);
    cr_expect_lt(seconds_now() - begin, 2.0);
    char *page = file_content(page_path);
    cr_expect_lt(strlen(page), (size_t)PAGE_BYTES_MAX);
    json_t *data = data_of(page);
    cr_expect(json_equal(json_object_get(json_object_get(written_dump(data, 0), "go"), "arenas"),
                         json_object_get(json_object_get(document, "go"), "arenas")));
    json_decref(data);
    json_decref(document);
    free(page);
}

static size_t arenas_written(json_t *data, size_t index)
{
    return json_array_size(json_object_get(json_object_get(written_dump(data, index), "go"), "arenas"));
}

static json_int_t left_out(json_t *data, size_t index, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(written_dump(data, index), "left_out"), key));
}

Test(html_report, details_of_older_dumps_are_left_out_when_they_are_too_large)
{
    struct html_dump dumps[] = {checked(fixture_document()), checked(large_document(5)), checked(fixture_document()),
                                checked(large_document(7))};
    char *page = page_of(dumps, 4);
    cr_expect_lt(strlen(page), (size_t)PAGE_BYTES_MAX);
    json_t *data = data_of(page);
    static const size_t ARENAS[] = {0, 0, 1, LARGE_ARENAS};
    static const json_int_t ARENAS_LEFT_OUT[] = {1, LARGE_ARENAS, 0, 0};
    static const json_int_t MAPS_LEFT_OUT[] = {1, 1, 0, 0};
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(arenas_written(data, i), ARENAS[i], "dump %zu", i);
        cr_expect_eq(left_out(data, i, "arenas"), ARENAS_LEFT_OUT[i], "dump %zu", i);
        cr_expect_eq(left_out(data, i, "maps"), MAPS_LEFT_OUT[i], "dump %zu", i);
    }
    cr_expect_eq(left_out(data, 0, "maps_resident"), 60801024);
    json_decref(data);
    for (size_t i = 0; i < 4; i++)
        json_decref(dumps[i].document);
    free(page);
}

enum { MANY_MAPS = 1000, MAP_STRIDE = 617 }; /* with no common divisor */

/* Their resident pages are 0 to MANY_MAPS - 1, in disorder. */
static json_t *document_of_many_maps(void)
{
    json_t *document = fixture_document(), *maps = json_array();
    for (int i = 0; i < MANY_MAPS; i++) {
        char start[32], end[32];
        snprintf(start, sizeof start, "0x%x", 0x10000000 + i * 0x100000);
        snprintf(end, sizeof end, "0x%x", 0x10000000 + i * 0x100000 + 0x80000);
        json_array_append_new(maps,
                              json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:i}", "start", start, "end", end,
                                        "perms", "rw-p", "name", "", "class", "c.mmap", "mapped", 0x80000, "resident",
                                        i * MAP_STRIDE % MANY_MAPS * 4096, "swapped", 0, "huge", 0, "lazyfree", 0));
    }
    json_object_set_new(document, "maps", maps);
    return document;
}

Test(html_report, largest_mappings_are_kept_and_the_others_summed_up)
{
    struct html_dump dump = checked(document_of_many_maps());
    char *page = page_of(&dump, 1);
    json_t *data = data_of(page);
    const json_t *maps = json_object_get(written_dump(data, 0), "maps");
    cr_assert_eq(json_array_size(maps), (size_t)HTML_MAPS_MAX);
    for (int i = 0; i < HTML_MAPS_MAX; i++)
        cr_expect_eq(json_integer_value(json_object_get(json_array_get(maps, (size_t)i), "resident")),
                     (MANY_MAPS - 1 - i) * 4096, "row %d", i);
    const int others = MANY_MAPS - HTML_MAPS_MAX;
    cr_expect_eq(left_out(data, 0, "maps"), others);
    cr_expect_eq(left_out(data, 0, "maps_mapped"), (json_int_t)others * 0x80000);
    cr_expect_eq(left_out(data, 0, "maps_resident"), (json_int_t)others * (others - 1) / 2 * 4096);
    json_decref(data);
    json_decref(dump.document);
    free(page);
}

/* ---- output that cannot be written ---- */

Test(html_report, page_that_cannot_be_created_costs_one_sentence)
{
    char path[FILE_PATH_BYTES];
    struct error error;
    struct html_dump dump = checked(fixture_document());
    path_in(&directory, "nowhere/page.html", path);
    cr_expect_not(html_report_write(path, &dump, 1, &error));
    cr_expect_str_eq(error.text, "cannot be created: No such file or directory; name another place for it, or '-' for "
                                 "standard output");
    json_decref(dump.document);
}

Test(html_report, page_that_does_not_fit_is_not_there)
{
    char path[FILE_PATH_BYTES];
    struct error error;
    struct html_dump dump = checked(fixture_document());
    /* In the template before the data, in the data, in the script behind them. */
    static const rlim_t LIMITS_BYTES[] = {0, 1000, 20000, 40000};
    char *page = page_of(&dump, 1);
    cr_assert_gt(strlen(page), 40001u);
    free(page);
    signal(SIGXFSZ, SIG_IGN);
    path_in(&directory, "cut.html", path);
    for (size_t i = 0; i < sizeof LIMITS_BYTES / sizeof LIMITS_BYTES[0]; i++) {
        struct rlimit limit = {LIMITS_BYTES[i], RLIM_INFINITY};
        setrlimit(RLIMIT_FSIZE, &limit);
        cr_expect_not(html_report_write(path, &dump, 1, &error));
        limit.rlim_cur = RLIM_INFINITY;
        setrlimit(RLIMIT_FSIZE, &limit);
        cr_expect_not_null(strstr(error.text, "cannot be written: File too large"), "%s", error.text);
        cr_expect_eq(temporary_directory_count(&directory), 1u, "something is left behind"); /* the whole page */
    }
    json_decref(dump.document);
}

/* ---- the command ---- */

/* A dump in the directory, taken at that time. */
static char *write_dump_file(const char *name, const char *unix_ns, char *path)
{
    json_t *document = fixture_document();
    fixture_change(document, "time/unix_ns", unix_ns);
    cr_assert_eq(json_dump_file(document, path_in(&directory, name, path), 0), 0);
    json_decref(document);
    return path;
}

Test(html_report, dumps_stand_in_the_order_of_their_time)
{
    char page_path[FILE_PATH_BYTES], paths[3][FILE_PATH_BYTES], said[1024];
    char *dump_paths[] = {write_dump_file("1.json", "30", paths[0]), write_dump_file("10.json", "20", paths[1]),
                          write_dump_file("2.json", "10", paths[2])};
    path_in(&directory, "page.html", page_path);
    cr_expect_eq(run(page_path, dump_paths, 3, said, sizeof said), EXIT_CODE_OK);
    cr_expect_not_null(strstr(said, "page.html: page of 3 dumps written; open it in a browser\n"), "%s", said);
    char *page = file_content(page_path);
    json_t *data = data_of(page);
    for (size_t i = 0; i < 3; i++)
        cr_expect_str_eq(json_string_value(json_object_get(written_dump(data, i), "file")), paths[2 - i]);
    json_decref(data);
    free(page);
}

Test(html_report, dump_that_cannot_be_read_does_not_hide_the_others)
{
    char page_path[FILE_PATH_BYTES], path[FILE_PATH_BYTES], absent[FILE_PATH_BYTES], said[1024];
    char *dump_paths[] = {path_in(&directory, "absent.json", absent), write_dump_file("1.json", "30", path)};
    path_in(&directory, "page.html", page_path);
    cr_expect_eq(run(page_path, dump_paths, 2, said, sizeof said), EXIT_CODE_UNREADABLE);
    cr_expect_not_null(strstr(said, "absent.json: No such file or directory"), "%s", said);
    cr_expect_not_null(strstr(said, "page of 1 dump written"), "%s", said);
    free(file_content(page_path));
}

Test(html_report, no_dump_no_page)
{
    char page_path[FILE_PATH_BYTES], absent[FILE_PATH_BYTES], said[1024];
    char *dump_paths[] = {path_in(&directory, "absent.json", absent)};
    path_in(&directory, "page.html", page_path);
    cr_expect_eq(run(page_path, dump_paths, 1, said, sizeof said), EXIT_CODE_UNREADABLE);
    cr_expect_eq(temporary_directory_count(&directory), 0u);
}

Test(html_report, dump_is_not_overwritten_when_the_page_was_not_named)
{
    char paths[2][FILE_PATH_BYTES], said[1024];
    char *dump_paths[] = {write_dump_file("2.json", "2", paths[1])};
    write_dump_file("1.json", "1", paths[0]);
    char *before = file_content(paths[0]);
    cr_expect_eq(run(paths[0], dump_paths, 1, said, sizeof said), EXIT_CODE_WRONG_USE);
    cr_expect_not_null(strstr(said, "--html takes the file to write, and '"), "%s", said);
    char *after = file_content(paths[0]);
    cr_expect_str_eq(after, before);
    free(before);
    free(after);
}
