/* SPDX-License-Identifier: Apache-2.0
 *
 * Sizes that the kernel and the Go runtime fix, and the conversions between them. No other file shifts by 13.
 */
#ifndef GPW_MEMORY_UNITS_H
#define GPW_MEMORY_UNITS_H

#include <stdint.h>

/* malloc.go:pageSize, malloc.go:heapArenaBytes (linux, 64 bit) */
#define GO_PAGE_BYTES 8192u
#define GO_ARENA_BYTES (64u << 20)
#define GO_ARENA_PAGES (GO_ARENA_BYTES / GO_PAGE_BYTES)

/* What one PMD maps where OS pages are 4 KiB. */
#define HUGE_PAGE_BYTES (2u << 20)

static inline uint64_t align_down(uint64_t value, uint64_t power_of_two)
{
    return value & ~(power_of_two - 1);
}

/* Saturates instead of wrapping to a small value. */
static inline uint64_t align_up(uint64_t value, uint64_t power_of_two)
{
    uint64_t up = (value + power_of_two - 1) & ~(power_of_two - 1);
    return up < value ? ~(power_of_two - 1) : up;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
