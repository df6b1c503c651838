/* SPDX-License-Identifier: Apache-2.0
 *
 * The screen of top as lines of text, for a terminal of any size. Whoever draws puts each line in its row; how a style
 * looks is his affair.
 *
 * What matters most comes first: of a small terminal the head, the largest classes and the last line are left.
 */
#ifndef GPW_HARNESS_TOP_PICTURE_H
#define GPW_HARNESS_TOP_PICTURE_H

#include "harness/top_model.h"

enum { TOP_LINES_MAX = 64, TOP_LINE_BYTES = 512 };

enum top_style {
    TOP_PLAIN,
    TOP_TITLE, /* the first line, the head of the table */
    TOP_NOTE,  /* what can be overlooked */
    TOP_ALERT, /* what should not be */
    /* bars */
    TOP_USED,
    TOP_IDLE,   /* kept, but nothing is in it */
    TOP_WASTED, /* given back and resident all the same; not explained */
    TOP_STYLE_COUNT,
};

struct top_line {
    uint32_t row;
    enum top_style style;
    char text[TOP_LINE_BYTES]; /* no longer than the terminal is wide */
    /* Where `text` holds a bar ('#' used, '=' idle, '!' wasted); bar_bytes is 0 where there is none. */
    uint32_t bar_start, bar_bytes;
    enum top_style bar_style;
};

struct top_picture {
    uint32_t columns, rows;
    struct top_line lines[TOP_LINES_MAX];
    uint32_t count;
    struct top_line beyond; /* where lines go that have no row */
};

void top_picture_make(struct top_picture *picture, const struct top_model *model, uint32_t columns, uint32_t rows);

#endif
