/* SPDX-License-Identifier: Apache-2.0
 *
 * Results of a gate made by hand, for the tests of their formats.
 */
#ifndef GPW_TESTS_CHECK_MADE_H
#define GPW_TESTS_CHECK_MADE_H

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check_format.h"

#define KIB 1024.0
#define MIB (1024.0 * 1024.0)

/* What stands for a name that any format could trip over: all that XML, Markdown, workflow commands, OpenMetrics, JSON
 * and Go's benchmarks give a meaning, and UTF-8 of two, three and four bytes. */
#define NASTY_NAME                                                                                          \
    "<a href='x'>\"&amp;|\\,%0A%:\\n::error::`c`*i*_i_~~d~~#1$m$@all![l](u)<b>b</b> {}\xc3\xb6\xe2\x82\xac" \
    "\xf0\x9f\x92\xa5"
/* Bytes that are no UTF-8, a byte order mark's counterpart that XML does not know, controls. */
#define BROKEN_NAME "a\xff\xc3(\xc0\xaf\xed\xa0\x80\xef\xbf\xbe\xf4\x90\x80\x80\x1b[31m\x7f\xc2\x9b\r\nz\xe2\x82"
/* What is left of it. */
#define BROKEN_NAME_CLEAN \
    "a?"                  \
    "?("                  \
    "?????????????"       \
    "[31m"                \
    "?????"               \
    "z??"

enum { MADE_SAMPLES = 6 };

static const uint64_t MADE_BASELINE[MADE_SAMPLES] = {64172032, 64303104, 64045056, 64172032, 64237568, 64172032};
static const uint64_t MADE_CURRENT[MADE_SAMPLES] = {72757248, 72560640, 72560640, 72953856, 72691712, 72822784};

static inline struct check_side made_side(const uint64_t *values, uint64_t count, double median, double low,
                                          double high)
{
    return (struct check_side){values, count, median, low, high, .coverage = count > 1 ? 0.96875 : 0};
}

/* What differs from row to row of a comparison by --growth. */
static inline struct check_row made_growth(enum check_verdict verdict, const char *metric, enum metric_unit unit,
                                           double baseline, double current, double p)
{
    static const char *const WHYS[] = {
        [CHECK_PASS] = "the change is within what is allowed",
        [CHECK_INCONCLUSIVE] = "the change is larger than what is allowed, but may be chance: p is not below 0.05",
        [CHECK_REGRESSION] = "it grew by more than 5 % and 8.00 MiB, and p is below 0.05"};
    return (struct check_row){
        .kind = CHECK_GROWTH,
        .verdict = verdict,
        .metric = metric,
        .unit = unit,
        .bound = "+5 % and +8.00 MiB",
        .baseline = made_side(MADE_BASELINE, MADE_SAMPLES, baseline, baseline * 0.998, baseline * 1.004),
        .current = made_side(MADE_CURRENT, MADE_SAMPLES, current, current * 0.996, current * 1.003),
        .has_change = true,
        .change = current - baseline,
        .has_p = true,
        .p = p,
        .why = WHYS[verdict],
    };
}

static inline void made_count(struct check_result *result)
{
    for (int verdict = 0; verdict < CHECK_VERDICT_COUNT; verdict++)
        result->verdict_rows[verdict] = 0;
    for (uint64_t i = 0; i < result->rows_count; i++)
        result->verdict_rows[result->rows[i].verdict]++;
    result->verdict = result->rows_count > 0 ? result->rows[0].verdict : CHECK_PASS;
}

enum { REGRESSION_ROWS = 14 };

/* As a gate of etcd would find it: 3 regressions, 1 inconclusive, 10 passed; valid until the next call. */
static inline struct check_result made_regression(void)
{
    static struct check_row rows[REGRESSION_ROWS];
    static const struct check_growth CLASSES[] = {{"go.unused", 12.1 * MIB, 20.3 * MIB},
                                                  {"go.metadata", 3.02 * MIB, 3.41 * MIB},
                                                  {"c.mmap", 0, 128 * KIB},
                                                  {"thread.stacks", 92 * KIB, 96 * KIB}};
    static const struct check_growth SIZE_CLASSES[] = {
        {"4096", 2.5 * MIB, 9.75 * MIB}, {"128", 1.25 * MIB, 2.1 * MIB}, {"large", 0, 64 * KIB}};
    static const char *const NOTES[] = {
        "the environment differs: transparent_hugepage/enabled: madvise -> always (baseline -> current)"};
    uint64_t count = 0;
    rows[count++] =
        made_growth(CHECK_REGRESSION, "rss.go.unused.resident", METRIC_BYTES, 12.1 * MIB, 20.3 * MIB, 0.0303);
    rows[count++] = made_growth(CHECK_REGRESSION, "rss.total", METRIC_BYTES, 61.2 * MIB, 69.4 * MIB, 0.0303);
    rows[count++] =
        (struct check_row){.kind = CHECK_LIMIT,
                           .verdict = CHECK_REGRESSION,
                           .metric = "rss.total",
                           .bound = "64 MiB",
                           .current = made_side(MADE_CURRENT, MADE_SAMPLES, 69.4 * MIB, 69.2 * MIB, 69.6 * MIB),
                           .why = "the median is above the limit of 64 MiB"};
    rows[count++] =
        made_growth(CHECK_INCONCLUSIVE, "findings.released-resident.bytes", METRIC_BYTES, 0, 9 * MIB, 0.0649);
    rows[count++] = made_growth(CHECK_PASS, "rss.go.objects.resident", METRIC_BYTES, 24.3 * MIB, 24.4 * MIB, 0.42);
    rows[count++] = made_growth(CHECK_PASS, "rss.go.free.resident", METRIC_BYTES, 4.12 * MIB, 3.9 * MIB, 1);
    rows[count++] = made_growth(CHECK_PASS, "rss.go.metadata.resident", METRIC_BYTES, 3.02 * MIB, 3.41 * MIB, 0.0303);
    rows[count++] = made_growth(CHECK_PASS, "rss.go.stacks.resident", METRIC_BYTES, 448 * KIB, 452 * KIB, 0.31);
    rows[count++] = made_growth(CHECK_PASS, "rss.c.heap.used.resident", METRIC_BYTES, 100 * KIB, 100 * KIB, 1);
    rows[count++] = made_growth(CHECK_PASS, "rss.c.mmap.resident", METRIC_BYTES, 0, 128 * KIB, 0.0303);
    rows[count++] = made_growth(CHECK_PASS, "go.sizeclass.4096.resident", METRIC_BYTES, 2.5 * MIB, 9.75 * MIB, 0.0303);
    rows[count++] = (struct check_row){.kind = CHECK_EXACT,
                                       .metric = "go.heaps.0.objects",
                                       .unit = METRIC_COUNT,
                                       .bound = "none",
                                       .baseline = made_side(MADE_BASELINE, MADE_SAMPLES, 161204, 161204, 161204),
                                       .current = made_side(MADE_CURRENT, MADE_SAMPLES, 161204, 161204, 161204),
                                       .has_change = true,
                                       .why = "no sample is above the baseline's"};
    rows[count++] =
        (struct check_row){.kind = CHECK_SLOPE,
                           .metric = "rss.total",
                           .bound = "64 KiB/dump",
                           .current = made_side(MADE_CURRENT, MADE_SAMPLES, 69.4 * MIB, 69.2 * MIB, 69.6 * MIB),
                           .has_change = true,
                           .change = 12 * KIB,
                           .has_p = true,
                           .p = 0.21,
                           .why = "it grows by no more than is allowed"};
    rows[count++] = (struct check_row){.kind = CHECK_LIMIT,
                                       .metric = "process.threads",
                                       .unit = METRIC_COUNT,
                                       .bound = "64",
                                       .current = made_side(MADE_CURRENT, MADE_SAMPLES, 12.5, 12, 14),
                                       .why = "no sample is above the limit"};
    struct check_result result = {.rows = rows,
                                  .rows_count = count,
                                  .classes = CLASSES,
                                  .classes_count = sizeof CLASSES / sizeof CLASSES[0],
                                  .size_classes = SIZE_CLASSES,
                                  .size_classes_count = sizeof SIZE_CLASSES / sizeof SIZE_CLASSES[0],
                                  .notes = NOTES,
                                  .notes_count = 1,
                                  .program = "etcd",
                                  .go_version = "go1.26.10",
                                  .machine = "x86_64",
                                  .baseline_samples = MADE_SAMPLES,
                                  .current_samples = MADE_SAMPLES,
                                  .alpha = 0.05};
    made_count(&result);
    return result;
}

enum { MANY_ROWS = 200, MANY_REGRESSIONS = 120, MANY_INCONCLUSIVE = 10 };

/* More than any text shows: 120 regressions, 10 inconclusive, 70 passed. */
static inline struct check_result made_many(void)
{
    static char names[MANY_ROWS][32];
    static struct check_row rows[MANY_ROWS];
    for (int i = 0; i < MANY_ROWS; i++) {
        enum check_verdict verdict = i < MANY_REGRESSIONS                       ? CHECK_REGRESSION
                                     : i < MANY_REGRESSIONS + MANY_INCONCLUSIVE ? CHECK_INCONCLUSIVE
                                                                                : CHECK_PASS;
        snprintf(names[i], sizeof names[i], "go.sizeclass.%d.resident", i);
        rows[i] = made_growth(verdict, names[i], METRIC_BYTES, MIB, 2 * MIB, 0.01);
    }
    struct check_result result = made_regression();
    result.rows = rows;
    result.rows_count = MANY_ROWS;
    made_count(&result);
    return result;
}

enum { NASTY_ROWS = 3 };

/* Every text that is not ours is one that a format could trip over. */
static inline struct check_result made_nasty(void)
{
    static struct check_row rows[NASTY_ROWS];
    static const char *const NAMES[NASTY_ROWS] = {NASTY_NAME, BROKEN_NAME, ""};
    static const struct check_growth GROWTHS[] = {{NASTY_NAME, 0, MIB}, {BROKEN_NAME, MIB, 2 * MIB}};
    static const char *const NOTES[] = {NASTY_NAME, BROKEN_NAME};
    for (int i = 0; i < NASTY_ROWS; i++) {
        rows[i] = made_growth((enum check_verdict)(CHECK_REGRESSION - i), NAMES[i], METRIC_BYTES, 0, MIB, 0);
        rows[i].bound = rows[i].why = NAMES[i];
    }
    struct check_result result = {.rows = rows,
                                  .rows_count = NASTY_ROWS,
                                  .classes = GROWTHS,
                                  .classes_count = 2,
                                  .size_classes = GROWTHS,
                                  .size_classes_count = 2,
                                  .notes = NOTES,
                                  .notes_count = 2,
                                  .program = NASTY_NAME,
                                  .go_version = BROKEN_NAME,
                                  .machine = NASTY_NAME};
    made_count(&result);
    return result;
}

/* For free(). */
static inline char *made_written(const char *format, const struct check_result *result, const struct check_view *view)
{
    static const struct check_view NO_TERMINAL = {.width_columns = UINT32_MAX};
    char *text = NULL;
    size_t bytes;
    struct error error;
    FILE *out = open_memstream(&text, &bytes);
    cr_assert(check_format_find(format)->write(out, result, view != NULL ? view : &NO_TERMINAL, &error));
    fclose(out);
    cr_assert_eq(strlen(text), bytes, "%s: a zero within", format);
    return text;
}

#endif
