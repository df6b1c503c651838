/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's own memory: one reservation without access, handed out front to back, never given back.
 *
 * One range, so that the join can tell it from the program's memory; without access, so that it costs neither memory
 * nor commit charge until a piece is taken.
 *
 * Allowed context: hook (lock-free; one mprotect a piece).
 */
#ifndef GPW_PRELOAD_REGION_H
#define GPW_PRELOAD_REGION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct region {
    uintptr_t start;
    uint64_t bytes;
    _Atomic uint64_t taken_bytes;
};

/* Reserves `bytes`, or down to a sixteenth of it where address space is limited. False: not even that. */
bool region_open(struct region *region, uint64_t bytes);

/* Zeroed, readable and writable memory in whole OS pages; NULL when the reservation is used up. */
void *region_take(struct region *region, uint64_t bytes);

/* `count` stacks of `bytes` bytes, each above a guard without access: what overflows ends there and not in the piece
 * below. The lowest address of the first; the next begins REGION_GUARD_BYTES behind the end of the one before. NULL as
 * above. */
enum { REGION_GUARD_BYTES = 64 * 1024 /* the largest page size there is */ };
void *region_take_stacks(struct region *region, uint64_t bytes, uint32_t count);

#endif
