/* SPDX-License-Identifier: Apache-2.0
 *
 * What is resident, of all mappings, at one moment as far as there is one.
 *
 * A program that allocates hard changes its resident set by a tenth while it is scanned. So the scan alone is done in
 * one go, before anything is asked about a page, between two readings of the kernel's total; when the two differ it is
 * done again, a few times, and the calmest attempt counts.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_RESIDENT_SET_H
#define GPW_DUMP_RESIDENT_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/bump.h"
#include "memory/proc_status.h"
#include "memory/residency.h"
#include "memory/vma.h"

/* A run in 16 bytes: the two low bits of `end` hold the kind and whether it is huge. */
struct resident_run {
    uintptr_t start;
    uintptr_t end_and_kind;
};

struct resident_set {
    struct vma_list vmas;
    struct resident_run *runs; /* by address; none crosses a mapping's end */
    struct bump_room room;     /* that they are in */
    uint64_t count;
    uint64_t dropped;          /* did not fit */
    uint64_t unscanned;        /* mappings that could not be scanned */
    struct proc_status status; /* resident_bytes: without the dump's scratch, in the middle of the scan */
    uint64_t drift_bytes;      /* by how much that changed during the scan */
    uint64_t scratch_bytes;    /* resident memory of the dump itself */
    uint32_t attempts;
    uint64_t scan_ns; /* of the attempt that counts */
};

/* Where it is read from. */
struct resident_source {
    const char *maps_path, *status_path;
    const struct vma_list *vmas;      /* instead of maps_path, unless NULL */
    const struct proc_status *status; /* instead of status_path, unless NULL */
    struct residency *residency;
    struct bump *bump;
    bool is_own_process; /* what is resident of `bump` is the dump's scratch */
};

/* 0, or -errno and then `failed_path` names what could not be read. */
int resident_set_read(struct resident_set *set, const struct resident_source *source, const char **failed_path);

/* The index of the first run that ends behind `address`; `count`: there is none. */
uint64_t resident_set_from(const struct resident_set *set, uintptr_t address);

static inline struct residency_run resident_run_decode(const struct resident_run *run)
{
    return (struct residency_run){
        .start = run->start,
        .end = run->end_and_kind & ~(uintptr_t)3,
        .kind = (run->end_and_kind & 1) != 0 ? RESIDENCY_SWAPPED : RESIDENCY_RESIDENT,
        .is_huge = (run->end_and_kind & 2) != 0,
    };
}

#endif
