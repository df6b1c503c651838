/* SPDX-License-Identifier: Apache-2.0
 *
 * How many bytes calls of each kind were about, added up over time, for the counters of a time line.
 *
 * A counter that is written at each call is as large as the calls. So one is written at most every millisecond, and
 * again where a burst ended: between two points it never stands still at less than there was.
 */
#ifndef GPW_HARNESS_CALL_TOTALS_H
#define GPW_HARNESS_CALL_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

enum { CALL_TOTALS_MAX = 128, CALL_TOTAL_NAME_BYTES = 288 };

struct call_total {
    char name[CALL_TOTAL_NAME_BYTES];
    uint64_t bytes;
    uint64_t last_ns, told_ns; /* of the last call; of the last point that was written */
    bool is_told;              /* `bytes` was written */
};

struct call_totals {
    struct call_total rows[CALL_TOTALS_MAX];
    uint32_t count;
    void (*tell)(void *context, const char *name, uint64_t time_ns, uint64_t bytes);
    void *context;
};

/* A call that succeeded, of the kind `by` `name`; times do not fall by much. Where there are too many kinds the rest is
 * one. */
void call_totals_add(struct call_totals *totals, const char *by, const char *name, uint64_t time_ns, uint64_t bytes);

/* The points that are left. */
void call_totals_end(struct call_totals *totals);

#endif
