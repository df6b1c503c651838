/* SPDX-License-Identifier: Apache-2.0
 *
 * The dumper: the one thread on which everything slow runs.
 *
 * Whoever wants a dump says why, adds one to `asked` and wakes it. The dumper takes all that was asked so far as one
 * request, so a burst gives few dumps, never two at a time, and always one that begins after the last request. Only a
 * caller of gpw_dump shares its dump with nobody. By itself the dumper makes dumps by the clock and when the resident
 * memory passes a mark; that is re-armed a tenth below the mark. Whenever it is awake it takes the events that are
 * streamed to a file.
 */
#ifndef GPW_PRELOAD_DUMPER_H
#define GPW_PRELOAD_DUMPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "preload/options.h"

enum { DUMPER_STACK_BYTES = 512 << 10 };

/* Why a dump is made. X(identifier, word in the dump); of several at once the last of this list is named. */
#define GPW_DUMP_REASONS(X) \
    X(EVERY, "every")       \
    X(SIGNAL, "signal")     \
    X(REQUEST, "request")   \
    X(PROGRAM, "program")   \
    X(RSS, "rss")           \
    X(EXIT, "exit")

#define X(id, word) REASON_##id,
enum dump_reason { GPW_DUMP_REASONS(X) REASON_COUNT, REASON_NO_DUMP = REASON_COUNT };
#undef X
/* REASON_NO_DUMP: the process ends, and what is streamed shall be whole (event_stream.h). */

struct dumper {
    _Atomic uint32_t *asked; /* in the control page, or `own_asked` where there is none */
    _Atomic uint32_t own_asked;
    _Atomic uint32_t reasons;  /* a bit for each that was asked for since the last dump began */
    _Atomic uint32_t finished; /* `asked` of the dump that ended last */
    _Atomic bool is_started;   /* the rest does not change from then on but by the thread */
    uint32_t handled;
    uint32_t pid; /* that the thread is of */
    uintptr_t stack_start;
    uint64_t every_ns, rss_bytes; /* 0: not by that */
    uint64_t next_every_ns;
    bool is_above_mark;
    /* for the next dump's books */
    uint64_t coalesced;
    uint64_t dumps;
    uint64_t failed;
};

/* Starts the thread with all signals blocked. `asked`: NULL where there is no control page. 0, or -errno.
 * Allowed context: constructor, discovery. */
int dumper_start(struct dumper *dumper, _Atomic uint32_t *asked, const struct options *options);

/* Whether this process has a dumper: not before its start, and not in a forked child, which shares the memory but not
 * the thread. Allowed context: any. */
bool dumper_is_here(const struct dumper *dumper);

/* Allowed context: signal, hook. */
void dumper_ask(struct dumper *dumper, enum dump_reason reason);

/* Asks, and waits until that dump has ended, one way or the other, for `wait_ns` at most. In a forked child it returns
 * at once. Allowed context: a stack of the shim's or of libc's, at the process's end. */
void dumper_ask_and_wait(struct dumper *dumper, enum dump_reason reason, uint64_t wait_ns);

#endif
