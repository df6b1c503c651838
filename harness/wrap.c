/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling lines with words.
 */
#include "harness/wrap.h"

#include <stdarg.h>
#include <string.h>

#include "harness/table.h"

/* A column is kept for what is glued to the last word. */
enum { PIECE_BYTES = 1024, GLUE_COLUMNS = 1 };

static void begin_line(struct wrap *wrap)
{
    uint32_t indent = wrap->indent_columns + (wrap->lines++ > 0 ? wrap->hang_columns : 0);
    fprintf(wrap->out, "%*s", (int)indent, "");
    wrap->column = indent;
}

static void add_word(struct wrap *wrap, const char *word, uint32_t bytes)
{
    uint32_t columns = text_columns(word, bytes);
    if (wrap->column != 0 && wrap->column + 1 + columns + GLUE_COLUMNS > wrap->width_columns) {
        fputc('\n', wrap->out);
        wrap->column = 0;
    }
    if (wrap->column == 0)
        begin_line(wrap);
    else {
        fputc(' ', wrap->out);
        wrap->column++;
    }
    fwrite(word, 1, bytes, wrap->out);
    wrap->column += columns;
}

void wrap_text(struct wrap *wrap, const char *text)
{
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        uint32_t bytes = (uint32_t)strcspn(text, " ");
        add_word(wrap, text, bytes);
        text += bytes;
    }
}

void wrap_glue(struct wrap *wrap, const char *text)
{
    fputs(text, wrap->out);
    wrap->column += text_columns(text, strlen(text));
}

void wrap_format(struct wrap *wrap, const char *format, ...)
{
    char text[PIECE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    wrap_text(wrap, text);
}

void wrap_end(struct wrap *wrap)
{
    if (wrap->column != 0)
        fputc('\n', wrap->out);
    wrap->column = wrap->lines = 0;
}
