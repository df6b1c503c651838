/* SPDX-License-Identifier: Apache-2.0
 *
 * Printing a table with columns as wide as their widest cell.
 */
#include "harness/table.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

enum { GAP_COLUMNS = 2 };

void table_clear(struct table *table)
{
    memset(table, 0, sizeof *table);
    table->is_text[0] = true;
}

void table_add_row(struct table *table)
{
    assert(table->row_count < TABLE_ROWS_MAX);
    table->row_count++;
    table->cells_in_row = 0;
}

void table_add_cell(struct table *table, const char *format, ...)
{
    assert(table->row_count > 0 && table->cells_in_row < TABLE_COLUMNS_MAX);
    char *cell = table->cells[table->row_count - 1][table->cells_in_row++];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cell, TABLE_CELL_BYTES, format, arguments);
    va_end(arguments);
    if (table->cells_in_row > table->column_count)
        table->column_count = table->cells_in_row;
}

static int column_width(const struct table *table, uint32_t column)
{
    size_t widest = 0;
    for (uint32_t row = 0; row < table->row_count; row++) {
        size_t bytes = strlen(table->cells[row][column]);
        if (bytes > widest)
            widest = bytes;
    }
    return (int)widest;
}

uint32_t table_width_columns(const struct table *table)
{
    int width = 0;
    for (uint32_t column = 0; column < table->column_count; column++)
        width += column_width(table, column) + (column > 0 ? GAP_COLUMNS : 0);
    return (uint32_t)width;
}

/* Blanks are owed until something follows them, so that no line ends with any. */
static void print_row(const struct table *table, const int *widths, uint32_t row, FILE *out)
{
    int owed = 0;
    for (uint32_t column = 0; column < table->column_count; column++) {
        const char *cell = table->cells[row][column];
        int padding = widths[column] - (int)strlen(cell);
        if (column > 0)
            owed += GAP_COLUMNS;
        if (cell[0] == '\0') {
            owed += padding;
            continue;
        }
        bool is_left = table->is_text[column];
        fprintf(out, "%*s%s", owed + (is_left ? 0 : padding), "", cell);
        owed = is_left ? padding : 0;
    }
    fputc('\n', out);
}

void table_print(const struct table *table, FILE *out)
{
    int widths[TABLE_COLUMNS_MAX] = {0};
    for (uint32_t column = 0; column < table->column_count; column++)
        widths[column] = column_width(table, column);
    for (uint32_t row = 0; row < table->row_count; row++)
        print_row(table, widths, row, out);
}
