/* SPDX-License-Identifier: Apache-2.0
 *
 * All of a result as JSON (docs/ci.md), raw values too: keys are only added within schema 1. A row is a line, so that
 * two results can be compared by `diff`.
 */
#include <jansson.h>
#include <stdlib.h>

#include "harness/check_escape.h"
#include "harness/check_format.h"

/* Enough digits for every result of a computation, and 0.05 is "0.05". */
enum { REAL_DIGITS = 16 };

static const struct check_escape NO_ESCAPES[] = {{0}};

/* jansson takes valid UTF-8 only. NULL: no memory, or `text` is. */
static json_t *valid_text(const char *text)
{
    char *valid = NULL;
    size_t bytes;
    FILE *out = open_memstream(&valid, &bytes);
    if (out == NULL)
        return NULL;
    check_write_escaped(out, text, NO_ESCAPES);
    json_t *string = fclose(out) == 0 ? json_string(valid) : NULL;
    free(valid);
    return string;
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? valid_text(text) : json_null();
}

static json_t *count(uint64_t number)
{
    return number <= INT64_MAX ? json_integer((json_int_t)number) : json_real((double)number);
}

/* Medians are whole numbers, nearly always. */
static json_t *number(double value)
{
    static const double WHOLE_END = 0x1p53;
    if (value > -WHOLE_END && value < WHOLE_END && value == (double)(json_int_t)value)
        return json_integer((json_int_t)value);
    return json_real(value);
}

/* NULL when anything that goes in is. */
static json_t *values(const struct check_side *side)
{
    json_t *array = json_array();
    bool is_whole = array != NULL;
    for (uint64_t i = 0; i < side->count && is_whole; i++)
        is_whole = json_array_append_new(array, count(side->values[i])) == 0;
    if (is_whole)
        return array;
    json_decref(array);
    return NULL;
}

static json_t *side(const struct check_side *side)
{
    if (side->count == 0)
        return json_null();
    return json_pack("{s:o, s:{s:o, s:o, s:o}, s:o}", "median", number(side->median), "interval", "low",
                     number(side->low), "high", number(side->high), "coverage", number(side->coverage), "values",
                     values(side));
}

static json_t *change_ratio(const struct check_row *row)
{
    if (!row->has_change || row->baseline.count == 0 || !(row->baseline.median > 0))
        return json_null();
    return number(row->change / row->baseline.median);
}

static json_t *row_object(const struct check_row *row)
{
    return json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "metric", valid_text(row->metric),
                     "rule", check_kind_name(row->kind), "unit", row->unit == METRIC_BYTES ? "bytes" : "count",
                     "verdict", check_verdict_name(row->verdict), "allowed", valid_text(row->bound), "why",
                     valid_text(row->why), "change", row->has_change ? number(row->change) : json_null(),
                     "change_ratio", change_ratio(row), "p", row->has_p ? number(row->p) : json_null(), "baseline",
                     side(&row->baseline), "current", side(&row->current));
}

static json_t *growth_object(const struct check_growth *growth)
{
    return json_pack("{s:o, s:o, s:o}", "name", valid_text(growth->name), "baseline_bytes",
                     number(growth->baseline_bytes), "current_bytes", number(growth->current_bytes));
}

/* ---- the document ---- */

struct document {
    FILE *out;
    const char *before; /* what separates the next one from what was written */
    bool is_whole;
};

/* Takes `value`; NULL: no memory was there for it. */
static void write_value(struct document *document, const char *indent, const char *name, json_t *value)
{
    fputs(document->before, document->out);
    fputs(indent, document->out);
    if (name != NULL)
        fprintf(document->out, "\"%s\": ", name);
    document->is_whole = document->is_whole && value != NULL &&
                         json_dumpf(value, document->out, JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS)) == 0;
    document->before = ",\n";
    json_decref(value);
}

static void write_member(struct document *document, const char *name, json_t *value)
{
    write_value(document, " ", name, value);
}

static void begin_list(struct document *document, const char *name)
{
    fprintf(document->out, "%s \"%s\": [", document->before, name);
    document->before = "\n";
}

static void end_list(struct document *document)
{
    fputs(document->before[0] == ',' ? "\n ]" : "]", document->out);
    document->before = ",\n";
}

static void write_growths(struct document *document, const char *name, const struct check_growth *growths,
                          uint64_t growths_count)
{
    begin_list(document, name);
    for (uint64_t i = 0; i < growths_count; i++)
        write_value(document, "  ", NULL, growth_object(&growths[i]));
    end_list(document);
}

static void write_head(struct document *document, const struct check_result *result)
{
    write_member(document, "schema", json_string("gopagewatch.check/1"));
    write_member(document, "verdict", json_string(check_verdict_name(result->verdict)));
    write_member(document, "counts",
                 json_pack("{s:o, s:o, s:o}", "regression", count(result->verdict_rows[CHECK_REGRESSION]),
                           "inconclusive", count(result->verdict_rows[CHECK_INCONCLUSIVE]), "pass",
                           count(result->verdict_rows[CHECK_PASS])));
    write_member(document, "program", text_or_null(result->program));
    write_member(document, "go_version", text_or_null(result->go_version));
    write_member(document, "machine", text_or_null(result->machine));
    write_member(document, "alpha", number(result->alpha));
    write_member(document, "samples",
                 json_pack("{s:o, s:o}", "baseline", count(result->baseline_samples), "current",
                           count(result->current_samples)));
}

bool check_json_write(FILE *out, const struct check_result *result, const struct check_view *view, struct error *error)
{
    (void)view;
    struct document document = {out, "", true};
    fputs("{\n", out);
    write_head(&document, result);
    begin_list(&document, "notes");
    for (uint64_t i = 0; i < result->notes_count; i++)
        write_value(&document, "  ", NULL, valid_text(result->notes[i]));
    end_list(&document);
    begin_list(&document, "metrics");
    for (uint64_t i = 0; i < result->rows_count; i++)
        write_value(&document, "  ", NULL, row_object(&result->rows[i]));
    end_list(&document);
    write_growths(&document, "grew_classes", result->classes, result->classes_count);
    write_growths(&document, "grew_size_classes", result->size_classes, result->size_classes_count);
    fputs("\n}\n", out);
    return document.is_whole || error_set(error, "no memory for the result as JSON");
}
