/* SPDX-License-Identifier: Apache-2.0
 *
 * The time line, read as JSON; and the events of a dump, which it alone reads.
 */
#include "exported.h"

#include "harness/dump_events.h"

#define COLUMNS "\"since_start_ns\",\"tid\",\"by\",\"op\",\"start\",\"bytes\",\"detail\",\"errno\""
#define EVENTS(columns, rows) "{\"capacity\":9,\"recorded\":2,\"lost\":0,\"columns\":[" columns "],\"rows\":[" rows "]}"
#define CALLSITE                                                                                                      \
    "[{\"id\":5,\"by\":\"go\",\"op\":\"madvise\",\"detail\":\"DONTNEED\",\"purpose\":\"FreeOSMemory\",\"calls\":1,"   \
    "\"errors\":0,\"bytes\":8192,\"unmapped\":0,\"resident\":0,\"first_since_start_ns\":1,\"last_since_start_ns\":1," \
    "\"pcs\":[\"0x401000\",\"0x402000\"]}]"

static bool read_events(struct dump *dump, const char *events, struct error *error)
{
    json_t *value = json_loads(events, 0, NULL);
    cr_assert_not_null(value, "not JSON: %s", events);
    json_t *document = json_pack("{s:o}", "events", value);
    bool is_read = dump_events_read(dump, document, error);
    json_decref(document);
    return is_read;
}

static struct dump dump_with(const struct change *changes, const char *events)
{
    struct error error;
    struct dump dump = changed_dump(changes);
    cr_assert(read_events(&dump, events, &error), "%s", error.text);
    return dump;
}

/* ---- events ---- */

Test(export_perfetto, events_are_read_by_their_columns)
{
    struct dump dump = dump_with(CHANGES(), EVENTS("\"site\",\"later\"," COLUMNS,
                                                   "[5,{},1234567,4712,\"go\",\"madvise\",\"0xc000000000\",8192,"
                                                   "\"DONTNEED\",12]"));
    cr_assert_eq(dump.events_count, 1u);
    const struct dump_event *event = dump.events;
    cr_expect_eq(event->since_start_ns, 1234567u);
    cr_expect_eq(event->tid, 4712u);
    cr_expect_str_eq(event->by, "go");
    cr_expect_str_eq(event->operation, "madvise");
    cr_expect_eq(event->start, 0xc000000000u);
    cr_expect_eq(event->bytes, 8192u);
    cr_expect_str_eq(event->detail, "DONTNEED");
    cr_expect_eq(event->error_number, 12u);
    cr_expect_eq(event->site, 5u);
    dump_events_drop(&dump);
    cr_expect_eq(dump.events_count, 0u);
    dump_free(&dump);
}

Test(export_perfetto, events_of_older_dumps_have_no_site)
{
    struct dump dump = dump_with(CHANGES(), EVENTS(COLUMNS, "[1,2,\"c\",\"mmap\",\"0x1000\",4096,\"rw-\",0]"));
    cr_assert_eq(dump.events_count, 1u);
    cr_expect_eq(dump.events[0].site, 0u);
    dump_free(&dump);
    dump = dump_with(CHANGES(), "{}");
    cr_expect_eq(dump.events_count, 0u);
    dump_free(&dump);
}

Test(export_perfetto, damaged_events_are_refused_by_name)
{
    static const struct {
        const char *events, *says;
    } CASES[] = {
        {"{\"rows\":[]}", "events.columns is missing"},
        {"{\"columns\":[]}", "events.rows is missing"},
        {"{\"columns\":7,\"rows\":[]}", "events.columns is a number where a list belongs"},
        {EVENTS("\"tid\",7", ""), "events.since_start_ns is no column"},
        {EVENTS(COLUMNS, "[1,2,\"c\"]"), "events.rows[0].op is missing"},
        {EVENTS(COLUMNS, "{}"), "events.rows[0].since_start_ns is missing"},
        {EVENTS(COLUMNS, "[1,2,\"c\",\"mmap\",\"0x1000\",4096,\"rw-\",0],[-1,2,\"c\",\"mmap\",\"0x1\",4,\"rw-\",0]"),
         "events.rows[1].since_start_ns is negative"},
        {EVENTS(COLUMNS, "[1,2,\"c\",\"mmap\",4096,4096,\"rw-\",0]"), "events.rows[0].start is a number where an"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct error error = {{0}};
        struct dump dump = changed_dump(CHANGES());
        cr_expect_not(read_events(&dump, CASES[i].events, &error), "%s", CASES[i].events);
        cr_expect_not_null(strstr(error.text, CASES[i].says), "%s: %s", CASES[i].events, error.text);
        cr_expect_eq(dump.events_count, 0u);
        dump_free(&dump);
    }
}

/* ---- the time line ---- */

static json_t *export_parsed(const struct dump *dumps, uint32_t count)
{
    json_error_t error;
    struct exported exported = export_dumps("perfetto", dumps, count);
    json_t *document = json_loadb(exported.bytes, exported.count, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(document, "%s in %s", error.text, exported.bytes);
    exported_free(&exported);
    return document;
}

/* The number-th event of that kind and name (NULL: any); NULL: there are not so many. */
static json_t *event_of(json_t *document, const char *kind, const char *name, size_t number)
{
    size_t index;
    json_t *event;
    json_array_foreach(json_object_get(document, "traceEvents"), index, event)
    {
        if (strcmp(json_string_value(json_object_get(event, "ph")), kind) == 0 &&
            (name == NULL || strcmp(json_string_value(json_object_get(event, "name")), name) == 0) && number-- == 0)
            return event;
    }
    return NULL;
}

static void expect_event(json_t *event, const char *json)
{
    cr_assert_not_null(event, "no %s", json);
    json_t *expected = json_loads(json, 0, NULL);
    char *text = json_dumps(event, JSON_COMPACT);
    cr_expect(json_equal(event, expected), "%s\nis not %s", text, json);
    free(text);
    json_decref(expected);
}

Test(export_perfetto, calls_are_instants_of_their_threads)
{
    struct dump dump = dump_with(CHANGES({"callsites", CALLSITE}, {"phase", "\"say \\\"hi\\\"\""}),
                                 EVENTS(COLUMNS ",\"site\"",
                                        "[1234567,4712,\"go\",\"madvise\",\"0xc000000000\",8192,\"DONTNEED\",0,5],"
                                        "[2000000,0,\"c\",\"mmap\",\"0x7f0000001000\",4096,\"rw-\",12,0]"));
    json_t *document = export_parsed(&dump, 1);
    expect_event(
        event_of(document, "i", "madvise DONTNEED: FreeOSMemory", 0),
        "{\"ph\":\"i\",\"s\":\"t\",\"cat\":\"go\",\"name\":\"madvise DONTNEED: FreeOSMemory\",\"ts\":1234.567,"
        "\"pid\":4711,\"tid\":4712,\"args\":{\"start\":\"0xc000000000\",\"bytes\":8192,\"detail\":\"DONTNEED\","
        "\"errno\":0,\"site\":5,\"stack\":[\"0x401000\",\"0x402000\"]}}");
    expect_event(event_of(document, "i", "mmap rw- failed", 0),
                 "{\"ph\":\"i\",\"s\":\"t\",\"cat\":\"c\",\"name\":\"mmap rw- failed\",\"ts\":2000.000,\"pid\":4711,"
                 "\"tid\":4194304,\"args\":{\"start\":\"0x7f0000001000\",\"bytes\":4096,\"detail\":\"rw-\","
                 "\"errno\":12,\"site\":0,\"stack\":[]}}");
    expect_event(event_of(document, "i", "dump 3 (signal)", 0),
                 "{\"ph\":\"i\",\"s\":\"p\",\"cat\":\"dump\",\"name\":\"dump 3 (signal)\",\"ts\":5000000.000,"
                 "\"pid\":4711,\"tid\":4711,\"args\":{\"utc\":\"2026-11-23T03:26:01.123456789Z\",\"label\":\"\","
                 "\"phase\":\"say \\\"hi\\\"\"}}");
    expect_event(event_of(document, "M", "process_name", 0),
                 "{\"ph\":\"M\",\"ts\":0.000,\"pid\":4711,\"tid\":4711,\"name\":\"process_name\","
                 "\"args\":{\"name\":\"shop\"}}");
    static const char *const THREADS[] = {"main thread", "thread 4712", "threads that are gone"};
    for (size_t i = 0; i < 3; i++) {
        json_t *thread = event_of(document, "M", "thread_name", i);
        cr_assert_not_null(thread);
        cr_expect_str_eq(json_string_value(json_object_get(json_object_get(thread, "args"), "name")), THREADS[i]);
    }
    cr_expect_null(event_of(document, "M", "thread_name", 3));
    json_decref(document);
    dump_free(&dump);
}

/* In the order of time, whatever the order of the files; one made from outside is put in by the clock. */
Test(export_perfetto, counters_are_the_classes_of_each_dump)
{
    static const char ROW[] = EVENTS(COLUMNS, "[7,4711,\"c\",\"munmap\",\"0x1000\",4096,\"\",0]");
    struct dump dumps[] = {
        dump_with(CHANGES({"rss/classes/libs/resident", "8192"}), ROW),
        changed_dump(CHANGES({"time/unix_ns", "1795404360123456789"}, {"time/since_start_ns", "null"})),
    };
    json_t *document = export_parsed(dumps, 2);
    static const struct {
        const char *name;
        double ts;
        uint64_t bytes;
    } EXPECTED[] = {{"libs", 4000000, 2097152},
                    {"libs", 5000000, 8192},
                    {"rss.total", 4000000, 62922752},
                    {"go.heap", 5000000, 60801024}};
    for (size_t i = 0; i < sizeof EXPECTED / sizeof EXPECTED[0]; i++) {
        json_t *event = event_of(document, "C", EXPECTED[i].name, EXPECTED[i].ts > 4000000);
        cr_assert_not_null(event);
        cr_expect_eq(json_number_value(json_object_get(event, "ts")), EXPECTED[i].ts, "%s", EXPECTED[i].name);
        cr_expect_eq((uint64_t)json_integer_value(json_object_get(json_object_get(event, "args"), "bytes")),
                     EXPECTED[i].bytes, "%s", EXPECTED[i].name);
    }
    cr_expect_not_null(event_of(document, "i", "munmap", 0), "the newest is not the last one given");
    json_decref(document);
    dump_free(&dumps[0]);
    dump_free(&dumps[1]);
}

Test(export_perfetto, long_names_are_cut_between_characters)
{
    char operation[600] = "", events[1200];
    for (size_t i = 0; i < 199; i++)
        strcat(operation, "\u20ac");
    snprintf(events, sizeof events, EVENTS(COLUMNS, "[7,4711,\"c\",\"%s\",\"0x1000\",4096,\"\",0]"), operation);
    struct dump dump = dump_with(CHANGES(), events);
    json_t *document = export_parsed(&dump, 1);
    const char *name = json_string_value(json_object_get(event_of(document, "i", NULL, 1), "name"));
    cr_expect_geq(strlen(name), 250u);
    cr_expect_eq(strncmp(name, operation, strlen(name)), 0);
    json_decref(document);
    dump_free(&dump);
}

Test(export_perfetto, dumps_of_two_processes_are_refused)
{
    static const struct {
        struct change changes[3];
        const char *says;
    } CASES[] = {
        {{{"process/pid", "4712"}}, "are of shop (pid 4711) and shop (pid 4712); "},
        {{{"process/host", "null"}}, "a time line is of one process"},
        {{{"time/unix_ns", "1795404362123456789"}, {"time/since_start_ns", "9"}}, "are of two runs of shop (pid 4711)"},
    };
    char *text;
    size_t bytes;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct error error = {{0}};
        struct dump dumps[] = {changed_dump(CHANGES()), changed_dump(CASES[i].changes)};
        FILE *out = open_memstream(&text, &bytes);
        cr_expect_not(export_perfetto_write(out, &(struct export_input){.dumps = dumps, .dumps_count = 2}, &error));
        cr_expect_not_null(strstr(error.text, CASES[i].says), "%s", error.text);
        fclose(out);
        free(text);
        dump_free(&dumps[0]);
        dump_free(&dumps[1]);
    }
}
