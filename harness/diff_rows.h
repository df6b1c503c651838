/* SPDX-License-Identifier: Apache-2.0
 *
 * What two dumps have in common and what not: one row for each class, size class, watched map or finding of either of
 * them.
 *
 * Rows are sorted by what a reader looks for: what grew, most first; then what shrank, most first; then the rest, the
 * largest first. The same two dumps always give the same order.
 */
#ifndef GPW_HARNESS_DIFF_ROWS_H
#define GPW_HARNESS_DIFF_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/dump.h"

/* A size class of no dump: objects with a span of their own. */
#define DIFF_LARGE_OBJECTS UINT64_MAX

struct diff_row {
    const char *name;    /* of a class or finding, which belongs to one of the dumps; "" for a size class */
    uint64_t slot_bytes; /* of a size class, or DIFF_LARGE_OBJECTS; 0 for others */
    bool is_in_old, is_in_new;
    uint64_t old_bytes, new_bytes;     /* resident; of a finding: its bytes */
    uint64_t old_objects, new_objects; /* of a size class; of a map its entries */
};

struct diff_rows {
    struct diff_row *rows;
    uint64_t count;
    uint64_t changed_count; /* these come first */
};

/* Each makes the rows of one table. False: no memory. For diff_rows_free, which takes zeroed rows too. */
bool diff_rows_of_classes(struct diff_rows *rows, const struct dump *old_dump, const struct dump *new_dump);
bool diff_rows_of_size_classes(struct diff_rows *rows, const struct dump *old_dump, const struct dump *new_dump);
bool diff_rows_of_maps(struct diff_rows *rows, const struct dump *old_dump, const struct dump *new_dump);
bool diff_rows_of_findings(struct diff_rows *rows, const struct dump *old_dump, const struct dump *new_dump);
void diff_rows_free(struct diff_rows *rows);

#endif
