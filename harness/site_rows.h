/* SPDX-License-Identifier: Apache-2.0
 *
 * Who did it, as rows: whose C code mapped what is resident, what the runtime's own memory is for, who made the heap
 * grow, and why memory was given back.
 */
#ifndef GPW_HARNESS_SITE_ROWS_H
#define GPW_HARNESS_SITE_ROWS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/dump.h"
#include "harness/stack_trace.h"
#include "harness/symbols.h"

enum { SITE_WHO_BYTES = 256, SITE_SUBJECTS_COUNT = 4 };

/* What rows are about: which call sites, by which of their numbers, and what they are added up by. */
struct site_subject {
    const char *what;
    bool (*holds)(const struct dump_callsite *site);
    uint64_t (*bytes)(const struct dump_callsite *site);
    bool is_by_purpose; /* else by stack */
    uint32_t few_rows;  /* that the text report shows by default: it is to be one screen */
};

extern const struct site_subject SITE_SUBJECTS[SITE_SUBJECTS_COUNT];

struct site_row {
    const struct dump_callsite *site; /* the first of those that are added up */
    uint64_t bytes, calls;
    bool is_named; /* `who` has no bare addresses */
    char who[SITE_WHO_BYTES];
};

/* What reads the same is one row, and where names are missing what has the same stack; the most bytes first. `rows` has
 * room for all call sites of the dump; returns how many there are. `trace` is scratch. */
uint64_t site_rows_collect(const struct site_subject *subject, const struct dump *dump, struct symbols *symbols,
                           struct stack_trace *trace, struct site_row *rows);

#endif
