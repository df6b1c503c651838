/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats read by the readers of others: XML by Python's expat, Markdown by cmark-gfm, OpenMetrics by Prometheus' own
 * client library. What they find is what was written, whatever the names are.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>

#include "check_made.h"
#include "tests/unit/support/files.h"

#include "harness/check_words.h"

#define READER "/usr/bin/python3 tests/unit/support/read_check.py "

/* For json_decref. */
static json_t *read_back(const char *reader, const char *format, const struct check_result *result)
{
    struct temporary_directory directory;
    char path[FILE_PATH_BYTES], command[2 * FILE_PATH_BYTES];
    json_error_t error;
    char *text = made_written(format, result, NULL);
    temporary_directory_make(&directory);
    write_text_file(path_in(&directory, "written", path), text);
    snprintf(command, sizeof command, READER "%s %s", reader, path);
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    json_t *found = json_loadf(pipe, 0, &error);
    int status = pclose(pipe);
    temporary_directory_remove(&directory);
    cr_assert(status == 0 && found != NULL, "%s cannot read:\n%s", reader, text);
    free(text);
    return found;
}

static const char *string_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* A cell of a table, by row (0: the head) and column. */
static const char *cell(const json_t *tables, size_t table, size_t row, size_t column)
{
    return json_string_value(json_array_get(json_array_get(json_array_get(tables, table), row), column));
}

static bool begins(const char *text, const char *with)
{
    return text != NULL && strncmp(text, with, strlen(with)) == 0;
}

/* ---- junit ---- */

static void expect_counts(const json_t *found, const struct check_result *result)
{
    const json_t *counts = json_object_get(found, "counts");
    cr_expect_str_eq(string_at(found, "tag"), "testsuites");
    cr_expect_eq((uint64_t)json_integer_value(json_object_get(counts, "tests")), result->rows_count);
    cr_expect_eq((uint64_t)json_integer_value(json_object_get(counts, "failures")),
                 result->verdict_rows[CHECK_REGRESSION]);
    cr_expect_eq((uint64_t)json_integer_value(json_object_get(counts, "errors")),
                 result->verdict_rows[CHECK_INCONCLUSIVE]);
    cr_expect_eq(json_array_size(json_object_get(found, "cases")), result->rows_count);
    cr_expect_str_eq(string_at(found, "output"), check_headline(result).text);
}

Test(check_junit, has_a_testcase_for_each_row)
{
    static const char *const OUTCOMES[] = {
        [CHECK_PASS] = "passed", [CHECK_INCONCLUSIVE] = "error", [CHECK_REGRESSION] = "failure"};
    struct check_result results[] = {made_regression(), made_many()};
    char classname[64];
    for (int i = 0; i < 2; i++) {
        json_t *found = read_back("junit", "junit", &results[i]);
        expect_counts(found, &results[i]);
        for (uint64_t row = 0; row < results[i].rows_count; row++) {
            const json_t *testcase = json_array_get(json_object_get(found, "cases"), row);
            const struct check_row *wanted = &results[i].rows[row];
            snprintf(classname, sizeof classname, "gopagewatch.%s", check_kind_name(wanted->kind));
            cr_expect_str_eq(string_at(testcase, "classname"), classname);
            cr_expect_str_eq(string_at(testcase, "name"), wanted->metric);
            cr_expect_str_eq(string_at(testcase, "outcome"), OUTCOMES[wanted->verdict]);
            cr_expect_not_null(strstr(string_at(testcase, "text"), check_facts(wanted).text));
            if (wanted->verdict != CHECK_PASS)
                cr_expect_str_eq(string_at(testcase, "message"), wanted->why);
        }
        json_decref(found);
    }
}

/* GitLab shows the text alone. */
Test(check_junit, text_of_a_failure_stands_for_itself)
{
    struct check_result made = made_regression();
    json_t *found = read_back("junit", "junit", &made);
    const json_t *cases = json_object_get(found, "cases");
    const char *text = string_at(json_array_get(cases, 1), "text");
    cr_expect(begins(text, made.rows[1].why), "%s", text);
    cr_expect_not_null(strstr(text,
                              "\ngrew most: go.unused +8.20 MiB (+67.8 %), go.metadata +399 KiB (+12.9 %), c.mmap "
                              "+128 KiB (new); slots of 4096 bytes +7.25 MiB (+290.0 %), 128 bytes +870 KiB"));
    cr_expect_null(strstr(string_at(json_array_get(cases, 3), "text"), "grew most"));
    json_decref(found);
}

Test(check_junit, is_well_formed_whatever_the_names_are)
{
    struct check_result made = made_nasty(), empty = {0};
    json_t *found = read_back("junit", "junit", &made);
    const json_t *cases = json_object_get(found, "cases"), *properties = json_object_get(found, "properties");
    cr_expect_str_eq(string_at(json_array_get(cases, 0), "name"), NASTY_NAME);
    cr_expect_str_eq(string_at(json_array_get(cases, 0), "message"), NASTY_NAME);
    cr_expect(begins(string_at(json_array_get(cases, 0), "text"), NASTY_NAME "\n"));
    cr_expect_str_eq(string_at(json_array_get(cases, 1), "name"), BROKEN_NAME_CLEAN);
    cr_expect_str_eq(json_string_value(json_array_get(json_array_get(properties, 0), 1)), NASTY_NAME);
    cr_expect_eq(json_array_size(properties), 5);
    json_decref(found);
    found = read_back("junit", "junit", &empty);
    expect_counts(found, &empty);
    json_decref(found);
}

/* ---- markdown ---- */

static void expect_rows(const json_t *tables, const struct check_result *result, uint64_t rows_count)
{
    static const char *const HEADS[] = {"metric", "rule", "baseline", "current", "change", "p", "verdict", "allowed"};
    enum { COLUMNS = sizeof HEADS / sizeof HEADS[0] };
    const json_t *table = json_array_get(tables, 0);
    cr_assert_eq(json_array_size(table), rows_count + 1);
    for (size_t i = 0; i <= rows_count; i++)
        cr_expect_eq(json_array_size(json_array_get(table, i)), COLUMNS, "row %zu", i);
    for (size_t i = 0; i < COLUMNS; i++)
        cr_expect_str_eq(cell(tables, 0, 0, i), HEADS[i]);
    for (uint64_t i = 0, line = 1; i < result->rows_count; i++) {
        const struct check_row *row = &result->rows[i];
        if (!check_is_shown(result, i))
            continue;
        cr_expect_str_eq(cell(tables, 0, line, 0), row->metric);
        cr_expect_str_eq(cell(tables, 0, line, 1), check_kind_name(row->kind));
        cr_expect(begins(cell(tables, 0, line, 2), check_median(&row->baseline, row->unit).text));
        cr_expect(begins(cell(tables, 0, line, 3), check_median(&row->current, row->unit).text));
        cr_expect_str_eq(cell(tables, 0, line, 4), check_change_both(row).text);
        cr_expect_str_eq(cell(tables, 0, line, 5), check_p(row).text);
        cr_expect_str_eq(cell(tables, 0, line, 6), check_verdict_name(row->verdict));
        cr_expect_str_eq(cell(tables, 0, line, 7), row->bound);
        line++;
    }
}

Test(check_markdown, is_the_table_why_and_what_grew)
{
    struct check_result made = made_regression();
    json_t *found = read_back("markdown", "markdown", &made);
    const json_t *tables = json_object_get(found, "tables"), *items = json_object_get(found, "items");
    cr_expect_eq(json_array_size(json_object_get(found, "strange")), 0);
    cr_expect_str_eq(string_at(found, "heading"), "gopagewatch: regression");
    cr_expect(begins(json_string_value(json_array_get(json_object_get(found, "paragraphs"), 0)), "3 of 14 metrics, "));
    cr_assert_eq(json_array_size(tables), 3);
    expect_rows(tables, &made, REGRESSION_ROWS);
    cr_expect_str_eq(cell(tables, 0, 2, 2), "61.2 MiB \xc2\xb1"
                                            "0.4 %");
    cr_expect_str_eq(cell(tables, 1, 1, 0), "go.unused");
    cr_expect_str_eq(cell(tables, 1, 1, 3), "+8.20 MiB (+67.8 %)");
    cr_expect_str_eq(cell(tables, 2, 1, 0), "4096");
    cr_expect_eq(json_array_size(items), 3);
    cr_expect(begins(json_string_value(json_array_get(items, 0)), "rss.go.unused.resident, rss.total (growth): it "));
    cr_expect_eq(json_array_size(json_object_get(found, "quotes")), 1);
    json_decref(found);
}

Test(check_markdown, rows_beyond_the_first_are_folded)
{
    struct check_result made = made_many();
    json_t *found = read_back("markdown", "markdown", &made);
    const json_t *paragraphs = json_object_get(found, "paragraphs");
    expect_rows(json_object_get(found, "tables"), &made, 120);
    cr_expect_str_eq(json_string_value(json_array_get(paragraphs, 2)),
                     "and 20 more regressions, 10 more inconclusive, 50 more passed");
    json_decref(found);
}

/* All of a name is text, and nobody is called: an '@' has a space of no width behind it. */
static const char *calling_nobody(const char *name, char *text)
{
    char *end = text;
    for (; *name != '\0'; name++) {
        *end++ = *name;
        if (*name == '@')
            end = stpcpy(end, "\xe2\x80\x8b");
    }
    *end = '\0';
    return text;
}

Test(check_markdown, nothing_in_a_text_is_markup)
{
    char nasty[512], note[600];
    struct check_result made = made_nasty();
    json_t *found = read_back("markdown", "markdown", &made);
    const json_t *tables = json_object_get(found, "tables"), *quotes = json_object_get(found, "quotes");
    calling_nobody(NASTY_NAME, nasty);
    snprintf(note, sizeof note, "note: %s", nasty);
    cr_expect_eq(json_array_size(json_object_get(found, "strange")), 0);
    cr_assert_eq(json_array_size(tables), 3);
    for (size_t row = 0; row <= NASTY_ROWS; row++)
        cr_expect_eq(json_array_size(json_array_get(json_array_get(tables, 0), row)), 8);
    cr_expect_str_eq(cell(tables, 0, 1, 0), nasty);
    cr_expect_str_eq(cell(tables, 0, 1, 7), nasty);
    cr_expect_str_eq(cell(tables, 0, 2, 0), BROKEN_NAME_CLEAN);
    cr_expect_str_eq(cell(tables, 1, 1, 0), nasty);
    cr_expect_str_eq(json_string_value(json_array_get(quotes, 0)), note);
    json_decref(found);
}

/* ---- openmetrics ---- */

static const json_t *family_of(const json_t *families, const char *name)
{
    size_t i;
    const json_t *family;
    json_array_foreach((json_t *)families, i, family)
    {
        if (strcmp(string_at(family, "name"), name) == 0)
            return family;
    }
    cr_assert_fail("no family %s", name);
    return NULL;
}

/* The value of the sample that has these labels, among others; `stat` may be NULL. */
static double value_of(const json_t *families, const char *family, const struct check_row *row, const char *side,
                       const char *stat)
{
    size_t i;
    const json_t *sample, *samples = json_object_get(family_of(families, family), "samples");
    json_array_foreach((json_t *)samples, i, sample)
    {
        const json_t *labels = json_object_get(sample, "labels");
        if (strcmp(string_at(labels, "metric"), row->metric) == 0 &&
            strcmp(string_at(labels, "rule"), check_kind_name(row->kind)) == 0 &&
            (stat == NULL ||
             (strcmp(string_at(labels, "side"), side) == 0 && strcmp(string_at(labels, "stat"), stat) == 0)))
            return json_number_value(json_object_get(sample, "value"));
    }
    cr_assert_fail("%s has no series of %s", family, row->metric);
    return -1;
}

Test(check_openmetrics, follows_its_standard_and_has_every_row)
{
    static const char *const UNITS[] = {
        [METRIC_BYTES] = "gopagewatch_check_value_bytes", [METRIC_COUNT] = "gopagewatch_check_value"};
    struct check_result made = made_regression();
    json_t *families = read_back("openmetrics", "openmetrics", &made);
    cr_expect_str_eq(string_at(family_of(families, "gopagewatch_check_value_bytes"), "unit"), "bytes");
    cr_expect_str_eq(string_at(family_of(families, "gopagewatch_check_change_ratio"), "unit"), "ratio");
    cr_expect_str_eq(string_at(family_of(families, "gopagewatch_check"), "type"), "info");
    for (uint64_t i = 0; i < made.rows_count; i++) {
        const struct check_row *row = &made.rows[i];
        cr_expect_eq(value_of(families, "gopagewatch_check_verdict", row, NULL, NULL), row->verdict);
        cr_expect_float_eq(value_of(families, UNITS[row->unit], row, "current", "median"), row->current.median, 1e-6);
        cr_expect_float_eq(value_of(families, UNITS[row->unit], row, "current", "high"), row->current.high, 1e-6);
        if (row->baseline.count > 0)
            cr_expect_float_eq(value_of(families, UNITS[row->unit], row, "baseline", "low"), row->baseline.low, 1e-6);
        if (row->has_p)
            cr_expect_eq(value_of(families, "gopagewatch_check_p", row, NULL, NULL), row->p);
    }
    const json_t *total = json_object_get(family_of(families, "gopagewatch_check_result"), "samples");
    cr_expect_eq(json_number_value(json_object_get(json_array_get(total, 0), "value")), CHECK_REGRESSION);
    json_decref(families);
}

Test(check_openmetrics, takes_any_name_no_row_and_rows_twice)
{
    struct check_row twice[2];
    struct check_result made = made_nasty(), empty = {0};
    json_t *families = read_back("openmetrics", "openmetrics", &made);
    cr_expect_eq(value_of(families, "gopagewatch_check_verdict", &made.rows[0], NULL, NULL), CHECK_REGRESSION);
    json_decref(families);
    json_decref(read_back("openmetrics", "openmetrics", &empty));
    twice[0] = twice[1] = made.rows[0];
    made.rows = twice;
    made.rows_count = 2;
    families = read_back("openmetrics", "openmetrics", &made);
    cr_expect_eq(json_array_size(json_object_get(family_of(families, "gopagewatch_check_verdict"), "samples")), 1);
    json_decref(families);
}

Test(check_openmetrics, gitlab_reads_it_as_a_metrics_report)
{
    struct check_result made = made_regression();
    json_t *series = read_back("gitlab-metrics", "openmetrics", &made);
    cr_expect_str_eq(string_at(series, "gopagewatch_check_verdict{metric=rss.total,rule=growth}"), "2");
    cr_expect_str_eq(
        string_at(series, "gopagewatch_check_value{metric=go.heaps.0.objects,rule=exact,side=current,stat=median}"),
        "161204");
    cr_expect_str_eq(string_at(series, "gopagewatch_check_result"), "2");
    json_decref(series);
}
