/* SPDX-License-Identifier: Apache-2.0
 *
 * Sentences on lines of a given width, broken at blanks. A word that is wider than a line has a line of its own.
 *
 * Text comes piece by piece; wrap_end closes the last line. Nothing was added: nothing is written.
 */
#ifndef GPW_HARNESS_WRAP_H
#define GPW_HARNESS_WRAP_H

#include <stdint.h>
#include <stdio.h>

struct wrap {
    FILE *out;
    uint32_t width_columns;
    uint32_t indent_columns; /* of each line */
    uint32_t hang_columns;   /* more, of all lines but the first */
    uint32_t column, lines;  /* set by the functions: begin at 0 */
};

/* The words of `text`, one blank between them and what was before. */
void wrap_text(struct wrap *wrap, const char *text);
/* What belongs to the last word and takes a column: a comma, a bracket. */
void wrap_glue(struct wrap *wrap, const char *text);
/* A piece of at most 1 KiB; more is cut. */
__attribute__((format(printf, 2, 3))) void wrap_format(struct wrap *wrap, const char *format, ...);
void wrap_end(struct wrap *wrap);

#endif
