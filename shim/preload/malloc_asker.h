/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking another malloc for its statistics, without waiting for its locks.
 *
 * A thread of its own makes the calls: they take locks of the program, allocate, and need libc's thread-local storage.
 * The dumper asks and waits a moment. A lock that is held makes the answer late, not the dump: the thread stays where
 * it is, and is asked again only when it has come back. In a program with glibc's malloc there is no such thread.
 *
 *   asked == answered   the thread sleeps, `answer` is the dumper's
 *   asked != answered   the thread is at it, `answer` is the thread's
 *
 * Each is written by one side, with release, and read by the other with acquire.
 */
#ifndef GPW_PRELOAD_MALLOC_ASKER_H
#define GPW_PRELOAD_MALLOC_ASKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dump/other_malloc.h"
#include "preload/malloc_functions.h"

struct malloc_asker {
    struct malloc_functions functions; /* functions.name NULL: there is nobody to ask */
    const char *why_mute;              /* NULL: the thread is there; else why not */
    bool has_brk;
    bool is_in_program;
    uintptr_t start, end; /* the allocator's module; 0: not known */
    /* For the hooks: the module that the program's malloc is in, unless that is libc, or one that has an allocator of
     * its own beside it; 0: there is none. Calls from there may be made with the allocator's locks held: libunwind,
     * which takes the loader's lock, is not asked there. */
    _Atomic uintptr_t hook_start, hook_end;
    bool is_hook_in_program; /* so other code of C maps memory there too; valid with hook_start */
    bool is_unplaced;        /* where the program's malloc is could not be told */
    _Atomic uint32_t asked, answered;
    struct malloc_answer answer;
};

/* Looks for an allocator, and starts the thread if there is one that tells statistics. Once. Allowed context: dumper.
 */
void malloc_asker_open(struct malloc_asker *asker);

/* What is known of the allocator now; `other` stays empty where there is none. Allowed context: dumper. */
void malloc_asker_ask(struct malloc_asker *asker, struct other_malloc *other);

/* Whether this call of libc comes from the allocator, or from other code of the program that it is linked into. Allowed
 * context: hook. */
static inline bool malloc_asker_is_allocator(const struct malloc_asker *asker, uintptr_t caller)
{
    return caller >= atomic_load_explicit(&asker->hook_start, memory_order_acquire) &&
           caller < atomic_load_explicit(&asker->hook_end, memory_order_relaxed);
}

#endif
