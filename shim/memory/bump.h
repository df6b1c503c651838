/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for one dump: mapped at its start, handed out front to back, unmapped at its end. Nothing is freed singly.
 *
 * The address space is reserved at once and pages come by touching them, so a dump uses what it needs and no more. What
 * it touched is the dump's "scratch": it is known to the scan and counts in no class.
 *
 * Allowed context: dumper, command; one thread at a time.
 */
#ifndef GPW_MEMORY_BUMP_H
#define GPW_MEMORY_BUMP_H

#include <stdint.h>

struct bump {
    uint8_t *start;
    uint64_t reserved_bytes;
    uint64_t used_bytes;
};

/* 0, or -errno. */
int bump_open(struct bump *bump, uint64_t reserve_bytes);
void bump_close(struct bump *bump);
/* Zeroed memory aligned to 16 bytes, or NULL when the reserve is used up. */
void *bump_take(struct bump *bump, uint64_t bytes);
/* Copies `bytes` bytes and a zero behind them; "" when the reserve is used up. */
const char *bump_string(struct bump *bump, const char *text, uint64_t bytes);

#endif
