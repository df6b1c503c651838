/* SPDX-License-Identifier: Apache-2.0
 *
 * Adding up calls by kind.
 */
#include "harness/call_totals.h"

#include <stdio.h>
#include <string.h>

#include "memory/units.h"

#define INTERVAL_NS 1000000u

static struct call_total *row_of(struct call_totals *totals, const char *name)
{
    for (uint32_t i = 0; i < totals->count; i++) {
        if (strcmp(totals->rows[i].name, name) == 0)
            return &totals->rows[i];
    }
    if (totals->count == CALL_TOTALS_MAX)
        return &totals->rows[CALL_TOTALS_MAX - 1];
    struct call_total *row = &totals->rows[totals->count++];
    bool is_rest = totals->count == CALL_TOTALS_MAX;
    snprintf(row->name, sizeof row->name, "%s", is_rest ? "all other calls" : name);
    return row;
}

static void tell(struct call_totals *totals, struct call_total *row)
{
    totals->tell(totals->context, row->name, row->last_ns, row->bytes);
    row->told_ns = row->last_ns;
    row->is_told = true;
}

void call_totals_add(struct call_totals *totals, const char *by, const char *name, uint64_t time_ns, uint64_t bytes)
{
    char whole[CALL_TOTAL_NAME_BYTES];
    snprintf(whole, sizeof whole, "%s %s", by, name);
    struct call_total *row = row_of(totals, whole);
    bool is_first = row->bytes == 0 && row->last_ns == 0;
    bool is_time = is_first || time_ns >= row->told_ns + INTERVAL_NS;
    if (is_time && !is_first && !row->is_told)
        tell(totals, row);
    row->bytes = __builtin_add_overflow(row->bytes, bytes, &row->bytes) ? UINT64_MAX : row->bytes;
    row->last_ns = max_u64(row->last_ns, time_ns);
    row->is_told = false;
    if (is_time)
        tell(totals, row);
}

void call_totals_end(struct call_totals *totals)
{
    for (uint32_t i = 0; i < totals->count; i++) {
        if (!totals->rows[i].is_told)
            tell(totals, &totals->rows[i]);
    }
}
