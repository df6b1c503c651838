/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing call sites and adding them up.
 */
#include "harness/site_rows.h"

#include <stdlib.h>
#include <string.h>

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

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static int most_first(const void *left, const void *right)
{
    const struct site_row *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return (a->site->id > b->site->id) - (a->site->id < b->site->id);
}

static void describe(const struct site_subject *subject, const struct dump_callsite *site, struct symbols *symbols,
                     struct stack_trace *trace, char who[SITE_WHO_BYTES])
{
    if (subject->is_by_purpose) {
        snprintf(who, SITE_WHO_BYTES, "%s", site->purpose);
        return;
    }
    stack_trace_make_site(trace, symbols, site);
    stack_trace_describe(trace, CALLS_SHOWN, who, SITE_WHO_BYTES);
    if (who[0] == '\0')
        snprintf(who, SITE_WHO_BYTES, "not known");
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
        describe(subject, site, symbols, trace, row.who);
        while (at < count && strcmp(rows[at].who, row.who) != 0)
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
