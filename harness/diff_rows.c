/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of both dumps in one list, sorted by name, neighbours of one name merged, sorted by growth: no list is searched,
 * whatever its length.
 */
#include "harness/diff_rows.h"

#include <stdlib.h>
#include <string.h>

#include "dump/map_answer.h"
#include "memory/units.h"

static int ascending(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_names(const void *left, const void *right)
{
    const struct diff_row *a = left, *b = right;
    int order = ascending(a->slot_bytes, b->slot_bytes);
    return order != 0 ? order : strcmp(a->name, b->name);
}

static uint64_t change_bytes(const struct diff_row *row)
{
    return row->new_bytes > row->old_bytes ? row->new_bytes - row->old_bytes : row->old_bytes - row->new_bytes;
}

static bool is_changed(const struct diff_row *row)
{
    return row->is_in_old != row->is_in_new || row->old_bytes != row->new_bytes || row->old_objects != row->new_objects;
}

/* What comes first: grown, shrunk, changed in another way, the same. */
static int rank(const struct diff_row *row)
{
    if (row->new_bytes != row->old_bytes)
        return row->new_bytes > row->old_bytes ? 0 : 1;
    return is_changed(row) ? 2 : 3;
}

static int compare_growth(const void *left, const void *right)
{
    const struct diff_row *a = left, *b = right;
    int order = rank(a) - rank(b);
    if (order == 0)
        order = ascending(change_bytes(b), change_bytes(a));
    if (order == 0)
        order = ascending(b->new_bytes, a->new_bytes);
    return order != 0 ? order : compare_names(a, b);
}

/* A dump may hold a name twice; both count. */
static void merge(struct diff_row *into, const struct diff_row *row)
{
    into->is_in_old |= row->is_in_old;
    into->is_in_new |= row->is_in_new;
    into->old_bytes = add_saturating(into->old_bytes, row->old_bytes);
    into->new_bytes = add_saturating(into->new_bytes, row->new_bytes);
    into->old_objects = add_saturating(into->old_objects, row->old_objects);
    into->new_objects = add_saturating(into->new_objects, row->new_objects);
}

/* Room for so many rows of both dumps together, to be filled one by one. */
static bool open_rows(struct diff_rows *rows, uint64_t capacity)
{
    *rows = (struct diff_rows){.rows = calloc(capacity + 1, sizeof *rows->rows)};
    return rows->rows != NULL;
}

static void close_rows(struct diff_rows *rows)
{
    uint64_t merged = 0;
    qsort(rows->rows, rows->count, sizeof *rows->rows, compare_names);
    for (uint64_t i = 0; i < rows->count; i++) {
        if (merged > 0 && compare_names(&rows->rows[merged - 1], &rows->rows[i]) == 0)
            merge(&rows->rows[merged - 1], &rows->rows[i]);
        else
            rows->rows[merged++] = rows->rows[i];
    }
    rows->count = merged;
    qsort(rows->rows, rows->count, sizeof *rows->rows, compare_growth);
    while (rows->changed_count < rows->count && is_changed(&rows->rows[rows->changed_count]))
        rows->changed_count++;
}

static void add_row(struct diff_rows *rows, const char *name, uint64_t slot_bytes, uint64_t bytes, uint64_t objects,
                    bool is_new)
{
    struct diff_row *row = &rows->rows[rows->count++];
    *row = (struct diff_row){.name = name, .slot_bytes = slot_bytes};
    if (is_new) {
        row->is_in_new = true;
        row->new_bytes = bytes;
        row->new_objects = objects;
    } else {
        row->is_in_old = true;
        row->old_bytes = bytes;
        row->old_objects = objects;
    }
}

/* A class that has nothing resident is as if it were not there: older dumps do not name all. */
static void add_classes(struct diff_rows *rows, const struct dump_rss *rss, bool is_new)
{
    for (uint32_t i = 0; i < rss->classes_count; i++) {
        if (rss->classes[i].sizes.resident_bytes > 0)
            add_row(rows, rss->classes[i].name, 0, rss->classes[i].sizes.resident_bytes, 0, is_new);
    }
}

bool diff_rows_of_classes(struct diff_rows *rows, const struct dump *old_dump, const struct dump *new_dump)
{
    if (!open_rows(rows, (uint64_t)old_dump->rss.classes_count + new_dump->rss.classes_count))
        return false;
    add_classes(rows, &old_dump->rss, false);
    add_classes(rows, &new_dump->rss, true);
    close_rows(rows);
    return true;
}

static void add_size_classes(struct diff_rows *rows, const struct dump *dump, bool is_new)
{
    for (uint64_t i = 0; i < dump->size_classes_count; i++) {
        const struct dump_size_class *row = &dump->size_classes[i];
        add_row(rows, "", row->slot_bytes, row->resident_bytes, row->objects, is_new);
    }
    if (dump->large.spans > 0)
        add_row(rows, "", DIFF_LARGE_OBJECTS, dump->large.resident_bytes, dump->large.spans, is_new);
}

bool diff_rows_of_size_classes(struct diff_rows *rows, const struct dump *old_dump, const struct dump *new_dump)
{
    if (!open_rows(rows, old_dump->size_classes_count + new_dump->size_classes_count + 2))
        return false;
    add_size_classes(rows, old_dump, false);
    add_size_classes(rows, new_dump, true);
    close_rows(rows);
    return true;
}

static void add_maps(struct diff_rows *rows, const struct dump *dump, bool is_new)
{
    for (uint64_t i = 0; i < dump->go_maps_count; i++) {
        const struct map_answer *map = &dump->go_maps[i];
        if (map->why == NULL)
            add_row(rows, map->name, 0, map->total.resident_bytes, map->entries, is_new);
    }
}

bool diff_rows_of_maps(struct diff_rows *rows, const struct dump *old_dump, const struct dump *new_dump)
{
    if (!open_rows(rows, old_dump->go_maps_count + new_dump->go_maps_count))
        return false;
    add_maps(rows, old_dump, false);
    add_maps(rows, new_dump, true);
    close_rows(rows);
    return true;
}

static void add_findings(struct diff_rows *rows, const struct dump *dump, bool is_new)
{
    for (uint64_t i = 0; i < dump->findings_count; i++)
        add_row(rows, dump->findings[i].id, 0, dump->findings[i].bytes, 0, is_new);
}

bool diff_rows_of_findings(struct diff_rows *rows, const struct dump *old_dump, const struct dump *new_dump)
{
    if (!open_rows(rows, old_dump->findings_count + new_dump->findings_count))
        return false;
    add_findings(rows, old_dump, false);
    add_findings(rows, new_dump, true);
    close_rows(rows);
    return true;
}

void diff_rows_free(struct diff_rows *rows)
{
    free(rows->rows);
    *rows = (struct diff_rows){0};
}
