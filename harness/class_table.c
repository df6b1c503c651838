/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling the tables of classes. A class that this version has no name for is a row like any other, so that the total
 * stays the sum of what is above it.
 */
#include "harness/class_table.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bar.h"
#include "harness/human.h"
#include "memory/units.h"

enum {
    SINGLE_ROWS_MAX = CLASS_COUNT + DUMP_NEW_CLASSES_MAX,
    COMPARED_ROWS_MAX = CLASS_COUNT + CLASS_TABLE_DUMPS_MAX * DUMP_NEW_CLASSES_MAX,
    FRAME_ROWS = 3, /* heads and total */
};

_Static_assert(COMPARED_ROWS_MAX + FRAME_ROWS <= TABLE_ROWS_MAX, "every class has a row");
_Static_assert(CLASS_TABLE_DUMPS_MAX + 1 <= TABLE_COLUMNS_MAX, "every dump has a column");

/* Columns that are shown only when any class has some. */
static const struct {
    const char *head;
    size_t offset;
} RARE_COLUMNS[] = {
    {"huge", offsetof(struct dump_sizes, huge_bytes)},
    {"lazyfree", offsetof(struct dump_sizes, lazyfree_bytes)},
    {"swapped", offsetof(struct dump_sizes, swapped_bytes)},
};

enum { RARE_COLUMN_COUNT = sizeof RARE_COLUMNS / sizeof RARE_COLUMNS[0] };

static uint64_t rare_bytes(const struct dump_sizes *sizes, unsigned column)
{
    return *(const uint64_t *)((const char *)sizes + RARE_COLUMNS[column].offset);
}

/* What a table of one dump shows. */
struct look {
    bool has_meanings, has_unicode;
    uint32_t bar_columns; /* 0: no bars */
    bool is_mapped_only;
};

/* By name or by the beginning of it, the first that fits. */
static const struct {
    const char *prefix;
    enum style_role role;
} ROLES[] = {
    {"go.objects", STYLE_OBJECTS}, {"go.heap", STYLE_OBJECTS}, {"go.unused", STYLE_UNUSED},
    {"go.stacks", STYLE_STACKS},   {"go.free", STYLE_FREE},    {"go.released", STYLE_RELEASED},
    {"go.reserved", STYLE_FAINT},  {"go.", STYLE_RUNTIME},     {"c.", STYLE_C},
    {"thread.stacks", STYLE_C},    {"libs", STYLE_FILES},      {"files", STYLE_FILES},
    {"shim", STYLE_FAINT},         {"other", STYLE_WARNING},
};

enum style_role class_table_role(const char *class_name)
{
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++) {
        if (strncmp(class_name, ROLES[i].prefix, strlen(ROLES[i].prefix)) == 0)
            return ROLES[i].role;
    }
    return STYLE_PLAIN;
}

/* A bare 0 stands out less than "0 B". */
static void add_bytes(struct table *table, uint64_t bytes)
{
    table_add_cell(table, "%s", bytes == 0 ? "0" : human_bytes(bytes).text);
}

/* Of the larger of the two sums that should be the same: no bar is longer than its column. */
static void add_bar(struct table *table, const struct dump_rss *rss, uint64_t resident_bytes, const struct look *look)
{
    uint64_t whole_bytes = max_u64(rss->total_bytes, rss->sum.resident_bytes);
    table->is_text[table->cells_in_row] = true;
    table_add_cell(table, "%s", bar_of_share(resident_bytes, whole_bytes, look->bar_columns, look->has_unicode).text);
}

static void add_sizes(struct table *table, const struct dump_rss *rss, const struct dump_sizes *sizes,
                      const struct look *look, enum style_role role)
{
    add_bytes(table, sizes->mapped_bytes);
    if (look->is_mapped_only)
        return;
    add_bytes(table, sizes->resident_bytes);
    table_add_cell(table, "%s", human_percent(sizes->resident_bytes, rss->total_bytes).text);
    if (look->bar_columns > 0) {
        add_bar(table, rss, sizes == &rss->sum ? 0 : sizes->resident_bytes, look);
        table_style_cell(table, role);
    }
    for (unsigned column = 0; column < RARE_COLUMN_COUNT; column++) {
        if (rare_bytes(&rss->sum, column) > 0)
            add_bytes(table, rare_bytes(sizes, column));
    }
}

static void add_head(struct table *table, const struct dump_rss *rss, const struct look *look)
{
    table_add_row(table);
    table_add_cell(table, "class");
    table_add_cell(table, "mapped");
    if (!look->is_mapped_only) {
        table_add_cell(table, "resident");
        table_add_cell(table, "%% of RSS");
    }
    if (look->bar_columns > 0)
        table_add_cell(table, "%s", "");
    for (unsigned column = 0; column < RARE_COLUMN_COUNT && !look->is_mapped_only; column++) {
        if (rare_bytes(&rss->sum, column) > 0)
            table_add_cell(table, "%s", RARE_COLUMNS[column].head);
    }
    if (look->has_meanings) {
        table->is_text[table->cells_in_row] = true;
        table_add_cell(table, "what it is");
    }
}

static void add_class(struct table *table, const struct dump_rss *rss, const struct dump_class *row,
                      const struct look *look)
{
    bool is_faint = !look->is_mapped_only && row->sizes.resident_bytes == 0;
    enum style_role role = !is_faint ? class_table_role(row->name) : STYLE_FAINT;
    table_add_row(table);
    table_add_cell(table, "%s", row->name);
    table_style_cell(table, role);
    add_sizes(table, rss, &row->sizes, look, role);
    if (look->has_meanings)
        table_add_cell(table, "%s", row->meaning != NULL ? row->meaning : "(a class of a later version)");
}

static int descending(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

/* Resident first; names make the order of equals the same every time. */
static int compare_classes(const void *left, const void *right)
{
    const struct dump_class *a = *(const struct dump_class *const *)left;
    const struct dump_class *b = *(const struct dump_class *const *)right;
    int order = descending(a->sizes.resident_bytes, b->sizes.resident_bytes);
    if (order == 0)
        order = descending(a->sizes.mapped_bytes, b->sizes.mapped_bytes);
    return order != 0 ? order : strcmp(a->name, b->name);
}

static bool is_all_zero(const struct dump_sizes *sizes)
{
    return (sizes->mapped_bytes | sizes->resident_bytes | sizes->swapped_bytes | sizes->huge_bytes |
            sizes->lazyfree_bytes) == 0;
}

static void fill(struct table *table, const struct dump_rss *rss, const struct look *look)
{
    const struct dump_class *rows[SINGLE_ROWS_MAX] = {NULL};
    uint32_t rows_count = 0;
    for (uint32_t i = 0; i < rss->classes_count; i++) {
        if (i != CLASS_OTHER && !is_all_zero(&rss->classes[i].sizes))
            rows[rows_count++] = &rss->classes[i];
    }
    qsort(rows, rows_count, sizeof rows[0], compare_classes);

    table_clear(table);
    add_head(table, rss, look);
    for (uint32_t i = 0; i < rows_count; i++)
        add_class(table, rss, rows[i], look);
    if (!is_all_zero(&rss->classes[CLASS_OTHER].sizes))
        add_class(table, rss, &rss->classes[CLASS_OTHER], look);
    table_add_row(table);
    table_add_cell(table, "total");
    add_sizes(table, rss, &rss->sum, look, STYLE_PLAIN);
}

void class_table_fill_bars(struct table *table, const struct dump_rss *rss, bool has_meanings, uint32_t bar_columns,
                           bool has_unicode)
{
    fill(table, rss,
         &(struct look){.has_meanings = has_meanings, .has_unicode = has_unicode, .bar_columns = bar_columns});
}

void class_table_fill_mapped(struct table *table, const struct dump_rss *rss, bool has_meanings)
{
    fill(table, rss, &(struct look){.has_meanings = has_meanings, .is_mapped_only = true});
}

/* One class over all dumps. */
struct compared_class {
    const char *name;
    uint64_t resident_bytes[CLASS_TABLE_DUMPS_MAX];
    uint64_t largest_bytes;
    bool is_other;
};

static int compare_compared(const void *left, const void *right)
{
    const struct compared_class *a = left, *b = right;
    if (a->is_other != b->is_other)
        return a->is_other ? 1 : -1;
    int order = descending(a->largest_bytes, b->largest_bytes);
    return order != 0 ? order : strcmp(a->name, b->name);
}

static uint32_t row_of_name(struct compared_class *rows, uint32_t *rows_count, const char *name)
{
    for (uint32_t i = 0; i < *rows_count; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return i;
    }
    rows[*rows_count] = (struct compared_class){.name = name};
    return (*rows_count)++;
}

static uint32_t collect(struct compared_class *rows, const struct dump *dumps, uint32_t dumps_count)
{
    uint32_t rows_count = 0;
    for (uint32_t column = 0; column < dumps_count; column++) {
        const struct dump_rss *rss = &dumps[column].rss;
        for (uint32_t i = 0; i < rss->classes_count; i++) {
            uint64_t resident_bytes = rss->classes[i].sizes.resident_bytes;
            struct compared_class *row = &rows[row_of_name(rows, &rows_count, rss->classes[i].name)];
            row->resident_bytes[column] = resident_bytes;
            row->is_other = i == CLASS_OTHER;
            if (resident_bytes > row->largest_bytes)
                row->largest_bytes = resident_bytes;
        }
    }
    return rows_count;
}

/* "03:26:01" of "2026-11-23T03:26:01.123Z", or the whole text when it is something else. */
static void add_time_of_day(struct table *table, const char *utc)
{
    enum { TIME_BYTES = 8 };
    const char *mark = strchr(utc, 'T');
    if (mark != NULL && strlen(mark + 1) >= TIME_BYTES)
        table_add_cell(table, "%.*s", TIME_BYTES, mark + 1);
    else
        table_add_cell(table, "%.20s", utc);
}

void class_table_fill_compared(struct table *table, const struct dump *dumps, const uint32_t *file_numbers,
                               uint32_t dumps_count)
{
    struct compared_class rows[COMPARED_ROWS_MAX];
    assert(dumps_count <= CLASS_TABLE_DUMPS_MAX);
    uint32_t rows_count = collect(rows, dumps, dumps_count);
    qsort(rows, rows_count, sizeof rows[0], compare_compared);

    table_clear(table);
    table_add_row(table);
    table_add_cell(table, "class");
    for (uint32_t column = 0; column < dumps_count; column++)
        table_add_cell(table, "file %u", file_numbers[column]);
    table_add_row(table);
    table_add_cell(table, "taken at (UTC)");
    for (uint32_t column = 0; column < dumps_count; column++)
        add_time_of_day(table, dumps[column].time.utc);
    for (uint32_t i = 0; i < rows_count; i++) {
        if (rows[i].largest_bytes == 0)
            continue;
        table_add_row(table);
        table_add_cell(table, "%s", rows[i].name);
        for (uint32_t column = 0; column < dumps_count; column++)
            add_bytes(table, rows[i].resident_bytes[column]);
    }
    table_add_row(table);
    table_add_cell(table, "total");
    for (uint32_t column = 0; column < dumps_count; column++)
        add_bytes(table, dumps[column].rss.sum.resident_bytes);
}

void class_table_fill_meanings(struct table *table)
{
    table_clear(table);
    table->is_text[1] = true;
#define X(id, name, meaning)               \
    table_add_row(table);                  \
    table_add_cell(table, "  %s", (name)); \
    table_add_cell(table, "%s", (meaning));
    GPW_MEMORY_CLASSES(X)
#undef X
}
