/* SPDX-License-Identifier: Apache-2.0
 *
 * What the formats hold, read back: JSON by jansson, workflow commands and Go's benchmarks by their rules, text by eye
 * of a program. check_formats_read.c has those that need a reader of their own.
 */
#include <criterion/criterion.h>
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <unistd.h>

#include "check_made.h"
#include "tests/unit/support/files.h"

#include "harness/check_words.h"
#include "harness/table.h"

/* ---- all of them ---- */

Test(check_format, names_are_found_and_others_are_not)
{
    for (uint32_t i = 0; i < CHECK_FORMATS_COUNT; i++)
        cr_expect_eq(check_format_find(CHECK_FORMATS[i].name), &CHECK_FORMATS[i]);
    cr_expect_null(check_format_find("xml"));
    cr_expect_null(check_format_find(""));
}

Test(check_format, page_has_a_section_for_each)
{
    static char page[64 * 1024];
    char section[64];
    cr_assert(read_text_file("docs/ci.md", page, sizeof page));
    for (uint32_t i = 0; i < CHECK_FORMATS_COUNT; i++) {
        snprintf(section, sizeof section, "\n### %s\n", CHECK_FORMATS[i].name);
        cr_expect_not_null(strstr(page, section), "docs/ci.md has no section %s", CHECK_FORMATS[i].name);
    }
}

static void expect_no_such_number(const char *format, const char *text)
{
    static const char *const WORDS[] = {"nan", "inf", "infinity"};
    char word[16];
    for (const char *at = text; *at != '\0';) {
        size_t length = 0;
        while (isalpha((unsigned char)at[length]))
            length++;
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
            cr_expect_neq(strcasecmp(word, WORDS[i]), 0, "%s: %.60s", format, at);
        at += length > 0 ? length : 1;
    }
}

Test(check_format, none_says_nan_or_infinity_and_all_end_their_last_line)
{
    static const uint64_t HUGE_VALUES[] = {UINT64_MAX, 0};
    struct check_row rows[3] = {
        made_growth(CHECK_REGRESSION, "a", METRIC_BYTES, 0, 0x1p64, 0),
        made_growth(CHECK_REGRESSION, "b", METRIC_COUNT, 0.5, 0x1p64, 1e-300),
        made_growth(CHECK_PASS, "c", METRIC_BYTES, 0, 0, 1),
    };
    rows[0].current = made_side(HUGE_VALUES, 2, 0x1p63, 0, 0x1p64);
    rows[2].baseline = rows[2].current = (struct check_side){0};
    struct check_result results[] = {made_regression(), {.rows = rows, .rows_count = 3}, {0}};
    made_count(&results[1]);
    for (uint32_t format = 0; format < CHECK_FORMATS_COUNT; format++) {
        for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
            char *text = made_written(CHECK_FORMATS[format].name, &results[i], NULL);
            expect_no_such_number(CHECK_FORMATS[format].name, text);
            cr_expect(strlen(text) > 0 && text[strlen(text) - 1] == '\n', "%s", CHECK_FORMATS[format].name);
            free(text);
        }
    }
}

/* ---- json ---- */

static json_t *parse(const struct check_result *result)
{
    json_error_t error;
    char *text = made_written("json", result, NULL);
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(document, "line %d: %s: %s", error.line, error.text, text);
    free(text);
    return document;
}

static const char *string_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static double number_at(const json_t *object, const char *key)
{
    cr_assert(json_is_number(json_object_get(object, key)), "%s is no number", key);
    return json_number_value(json_object_get(object, key));
}

static void expect_side(const json_t *object, const struct check_side *side)
{
    if (side->count == 0) {
        cr_expect(json_is_null(object));
        return;
    }
    const json_t *values = json_object_get(object, "values"), *interval = json_object_get(object, "interval");
    cr_expect_eq(number_at(object, "median"), side->median);
    cr_expect_eq(number_at(interval, "low"), side->low);
    cr_expect_eq(number_at(interval, "high"), side->high);
    cr_expect_eq(number_at(interval, "coverage"), side->coverage);
    cr_assert_eq(json_array_size(values), side->count);
    for (uint64_t i = 0; i < side->count; i++)
        cr_expect_eq((uint64_t)json_integer_value(json_array_get(values, i)), side->values[i]);
}

static void expect_row(const json_t *object, const struct check_row *row)
{
    cr_expect_str_eq(string_at(object, "metric"), row->metric);
    cr_expect_str_eq(string_at(object, "rule"), check_kind_name(row->kind));
    cr_expect_str_eq(string_at(object, "unit"), row->unit == METRIC_BYTES ? "bytes" : "count");
    cr_expect_str_eq(string_at(object, "verdict"), check_verdict_name(row->verdict));
    cr_expect_str_eq(string_at(object, "allowed"), row->bound);
    cr_expect_str_eq(string_at(object, "why"), row->why);
    cr_expect_eq(json_is_null(json_object_get(object, "change")), !row->has_change);
    cr_expect_eq(json_is_null(json_object_get(object, "p")), !row->has_p);
    if (row->has_change)
        cr_expect_float_eq(number_at(object, "change"), row->change, 1e-6);
    if (row->has_p)
        cr_expect_eq(number_at(object, "p"), row->p);
    expect_side(json_object_get(object, "baseline"), &row->baseline);
    expect_side(json_object_get(object, "current"), &row->current);
}

/* 16 digits are not enough for every double, but for all that are written here as they are. */
static void round_values(struct check_row *row)
{
    struct check_side *sides[] = {&row->baseline, &row->current};
    for (int i = 0; i < 2; i++) {
        if (sides[i]->median > 0)
            sides[i]->median = (double)(int64_t)sides[i]->median + 0.5;
        sides[i]->low = (double)(int64_t)sides[i]->low;
        sides[i]->high = (double)(int64_t)sides[i]->high;
    }
}

Test(check_json, holds_everything_of_a_result)
{
    static struct check_row rows[REGRESSION_ROWS];
    struct check_result made = made_regression();
    memcpy(rows, made.rows, sizeof rows);
    for (int i = 0; i < REGRESSION_ROWS; i++)
        round_values(&rows[i]);
    made.rows = rows;
    json_t *document = parse(&made);
    const json_t *metrics = json_object_get(document, "metrics"), *grown = json_object_get(document, "grew_classes");
    cr_expect_str_eq(string_at(document, "schema"), "gopagewatch.check/1");
    cr_expect_str_eq(string_at(document, "verdict"), "regression");
    cr_expect_str_eq(string_at(document, "go_version"), "go1.26.10");
    cr_expect_eq(number_at(document, "alpha"), 0.05);
    cr_expect_eq(number_at(json_object_get(document, "counts"), "inconclusive"), 1);
    cr_expect_eq(number_at(json_object_get(document, "samples"), "baseline"), MADE_SAMPLES);
    cr_expect_eq(json_array_size(json_object_get(document, "notes")), 1);
    cr_assert_eq(json_array_size(metrics), made.rows_count);
    for (uint64_t i = 0; i < made.rows_count; i++)
        expect_row(json_array_get(metrics, i), &made.rows[i]);
    cr_expect_float_eq(number_at(json_array_get(metrics, 0), "change_ratio"), 8.2 / 12.1, 1e-6);
    cr_expect(json_is_null(json_object_get(json_array_get(metrics, 3), "change_ratio")), "a ratio to 0");
    cr_assert_eq(json_array_size(grown), made.classes_count);
    cr_expect_str_eq(string_at(json_array_get(grown, 0), "name"), "go.unused");
    cr_expect_eq(number_at(json_array_get(grown, 2), "current_bytes"), 128 * KIB);
    cr_expect_eq(json_array_size(json_object_get(document, "grew_size_classes")), made.size_classes_count);
    json_decref(document);
}

Test(check_json, texts_and_numbers_that_json_does_not_take_as_they_are)
{
    static const uint64_t HUGE_VALUES[] = {UINT64_MAX};
    static struct check_row rows[NASTY_ROWS];
    struct check_result made = made_nasty();
    memcpy(rows, made.rows, sizeof rows);
    rows[0].current = made_side(HUGE_VALUES, 1, 0x1p64, 0x1p64, 0x1p64);
    made.rows = rows;
    json_t *document = parse(&made);
    const json_t *metrics = json_object_get(document, "metrics");
    const json_t *current = json_object_get(json_array_get(metrics, 0), "current");
    cr_expect_str_eq(string_at(document, "program"), NASTY_NAME);
    cr_expect_str_eq(string_at(document, "go_version"), BROKEN_NAME_CLEAN);
    cr_expect_str_eq(string_at(json_array_get(metrics, 0), "metric"), NASTY_NAME);
    cr_expect_str_eq(string_at(json_array_get(metrics, 1), "why"), BROKEN_NAME_CLEAN);
    cr_expect_float_eq(json_number_value(json_array_get(json_object_get(current, "values"), 0)), 0x1p64, 0x1p14);
    json_decref(document);
    document = parse(&(struct check_result){0});
    cr_expect_eq(json_array_size(json_object_get(document, "metrics")), 0);
    cr_expect(json_is_null(json_object_get(document, "program")));
    json_decref(document);
}

/* ---- github ---- */

struct annotation {
    char level[16], title[512], data[4096];
};

/* As the runner does it: a property knows two escapes more than the data. */
static void unescape(const char *text, size_t bytes, bool is_property, char *out)
{
    static const struct {
        const char *escape;
        char character;
        bool is_of_property;
    } ESCAPES[] = {
        {"%0D", '\r', false}, {"%0A", '\n', false}, {"%3A", ':', true}, {"%2C", ',', true}, {"%25", '%', false}};
    while (bytes > 0) {
        size_t step = 1;
        *out = *text;
        for (size_t i = 0; i < sizeof ESCAPES / sizeof ESCAPES[0] && step == 1; i++) {
            if (bytes >= 3 && strncmp(text, ESCAPES[i].escape, 3) == 0 && (is_property || !ESCAPES[i].is_of_property)) {
                *out = ESCAPES[i].character;
                step = 3;
            }
        }
        out++;
        text += step;
        bytes -= step;
    }
    *out = '\0';
}

static uint32_t read_annotations(const struct check_result *result, struct annotation *annotations, uint32_t max)
{
    char *text = made_written("github", result, NULL), *rest = text;
    uint32_t count = 0;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && rest != NULL;) {
        cr_assert_lt(count, max, "too many annotations");
        struct annotation *annotation = &annotations[count++];
        const char *title = strstr(line, " title="), *data = strstr(line + 2, "::");
        cr_assert(strncmp(line, "::", 2) == 0 && title != NULL && data != NULL && title < data, "%s", line);
        snprintf(annotation->level, sizeof annotation->level, "%.*s", (int)(title - line - 2), line + 2);
        title += strlen(" title=");
        cr_expect_null(memchr(title, ',', (size_t)(data - title)), "a property ends within: %s", line);
        cr_expect_null(memchr(title, ':', (size_t)(data - title)), "a property ends within: %s", line);
        unescape(title, (size_t)(data - title), true, annotation->title);
        unescape(data + 2, strlen(data + 2), false, annotation->data);
    }
    free(text);
    return count;
}

enum { ANNOTATIONS_MAX = 10 };

Test(check_github, what_did_not_pass_is_an_annotation)
{
    struct annotation annotations[ANNOTATIONS_MAX];
    struct check_result made = made_regression();
    cr_assert_eq(read_annotations(&made, annotations, ANNOTATIONS_MAX), 5);
    cr_expect_str_eq(annotations[0].level, "warning");
    cr_expect_str_eq(annotations[0].data, made.notes[0]);
    for (uint32_t i = 0; i < 4; i++) {
        cr_expect_str_eq(annotations[i + 1].level, i < 3 ? "error" : "warning");
        cr_expect(strncmp(annotations[i + 1].title, "gopagewatch: ", 13) == 0);
        cr_expect_str_eq(annotations[i + 1].title + 13, made.rows[i].metric);
        cr_expect_eq(strncmp(annotations[i + 1].data, made.rows[i].why, strlen(made.rows[i].why)), 0);
    }
    cr_expect_not_null(strstr(annotations[2].data, "\nbaseline 61.2 MiB [61.1, 61.4], current 69.4 MiB [69.1, 69.6], "
                                                   "change +8.20 MiB (+13.4 %), p 0.030, allowed +5 % and +8.00 MiB\n"
                                                   "grew most: go.unused +8.20 MiB (+67.8 %), "));
}

Test(check_github, there_are_ten_at_most_and_the_others_are_counted)
{
    struct annotation annotations[ANNOTATIONS_MAX];
    struct check_result made = made_many();
    for (uint64_t rows = 1; rows < 20; rows++) {
        for (uint64_t notes = 0; notes <= 1; notes++) {
            char more[64];
            made.rows_count = rows;
            made.notes_count = notes;
            made_count(&made);
            uint32_t count = read_annotations(&made, annotations, ANNOTATIONS_MAX);
            uint64_t shown = 0;
            for (uint32_t i = 0; i < count; i++)
                shown += strcmp(annotations[i].level, "error") == 0;
            bool are_all = rows + notes <= ANNOTATIONS_MAX;
            cr_expect_eq(count, are_all ? rows + notes : ANNOTATIONS_MAX, "%" PRIu64 " rows: %u", rows, count);
            cr_expect_eq(shown, are_all ? rows : ANNOTATIONS_MAX - 1 - notes);
            snprintf(more, sizeof more, "%" PRIu64 " more that did not pass are not annotated", rows - shown);
            cr_expect_eq(strstr(annotations[count - 1].data, more) != NULL, !are_all);
        }
    }
}

Test(check_github, texts_come_through)
{
    struct annotation annotations[ANNOTATIONS_MAX];
    struct check_result made = made_nasty();
    cr_assert_eq(read_annotations(&made, annotations, ANNOTATIONS_MAX), 3);
    cr_expect_str_eq(annotations[0].data, NASTY_NAME "\n" BROKEN_NAME_CLEAN);
    cr_expect_str_eq(annotations[1].title, "gopagewatch: " NASTY_NAME);
    cr_expect_eq(strncmp(annotations[1].data, NASTY_NAME "\n", strlen(NASTY_NAME) + 1), 0);
    cr_expect_str_eq(annotations[2].title, "gopagewatch: " BROKEN_NAME_CLEAN);
}

Test(check_github, pass_is_one_notice)
{
    struct annotation annotations[ANNOTATIONS_MAX];
    struct check_result made = made_regression();
    made.rows += 4;
    made.rows_count -= 4;
    made.notes_count = 0;
    made_count(&made);
    cr_assert_eq(read_annotations(&made, annotations, ANNOTATIONS_MAX), 1);
    cr_expect_str_eq(annotations[0].level, "notice");
    cr_expect_str_eq(annotations[0].data, "pass: 10 metrics");
}

Test(check_github, summary_is_added_to_what_is_there)
{
    static char content[64 * 1024];
    struct temporary_directory directory;
    struct error error;
    char path[FILE_PATH_BYTES];
    struct check_result made = made_regression();
    char *markdown = made_written("markdown", &made, NULL);
    temporary_directory_make(&directory);
    write_text_file(path_in(&directory, "summary", path), "before");
    cr_assert(check_github_append_summary(&made, path, &error), "%s", error.text);
    cr_assert(check_github_append_summary(&made, path, &error), "%s", error.text);
    cr_assert(read_text_file(path, content, sizeof content));
    cr_expect_eq(strncmp(content, "before\n###", 10), 0);
    cr_expect_eq(strlen(content), strlen("before") + 2 * (strlen(markdown) + 1));
    cr_expect_str_eq(content + strlen(content) - strlen(markdown), markdown);
    cr_expect_not(check_github_append_summary(&made, directory.path, &error));
    cr_expect_not_null(strstr(error.text, "cannot be opened: Is a directory"), "%s", error.text);
    cr_expect_not(check_github_append_summary(&made, "/dev/full", &error));
    cr_expect_not_null(strstr(error.text, "cannot be written: No space left on device"), "%s", error.text);
    temporary_directory_remove(&directory);
    free(markdown);
}

/* ---- gobench ---- */

/* One line by the rules of the format: a name, a count of iterations, pairs of value and unit. */
static void expect_benchmark(const char *line, const char *side, uint64_t *sum, uint64_t *lines)
{
    char name[512], unit[16];
    uint64_t iterations, value;
    int end = 0;
    cr_assert(side[0] != '\0', "a value of no side: %s", line);
    cr_assert_eq(sscanf(line, "%511s %" SCNu64 " %" SCNu64 " %15s%n", name, &iterations, &value, unit, &end), 4, "%s",
                 line);
    cr_expect_eq(line[end], '\0', "%s", line);
    cr_expect_eq(iterations, 1);
    cr_expect(strcmp(unit, "bytes") == 0 || strcmp(unit, "count") == 0, "%s", unit);
    if (strcmp(name, "BenchmarkMemory/metric=rss.total") == 0) {
        bool is_current = strcmp(side, "current") == 0;
        lines[is_current]++;
        sum[is_current] += value;
    }
}

Test(check_gobench, metric_has_each_value_once_whatever_rules_apply_to_it)
{
    struct check_result made = made_regression();
    uint64_t sum[2] = {0}, lines[2] = {0}, wanted[2] = {0}, count = 0;
    char *text = made_written("gobench", &made, NULL), *rest = text;
    const char *side = "";
    cr_expect_not_null(strstr(text, "\ngoarch: amd64\npkg: etcd\n"));
    for (char *line; (line = strsep(&rest, "\n")) != NULL && rest != NULL;) {
        if (strncmp(line, "side: ", 6) == 0)
            side = line + 6;
        if (strncmp(line, "Benchmark", 9) == 0) {
            expect_benchmark(line, side, sum, lines);
            count++;
        }
    }
    for (int i = 0; i < MADE_SAMPLES; i++) {
        wanted[0] += MADE_BASELINE[i];
        wanted[1] += MADE_CURRENT[i];
    }
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(lines[i], MADE_SAMPLES);
        cr_expect_eq(sum[i], wanted[i]);
    }
    /* 12 metrics, of which one is only limited; rss.total has three rows. */
    cr_expect_eq(count, (uint64_t)MADE_SAMPLES * (11 + 12));
    free(text);
}

Test(check_gobench, name_is_one_word)
{
    struct check_result made = made_nasty();
    uint64_t sum[2] = {0}, lines[2] = {0};
    char *text = made_written("gobench", &made, NULL), *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && rest != NULL;) {
        if (strncmp(line, "Benchmark", 9) == 0)
            expect_benchmark(line, "any", sum, lines);
    }
    free(text);
}
