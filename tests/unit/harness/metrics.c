/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers of a dump under their names, and which names mean something though no dump has them.
 */
#include "harness/metrics.h"

#include "dump_fixture.h"
#include "gopagewatch/finding.h"

enum { NAMES_MAX = 512 };

struct seen {
    char names[NAMES_MAX][METRIC_NAME_BYTES];
    struct metric metrics[NAMES_MAX];
    size_t count;
};

static bool remember(void *context, const struct metric *metric)
{
    struct seen *seen = context;
    cr_assert_lt(seen->count, (size_t)NAMES_MAX);
    strcpy(seen->names[seen->count], metric->name);
    seen->metrics[seen->count] = *metric;
    seen->metrics[seen->count].name = seen->names[seen->count];
    seen->count++;
    return true;
}

static const struct metric *find(const struct seen *seen, const char *name)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->names[i], name) == 0)
            return &seen->metrics[i];
    }
    return NULL;
}

static struct seen *see(json_t *document)
{
    static struct seen seen;
    struct dump dump;
    struct error error;
    seen.count = 0;
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    cr_assert(metrics_visit(&dump, remember, &seen));
    dump_free(&dump);
    return &seen;
}

static json_t *document_with_finding(void)
{
    json_t *document = fixture_document();
    fixture_change(
        document, "findings",
        "[{\"id\":\"released-resident\",\"bytes\":4194304,\"text\":\"t\",\"evidence\":{},\"advice\":\"a\"}]");
    return document;
}

/* Every kind of name in docs/ci.md, with the fixture's numbers. */
static const struct metric EXPECTED[] = {
    {"rss.total", METRIC_BYTES, 62922752},
    {"rss.explained", METRIC_BYTES, 62898176},
    {"rss.swapped", METRIC_BYTES, 0},
    {"peak.rss", METRIC_BYTES, 73400320},
    {"process.threads", METRIC_COUNT, 9},
    {"rss.libs.mapped", METRIC_BYTES, 4194304},
    {"rss.libs.resident", METRIC_BYTES, 2097152},
    {"rss.libs.swapped", METRIC_BYTES, 0},
    {"rss.libs.huge", METRIC_BYTES, 0},
    {"rss.libs.lazyfree", METRIC_BYTES, 0},
    {"rss.go.unused.resident", METRIC_BYTES, 0},
    {"rss.go.heap.resident", METRIC_BYTES, 60801024},
    {"go.sizeclass.64.spans", METRIC_COUNT, 30},
    {"go.sizeclass.64.slots", METRIC_COUNT, 3840},
    {"go.sizeclass.64.objects", METRIC_COUNT, 2990},
    {"go.sizeclass.64.bytes", METRIC_BYTES, 191360},
    {"go.sizeclass.64.mapped", METRIC_BYTES, 245760},
    {"go.sizeclass.64.resident", METRIC_BYTES, 245760},
    {"go.sizeclass.64.sparse_bytes", METRIC_BYTES, 32768},
    {"go.large.spans", METRIC_COUNT, 10},
    {"go.large.bytes", METRIC_BYTES, 41943040},
    {"go.large.resident", METRIC_BYTES, 20971520},
    {"go.large.untouched", METRIC_BYTES, 20971520},
    {"go.reinflated.resident", METRIC_BYTES, 4194304},
    {"go.reinflated.huge", METRIC_BYTES, 2097152},
    {"go.heaps.0.spans", METRIC_COUNT, 40},
    {"go.heaps.0.objects", METRIC_COUNT, 3000},
    {"go.heaps.0.gc.cycle", METRIC_COUNT, 12},
    {"go.heaps.0.gc.goal", METRIC_BYTES, 41943040},
    {"go.heaps.0.gc.live", METRIC_BYTES, 20971520},
    {"go.advice.go.DONTNEED.calls", METRIC_COUNT, 45},
    {"go.advice.go.DONTNEED.bytes", METRIC_BYTES, 128974848},
    {"go.advice.go.DONTNEED.errors", METRIC_COUNT, 0},
    {"findings.released-resident.bytes", METRIC_BYTES, 4194304},
};

enum { EXPECTED_COUNT = sizeof EXPECTED / sizeof EXPECTED[0] };

Test(metrics, every_number_of_a_dump_has_its_name)
{
    enum { PARTS_OF_A_CLASS = 5, CLASSES_EXPECTED = 7 };
    struct seen *seen = see(document_with_finding());
    for (size_t i = 0; i < EXPECTED_COUNT; i++) {
        const struct metric *metric = find(seen, EXPECTED[i].name);
        cr_assert_not_null(metric, "there is no %s", EXPECTED[i].name);
        cr_expect_eq(metric->unit, EXPECTED[i].unit, "%s", metric->name);
        cr_expect_eq(metric->value, EXPECTED[i].value, "%s is %llu", metric->name, (unsigned long long)metric->value);
    }
    for (size_t i = 0; i < seen->count; i++)
        cr_expect_eq(find(seen, seen->names[i]), &seen->metrics[i], "%s comes twice", seen->names[i]);
    /* and the classes that are not listed above */
    size_t classes = (size_t)CLASS_COUNT * PARTS_OF_A_CLASS;
    cr_expect_eq(seen->count, EXPECTED_COUNT - CLASSES_EXPECTED + classes, "%zu names", seen->count);
}

Test(metrics, null_is_not_known)
{
    json_t *document = fixture_document();
    fixture_change(document, "rss/peak", "null");
    fixture_change(document, "process/threads", "null");
    fixture_change(document, "go/heaps/0/gc/live", "null");
    struct seen *seen = see(document);
    cr_expect_eq(find(seen, "peak.rss")->value, DUMP_NOT_KNOWN);
    cr_expect_eq(find(seen, "process.threads")->value, DUMP_NOT_KNOWN);
    cr_expect_eq(find(seen, "go.heaps.0.gc.live")->value, DUMP_NOT_KNOWN);
    cr_expect_eq(find(seen, "go.heaps.0.gc.goal")->value, 41943040u);
}

/* Zeros that are written for a heap that was not walked are no numbers. */
Test(metrics, nothing_of_a_heap_that_was_not_walked_is_named)
{
    json_t *document = document_with_finding();
    fixture_change(document, "go/heaps/0/layout", "null");
    fixture_change(document, "go/heaps/0/why", "\"unknown layout\"");
    struct seen *seen = see(document);
    for (size_t i = 0; i < seen->count; i++)
        cr_expect((strncmp(seen->names[i], "go.", 3) != 0 || strncmp(seen->names[i], "go.advice.", 10) == 0) &&
                      strncmp(seen->names[i], "findings.", 9) != 0,
                  "%s is known", seen->names[i]);
    cr_expect_not_null(find(seen, "rss.total"));
    cr_expect_not_null(find(seen, "go.advice.go.DONTNEED.calls"));
}

Test(metrics, one_heap_of_two_that_was_not_walked_makes_none)
{
    struct dump_heap heaps[] = {{.layout = "go1.26"}, {.layout = NULL}};
    struct dump dump = {.heaps = heaps, .heaps_count = 2};
    cr_expect_not(metrics_has_heap(&dump));
    dump.heaps_count = 1;
    cr_expect(metrics_has_heap(&dump));
    dump.heaps_count = 0;
    cr_expect_not(metrics_has_heap(&dump), "no runtime was found");
}

static bool stop(void *context, const struct metric *metric)
{
    (void)metric;
    return --*(int *)context > 0;
}

Test(metrics, visit_ends_when_the_visitor_does)
{
    struct dump dump;
    struct error error;
    cr_assert(fixture_load_bytes(&dump, DUMP_FIXTURE, strlen(DUMP_FIXTURE), &error));
    for (int wanted = 1; wanted < 60; wanted++) {
        int left = wanted;
        cr_expect_not(metrics_visit(&dump, stop, &left));
        cr_expect_eq(left, 0, "%d visits more after %d", -left, wanted);
    }
    dump_free(&dump);
}

Test(metrics, long_names_are_cut_and_nothing_else_happens)
{
    char id[4 * METRIC_NAME_BYTES] = "";
    memset(id, 'x', sizeof id - 1);
    struct dump_heap heap = {.layout = "go1.26"};
    struct dump_finding finding = {.id = id, .bytes = 5};
    struct dump dump = {.heaps = &heap, .heaps_count = 1, .findings = &finding, .findings_count = 1};
    static struct seen seen;
    cr_assert(metrics_visit(&dump, remember, &seen));
    cr_expect_eq(strlen(seen.names[seen.count - 1]), (size_t)METRIC_NAME_BYTES - 1);
    cr_expect_eq(seen.metrics[seen.count - 1].value, 5u);
}

Test(metrics, names_that_exist_though_no_dump_has_them)
{
    static const struct {
        const char *name;
        bool is_known;
        enum metric_unit unit;
        enum metric_absence absence;
    } CASES[] = {
        {"findings.lazyfree.bytes", true, METRIC_BYTES, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"findings.lazyfre.bytes", false, 0, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"findings.lazyfree", false, 0, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"findings.lazyfree.", false, 0, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"findings.lazyfree.resident", false, 0, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"go.sizeclass.8.objects", true, METRIC_COUNT, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"go.sizeclass.4096.resident", true, METRIC_BYTES, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"go.sizeclass.32768.spans", true, METRIC_COUNT, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"go.sizeclass.4097.resident", false, 0, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"go.sizeclass.0.resident", false, 0, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"go.sizeclass.08.resident", false, 0, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"go.sizeclass. 8.resident", false, 0, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"go.sizeclass.-8.resident", false, 0, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"go.sizeclass.18446744073709551624.resident", false, 0, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"go.sizeclass.8", false, 0, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"go.sizeclass.8.size", false, 0, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"go.sizeclass.", false, 0, METRIC_ABSENT_IS_ZERO_IN_HEAP},
        {"go.advice.c.COLLAPSE.calls", true, METRIC_COUNT, METRIC_ABSENT_IS_ZERO},
        {"go.advice.go.other.bytes", true, METRIC_BYTES, METRIC_ABSENT_IS_ZERO},
        {"go.advice.go.DONTNED.bytes", false, 0, METRIC_ABSENT_IS_ZERO},
        {"go.advice.go..bytes", false, 0, METRIC_ABSENT_IS_ZERO},
        {"go.advice.go.none.bytes", false, 0, METRIC_ABSENT_IS_ZERO},
        {"go.advice.java.FREE.bytes", false, 0, METRIC_ABSENT_IS_ZERO},
        {"go.advice.c.FREE.size", false, 0, METRIC_ABSENT_IS_ZERO},
        {"go.large.resident", true, METRIC_BYTES, METRIC_ABSENT_IS_NOT_KNOWN},
        {"go.reinflated.huge", true, METRIC_BYTES, METRIC_ABSENT_IS_NOT_KNOWN},
        {"go.large.residents", false, 0, METRIC_ABSENT_IS_NOT_KNOWN},
        {"go.heaps.0.objects", true, METRIC_COUNT, METRIC_ABSENT_IS_NOT_KNOWN},
        {"go.heaps.12.gc.live", true, METRIC_BYTES, METRIC_ABSENT_IS_NOT_KNOWN},
        {"go.heaps.01.gc.live", false, 0, METRIC_ABSENT_IS_NOT_KNOWN},
        {"go.heaps..gc.live", false, 0, METRIC_ABSENT_IS_NOT_KNOWN},
        {"go.heaps.0.live", false, 0, METRIC_ABSENT_IS_NOT_KNOWN},
        {"rss.totl", false, 0, METRIC_ABSENT_IS_NOT_KNOWN},
        {"", false, 0, METRIC_ABSENT_IS_NOT_KNOWN},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        enum metric_unit unit = METRIC_BYTES;
        cr_expect_eq(metric_is_known(CASES[i].name, &unit), CASES[i].is_known, "%s", CASES[i].name);
        if (CASES[i].is_known)
            cr_expect_eq(unit, CASES[i].unit, "%s", CASES[i].name);
        cr_expect_eq(metric_absence(CASES[i].name), CASES[i].absence, "%s", CASES[i].name);
    }
    for (int id = 0; id < FINDING_COUNT; id++) {
        char name[METRIC_NAME_BYTES];
        enum metric_unit unit;
        snprintf(name, sizeof name, "findings.%s.bytes", finding_name(id));
        cr_expect(metric_is_known(name, &unit), "%s", name);
    }
}
