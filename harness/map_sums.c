/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums and ratios of a map's answer.
 */
#include "harness/map_sums.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t map_slots_bytes(const struct map_answer *answer)
{
    uint64_t bytes = answer->parts[MAP_PART_BUCKETS].allocated_bytes;
    bytes = add_saturating(bytes, answer->parts[MAP_PART_OLD_BUCKETS].allocated_bytes);
    return add_saturating(bytes, answer->parts[MAP_PART_OVERFLOW].allocated_bytes);
}

struct human map_times(uint64_t part, uint64_t whole)
{
    struct human human;
    unsigned __int128 tenths = ((unsigned __int128)part * 10 + whole / 2) / whole;
    uint64_t narrow = tenths > UINT64_MAX ? UINT64_MAX : (uint64_t)tenths;
    snprintf(human.text, sizeof human.text, "%" PRIu64 ".%" PRIu64, narrow / 10, narrow % 10);
    return human;
}
