/* SPDX-License-Identifier: Apache-2.0
 *
 * The file of calls, as it may be found: right, gone round, cut short, of a later version, damaged in any field.
 */
#include "harness/events_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exported.h"
#include "harness/call_totals.h"
#include "tests/unit/support/files.h"
#include "tests/unit/support/random.h"

#include <jansson.h>

enum { CAPACITY = 5000, FILE_BYTES_MAX = 256 + CAPACITY * 64 };

/* What the dump and the file are both of. */
#define EVENTS_FILE \
    "{\"path\":\"/srv/shop.events\",\"start_unix_ns\":1795404356123456789,\"written\":1,\"dropped\":0,\"lost\":0}"
#define START_UNIX_NS 1795404356123456789u

static const struct gpw_events_header RIGHT = {
    .version = GPW_EVENTS_FILE_VERSION,
    .header_bytes = GPW_EVENTS_HEADER_BYTES,
    .record_bytes = GPW_EVENTS_RECORD_BYTES,
    .pid = 4711,
    .start_unix_ns = START_UNIX_NS,
    .start_monotonic_ns = 1000,
    .start_ticks = 500000,
    .last_monotonic_ns = 1000 + 1000000,
    .last_ticks = 500000 + 2000000, /* half a nanosecond each */
    .capacity = CAPACITY,
    .written = 3,
};

static struct gpw_events_record record_of(uint64_t number)
{
    return (struct gpw_events_record){
        .ticks = 500000 + 2 * number,
        .stack_pointer = 0x7f0000001000,
        .start = 0xc000000000 + number,
        .bytes = 8192,
        .error = 12,
        .operation = GPW_EVENTS_MADVISE,
        .by = GPW_EVENTS_BY_GO,
        .detail = 4,
        .site = 5,
    };
}

/* A file of that header with its records where they belong. */
static uint64_t make_bytes(const struct gpw_events_header *header, unsigned char bytes[FILE_BYTES_MAX])
{
    uint64_t count = header->written - header->dropped;
    memset(bytes, 0xa5, FILE_BYTES_MAX);
    memcpy(bytes, header, sizeof *header);
    for (uint64_t number = header->dropped; number < header->written; number++) {
        struct gpw_events_record record = record_of(number);
        memcpy(bytes + header->header_bytes + number % header->capacity * header->record_bytes, &record, sizeof record);
    }
    return header->header_bytes + (header->dropped > 0 ? header->capacity : count) * header->record_bytes;
}

static bool open_bytes(struct events_file *file, const void *bytes, uint64_t count, struct error *error)
{
    struct memory_file memory = memory_file_make(bytes, count);
    bool is_open = events_file_open(file, memory.path, error);
    memory_file_close(&memory);
    return is_open;
}

static struct events_file open_right(const struct gpw_events_header *header)
{
    static unsigned char bytes[FILE_BYTES_MAX];
    struct events_file file;
    struct error error;
    cr_assert(open_bytes(&file, bytes, make_bytes(header, bytes), &error), "%s", error.text);
    return file;
}

static struct dump dump_of_file(void)
{
    return changed_dump(
        CHANGES({"events_file", EVENTS_FILE},
                {"threads", "[{\"tid\":4712,\"name\":\"a\",\"start\":\"0x7f0000000000\",\"end\":\"0x7f0000002000\","
                            "\"resident\":4096,\"stack_pointer\":null,\"resident_below\":null}]"}));
}

Test(events_file, a_call_is_as_it_would_be_in_the_dump)
{
    struct events_file file = open_right(&RIGHT);
    struct dump dump = dump_of_file();
    struct dump_event event;
    struct error error;
    cr_assert(events_file_belongs_to(&file, &dump, &error), "%s", error.text);
    for (uint64_t number = 0; number < 3; number++) {
        cr_assert(events_file_next(&file, &event, &error));
        cr_expect_eq(event.since_start_ns, number);
        cr_expect_eq(event.tid, 4712u);
        cr_expect_str_eq(event.by, "go");
        cr_expect_str_eq(event.operation, "madvise");
        cr_expect_str_eq(event.detail, "DONTNEED");
        cr_expect_eq(event.start, 0xc000000000 + number);
        cr_expect_eq(event.bytes, 8192u);
        cr_expect_eq(event.error_number, 12u);
        cr_expect_eq(event.site, 5u);
    }
    cr_expect_not(events_file_next(&file, &event, &error));
    cr_expect_not(file.has_failed);
    events_file_close(&file);
    dump_free(&dump);
}

Test(events_file, details_are_words)
{
    static const struct {
        uint8_t operation, detail;
        const char *word;
    } CASES[] = {
        {GPW_EVENTS_MADVISE, 8, "FREE"},   {GPW_EVENTS_MADVISE, 14, "HUGEPAGE"}, {GPW_EVENTS_MADVISE, 255, "other"},
        {GPW_EVENTS_MADVISE, 77, "other"}, {GPW_EVENTS_MADVISE, 254, "other"},   {GPW_EVENTS_MMAP, 3, "rw-"},
        {GPW_EVENTS_MMAP, 0, "---"},       {GPW_EVENTS_MMAP, 255, "rwx"},        {GPW_EVENTS_MUNMAP, 3, ""},
        {GPW_EVENTS_MREMAP, 0, ""},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        static unsigned char bytes[FILE_BYTES_MAX];
        struct events_file file;
        struct dump_event event;
        struct error error;
        uint64_t count = make_bytes(&RIGHT, bytes);
        bytes[256 + offsetof(struct gpw_events_record, operation)] = CASES[i].operation;
        bytes[256 + offsetof(struct gpw_events_record, detail)] = CASES[i].detail;
        cr_assert(open_bytes(&file, bytes, count, &error));
        cr_assert(events_file_next(&file, &event, &error), "%zu", i);
        cr_expect_str_eq(event.detail, CASES[i].word, "%zu", i);
        cr_expect_eq(event.tid, 0u, "no dump, no threads");
        events_file_close(&file);
    }
}

/* More than the buffer holds, over the end of the ring, and with longer records than today's. */
Test(events_file, records_come_oldest_first_wherever_they_stand)
{
    static const struct {
        uint64_t dropped, written;
        uint32_t header_bytes, record_bytes;
    } CASES[] = {
        {0, 0, 256, 48},         {0, CAPACITY, 256, 48}, {12345, 12345 + CAPACITY, 256, 48},
        {12345, 12345, 256, 48}, {7, 4000, 256, 64},     {2 * CAPACITY, 3 * CAPACITY, 256, 48},
        {12000, 12300, 300, 56},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct gpw_events_header header = RIGHT;
        struct dump_event event;
        struct error error;
        header.dropped = CASES[i].dropped;
        header.written = CASES[i].written;
        header.header_bytes = CASES[i].header_bytes;
        header.record_bytes = CASES[i].record_bytes;
        struct events_file file = open_right(&header);
        for (uint64_t number = header.dropped; number < header.written; number++) {
            cr_assert(events_file_next(&file, &event, &error), "%zu: %s", i, error.text);
            cr_assert_eq(event.start, 0xc000000000 + number, "%zu", i);
        }
        cr_expect_not(events_file_next(&file, &event, &error));
        cr_expect_not(file.has_failed);
        cr_expect_eq(file.overtaken, 0u);
        events_file_close(&file);
    }
}

/* The process goes on while its file is read: what it dropped meanwhile is passed over. */
Test(events_file, what_was_overwritten_meanwhile_is_passed_over)
{
    static unsigned char bytes[FILE_BYTES_MAX];
    struct gpw_events_header header = RIGHT;
    struct events_file file;
    struct dump_event event;
    struct error error;
    header.written = CAPACITY;
    struct memory_file memory = memory_file_make(bytes, make_bytes(&header, bytes));
    cr_assert(events_file_open(&file, memory.path, &error));
    cr_assert(events_file_next(&file, &event, &error));
    header.dropped = 4321;
    header.written += 4321;
    uint64_t count = make_bytes(&header, bytes);
    cr_assert_eq(pwrite(memory.fd, bytes, count, 0), (ssize_t)count);
    /* What is in the buffer is as it was. */
    uint64_t read = 1, last = 0;
    for (; events_file_next(&file, &event, &error); read++) {
        uint64_t number = event.start - 0xc000000000;
        cr_assert_gt(number, last);
        cr_assert(number < 65536 / 48 || number >= 4321, "%lu", number);
        last = number;
    }
    cr_expect_not(file.has_failed);
    cr_expect_eq(last, CAPACITY - 1u);
    cr_expect_eq(read + file.overtaken, (uint64_t)CAPACITY);
    cr_expect_gt(file.overtaken, 0u);
    events_file_close(&file);
    memory_file_close(&memory);
}

/* ---- what is refused ---- */

static void expect_refusal_of(const void *bytes, uint64_t count, const char *reason)
{
    struct events_file file;
    struct dump_event event;
    struct error error = {.text = ""};
    if (!open_bytes(&file, bytes, count, &error)) {
        cr_expect_not_null(strstr(error.text, reason), "'%s' has no '%s'", error.text, reason);
        return;
    }
    while (events_file_next(&file, &event, &error))
        continue;
    cr_expect(file.has_failed, "nothing is wrong? %s", reason);
    cr_expect_not_null(strstr(error.text, reason), "'%s' has no '%s'", error.text, reason);
    events_file_close(&file);
}

#define WRONG(reason, ...)                           \
    do {                                             \
        struct gpw_events_header header = RIGHT;     \
        uint64_t count = make_bytes(&header, bytes); \
        __VA_ARGS__;                                 \
        memcpy(bytes, &header, sizeof header);       \
        expect_refusal_of(bytes, count, reason);     \
    } while (0)

Test(events_file, headers_that_cannot_be_are_refused)
{
    static unsigned char bytes[FILE_BYTES_MAX];
    WRONG("is no events file", header.version[0] = 'G');
    WRONG("is no events file", memcpy(header.version, "gopagewatch.dump/1", 19));
    WRONG("has version 2 of the format, and this gopagewatch reads 1", header.version[19] = '2');
    WRONG("has version 11 of the format", header.version[20] = '1');
    WRONG("a version without an end", memset(header.version + 19, '1', 13));
    WRONG("a version that is no number", header.version[19] = '\033');
    WRONG("a version that is no number", header.version[19] = '\0');
    WRONG("a header of 8 bytes", header.header_bytes = 8);
    WRONG("a header of 4294967295 bytes", header.header_bytes = UINT32_MAX);
    WRONG("records of 40", header.record_bytes = 40);
    WRONG("records of 0", header.record_bytes = 0);
    WRONG("records of 4294967248", header.record_bytes = UINT32_MAX - 47);
    WRONG("with room for 0", header.capacity = 0);
    WRONG("with room for 18446744073709551615", header.capacity = UINT64_MAX);
    WRONG("with room for 2", header.capacity = 2);
    WRONG("of 18446744073709551615 records", header.written = UINT64_MAX);
    WRONG("4 are dropped", header.dropped = 4);
    WRONG("of 3 records", header.lost = UINT64_MAX);
    WRONG("a pid or times", header.pid = 0);
    WRONG("a pid or times", header.pid = UINT64_MAX);
    WRONG("a pid or times", header.start_unix_ns = UINT64_MAX);
    WRONG("a pid or times", header.last_ticks = header.start_ticks);
    WRONG("a pid or times", header.last_monotonic_ns = 0);
    WRONG("a pid or times", header.last_monotonic_ns = UINT64_MAX);
    WRONG("ends before the record 3 of 4", header.written = 4);
    WRONG("ends before the record", {
        header.written = CAPACITY;
        header.dropped = 1;
    });
}

Test(events_file, records_that_cannot_be_are_refused)
{
    static unsigned char bytes[FILE_BYTES_MAX];
    unsigned char *second = bytes + 256 + 48;
    WRONG("the record 1 has operation 4", second[36] = 4);
    WRONG("the record 1 has caller 0", second[37] = 0);
    WRONG("the record 1 has caller 4", second[37] = 4);
    WRONG("the record 1 has errno 4294967295", memset(second + 32, 0xff, 4));
    WRONG("the record 1 has errno 65548", second[34] = 1);
}

Test(events_file, files_that_are_cut_short_are_refused)
{
    static unsigned char bytes[FILE_BYTES_MAX];
    uint64_t count = make_bytes(&RIGHT, bytes);
    for (uint64_t left = 0; left < count; left++)
        expect_refusal_of(bytes, left,
                          left < sizeof GPW_EVENTS_FILE_PREFIX - 1    ? "is no events file"
                          : left < sizeof GPW_EVENTS_FILE_VERSION - 1 ? "a version that is no number"
                          : left < 120                                ? "is cut off in its header"
                                                                      : "ends before the record");
}

Test(events_file, what_is_no_file_is_refused)
{
    struct events_file file;
    struct error error;
    cr_expect_not(events_file_open(&file, "/nowhere/f", &error));
    cr_expect_not_null(strstr(error.text, "check the path"), "%s", error.text);
    cr_expect_not(events_file_open(&file, "/tmp", &error));
    cr_expect_not_null(strstr(error.text, "is no regular file"), "%s", error.text);
    cr_expect_not(events_file_open(&file, "/dev/zero", &error));
    cr_expect_not_null(strstr(error.text, "is no regular file"), "%s", error.text);
}

/* Any bytes: nothing is read beyond them, and it comes to an end. */
Test(events_file, noise_is_read_to_an_end)
{
    static unsigned char bytes[FILE_BYTES_MAX];
    struct random random = {7};
    for (int round = 0; round < 3000; round++) {
        struct gpw_events_header header = RIGHT;
        struct events_file file;
        struct dump_event event;
        struct error error;
        header.written = 100;
        uint64_t count = make_bytes(&header, bytes);
        for (uint64_t changes = 1 + random_below(&random, 6); changes > 0; changes--)
            bytes[random_below(&random, random_below(&random, 2) == 0 ? 120 : count)] =
                (unsigned char)random_next(&random);
        if (!open_bytes(&file, bytes, count, &error))
            continue;
        uint64_t read = 0;
        for (; events_file_next(&file, &event, &error); read++)
            cr_assert(event.operation != NULL && event.by != NULL && event.detail != NULL);
        cr_assert_leq(read, count / 48);
        events_file_close(&file);
    }
}

static void expect_stranger(const struct change *changes, const char *reason)
{
    struct events_file file = open_right(&RIGHT);
    struct dump dump = changed_dump(changes);
    struct error error = {.text = ""};
    cr_expect_not(events_file_belongs_to(&file, &dump, &error));
    cr_expect_not_null(strstr(error.text, reason), "%s", error.text);
    events_file_close(&file);
    dump_free(&dump);
}

Test(events_file, the_dump_of_another_process_is_refused)
{
    expect_stranger(CHANGES(), "wrote no such file; name the dump of pid 4711");
    expect_stranger(CHANGES({"events_file", "null"}), "wrote no such file");
    expect_stranger(CHANGES({"events_file", EVENTS_FILE}, {"process/pid", "4712"}),
                    "is of pid 4711, and the dump of pid 4712");
    expect_stranger(CHANGES({"events_file", "{\"path\":\"x\",\"start_unix_ns\":1}"}), "is of another run of pid 4711");
}

Test(events_file, what_a_dump_says_of_it_is_checked)
{
    static const struct {
        const char *value, *reason;
    } CASES[] = {
        {"7", "events_file is a number where an object belongs"},
        {"{\"path\":\"x\"}", "events_file.start_unix_ns is missing"},
        {"{\"path\":null,\"start_unix_ns\":1}", "events_file.path is null"},
        {"{\"path\":\"x\",\"start_unix_ns\":-1}", "events_file.start_unix_ns is negative"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct dump dump;
        struct error error = {.text = ""};
        json_t *document = fixture_document();
        fixture_change(document, "events_file", CASES[i].value);
        cr_expect_not(fixture_load_document(&dump, document, &error));
        cr_expect_not_null(strstr(error.text, CASES[i].reason), "%s", error.text);
    }
}

/* ---- in the time line ---- */

static json_t *time_line(const struct gpw_events_header *header, struct error *error)
{
    struct events_file file = open_right(header);
    struct dump dump = dump_of_file();
    char *text;
    size_t bytes;
    cr_assert(events_file_belongs_to(&file, &dump, error));
    FILE *out = open_memstream(&text, &bytes);
    struct export_input input = {.dumps = &dump, .dumps_count = 1, .events = &file};
    bool is_written = export_format_find("perfetto")->write(out, &input, error);
    fclose(out);
    json_t *trace = is_written ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    cr_expect(is_written == (trace != NULL));
    free(text);
    dump_free(&dump);
    events_file_close(&file);
    return trace;
}

static unsigned count_events(const json_t *trace, const char *phase, const char *category)
{
    size_t index;
    json_t *event;
    unsigned count = 0;
    json_array_foreach(json_object_get(trace, "traceEvents"), index, event)
    {
        const char *found = json_string_value(json_object_get(event, "cat"));
        count += found != NULL && strcmp(found, category) == 0 &&
                 strcmp(json_string_value(json_object_get(event, "ph")), phase) == 0;
    }
    return count;
}

Test(events_file, a_time_line_has_the_calls_of_the_file)
{
    struct gpw_events_header header = RIGHT;
    struct error error = {.text = ""};
    header.dropped = 10;
    header.written = 10 + CAPACITY;
    header.lost = 4;
    json_t *trace = time_line(&header, &error);
    cr_expect_eq(count_events(trace, "i", "go"), (unsigned)CAPACITY);
    cr_expect_eq(count_events(trace, "C", "calls"), 0u, "all of them failed");
    const json_t *about = json_object_get(trace, "otherData");
    cr_expect_eq(json_integer_value(json_object_get(about, "events_dropped")), 10);
    cr_expect_eq(json_integer_value(json_object_get(about, "events_lost")), 4);
    json_decref(trace);
}

Test(events_file, a_time_line_of_a_damaged_file_fails)
{
    static unsigned char bytes[FILE_BYTES_MAX];
    struct gpw_events_header header = RIGHT;
    struct events_file file;
    struct error error = {.text = ""};
    struct dump dump = dump_of_file();
    uint64_t count = make_bytes(&header, bytes);
    bytes[256 + 2 * 48 + 36] = 9;
    cr_assert(open_bytes(&file, bytes, count, &error));
    FILE *out = fopen("/dev/null", "w");
    struct export_input input = {.dumps = &dump, .dumps_count = 1, .events = &file};
    cr_expect_not(export_format_find("perfetto")->write(out, &input, &error));
    cr_expect(file.has_failed);
    cr_expect_not_null(strstr(error.text, "the record 2 has operation 9"), "%s", error.text);
    fclose(out);
    dump_free(&dump);
    events_file_close(&file);
}

/* ---- the counters ---- */

struct point {
    char name[64];
    uint64_t time_ns, bytes;
};

struct points {
    struct point list[1024];
    unsigned count;
};

static void keep_point(void *context, const char *name, uint64_t time_ns, uint64_t bytes)
{
    struct points *points = context;
    struct point *point = &points->list[points->count++];
    snprintf(point->name, sizeof point->name, "%.63s", name);
    point->time_ns = time_ns;
    point->bytes = bytes;
}

Test(call_totals, a_burst_has_a_point_at_its_beginning_and_at_its_end)
{
    static struct points points;
    static struct call_totals totals = {.tell = keep_point, .context = &points};
    static const struct point WANTED[] = {{"go mmap", 0, 1},
                                          {"go mmap", 999, 1000},
                                          {"go mmap", 5000000, 1001},
                                          {"c mmap", 0, 7},
                                          {"go mmap", 5000001, 1002}};
    for (uint64_t i = 0; i < 1000; i++)
        call_totals_add(&totals, "go", "mmap", i, 1);
    call_totals_add(&totals, "go", "mmap", 5000000, 1);
    call_totals_add(&totals, "c", "mmap", 0, 7);
    call_totals_add(&totals, "go", "mmap", 5000001, 1);
    call_totals_end(&totals);
    cr_assert_eq(points.count, 5u);
    for (unsigned i = 0; i < 5; i++) {
        cr_expect_str_eq(points.list[i].name, WANTED[i].name, "%u", i);
        cr_expect_eq(points.list[i].time_ns, WANTED[i].time_ns, "%u: %lu", i, points.list[i].time_ns);
        cr_expect_eq(points.list[i].bytes, WANTED[i].bytes, "%u: %lu", i, points.list[i].bytes);
    }
}

Test(call_totals, too_many_kinds_are_one_and_sums_do_not_wrap)
{
    static struct points points;
    static struct call_totals totals = {.tell = keep_point, .context = &points};
    for (unsigned i = 0; i < 2 * CALL_TOTALS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "kind %u", i);
        call_totals_add(&totals, "go", name, 0, UINT64_MAX / 2);
    }
    call_totals_end(&totals);
    cr_expect_eq(totals.count, (uint32_t)CALL_TOTALS_MAX);
    cr_expect_str_eq(totals.rows[CALL_TOTALS_MAX - 1].name, "all other calls");
    cr_expect_eq(totals.rows[CALL_TOTALS_MAX - 1].bytes, UINT64_MAX);
    cr_expect_eq(totals.rows[0].bytes, UINT64_MAX / 2);
}
