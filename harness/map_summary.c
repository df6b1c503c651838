/* SPDX-License-Identifier: Apache-2.0
 *
 * Several maps: a row each, what takes most memory first.
 */
#include <string.h>

#include "harness/human.h"
#include "harness/map_sums.h"
#include "harness/map_table.h"
#include "harness/ranking.h"
#include "harness/table.h"
#include "memory/units.h"

enum { NAME_COLUMNS_LEAST = 16 };

_Static_assert((int)MAP_TABLE_ROWS_MAX < (int)TABLE_ROWS_MAX, "and a head");

/* What takes no memory, and what is not known, comes last. */
static int compare(const void *left, const void *right)
{
    const struct map_answer *a = *(const struct map_answer *const *)left;
    const struct map_answer *b = *(const struct map_answer *const *)right;
    const uint64_t keys[][2] = {{a->total.resident_bytes, b->total.resident_bytes},
                                {a->alone_bytes, b->alone_bytes},
                                {a->total.go_pages, b->total.go_pages}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (keys[i][0] != keys[i][1])
            return keys[i][0] > keys[i][1] ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

static void add_bytes(struct table *table, uint64_t bytes)
{
    table_add_cell(table, "%s", bytes == 0 ? "0" : human_bytes(bytes).text);
}

/* The part that takes most: "buckets 80 KiB". By what is allocated: small parts share pages, and each of them has the
 * page as resident. */
static void add_worst_part(struct table *table, const struct map_answer *answer)
{
    int worst = 0;
    for (int part = 1; part < MAP_PARTS; part++) {
        if (answer->parts[part].allocated_bytes > answer->parts[worst].allocated_bytes)
            worst = part;
    }
    if (answer->parts[worst].allocated_bytes == 0)
        table_add_cell(table, "-");
    else
        table_add_cell(table, "%s %s", MAP_PART_NAMES[worst], human_bytes(answer->parts[worst].allocated_bytes).text);
}

static void add_numbers(struct table *table, const struct map_answer *answer, bool knows_residency)
{
    if (knows_residency) {
        add_bytes(table, answer->total.resident_bytes);
        add_bytes(table, answer->alone_bytes);
    }
    table_add_cell(table, "%s", human_count(answer->total.go_pages).text);
    table_add_cell(table, "%s", human_count(answer->entries).text);
    if (answer->entries == 0)
        table_add_cell(table, "-");
    else
        add_bytes(table, answer->total.allocated_bytes / answer->entries);
    add_worst_part(table, answer);
}

static void add_row(struct table *table, const struct map_answer *answer, bool knows_residency)
{
    table_add_row(table);
    if (answer->why == NULL) {
        add_numbers(table, answer, knows_residency);
    } else {
        for (int i = 0; i < (knows_residency ? 6 : 4); i++)
            table_add_cell(table, "-");
    }
    if (answer->why != NULL)
        table_add_cell(table, "%s: %s", answer->name, answer->why);
    else
        table_add_cell(table, "%s %s%s", answer->name, answer->type_name, answer->address == 0 ? " (nil)" : "");
}

static void add_heads(struct table *table, bool knows_residency)
{
    static const char *const HEADS[] = {"resident", "alone", "pages", "entries", "an entry", "most in", "map"};
    enum { HEAD_COUNT = sizeof HEADS / sizeof HEADS[0], TEXT_COUNT = 2 };
    table_clear(table);
    table_add_row(table);
    for (size_t i = knows_residency ? 0 : 2; i < HEAD_COUNT; i++) {
        table->is_text[table->cells_in_row] = i >= HEAD_COUNT - TEXT_COUNT;
        table_add_cell(table, "%s", HEADS[i]);
    }
}

uint64_t map_table_write_summary(FILE *out, const struct map_answer *answers, uint64_t count, uint64_t rows_max,
                                 const struct map_table_options *options)
{
    const struct map_answer *rows[MAP_TABLE_ROWS_MAX];
    struct ranking ranking = {.rows = rows,
                              .row_bytes = sizeof rows[0],
                              .compare = compare,
                              .capacity = min_u64(rows_max, MAP_TABLE_ROWS_MAX)};
    struct table table;
    for (uint64_t i = 0; i < count; i++)
        ranking_insert(&ranking, &(const struct map_answer *){&answers[i]});
    add_heads(&table, options->knows_residency);
    for (uint64_t i = 0; i < ranking.count; i++)
        add_row(&table, rows[i], options->knows_residency);
    table_cut_to(&table, options->width_columns, NAME_COLUMNS_LEAST);
    table_print_styled(&table, out, &options->style);
    return ranking.count;
}
