/* SPDX-License-Identifier: Apache-2.0
 *
 * The shadow table: what was asked of the kernel for each 8 KiB page.
 *
 * Two levels. A slot covers 64 MiB (one arena) and is empty, or holds one entry for all of its pages ("uniform"), or
 * points to a leaf of 8,192 entries. Leaves are made on first use and published with a compare-and-swap; they are never
 * taken away, so a reader needs no lock. An entry is 8 bytes and is written whole: a reader sees the old or the new
 * one. Two threads that change the same page at once leave the entry of one of them; Go never does that, it owns the
 * pages it advises.
 *
 * Entry:  0..2 origin of the lower 4 KiB | 3..5 origin of the upper | 6..8 state | 9..12 last advice
 *         16..31 of a page of an arena: how often released (saturating); of any other: the call site that mapped it
 *         32..63 when last, in units of 2^24 clock ticks since the start
 *
 * Allowed context: hook.
 */
#ifndef GPW_PRELOAD_SHADOW_H
#define GPW_PRELOAD_SHADOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gopagewatch/advice.h"
#include "memory/units.h"
#include "preload/region.h"

enum shadow_origin {
    ORIGIN_UNKNOWN, /* mapped by a call that nobody saw */
    ORIGIN_GO,      /* by the Go runtime */
    ORIGIN_C,       /* by C code, through libc */
    ORIGIN_LOADER,  /* there before the program's own code ran */
    ORIGIN_SHIM,    /* by what the shim uses: the unwinder */
};

enum shadow_state {
    STATE_PLAIN,    /* not a page of a Go arena */
    STATE_RESERVED, /* arena address space without access */
    STATE_MAPPED,   /* put to use */
    STATE_RELEASED, /* MADV_DONTNEED, or mapped away */
    STATE_LAZY,     /* MADV_FREE: the kernel takes it when it wants */
};

struct shadow {
    struct region *region;
    _Atomic uint64_t *slots;
    uint64_t slots_count;
    uint64_t start_ticks;
    _Atomic uint64_t ranges_untracked; /* no memory for a leaf, or an address beyond the table */
};

struct shadow_entry {
    enum shadow_origin origin[2]; /* lower, upper 4 KiB */
    enum shadow_state state;
    enum advice advice;
    uint32_t released_count; /* of a page of an arena; 65535: that often or more */
    uint16_t site;           /* of any other page (callsites.h); 0: not known */
    uint64_t last_ticks;     /* since the start, rounded down to 2^24; 0: never advised */
};

/* False when there is no memory for the table. `start_ticks`: the clock now. */
bool shadow_open(struct shadow *shadow, struct region *region, uint64_t start_ticks);

/* [start, start + bytes) was mapped, by call site `site`. In an arena accessible memory becomes MAPPED and inaccessible
 * RELEASED (GODEBUG=harddecommit=1 works that way) and both keep their history; elsewhere the entries start anew. */
void shadow_mark_mapped(struct shadow *shadow, uintptr_t start, uint64_t bytes, enum shadow_origin origin,
                        bool is_accessible, uint16_t site);
/* A new arena: Go reserved address space for its heap. */
void shadow_mark_arena(struct shadow *shadow, uintptr_t start, uint64_t bytes);
void shadow_mark_unmapped(struct shadow *shadow, uintptr_t start, uint64_t bytes);
/* madvise succeeded. Memory that the table does not know stays unknown. */
void shadow_mark_advised(struct shadow *shadow, uintptr_t start, uint64_t bytes, enum advice advice,
                         uint64_t now_ticks);

/* What the table knows of the page that holds `address`. */
struct shadow_entry shadow_look_up(const struct shadow *shadow, uintptr_t address);

/* The end of the run that begins at `start` (a multiple of 4 KiB) and in which origin, state and call site do not
 * change; at most `end`. `entry->origin[0]` is the run's origin, `entry->site` its site. */
uintptr_t shadow_run(const struct shadow *shadow, uintptr_t start, uintptr_t end, struct shadow_entry *entry);

#endif
