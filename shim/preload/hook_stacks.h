/* SPDX-License-Identifier: Apache-2.0
 *
 * The stacks that the stub borrows to run C on. Shared with assembly.
 *
 * A stack is claimed by swapping a 1 into its byte and given back by storing a 0. The lowest free one is taken, so few
 * are ever touched. 64 KiB each, because a signal handler without SA_ONSTACK may come on top.
 */
#ifndef GPW_PRELOAD_HOOK_STACKS_H
#define GPW_PRELOAD_HOOK_STACKS_H

#define HOOK_STACKS_COUNT 16
#define HOOK_STACK_SHIFT 16

#define HOOK_STACKS_BASE_OFFSET 0
#define HOOK_STACKS_UNRECORDED_OFFSET 8
#define HOOK_STACKS_TAKEN_OFFSET 16

#ifndef __ASSEMBLER__

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct hook_stacks {
    uintptr_t base;
    _Atomic uint64_t unrecorded; /* calls that found no free stack */
    _Atomic uint8_t taken[HOOK_STACKS_COUNT];
};

_Static_assert(offsetof(struct hook_stacks, base) == HOOK_STACKS_BASE_OFFSET, "as the stub has it");
_Static_assert(offsetof(struct hook_stacks, unrecorded) == HOOK_STACKS_UNRECORDED_OFFSET, "as the stub has it");
_Static_assert(offsetof(struct hook_stacks, taken) == HOOK_STACKS_TAKEN_OFFSET, "as the stub has it");

enum { HOOK_STACKS_BYTES = HOOK_STACKS_COUNT << HOOK_STACK_SHIFT };

extern struct hook_stacks gpw_hook_stacks;

#endif
#endif
