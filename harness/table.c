/* SPDX-License-Identifier: Apache-2.0
 *
 * Printing a table with columns as wide as their widest cell.
 */
#include "harness/table.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

enum { GAP_COLUMNS = 2 };

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

uint32_t text_columns(const char *text, uint64_t bytes)
{
    uint32_t columns = 0;
    for (uint64_t i = 0; i < bytes; i++)
        columns += !is_continuation(text[i]);
    return columns;
}

/* A character that was cut in two goes away. */
static void trim_cut_character(char *cell)
{
    char *end = cell + strlen(cell);
    while (end > cell && is_continuation(end[-1]))
        end--;
    if (end > cell)
        end[-1] = '\0';
}

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
    int length = vsnprintf(cell, TABLE_CELL_BYTES, format, arguments);
    va_end(arguments);
    if (length >= TABLE_CELL_BYTES)
        trim_cut_character(cell);
    if (table->cells_in_row > table->column_count)
        table->column_count = table->cells_in_row;
}

void table_style_cell(struct table *table, enum style_role role)
{
    assert(table->row_count > 0 && table->cells_in_row > 0);
    table->roles[table->row_count - 1][table->cells_in_row - 1] = (uint8_t)role;
}

void table_style_row(struct table *table, enum style_role role)
{
    assert(table->row_count > 0);
    memset(table->roles[table->row_count - 1], (int)role, table->cells_in_row);
}

static int cell_columns(const struct table *table, uint32_t row, uint32_t column)
{
    const char *cell = table->cells[row][column];
    return (int)text_columns(cell, strlen(cell));
}

static int column_width(const struct table *table, uint32_t column)
{
    int widest = 0;
    for (uint32_t row = 0; row < table->row_count; row++) {
        int columns = cell_columns(table, row, column);
        if (columns > widest)
            widest = columns;
    }
    return widest;
}

uint32_t table_width_columns(const struct table *table)
{
    int width = 0;
    for (uint32_t column = 0; column < table->column_count; column++)
        width += column_width(table, column) + (column > 0 ? GAP_COLUMNS : 0);
    return (uint32_t)width;
}

/* The bytes of the first `columns` characters. */
static size_t bytes_of_columns(const char *text, uint32_t columns)
{
    size_t bytes = 0;
    while (text[bytes] != '\0' && (columns > 0 || is_continuation(text[bytes])))
        columns -= !is_continuation(text[bytes++]);
    return bytes;
}

bool table_cut_to(struct table *table, uint32_t width_columns, uint32_t least_columns)
{
    static const char MARK[] = "..";
    if (table->column_count == 0)
        return false;
    uint32_t last = table->column_count - 1;
    uint32_t others = table_width_columns(table) - (uint32_t)column_width(table, last);
    if (others > width_columns || width_columns - others < least_columns || width_columns - others < sizeof MARK)
        return false;
    uint32_t left = width_columns - others;
    for (uint32_t row = 0; row < table->row_count; row++) {
        char *cell = table->cells[row][last];
        if (text_columns(cell, strlen(cell)) > left)
            memcpy(cell + bytes_of_columns(cell, left - (uint32_t)strlen(MARK)), MARK, sizeof MARK);
    }
    return true;
}

/* Blanks are owed until something follows them, so that no line ends with any. */
static void print_row(const struct table *table, const int *widths, uint32_t row, FILE *out, const struct style *style)
{
    int owed = 0;
    for (uint32_t column = 0; column < table->column_count; column++) {
        const char *cell = table->cells[row][column];
        enum style_role role = table->roles[row][column];
        int padding = widths[column] - cell_columns(table, row, column);
        if (column > 0)
            owed += GAP_COLUMNS;
        if (cell[0] == '\0') {
            owed += padding;
            continue;
        }
        bool is_left = table->is_text[column];
        fprintf(out, "%*s", owed + (is_left ? 0 : padding), "");
        style_begin(out, style, role, STYLE_TEXT);
        fputs(cell, out);
        style_end(out, style, role);
        owed = is_left ? padding : 0;
    }
    fputc('\n', out);
}

void table_print_styled(const struct table *table, FILE *out, const struct style *style)
{
    int widths[TABLE_COLUMNS_MAX] = {0};
    for (uint32_t column = 0; column < table->column_count; column++)
        widths[column] = column_width(table, column);
    for (uint32_t row = 0; row < table->row_count; row++)
        print_row(table, widths, row, out, style);
}

void table_print(const struct table *table, FILE *out)
{
    table_print_styled(table, out, &(struct style){0});
}
