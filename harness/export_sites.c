/* SPDX-License-Identifier: Apache-2.0
 *
 * Purposes are few and their stacks are those of whoever was allocating when a table was full, so they are added up;
 * whose stack C's memory came from is the answer itself.
 */
#include "harness/export_sites.h"

#include <stdlib.h>
#include <string.h>

static bool is_row(const struct dump_callsite *site, struct export_site *row)
{
    bool is_mapping = strcmp(site->operation, "mmap") == 0 || strcmp(site->operation, "mremap") == 0;
    *row = (struct export_site){.class = CLASS_C_MMAP, .site = site, .resident_bytes = site->resident_bytes};
    if (!is_mapping || site->resident_bytes == 0)
        return false;
    if (strcmp(site->by, "c") == 0)
        return site->purpose == NULL; /* else it is c.heap */
    row->class = CLASS_GO_METADATA;
    row->purpose = site->purpose;
    return strcmp(site->by, "go") == 0 && site->purpose != NULL;
}

static int compare_rows(const void *left, const void *right)
{
    const struct export_site *a = left, *b = right;
    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    int by_purpose = a->purpose == NULL ? 0 : strcmp(a->purpose, b->purpose);
    return by_purpose != 0 ? by_purpose : (a->site->id > b->site->id) - (a->site->id < b->site->id);
}

static bool is_same_purpose(const struct export_site *a, const struct export_site *b)
{
    return a->purpose != NULL && b->purpose != NULL && strcmp(a->purpose, b->purpose) == 0;
}

uint64_t export_sites_find(const struct dump *dump, struct export_site *rows)
{
    uint64_t count = 0, kept = 0;
    for (uint64_t i = 0; i < dump->callsites_count; i++)
        count += is_row(&dump->callsites[i], &rows[count]);
    qsort(rows, count, sizeof *rows, compare_rows);
    for (uint64_t i = 0; i < count; i++) {
        struct export_site row = rows[i];
        if (kept > 0 && is_same_purpose(&rows[kept - 1], &row)) {
            uint64_t *sum = &rows[kept - 1].resident_bytes;
            *sum = __builtin_add_overflow(*sum, row.resident_bytes, sum) ? UINT64_MAX : *sum;
            continue;
        }
        rows[kept] = row;
        if (row.purpose != NULL)
            rows[kept].site = NULL;
        kept++;
    }
    return kept;
}
