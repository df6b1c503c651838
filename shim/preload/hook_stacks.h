/* SPDX-License-Identifier: Apache-2.0
 *
 * The stacks that the stub borrows to run C on. Shared with assembly.
 *
 * A stack is claimed by swapping a 1 into its byte and given back by storing a 0. The lowest free one is taken, so few
 * are ever touched. 64 KiB each, because a signal handler without SA_ONSTACK may come on top, and a guard below.
 */
#ifndef GPW_PRELOAD_HOOK_STACKS_H
#define GPW_PRELOAD_HOOK_STACKS_H

#define HOOK_STACKS_COUNT 16
#define HOOK_STACK_SHIFT 17 /* a stack and its guard */

#define HOOK_STACKS_BASE_OFFSET 0
#define HOOK_STACKS_UNRECORDED_OFFSET 8
#define HOOK_STACKS_TAKEN_OFFSET 16

#ifndef __ASSEMBLER__

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/region.h"

struct hook_stacks {
    uintptr_t base;
    _Atomic uint64_t unrecorded; /* calls that found no free stack */
    _Atomic uint8_t taken[HOOK_STACKS_COUNT];
};

_Static_assert(offsetof(struct hook_stacks, base) == HOOK_STACKS_BASE_OFFSET, "as the stub has it");
_Static_assert(offsetof(struct hook_stacks, unrecorded) == HOOK_STACKS_UNRECORDED_OFFSET, "as the stub has it");
_Static_assert(offsetof(struct hook_stacks, taken) == HOOK_STACKS_TAKEN_OFFSET, "as the stub has it");

enum { HOOK_STACK_BYTES = (1 << HOOK_STACK_SHIFT) - REGION_GUARD_BYTES };

extern struct hook_stacks gpw_hook_stacks;

/* `base` stays 0 where there is no memory. Allowed context: constructor, discovery. */
static inline void hook_stacks_open(struct hook_stacks *stacks, struct region *region)
{
    uintptr_t first = (uintptr_t)region_take_stacks(region, HOOK_STACK_BYTES, HOOK_STACKS_COUNT);
    stacks->base = first == 0 ? 0 : first - REGION_GUARD_BYTES;
}

#endif
#endif
