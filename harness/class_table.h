/* SPDX-License-Identifier: Apache-2.0
 *
 * The classes of memory as tables for people: one dump in full, or several side by side.
 *
 * In both, rows are sorted by what is resident, rows of zeros are left out, `other` comes last (it is a defect, not a
 * class) and a total closes the table, so that a reader can check the sum.
 */
#ifndef GPW_HARNESS_CLASS_TABLE_H
#define GPW_HARNESS_CLASS_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/dump.h"
#include "harness/table.h"

/* How many dumps stand side by side. */
enum { CLASS_TABLE_DUMPS_MAX = 6 };

/* mapped, resident, % of RSS; a bar for the share, which takes `bar_columns` (0: none); huge, lazyfree and swapped only
 * when any class has some; and, with `has_meanings`, what each class is. */
void class_table_fill_bars(struct table *table, const struct dump_rss *rss, bool has_meanings, uint32_t bar_columns,
                           bool has_unicode);

/* What is mapped alone, where nobody knows what is resident. */
void class_table_fill_mapped(struct table *table, const struct dump_rss *rss, bool has_meanings);

/* The colour of a class; classes of one owner share one. */
enum style_role class_table_role(const char *class_name);

/* What is resident, a column for each dump ("file N" and the time of day). */
void class_table_fill_compared(struct table *table, const struct dump *dumps, const uint32_t *file_numbers,
                               uint32_t dumps_count);

/* Class names and their meanings, for a help page. */
void class_table_fill_meanings(struct table *table);

#endif
