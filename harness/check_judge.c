/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rule holds for which metric, and the result in the order that a reader wants. One row's verdict is
 * check_row.c's business, what grew is check_growth.c's.
 */
#include "harness/check_judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check_growth.h"
#include "harness/check_row.h"
#include "harness/fingerprint.h"
#include "harness/statistics.h"

/* ---- rules and metrics ---- */

bool check_require_named(struct samples *samples, const struct check_rules *rules, struct error *error)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct check_rule *rule = &rules->rules[i];
        enum metric_unit unit;
        if (!check_rule_is_pattern(rule) && metric_is_known(rule->pattern, &unit) &&
            !samples_require(samples, rule->pattern, unit, error))
            return false;
    }
    return true;
}

static bool is_matched(const struct check_rule *rule, const struct samples *samples)
{
    for (uint64_t i = 0; i < samples->metrics_count; i++) {
        if (check_rule_matches(rule, samples->metrics[i].name))
            return true;
    }
    return false;
}

static bool accept_rules(const struct check_rules *rules, const struct samples *samples, struct error *error)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct check_rule *rule = &rules->rules[i];
        if (!is_matched(rule, samples))
            return error_set(error, "no metric is called '%.100s'; 'gopagewatch check --list --current DUMP' names all",
                             rule->pattern);
    }
    return true;
}

/* The last rule of that kind that matches, or NULL. */
static const struct check_rule *find_rule(const struct check_rules *rules, enum check_kind kind, const char *metric)
{
    for (uint32_t i = rules->count; i > 0; i--) {
        const struct check_rule *rule = &rules->rules[i - 1];
        if (rule->kind == kind && check_rule_matches(rule, metric))
            return rule;
    }
    return NULL;
}

struct rows {
    struct check_row *rows;
    struct row_test *tests; /* of the same index */
    uint64_t count;
};

/* Twice: to count, with `rows` NULL, and to make them. */
static bool make_rows(struct rows *rows, const struct row_context *context, struct error *error)
{
    const struct samples *samples = context->samples;
    uint64_t count = 0;
    for (uint64_t i = 0; i < samples->metrics_count; i++) {
        for (int kind = 0; kind < CHECK_KIND_COUNT; kind++) {
            const struct check_rule *rule =
                find_rule(&context->settings->rules, (enum check_kind)kind, samples->metrics[i].name);
            if (rule == NULL)
                continue;
            if (rows->rows != NULL &&
                !check_row_measure(&rows->rows[count], &rows->tests[count], context, rule, &samples->metrics[i], error))
                return false;
            count++;
        }
    }
    rows->count = count;
    return true;
}

static bool open_rows(struct rows *rows, const struct row_context *context, struct error *error)
{
    *rows = (struct rows){0};
    make_rows(rows, context, error);
    rows->rows = bump_take(context->bump, rows->count * sizeof *rows->rows);
    rows->tests = bump_take(context->bump, rows->count * sizeof *rows->tests);
    if (rows->rows == NULL || rows->tests == NULL)
        return error_set(error, "there is no memory for so many metrics; give fewer");
    return make_rows(rows, context, error);
}

/* Holm's adjustment over the tests that could reject at all (Tarone). */
static bool adjust(struct rows *rows, struct row_context *context, struct error *error)
{
    double *p = malloc((rows->count + 1) * sizeof *p);
    uint64_t count = 0;
    if (p == NULL)
        return error_set(error, "there is no memory for so many metrics; give fewer");
    for (uint64_t i = 0; i < rows->count; i++) {
        if (rows->tests[i].is_made && rows->tests[i].smallest_p <= context->settings->alpha)
            p[count++] = rows->rows[i].p;
    }
    bool is_adjusted = statistics_holm(p, count, p) == STATISTICS_OK;
    context->tests_count = count;
    count = 0;
    for (uint64_t i = 0; i < rows->count && is_adjusted; i++) {
        if (rows->tests[i].is_made && rows->tests[i].smallest_p <= context->settings->alpha)
            rows->rows[i].p = p[count++];
    }
    free(p);
    return is_adjusted || error_set(error, "there is no memory for so many tests; give fewer metrics");
}

static int worst_first(const void *left, const void *right)
{
    const struct check_row *a = left, *b = right;
    int order = (int)b->verdict - (int)a->verdict;
    return order != 0 ? order : a->kind != b->kind ? (int)a->kind - (int)b->kind : strcmp(a->metric, b->metric);
}

/* ---- what holds for all of it ---- */

enum { NOTES_MAX = 32 };

struct notes {
    const char *notes[NOTES_MAX];
    uint64_t count;
    struct bump *bump;
};

__attribute__((format(printf, 2, 3))) static void add_note(struct notes *notes, const char *format, ...)
{
    char text[ERROR_TEXT_BYTES];
    va_list arguments;
    if (notes->count == NOTES_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    notes->notes[notes->count++] = bump_string(notes->bump, text, strlen(text));
}

static void note_side(struct notes *notes, const char *name, const struct samples_of_side *side)
{
    if (side->programs_differ > 0)
        add_note(notes, "%llu of %llu %s samples are of another program than the first (%s)",
                 (unsigned long long)side->programs_differ, (unsigned long long)side->count, name,
                 side->program == NULL ? "not known" : side->program);
    if (side->environments_differ > 0)
        add_note(notes, "%llu of %llu %s samples were taken in another environment than the first",
                 (unsigned long long)side->environments_differ, (unsigned long long)side->count, name);
}

static void note_differences(struct notes *notes, const struct samples *samples)
{
    const struct samples_of_side *baseline = &samples->sides[SAMPLES_BASELINE];
    const struct samples_of_side *current = &samples->sides[SAMPLES_CURRENT];
    const char *names[] = {baseline->program, current->program};
    if (names[0] != NULL && names[1] != NULL && strcmp(names[0], names[1]) != 0)
        add_note(notes, "the baseline is of another program: %s -> %s", names[0], names[1]);
    for (uint32_t i = 0; i < fingerprint_count(); i++) {
        const struct fingerprint *fingerprint = fingerprint_at(i);
        if (!fingerprint->is_of_program &&
            !fingerprint_is_same(fingerprint, &baseline->environment, &current->environment))
            add_note(notes, "the environment differs: %s: %.200s -> %.200s", fingerprint->label,
                     fingerprint_value(fingerprint, &baseline->environment).text,
                     fingerprint_value(fingerprint, &current->environment).text);
    }
}

/* Whether a number of one side may be held against one of the other. */
static bool is_same_environment(const struct samples *samples)
{
    const struct samples_of_side *sides = samples->sides;
    bool is_same = sides[SAMPLES_BASELINE].environments_differ == 0 && sides[SAMPLES_CURRENT].environments_differ == 0;
    for (uint32_t i = 0; i < fingerprint_count() && is_same; i++) {
        const struct fingerprint *fingerprint = fingerprint_at(i);
        is_same = fingerprint->is_of_program || fingerprint_is_same(fingerprint, &sides[SAMPLES_BASELINE].environment,
                                                                    &sides[SAMPLES_CURRENT].environment);
    }
    return is_same;
}

static void make_notes(struct check_result *result, const struct samples *samples, struct bump *bump)
{
    struct notes notes = {.bump = bump};
    note_side(&notes, "baseline", &samples->sides[SAMPLES_BASELINE]);
    note_side(&notes, "current", &samples->sides[SAMPLES_CURRENT]);
    if (samples->sides[SAMPLES_BASELINE].count > 0)
        note_differences(&notes, samples);
    const char **kept = bump_take(bump, notes.count * sizeof *kept);
    if (kept == NULL)
        return;
    memcpy(kept, notes.notes, notes.count * sizeof *kept);
    result->notes = kept;
    result->notes_count = notes.count;
}

static void make_head(struct check_result *result, const struct samples *samples, const struct check_settings *settings)
{
    const struct samples_of_side *current = &samples->sides[SAMPLES_CURRENT];
    result->program = current->program;
    result->go_version = current->environment.go_version;
    result->machine = current->environment.machine;
    result->baseline_samples = samples->sides[SAMPLES_BASELINE].count;
    result->current_samples = current->count;
    result->alpha = settings->alpha;
}

enum check_outcome check_judge(struct check_result *result, struct samples *samples,
                               const struct check_settings *settings, struct bump *bump, struct error *error)
{
    *result = (struct check_result){0};
    if (!check_require_named(samples, &settings->rules, error) || !samples_finish(samples, error))
        return CHECK_NO_MEMORY;
    if (!accept_rules(&settings->rules, samples, error))
        return CHECK_REFUSED;

    struct row_context context = {.samples = samples, .settings = settings, .bump = bump};
    context.is_comparable = !settings->needs_same_environment || is_same_environment(samples);
    struct rows rows;
    if (!check_row_order_series(&context, error) || !open_rows(&rows, &context, error) ||
        !adjust(&rows, &context, error))
        return CHECK_NO_MEMORY;
    for (uint64_t i = 0; i < rows.count; i++) {
        check_row_judge(&rows.rows[i], &rows.tests[i], &context);
        result->verdict_rows[rows.rows[i].verdict]++;
        if (rows.rows[i].verdict > result->verdict)
            result->verdict = rows.rows[i].verdict;
    }
    qsort(rows.rows, rows.count, sizeof *rows.rows, worst_first);
    result->rows = rows.rows;
    result->rows_count = rows.count;
    make_head(result, samples, settings);
    make_notes(result, samples, bump);
    if (result->verdict == CHECK_REGRESSION && !check_growth_make(result, &context, error))
        return CHECK_NO_MEMORY;
    return CHECK_JUDGED;
}
