/* SPDX-License-Identifier: Apache-2.0
 *
 * The stacks that count as thread.stacks, a row each: whose, how much of it is resident, and how much of that lies
 * below the stack pointer, where only calls that have returned have been.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_THREAD_STACKS_H
#define GPW_DUMP_THREAD_STACKS_H

#include <stdint.h>

#include "dump/known_ranges.h"
#include "dump/resident_set.h"
#include "memory/bump.h"

enum { THREAD_NAME_BYTES = 32, THREADS_ASKED_MAX = 1024 };

struct thread_stack {
    uint32_t tid; /* 0: the thread has ended, libc keeps its stack for the next one */
    uintptr_t start, end;
    uint64_t resident_bytes;
    char name[THREAD_NAME_BYTES]; /* "": not known */
    uintptr_t stack_pointer;      /* 0: not known, or elsewhere (on a goroutine's stack) */
    uint64_t below_bytes;         /* resident, on pages wholly below the stack pointer */
};

struct thread_stacks {
    struct thread_stack *rows; /* by address */
    uint64_t count;
    uint64_t dropped; /* did not fit */
};

/* `tasks_path`: the directory of the threads, in /proc; NULL: nobody can be asked for names and stack pointers. The
 * first THREADS_ASKED_MAX are asked. */
void thread_stacks_find(struct thread_stacks *stacks, const struct known_ranges *known,
                        const struct resident_set *resident, const char *tasks_path, uint64_t os_page_bytes,
                        struct bump *bump);

#endif
