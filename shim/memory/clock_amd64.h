/* SPDX-License-Identifier: Apache-2.0
 *
 * A clock that costs 10 ns where a system call costs 100: the time stamp counter. Constant rate and synchronous between
 * cores on every amd64 CPU since 2008; the dumper turns ticks into nanoseconds by two readings of both clocks.
 */
#ifndef GPW_MEMORY_CLOCK_AMD64_H
#define GPW_MEMORY_CLOCK_AMD64_H

#include <stdint.h>

/* 0.1 to 0.3 ms on CPUs of 1.7 to 5 GHz: a stretch of work that nobody notices (memory/pace.h). */
#define CLOCK_TICKS_OF_WORK (1u << 19)

static inline uint64_t clock_ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

#endif
