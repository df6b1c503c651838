/* SPDX-License-Identifier: Apache-2.0
 *
 * Who did it: one row for each kind of memory call and the stack that it came from, with what was called there.
 *
 * Rows are made on first use and never taken away, so that their number stays valid: the shadow table keeps it for each
 * page (0: none). A table of hashes leads to them. A row is filled before its number is published by a
 * compare-and-swap; whoever comes second with the same stack at the same moment uses the first one's row, and his own
 * is lost, which is rare and bounded. When all rows are taken, what is new goes into the row of those that are lost.
 *
 * Allowed context: hook (intern, count), dumper (reading).
 */
#ifndef GPW_PRELOAD_CALLSITES_H
#define GPW_PRELOAD_CALLSITES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "preload/region.h"

enum {
    CALLSITES_MAX = 4096,
    CALLSITES_HASH_SLOTS = 4 * CALLSITES_MAX,
    CALLSITE_FRAMES_MAX = 64,
    CALLSITE_NONE = 0,
    CALLSITE_LOST = 1, /* the row of those that found no room */
};

/* What a call was, apart from its stack: calls of another kind from the same stack have another row. */
struct call_kind {
    uint8_t operation; /* enum event_operation */
    uint8_t by;        /* enum shadow_origin */
    uint8_t detail;    /* mmap: protection; madvise: enum advice */
};

struct callsite {
    uint64_t hash;
    struct call_kind kind;
    uint32_t frames_count;
    uintptr_t frames[CALLSITE_FRAMES_MAX]; /* return addresses, innermost first */
    _Atomic uint64_t calls, errors;
    _Atomic uint64_t bytes;          /* mapped or advised, by the calls that succeeded */
    _Atomic uint64_t unmapped_bytes; /* of what was mapped here */
    _Atomic uint64_t first_ticks, last_ticks;
};

struct callsites {
    struct callsite *rows;   /* NULL: no memory for them, nothing is interned */
    _Atomic uint32_t *slots; /* by hash: a row's number, 0: free */
    _Atomic uint32_t taken;  /* rows, those that were lost in a race too */
};

bool callsites_open(struct callsites *sites, struct region *region);

/* The row of that kind and stack, made if there is none. CALLSITE_NONE: there are no rows. */
uint16_t callsites_intern(struct callsites *sites, const struct call_kind *kind, const uintptr_t *frames,
                          uint32_t frames_count);

/* A call that succeeded (`error` 0) or failed. */
void callsites_count(struct callsites *sites, uint16_t site, uint64_t bytes, int error, uint64_t ticks);
void callsites_count_unmapped(struct callsites *sites, uint16_t site, uint64_t bytes);
/* They are mapped after all: the call has failed for which they were counted as unmapped. */
void callsites_count_kept(struct callsites *sites, uint16_t site, uint64_t bytes);

/* How many rows may be read: numbers 1 up to and with it. Rows without calls are none. */
uint32_t callsites_count_rows(const struct callsites *sites);

#endif
