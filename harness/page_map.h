/* SPDX-License-Identifier: Apache-2.0
 *
 * An arena drawn small: one character (a cell) for a number of its pages.
 *
 * A cell shows what most of its pages are, where "object, resident" and "object, not resident" are two things; of two
 * that are as many the one that matters more (memory that is resident and holds nothing first).
 */
#ifndef GPW_HARNESS_PAGE_MAP_H
#define GPW_HARNESS_PAGE_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/style.h"

/* Letters of a page string in, one letter a cell out, with a zero behind. Returns the number of cells: count /
 * pages_per_cell, rounded up; the last one may stand for fewer pages. */
uint32_t page_map_draw(const uint8_t *letters, uint32_t count, uint32_t pages_per_cell, char *cells);

/* Writes `count` cells in the colours of their states: resident ones filled, others dimmed. */
void page_map_write(FILE *out, const struct style *style, const char *cells, uint32_t count);

/* What the letters that are in `shown` (in lower case) mean, by the class of memory that their pages belong to. */
void page_map_write_legend(FILE *out, const struct style *style, const char *shown, uint32_t width_columns);

/* A set of lower case letters, for the legend. */
enum { PAGE_MAP_SHOWN_BYTES = 27 };
void page_map_add_shown(char shown[PAGE_MAP_SHOWN_BYTES], const char *cells);

/* How many pages are resident and hold no object: unused, free or released. */
uint32_t page_map_count_idle(const uint8_t *letters, uint32_t count);

#endif
