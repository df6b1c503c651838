/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns of numbers in a hash by name.
 */
#include "harness/samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "harness/fingerprint.h"

/* Address space, for names and circumstances. */
#define TEXT_BYTES_MAX ((uint64_t)1 << 30)

struct column {
    uint64_t *values;
    uint64_t filled, capacity;
};

struct series {
    const char *name;
    enum metric_unit unit;
    enum metric_absence absence;
    struct column columns[SAMPLES_SIDE_COUNT];
    UT_hash_handle hh;
};

static bool refuse_memory(struct error *error)
{
    return error_set(error, "there are more samples than fit into memory; give fewer");
}

bool samples_open(struct samples *samples, struct error *error)
{
    *samples = (struct samples){0};
    return bump_open(&samples->bump, TEXT_BYTES_MAX) == 0 || refuse_memory(error);
}

void samples_close(struct samples *samples)
{
    struct series *series = samples->series;
    HASH_CLEAR(hh, samples->series);
    for (struct series *next; series != NULL; series = next) {
        next = series->hh.next;
        for (int side = 0; side < SAMPLES_SIDE_COUNT; side++)
            free(series->columns[side].values);
        free(series);
    }
    for (int side = 0; side < SAMPLES_SIDE_COUNT; side++)
        free(samples->sides[side].origins);
    free(samples->metrics);
    bump_close(&samples->bump);
    *samples = (struct samples){0};
}

static const char *keep(struct samples *samples, const char *text)
{
    return text == NULL ? NULL : bump_string(&samples->bump, text, strlen(text));
}

/* Room for one more element; doubles. NULL: no memory, `array` is as it was. */
static void *grow(void *array, uint64_t count, uint64_t *capacity, size_t element_bytes)
{
    enum { FIRST = 16 };
    if (count < *capacity)
        return array;
    uint64_t wanted = *capacity == 0 ? FIRST : *capacity * 2;
    while (wanted <= count)
        wanted *= 2;
    void *grown = reallocarray(array, wanted, element_bytes);
    if (grown != NULL)
        *capacity = wanted;
    return grown;
}

/* ---- a sample ---- */

static void keep_environment(struct samples *samples, struct dump_environment *kept,
                             const struct dump_environment *environment)
{
    *kept = *environment;
    for (uint32_t i = 0; i < fingerprint_count(); i++) {
        const struct field *field = &fingerprint_at(i)->field;
        const char **text = (const char **)((char *)kept + field->offset);
        if (field->type == FIELD_TEXT_OR_NULL)
            *text = keep(samples, *text);
    }
}

static bool is_same_environment(const struct dump_environment *a, const struct dump_environment *b)
{
    for (uint32_t i = 0; i < fingerprint_count(); i++) {
        const struct fingerprint *fingerprint = fingerprint_at(i);
        if (!fingerprint->is_of_program && !fingerprint_is_same(fingerprint, a, b))
            return false;
    }
    return true;
}

static bool is_same_program(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool samples_add(struct samples *samples, enum samples_side side, const struct sample_origin *origin,
                 const char *program, const struct dump_environment *environment, struct error *error)
{
    struct samples_of_side *of_side = &samples->sides[side];
    struct sample_origin *origins = grow(of_side->origins, of_side->count, &of_side->origins_capacity, sizeof *origins);
    if (origins == NULL)
        return refuse_memory(error);
    of_side->origins = origins;
    if (of_side->count == 0) {
        of_side->program = keep(samples, program);
        keep_environment(samples, &of_side->environment, environment);
    } else {
        of_side->programs_differ += !is_same_program(of_side->program, program);
        of_side->environments_differ += !is_same_environment(&of_side->environment, environment);
    }
    origins[of_side->count] = *origin;
    /* One host for thousands of samples, mostly. */
    const char *before = of_side->count == 0 ? NULL : origins[of_side->count - 1].host;
    origins[of_side->count].host = is_same_program(before, origin->host) ? before : keep(samples, origin->host);
    of_side->count++;
    return true;
}

/* ---- its numbers ---- */

static struct series *find_series(struct samples *samples, const struct metric *metric)
{
    struct series *series;
    HASH_FIND_STR(samples->series, metric->name, series);
    if (series != NULL)
        return series;
    series = calloc(1, sizeof *series);
    if (series == NULL)
        return NULL;
    series->name = keep(samples, metric->name);
    series->unit = metric->unit;
    if (strcmp(series->name, metric->name) != 0) { /* no memory for the name */
        free(series);
        return NULL;
    }
    series->absence = metric_absence(metric->name);
    HASH_ADD_KEYPTR(hh, samples->series, series->name, strlen(series->name), series);
    if (series->hh.tbl == NULL) { /* no memory for the table */
        free(series);
        return NULL;
    }
    return series;
}

bool samples_require(struct samples *samples, const char *name, enum metric_unit unit, struct error *error)
{
    struct metric metric = {name, unit, DUMP_NOT_KNOWN};
    return find_series(samples, &metric) != NULL || refuse_memory(error);
}

static uint64_t absent_value(enum metric_absence absence, const struct sample_origin *origin)
{
    bool is_zero = absence == METRIC_ABSENT_IS_ZERO || (absence == METRIC_ABSENT_IS_ZERO_IN_HEAP && origin->has_heap);
    return is_zero ? 0 : DUMP_NOT_KNOWN;
}

/* Values for all samples before `count` that did not bring one. */
static bool fill_up(struct series *series, struct column *column, const struct samples_of_side *side, uint64_t count)
{
    while (column->filled < count) {
        uint64_t *values = grow(column->values, column->filled, &column->capacity, sizeof *values);
        if (values == NULL)
            return false;
        column->values = values;
        values[column->filled] = absent_value(series->absence, &side->origins[column->filled]);
        column->filled++;
    }
    return true;
}

bool samples_put(struct samples *samples, enum samples_side side, uint64_t sample, const struct metric *metric,
                 struct error *error)
{
    struct series *series = find_series(samples, metric);
    if (series == NULL)
        return refuse_memory(error);
    struct column *column = &series->columns[side];
    if (!fill_up(series, column, &samples->sides[side], sample + 1))
        return refuse_memory(error);
    column->values[sample] = metric->value;
    return true;
}

struct adding {
    struct samples *samples;
    enum samples_side side;
    struct error *error;
};

static bool put_metric(void *context, const struct metric *metric)
{
    struct adding *adding = context;
    return samples_put(adding->samples, adding->side, adding->samples->sides[adding->side].count - 1, metric,
                       adding->error);
}

bool samples_add_dump(struct samples *samples, enum samples_side side, const struct dump *dump, struct error *error)
{
    struct adding adding = {samples, side, error};
    struct sample_origin origin = {
        .pid = dump->process.pid,
        .seq = dump->seq,
        .unix_ns = dump->time.unix_ns,
        .since_start_ns = dump->time.since_start_ns,
        .host = dump->process.host,
        .has_heap = metrics_has_heap(dump),
    };
    return samples_add(samples, side, &origin, dump->process.comm, &dump->environment, error) &&
           metrics_visit(dump, put_metric, &adding);
}

/* ---- the end ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct samples_metric *)a)->name, ((const struct samples_metric *)b)->name);
}

bool samples_finish(struct samples *samples, struct error *error)
{
    samples->metrics = calloc(HASH_COUNT(samples->series) + 1, sizeof *samples->metrics);
    if (samples->metrics == NULL)
        return refuse_memory(error);
    for (struct series *series = samples->series; series != NULL; series = series->hh.next) {
        struct samples_metric *metric = &samples->metrics[samples->metrics_count++];
        metric->name = series->name;
        metric->unit = series->unit;
        for (int side = 0; side < SAMPLES_SIDE_COUNT; side++) {
            struct column *column = &series->columns[side];
            if (!fill_up(series, column, &samples->sides[side], samples->sides[side].count))
                return refuse_memory(error);
            metric->values[side] = column->values;
        }
    }
    qsort(samples->metrics, samples->metrics_count, sizeof *samples->metrics, compare_names);
    return true;
}
