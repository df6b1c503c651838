/* SPDX-License-Identifier: Apache-2.0
 *
 * What a report says. Whole lines are compared: what people read is the interface here.
 */
#include "dump_fixture.h"

#include "harness/class_table.h"
#include "harness/report.h"

static char *print_dump(const struct dump *dump, uint32_t width_columns)
{
    char *text = NULL;
    size_t bytes;
    struct report_options options = {.width_columns = width_columns};
    FILE *out = open_memstream(&text, &bytes);
    report_write_dump(out, dump, "shop.json", &options);
    fclose(out);
    return text;
}

/* The report of the fixture after one change (none when `path` is NULL). */
static char *report_of(const char *path, const char *json)
{
    struct dump dump;
    struct error error;
    json_t *document = fixture_document();
    if (path != NULL)
        fixture_change(document, path, json);
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    char *text = print_dump(&dump, UINT32_MAX);
    dump_free(&dump);
    return text;
}

Test(report, dump_prints_as_people_read_it)
{
    char *text = report_of(NULL, NULL);
    cr_expect_str_eq(
        text,
        "shop.json\n"
        "shop (pid 4711) on web-3, go1.26.10, dump 3 (signal) at 2026-11-23T03:26:01Z\n"
        "RSS    60.0 MiB, peak 70.0 MiB, explained 99.96 %\n"
        "of it  Go 58.0 MiB (96.6 %), files 2.00 MiB (3.3 %), other 16 KiB (<0.1 %)\n"
        "heap   live 20.0 MiB, goal 40.0 MiB, GOGC 100, memory limit 1.00 GiB, 12 GC cycles, 3000 objects\n"
        "hooks  in place (runtime.madvise patched)\n"
        "\n"
        "where the RSS went\n"
        "class          mapped  resident  % of RSS                       what it is\n"
        "go.heap      64.0 MiB  58.0 MiB      96.6  ###################  arena pages whose span is not known\n"
        "libs         4.00 MiB  2.00 MiB       3.3  #                    the other shared objects and the loader's "
        "memory for them\n"
        "go.reserved  1.00 MiB         0         0                       arena address space that Go has not put to "
        "use yet\n"
        "other          16 KiB    16 KiB      <0.1                       what nothing above explains\n"
        "total        69.0 MiB  60.0 MiB     100.0\n"
        "note: the total is 8 KiB less than RSS: the kernel's counter and the pages were not read at one instant\n"
        "\n"
        "size classes, by resident bytes that hold no object\n"
        "1 size class: 53.1 KiB wasted (--top N)\n"
        "large objects: 10 of 40.0 MiB together, resident 20.0 MiB (never touched 20.0 MiB)\n"
        "\n"
        "released by Go, resident all the same: 4.00 MiB, 2.00 MiB of it in huge pages\n"
        "range at          size      huge  released  last\n"
        "0xc000400000  4.00 MiB  2.00 MiB         2  4.0 s after the start\n"
        "\n"
        "1 arena of 64 MiB; a letter is 64 pages (512 KiB), upper case: resident\n"
        "0xc000000000  resident 30.0 MiB, idle 9.47 MiB\n"
        "  OOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOOUUFFFFFFFFFRRRRRRRRrff"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
        "o go.objects  u go.unused  f go.free  r go.released  x go.reserved\n"
        "\n"
        "not known: spans, because the heap is not walked\n"
        "given back by Go: 123 MiB in 45 calls (DONTNEED)\n");
    free(text);
}

Test(report, change_in_the_dump_changes_the_line)
{
    static const struct {
        const char *path, *json, *line;
    } CASES[] = {
        {"label", "\"after load\"", ", dump 3 (signal, \"after load\") at "},
        {"phase", "\"loading\"", ", dump 3 (signal) in phase \"loading\" at "},
        {"process/comm", "null", "\nprocess (pid 4711) on web-3"},
        {"process/host", "null", "\nshop (pid 4711), go1.26.10"},
        {"environment/go_version", "null", "Go version not known"},
        {"time/utc", "\"2026-11-23T03:26:01Z\"", "at 2026-11-23T03:26:01Z\n"},
        {"rss/peak", "null", "\nRSS    60.0 MiB, explained"},
        {"rss/swapped", "1048576", "\nRSS    60.0 MiB, peak 70.0 MiB, swapped 1.00 MiB, explained"},
        {"environment/cgroup_memory_max_bytes", "1073741824", "peak 70.0 MiB, cgroup limit 1.00 GiB, explained"},
        {"rss/classes/go.objects", "{\"mapped\":0,\"resident\":20971520,\"swapped\":0,\"huge\":0,\"lazyfree\":0}",
         "; 3.0 times the Go objects in it (20.0 MiB)\n"},
        {"rss/classes/thread.stacks", "{\"mapped\":0,\"resident\":1048576,\"swapped\":0,\"huge\":0,\"lazyfree\":0}",
         "\nof it  Go 58.0 MiB (96.6 %), C 1.00 MiB (1.7 %), files 2.00 MiB (3.3 %), other 16 KiB (<0.1 %)\n"},
        {"rss/classes/libs/huge", "2097152", "      huge  what it is\n"},
        {"rss/classes/libs/lazyfree", "4096", "  lazyfree  what it is\n"},
        {"rss/classes/libs/swapped", "4096", "  swapped  what it is\n"},
        {"rss/classes/libs/swapped", "4096",
         "\ntotal        69.0 MiB  60.0 MiB     100.0                         4 KiB\n"},
        {"rss/total", "62914560", "explained 99.97 %\n"},
        {"rss/total", "62910464", "note: the total is 4 KiB more than RSS"},
        {"rss/total", "0", "\nRSS    0 B, peak 70.0 MiB, explained - %\n"},
        {"go/heaps/0/gc/percent", "-1", "goal 40.0 MiB, GOGC off, memory limit"},
        {"go/heaps/0/gc/percent", "null", "goal 40.0 MiB, memory limit"},
        {"go/heaps/0/gc/memory_limit", "null", "GOGC 100, no memory limit, 12 GC cycles"},
        {"go/heaps/0/gc/phase", "\"mark\"", "12 GC cycles, collecting now (mark),"},
        {"go/heaps/0/spans_unswept", "7",
         ", 7 spans not swept yet\n       (the dead count as objects there), 3000 objects\n"},
        {"go/heaps/0", "{\"module\":\"/srv/shop\",\"layout\":null,\"why\":\"go1.99 is not known\"}",
         "\nheap   not walked: go1.99 is not known\n"},
        {"books/shim/how", "\"interposed\"", "\nhooks  only for calls through libc\n"},
        {"books/shim",
         "{\"how\":\"interposed\",\"missing\":[{\"what\":\"advice\",\"why\":\"the text is sealed\"}],\"untrusted\":0,"
         "\"counters\":{}}",
         "\nhooks  only for calls through libc: the text is sealed\n"},
        {"books/shim/missing", "[{\"what\":\"frames\",\"why\":\"there is no unwinder\"}]",
         "\nnot known: frames, because there is no unwinder\n"},
        {"books/shim/how", "\"none\"", "\nhooks  none\n"},
        {"go/large/untouched", "0", "together, resident 20.0 MiB\n"},
        {"go/large/spans", "11", "\nlarge objects: 11 of 40.0 MiB"},
        {"go/sizeclass/64/resident", "1000000",
         "\nslot  spans  slots  objects  % full  0..100 %    resident   wasted\n"
         "64 B     30   3840     2990    77.9  .-.....+.#   977 KiB  790 KiB\n"},
        {"go/reinflated/huge", "0", "resident all the same: 4.00 MiB, none of it in huge pages\n"},
        {"go/reinflated/ranges/0", "{\"start\":\"0xc000400000\",\"bytes\":4194304,\"huge\":0}",
         "\nrange at          size  huge\n0xc000400000  4.00 MiB     0\n"},
        {"rss/explained", "4096", "warning: the dump says that 4 KiB are explained, its classes add up to 60.0 MiB\n"},
        {"rss/classes/later", "{\"mapped\":0,\"resident\":4096,\"swapped\":0,\"huge\":0,\"lazyfree\":0}",
         "warning: classes that this version does not know: 1, "},
        {"rss/classes/later", "{\"mapped\":0,\"resident\":4096,\"swapped\":0,\"huge\":0,\"lazyfree\":0}",
         "\nlater               0     4 KiB      <0.1                       (a class of a later version)\n"},
        {"books/shim/counters/events_lost", "12", "\nlost: events that could not be recorded: 12\n"},
        {"books/shim/counters/stacks_missed", "3", "\nlost: calls whose stack is not known: 3\n"},
        {"books/shim/counters/c_walks_skipped", "4", "\nlost: calls whose frames of C are not known: 4\n"},
        {"books/shim/counters/dumps_failed", "2", "\nlost: dumps that could not be written: 2\n"},
        {"books/shim/counters/signals_coalesced", "1", "\nlost: dumps asked for while one was being made: 1\n"},
        {"books/goruntime/untrusted", "5", "\nnot trusted: reads of goruntime: 5\n"},
        {"go/advice/0/calls", "1", "given back by Go: 123 MiB in 1 call (DONTNEED)\n"},
        {"go/advice/0/errors", "3", "in 45 calls (DONTNEED, 3 failed)\n"},
        {"go/advice/0/by", "\"c\"", "given back by C: 123 MiB"},
        {"go/advice/0/advice", "\"COLLAPSE\"", "collapsed into huge pages by Go: 123 MiB"},
        {"go/advice/0/advice", "\"COLD\"", "advised by Go: 123 MiB in 45 calls (COLD)\n"},
        {"go/advice", "[]", "given back by Go: nothing so far (no madvise call)\n"},
    };
    char *unchanged = report_of(NULL, NULL);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *text = report_of(CASES[i].path, CASES[i].json);
        cr_expect_not_null(strstr(text, CASES[i].line), "%s = %s does not print \"%s\" but:\n%s", CASES[i].path,
                           CASES[i].json, CASES[i].line, text);
        bool is_news = strcmp(CASES[i].path, "time/utc") != 0;
        cr_expect(!is_news || strstr(unchanged, CASES[i].line) == NULL, "\"%s\" is always printed", CASES[i].line);
        free(text);
    }
    free(unchanged);
}

Test(report, silence_of_go_is_no_news_when_its_calls_are_not_seen)
{
    struct dump dump;
    struct error error;
    json_t *document = fixture_document();
    fixture_change(document, "go/advice", "[]");
    fixture_change(document, "books/shim/how", "\"interposed\"");
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    char *text = print_dump(&dump, UINT32_MAX);
    cr_expect_null(strstr(text, "given back"));
    free(text);
    dump_free(&dump);
}

Test(report, narrow_terminal_gets_no_broken_lines)
{
    struct dump dump;
    struct error error;
    cr_assert(fixture_load_bytes(&dump, DUMP_FIXTURE, strlen(DUMP_FIXTURE), &error), "%s", error.text);
    char *text = print_dump(&dump, 80);
    cr_expect_null(strstr(text, "what it is"));
    cr_expect_not_null(strstr(text, "\ngo.heap      64.0 MiB  58.0 MiB      96.6  ###################\n"), "%s", text);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        cr_expect_leq(strcspn(line, "\n"), 80u, "%.*s", (int)strcspn(line, "\n"), line);
    free(text);
    dump_free(&dump);
}

Test(report, dumps_stand_side_by_side)
{
    static const uint32_t FILE_NUMBERS[] = {1, 3};
    struct dump dumps[2];
    struct error error;
    json_t *later = fixture_document();
    fixture_change(later, "time/utc", "\"2026-11-23T04:00:00Z\"");
    fixture_change(later, "rss/classes/libs/resident", "104857600");
    fixture_change(later, "rss/classes/gpu",
                   "{\"mapped\":0,\"resident\":4096,\"swapped\":0,\"huge\":0,\"lazyfree\":0}");
    cr_assert(fixture_load_bytes(&dumps[0], DUMP_FIXTURE, strlen(DUMP_FIXTURE), &error), "%s", error.text);
    cr_assert(fixture_load_document(&dumps[1], later, &error), "%s", error.text);

    struct table table;
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    class_table_fill_compared(&table, dumps, FILE_NUMBERS, 2);
    table_print(&table, out);
    fclose(out);
    cr_expect_str_eq(text, "class             file 1    file 3\n"
                           "taken at (UTC)  03:26:01  04:00:00\n"
                           "libs            2.00 MiB   100 MiB\n"
                           "go.heap         58.0 MiB  58.0 MiB\n"
                           "gpu                    0     4 KiB\n"
                           "other             16 KiB    16 KiB\n"
                           "total           60.0 MiB   158 MiB\n");
    free(text);
    dump_free(&dumps[0]);
    dump_free(&dumps[1]);
}

Test(report, most_classes_that_dumps_can_have_fit_the_table)
{
    static const uint32_t FILE_NUMBERS[] = {1, 2, 3, 4, 5, 6};
    struct dump dumps[CLASS_TABLE_DUMPS_MAX];
    struct error error;
    for (int file = 0; file < CLASS_TABLE_DUMPS_MAX; file++) {
        json_t *document = fixture_document();
        for (int i = 0; i < DUMP_NEW_CLASSES_MAX; i++) {
            char path[80];
            snprintf(path, sizeof path, "rss/classes/file%d.new%d", file, i);
            fixture_change(document, path, "{\"mapped\":0,\"resident\":1,\"swapped\":0,\"huge\":0,\"lazyfree\":0}");
        }
        cr_assert(fixture_load_document(&dumps[file], document, &error), "%s", error.text);
    }
    struct table table;
    class_table_fill_compared(&table, dumps, FILE_NUMBERS, CLASS_TABLE_DUMPS_MAX);
    /* two heads, go.heap, libs, other, the new ones, the total */
    cr_expect_eq(table.row_count, 2 + 3 + CLASS_TABLE_DUMPS_MAX * DUMP_NEW_CLASSES_MAX + 1);
    for (int file = 0; file < CLASS_TABLE_DUMPS_MAX; file++)
        dump_free(&dumps[file]);
}

/* ---- cores ---- */

static char *report_of_core(const char *pagemap)
{
    struct dump dump;
    struct error error;
    json_t *document = fixture_document();
    fixture_change(document, "reason", "\"core\"");
    fixture_change(document, "books/pagemap", pagemap);
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    char *text = print_dump(&dump, UINT32_MAX);
    dump_free(&dump);
    return text;
}

Test(report, what_a_core_lacks_is_said_beside_its_size)
{
    char *text = report_of_core("{\"how\":\"core\",\"missing\":[],\"untrusted\":0,\"counters\":{}}");
    cr_expect_not_null(
        strstr(text, "\nRSS    60.0 MiB in the core (unchanged pages of mapped files are not in it), peak 70.0 MiB,"),
        "%s", text);
    free(text);
}

/* No number that nobody knows. */
Test(report, without_residency_only_what_is_mapped_is_told)
{
    static const char *const UNKNOWN[] = {"60.0 MiB", "RSS went",  "never touched", "resident 20.0",
                                          "idle",     "explained", "upper case",    "wasted"};
    char *text = report_of_core("{\"how\":\"none\",\"missing\":[{\"what\":\"what was resident\",\"why\":\"the core has "
                                "no holes\"}],\"untrusted\":0,\"counters\":{}}");
    cr_expect_not_null(strstr(text, "\nRSS    residency not known: the core has no holes\nheap "), "%s", text);
    cr_expect_not_null(strstr(text, "\nwhat is mapped\nclass          mapped  what it is\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\nlarge objects: 10 of 40.0 MiB together\n"), "%s", text);
    for (size_t i = 0; i < sizeof UNKNOWN / sizeof UNKNOWN[0]; i++)
        cr_expect_null(strstr(text, UNKNOWN[i]), "\"%s\" in: %s", UNKNOWN[i], text);
    free(text);
}
