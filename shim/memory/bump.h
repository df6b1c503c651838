/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for one dump: mapped at its start, handed out front to back, unmapped at its end. Nothing is freed singly.
 *
 * The address space is reserved at once, without access. Access comes in steps as pieces are taken: what is writable is
 * charged to the process (RLIMIT_DATA; vm.overcommit_memory=2), and what a dump holds of that the program cannot have.
 * What it touched is the dump's "scratch": it is known to the scan and counts in no class.
 *
 * Allowed context: dumper, command; one thread at a time.
 */
#ifndef GPW_MEMORY_BUMP_H
#define GPW_MEMORY_BUMP_H

#include <stdbool.h>
#include <stdint.h>

struct bump {
    uint8_t *start;
    uint64_t reserved_bytes;
    uint64_t used_bytes;
    uint64_t opened_bytes; /* behind it nothing is accessible yet */
};

/* A place for a table that grows: address space for the most, and access to so much of it as was asked for. */
struct bump_room {
    uint8_t *start;
    uint64_t reserved_bytes;
    uint64_t opened_bytes;
};

/* Reserves `reserve_bytes`. 0, or -errno. */
int bump_open(struct bump *bump, uint64_t reserve_bytes);
void bump_close(struct bump *bump);
/* The largest reserve that can be had from `most_bytes` down to `least_bytes`, by quarters. 0, or -errno. */
int bump_open_between(struct bump *bump, uint64_t most_bytes, uint64_t least_bytes);
/* Zeroed memory aligned to 16 bytes, or NULL when the reserve is used up or the system gives no more. */
void *bump_take(struct bump *bump, uint64_t bytes);
/* A room of at most `most_bytes`, whose memory will be zeroed. False: the reserve is used up. */
bool bump_take_room(struct bump *bump, struct bump_room *room, uint64_t most_bytes);
/* Makes the first `bytes` bytes of a room accessible. False: they are more than it has, or than the system gives. */
bool bump_room_open(struct bump_room *room, uint64_t bytes);
/* Resident bytes of what was taken so far. */
uint64_t bump_resident_bytes(const struct bump *bump);
/* Copies `bytes` bytes and a zero behind them; "" when the reserve is used up. */
const char *bump_string(struct bump *bump, const char *text, uint64_t bytes);

#endif
