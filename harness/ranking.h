/* SPDX-License-Identifier: Apache-2.0
 *
 * The first of many rows by some order, without holding the others.
 */
#ifndef GPW_HARNESS_RANKING_H
#define GPW_HARNESS_RANKING_H

#include <stddef.h>
#include <stdint.h>

struct ranking {
    void *rows; /* an array with room for `capacity`; `count` are there, in order */
    size_t row_bytes;
    int (*compare)(const void *a, const void *b); /* of two rows, as for qsort */
    uint64_t count, capacity;
};

/* Copies the row to its place. Of equals the one that came first stays in front; the last falls out when it is full. */
void ranking_insert(struct ranking *ranking, const void *row);

#endif
