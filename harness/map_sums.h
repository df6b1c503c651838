/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers that follow from a map's answer. Answers come from dumps too, where numbers may be any: nothing wraps.
 */
#ifndef GPW_HARNESS_MAP_SUMS_H
#define GPW_HARNESS_MAP_SUMS_H

#include <stdint.h>

#include "dump/map_answer.h"
#include "harness/human.h"
#include "memory/units.h"

static inline uint64_t multiply_saturating(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* All that holds slots for entries: what a map that is made anew, or grown, has instead. */
uint64_t map_slots_bytes(const struct map_answer *answer);

/* "3.4": how many times `whole` (which is not 0) `part` is. */
struct human map_times(uint64_t part, uint64_t whole);

#endif
