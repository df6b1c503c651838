/* SPDX-License-Identifier: Apache-2.0
 *
 * Interning stacks. Hook path: atomics on memory that was taken at the start.
 */
#include "preload/callsites.h"

#include <stddef.h>

#define HASH_SEED 0x9e3779b97f4a7c15ull
#define HASH_FACTOR 0xff51afd7ed558ccdull

_Static_assert((CALLSITES_HASH_SLOTS & (CALLSITES_HASH_SLOTS - 1)) == 0, "a hash is turned into a slot by a mask");
_Static_assert(CALLSITES_MAX <= UINT16_MAX, "the shadow table has 16 bits for a number");

bool callsites_open(struct callsites *sites, struct region *region)
{
    sites->slots = region_take(region, CALLSITES_HASH_SLOTS * sizeof sites->slots[0]);
    sites->rows = sites->slots == NULL ? NULL : region_take(region, CALLSITES_MAX * sizeof sites->rows[0]);
    atomic_store_explicit(&sites->taken, CALLSITE_LOST + 1, memory_order_relaxed);
    return sites->rows != NULL;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * HASH_FACTOR;
    return hash ^ hash >> 32;
}

static uint64_t hash_of(const struct call_kind *kind, const uintptr_t *frames, uint32_t frames_count)
{
    uint64_t hash = mix(HASH_SEED, (uint64_t)kind->operation << 16 | (uint64_t)kind->by << 8 | kind->detail);
    for (uint32_t i = 0; i < frames_count; i++)
        hash = mix(hash, frames[i]);
    return hash;
}

static bool is_row(const struct callsite *row, uint64_t hash, const struct call_kind *kind, const uintptr_t *frames,
                   uint32_t frames_count)
{
    if (row->hash != hash || row->frames_count != frames_count || row->kind.operation != kind->operation ||
        row->kind.by != kind->by || row->kind.detail != kind->detail)
        return false;
    for (uint32_t i = 0; i < frames_count; i++) {
        if (row->frames[i] != frames[i])
            return false;
    }
    return true;
}

/* A row of its own, not to be seen by others yet. CALLSITE_LOST: all are taken. */
static uint32_t fill_row(struct callsites *sites, uint64_t hash, const struct call_kind *kind, const uintptr_t *frames,
                         uint32_t frames_count)
{
    if (atomic_load_explicit(&sites->taken, memory_order_relaxed) >= CALLSITES_MAX)
        return CALLSITE_LOST;
    uint32_t number = atomic_fetch_add_explicit(&sites->taken, 1, memory_order_relaxed);
    if (number >= CALLSITES_MAX)
        return CALLSITE_LOST;
    struct callsite *row = &sites->rows[number];
    row->hash = hash;
    row->kind = *kind;
    row->frames_count = frames_count;
    for (uint32_t i = 0; i < frames_count; i++)
        row->frames[i] = frames[i];
    return number;
}

uint16_t callsites_intern(struct callsites *sites, const struct call_kind *kind, const uintptr_t *frames,
                          uint32_t frames_count)
{
    enum { PROBES_MAX = 64 };
    if (sites->rows == NULL)
        return CALLSITE_NONE;
    if (frames_count > CALLSITE_FRAMES_MAX)
        frames_count = CALLSITE_FRAMES_MAX;
    uint64_t hash = hash_of(kind, frames, frames_count);
    uint32_t own = 0;
    for (uint32_t probe = 0; probe < PROBES_MAX; probe++) {
        _Atomic uint32_t *slot = &sites->slots[(hash + probe) & (CALLSITES_HASH_SLOTS - 1)];
        uint32_t number = atomic_load_explicit(slot, memory_order_acquire);
        if (number == 0) {
            own = own == 0 ? fill_row(sites, hash, kind, frames, frames_count) : own;
            if (own == CALLSITE_LOST ||
                atomic_compare_exchange_strong_explicit(slot, &number, own, memory_order_acq_rel, memory_order_acquire))
                return (uint16_t)own;
        }
        if (is_row(&sites->rows[number], hash, kind, frames, frames_count))
            return (uint16_t)number;
    }
    return CALLSITE_LOST;
}

void callsites_count(struct callsites *sites, uint16_t site, uint64_t bytes, int error, uint64_t ticks)
{
    uint64_t never = 0;
    if (site == CALLSITE_NONE)
        return;
    struct callsite *row = &sites->rows[site];
    atomic_compare_exchange_strong_explicit(&row->first_ticks, &never, ticks, memory_order_relaxed,
                                            memory_order_relaxed);
    atomic_store_explicit(&row->last_ticks, ticks, memory_order_relaxed);
    if (error == 0)
        atomic_fetch_add_explicit(&row->bytes, bytes, memory_order_relaxed);
    else
        atomic_fetch_add_explicit(&row->errors, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&row->calls, 1, memory_order_release);
}

void callsites_count_unmapped(struct callsites *sites, uint16_t site, uint64_t bytes)
{
    if (site != CALLSITE_NONE && sites->rows != NULL)
        atomic_fetch_add_explicit(&sites->rows[site].unmapped_bytes, bytes, memory_order_relaxed);
}

void callsites_count_kept(struct callsites *sites, uint16_t site, uint64_t bytes)
{
    if (site != CALLSITE_NONE && sites->rows != NULL)
        atomic_fetch_sub_explicit(&sites->rows[site].unmapped_bytes, bytes, memory_order_relaxed);
}

uint32_t callsites_count_rows(const struct callsites *sites)
{
    if (sites->rows == NULL)
        return 0;
    uint32_t taken = atomic_load_explicit(&sites->taken, memory_order_acquire);
    return (taken < CALLSITES_MAX ? taken : CALLSITES_MAX) - 1;
}
