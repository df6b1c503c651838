/* SPDX-License-Identifier: Apache-2.0
 *
 * libunwind, where there is one: looked for at the start, by its own names (libunwind-x86_64.h maps unw_step to
 * _ULx86_64_step and so on: UNW_LOCAL_ONLY), for libgopagewatch.so needs libc only.
 *
 * Unlike everything else on a hook's way libunwind takes locks: its own, with all signals blocked, and once for each
 * module that it has not seen yet the loader's (dl_iterate_phdr). It is called for memory that C code maps itself and
 * for nothing else; GOPAGEWATCH_STACKS=go leaves it alone altogether.
 */
#ifndef GPW_PRELOAD_UNWINDER_H
#define GPW_PRELOAD_UNWINDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The names under which it is looked for. */
#define UNWINDER_LIBRARIES                 \
    {                                      \
        "libunwind.so.8", "libunwind.so.1" \
    }

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
    _Atomic bool is_ready;
};

/* dlopen takes the loader's lock, which a thread may hold that waits for the Go runtime to start: never where the
 * program would wait for it. Allowed context: dumper. */
void unwinder_open(struct unwinder *unwinder);

/* One frame after the other, from the caller of the function that calls this. `visit` gets a return address and the
 * frame pointer that its function has; false ends the walk. Keeps errno. Allowed context: hook, see above. */
typedef bool (*unwinder_visit)(void *context, uintptr_t pc, uintptr_t frame);
void unwinder_walk(const struct unwinder *unwinder, struct unwinder_room *room, unwinder_visit visit, void *context);

#endif
