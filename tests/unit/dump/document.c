/* SPDX-License-Identifier: Apache-2.0
 *
 * The document: every value under its key, from a made-up dump that has something to say everywhere.
 */
#include "dump/document.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gopagewatch/class.h"
#include "tests/unit/support/made_document.h"
#include "tests/unit/support/random.h"

static struct made_document made;

static void make(void)
{
    made_document_make(&made);
}

TestSuite(document, .init = make);

Test(document, has_every_text_and_number_under_its_key)
{
    static const struct {
        const char *place, *text;
    } TEXTS[] = {
        {"schema", "gopagewatch.dump/1"},
        {"reason", "signal"},
        {"label", ""},
        {"phase", "loading"},
        {"time.utc", "2026-11-23T03:26:01.123456789Z"},
        {"process.comm", "shop"},
        {"process.exe", "/srv/shop"},
        {"process.host", "web-3"},
        {"environment.gomemlimit", "1GiB"},
        {"environment.go_version", "go1.26.10"},
        {"environment.build_id", "dead00ff"},
        {"books.shim.how", "patched"},
        {"books.malloc.missing.0.what", "c.heap.free"},
        {"books.malloc.missing.0.why", "nobody asked"},
        {"go.runtimes.0.module", "/srv/shop"},
        {"go.runtimes.0.version", "go1.26.10"},
        {"go.runtimes.0.madvise", "patched"},
        {"go.runtimes.0.start", "0x400000"},
        {"go.runtimes.0.end", "0x900000"},
        {"go.arenas.0.start", "0xc000000000"},
        {"go.arenas.0.pages", "Hr2x8189"},
        {"go.advice.0.by", "go"},
        {"go.advice.0.advice", "DONTNEED"},
        {"maps.0.start", "0xc000000000"},
        {"maps.0.end", "0xc004000000"},
        {"maps.0.perms", "rw-p"},
        {"maps.0.name", "[anon: Go: heap]"},
        {"maps.0.class", "go.heap"},
        {"maps.1.class", "go.released"},
    };
    static const struct {
        const char *place;
        int64_t number;
    } NUMBERS[] = {
        {"seq", 3},
        {"time.unix_ns", 1795404361123456789},
        {"time.since_start_ns", 5000000000},
        {"time.took_ns", 1200000},
        {"process.pid", 4711},
        {"process.threads", 9},
        {"environment.os_page_bytes", 4096},
        {"books.shim.counters.events_recorded", 100},
        {"books.shim.counters.scratch_bytes", 107},
        {"books.pagemap.untrusted", 3},
        {"rss.total", 40960 - 8192}, /* without the dump's own scratch */
        {"rss.peak", 81920},
        {"rss.swapped", 12288},
        {"rss.explained", 4096}, /* all but `other` */
        {"rss.classes.'go.heap'.mapped", 8192},
        {"rss.classes.'go.heap'.resident", 4096},
        {"rss.classes.'go.heap'.swapped", 1},
        {"rss.classes.'go.heap'.huge", 2},
        {"rss.classes.'go.heap'.lazyfree", 3},
        {"rss.classes.other.resident", 100},
        {"rss.classes.libs.mapped", 0},
        {"go.arenas.0.bytes", 64 << 20},
        {"go.arenas.0.resident", 4096},
        {"go.advice.0.calls", 7},
        {"go.advice.0.bytes", 57344},
        {"go.advice.0.errors", 1},
        {"events.capacity", EVENTS_CAPACITY},
        {"events.recorded", 4},
        {"events.lost", 5},
        {"maps.0.resident", 4096},
        {"maps.1.mapped", 16384},
    };
    struct json_t *dump = made_document_write(&made);
    for (unsigned i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
        cr_expect_str_eq(parsed_string(dump, TEXTS[i].place), TEXTS[i].text, "%s", TEXTS[i].place);
    for (unsigned i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++)
        cr_expect_eq(parsed_integer(dump, NUMBERS[i].place), NUMBERS[i].number, "%s", NUMBERS[i].place);
    parsed_free(dump);
}

Test(document, has_every_class_exactly_once)
{
    struct json_t *dump = made_document_write(&made);
#define X(id, name, meaning) cr_expect(parsed_has(dump, "rss.classes.'" name "'.resident"), name);
    GPW_MEMORY_CLASSES(X)
#undef X
    cr_expect_eq(parsed_size(dump, "rss.classes"), CLASS_COUNT);
    parsed_free(dump);
}

Test(document, what_is_not_known_is_null)
{
    made.document.environment.thp_enabled[0] = made.document.environment.thp_defrag[0] = '\0';
    made.document.environment.knows_max_ptes_none = made.document.environment.has_cgroup_limit = false;
    made.document.gomemlimit = NULL;
    struct json_t *dump = made_document_write(&made);
    static const char *const PLACES[] = {
        "thp.enabled", "thp.defrag", "thp.khugepaged_max_ptes_none", "cgroup_memory_max_bytes", "gogc", "gomemlimit",
        "godebug",     "gomaxprocs"};
    for (unsigned i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        char place[100];
        snprintf(place, sizeof place, "environment.%s", PLACES[i]);
        cr_expect(parsed_is_null(dump, place), "%s", place);
    }
    parsed_free(dump);
}

static void expect_event(const struct json_t *dump, unsigned row, int64_t ns, int64_t tid, const char *by,
                         const char *operation, uintptr_t start, int64_t bytes, const char *detail, int64_t error)
{
    char place[40];
#define AT(column) (snprintf(place, sizeof place, "events.rows.%u.%d", row, column), place)
    cr_expect_eq(parsed_integer(dump, AT(0)), ns, "row %u", row);
    cr_expect_eq(parsed_integer(dump, AT(1)), tid, "row %u", row);
    cr_expect_str_eq(parsed_string(dump, AT(2)), by, "row %u", row);
    cr_expect_str_eq(parsed_string(dump, AT(3)), operation, "row %u", row);
    cr_expect_eq(parsed_address(dump, AT(4)), start, "row %u", row);
    cr_expect_eq(parsed_integer(dump, AT(5)), bytes, "row %u", row);
    cr_expect_str_eq(parsed_string(dump, AT(6)), detail, "row %u", row);
    cr_expect_eq(parsed_integer(dump, AT(7)), error, "row %u", row);
#undef AT
}

Test(document, events_are_rows_oldest_first)
{
    struct json_t *dump = made_document_write(&made);
    cr_assert_eq(parsed_size(dump, "events.rows"), 4);
    expect_event(dump, 0, 20, MADE_TID, "go", "mmap", 0xc000000000, 64 << 20, "rw-", 0);
    expect_event(dump, 1, 40, 0, "go", "madvise", 0xc000002000, INT64_MAX, "DONTNEED", 22);
    expect_event(dump, 2, 60, 0, "c", "munmap", 0x7f0000000000, 4096, "", 0);
    /* Its clock was read on a core that lags behind: not before the start. */
    cr_expect_eq(parsed_integer(dump, "events.rows.3.0"), 0);
    cr_expect_str_eq(parsed_string(dump, "events.rows.3.3"), "mremap");
    parsed_free(dump);
}

Test(document, events_that_the_ring_no_longer_holds_have_no_row)
{
    struct event event = {.operation = EVENT_MUNMAP, .by = ORIGIN_C};
    for (unsigned i = 0; i < EVENTS_CAPACITY; i++)
        event_write(&made.events, &event);
    struct json_t *dump = made_document_write(&made);
    cr_expect_eq(parsed_size(dump, "events.rows"), EVENTS_CAPACITY);
    cr_expect_eq(parsed_integer(dump, "events.recorded"), EVENTS_CAPACITY + 4);
    cr_expect_str_eq(parsed_string(dump, "events.rows.0.3"), "munmap");
    parsed_free(dump);
}

Test(document, without_a_ring_there_are_no_events)
{
    made.document.events = NULL;
    struct json_t *dump = made_document_write(&made);
    cr_expect_eq(parsed_integer(dump, "events.capacity"), 0);
    cr_expect_eq(parsed_integer(dump, "events.recorded"), 0);
    cr_expect_eq(parsed_size(dump, "events.rows"), 0);
    parsed_free(dump);
}

Test(document, any_text_from_outside_keeps_it_valid)
{
    struct random random = {37};
    for (int round = 0; round < 30; round++) {
        char text[64];
        for (unsigned i = 0; i < sizeof text - 1; i++)
            text[i] = (char)(1 + random_below(&random, 255));
        text[sizeof text - 1] = '\0';
        made.document.label = made.document.phase = made.document.comm = made.document.exe = made.document.host = text;
        made.document.gogc = made.runtime.module = made.vma.name = text;
        parsed_free(made_document_write(&made));
    }
}

/* The scratch may be larger than what the kernel's lagging counter says of the whole process. */
Test(document, more_missing_things_and_counters_than_fit_are_left_out)
{
    struct book *book = &made.document.books[BOOK_GORUNTIME];
    for (int i = 0; i < 3 * BOOK_MISSING_MAX; i++)
        book_miss(book, "something", "for a reason");
    cr_expect_eq(book->missing_count, (uint32_t)BOOK_MISSING_MAX);
    struct json_t *dump = made_document_write(&made);
    cr_expect_eq(parsed_size(dump, "books.goruntime.missing"), BOOK_MISSING_MAX);
    parsed_free(dump);
    for (int i = 0; i < 3 * BOOK_COUNTERS_MAX; i++)
        book_count(book, "counter", 1);
    cr_expect_eq(book->counters_count, (uint32_t)BOOK_COUNTERS_MAX);
}

static void expect_utc(uint64_t seconds)
{
    char expected[64];
    struct tm calendar;
    time_t when = (time_t)seconds;
    gmtime_r(&when, &calendar);
    strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000000042Z", &calendar);
    made.document.unix_ns = seconds * 1000000000u + 42;
    struct json_t *dump = made_document_write(&made);
    cr_expect_str_eq(parsed_string(dump, "time.utc"), expected, "%lu", seconds);
    parsed_free(dump);
}

Test(document, the_calendar_agrees_with_libc)
{
    static const uint64_t SECONDS[] = {0,         86399,      86400,      951782399,  951782400,  951868799, 951868800,
                                       978307199, 1709164800, 1709251200, 1735689599, 1735689600, 4107542399};
    struct random random = {41};
    for (unsigned i = 0; i < sizeof SECONDS / sizeof SECONDS[0]; i++)
        expect_utc(SECONDS[i]);
    for (int i = 0; i < 200; i++)
        expect_utc(random_below(&random, 9223372036));
}
