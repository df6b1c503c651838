/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of mmap from before the table of call sites. Hook path.
 */
#include "preload/early_mmaps.h"

#include <stdbool.h>

#include "memory/units.h"
#include "preload/shim.h"

void early_mmaps_add(struct early_mmaps *early, uintptr_t start, uint64_t bytes, int protection, uintptr_t caller)
{
    if (atomic_load_explicit(&early->is_closed, memory_order_relaxed) != 0 ||
        atomic_load_explicit(&early->taken, memory_order_relaxed) >= EARLY_MMAPS_MAX)
        return;
    uint32_t at = atomic_fetch_add_explicit(&early->taken, 1, memory_order_relaxed);
    if (at >= EARLY_MMAPS_MAX)
        return;
    early->rows[at].start = start;
    early->rows[at].protection = (uint8_t)protection;
    early->callers[at] = caller;
    atomic_store_explicit(&early->rows[at].bytes, bytes, memory_order_release);
}

static uint32_t rows_count(const struct early_mmaps *early)
{
    uint32_t taken = atomic_load_explicit(&early->taken, memory_order_acquire);
    return taken < EARLY_MMAPS_MAX ? taken : EARLY_MMAPS_MAX;
}

/* What our constructor found mapped counts as the loader's, whose own calls do not come by us; what came later from
 * the module of a Go runtime that had not begun, as the runtime's. What is not there any more has no owner. */
static void mark(struct shim *shim, uintptr_t start, uintptr_t end, uint16_t site)
{
    while (start < end) {
        struct shadow_entry entry;
        uintptr_t run_end = shadow_run(&shim->shadow, start, end, &entry);
        if (entry.origin[0] != ORIGIN_UNKNOWN && entry.site == CALLSITE_NONE && entry.state == STATE_PLAIN)
            shadow_mark_mapped(&shim->shadow, start, run_end - start, ORIGIN_C, true, site);
        start = run_end;
    }
}

/* By now it is known where each runtime that has begun calls mmap. */
static bool is_runtime(uintptr_t caller)
{
    const struct watched_runtime *runtime;
    for (uint32_t at = 0; (runtime = shim_next_runtime(&at)) != NULL;) {
        if (atomic_load_explicit(&runtime->mmap_caller, memory_order_relaxed) == caller)
            return true;
    }
    return false;
}

void early_mmaps_close(struct shim *shim)
{
    struct early_mmaps *early = &shim->early_mmaps;
    atomic_store_explicit(&early->is_closed, 1, memory_order_relaxed);
    for (uint32_t i = 0; shim->callsites.rows != NULL && i < rows_count(early); i++) {
        const struct early_mmap *row = &early->rows[i];
        uint64_t bytes = atomic_load_explicit(&row->bytes, memory_order_acquire);
        uintptr_t end;
        if (bytes == 0 || is_runtime(early->callers[i]) || __builtin_add_overflow(row->start, bytes, &end))
            continue;
        const struct call_kind kind = {EVENT_MMAP, ORIGIN_C, row->protection};
        uint16_t site = callsites_intern(&shim->callsites, &kind, &early->callers[i], 1);
        callsites_count(&shim->callsites, site, bytes, 0, shim->start_ticks);
        mark(shim, row->start, end, site);
    }
}

uint32_t early_mmaps_callers(const struct early_mmaps *early, const uintptr_t **callers)
{
    *callers = early->callers;
    return rows_count(early);
}
