/* SPDX-License-Identifier: Apache-2.0
 *
 * The last 16,384 memory calls of the program.
 *
 * A ring with many writers. A writer takes a number, then claims that number's slot by swapping the slot's sequence
 * word from "complete" to "being written"; when another writer, a whole lap behind, still holds the slot, the event is
 * dropped and counted. So a slot has one writer at a time, nobody waits, and a reader that finds the same complete
 * sequence before and after has read one event and no mix.
 *
 * The thread is known by the stack pointer of the call: asking the kernel for its id would double the cost of a
 * madvise, and libc's thread-local storage is not ours to touch. The dump looks the stack up.
 *
 * Allowed context: hook (event_write), dumper (event_read, events_wake).
 */
#ifndef GPW_PRELOAD_EVENTS_H
#define GPW_PRELOAD_EVENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "preload/region.h"

enum { EVENTS_CAPACITY = 16384, EVENTS_WAKE = EVENTS_CAPACITY / 4 };

enum event_operation { EVENT_MMAP, EVENT_MUNMAP, EVENT_MREMAP, EVENT_MADVISE };

struct event {
    uint64_t ticks;
    uintptr_t stack_pointer;
    uintptr_t start; /* of the range the call worked on; for mmap and mremap the result */
    uint64_t bytes;
    int32_t error; /* 0, or errno */
    uint8_t operation;
    uint8_t by;     /* enum shadow_origin: ORIGIN_GO or ORIGIN_C */
    uint8_t detail; /* mmap: protection; madvise: enum advice */
    uint16_t site;  /* who (callsites.h), or 0 */
};

struct event_slot {
    _Atomic uint64_t sequence; /* 0 never written, odd being written, else 2 * (number + 1) */
    struct event event;
};

struct events {
    struct event_slot *slots; /* NULL: no memory for the ring, every event is lost */
    _Atomic uint64_t next;    /* number of the next event */
    _Atomic uint64_t lost;
    /* Woken (futex) at every EVENTS_WAKE-th event, for whoever takes them all; NULL: nobody does. No word is changed:
     * who looks away just then is woken by the next but a few, or has looked by itself. */
    _Atomic(_Atomic uint32_t *) taker;
};

bool events_open(struct events *events, struct region *region);
void event_write(struct events *events, const struct event *event);
/* Has the word woken, from now on, by whoever writes. */
void events_wake(struct events *events, _Atomic uint32_t *taker);
/* Reads event `number`; false when it is overwritten, incomplete or was lost. */
bool event_read(const struct events *events, uint64_t number, struct event *event);

#endif
