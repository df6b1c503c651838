/* SPDX-License-Identifier: Apache-2.0
 *
 * The stack that a memory call comes from.
 *
 * Go's frames are found by their frame pointers: on amd64 that chain goes on from the system stack to the goroutine's
 * in all versions. Nothing on it is believed: return addresses must be of Go's functions, frame pointers must be
 * aligned and rise within a stack, and where it is not sure that there is memory a record is read by process_vm_readv,
 * which fails where a load would be a fault.
 *
 * C's frames come from libunwind where the program's machine has it (unwinder.h), up to the first Go frame.
 *
 * A capture works in one of a few slots, claimed by an atomic exchange: it needs hardly any stack, and a signal
 * handler's call in the middle of it gets another slot. Where none is free the call is counted without a stack. For a
 * call of C the signals wait meanwhile: a handler that leaves by siglongjmp would leave the slot taken. (It cannot
 * leave the Go runtime's own calls that way.)
 *
 * Allowed context: hook.
 */
#ifndef GPW_PRELOAD_STACKS_H
#define GPW_PRELOAD_STACKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "preload/callsites.h"
#include "preload/region.h"
#include "preload/unwinder.h"

enum { STACK_SLOTS = 16, STACK_PAGE_BYTES = 4096 };

struct stack_slot {
    _Atomic uint32_t is_taken;
    uint32_t count;
    uintptr_t frames[CALLSITE_FRAMES_MAX]; /* return addresses, innermost first */
    uintptr_t own_page;                    /* where the calling thread's stack pointer is */
    uintptr_t page;                        /* whose copy is in `bytes`; 0: none */
    uintptr_t bytes[STACK_PAGE_BYTES / sizeof(uintptr_t)];
    struct unwinder_room room;
};

struct stacks {
    _Atomic(struct stack_slot *) slots; /* NULL: off, not open yet, or no memory */
    uint32_t pid;                       /* of this process, for process_vm_readv */
    bool wants_c;
    struct unwinder unwinder;
    _Atomic(const char *) why_no_c; /* C's frames are wanted and missing: why, a sentence; else NULL */
    _Atomic int is_forbidden;       /* process_vm_readv is, by seccomp */
    _Atomic uint64_t missed;        /* captures that found no slot */
};

/* `wants_c`: stacks_prepare looks for an unwinder. False: no memory. Allowed context: discovery. */
bool stacks_open(struct stacks *stacks, struct region *region, bool wants_c);

/* Loads libunwind and has it make its tables, so that no call of the program has to wait for that; C's frames are known
 * from then on. Allowed context: dumper. */
void stacks_prepare(struct stacks *stacks);

/* A slot with no frame in it yet, or NULL. `stack_pointer` is the calling thread's. For stacks_release. */
struct stack_slot *stacks_claim(struct stacks *stacks, uintptr_t stack_pointer);
void stacks_release(struct stack_slot *slot);

/* Adds the Go frames of the chain that begins at frame pointer `frame`. */
void stacks_add_go(struct stacks *stacks, struct stack_slot *slot, uintptr_t frame);

/* Adds what called a function of libc that we stand for: `pc` is its return address, C's frames above it follow if
 * `walks`, Go's above these. `frame` is the hook's own: where C is not walked Go's chain is looked for from there. With
 * the signals blocked. */
void stacks_add_c(struct stacks *stacks, struct stack_slot *slot, uintptr_t pc, uintptr_t frame, bool walks);

/* All signals of the calling thread but those that a fault raises, and one that libc waits for every thread to take.
 * Returns what was blocked before, for stacks_restore_signals. */
uint64_t stacks_block_signals(void);
void stacks_restore_signals(uint64_t before);

/* Whether this call of libc is one that libunwind makes for a capture of the calling thread. Where it makes it for the
 * program, which shares it then, C's stacks end. */
bool stacks_is_unwinder(struct stacks *stacks, uintptr_t caller);

#endif
