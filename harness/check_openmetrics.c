/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenMetrics 1.0: a family is all of one unit, told by the end of its name; what is not known has no series.
 *
 *   gopagewatch_check_value_bytes{metric="rss.total",rule="growth",side="current",stat="median"} 73400320
 *   gopagewatch_check_verdict{metric="rss.total",rule="growth"} 2
 *
 * GitLab's metrics report reads the lines that are no comment, takes a series with its labels for a name, and compares
 * the values as texts: so labels hold nothing that differs between two runs of the same gate.
 */
#include <inttypes.h>
#include <string.h>

#include "harness/check_escape.h"
#include "harness/check_format.h"
#include "harness/check_words.h"

struct family {
    const char *name; /* with the unit, without "_info" */
    const char *type;
    const char *unit; /* or NULL */
    const char *help; /* nothing in it needs an escape */
};

/* The families of values come in pairs: bytes, and what is only counted. */
static const struct family VALUE[] = {
    [METRIC_BYTES] = {"gopagewatch_check_value_bytes", "gauge", "bytes",
                      "A metric's median over the samples of a side, and the ends of the median's interval."},
    [METRIC_COUNT] = {"gopagewatch_check_value", "gauge", NULL,
                      "The same of metrics that count things: objects, spans, calls."},
};
static const struct family CHANGE[] = {
    [METRIC_BYTES] = {"gopagewatch_check_change_bytes", "gauge", "bytes",
                      "Median of the current side less that of the baseline; with rule slope: for each dump."},
    [METRIC_COUNT] = {"gopagewatch_check_change", "gauge", NULL, "The same of metrics that count things."},
};
static const struct family CHANGE_RATIO = {"gopagewatch_check_change_ratio", "gauge", "ratio",
                                           "The change as a share of the baseline; no series where that is 0."};
static const struct family P = {"gopagewatch_check_p", "gauge", NULL,
                                "How likely such a rise is without any cause: one-sided, adjusted for all metrics."};
static const struct family VERDICT = {"gopagewatch_check_verdict", "gauge", NULL,
                                      "0 pass, 1 inconclusive, 2 regression."};
static const struct family RESULT = {"gopagewatch_check_result", "gauge", NULL,
                                     "The worst verdict: 0 pass, 1 inconclusive, 2 regression."};
static const struct family METRICS = {"gopagewatch_check_metrics", "gauge", NULL, "How many metrics have a verdict."};
static const struct family SAMPLES = {"gopagewatch_check_samples", "gauge", NULL, "How many samples a side has."};
static const struct family ABOUT = {"gopagewatch_check", "info", NULL, "What was checked."};

struct writer {
    FILE *out;
    const struct check_result *result;
    const struct family *introduced; /* the one that was written last */
};

static const struct check_escape LABEL_ESCAPES[] = {{'\\', "\\\\"}, {'"', "\\\""}, {0}};

static void write_label(FILE *out, const char *before, const char *name, const char *value)
{
    fprintf(out, "%s%s=\"", before, name);
    check_write_escaped(out, value, LABEL_ESCAPES);
    fputc('"', out);
}

/* A family is told before its first series; one without any is not there. */
static void begin_series(struct writer *writer, const struct family *family)
{
    FILE *out = writer->out;
    if (writer->introduced != family) {
        fprintf(out, "# TYPE %s %s\n", family->name, family->type);
        if (family->unit != NULL)
            fprintf(out, "# UNIT %s %s\n", family->name, family->unit);
        fprintf(out, "# HELP %s %s\n", family->name, family->help);
    }
    writer->introduced = family;
    fputs(family->name, out);
}

static void begin_row(struct writer *writer, const struct family *family, const struct check_row *row)
{
    begin_series(writer, family);
    write_label(writer->out, "{", "metric", row->metric);
    write_label(writer->out, ",", "rule", check_kind_name(row->kind));
}

/* Whole numbers as such, and no more digits than a double has. */
static void end_series(FILE *out, double value)
{
    static const double DIGITS_END = 1e15;
    bool is_whole = value > -DIGITS_END && value < DIGITS_END && value == (double)(int64_t)value;
    fprintf(out, is_whole ? "} %.0f\n" : "} %.16g\n", value == 0 ? 0 : value);
}

/* ---- series of a row ---- */

static void write_stat(struct writer *writer, const struct check_row *row, const char *side, const char *stat,
                       double value)
{
    begin_row(writer, &VALUE[row->unit], row);
    write_label(writer->out, ",", "side", side);
    write_label(writer->out, ",", "stat", stat);
    end_series(writer->out, value);
}

static void write_side(struct writer *writer, const struct check_row *row, const char *name,
                       const struct check_side *side)
{
    if (side->count == 0)
        return;
    write_stat(writer, row, name, "median", side->median);
    if (!check_has_interval(side))
        return;
    write_stat(writer, row, name, "low", side->low);
    write_stat(writer, row, name, "high", side->high);
}

static void write_values(struct writer *writer, const struct check_row *row)
{
    write_side(writer, row, "baseline", &row->baseline);
    write_side(writer, row, "current", &row->current);
}

static void write_change(struct writer *writer, const struct check_row *row)
{
    if (!row->has_change)
        return;
    begin_row(writer, &CHANGE[row->unit], row);
    end_series(writer->out, row->change);
}

static void write_change_ratio(struct writer *writer, const struct check_row *row)
{
    if (!row->has_change || row->baseline.count == 0 || !(row->baseline.median > 0))
        return;
    begin_row(writer, &CHANGE_RATIO, row);
    end_series(writer->out, row->change / row->baseline.median);
}

static void write_p(struct writer *writer, const struct check_row *row)
{
    if (!row->has_p)
        return;
    begin_row(writer, &P, row);
    end_series(writer->out, row->p);
}

static void write_verdict(struct writer *writer, const struct check_row *row)
{
    begin_row(writer, &VERDICT, row);
    end_series(writer->out, row->verdict);
}

/* A series must not be there twice. */
static bool is_repeated(const struct check_result *result, uint64_t index)
{
    const struct check_row *row = &result->rows[index];
    for (uint64_t i = 0; i < index; i++) {
        if (result->rows[i].kind == row->kind && strcmp(result->rows[i].metric, row->metric) == 0)
            return true;
    }
    return false;
}

enum { ALL_UNITS = -1 };

/* Of the rows of one unit: the series of a family stand together. */
static void write_rows(struct writer *writer, int unit,
                       void (*write_row)(struct writer *writer, const struct check_row *row))
{
    for (uint64_t i = 0; i < writer->result->rows_count; i++) {
        const struct check_row *row = &writer->result->rows[i];
        if ((unit == ALL_UNITS || (int)row->unit == unit) && !is_repeated(writer->result, i))
            write_row(writer, row);
    }
}

/* ---- series of the result ---- */

static void write_labelled(struct writer *writer, const struct family *family, const char *label, const char *value,
                           uint64_t number)
{
    begin_series(writer, family);
    write_label(writer->out, "{", label, value);
    fprintf(writer->out, "} %" PRIu64 "\n", number);
}

static void write_totals(struct writer *writer)
{
    const struct check_result *result = writer->result;
    begin_series(writer, &RESULT);
    fprintf(writer->out, " %d\n", (int)result->verdict);
    for (int verdict = CHECK_PASS; verdict < CHECK_VERDICT_COUNT; verdict++)
        write_labelled(writer, &METRICS, "verdict", check_verdict_name((enum check_verdict)verdict),
                       result->verdict_rows[verdict]);
    write_labelled(writer, &SAMPLES, "side", "baseline", result->baseline_samples);
    write_labelled(writer, &SAMPLES, "side", "current", result->current_samples);
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void write_about(struct writer *writer)
{
    const struct check_result *result = writer->result;
    begin_series(writer, &ABOUT);
    write_label(writer->out, "_info{", "program", or_empty(result->program));
    write_label(writer->out, ",", "go_version", or_empty(result->go_version));
    write_label(writer->out, ",", "machine", or_empty(result->machine));
    fputs("} 1\n", writer->out);
}

bool check_openmetrics_write(FILE *out, const struct check_result *result, const struct check_view *view,
                             struct error *error)
{
    (void)view;
    (void)error;
    struct writer writer = {out, result, NULL};
    write_rows(&writer, METRIC_BYTES, write_values);
    write_rows(&writer, METRIC_COUNT, write_values);
    write_rows(&writer, METRIC_BYTES, write_change);
    write_rows(&writer, METRIC_COUNT, write_change);
    write_rows(&writer, ALL_UNITS, write_change_ratio);
    write_rows(&writer, ALL_UNITS, write_p);
    write_rows(&writer, ALL_UNITS, write_verdict);
    write_totals(&writer);
    write_about(&writer);
    fputs("# EOF\n", out);
    return true;
}
