/* SPDX-License-Identifier: Apache-2.0
 *
 * A small text table: cells first, widths when it is printed. The first column is left-aligned, numbers are
 * right-aligned, and a column may be declared text (left-aligned, as a last column of words).
 *
 * All cells have a fixed size, so nothing is allocated and nothing can fail; what does not fit a cell is cut. A
 * character takes one column, whatever its bytes.
 */
#ifndef GPW_HARNESS_TABLE_H
#define GPW_HARNESS_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/style.h"

enum { TABLE_COLUMNS_MAX = 10, TABLE_ROWS_MAX = 128, TABLE_CELL_BYTES = 96 };

struct table {
    uint32_t row_count;
    uint32_t column_count; /* of the widest row */
    uint32_t cells_in_row; /* of the row being filled */
    bool is_text[TABLE_COLUMNS_MAX];
    uint8_t roles[TABLE_ROWS_MAX][TABLE_COLUMNS_MAX]; /* enum style_role */
    char cells[TABLE_ROWS_MAX][TABLE_COLUMNS_MAX][TABLE_CELL_BYTES];
};

void table_clear(struct table *table);
/* Begins a row. More than TABLE_ROWS_MAX rows is a defect of the caller (asserted). */
void table_add_row(struct table *table);
/* The next cell of the row. */
__attribute__((format(printf, 2, 3))) void table_add_cell(struct table *table, const char *format, ...);
/* The look of the cell that was added last. */
void table_style_cell(struct table *table, enum style_role role);
/* The look of the whole row being filled, for the cells added so far. */
void table_style_row(struct table *table, enum style_role role);
/* Columns that the widest line takes, without its newline. */
uint32_t table_width_columns(const struct table *table);
/* Cuts the cells of the last column that make the table wider than that, and marks them with "..". False, and nothing
 * is cut, when less than `least_columns` of the column would be left. */
bool table_cut_to(struct table *table, uint32_t width_columns, uint32_t least_columns);
/* Without colours, and with those that `style` allows. */
void table_print(const struct table *table, FILE *out);
void table_print_styled(const struct table *table, FILE *out, const struct style *style);

/* Columns that the first `bytes` bytes of a UTF-8 text take. */
uint32_t text_columns(const char *text, uint64_t bytes);

#endif
