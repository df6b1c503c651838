/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows are lists; which column is where, the dump says. Columns that no table names are ignored.
 */
#include "harness/dump_events.h"

#include <stdio.h>
#include <string.h>

#include "harness/fields.h"

/* Address space: some hundred bytes for each event. */
#define EVENTS_BYTES ((uint64_t)1 << 30)

static const struct field COLUMNS[] = {
    {"since_start_ns", FIELD_NUMBER, offsetof(struct dump_event, since_start_ns)},
    {"tid", FIELD_NUMBER, offsetof(struct dump_event, tid)},
    {"by", FIELD_TEXT, offsetof(struct dump_event, by)},
    {"op", FIELD_TEXT, offsetof(struct dump_event, operation)},
    {"start", FIELD_ADDRESS, offsetof(struct dump_event, start)},
    {"bytes", FIELD_NUMBER, offsetof(struct dump_event, bytes)},
    {"detail", FIELD_TEXT, offsetof(struct dump_event, detail)},
    {"errno", FIELD_NUMBER, offsetof(struct dump_event, error_number)},
    {"site", FIELD_NUMBER, offsetof(struct dump_event, site)},
};

enum { COLUMNS_COUNT = FIELDS_COUNT(COLUMNS) };
#define NO_COLUMN SIZE_MAX

/* Where each of COLUMNS stands in a row. Older dumps have no call sites. */
static bool find_columns(const struct fields_context *context, const json_t *names, size_t places[COLUMNS_COUNT])
{
    for (size_t i = 0; i < COLUMNS_COUNT; i++) {
        size_t index;
        json_t *name;
        places[i] = NO_COLUMN;
        json_array_foreach(names, index, name)
        {
            if (json_is_string(name) && strcmp(json_string_value(name), COLUMNS[i].key) == 0)
                places[i] = index;
        }
        if (places[i] == NO_COLUMN && COLUMNS[i].offset != offsetof(struct dump_event, site))
            return fields_refuse(context, COLUMNS[i].key, "is no column");
    }
    return true;
}

static bool read_row(struct fields_context context, const json_t *row, size_t index, const size_t places[COLUMNS_COUNT],
                     struct dump_event *event)
{
    char where[FIELD_PATH_BYTES_MAX];
    context.where = where;
    for (size_t i = 0; i < COLUMNS_COUNT; i++) {
        const struct field field = {"", COLUMNS[i].type, COLUMNS[i].offset};
        if (places[i] == NO_COLUMN)
            continue;
        const json_t *value = json_array_get(row, places[i]);
        snprintf(where, sizeof where, "events.rows[%zu].%s", index, COLUMNS[i].key);
        if (value == NULL)
            return fields_refuse(&context, "", "is missing");
        if (!fields_read(&context, value, &field, 1, event))
            return false;
    }
    return true;
}

static bool read_rows(struct fields_context context, const json_t *events, struct dump *dump)
{
    size_t index, places[COLUMNS_COUNT] = {0};
    json_t *row;
    const json_t *names = fields_find_list(&context, events, "columns");
    const json_t *rows = names == NULL ? NULL : fields_find_list(&context, events, "rows");
    if (rows == NULL || !find_columns(&context, names, places))
        return false;
    struct dump_event *read = fields_take_array(&context, json_array_size(rows), sizeof *read);
    if (read == NULL)
        return false;
    json_array_foreach(rows, index, row)
    {
        if (!read_row(context, row, index, places, &read[index]))
            return false;
    }
    dump->events = read;
    dump->events_count = json_array_size(rows);
    return true;
}

bool dump_events_read(struct dump *dump, const json_t *document, struct error *error)
{
    const json_t *events = json_object_get(document, "events");
    if (json_object_size(events) == 0)
        return true;
    if (bump_open(&dump->events_bump, EVENTS_BYTES) != 0)
        return error_set(error, "there is no memory to read it into; free some or raise the limit (ulimit -v)");
    struct fields_context context = {.bump = &dump->events_bump, .error = error, .where = "events"};
    if (read_rows(context, events, dump))
        return true;
    dump_events_drop(dump);
    return false;
}

void dump_events_drop(struct dump *dump)
{
    bump_close(&dump->events_bump);
    dump->events_bump = (struct bump){0};
    dump->events = NULL;
    dump->events_count = 0;
}
