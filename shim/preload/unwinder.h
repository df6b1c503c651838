/* SPDX-License-Identifier: Apache-2.0
 *
 * libunwind, where there is one: looked for at the start, by its own names (libunwind-x86_64.h maps unw_step to
 * _ULx86_64_step and so on: UNW_LOCAL_ONLY), for libgopagewatch.so needs libc only.
 *
 * Unlike everything else on a hook's way libunwind takes locks: its own, which its cache has, and with that held the
 * loader's, whenever a return address is not in the cache (dl_iterate_phdr). So
 *
 *   - one thread at a time walks: it has the turn, others do without and do not wait. So nobody waits for libunwind's
 *     locks, and a thread that maps memory while it holds the loader's lock does not wait for one that wants that;
 *   - a program that uses libunwind itself is left alone: its calls hold the same locks. It is looked for at the start
 *     and, where it is loaded later, noticed by its calls of mmap, which come from libunwind's code with nobody's turn;
 *   - where malloc maps memory it is not called (malloc_asker.h).
 *
 * What is left: a thread that maps memory from C holds a lock of the program's own, another one wants that in a
 * callback of dl_iterate_phdr. GOPAGEWATCH_STACKS=go leaves libunwind alone altogether.
 *
 * `walker` is 0, or the id of the thread that has the turn, which alone sets it back. A forked child has none of its
 * parent's ids: a turn that was taken stays taken there, as do libunwind's locks that its thread held.
 */
#ifndef GPW_PRELOAD_UNWINDER_H
#define GPW_PRELOAD_UNWINDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* nongnu's; LLVM's, libunwind.so.1, has none of its functions. */
#define UNWINDER_LIBRARY "libunwind.so.8"

/* libunwind-x86_64.h: unw_context_t is a ucontext_t, unw_cursor_t has 127 words; with some to spare. */
enum { UNWINDER_CONTEXT_WORDS = 256, UNWINDER_CURSOR_WORDS = 256 };

struct unwinder_room {
    _Alignas(16) uint64_t context[UNWINDER_CONTEXT_WORDS];
    _Alignas(16) uint64_t cursor[UNWINDER_CURSOR_WORDS];
};

struct unwinder {
    int (*get_context)(void *context);
    int (*init_local)(void *cursor, void *context);
    int (*step)(void *cursor);
    int (*get_register)(void *cursor, int number, uint64_t *value);
    uintptr_t start, end; /* libunwind's image; 0: none */
    _Atomic bool is_ready;
    _Atomic uint32_t walker;
    _Atomic uint64_t skipped; /* walks that were left out since another thread had the turn */
};

/* NULL, or in a sentence why there is none. dlopen takes the loader's lock, which a thread may hold that waits for the
 * Go runtime to start: never where the program would wait for it. Allowed context: dumper. */
const char *unwinder_open(struct unwinder *unwinder);

/* The turn to walk; not with signals open whose handlers could leave by siglongjmp. A thread that has it already has
 * left a walk by a fault's handler, and goes on with it. False: another thread has it, which is counted. Allowed
 * context: hook. */
bool unwinder_take_turn(struct unwinder *unwinder);
void unwinder_end_turn(struct unwinder *unwinder);

/* Whether a call comes from libunwind's code. Allowed context: hook. */
static inline bool unwinder_has_called(const struct unwinder *unwinder, uintptr_t caller)
{
    return caller >= unwinder->start && caller < unwinder->end;
}

/* Whether the turn is the calling thread's. Allowed context: hook. */
bool unwinder_has_turn(const struct unwinder *unwinder);

/* One frame after the other, from the caller of the function that calls this. `visit` gets a return address and the
 * frame pointer that its function has; false ends the walk. Keeps errno. Allowed context: hook, with the turn. */
typedef bool (*unwinder_visit)(void *context, uintptr_t pc, uintptr_t frame);
void unwinder_walk(const struct unwinder *unwinder, struct unwinder_room *room, unwinder_visit visit, void *context);

#endif
