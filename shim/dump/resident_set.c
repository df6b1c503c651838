/* SPDX-License-Identifier: Apache-2.0
 *
 * Scanning everything between two readings of the total.
 */
#include "dump/resident_set.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "memory/raw.h"
#include "memory/units.h"

enum {
    RUNS_MAX = 2 << 20, /* every other 4 KiB page of 16 GiB; address space, not memory */
    ATTEMPTS_MAX = 5,
    DRIFT_PART = 200, /* a change of half a per cent is calm enough */
    DRIFT_SMALL_BYTES = 256 << 10,
};

static void add_run(void *context, const struct residency_run *run)
{
    struct resident_set *set = context;
    if (!bump_room_open(&set->room, (set->count + 1) * sizeof set->runs[0])) {
        set->dropped++;
        return;
    }
    uintptr_t kind = (run->kind == RESIDENCY_SWAPPED ? 1u : 0u) | (run->is_huge ? 2u : 0u);
    set->runs[set->count++] = (struct resident_run){run->start, run->end | kind};
}

static void add_bytes(void *context, const struct residency_run *run)
{
    uint64_t *bytes = context;
    if (run->kind == RESIDENCY_RESIDENT)
        *bytes += run->end - run->start;
}

/* The kernel's total without what the dump itself has touched, both at the same moment. */
static int read_total(const struct resident_source *source, struct proc_status *status, uint64_t *scratch_bytes)
{
    int error = 0;
    if (source->status != NULL)
        *status = *source->status;
    else
        error = proc_status_read(status, source->status_path);
    *scratch_bytes = 0;
    uintptr_t start = (uintptr_t)source->bump->start;
    if (source->is_own_process)
        residency_scan(source->residency, start, start + source->bump->reserved_bytes, add_bytes, scratch_bytes);
    status->resident_bytes -= min_u64(*scratch_bytes, status->resident_bytes);
    return error;
}

/* [vvar] maps kernel data without struct pages: present, but in nobody's RSS. */
static bool is_scanned(const struct vma *vma)
{
    return strncmp(vma->name, "[vvar", 5) != 0 && strncmp(vma->name, "[vsyscall", 9) != 0;
}

static int scan_once(struct resident_set *set, const struct resident_source *source, const char **failed_path)
{
    struct proc_status before;
    uint64_t scratch_bytes;
    set->count = set->dropped = set->unscanned = 0;
    *failed_path = source->status_path;
    int error = read_total(source, &before, &scratch_bytes);
    if (error != 0)
        return error;
    *failed_path = source->maps_path;
    if (source->vmas != NULL)
        set->vmas = *source->vmas;
    else if ((error = vma_list_read(&set->vmas, source->maps_path, source->bump)) != 0)
        return error;
    uint64_t begin_ns = raw_clock_ns(CLOCK_MONOTONIC);
    for (uint64_t i = 0; i < set->vmas.count; i++) {
        const struct vma *vma = &set->vmas.vmas[i];
        if (is_scanned(vma) && residency_scan(source->residency, vma->start, vma->end, add_run, set) != 0)
            set->unscanned++;
    }
    set->scan_ns = raw_clock_ns(CLOCK_MONOTONIC) - begin_ns;
    if (set->dropped != 0 && set->count < RUNS_MAX)
        return -ENOMEM;
    *failed_path = source->status_path;
    error = read_total(source, &set->status, &set->scratch_bytes);
    uint64_t low = min_u64(before.resident_bytes, set->status.resident_bytes);
    uint64_t high = max_u64(before.resident_bytes, set->status.resident_bytes);
    set->drift_bytes = high - low;
    set->status.resident_bytes = low + align_down((high - low) / 2, source->residency->os_page_bytes);
    return error;
}

static bool is_calm(const struct resident_set *set)
{
    return set->drift_bytes <= max_u64(set->status.resident_bytes / DRIFT_PART, DRIFT_SMALL_BYTES);
}

static bool open_room(struct resident_set *set, struct bump *bump)
{
    *set = (struct resident_set){0};
    uint64_t left_bytes = bump->reserved_bytes - bump->used_bytes;
    if (!bump_take_room(bump, &set->room, min_u64(RUNS_MAX * sizeof set->runs[0], left_bytes / 4)))
        return false;
    set->runs = (struct resident_run *)set->room.start;
    return true;
}

int resident_set_read(struct resident_set *set, const struct resident_source *source, const char **failed_path)
{
    struct resident_set other;
    if (!open_room(set, source->bump))
        return -ENOMEM;
    int error = scan_once(set, source, failed_path);
    set->attempts = 1;
    if (error != 0 || is_calm(set))
        return error;
    if (!open_room(&other, source->bump))
        return 0;
    for (uint32_t attempt = 2; attempt <= ATTEMPTS_MAX && !is_calm(set); attempt++) {
        if (scan_once(&other, source, failed_path) == 0 && other.drift_bytes < set->drift_bytes) {
            struct resident_set calmer = other;
            other = *set;
            *set = calmer;
        }
        set->attempts = attempt;
    }
    return 0;
}

uint64_t resident_set_from(const struct resident_set *set, uintptr_t address)
{
    uint64_t low = 0, high = set->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (resident_run_decode(&set->runs[middle]).end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
