/* SPDX-License-Identifier: Apache-2.0
 *
 * Baselines: what is written comes back, and what is no baseline is refused with a sentence that names the place.
 */
#include "harness/baseline.h"

#include <stdlib.h>

#include "dump_fixture.h"
#include "gate_fixture.h"

/* For free(). */
static char *written(const struct samples *samples)
{
    char *text = NULL;
    size_t bytes;
    struct error error;
    FILE *out = open_memstream(&text, &bytes);
    cr_assert(baseline_write(out, samples, &error), "%s", error.text);
    fclose(out);
    return text;
}

static json_t *parsed(const char *text)
{
    json_error_t error;
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(document, "%s: %s", error.text, text);
    return document;
}

static void fill(struct gate *gate)
{
    gate_open(gate);
    for (uint64_t i = 0; i < 3; i++) {
        struct sample_origin origin = gate_origin(i);
        origin.has_heap = i != 1;
        gate_add_one(gate, SAMPLES_CURRENT, &origin);
    }
    const uint64_t bytes[] = {62922752, DUMP_NOT_KNOWN, INT64_MAX}, counts[] = {9, 0, 11}, late[] = {0, DUMP_NOT_KNOWN};
    gate_put(gate, SAMPLES_CURRENT, "rss.total", METRIC_BYTES, bytes, 3);
    gate_put(gate, SAMPLES_CURRENT, "process.threads", METRIC_COUNT, counts, 3);
    gate_put(gate, SAMPLES_CURRENT, "go.sizeclass.64.resident", METRIC_BYTES, late, 2);
    cr_assert(samples_finish(&gate->samples, &gate->error));
}

/* The environment and the samples of `from`, its current side being the other's baseline. */
static void expect_same(const struct gate *from, const struct gate *to)
{
    const struct samples_of_side *a = &from->samples.sides[SAMPLES_CURRENT];
    const struct samples_of_side *b = &to->samples.sides[SAMPLES_BASELINE];
    cr_assert_eq(a->count, b->count);
    cr_expect_str_eq(a->program, b->program);
    cr_expect_str_eq(b->environment.go_version, "go1.26.10");
    cr_expect_null(b->environment.gogc);
    cr_expect_eq(b->environment.cpus, 4u);
    cr_expect_eq(b->environment.khugepaged_max_ptes_none, 511u);
    cr_expect_eq(b->environment.cgroup_memory_max_bytes, DUMP_NOT_KNOWN);
    cr_assert_eq(from->samples.metrics_count, to->samples.metrics_count);
    for (uint64_t i = 0; i < a->count; i++)
        cr_expect_eq(a->origins[i].has_heap, b->origins[i].has_heap);
    for (uint64_t i = 0; i < from->samples.metrics_count; i++) {
        const struct samples_metric *x = &from->samples.metrics[i], *y = &to->samples.metrics[i];
        cr_expect_str_eq(x->name, y->name);
        cr_expect_eq(x->unit, y->unit, "%s", x->name);
        cr_expect_arr_eq(x->values[SAMPLES_CURRENT], y->values[SAMPLES_BASELINE], a->count * sizeof(uint64_t), "%s",
                         x->name);
    }
}

Test(baseline, what_is_written_comes_back)
{
    struct gate from, to;
    fill(&from);
    char *text = written(&from.samples);
    json_t *document = parsed(text);
    gate_open(&to);
    cr_expect(baseline_is_document(document));
    cr_assert(baseline_read(&to.samples, document, &to.error), "%s", to.error.text);
    cr_assert(samples_finish(&to.samples, &to.error));
    expect_same(&from, &to);
    json_decref(document);
    free(text);
    gate_close(&to);
    gate_close(&from);
}

Test(baseline, all_of_a_dump_comes_back)
{
    struct gate from, to;
    struct dump dump;
    gate_open(&from);
    gate_open(&to);
    cr_assert(fixture_load_bytes(&dump, DUMP_FIXTURE, strlen(DUMP_FIXTURE), &from.error));
    for (int i = 0; i < 3; i++)
        cr_assert(samples_add_dump(&from.samples, SAMPLES_CURRENT, &dump, &from.error));
    dump_free(&dump);
    cr_assert(samples_finish(&from.samples, &from.error));
    char *text = written(&from.samples);
    json_t *document = parsed(text);
    cr_assert(baseline_read(&to.samples, document, &to.error), "%s", to.error.text);
    cr_assert(samples_finish(&to.samples, &to.error));
    cr_expect_eq(to.samples.metrics_count, from.samples.metrics_count);
    cr_expect_gt(to.samples.metrics_count, 100u);
    for (uint64_t i = 0; i < from.samples.metrics_count; i++)
        cr_expect_arr_eq(from.samples.metrics[i].values[SAMPLES_CURRENT],
                         to.samples.metrics[i].values[SAMPLES_BASELINE], 3 * sizeof(uint64_t), "%s",
                         from.samples.metrics[i].name);
    json_decref(document);
    free(text);
    gate_close(&to);
    gate_close(&from);
}

/* A review shows which metric changed, and nothing else. */
Test(baseline, has_a_metric_on_a_line)
{
    struct gate gate;
    fill(&gate);
    char *text = written(&gate.samples);
    cr_expect_not_null(strstr(text, "\n    \"rss.total\": [62922752, null, 9223372036854775807]\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\n    \"go.sizeclass.64.resident\": [0, null, 0],\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\n    \"process.threads\": [9, 0, 11]\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\n  \"samples\": [{\"has_heap\": true}, {\"has_heap\": false}, "), "%s", text);
    cr_expect_eq(text[strlen(text) - 1], '\n');
    free(text);
    gate_close(&gate);
}

Test(baseline, several_add_up)
{
    struct gate from, to;
    fill(&from);
    char *text = written(&from.samples);
    json_t *document = parsed(text);
    gate_open(&to);
    cr_assert(baseline_read(&to.samples, document, &to.error));
    fixture_change(document, "bytes/rss.other.resident", "[1,2,3]");
    fixture_change(document, "bytes/rss.total", "[4,5,6]");
    fixture_change(document, "environment/kernel", "\"6.19.0\"");
    cr_assert(baseline_read(&to.samples, document, &to.error), "%s", to.error.text);
    cr_assert(samples_finish(&to.samples, &to.error));
    cr_expect_eq(to.samples.sides[SAMPLES_BASELINE].count, 6u);
    cr_expect_eq(to.samples.sides[SAMPLES_BASELINE].environments_differ, 3u);
    const uint64_t total[] = {62922752, DUMP_NOT_KNOWN, INT64_MAX, 4, 5, 6};
    const uint64_t other[] = {DUMP_NOT_KNOWN, DUMP_NOT_KNOWN, DUMP_NOT_KNOWN, 1, 2, 3};
    for (uint64_t i = 0; i < to.samples.metrics_count; i++) {
        const struct samples_metric *metric = &to.samples.metrics[i];
        if (strcmp(metric->name, "rss.total") == 0)
            cr_expect_arr_eq(metric->values[SAMPLES_BASELINE], total, sizeof total);
        if (strcmp(metric->name, "rss.other.resident") == 0)
            cr_expect_arr_eq(metric->values[SAMPLES_BASELINE], other, sizeof other);
    }
    json_decref(document);
    free(text);
    gate_close(&to);
    gate_close(&from);
}

Test(baseline, what_is_wrong_is_named)
{
    static const struct {
        const char *path, *json, *said;
    } CASES[] = {
        {"schema", "\"gopagewatch.baseline/2\"", "has schema \"gopagewatch.baseline/2\", and gopagewatch "},
        {"schema", "7", "schema is a number where text belongs"},
        {"program", NULL, "program is missing"},
        {"program", "[]", "program is a list where text belongs"},
        {"environment", NULL, "environment is missing"},
        {"environment", "[]", "environment is a list where an object belongs"},
        {"environment/kernel", NULL, "environment.kernel is missing"},
        {"environment/cpus", "-1", "environment.cpus is negative"},
        {"environment/cpus", "\"4\"", "environment.cpus is text where a whole number belongs"},
        {"environment/thp", "true", "environment.thp is true or false where an object belongs"},
        {"environment/os_page_bytes", "null", "environment.os_page_bytes is null where"},
        {"samples", NULL, "samples is missing"},
        {"samples", "{}", "samples is an object where a list belongs"},
        {"samples/1", "{}", "samples has an entry without \"has_heap\""},
        {"samples/1", "7", "samples has an entry without \"has_heap\""},
        {"samples/1/has_heap", "1", "samples has an entry without \"has_heap\""},
        {"samples", "[]", "bytes.go.sizeclass.64.resident is not a list with a value for each sample"},
        {"bytes", NULL, "bytes is missing"},
        {"bytes", "null", "bytes is null where an object belongs"},
        {"counts", NULL, "counts is missing"},
        {"counts", "3", "counts is a number where an object belongs"},
        {"bytes/rss.total", "[1,2]", "bytes.rss.total is not a list with a value for each sample"},
        {"bytes/rss.total", "[1,2,3,4]", "bytes.rss.total is not a list with a value for each sample"},
        {"bytes/rss.total", "{\"0\":1,\"1\":2,\"2\":3}", "bytes.rss.total is not a list"},
        {"bytes/rss.total", "null", "bytes.rss.total is not a list"},
        {"bytes/rss.total", "[1,-2,3]", "bytes.rss.total holds something that is neither a whole number"},
        {"bytes/rss.total", "[1,2.5,3]", "bytes.rss.total holds something that is neither a whole number"},
        {"bytes/rss.total", "[1,\"2\",3]", "bytes.rss.total holds something that is neither a whole number"},
        {"bytes/rss.total", "[1,[2],3]", "bytes.rss.total holds something that is neither a whole number"},
        {"counts/process.threads", "[true,1,1]", "counts.process.threads holds something that is neither"},
        {"counts/", "[1,1,1]", "counts has a name that is empty or longer than that of any metric"},
        {"bytes/rss.\x1b[31m\n", "[1]", "bytes.rss.?[31m? is not a list"},
    };
    struct gate from;
    fill(&from);
    char *text = written(&from.samples);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct gate to;
        json_t *document = parsed(text);
        gate_open(&to);
        fixture_change(document, CASES[i].path, CASES[i].json);
        cr_expect_not(baseline_read(&to.samples, document, &to.error), "expected: %s", CASES[i].said);
        cr_expect_not_null(strstr(to.error.text, CASES[i].said), "\"%s\" does not say \"%s\"", to.error.text,
                           CASES[i].said);
        cr_expect_not_null(strstr(to.error.text, "; "), "\"%s\" does not say what to do", to.error.text);
        cr_expect_null(strstr(to.error.text, "dump"), "\"%s\" calls it a dump", to.error.text);
        json_decref(document);
        gate_close(&to);
    }
    free(text);
    gate_close(&from);
}

Test(baseline, long_names_and_long_lists_are_refused)
{
    struct gate from, to;
    char name[METRIC_NAME_BYTES + 1] = "";
    memset(name, 'x', METRIC_NAME_BYTES);
    fill(&from);
    char *text = written(&from.samples);
    json_t *document = parsed(text), *list = json_array();
    gate_open(&to);
    json_object_set_new(json_object_get(document, "bytes"), name, json_pack("[i,i,i]", 1, 2, 3));
    cr_expect_not(baseline_read(&to.samples, document, &to.error));
    cr_expect_not_null(strstr(to.error.text, "longer than that of any metric"), "%s", to.error.text);
    gate_close(&to);

    gate_open(&to);
    for (int i = 0; i < 1000000; i++)
        json_array_append_new(list, json_integer(i));
    json_object_clear(json_object_get(document, "bytes"));
    json_object_set_new(json_object_get(document, "bytes"), "rss.total", list);
    cr_expect_not(baseline_read(&to.samples, document, &to.error));
    cr_expect_not_null(strstr(to.error.text, "is not a list with a value for each sample"), "%s", to.error.text);
    gate_close(&to);
    json_decref(document);
    free(text);
    gate_close(&from);
}

Test(baseline, is_told_from_a_dump)
{
    static const struct {
        const char *text;
        bool is_one;
    } CASES[] = {
        {"{\"schema\": \"gopagewatch.baseline/1\"}", true},
        {"{\"schema\": \"gopagewatch.baseline/99\"}", true},
        {"{\"schema\": \"gopagewatch.dump/1\"}", false},
        {"{\"schema\": 1}", false},
        {"{}", false},
        {"[]", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        json_t *document = parsed(CASES[i].text);
        cr_expect_eq(baseline_is_document(document), CASES[i].is_one, "%s", CASES[i].text);
        json_decref(document);
    }
}
