/* SPDX-License-Identifier: Apache-2.0
 *
 * A look, and what is kept of it.
 */
#include "harness/top_sample.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "harness/live_look.h"
#include "harness/printable.h"
#include "memory/raw.h"

static void keep_go(struct top_sample *sample, const struct outside *outside)
{
    const struct heap_books *heaps = &outside->snapshot.heaps;
    const struct heap_book *first = &heaps->books[0];
    snprintf(sample->go_version, sizeof sample->go_version, "%s", outside->modules.modules[0].runtime.version.text);
    printable_clean(sample->go_version);
    sample->runtimes_count = outside->modules.count;
    sample->reinflated_bytes = heaps->reinflated_resident_bytes;
    if (heaps->count == 0)
        return;
    sample->has_gc = first->has_gc;
    sample->gc = first->gc;
    if (first->heap->layout == NULL)
        snprintf(sample->unwalked_why, sizeof sample->unwalked_why, "%s", first->heap->why);
}

static void keep(struct top_sample *sample, const struct live_look *look)
{
    const struct outside *outside = look->outside;
    const struct findings *findings = &outside->document.findings;
    memcpy(sample->comm, look->process.comm, sizeof sample->comm);
    printable_clean(sample->comm);
    sample->age_ns = look->process.age_ns;
    sample->status = outside->snapshot.resident.status;
    sample->explained_bytes = snapshot_explained_bytes(&outside->snapshot);
    memcpy(sample->classes, outside->snapshot.classes, sizeof sample->classes);
    sample->has_shim = outside->has_shim;
    sample->findings_count = findings->count;
    for (uint32_t i = 0; i < findings->count; i++)
        sample->findings[i] = (struct top_finding){findings->findings[i].id, findings->findings[i].bytes};
    keep_go(sample, outside);
}

bool top_sample_take(struct top_sample *sample, int pid, struct error *error)
{
    struct live_look look;
    uint64_t begin_ns = raw_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    *sample = (struct top_sample){0};
    if (!live_look_open(&look, "top", pid, "", error))
        return false;
    live_look_be_light(&look);
    bool is_taken = outside_take(look.outside, error);
    if (is_taken)
        keep(sample, &look);
    live_look_close(&look);
    sample->at_ns = raw_clock_ns(CLOCK_MONOTONIC);
    sample->cost_ns = raw_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin_ns;
    return is_taken;
}
