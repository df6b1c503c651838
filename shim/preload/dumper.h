/* SPDX-License-Identifier: Apache-2.0
 *
 * The dumper: the one thread on which everything slow runs.
 *
 * Whoever wants a dump adds one to `asked` and wakes it. The dumper takes all that was asked so far as one request, so
 * a burst gives few dumps, never two at a time, and always one that begins after the last request.
 */
#ifndef GPW_PRELOAD_DUMPER_H
#define GPW_PRELOAD_DUMPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { DUMPER_STACK_BYTES = 512 << 10 };

struct dumper {
    _Atomic uint32_t asked;
    uint32_t handled;
    uintptr_t stack_start;
    /* for the next dump's books */
    uint64_t coalesced;
    uint64_t dumps;
    uint64_t failed;
};

/* Starts the thread with all signals blocked. 0, or -errno. Allowed context: constructor, discovery. */
int dumper_start(struct dumper *dumper);

/* Allowed context: signal, hook. */
void dumper_ask(struct dumper *dumper);

#endif
