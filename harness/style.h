/* SPDX-License-Identifier: Apache-2.0
 *
 * How text for people looks: colours and block characters, where the reader's terminal has them.
 *
 * A role says what a piece of text is, the table in style.c which colour that is. The states of the page map, the
 * classes of memory that they belong to and their bars share roles, so that one colour means one thing in a report.
 * Only the 16 colours that people set to their liking are used.
 */
#ifndef GPW_HARNESS_STYLE_H
#define GPW_HARNESS_STYLE_H

#include <stdbool.h>
#include <stdio.h>

struct style {
    bool has_colour;
    bool has_unicode;
};

enum style_role {
    STYLE_PLAIN,
    STYLE_HEADING,
    STYLE_FAINT,
    STYLE_WARNING,
    STYLE_GROWTH,
    STYLE_SHRINKAGE,
    STYLE_OBJECTS,
    STYLE_UNUSED,
    STYLE_STACKS,
    STYLE_FREE,
    STYLE_RELEASED,
    STYLE_RUNTIME, /* the Go runtime's own */
    STYLE_C,
    STYLE_FILES,
    STYLE_ROLE_COUNT
};

enum style_look {
    STYLE_TEXT,
    STYLE_DIMMED,
    STYLE_FILLED, /* a block in that colour, the text spared out */
};

/* For an output that is a terminal or not: colours unless NO_COLOR is set (to anything but "") or TERM is "dumb",
 * Unicode where the locale's variables say UTF-8. Neither without a terminal. */
struct style style_choose(bool is_terminal);

/* What is written between these two has the colour of the role. */
void style_begin(FILE *out, const struct style *style, enum style_role role, enum style_look look);
void style_end(FILE *out, const struct style *style, enum style_role role);

/* A line of its own, with an empty one before it. */
void style_write_heading(FILE *out, const struct style *style, const char *heading);

#endif
