/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as pictures of one line: a bar for a share, a row of small columns for a distribution.
 *
 * In Unicode a bar is exact to an eighth of a column; in ASCII to a column. A share that rounds to nothing is an empty
 * bar: the bars of all shares add up to the whole, but for that rounding.
 */
#ifndef GPW_HARNESS_BAR_H
#define GPW_HARNESS_BAR_H

#include <stdbool.h>
#include <stdint.h>

enum { BAR_COLUMNS_MAX = 24, BAR_BYTES = BAR_COLUMNS_MAX * 3 + 1 };

struct bar {
    char text[BAR_BYTES];
};

/* `part` of `whole`, which fills `columns` (at most BAR_COLUMNS_MAX). No more than full, whatever `part` is. */
struct bar bar_of_share(uint64_t part, uint64_t whole, uint32_t columns, bool has_unicode);

/* A column for each of `count` values (at most BAR_COLUMNS_MAX), the highest for the largest; '.' for zero. */
struct bar bar_of_distribution(const uint64_t *values, uint32_t count, bool has_unicode);

#endif
