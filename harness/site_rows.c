/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing call sites and adding them up.
 */
#include "harness/site_rows.h"

#include <stdlib.h>
#include <string.h>

#include "memory/units.h"

enum { CALLS_SHOWN = 4 };

static bool is_called(const struct dump_callsite *site, const char *by, const char *operation)
{
    return strcmp(site->by, by) == 0 && (operation == NULL || strcmp(site->operation, operation) == 0);
}

static bool is_mapping_of_c(const struct dump_callsite *site)
{
    return (is_called(site, "c", "mmap") || is_called(site, "c", "mremap")) && site->purpose == NULL;
}

static bool is_metadata(const struct dump_callsite *site)
{
    return is_called(site, "go", "mmap") && site->purpose != NULL;
}

static bool is_growth(const struct dump_callsite *site)
{
    return is_metadata(site) && strcmp(site->purpose, "arenas") == 0 && strcmp(site->detail, "rw-") == 0 &&
           site->resident_bytes == 0;
}

static bool is_release(const struct dump_callsite *site)
{
    return is_called(site, "go", "madvise") && site->purpose != NULL &&
           (strcmp(site->detail, "DONTNEED") == 0 || strcmp(site->detail, "FREE") == 0);
}

static uint64_t resident_bytes(const struct dump_callsite *site)
{
    return site->resident_bytes;
}

static uint64_t bytes(const struct dump_callsite *site)
{
    return site->bytes;
}

const struct site_subject SITE_SUBJECTS[SITE_SUBJECTS_COUNT] = {
    {"c.mmap, resident", is_mapping_of_c, resident_bytes, false, 2},
    {"go.metadata, resident", is_metadata, resident_bytes, true, 1},
    {"heap growth", is_growth, bytes, false, 1},
    {"given back", is_release, bytes, true, 1},
};

static int most_first(const void *left, const void *right)
{
    const struct site_row *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return (a->site->id > b->site->id) - (a->site->id < b->site->id);
}

/* Without names the allocator's frames take the place of those that tell stacks apart: then all that fit are told. */
static void describe(struct site_row *row, const struct site_subject *subject, struct symbols *symbols,
                     struct stack_trace *trace)
{
    row->is_named = true;
    if (subject->is_by_purpose) {
        snprintf(row->who, SITE_WHO_BYTES, "%s", row->site->purpose);
        return;
    }
    stack_trace_make_site(trace, symbols, row->site);
    row->is_named = stack_trace_describe(trace, CALLS_SHOWN, row->who, SITE_WHO_BYTES);
    if (!row->is_named)
        stack_trace_describe(trace, UINT32_MAX, row->who, SITE_WHO_BYTES);
    if (row->who[0] == '\0')
        snprintf(row->who, SITE_WHO_BYTES, "not known");
}

static bool is_same(const struct site_row *a, const struct site_row *b)
{
    if (a->is_named != b->is_named || strcmp(a->who, b->who) != 0)
        return false;
    return a->is_named ||
           (a->site->frames_count == b->site->frames_count &&
            memcmp(a->site->frames, b->site->frames, a->site->frames_count * sizeof *a->site->frames) == 0);
}

uint64_t site_rows_collect(const struct site_subject *subject, const struct dump *dump, struct symbols *symbols,
                           struct stack_trace *trace, struct site_row *rows)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < dump->callsites_count; i++) {
        const struct dump_callsite *site = &dump->callsites[i];
        uint64_t at = 0;
        if (!subject->holds(site) || subject->bytes(site) == 0)
            continue;
        struct site_row row = {.site = site, .bytes = subject->bytes(site), .calls = site->calls};
        describe(&row, subject, symbols, trace);
        while (at < count && !is_same(&rows[at], &row))
            at++;
        if (at == count) {
            rows[count++] = row;
            continue;
        }
        rows[at].bytes = add_saturating(rows[at].bytes, row.bytes);
        rows[at].calls = add_saturating(rows[at].calls, row.calls);
    }
    qsort(rows, count, sizeof *rows, most_first);
    return count;
}
