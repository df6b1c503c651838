/* SPDX-License-Identifier: Apache-2.0
 *
 * What maps cost, for people: a table of several, and all that is known of one. The command and a report show the same.
 */
#ifndef GPW_HARNESS_MAP_TABLE_H
#define GPW_HARNESS_MAP_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dump/map_answer.h"
#include "harness/style.h"

/* More maps than this are not shown; nobody asks for so many. */
enum { MAP_TABLE_ROWS_MAX = 100 };

struct map_table_options {
    uint32_t width_columns; /* of a terminal; UINT32_MAX: there is none */
    bool knows_residency;   /* false: nothing is said about what is resident */
    struct style style;
};

/* The texts of all answers may be printed; numbers may be any. */

/* A row a map, most resident first, then those that hold most alone; at most `rows_max` of them. How many. */
uint64_t map_table_write_summary(FILE *out, const struct map_answer *answers, uint64_t count, uint64_t rows_max,
                                 const struct map_table_options *options);

/* What it takes, part by part, what of that is waste, what would change it. */
void map_table_write_details(FILE *out, const struct map_answer *answer, const struct map_table_options *options);

#endif
