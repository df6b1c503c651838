/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing a baseline.
 */
#include "harness/baseline.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gopagewatch/schema.h"
#include "harness/fields.h"
#include "harness/fingerprint.h"

#define SCHEMA_PREFIX "gopagewatch.baseline/"
#define SCHEMA SCHEMA_PREFIX "1"
/* Texts of its environment. */
#define TEXT_BYTES_MAX ((uint64_t)16 << 20)

static const char *const UNIT_KEYS[] = {[METRIC_BYTES] = "bytes", [METRIC_COUNT] = "counts"};

/* ---- reading ---- */

bool baseline_is_document(const json_t *document)
{
    const char *schema = json_string_value(json_object_get(document, "schema"));
    return schema != NULL && strncmp(schema, SCHEMA_PREFIX, strlen(SCHEMA_PREFIX)) == 0;
}

struct head {
    const char *schema, *program;
    struct dump_environment environment;
};

static const struct field HEAD_FIELDS[] = {
    {"schema", FIELD_TEXT, offsetof(struct head, schema)},
    {"program", FIELD_TEXT_OR_NULL, offsetof(struct head, program)},
};

static bool read_head(struct fields_context context, const json_t *document, struct head *head)
{
    if (!fields_read(&context, document, HEAD_FIELDS, FIELDS_COUNT(HEAD_FIELDS), head))
        return false;
    if (strcmp(head->schema, SCHEMA) != 0)
        return error_set(context.error,
                         "has schema \"%.60s\", and gopagewatch " GPW_VERSION " reads " SCHEMA
                         "; use a newer gopagewatch, or make the baseline anew",
                         head->schema);
    const json_t *object = fields_find_object(&context, document, "environment");
    context.where = "environment";
    return object != NULL && fingerprint_read(&context, object, &head->environment);
}

static bool read_samples(const struct fields_context *context, const json_t *document, const struct head *head,
                         struct samples *samples)
{
    size_t index;
    json_t *sample;
    const json_t *list = fields_find_list(context, document, "samples");
    if (list == NULL)
        return false;
    json_array_foreach(list, index, sample)
    {
        const json_t *has_heap = json_object_get(sample, "has_heap");
        struct sample_origin origin = {.since_start_ns = DUMP_NOT_KNOWN, .has_heap = json_is_true(has_heap)};
        if (!json_is_boolean(has_heap))
            return fields_refuse(context, "samples", "has an entry without \"has_heap\"");
        if (!samples_add(samples, SAMPLES_BASELINE, &origin, head->program, &head->environment, context->error))
            return false;
    }
    return true;
}

static bool read_values(const struct fields_context *context, const char *name, const json_t *values,
                        enum metric_unit unit, struct samples *samples, uint64_t first)
{
    uint64_t count = samples->sides[SAMPLES_BASELINE].count - first;
    size_t index;
    json_t *value;
    if (!json_is_array(values) || json_array_size(values) != count)
        return fields_refuse(context, name, "is not a list with a value for each sample");
    json_array_foreach(values, index, value)
    {
        struct metric metric = {name, unit, DUMP_NOT_KNOWN};
        if (!json_is_null(value) && (!json_is_integer(value) || json_integer_value(value) < 0))
            return fields_refuse(context, name, "holds something that is neither a whole number from 0 on nor null");
        if (json_is_integer(value))
            metric.value = (uint64_t)json_integer_value(value);
        if (!samples_put(samples, SAMPLES_BASELINE, first + index, &metric, context->error))
            return false;
    }
    return true;
}

static bool read_metrics(struct fields_context context, const json_t *document, enum metric_unit unit,
                         struct samples *samples, uint64_t first)
{
    const char *name;
    json_t *values;
    const json_t *object = fields_find_object(&context, document, UNIT_KEYS[unit]);
    if (object == NULL)
        return false;
    context.where = UNIT_KEYS[unit];
    json_object_foreach((json_t *)object, name, values)
    {
        const char *printable;
        if (name[0] == '\0' || strlen(name) >= METRIC_NAME_BYTES)
            return fields_refuse(&context, "", "has a name that is empty or longer than that of any metric");
        if (!fields_copy_text(&context, name, strlen(name), &printable) ||
            !read_values(&context, printable, values, unit, samples, first))
            return false;
    }
    return true;
}

bool baseline_read(struct samples *samples, const json_t *document, struct error *error)
{
    struct bump bump;
    struct head head = {0};
    uint64_t first = samples->sides[SAMPLES_BASELINE].count;
    if (bump_open(&bump, TEXT_BYTES_MAX) != 0)
        return error_set(error, "does not fit into memory; read it on a machine with more");
    struct fields_context context = {
        .bump = &bump,
        .error = error,
        .where = "",
        .mend = "the baseline is damaged: take it from the repository again, or make it anew with --update-baseline"};
    bool is_read = read_head(context, document, &head) && read_samples(&context, document, &head, samples) &&
                   read_metrics(context, document, METRIC_BYTES, samples, first) &&
                   read_metrics(context, document, METRIC_COUNT, samples, first);
    bump_close(&bump);
    return is_read;
}

/* ---- writing ---- */

/* "KEY": VALUE with VALUE released; false: no memory. */
static bool write_value(FILE *out, const char *key, json_t *value)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY);
    json_decref(value);
    if (text != NULL)
        fprintf(out, "\"%s\": %s", key, text);
    free(text);
    return text != NULL;
}

static bool write_name(FILE *out, const char *name)
{
    json_t *string = json_string(name);
    char *text = string == NULL ? NULL : json_dumps(string, JSON_ENCODE_ANY);
    json_decref(string);
    if (text != NULL)
        fputs(text, out);
    free(text);
    return text != NULL;
}

static void write_values(FILE *out, const uint64_t *values, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        fputs(i == 0 ? "" : ", ", out);
        if (values[i] == DUMP_NOT_KNOWN)
            fputs("null", out);
        else
            fprintf(out, "%" PRIu64, values[i]);
    }
}

static bool write_metrics(FILE *out, const struct samples *samples, enum metric_unit unit)
{
    const char *separator = "\n";
    fprintf(out, ",\n  \"%s\": {", UNIT_KEYS[unit]);
    for (uint64_t i = 0; i < samples->metrics_count; i++) {
        const struct samples_metric *metric = &samples->metrics[i];
        if (metric->unit != unit)
            continue;
        fprintf(out, "%s    ", separator);
        separator = ",\n";
        if (!write_name(out, metric->name))
            return false;
        fputs(": [", out);
        write_values(out, metric->values[SAMPLES_CURRENT], samples->sides[SAMPLES_CURRENT].count);
        fputs("]", out);
    }
    fputs("\n  }", out);
    return true;
}

static void write_samples(FILE *out, const struct samples_of_side *side)
{
    fputs(",\n  \"samples\": [", out);
    for (uint64_t i = 0; i < side->count; i++)
        fprintf(out, "%s{\"has_heap\": %s}", i == 0 ? "" : ", ", side->origins[i].has_heap ? "true" : "false");
    fputs("]", out);
}

bool baseline_write(FILE *out, const struct samples *samples, struct error *error)
{
    const struct samples_of_side *side = &samples->sides[SAMPLES_CURRENT];
    char utc[32];
    time_t now = time(NULL);
    struct tm broken;
    strftime(utc, sizeof utc, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &broken));
    fprintf(out, "{\n  \"schema\": \"" SCHEMA "\",\n  \"utc\": \"%s\",\n  ", utc);
    bool is_written = write_value(out, "program", side->program == NULL ? json_null() : json_string(side->program));
    fputs(",\n  ", out);
    is_written = is_written && write_value(out, "environment", fingerprint_write(&side->environment));
    write_samples(out, side);
    is_written = is_written && write_metrics(out, samples, METRIC_BYTES) && write_metrics(out, samples, METRIC_COUNT);
    fputs("\n}\n", out);
    return is_written || error_set(error, "does not fit into memory; write it on a machine with more");
}
