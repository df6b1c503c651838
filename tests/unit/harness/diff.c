/* SPDX-License-Identifier: Apache-2.0
 *
 * What a comparison says: the right rows in the right order, and everything that makes two dumps hard to compare.
 */
#include "dump_fixture.h"

#include "harness/diff.h"
#include "harness/diff_rows.h"

#define MIB(count) (KIB(count) * 1024)

static const struct diff_options PLAIN = {.width_columns = UINT32_MAX};

static void load(struct dump *dump, json_t *document)
{
    struct error error;
    cr_assert(fixture_load_document(dump, document, &error), "%s", error.text);
}

/* The comparison of two documents, which are dropped. */
static char *diff_of(json_t *old_document, json_t *new_document, const struct diff_options *options)
{
    struct dump dumps[2];
    struct error error;
    char *text = NULL;
    size_t bytes;
    load(&dumps[0], old_document);
    load(&dumps[1], new_document);
    FILE *out = open_memstream(&text, &bytes);
    cr_assert(diff_write(out, &(struct diff_side){&dumps[0], "a.json"}, &(struct diff_side){&dumps[1], "b.json"},
                         options, &error),
              "%s", error.text);
    fclose(out);
    dump_free(&dumps[0]);
    dump_free(&dumps[1]);
    return text;
}

static json_t *later_document(void)
{
    json_t *document = fixture_document();
    fixture_change(document, "time/utc", "\"2026-11-23T03:28:31Z\"");
    fixture_change(document, "time/unix_ns", "1795404511123456789");
    fixture_change(document, "seq", "4");
    return document;
}

static void set_class(json_t *document, const char *name, uint64_t resident)
{
    char path[64], json[160];
    snprintf(path, sizeof path, "rss/classes/%s", name);
    snprintf(json, sizeof json, "{\"mapped\":0,\"resident\":%llu,\"swapped\":0,\"huge\":0,\"lazyfree\":0}",
             (unsigned long long)resident);
    fixture_change(document, path, json);
}

static void set_size_class(json_t *document, unsigned slot_bytes, uint64_t resident, uint64_t objects)
{
    char path[48], json[320];
    snprintf(path, sizeof path, "go/sizeclass/%u", slot_bytes);
    snprintf(json, sizeof json,
             "{\"spans\":1,\"slots\":100,\"objects\":%llu,\"bytes\":0,\"mapped\":0,\"resident\":%llu,"
             "\"occupancy\":[1,0,0,0,0,0,0,0,0,0],\"sparse_bytes\":0}",
             (unsigned long long)objects, (unsigned long long)resident);
    fixture_change(document, path, json);
}

static void set_finding(json_t *document, const char *id, uint64_t bytes)
{
    char json[160];
    snprintf(json, sizeof json, "{\"id\":\"%s\",\"bytes\":%llu,\"text\":\"t\",\"advice\":\"a\",\"evidence\":{}}", id,
             (unsigned long long)bytes);
    json_array_append_new(json_object_get(document, "findings"), json_loads(json, 0, NULL));
}

Test(diff, comparison_prints_as_people_read_it)
{
    json_t *old_document = fixture_document(), *new_document = later_document();
    fixture_change(new_document, "rss/total", "94380032");
    set_class(new_document, "libs", MIB(4));
    set_class(new_document, "go.heap", MIB(50));
    set_class(new_document, "c.mmap", MIB(32));
    set_size_class(new_document, 32, KIB(512), 9);
    set_size_class(new_document, 64, KIB(120), 2000);
    fixture_change(new_document, "go/large/resident", "20971520");
    set_finding(old_document, "untouched", MIB(9));
    set_finding(old_document, "lazyfree", MIB(5));
    set_finding(old_document, "large-pages", MIB(5));
    set_finding(new_document, "large-pages", MIB(4));
    set_finding(new_document, "free-resident", MIB(30));
    set_finding(new_document, "untouched", MIB(18));
    char *text = diff_of(old_document, new_document, &PLAIN);
    cr_expect_str_eq(text, "old  a.json\n"
                           "     shop (pid 4711) on web-3, go1.26.10, dump 3 (signal) at 2026-11-23T03:26:01Z\n"
                           "new  b.json\n"
                           "     shop (pid 4711) on web-3, go1.26.10, dump 4 (signal) at 2026-11-23T03:28:31Z\n"
                           "RSS  60.0 MiB -> 90.0 MiB, +30.0 MiB (+50.0 %) in 2 min 30 s\n"
                           "\n"
                           "by class, resident\n"
                           "class         old       new     change       %\n"
                           "c.mmap          0  32.0 MiB  +32.0 MiB     new\n"
                           "libs     2.00 MiB  4.00 MiB  +2.00 MiB  +100.0\n"
                           "go.heap  58.0 MiB  50.0 MiB  -7.98 MiB   -13.8\n"
                           "total    60.0 MiB  86.0 MiB  +26.0 MiB   +43.4\n"
                           "... 1 without change (--all)\n"
                           "\n"
                           "by size class, resident of its spans\n"
                           "slot      old      new    change      %  objects  change\n"
                           "32 B        0  512 KiB  +512 KiB    new        9      +9\n"
                           "64 B  240 KiB  120 KiB  -120 KiB  -50.0     2000    -990\n"
                           "... 1 without change (--all)\n"
                           "\n"
                           "by finding\n"
                           "finding             old       new     change       %\n"
                           "free-resident         0  30.0 MiB  +30.0 MiB     new  new\n"
                           "untouched      9.00 MiB  18.0 MiB  +9.00 MiB  +100.0  grown\n"
                           "lazyfree       5.00 MiB         0  -5.00 MiB  -100.0  gone\n"
                           "large-pages    5.00 MiB  4.00 MiB  -1.00 MiB   -20.0  shrunk\n");
    free(text);
}

Test(diff, same_dump_has_no_change_and_no_warning_but_that)
{
    char *text = diff_of(fixture_document(), fixture_document(), &PLAIN);
    cr_expect_not_null(strstr(text, "RSS  60.0 MiB -> 60.0 MiB, 0 (0 %) in 0 ms\n"
                                    "note: both were taken at the same instant: it is one dump twice\n\n"
                                    "by class, resident\nno change\n\n"
                                    "by size class, resident of its spans\nno change\n"),
                       "%s", text);
    cr_expect_null(strstr(text, "differs"));
    cr_expect_null(strstr(text, "by finding"));
    free(text);
}

Test(diff, all_shows_what_did_not_change)
{
    struct diff_options options = PLAIN;
    options.shows_all = true;
    char *text = diff_of(fixture_document(), later_document(), &options);
    cr_expect_not_null(strstr(text, "\ngo.heap  58.0 MiB  58.0 MiB       0  0\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\n 64 B   240 KiB   240 KiB       0  0     2990       0\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\nlarge  20.0 MiB  20.0 MiB       0  0       10       0\n"), "%s", text);
    cr_expect_null(strstr(text, "no change"));
    free(text);
}

/* ---- circumstances ---- */

static const struct {
    const char *path, *json, *line;
} CIRCUMSTANCES[] = {
    {"environment/kernel", "\"6.19.0\"", "\ndiffers: kernel: 6.18.0 -> 6.19.0\n"},
    {"environment/cpus", "8", "\ndiffers: cpus: 4 -> 8\n"},
    {"environment/os_page_bytes", "65536", "\ndiffers: OS page: 4 KiB -> 64 KiB\n"},
    {"environment/go_version", "\"go1.27.3\"", "\ndiffers: Go version: go1.26.10 -> go1.27.3\n"},
    {"environment/go_version", "null", "\ndiffers: Go version: go1.26.10 -> not known\n"},
    {"environment/build_id", "\"11ff\"", "\ndiffers: build id: 00ff -> 11ff\n"},
    {"environment/gogc", "\"50\"", "\ndiffers: GOGC: not set -> 50\n"},
    {"environment/gomemlimit", "null", "\ndiffers: GOMEMLIMIT: 1GiB -> not set\n"},
    {"environment/godebug", "\"\"", "\ndiffers: GODEBUG: not set -> \"\"\n"},
    {"environment/gomaxprocs", "\"2\"", "\ndiffers: GOMAXPROCS: not set -> 2\n"},
    {"environment/thp/enabled", "\"always\"", "\ndiffers: transparent_hugepage/enabled: madvise -> always\n"},
    {"environment/thp/khugepaged_max_ptes_none", "0", "\ndiffers: khugepaged/max_ptes_none: not known -> 0\n"},
    {"environment/cgroup_memory_max_bytes", "1073741824", "\ndiffers: cgroup memory limit: none -> 1.00 GiB\n"},
    {"books/shim/how", "\"none\"",
     "\ndiffers: how shim was read: patched -> none; the same memory may count in another class\n"},
    {"process/pid", "9", "\nnote: two processes of the same program\n"},
    {"process/host", "\"web-4\"", "\nnote: two processes of the same program\n"},
    {"process/host", "null", "\nnote: two processes of the same program\n"},
    {"time/unix_ns", "1795404361000000000",
     "\nwarning: OLD was taken after NEW: what shows as growth was shrinkage; swap the two\n"},
};

Test(diff, difference_of_circumstances_is_a_line)
{
    char *unchanged = diff_of(fixture_document(), later_document(), &PLAIN);
    cr_expect_null(strstr(unchanged, "differs:"), "%s", unchanged);
    for (size_t i = 0; i < sizeof CIRCUMSTANCES / sizeof CIRCUMSTANCES[0]; i++) {
        json_t *new_document = later_document();
        fixture_change(new_document, CIRCUMSTANCES[i].path, CIRCUMSTANCES[i].json);
        char *text = diff_of(fixture_document(), new_document, &PLAIN);
        cr_expect_not_null(strstr(text, CIRCUMSTANCES[i].line), "%s = %s: %s", CIRCUMSTANCES[i].path,
                           CIRCUMSTANCES[i].json, text);
        cr_expect_null(strstr(unchanged, CIRCUMSTANCES[i].line), "%s", CIRCUMSTANCES[i].line);
        free(text);
    }
    free(unchanged);
}

Test(diff, different_programs_are_told_by_name_and_path)
{
    json_t *moved = later_document(), *other = later_document();
    fixture_change(moved, "process/exe", "\"/opt/shop-2/shop\"");
    fixture_change(other, "process/exe", "\"/srv/bank\"");
    fixture_change(other, "process/comm", "\"bank\"");
    char *text = diff_of(fixture_document(), moved, &PLAIN);
    cr_expect_null(strstr(text, "different programs"), "%s", text);
    free(text);
    text = diff_of(fixture_document(), other, &PLAIN);
    cr_expect_not_null(strstr(text, "\nwarning: these are dumps of different programs: /srv/shop and /srv/bank\n"),
                       "%s", text);
    free(text);
}

Test(diff, other_layout_is_no_other_way_of_reading)
{
    json_t *old_document = fixture_document(), *new_document = later_document();
    fixture_change(old_document, "books/goruntime/how", "\"layout go1.26\"");
    fixture_change(new_document, "books/goruntime/how", "\"layout go1.27\"");
    char *text = diff_of(old_document, new_document, &PLAIN);
    cr_expect_null(strstr(text, "how goruntime was read"), "%s", text);
    free(text);
}

/* ---- rows ---- */

Test(diff, growth_comes_first_then_shrinkage_then_the_rest)
{
    static const struct {
        unsigned slot_bytes;
        uint64_t old_kib, new_kib, old_objects, new_objects;
    } ROWS[] = {
        {16, 100, 90, 1, 1}, {32, 10, 30, 1, 1},  {48, 500, 500, 1, 1},  {80, 100, 10, 1, 1}, {96, 10, 1000, 1, 1},
        {112, 40, 40, 1, 2}, {128, 10, 30, 1, 1}, {144, 100, 100, 1, 1}, {160, 0, 0, 1, 1},   {176, 70, 70, 9, 10},
    };
    static const uint64_t ORDER[] = {96, 32, 128, 80, 16, 176, 112, DIFF_LARGE_OBJECTS, 48, 64, 144, 160};
    json_t *old_document = fixture_document(), *new_document = fixture_document();
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        set_size_class(old_document, ROWS[i].slot_bytes, KIB(ROWS[i].old_kib), ROWS[i].old_objects);
        set_size_class(new_document, ROWS[i].slot_bytes, KIB(ROWS[i].new_kib), ROWS[i].new_objects);
    }
    struct dump dumps[2];
    struct diff_rows rows;
    load(&dumps[0], old_document);
    load(&dumps[1], new_document);
    cr_assert(diff_rows_of_size_classes(&rows, &dumps[0], &dumps[1]));
    cr_assert_eq(rows.count, sizeof ORDER / sizeof ORDER[0]);
    cr_expect_eq(rows.changed_count, 7);
    for (size_t i = 0; i < rows.count; i++)
        cr_expect_eq(rows.rows[i].slot_bytes, ORDER[i], "row %zu is %llu", i,
                     (unsigned long long)rows.rows[i].slot_bytes);
    diff_rows_free(&rows);
    dump_free(&dumps[0]);
    dump_free(&dumps[1]);
}

Test(diff, rows_hold_what_the_dumps_hold)
{
    json_t *new_document = later_document();
    set_class(new_document, "gpu", MIB(3));
    struct dump dumps[2];
    struct diff_rows rows;
    uint64_t sums[2] = {0, 0};
    load(&dumps[0], fixture_document());
    load(&dumps[1], new_document);
    cr_assert(diff_rows_of_classes(&rows, &dumps[0], &dumps[1]));
    for (uint64_t i = 0; i < rows.count; i++) {
        sums[0] += rows.rows[i].old_bytes;
        sums[1] += rows.rows[i].new_bytes;
    }
    cr_expect_eq(sums[0], dumps[0].rss.sum.resident_bytes);
    cr_expect_eq(sums[1], dumps[1].rss.sum.resident_bytes);
    cr_expect_str_eq(rows.rows[0].name, "gpu");
    cr_expect_not(rows.rows[0].is_in_old);
    diff_rows_free(&rows);
    dump_free(&dumps[0]);
    dump_free(&dumps[1]);
}

Test(diff, top_limits_each_table_and_says_what_is_left)
{
    struct diff_options options = PLAIN;
    options.top_rows = 1;
    json_t *new_document = later_document();
    for (unsigned slot = 16; slot < 160; slot += 16)
        set_size_class(new_document, slot, KIB(slot), 1);
    set_class(new_document, "c.mmap", MIB(2));
    set_class(new_document, "libs", MIB(3));
    char *text = diff_of(fixture_document(), new_document, &options);
    cr_expect_not_null(strstr(text, "\nc.mmap "), "%s", text);
    cr_expect_null(strstr(text, "\nlibs "), "%s", text);
    cr_expect_not_null(strstr(text, "\n... 1 more that changed (--top N, --all)\n... 2 without change (--all)\n"), "%s",
                       text);
    cr_expect_not_null(strstr(text, "\n... 8 more that changed (--top N, --all)\n... 1 without change (--all)\n"), "%s",
                       text);
    free(text);
}

Test(diff, more_rows_than_any_program_has_and_numbers_at_their_limit)
{
    struct diff_options options = PLAIN;
    options.shows_all = true;
    json_t *old_document = fixture_document(), *new_document = later_document();
    for (unsigned slot = 1; slot <= 300; slot++)
        set_size_class(slot % 2 == 0 ? new_document : old_document, slot, INT64_MAX, INT64_MAX);
    for (int i = 0; i < 300; i++)
        set_finding(new_document, "free-resident", INT64_MAX);
    char *text = diff_of(old_document, new_document, &options);
    cr_expect_not_null(strstr(text, "+8.00 EiB  new  9223372036854775807  +9223372036854775807\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\n... 180 more that changed\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\nfree-resident    0  16.0 EiB  +16.0 EiB  new  new\n"), "%s", text);
    free(text);
}

Test(diff, hostile_names_cannot_leave_their_line)
{
    static const char *const PATHS[] = {"process/comm", "environment/kernel", "environment/gogc", "books/shim/how"};
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        json_t *new_document = later_document();
        fixture_change(new_document, PATHS[i], "\"\\u001b[2J\\nRSS  1 B%s%n\"");
        set_class(new_document, "evil\033[2J", MIB(1));
        set_finding(new_document, "evil\\u001b\\n", MIB(1));
        char *text = diff_of(fixture_document(), new_document, &PLAIN);
        cr_expect_null(strchr(text, '\033'), "%s: %s", PATHS[i], text);
        cr_expect_null(strstr(text, "\nRSS  1 B"), "%s: %s", PATHS[i], text);
        cr_expect_not_null(strstr(text, "1 B%s%n"), "%s: %s", PATHS[i], text);
        free(text);
    }
}

Test(diff, growth_and_shrinkage_have_their_colours)
{
    struct diff_options options = PLAIN;
    options.style.has_colour = true;
    json_t *new_document = later_document();
    set_class(new_document, "libs", MIB(1));
    set_class(new_document, "go.heap", MIB(60));
    char *text = diff_of(fixture_document(), new_document, &options);
    cr_expect_not_null(strstr(text, "\033[31m+2.02 MiB\033[0m"), "%s", text);
    cr_expect_not_null(strstr(text, "\033[32m-1.00 MiB\033[0m"), "%s", text);
    free(text);
}
