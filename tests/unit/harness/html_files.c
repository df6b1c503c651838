/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of `report --html` as a file: it stays small, and it is there whole or not at all.
 */
#include "html_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "memory/units.h"
#include "tests/unit/support/random.h"

TestSuite(html_files, .init = open_directory, .fini = close_directory);

/* Runs the command; what it says is left in `said`. */
static enum exit_code run(const char *page_path, char **dump_paths, uint32_t count, char *said, uint64_t said_bytes)
{
    struct captured_stderr captured;
    capture_stderr_begin(&captured);
    enum exit_code code = html_report_run(page_path, dump_paths, count, NULL);
    capture_stderr_end(&captured, said, said_bytes);
    return code;
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

Test(html_files, worst_sixteen_gibibytes_are_written_soon_and_small)
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

Test(html_files, details_of_older_dumps_are_left_out_when_they_are_too_large)
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

Test(html_files, largest_mappings_are_kept_and_the_others_summed_up)
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

Test(html_files, page_that_cannot_be_created_costs_one_sentence)
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

Test(html_files, page_that_does_not_fit_is_not_there)
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

Test(html_files, dumps_stand_in_the_order_of_their_time)
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

Test(html_files, dump_that_cannot_be_read_does_not_hide_the_others)
{
    char page_path[FILE_PATH_BYTES], path[FILE_PATH_BYTES], absent[FILE_PATH_BYTES], said[1024];
    char *dump_paths[] = {path_in(&directory, "absent.json", absent), write_dump_file("1.json", "30", path)};
    path_in(&directory, "page.html", page_path);
    cr_expect_eq(run(page_path, dump_paths, 2, said, sizeof said), EXIT_CODE_UNREADABLE);
    cr_expect_not_null(strstr(said, "absent.json: No such file or directory"), "%s", said);
    cr_expect_not_null(strstr(said, "page of 1 dump written"), "%s", said);
    free(file_content(page_path));
}

Test(html_files, no_dump_no_page)
{
    char page_path[FILE_PATH_BYTES], absent[FILE_PATH_BYTES], said[1024];
    char *dump_paths[] = {path_in(&directory, "absent.json", absent)};
    path_in(&directory, "page.html", page_path);
    cr_expect_eq(run(page_path, dump_paths, 1, said, sizeof said), EXIT_CODE_UNREADABLE);
    cr_expect_eq(temporary_directory_count(&directory), 0u);
}

Test(html_files, dump_is_not_overwritten_when_the_page_was_not_named)
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
