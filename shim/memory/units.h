/* SPDX-License-Identifier: Apache-2.0
 *
 * Sizes that the kernel and the Go runtime fix, and the conversions between them. No other file shifts by 13.
 */
#ifndef GPW_MEMORY_UNITS_H
#define GPW_MEMORY_UNITS_H

#include <stdint.h>
#include <string.h>

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

/* At any address. */
static inline uint64_t u64_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
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

/* The sum, or the largest number. */
static inline uint64_t add_saturating(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* __builtin_popcountll is a call into a table where the compiler may not assume POPCNT. */
static inline uint32_t count_ones(uint64_t bits)
{
    bits -= bits >> 1 & 0x5555555555555555u;
    bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (uint32_t)(bits * 0x0101010101010101u >> 56);
}

#endif
